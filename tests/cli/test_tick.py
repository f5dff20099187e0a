"""`firstlight tick` as a process of its own."""

import os
import subprocess
import sys

from jobs.clock import now_ms
from jobs.ports import open_ports
from jobs.settings import Settings
from jobs.table import Row


def test_a_tick_that_meets_a_defect_ends_although_it_tends_a_bridge(tmp_path):
    stores = f"sqlite:{tmp_path}/jobs.db"
    settings = Settings(
        blobs=f"file:{tmp_path}/blobs", queue=stores, table=stores, spool=f"{tmp_path}/spool", fleet="none:", bridge=1
    )
    ports = open_ports(settings, clock=now_ms)
    ports.table.insert(Row(key="slot/0", doc="no slot", group="slot"))  # whoever supervises must hear of it
    ports.close()
    command = [sys.executable, "-m", "cli", "tick"]
    ended = subprocess.run(
        command, env={**os.environ, **settings.environ()}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "JSONDecodeError" in ended.stderr
