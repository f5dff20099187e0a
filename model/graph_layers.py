"""The network's layers in an OpenVINO graph, as `network.Network` has them, with the plugin's habits served."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from openvino import opset13 as ops

from model.network_range import LEAK

Arrays = dict[str, NDArray[np.float32]]
Layout = Literal["rgb", "mosaic"]
Node = Any
"""An output of a node of the graph; OpenVINO has no type information."""

QUADWISE = [4 * colour + place for place in range(4) for colour in range(3)]
"""The network's twelve planes in our order: by place in the quad, then by colour, so that whole pixels are packed."""


def convolution(
    node: Node, weight: NDArray[np.float32], bias: NDArray[np.float32] | None = None, *, stride: int = 1, pad: int = 1
) -> Node:
    """A convolution: [N, C, h, w] → [N, C', h/stride, w/stride]."""
    kernel = ops.constant(np.ascontiguousarray(weight))
    product = ops.convolution(node, kernel, [stride] * 2, [pad] * 2, [pad] * 2, [1, 1])
    return product if bias is None else ops.add(product, ops.constant(bias.reshape(1, -1, 1, 1)))


def named(node: Node, arrays: Arrays, name: str, *, stride: int = 1, pad: int = 1) -> Node:
    """The convolution of that name."""
    return convolution(node, arrays[f"{name}.weight"], arrays[f"{name}.bias"], stride=stride, pad=pad)


def bend(node: Node) -> Node:
    """The leaky ReLU, as in `network.bend`."""
    return ops.prelu(node, ops.constant(np.array([LEAK], np.float32)))


def blocks(node: Node, arrays: Arrays, name: str, count: int) -> Node:
    """Residual blocks `name.0` … `name.count-1`, as in `network.Block`."""
    for index in range(count):
        inner = bend(named(node, arrays, f"{name}.{index}.first"))
        node = bend(ops.add(node, named(inner, arrays, f"{name}.{index}.second")))
    return node


def grown(node: Node, arrays: Arrays, level: int) -> Node:
    """Twice the sides, half the channels; weights reordered so that whole pixels move, not single numbers."""
    weight, bias = arrays[f"grow.{level}.weight"], arrays[f"grow.{level}.bias"]
    order = np.arange(len(bias)).reshape(-1, 4).T.ravel()
    return ops.depth_to_space(convolution(node, weight[order], bias[order], pad=0), "blocks_first", 2)


def u_net(node: Node, arrays: Arrays, dims: dict[str, int]) -> Node:
    """Features [1, C, h, w] after the stem → the features that head and gate see."""
    skips = []
    for level in range(dims["levels"] - 1):
        node = blocks(node, arrays, f"down.{level}", dims["blocks"])
        skips.append(node)
        node = bend(named(node, arrays, f"shrink.{level}", stride=2, pad=0))
    node = blocks(node, arrays, "middle", dims["middle_blocks"])
    for level in reversed(range(dims["levels"] - 1)):
        node = blocks(ops.add(grown(node, arrays, level), skips[level]), arrays, f"up.{level}", dims["blocks"])
    return node


def stem(seen: Node, bias: Node, arrays: Arrays, layout: Layout, height: int) -> Node:
    """The first layer; what the conditions' planes would add to it is in `bias`, see `stem_bias`."""
    weight = arrays[f"stem.{layout}.weight"][:, :-2]
    inside, above, below = ops.split(bias, ops.constant(np.int64(0)), 3).outputs()
    first, last = np.zeros((2, 1, 1, height, 1), np.float32)
    first[..., 0, 0] = last[..., -1, 0] = 1
    rows = ops.add(ops.multiply(above, ops.constant(first)), ops.multiply(below, ops.constant(last)))
    node = convolution(seen, weight[:, QUADWISE] if layout == "rgb" else weight)
    # A sum of full size, since the plugin computes that within the convolution, rounding once.
    return bend(ops.add(node, ops.add(rows, inside)))


def stem_bias(arrays: Arrays, layout: Layout, conditions: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """[3, C, 1, width ≥ 2] what bias and conditions add to the stem: everywhere, and on top in first and last row.

    A plane of one value adds a constant, but less at the edges, where the kernel meets the zeros beyond them. As planes
    beside the picture's the conditions would cost a twelfth of the whole graph.
    """
    taps = np.einsum("ockl,c->kol", arrays[f"stem.{layout}.weight"][:, -2:], conditions)
    left, inner, right = taps[..., 1:].sum(-1), taps.sum(-1), taps[..., :2].sum(-1)
    rows = np.stack([left, *[inner] * (width - 2), right], -1)
    everywhere = rows.sum(0) + arrays[f"stem.{layout}.bias"][:, None]
    return np.stack([everywhere, -rows[0], -rows[2]])[:, :, None].astype(np.float32)


def residual(features: Node, seen: Node, spread: NDArray[np.float32], arrays: Arrays) -> Node:
    """Head times gate, twelve planes in our order. spread: [12, C] makes twelve planes of those that are seen."""
    head, gate, planes = arrays["head.weight"][QUADWISE], arrays["gate.weight"][QUADWISE], 12
    beside = np.einsum("opkl,ps->oskl", head[:, -planes:][:, QUADWISE], spread)
    # Two convolutions and a sum, since one of both inputs side by side would first have to lay them there.
    change = ops.add(convolution(seen, beside, arrays["head.bias"][QUADWISE]), convolution(features, head[:, :-planes]))
    return ops.multiply(change, ops.sigmoid(convolution(features, gate, arrays["gate.bias"][QUADWISE])))
