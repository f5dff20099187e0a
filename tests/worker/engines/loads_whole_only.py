"""An engine that cannot be loaded leanly, and then doubles every code."""

import sys

from tests.worker.engines.served import serve

if __name__ == "__main__":
    if sys.argv[-1] != "whole":
        sys.exit(1)
    serve(int(sys.argv[1]), lambda source, target, progress: target.__setitem__(slice(None), source * 2))
