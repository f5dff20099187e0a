"""A process whose loop stands still must end; one whose loop turns must not."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

PROGRAM = """
from gevent import monkey
monkey.patch_all()
import time
from api.warden import guard_loop
guard_loop(blocked_s={blocked_s})
time.sleep(0.05)
{work}
"""


@pytest.mark.parametrize(
    ("work", "blocked_s", "status"),
    [("while True: pass", 0.4, -signal.SIGKILL), ("time.sleep(4)", 3.0, 0)],
)
def test_a_blocked_loop_ends_its_process(work: str, blocked_s: float, status: int) -> None:
    program = PROGRAM.format(work=work, blocked_s=blocked_s)
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert ("Current thread" in done.stderr or "Thread" in done.stderr) == (status != 0)


def test_a_blocked_loop_ends_also_where_nobody_reads_its_log() -> None:
    full = """
import os
os.set_blocking(2, False)
try:
    while True:
        os.write(2, b"x" * 4096)
except BlockingIOError:
    os.set_blocking(2, True)
while True:
    pass
"""
    program = PROGRAM.format(work=full, blocked_s=0.4)
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) as process:
        try:
            assert process.wait(60) == -signal.SIGALRM
        finally:
            process.kill()
