"""The network as an OpenVINO graph, built straight from the weights: codes in, codes out, PyTorch not needed.

    block ─ pack ─┬─ seen ── stem … U-Net … head × gate ─┐
                  └─ source ─ spread ────────────────────+─ matrix ─ blend ─ tone ─ unpack ─▶ codes

Packing, tables, gain and rounding lie inside the graph: done in NumPy they would cost as much as the network. The
plugin keeps everything after the last convolution in float32 also where it computes in bf16, so the picture itself is
never rounded to eight bits of mantissa; only the residual is. What the network sees comes out of a table of its own,
clamped: a table is rounded in no time, a picture is not. The tone table is so fine that its nearest entry will do, and
it holds finished codes, so that bytes are unpacked and not floats.
"""

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from model.graph_layers import Arrays, Layout, Node, residual, stem, stem_bias, u_net
from model.graph_light import codes_of, decoded, encoded, integers, looked_up, mixed
from model.network_range import INPUT_HIGH, INPUT_LOW
from model.plan import Plan

ENTRIES = {8: 1 << 16, 16: 1 << 20}
"""Of the tone table, by depth of the output: even at the largest ratio no code has less than one of its own."""
KINDS = {8: ov.Type.u8, 16: ov.Type.u16}


def spread(layout: Layout) -> NDArray[np.float32]:
    """[12, planes in] `network.in_quad` as a matrix: an RGB quad as it is, of RGGB each colour repeated."""
    if layout == "rgb":
        return np.eye(12, dtype=np.float32)
    greens = [(0.5, 0.5), (1, 0), (0, 1), (0.5, 0.5)]
    rows = [[(1, 0, 0, 0), (0, *green, 0), (0, 0, 0, 1)] for green in greens]
    return np.array(rows, np.float32).reshape(12, 4)


def packed(block: Node, layout: Layout, depth: int, height: int, width: int) -> Node:
    """Codes [h, 2, w, 6 or 2] → places in the flat source table [1, h, w, 12 or 4], int32."""
    tables = [0, 1, 2] * 4 if layout == "rgb" else [0, 1, 2, 3]
    quads = ops.reshape(
        ops.transpose(block, integers(0, 2, 1, 3)), integers(1, height, width, len(tables)), special_zero=False
    )
    begins = np.array(tables, np.int32).reshape(1, 1, 1, -1) << depth
    return ops.add(ops.convert(quads, ov.Type.i32), ops.constant(begins))


def build(
    arrays: Arrays, dims: dict[str, int], *, layout: Layout, depth_in: int, depth_out: int, height: int, width: int
) -> ov.Model:
    """The whole way of one tile [height, width], sides multiples of 16; h and w are half of them.

    Input `block`: codes [h, 2, w, 6 or 2]; the others as `inputs` makes them. Output: codes [h, 2, w, 6].
    """
    height, width = height // 2, width // 2
    block = ops.parameter([height, 2, width, 2 if layout == "mosaic" else 6], KINDS[depth_in], name="block")
    source = ops.parameter([(3 if layout == "rgb" else 4) << depth_in], ov.Type.f32, name="source")
    bias = ops.parameter([3, dims["width"], 1, width], ov.Type.f32, name="bias")
    strength = ops.parameter([1, 1, 1, 1], ov.Type.f32, name="strength")
    tone = ops.parameter([ENTRIES[depth_out]], KINDS[depth_out], name="tone")
    blend = ops.parameter([12, 12], ov.Type.f32, name="blend")
    parameters = [block, source, bias, strength, tone, blend]
    index = packed(block, layout, depth_in, height, width)
    seen = looked_up(ops.clamp(source, INPUT_LOW, INPUT_HIGH), index)
    features = u_net(stem(seen, bias, arrays, layout, height), arrays, dims)
    change = residual(features, seen, spread(layout), arrays)
    if layout == "rgb":
        limit = ops.parameter([1, 1, 1, 1], ov.Type.f32, name="limit")
        parameters.append(limit)
        held = ops.maximum(ops.minimum(change, limit), ops.negative(limit))
        picture = ops.add(looked_up(source, index), ops.multiply(held, strength))
    else:
        matrix = ops.parameter([12, 12], ov.Type.f32, name="matrix")
        parameters.append(matrix)
        quads = mixed(looked_up(source, index), ops.constant(np.ascontiguousarray(spread(layout).T)))
        picture = encoded(mixed(decoded(ops.add(quads, ops.multiply(change, strength))), matrix))
    codes = codes_of(mixed(picture, blend), tone, ENTRIES[depth_out])
    rows = ops.transpose(ops.reshape(codes, integers(height, width, 2, 6), special_zero=False), integers(0, 2, 1, 3))
    for parameter in parameters:
        parameter.output(0).set_names({parameter.get_friendly_name()})
    return ov.Model([rows], parameters, f"firstlight-{layout}")


def inputs(plan: Plan, arrays: Arrays, width: int) -> dict[str, NDArray[np.generic]]:
    """What the graph of a tile `width` wide is given beside the tile, the same for all tiles of a photo."""
    entries = ENTRIES[plan.white.bit_length()]
    light = (np.arange(entries) + 0.5) * (plan.top / entries)  # an entry stands for all light up to the next
    codes = np.interp(light, np.linspace(0, plan.top, len(plan.tone)), plan.tone).round()
    given: dict[str, NDArray[np.generic]] = {
        "source": plan.source.ravel(),
        "bias": stem_bias(arrays, plan.layout, plan.conditions, width // 2),
        "strength": np.full((1, 1, 1, 1), plan.strength, np.float32),
        "tone": codes.astype(np.uint8 if plan.white == 255 else np.uint16),
        "blend": of_quad(np.eye(3) if plan.blend is None else plan.blend) * np.float32(entries / plan.top),
    }
    if plan.matrix is not None:
        return {**given, "matrix": of_quad(plan.matrix)}
    return {**given, "limit": np.full((1, 1, 1, 1), plan.limit, np.float32)}


def of_quad(matrix: NDArray[np.floating]) -> NDArray[np.float32]:
    """A colour matrix [out, in] for the twelve planes of a quad, [in, out]."""
    return np.kron(np.eye(4), matrix.T).astype(np.float32)
