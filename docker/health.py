"""Whether this container does its work, for the engine's health check: `health.py api | worker | tick`; status 0 or 1.

The API answers /health; a worker has written its state lately, and not that it gave up; somebody has ticked lately.
The first two need the standard library alone and are run with -I -S, for they are asked every few seconds.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path

PATIENCE_S = 4.0
GIVEN_UP = ("setup_failed", "defunct")


def api(port: int) -> str:
    """What is wrong with the API that listens on `port`; empty if nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"the API does not answer: {error}"
    finally:
        connection.close()
    return "" if status == http.client.OK else f"the API answers {status}"


def worker(pulse: Path, *, fresh_s: float, now: float) -> str:
    """What is wrong with the worker that writes `pulse`; empty if nothing."""
    try:
        age_s, state = now - pulse.stat().st_mtime, pulse.read_text()
    except OSError as error:
        return f"the worker shows no pulse: {error}"
    if state in GIVEN_UP:
        return f"the worker says {state}"
    return "" if age_s <= fresh_s else f"the worker's last sign of life is {age_s:.0f} s old"


def tick() -> str:
    """What is wrong with the tick, by the row that it writes; empty if nothing."""
    from fleet.attendance import STALE_MS, last_tick_ms  # noqa: PLC0415 — the program itself, too much for the others
    from jobs.clock import now_ms  # noqa: PLC0415
    from jobs.ports import open_ports  # noqa: PLC0415
    from jobs.settings import Settings  # noqa: PLC0415

    ports = open_ports(Settings.read(os.environ), clock=now_ms)  # noqa: TID251 — an entry point
    last_ms = last_tick_ms(ports.table)
    if last_ms is None:
        return "nobody has ticked yet"
    age_ms = now_ms() - last_ms
    return "" if age_ms <= STALE_MS else f"nobody has ticked for {age_ms / 1000:.0f} s"


def main(part: str) -> int:
    environ = os.environ  # noqa: TID251 — an entry point
    if part == "api":
        wrong = api(int(environ.get("PORT") or 8080))
    elif part == "tick":
        wrong = tick()
    else:
        heartbeat_s = float(environ.get("HEARTBEAT_S") or 5)
        wrong = worker(Path(environ["PULSE_FILE"]), fresh_s=4 * heartbeat_s, now=time.time())  # noqa: TID251
    print(wrong or "fine")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
