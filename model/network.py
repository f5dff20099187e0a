"""The network in PyTorch: two small stems, one plain 3×3 U-Net, a residual on twelve planes.

    mosaic [4+2 planes] ─ stem ┐                                                  ┌─ head ─ 12 planes, added to it
                               ├─ 16 ─▶ 32 ─▶ 64 ─▶ 128 ─▶ 64 ─▶ 32 ─▶ 16 ────────┘
    rgb   [12+2 planes] ─ stem ┘   └──────┴──── sums ────┴──────┘

Plain convolutions run at nine tenths of a CPU's peak where attention or depthwise ones are bound by memory. Skips are
sums, not concatenations: the same floating-point budget then buys a second residual block at the bottom, where the
context is. The head sees the input beside the features, since sixteen channels cannot carry twelve planes of it, and a
gate says where its change is wanted: with neither, 4,750 batches taught one blur for every noise; with both, 1,000 did
better.
"""

from dataclasses import asdict, dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from model.network_range import INPUT_HIGH, INPUT_LOW, LEAK

Layout = Literal["rgb", "mosaic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dims:
    """What must be known to build the network before its weights are loaded."""

    width: int = 16
    levels: int = 4
    blocks: int = 1
    middle_blocks: int = 2

    def as_metadata(self) -> dict[str, int]:
        """The dimensions as they are saved with the weights."""
        return asdict(self)


class Block(nn.Module):
    """Two 3×3 convolutions, added to what came in: [N, C, H, W] → the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, planes: Tensor) -> Tensor:
        """One residual step."""
        return bend(planes + self.second(bend(self.first(planes))))


def bend(planes: Tensor) -> Tensor:
    """The non-linearity. Leaky, since a plain ReLU on the sums died as a whole in an early training run."""
    return functional.leaky_relu(planes, LEAK)


def in_quad(planes: Tensor) -> Tensor:
    """The picture the residual is added to: [N, 12, h, w] as it is; a mosaic's [N, 4, h, w] (R G G B) → [N, 12, h, w].

    A mosaic gets the simplest demosaic there is, each colour repeated over its quad; the network adds the rest.
    """
    if planes.shape[1] == 12:
        return planes
    red, green_right, green_below, blue = planes.unbind(1)
    green = (green_right + green_below) / 2
    return torch.stack([red] * 4 + [green, green_right, green_below, green] + [blue] * 4, 1)


class Network(nn.Module):
    """A restoration network: packed encoded planes and two conditions in, a residual on twelve planes out."""

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.dims = dims
        widths = [dims.width << level for level in range(dims.levels)]
        self.stem = nn.ModuleDict(
            {
                "mosaic": nn.Conv2d(4 + 2, dims.width, 3, padding=1),
                "rgb": nn.Conv2d(12 + 2, dims.width, 3, padding=1),
            }
        )
        self.down = nn.ModuleList(nn.Sequential(*(Block(width) for _ in range(dims.blocks))) for width in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(width, 2 * width, 2, stride=2) for width in widths[:-1])
        self.middle = nn.Sequential(*(Block(widths[-1]) for _ in range(dims.middle_blocks)))
        self.grow = nn.ModuleList(nn.Conv2d(2 * width, 4 * width, 1) for width in widths[:-1])
        self.up = nn.ModuleList(nn.Sequential(*(Block(width) for _ in range(dims.blocks))) for width in widths[:-1])
        self.gate = nn.Conv2d(dims.width, 12, 3, padding=1)
        self.head = nn.Conv2d(dims.width + 12, 12, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        self.head.bias = nn.Parameter(torch.zeros(12))

    def forward(self, planes: Tensor, conditions: Tensor, layout: Layout) -> Tensor:
        """Residual for packed planes.

        planes: [N, 4 or 12, h, w], encoded; h and w multiples of 2^(levels-1). conditions: [N, 2], see `conditions`.
        Returns [N, 12, h, w]: planes 4c..4c+3 hold colour c at the quad's four positions, row-major.
        """
        count, _, height, width = planes.shape
        constant = conditions[:, :, None, None].expand(count, 2, height, width).to(planes.dtype)
        seen = planes.clamp(INPUT_LOW, INPUT_HIGH)
        x = bend(self.stem[layout](torch.cat([seen, constant], 1)))
        skips = []
        for blocks, shrink in zip(self.down, self.shrink, strict=True):
            x = blocks(x)
            skips.append(x)
            x = bend(shrink(x))
        x = self.middle(x)
        for blocks, grow, skip in zip(reversed(self.up), reversed(self.grow), reversed(skips), strict=True):
            x = blocks(functional.pixel_shuffle(grow(x), 2) + skip)
        change = self.head(torch.cat([x, in_quad(seen)], 1))
        return change * torch.sigmoid(self.gate(x))  # type: ignore[no-any-return]


def restore(network: Network, planes: Tensor, conditions: Tensor, layout: Layout, strength: float = 1.0) -> Tensor:
    """Packed encoded planes → restored picture [N, 3, 2h, 2w], encoded, unclipped; the sum is always float32.

    `strength` 0…1 is the share of the residual that is added.
    """
    residual = network(planes, conditions, layout)
    return functional.pixel_shuffle(in_quad(planes).float() + strength * residual.float(), 2)


def pack(picture: Tensor) -> Tensor:
    """[N, 3 or 1, H, W], even sides → [N, 12 or 4, H/2, W/2]; the inverse of `pixel_shuffle(…, 2)`."""
    return functional.pixel_unshuffle(picture, 2)


def channels_last(network: Network) -> Network:
    """The network with its kernels in the memory order that convolutions prefer."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return, call-overload]


def parameter_count(network: Network) -> int:
    """How many numbers training may move."""
    return sum(parameter.numel() for parameter in network.parameters())
