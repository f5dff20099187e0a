"""`light` on tensors, for training and for the PyTorch runtime."""

import torch
from torch import Tensor

from model.light import OFFSET, POWER, SCALE, TOE_ENCODED, TOE_LINEAR, TOE_SLOPE


def encode(linear: Tensor) -> Tensor:
    """`light.encode` on tensors."""
    size = linear.abs()
    curve = SCALE * size.clamp(min=TOE_LINEAR) ** (1 / POWER) - OFFSET
    return torch.where(size <= TOE_LINEAR, TOE_SLOPE * size, curve).copysign(linear)


def decode(encoded: Tensor) -> Tensor:
    """`light.decode` on tensors."""
    size = encoded.abs()
    curve = ((size.clamp(min=TOE_ENCODED) + OFFSET) / SCALE) ** POWER
    return torch.where(size <= TOE_ENCODED, size / TOE_SLOPE, curve).copysign(encoded)


def mixed(matrix: Tensor, picture: Tensor) -> Tensor:
    """Colours [N, 3, H, W] → the sums of them that the rows of `matrix` [3, 3] say."""
    return torch.einsum("ij,njhw->nihw", matrix, picture)
