"""Starts a worker: `python -m worker [--slot N --epoch E]`, settings from the environment.

Its processes start first, and load beside what is still to be imported here.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from jobs.clock import now_ms
from jobs.settings import BadSetting, Settings
from photos.errors import CodecDied, SandboxUnavailable
from worker.engine import EngineProcess

if TYPE_CHECKING:
    from photos.codec import Codec
    from photos.sandbox import Mode


def main() -> int:
    """Run one worker until it is idle, told to stop, or broken; see `worker.supervisor` for the exit statuses."""
    up_ms = now_ms()
    gc.disable()  # until everything is imported: nothing would be found
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--slot", type=int, default=-1, help="the machine slot that a launcher gave")
    parser.add_argument("--epoch", type=int, default=0, help="the slot's epoch at the launch")
    parser.add_argument("--bridge", action="store_true", help="run beside the API, behind everybody else")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = Settings.read(os.environ)  # noqa: TID251 — an entry point
    except BadSetting as fact:
        print(f"worker: {fact}", file=sys.stderr)
        return 2
    if arguments.bridge:
        from worker.background import give_way  # noqa: PLC0415 — not on a machine's way to its first photo

        give_way()
    engine = EngineProcess(
        engine=settings.engine,
        network=settings.network,
        graphs=settings.graph_cache,
        threads=settings.engine_threads,
        stall_s=settings.stall_s,
        load_s=settings.ready_deadline_s,
    )
    engine.launch()
    from photos.codec import Codec  # noqa: PLC0415 — while the engine, the slowest of the three, loads

    codec = Codec(sandbox=cast("Mode", settings.sandbox))
    threading.Thread(target=_warm, args=(codec,), name="zygote", daemon=True).start()
    from worker.shift import Shift  # noqa: PLC0415 — while both load

    shift = Shift(slot=arguments.slot, epoch=arguments.epoch, bridge=arguments.bridge, up_ms=up_ms)
    status = shift.work(settings, engine, codec, environ=os.environ)  # noqa: TID251 — an entry point
    engine.stop()
    codec.close()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # stage threads may still wait; nothing is left to save


def _warm(codec: Codec) -> None:
    with suppress(CodecDied, SandboxUnavailable):  # the belt warms it too, and meets the same
        codec.warm()


if __name__ == "__main__":
    sys.exit(main())
