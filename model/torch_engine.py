"""The network on PyTorch: CUDA, MPS, or any CPU; the reference that the other runtime is held to."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model.enhancement import Restorer, enhance_with
from model.network import Dims, Network, channels_last, restore
from model.plan import Codes, Plan
from model.tensors import decode, encode
from model.weights import Weights
from photos.raster import Raster


def fast_bfloat16(device: torch.device) -> bool:
    """Whether bf16 convolutions are quicker there; CPUs without the instructions would emulate them."""
    if device.type == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported())  # noqa: SLF001 - torch has no public question
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def best_device() -> torch.device:
    """CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


class TorchEngine:
    """Enhances with PyTorch."""

    name = "torch"
    bytes_per_pixel = 330

    def __init__(self, weights: Weights, *, reason: str, threads: int | None) -> None:
        self.reason = reason
        if threads is not None:
            torch.set_num_threads(threads)
        self.device = best_device()
        self.network = Network(Dims(**weights.dims))
        self.network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.arrays.items()})
        self.network = self.network.eval().requires_grad_(requires_grad=False)
        self.network = channels_last(self.network.to(self.device))
        self.half = fast_bfloat16(self.device)

    def enhance(
        self, pixels: Codes, raster: Raster, ratio: float | None, out: Codes, progress: Callable[[float], None]
    ) -> float:
        """See `engine.Engine`."""
        with torch.inference_mode():
            return enhance_with(self, pixels, raster, ratio, out, progress)

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`."""
        source = torch.from_numpy(plan.source).to(self.device)
        conditions = torch.from_numpy(plan.conditions)[None].to(self.device)
        tone = torch.from_numpy(plan.tone).to(self.device)
        matrix = None if plan.matrix is None else torch.from_numpy(plan.matrix).to(self.device)
        kind = torch.uint8 if plan.white == 255 else torch.uint16

        def restored(block: Codes) -> Codes:
            codes = torch.from_numpy(block if block.dtype == np.uint8 else block.astype(np.int32)).to(self.device).int()
            planes = packed_rgb(codes, source) if matrix is None else packed_mosaic(codes, source)
            planes = planes.contiguous(memory_format=torch.channels_last)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                picture = restore(self.network, planes, conditions, plan.layout, plan.strength)
            if matrix is not None:
                picture = encode(torch.einsum("ij,njhw->nihw", matrix, decode(picture)))
            bright = toned(picture[0], tone, plan.top).permute(1, 2, 0)
            # uint16 only where every backend has it
            return (bright.to(kind).cpu() if kind == torch.uint8 else bright.cpu().to(kind)).numpy()

        return lambda blocks: map(restored, blocks)


def packed_rgb(codes: Tensor, source: Tensor) -> Tensor:
    """Codes [h, w, 3] → encoded planes [1, 12, h/2, w/2]."""
    return functional.pixel_unshuffle(source[0][codes].permute(2, 0, 1)[None], 2)


def packed_mosaic(codes: Tensor, source: Tensor) -> Tensor:
    """RGGB codes [h, w] → encoded planes [1, 4, h/2, w/2]."""
    quads = [codes[position // 2 :: 2, position % 2 :: 2] for position in range(4)]
    return torch.stack([table[quad] for table, quad in zip(source, quads, strict=True)])[None]


def toned(picture: Tensor, tone: Tensor, top: float) -> Tensor:
    """Encoded light → output codes, rounded, by linear interpolation in the tone table."""
    place = picture.clamp(0, top) * ((len(tone) - 1) / top)
    below = place.to(torch.int32).clamp(max=len(tone) - 2)
    low, high = tone[below], tone[below + 1]
    return (low + (place - below) * (high - low)).round()
