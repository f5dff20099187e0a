"""Light in an OpenVINO graph: tables, the encoding curve and colour matrices, for planes in the convolutions' order.

In memory the planes' numbers of one quad lie side by side, as convolutions want them. Only a few of the plugin's
operations keep them so without a copy, and only some compute on whole vectors; each function here says which it needs.
"""

from typing import Any

import numpy as np
from openvino import opset13 as ops

from model.light import OFFSET, POWER, SCALE, TOE_ENCODED, TOE_LINEAR

Node = Any
"""An output of a node of the graph; OpenVINO has no type information."""

BRIGHTEST = 1500.0
"""Linear light up to which the curves are right: the largest ratio, through a matrix that adds all it can."""
ROOT = 8
DEGREE = 6


def integers(*values: int) -> Node:
    """A constant of 64-bit integers, for shapes and orders."""
    return ops.constant(np.array(values, np.int64))


def number(value: float) -> Node:
    """A float32 constant."""
    return ops.constant(np.float32(value))


def looked_up(table: Node, index: Node) -> Node:
    """Entries of a flat table: places [1, h, w, C] int32 → [1, C, h, w]; nothing moves, the transpose is a name."""
    return ops.transpose(ops.gather(table, index, ops.constant(np.int32(0))), integers(0, 3, 1, 2))


def mixed(planes: Node, matrix: Node) -> Node:
    """Planes through a matrix [C, C'], in float32: [1, C, h, w] → [1, C', h, w].

    A *transposed* convolution of 1×1: the plugin computes a plain one, or a product of matrices, in bf16.
    """
    kernel = ops.unsqueeze(matrix, integers(2, 3))
    return ops.convolution_backprop_data(planes, kernel, [1, 1], None, [0, 0], [0, 0], [1, 1])


def codes_of(planes: Node, tone: Node, entries: int) -> Node:
    """The tone table's nearest entries for planes in units of entries: [1, C, h, w] → [1, h, w, C].

    The transpose costs nothing since it is one of int32; one of floats would be computed.
    """
    place = ops.convert(ops.clamp(planes, 0.0, float(entries - 1)), "i32")
    return ops.gather(tone, ops.transpose(place, integers(0, 2, 3, 1)), ops.constant(np.int32(0)))


def decoded(planes: Node) -> Node:
    """`light.decode`, to 3e-5 of each value up to BRIGHTEST."""
    size = ops.clamp(ops.abs(planes), TOE_ENCODED, BRIGHTEST ** (1 / POWER))
    shifted = ops.multiply(ops.add(size, number(OFFSET)), number(1 / SCALE))
    least, most = (TOE_ENCODED + OFFSET) / SCALE, (BRIGHTEST ** (1 / POWER) + OFFSET) / SCALE
    bent = ops.multiply(ops.multiply(shifted, shifted), root(shifted, POWER - 2, least, most))
    return continued(planes, size, bent)


def encoded(planes: Node) -> Node:
    """`light.encode`, to 3e-5 of each value up to BRIGHTEST."""
    size = ops.clamp(ops.abs(planes), TOE_LINEAR, BRIGHTEST)
    bent = ops.subtract(ops.multiply(root(size, 1 / POWER, TOE_LINEAR, BRIGHTEST), number(SCALE)), number(OFFSET))
    return continued(planes, size, bent)


def continued(planes: Node, size: Node, bent: Node) -> Node:
    """A curve that is known where size = |planes|, made odd, and straight where size was raised to the toe's end."""
    return ops.multiply(planes, ops.divide(bent, size))


def root(node: Node, exponent: float, least: float, most: float) -> Node:
    """Numbers least…most to a power below 1, to 2e-5 of it: a polynomial of their eighth root.

    The plugin has square roots for whole vectors, but powers and logarithms only for one number at a time.
    """
    ends = least ** (1 / ROOT), most ** (1 / ROOT)
    middle, half = sum(ends) / 2, (ends[1] - ends[0]) / 2
    places = half * np.polynomial.chebyshev.chebpts1(64)
    wanted = (places + middle) ** (ROOT * exponent)
    factors = np.polynomial.polynomial.polyfit(places, wanted, DEGREE, w=1 / wanted)
    place = ops.subtract(ops.sqrt(ops.sqrt(ops.sqrt(node))), number(middle))
    total = number(factors[-1])
    for factor in factors[-2::-1]:
        total = ops.add(ops.multiply(total, place), number(factor))
    return total
