"""The network as an OpenVINO graph, built straight from the weights: codes in, codes out, PyTorch not needed.

    block ─ pack ─ Gather(source) ─┬─ clamp ─ stem … U-Net … head ─┐
    conditions ────────────────────┼────┘                          │
                                   └─ in-quad ─────────────────────+─ shuffle ─ colour ─ Gather(tone) ─ round ─▶ codes

Packing, tables, gain and rounding lie inside the graph: done in NumPy they would cost as much as the network. The
plugin keeps everything after the last convolution, and what leads there without one, in float32 also where it
computes in bf16, so the picture itself is never rounded to eight bits of mantissa; only the residual is.
"""

from typing import Any, Literal

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from model.light import OFFSET, POWER, SCALE, TOE_ENCODED, TOE_LINEAR, TOE_SLOPE
from model.network_range import INPUT_HIGH, INPUT_LOW, LEAK

Arrays = dict[str, NDArray[np.float32]]
Node = Any
"""An output of a node of the graph; OpenVINO has no type information."""


def convolution(node: Node, arrays: Arrays, name: str, *, stride: int = 1, pad: int = 1) -> Node:
    """A convolution with its bias: [N, C, h, w] → [N, C', h/stride, w/stride]."""
    pads = [pad, pad]
    product = ops.convolution(node, ops.constant(arrays[f"{name}.weight"]), [stride, stride], pads, pads, [1, 1])
    return ops.add(product, ops.constant(arrays[f"{name}.bias"].reshape(1, -1, 1, 1)))


def bend(node: Node) -> Node:
    """The leaky ReLU, as in `network.bend`."""
    return ops.prelu(node, ops.constant(np.array([LEAK], np.float32)))


def blocks(node: Node, arrays: Arrays, name: str, count: int) -> Node:
    """Residual blocks `name.0` … `name.count-1`, as in `network.Block`."""
    for index in range(count):
        inner = bend(convolution(node, arrays, f"{name}.{index}.first"))
        node = bend(ops.add(node, convolution(inner, arrays, f"{name}.{index}.second")))
    return node


def u_net(seen: Node, conditions: Node, arrays: Arrays, dims: dict[str, int], layout: str) -> Node:
    """Clamped planes [1, C, h, w] and conditions [1, 2, h, w] → residual [1, 12, h, w], as in `network.Network`."""
    node = bend(convolution(ops.concat([seen, conditions], 1), arrays, f"stem.{layout}"))
    skips = []
    for level in range(dims["levels"] - 1):
        node = blocks(node, arrays, f"down.{level}", dims["blocks"])
        skips.append(node)
        node = bend(convolution(node, arrays, f"shrink.{level}", stride=2, pad=0))
    node = blocks(node, arrays, "middle", dims["middle_blocks"])
    for level in reversed(range(dims["levels"] - 1)):
        grown = ops.depth_to_space(convolution(node, arrays, f"grow.{level}", pad=0), "depth_first", 2)
        node = blocks(ops.add(grown, skips[level]), arrays, f"up.{level}", dims["blocks"])
    change = convolution(ops.concat([node, in_quad(seen, layout)], 1), arrays, "head")
    return ops.multiply(change, ops.sigmoid(convolution(node, arrays, "gate")))


def integers(values: list[int]) -> Node:
    """A constant of 64-bit integers, for shapes and orders."""
    return ops.constant(np.array(values, np.int64))


def packed(block: Node, source: Node, layout: str, levels: int) -> Node:
    """Codes [h, w, 3] or RGGB [h, w] → encoded planes [1, 12 or 4, h/2, w/2] through the flat source table."""
    shape = ops.shape_of(block, ov.Type.i64)
    zero = integers([0])
    halves = ops.divide(ops.gather(shape, integers([0, 1]), zero), integers([2]))
    height, width = (ops.gather(halves, integers([side]), zero) for side in (0, 1))
    two = integers([2])
    if layout == "rgb":
        split = ops.reshape(block, ops.concat([height, two, width, two, integers([3])], 0), special_zero=False)
        ordered = ops.transpose(split, integers([4, 1, 3, 0, 2]))
        table = np.arange(12) // 4
    else:
        split = ops.reshape(block, ops.concat([height, two, width, two], 0), special_zero=False)
        ordered = ops.transpose(split, integers([1, 3, 0, 2]))
        table = np.arange(4)
    planes = ops.reshape(ordered, ops.concat([integers([1, len(table)]), height, width], 0), special_zero=False)
    start = ops.constant((table * levels).astype(np.int32).reshape(1, -1, 1, 1))
    index = ops.add(ops.convert(planes, ov.Type.i32), start)
    return ops.gather(source, index, ops.constant(np.int32(0)))


def in_quad(planes: Node, layout: str) -> Node:
    """The picture that the residual is added to, as in `network.in_quad`."""
    if layout == "rgb":
        return planes
    red, right, below, blue = ops.split(planes, ops.constant(np.int64(1)), 4).outputs()
    green = ops.multiply(ops.add(right, below), ops.constant(np.float32(0.5)))
    return ops.concat([red] * 4 + [green, right, below, green] + [blue] * 4, 1)


def number(value: float) -> Node:
    """A float32 constant."""
    return ops.constant(np.float32(value))


def curve(node: Node, *, decode: bool) -> Node:
    """`light.decode` or `light.encode`."""
    size = ops.abs(node)
    if decode:
        toe = ops.divide(size, number(TOE_SLOPE))
        shifted = ops.divide(ops.add(ops.maximum(size, number(TOE_ENCODED)), number(OFFSET)), number(SCALE))
        bent = ops.power(shifted, number(POWER))
        straight = ops.less_equal(size, number(TOE_ENCODED))
    else:
        toe = ops.multiply(size, number(TOE_SLOPE))
        power = ops.power(ops.maximum(size, number(TOE_LINEAR)), number(1 / POWER))
        bent = ops.subtract(ops.multiply(power, number(SCALE)), number(OFFSET))
        straight = ops.less_equal(size, number(TOE_LINEAR))
    return ops.multiply(ops.select(straight, toe, bent), ops.sign(node))


def coloured(picture: Node, matrix: Node) -> Node:
    """White-balanced camera colours [1, 3, h, w], encoded → sRGB, encoded.

    Sums of products instead of a MatMul: before a MatMul the plugin would round the picture to bf16.
    """
    mixed = None
    for colour, plane in enumerate(ops.split(curve(picture, decode=True), ops.constant(np.int64(1)), 3).outputs()):
        column = ops.reshape(ops.gather(matrix, integers([colour]), integers([1])), [1, 3, 1, 1], special_zero=False)
        product = ops.multiply(plane, column)
        mixed = product if mixed is None else ops.add(mixed, product)
    return curve(mixed, decode=False)


def toned(picture: Node, tone: Node, scale: Node, entries: int) -> Node:
    """Encoded light → output codes, rounded, interpolated in the tone table; `scale` is (entries − 1)/top."""
    place = ops.clamp(ops.multiply(picture, scale), 0.0, float(entries - 1))
    below = ops.minimum(ops.floor(place), number(entries - 2))
    index = ops.convert(below, ov.Type.i32)
    axis = ops.constant(np.int32(0))
    low = ops.gather(tone, index, axis)
    high = ops.gather(tone, ops.add(index, ops.constant(np.int32(1))), axis)
    mixed = ops.add(low, ops.multiply(ops.subtract(place, below), ops.subtract(high, low)))
    return ops.round(mixed, "half_to_even")


def build(
    arrays: Arrays,
    dims: dict[str, int],
    *,
    layout: Literal["rgb", "mosaic"],
    depth_in: int,
    depth_out: int,
    entries: int,
) -> ov.Model:
    """The whole way of one tile.

    Inputs: block (codes [h, w, 3] or [h, w], sides multiples of 16), source (flat table), conditions [1, 2, 1, 1],
    tone [entries], scale [1], strength [1, 1, 1, 1], and for a mosaic matrix [3, 3]. Output: codes [h, w, 3].
    """
    kinds = {8: ov.Type.u8, 16: ov.Type.u16}
    levels = 1 << depth_in
    block = ops.parameter([-1, -1, 3] if layout == "rgb" else [-1, -1], kinds[depth_in], name="block")
    source = ops.parameter([levels * (4 if layout == "mosaic" else 3)], ov.Type.f32, name="source")
    conditions = ops.parameter([1, 2, 1, 1], ov.Type.f32, name="conditions")
    tone = ops.parameter([entries], ov.Type.f32, name="tone")
    scale = ops.parameter([1], ov.Type.f32, name="scale")
    strength = ops.parameter([1, 1, 1, 1], ov.Type.f32, name="strength")
    inputs = [block, source, conditions, tone, scale, strength]
    planes = packed(block, source, layout, levels)
    sides = ops.gather(ops.shape_of(planes, ov.Type.i64), integers([2, 3]), integers([0]))
    constant = ops.broadcast(conditions, ops.concat([integers([1, 2]), sides], 0))
    residual = u_net(ops.clamp(planes, INPUT_LOW, INPUT_HIGH), constant, arrays, dims, layout)
    picture = ops.depth_to_space(ops.add(in_quad(planes, layout), ops.multiply(residual, strength)), "depth_first", 2)
    if layout == "mosaic":
        matrix = ops.parameter([3, 3], ov.Type.f32, name="matrix")
        inputs.append(matrix)
        picture = coloured(picture, matrix)
    codes = ops.convert(toned(picture, tone, scale, entries), kinds[depth_out])
    result = ops.squeeze(ops.transpose(codes, integers([0, 2, 3, 1])), integers([0]))
    for parameter in inputs:
        parameter.output(0).set_names({parameter.get_friendly_name()})
    return ov.Model([result], inputs, f"firstlight-{layout}")
