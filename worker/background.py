"""Lets everybody else on this computer go first: least CPU weight, idle disk priority, first to go when memory ends."""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import sys
from pathlib import Path

log = logging.getLogger(__name__)

LOWEST = 19
IDLE_DISK = 3 << 13  # IOPRIO_CLASS_IDLE in ioprio_set(2)
WHO_PROCESS = 1
IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
OOM_FIRST = "1000"


def give_way() -> None:
    """For this process and all that it starts from now on; the log says what this system does not offer."""
    missing = []
    os.nice(LOWEST)
    if not _idle_disk():
        missing.append("idle disk priority")
    if sys.platform == "linux":
        try:
            Path("/proc/self/oom_score_adj").write_text(OOM_FIRST)
        except OSError:
            missing.append("going first when memory ends")
    if missing:
        log.warning("this system does not offer: %s", ", ".join(missing))


def _idle_disk() -> bool:
    number = IOPRIO_SET.get(platform.machine()) if sys.platform == "linux" else None
    if number is None:
        return False
    return int(ctypes.CDLL(None, use_errno=True).syscall(number, WHO_PROCESS, 0, IDLE_DISK)) == 0
