import os
import sys
from pathlib import Path

import jobs.settings

settings = jobs.settings.Settings.read(os.environ)
print(" ".join(sys.argv[1:]), Path.cwd(), settings.heartbeat_s, flush=True)
