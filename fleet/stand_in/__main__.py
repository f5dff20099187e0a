"""`python -m fleet.stand_in`: a small AWS on a loopback port, until ended; its EC2 runs real workers."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from fleet.stand_in.cloud import KEYS, LocalCloud, fair


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fleet.stand_in", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0: any that is free")
    parser.add_argument("--boot-s", type=float, default=2.0, help="seconds an instance takes to boot")
    parser.add_argument("--logs", type=Path, default=Path("var/logs/machines"), help="folder for what workers say")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    os.environ.update(KEYS)  # noqa: TID251 — an entry point; moto has no other account
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    environ = dict(os.environ)  # noqa: TID251 — handed on to the hosts
    cloud = LocalCloud(environ=environ, logs=arguments.logs, port=arguments.port, weather=fair(boot_s=arguments.boot_s))
    print(cloud.endpoint, flush=True)
    stop.wait()
    cloud.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
