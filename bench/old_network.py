"""The network of the system this one replaces, to be timed: SID's U-Net, three inputs, random weights, eager fp32."""

import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

PARAMETERS = 7_763_532


def pair(inside: int, outside: int) -> nn.Sequential:
    """Two 3×3 convolutions, each with a leaky ReLU."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(outside, outside, 3, padding=1),
        nn.LeakyReLU(0.2),
    )


class OldNetwork(nn.Module):
    """Five levels of 32…512 channels, pooling, transposed convolutions, concatenated skips, twelve planes, shuffled."""

    def __init__(self) -> None:
        super().__init__()
        widths = [32, 64, 128, 256, 512]
        self.down = nn.ModuleList(pair(before, after) for before, after in zip([3, *widths], widths, strict=False))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(2 * width, width, 2, stride=2) for width in reversed(widths[:-1]))
        self.up = nn.ModuleList(pair(2 * width, width) for width in reversed(widths[:-1]))
        self.head = nn.Conv2d(32, 12, 3, padding=1)

    def forward(self, picture: Tensor) -> Tensor:
        """[N, 3, H, W], sides multiples of 16 → [N, 3, 2H, 2W]."""
        skips: list[Tensor] = []
        for level, convolutions in enumerate(self.down):
            picture = convolutions(picture if level == 0 else nn.functional.max_pool2d(picture, 2))
            skips.append(picture)
        for grow, convolutions, skip in zip(self.grow, self.up, reversed(skips[:-1]), strict=True):
            picture = convolutions(torch.cat([grow(picture), skip], 1))
        return nn.functional.pixel_shuffle(self.head(picture), 2)


def build() -> OldNetwork:
    """The old network with random weights."""
    network = OldNetwork().eval().requires_grad_(requires_grad=False)
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count == PARAMETERS, f"{count} parameters"
    return network


def in_openvino(side: int) -> Callable[[], object]:
    """A pass of the old network on a picture of that side, in the runtime and the precision that ours has on a CPU."""
    import openvino as ov  # noqa: PLC0415 — not everywhere

    from model.openvino_engine import precision  # noqa: PLC0415

    picture = np.random.default_rng(0).random((1, 3, side, side), np.float32)
    core = ov.Core()
    graph = ov.convert_model(build(), example_input=torch.from_numpy(picture), input=[1, 3, side, side])
    request = core.compile_model(graph, "CPU", precision(core)).create_infer_request()
    return lambda: request.infer({0: picture}, share_inputs=True)


def seconds_per_megapixel(
    network: OldNetwork, *, side: int = 512, repeats: int = 2, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Wall seconds per megapixel that comes out, best of `repeats` after a warm-up, with torch's current threads."""
    picture = torch.rand(1, 3, side // 2, side // 2)
    with torch.inference_mode():
        network(picture)
        best = min(timed(network, picture, clock) for _ in range(repeats))
    return best / (side * side / 1e6)


def timed(network: OldNetwork, picture: Tensor, clock: Callable[[], float]) -> float:
    """Seconds of one pass."""
    begun = clock()
    network(picture)
    return clock() - begun


if __name__ == "__main__":
    print(f"{seconds_per_megapixel(build()):.2f} s per output megapixel, {torch.get_num_threads()} threads")
