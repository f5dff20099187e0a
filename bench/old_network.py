"""The network of the system this one replaces, to be timed: SID's U-Net, three inputs, random weights, eager fp32."""

import time
from collections.abc import Callable
from typing import Any

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


def in_openvino(side: int) -> Callable[[], Any]:
    """A pass of the old network on a picture of that side, in the runtime and the precision that ours has on a CPU."""
    import openvino as ov  # noqa: PLC0415 — not everywhere
    from openvino import opset13 as ops  # noqa: PLC0415

    from model.graph_layers import convolution  # noqa: PLC0415
    from model.openvino_engine import precision  # noqa: PLC0415

    network = build()

    def paired(node: Any, layers: nn.Module) -> Any:
        for layer in (each for each in layers.children() if isinstance(each, nn.Conv2d)):
            node = convolution(node, layer.weight.numpy(), biases(layer))
            node = ops.prelu(node, ops.constant(np.array([0.2], np.float32)))
        return node

    given = ops.parameter([1, 3, side, side], ov.Type.f32)
    node, skips = given, []
    for level, layers in enumerate(network.down):
        node = paired(
            node if level == 0 else ops.max_pool(node, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0), layers
        )
        skips.append(node)
    for grow, layers, skip in zip(network.grow, network.up, reversed(skips[:-1]), strict=True):
        kernel = ops.constant(grow.weight.numpy())  # type: ignore[operator]
        node = ops.convolution_backprop_data(node, kernel, [2, 2], None, [0, 0], [0, 0], [1, 1])
        node = ops.add(node, ops.constant(biases(grow).reshape(1, -1, 1, 1)))
        node = paired(ops.concat([node, skip], 1), layers)
    node = ops.depth_to_space(convolution(node, network.head.weight.numpy(), biases(network.head)), "depth_first", 2)
    core = ov.Core()
    request = core.compile_model(ov.Model([node], [given], "old"), "CPU", precision(core)).create_infer_request()
    picture = np.random.default_rng(0).random((1, 3, side, side), np.float32)
    return lambda: request.infer({0: picture}, share_inputs=True)


def biases(layer: Any) -> Any:
    """A layer's biases as an array."""
    return layer.bias.numpy()


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
