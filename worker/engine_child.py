"""The engine process: holds the network and brightens what lies in the buffers that it is handed.

Run by the supervisor as `python -m worker.engine_child DESCRIPTOR ENGINE THREADS`; ends when the supervisor does.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from photos.raster import Raster
from photos.sandbox import die_with_parent
from photos.wire import receive, send

if TYPE_CHECKING:
    from model.engine import Engine, Name


def main(arguments: list[str]) -> int:
    """Answer one `ready` or `error`, then one `ratio` or `error` per request, with `progress` in between."""
    die_with_parent(os.getppid())
    descriptor, name, threads = int(arguments[0]), arguments[1], int(arguments[2])
    with socket.socket(fileno=descriptor) as supervisor:
        try:
            from model.engine import load_engine  # noqa: PLC0415 — a failed import is an answer too

            engine = load_engine(cast("Name", name), threads=threads or None)
        except Exception as error:  # noqa: BLE001 — whatever went wrong, the supervisor must hear it
            send(supervisor, {"error": f"{type(error).__name__}: {error}"})
            return 1
        send(supervisor, {"ready": engine.name})
        while True:
            descriptors: list[int] = []
            request = receive(supervisor, descriptors)
            if not isinstance(request, dict):
                return 0
            send(supervisor, _answered(engine, request, descriptors, supervisor))


def enhance_buffers(
    engine: Engine,
    raster: Raster,
    pixels: int,
    out: int,
    *,
    ratio: float | None,
    depth: int,
    progress: Callable[[float], None],
) -> float:
    """Brighten what lies in the buffer `pixels` into the buffer `out` ([H, W, 3] of `depth` bits); the ratio used."""
    import numpy as np  # noqa: PLC0415 — after the engine, which chose its threads

    kind = np.uint8 if raster.depth == 8 else np.uint16
    shape = (raster.height, raster.width, 3) if raster.layout == "rgb" else (raster.height, raster.width)
    source = np.memmap(open(pixels, "rb", closefd=False), kind, "r", shape=shape)  # noqa: SIM115 — not ours to close
    target = np.memmap(
        open(out, "r+b", closefd=False),  # noqa: SIM115
        np.uint8 if depth == 8 else np.uint16,
        "r+",
        shape=(raster.height, raster.width, 3),
    )
    return float(engine.enhance(source, raster, ratio, target, progress))


def _answered(
    engine: Engine, request: dict[str, Any], descriptors: list[int], supervisor: socket.socket
) -> dict[str, Any]:
    try:
        pixels, out = descriptors
        ratio = enhance_buffers(
            engine,
            Raster.from_json(request["raster"]),
            pixels,
            out,
            ratio=request["ratio"],
            depth=request["depth"],
            progress=lambda done: send(supervisor, {"progress": done}),
        )
    except Exception as error:  # noqa: BLE001 — the supervisor decides what an attempt costs
        return {"error": f"{type(error).__name__}: {error}"}
    finally:
        for each in descriptors:
            os.close(each)
    return {"ratio": ratio}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
