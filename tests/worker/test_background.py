"""Going behind everybody else, tried in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

TRIAL = """
import ctypes, os
from worker.background import IOPRIO_SET, give_way
give_way()
child = os.popen("nice; cat /proc/self/oom_score_adj").read().split()
kind = ctypes.CDLL(None).syscall(IOPRIO_SET[os.uname().machine] + 1, 1, 0) >> 13  # ioprio_get
print(os.nice(0), kind, *child)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="priorities of Linux")
def test_the_bridge_and_its_children_give_way_to_everybody():
    root = Path(__file__).parents[2]
    said = subprocess.run([sys.executable, "-c", TRIAL], cwd=root, check=True, capture_output=True, text=True)
    assert said.stdout.split() == ["19", "3", "19", "1000"], said.stderr
