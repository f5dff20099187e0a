"""A wider network that computes what a narrower one did, to go on training from there (Net2Net, Chen et al., 2016).

Each new channel repeats one that was there; whoever reads the repeats gets shares of the old weight that add up to it.
The shares are drawn and unequal: with equal ones the repeats would learn the same for ever.
"""

from dataclasses import replace

import torch
from torch import Tensor

from model.network import Dims, Network

QUAD = 4
"""Planes per channel that `grow` hands to the pixel shuffle, and channels that `in_quad` gives per colour."""


def widened(network: Network, dims: Dims) -> Network:
    """A network of `dims`, equal to `network` in all but width, that computes the same; uses torch's random state.

    Raises ValueError when dims differ in more than a larger width.
    """
    if replace(dims, width=network.dims.width) != network.dims or dims.width < network.dims.width:
        raise ValueError(f"A network of {network.dims.as_metadata()} cannot be widened to {dims.as_metadata()}.")
    sources = [repeats(network.dims.width << level, dims.width << level) for level in range(dims.levels)]
    wide = Network(dims)
    wide.load_state_dict(
        {
            name: grown(tensor, *channels(name, sources), is_bias=name.endswith("bias"))
            for name, tensor in network.state_dict().items()
        }
    )
    return wide


def repeats(narrow: int, wide: int) -> Tensor:
    """For each of `wide` channels the one of `narrow` that it repeats: every one once, then a random choice."""
    more = [torch.randperm(narrow) for _ in range(wide // narrow)]
    return torch.cat([torch.arange(narrow), *more])[:wide]


def channels(name: str, sources: list[Tensor]) -> tuple[Tensor | None, Tensor | None]:
    """What a parameter's (output, input) channels repeat; None where they stay as they are."""
    part, *rest = name.split(".")
    level = int(rest[0]) if part in ("down", "shrink", "grow", "up") else 0
    here, below = sources[level], sources[min(level + 1, len(sources) - 1)]
    quads = (QUAD * here[:, None] + torch.arange(QUAD)).flatten()
    colours = int(sources[0].max()) + 1 + torch.arange(3 * QUAD)
    special = {
        "stem": (here, None),
        "shrink": (below, here),
        "grow": (quads, below),
        "middle": (sources[-1], sources[-1]),
        "gate": (None, here),
        "head": (None, torch.cat([here, colours])),
    }
    return special.get(part, (here, here))


def grown(tensor: Tensor, outputs: Tensor | None, inputs: Tensor | None, *, is_bias: bool) -> Tensor:
    """A parameter with repeated outputs, and inputs that share the weight of the one they repeat."""
    if outputs is not None:
        tensor = tensor[outputs]
    if inputs is None or is_bias:
        return tensor
    drawn = 0.5 + torch.rand(len(tensor), len(inputs))
    total = torch.zeros(len(tensor), tensor.shape[1]).index_add_(1, inputs, drawn)
    share = drawn / total[:, inputs]
    return tensor[:, inputs] * share[:, :, None, None]
