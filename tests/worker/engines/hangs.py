"""An engine that stops in the middle of every photo, as SIGSTOP would."""

import os
import signal
import sys

from tests.worker.engines.served import serve

if __name__ == "__main__":
    serve(int(sys.argv[1]), lambda source, target, progress: os.kill(os.getpid(), signal.SIGSTOP))
