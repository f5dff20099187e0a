"""An engine that cannot be loaded."""

import sys

if __name__ == "__main__":
    sys.exit(1)
