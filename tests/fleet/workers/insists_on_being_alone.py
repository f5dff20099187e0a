"""Beats `busy`, and leaves a file `violated` when another worker of its slot is alive."""

import fcntl
import os
import sys
import time
from pathlib import Path

from jobs.clock import now_ms
from jobs.heartbeat import Heartbeat, beat
from jobs.settings import Settings
from jobs.table import SqliteTable

_, slot, _, epoch = sys.argv[1:]
settings = Settings.read(os.environ)
path = Path(settings.table.removeprefix("sqlite:")).parent
alone = (path / f"alone.{slot}").open("w")
try:
    fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    (path / "violated").touch()
print("alone", flush=True)
table = SqliteTable(settings.table.removeprefix("sqlite:"))
now = started = now_ms()
while True:
    beat(
        table,
        Heartbeat(
            worker=f"slot{slot}-{epoch}",
            slot=int(slot),
            epoch=int(epoch),
            state="busy",
            started_ms=started,
            beat_ms=now_ms(),
            ready_ms=started,
            last_job_ms=started,
        ),
    )
    time.sleep(settings.heartbeat_s)
