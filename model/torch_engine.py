"""The network on PyTorch: CUDA, MPS, or any CPU; the reference that the other runtime is held to.

out of memory ─▶ half the tile, down to SMALLEST ─▶ this photo on the CPU      device broken ─▶ EngineBroken
"""

import logging
from collections.abc import Callable
from functools import cached_property, partial

import numpy as np
import torch
from torch import Tensor

from model.accelerator import Fault, best_device, fault, precision
from model.engine import EngineBroken
from model.enhancement import BUDGET, Restorer, enhance_with
from model.network import Dims, Network, channels_last
from model.plan import Codes, Plan
from model.tile_line import Line
from model.tile_pass import Recipe, bright, recipe
from model.tiles import GRID, MARGIN, tile_side
from model.weights import Weights
from photos.raster import Raster

SIDE = 1024
"""What a tile writes at most on CUDA: enough pixels for any GPU, and enough tiles in 12 MP for copies to hide."""
SMALLEST = 128
PER_PIXEL, PER_CHANNEL = 240, 3
"""Bytes per pixel of a tile, and more per channel of the first level: above what widths of 16 and 32 took on a CPU."""

log = logging.getLogger(__name__)


class TorchEngine:
    """Enhances with PyTorch."""

    name = "torch"

    def __init__(
        self, weights: Weights, *, reason: str, threads: int | None, device: torch.device | None = None
    ) -> None:
        """Raises EngineBroken when the device does not live through one tile."""
        self.reason = reason
        self.weights = weights
        if threads is not None:
            torch.set_num_threads(threads)
        self.bytes_per_pixel = PER_PIXEL + PER_CHANNEL * weights.dims["width"]
        self.settle(device or best_device())
        if self.device.type != "cpu":
            self.warm()

    def settle(self, device: torch.device) -> None:
        """Put the network on a device."""
        self.device = device
        self.dtype = precision(device)
        self.network = network(self.weights, device, self.dtype)
        beside = device.type == "cuda"
        self.line = Line(device, torch.cuda if beside else torch.cpu, slots=2 if beside else 1)
        self.side = SIDE if beside else None

    def warm(self) -> None:
        """Have one photo of each kind pass, so that the first real one finds the kernels chosen and memory reserved.

        cuDNN tries its algorithms at the first tile of a shape; every larger photo is cut into tiles of that shape.
        """
        side = (self.side or SMALLEST) + 2 * MARGIN
        out = np.empty((side, side, 3), np.uint8)
        rgb = Raster(layout="rgb", width=side, height=side, depth=8, curve="srgb", white=255.0)
        mosaic = Raster(layout="mosaic", width=side, height=side, depth=16, curve="linear", cfa="RGGB", white=65535.0)
        try:
            self.enhance(np.zeros((side, side, 3), np.uint8), rgb, 2.0, out, lambda _: None)
            self.enhance(np.zeros((side, side), np.uint16), mosaic, 2.0, out, lambda _: None)
        except NotImplementedError as fact:  # MPS lacks what it lacks
            self.reason += f" It computes on the CPU: {str(fact).partition('.')[0]}."
            self.settle(torch.device("cpu"))

    def enhance(
        self, pixels: Codes, raster: Raster, ratio: float | None, out: Codes, progress: Callable[[float], None]
    ) -> float:
        """See `engine.Engine`. Raises EngineBroken when this process can use its device no more."""
        photo = partial(enhance_with, pixels=pixels, raster=raster, ratio=ratio, out=out, progress=growing(progress))
        while True:
            try:
                return photo(self, side=self.side)
            except RuntimeError as error:
                self.meet(error)
            # Only here, where the error and the tensors of its frames are gone, can memory be given back.
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            if not self.shrink():
                return photo(self.spare)

    def meet(self, error: RuntimeError) -> None:
        """Return if a smaller tile may cure it, else raise."""
        kind: Fault | None = fault(error)
        if kind == "device":
            raise EngineBroken(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}") from error
        if kind is None:
            raise error

    def shrink(self) -> bool:
        """Halve the tile, for this photo and all that follow; False when it is as small as it gets."""
        side = self.side or tile_side(BUDGET, self.bytes_per_pixel)
        if side <= SMALLEST:
            log.warning("%s has no memory for the smallest tile; the photo is finished on the CPU", self.device)
            return False
        self.side = max(SMALLEST, side // 2 // GRID * GRID)
        log.warning("%s has no memory for tiles of %d; from now on they have %d", self.device, side, self.side)
        return True

    @cached_property
    def spare(self) -> "TorchEngine":
        """The same network on the CPU."""
        return TorchEngine(self.weights, reason="no memory on the device", threads=None, device=torch.device("cpu"))

    @cached_property
    def exact(self) -> Network:
        """The network in float32, for tiles that leave fp16's range."""
        log.warning("a photo leaves the range of half precision; such tiles are computed in float32")
        return network(self.weights, self.device, torch.float32)

    def begin(self, plan: Plan) -> Restorer:
        """See `enhancement.Runtime`."""
        prepared = recipe(plan, self.device)
        work = partial(self.tile, prepared)
        exact = partial(self.tile, prepared, exact=True)
        return lambda blocks: self.line.restored(blocks, work, exact)

    def tile(self, prepared: Recipe, codes: Tensor, *, exact: bool = False) -> tuple[Tensor, Tensor]:
        """See `tile_pass.bright`."""
        chosen, dtype = (self.exact, torch.float32) if exact else (self.network, self.dtype)
        tuned = self.side == SIDE and min(codes.shape[:2]) >= SIDE + 2 * MARGIN
        with torch.backends.cudnn.flags(enabled=True, benchmark=tuned):
            return bright(chosen, dtype, prepared, codes)


def network(weights: Weights, device: torch.device, dtype: torch.dtype) -> Network:
    """The network of a weights file, ready to be asked."""
    built = Network(Dims(**weights.dims))
    built.load_state_dict({name: torch.from_numpy(array) for name, array in weights.arrays.items()})
    return channels_last(built.eval().requires_grad_(requires_grad=False).to(device, dtype))


def growing(progress: Callable[[float], None]) -> Callable[[float], None]:
    """Progress that never goes back, though a photo may be begun again with smaller tiles."""
    told = 0.0

    def tell(done: float) -> None:
        nonlocal told
        told = max(told, done)
        progress(told)

    return tell
