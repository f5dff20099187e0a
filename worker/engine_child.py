"""The engine process: holds the network and brightens what lies in the buffers that it is handed.

Run by the supervisor as `python -m worker.engine_child DESCRIPTOR ENGINE THREADS NETWORK GRAPHS HOW`; HOW is `lean` or
`whole` (see `worker/lean_import.py`). Ends with it, and when its accelerator breaks: after an illegal access or an ECC
error every later call in this process would fail too.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from photos.raster import Raster
from photos.sandbox import die_with_parent
from photos.wire import receive, send
from worker.lean_import import lean

if TYPE_CHECKING:
    from model.engine import Engine, Name

EXIT_BROKEN = 70


def main(arguments: list[str]) -> int:
    """Serve with the engine that the arguments name."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; who started us decides what ends
    descriptor, name, threads, network, graphs, how = arguments

    def load() -> Engine:
        with lean() if how == "lean" else nullcontext():
            from model.engine import load_engine  # noqa: PLC0415 — a failed import is an answer too
            from model.weights import NETWORKS  # noqa: PLC0415

            return load_engine(
                cast("Name", name),
                threads=int(threads) or None,
                weights=NETWORKS[network],
                graphs=None if graphs == "off" else Path(graphs),
            )

    return serve(int(descriptor), load)


def serve(descriptor: int, load: Callable[[], Engine]) -> int:
    """Answer one `ready` or `error`, then one `ratio` or `error` per request, with `progress` in between.

    An `error` with `ends` is the last answer.
    """
    die_with_parent(os.getppid())
    with socket.socket(fileno=descriptor) as supervisor:
        try:
            engine = load()
        except Exception as error:  # noqa: BLE001 — whatever went wrong, the supervisor must hear it
            ours = type(error).__module__.startswith("model.")  # a fact of ours says all in its sentence
            send(supervisor, {"error": str(error) if ours else f"{type(error).__name__}: {error}"})
            return 1
        send(supervisor, {"ready": engine.name, "reason": engine.reason})
        preparing = threading.Thread()
        while True:
            descriptors: list[int] = []
            request = receive(supervisor, descriptors)
            if not isinstance(request, dict):
                return 0
            if "expect" in request:
                # Beside us: when the photo comes, its exposure is decided meanwhile.
                preparing = threading.Thread(target=expect, args=(engine, request))
                preparing.start()
                continue
            answer = _answered(engine, request, descriptors, supervisor)
            if preparing.is_alive():
                preparing.join()
            send(supervisor, answer)
            if answer.get("ends"):
                os._exit(EXIT_BROKEN)  # unwinding would call into the broken device, which may hang


def expect(engine: Engine, request: dict[str, Any]) -> None:
    """Prepare for the next photo. What goes wrong now goes wrong again with the photo, and is answered then."""
    from model.engine import Foresighted  # noqa: PLC0415 — loaded by now, with the engine

    if isinstance(engine, Foresighted):
        depth_in, depth_out = request["depths"]
        try:
            engine.expect(**request["expect"], depth_in=depth_in, depth_out=depth_out)
        except Exception as error:  # noqa: BLE001
            print(f"the engine could not prepare for a photo: {error}", file=sys.stderr)


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
        from model.engine import EngineBroken  # noqa: PLC0415 — loaded by now, with the engine

        return {"error": f"{type(error).__name__}: {error}", "ends": isinstance(error, EngineBroken)}
    finally:
        for each in descriptors:
            os.close(each)
    return {"ratio": ratio}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
