"""The network on OpenVINO: for machines without a GPU, quicker there than PyTorch and ready in a third of the time."""

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle
from pathlib import Path
from threading import Lock
from typing import Any, Literal

import numpy as np
import openvino as ov

from model.enhancement import BUDGET, Restorer, enhance_with
from model.graph import build, inputs
from model.graph_cache import GraphCache, cpu, sources
from model.plan import Codes, Plan
from model.tiles import least_reading
from model.weights import Weights
from photos.raster import Raster

Kind = tuple[Literal["rgb", "mosaic"], int, int, int, int]
"""Layout, depth in, depth out, height and width of a tile."""
TRIAL: Kind = ("rgb", 8, 8, 16, 16)
"""A graph that shows whether any can be compiled here; one that lies in the cache has shown it."""


class OpenVinoEngine:
    """Enhances with OpenVINO on the CPU."""

    name = "openvino"
    bytes_per_pixel = 75
    """Measured: 69 of photos with 8 bits, at any width so far, and 6 for the second request; 96 with 16 in and out."""

    def __init__(self, weights: Weights, *, reason: str, threads: int | None, graphs: Path | None = None) -> None:
        """`graphs` names a folder to keep compiled graphs in; None keeps none."""
        self.reason = reason
        self.weights = weights
        self.core = ov.Core()
        self.options = precision(self.core)
        if threads is not None:
            self.options["INFERENCE_NUM_THREADS"] = threads
        self.cache: GraphCache | None = None
        if graphs is not None:
            grounds = (weights.digest, ov.__version__, sorted(self.options.items()), sources(), cpu())
            self.cache = GraphCache(graphs, grounds)
        self.compiling = Lock()  # a photo may come while its graph is still prepared
        self.compiled: dict[Kind, tuple[ov.InferRequest, ov.InferRequest]] = {}
        if self.cache is None or not self.cache.holds(TRIAL):
            self.requests(TRIAL)  # what cannot be compiled shall be known before the first photo

    def enhance(
        self, pixels: Codes, raster: Raster, ratio: float | None, out: Codes, progress: Callable[[float], None]
    ) -> float:
        """See `engine.Engine`."""
        return enhance_with(self, pixels, raster, ratio, out, progress)

    def requests(self, kind: Kind) -> tuple[ov.InferRequest, ov.InferRequest]:
        """Two that take turns on the graph for one shape of tile.

        A graph keeps the memory it computes in, so the oldest go when all together would need more than one tile may.
        """
        with self.compiling:
            if kind in self.compiled:
                self.compiled[kind] = self.compiled.pop(kind)
                return self.compiled[kind]
            height, width = kind[-2:]
            room = BUDGET // self.bytes_per_pixel - height * width
            while self.compiled and sum(each[3] * each[4] for each in self.compiled) > room:
                del self.compiled[next(iter(self.compiled))]
            model = self.model(kind)
            self.compiled[kind] = model.create_infer_request(), model.create_infer_request()
            return self.compiled[kind]

    def expect(
        self, layout: Literal["rgb", "mosaic"], width: int, height: int, *, depth_in: int, depth_out: int
    ) -> None:
        """See `engine.Foresighted`. What a mosaic's tiles read depends on its pattern, which is not known yet."""
        if layout == "rgb":
            self.requests((layout, depth_in, depth_out, *least_reading(height, width, BUDGET // self.bytes_per_pixel)))

    def model(self, kind: Kind) -> ov.CompiledModel:
        """The graph for one shape of tile, as it was kept, or compiled, and then kept."""
        if self.cache is not None:
            kept = self.cache.read(kind, lambda content: self.core.import_model(content, "CPU", self.options))
            if kept is not None:
                return kept
        layout, depth_in, depth_out, height, width = kind
        graph = build(
            self.weights.arrays,
            self.weights.dims,
            layout=layout,
            depth_in=depth_in,
            depth_out=depth_out,
            height=height,
            width=width,
        )
        model = self.core.compile_model(graph, "CPU", self.options)
        if self.cache is not None:
            self.cache.keep(kind, model.export_model().getvalue())
        return model

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`."""
        return lambda blocks: self.restored(plan, blocks)

    def restored(self, plan: Plan, tiles: Iterable[Codes]) -> Iterator[Codes]:
        """While a tile is computed, the one before is copied out and the next one in."""
        running: tuple[ov.InferRequest, tuple[int, ...]] | None = None
        given: dict[str, Any] = {}
        turns: Iterator[ov.InferRequest] = iter(())
        try:
            for tile in tiles:
                height, width = tile.shape[:2]
                if not given:
                    depths = 8 * tile.dtype.itemsize, plan.white.bit_length()
                    given = inputs(plan, self.weights.arrays, width)
                    turns = cycle(self.requests((plan.layout, *depths, height, width)))
                request = next(turns)
                quads = tile.reshape(height // 2, 2, width // 2, -1)
                request.start_async({"block": quads, **given}, share_inputs=True)
                before, running = running, (request, (height, width, 3))
                if before is not None:
                    yield finished(*before)
            if running is not None:
                yield finished(*running)
        finally:
            if running is not None:
                running[0].wait()  # the photo may have been given up; its memory must not go while it is read


def precision(core: ov.Core) -> dict[str, Any]:
    """Options for compiling: bf16 where the CPU computes in it, else float32."""
    fast = "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return {"INFERENCE_PRECISION_HINT": "bf16" if fast else "f32"}


def finished(request: ov.InferRequest, shape: tuple[int, ...]) -> Codes:
    """The codes of a request that was started, as soon as they are there."""
    request.wait()
    return np.asarray(request.get_output_tensor(0).data).reshape(shape)
