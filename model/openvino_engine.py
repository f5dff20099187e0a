"""The network on OpenVINO: for machines without a GPU, quicker there than PyTorch and ready in a third of the time."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import openvino as ov

from model.enhancement import Restorer, enhance_with
from model.graph import build
from model.plan import Codes, Plan
from model.weights import Weights
from photos.raster import Raster


class OpenVinoEngine:
    """Enhances with OpenVINO on the CPU."""

    name = "openvino"
    bytes_per_pixel = 110

    def __init__(self, weights: Weights, *, reason: str, threads: int | None) -> None:
        self.reason = reason
        self.weights = weights
        self.core = ov.Core()
        fast = "BF16" in self.core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "bf16" if fast else "f32"}
        if threads is not None:
            self.options["INFERENCE_NUM_THREADS"] = threads
        self.compiled: dict[tuple[str, int, int], ov.InferRequest] = {}
        self.request("rgb", 8, 8)

    def enhance(
        self, pixels: Codes, raster: Raster, ratio: float | None, out: Codes, progress: Callable[[float], None]
    ) -> float:
        """See `engine.Engine`."""
        return enhance_with(self, pixels, raster, ratio, out, progress)

    def request(
        self, layout: Literal["rgb", "mosaic"], depth_in: int, depth_out: int, entries: int = 4096
    ) -> ov.InferRequest:
        """The compiled graph for one kind of photo; compiled once, the most usual kind at the start."""
        kind = (layout, depth_in, depth_out)
        if kind not in self.compiled:
            graph = build(
                self.weights.arrays,
                self.weights.dims,
                layout=layout,
                depth_in=depth_in,
                depth_out=depth_out,
                entries=entries,
            )
            self.compiled[kind] = self.core.compile_model(graph, "CPU", self.options).create_infer_request()
        return self.compiled[kind]

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`."""
        depth_in = plan.source.shape[1].bit_length() - 1
        request = self.request(plan.layout, depth_in, plan.white.bit_length(), len(plan.tone))
        constant = {
            "source": plan.source.ravel(),
            "conditions": plan.conditions.reshape(1, 2, 1, 1),
            "tone": plan.tone,
            "strength": np.full((1, 1, 1, 1), plan.strength, np.float32),
            "scale": np.array([(len(plan.tone) - 1) / plan.top], np.float32),
        }
        if plan.matrix is not None:
            constant["matrix"] = plan.matrix

        def restored(block: Codes) -> Codes:
            request.infer({"block": block, **constant}, share_inputs=True)
            return np.asarray(request.get_output_tensor(0).data)

        return lambda blocks: map(restored, blocks)
