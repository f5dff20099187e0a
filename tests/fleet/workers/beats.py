"""A worker in its heartbeats only: `beats.py STATE… --slot N --epoch E` goes through the states, stays in the last."""

import os
import sys
import time

from jobs.clock import now_ms
from jobs.heartbeat import Heartbeat, beat
from jobs.settings import Settings
from jobs.table import SqliteTable

*states, _, slot, _, epoch = sys.argv[1:]
settings = Settings.read(os.environ)
table = SqliteTable(settings.table.removeprefix("sqlite:"))
started_ms, ready_ms = now_ms(), 0
for state in states:
    ready_ms = ready_ms or (now_ms() if state in ("ready", "busy") else 0)
    while True:
        beat(
            table,
            Heartbeat(
                worker=f"slot{slot}-{epoch}",
                slot=int(slot),
                epoch=int(epoch),
                state=state,
                started_ms=started_ms,
                beat_ms=now_ms(),
                ready_ms=ready_ms,
                last_job_ms=now_ms() if state == "busy" else 0,
                detail="The network could not be loaded." if state == "setup_failed" else "",
            ),
        )
        if state != states[-1] or state in ("setup_failed", "draining"):
            break
        time.sleep(settings.heartbeat_s)
