"""One tile through the network on PyTorch: codes in, codes out, all of it on the device."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from model.network import Layout, Network, in_quad
from model.plan import Plan
from model.tensors import decode, encode, mixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A plan whose tables lie on the device; see `plan.Plan`."""

    layout: Layout
    source: Tensor
    conditions: Tensor
    strength: float
    limit: float
    matrix: Tensor | None
    blend: Tensor | None
    tone: Tensor
    top: float
    wide: bool
    """Whether output codes have 16 bits."""


def recipe(plan: Plan, device: torch.device) -> Recipe:
    """Upload the tables of a photo."""

    def there(array: object) -> Tensor:
        return torch.as_tensor(array, device=device)

    return Recipe(
        layout=plan.layout,
        source=there(plan.source),
        conditions=there(plan.conditions)[None],
        strength=plan.strength,
        limit=plan.limit,
        matrix=None if plan.matrix is None else there(plan.matrix),
        blend=None if plan.blend is None else there(plan.blend),
        tone=there(plan.tone),
        top=plan.top,
        wide=plan.white > 255,
    )


def bright(network: Network, dtype: torch.dtype, recipe: Recipe, codes: Tensor) -> tuple[Tensor, Tensor]:
    """(Output codes [h, w, 3], whether the residual stayed within the range of `dtype` — a scalar on the device).

    codes: [h, w, 3] or RGGB [h, w], uint8, or int16 that holds uint16; the output is one of these too. Only the
    residual is computed in `dtype`. A value beyond fp16's range ends as infinity or NaN in the residual, never unseen:
    each of the network's steps hands them on.
    """
    index = codes.int() if codes.dtype == torch.uint8 else codes.int() & 0xFFFF
    planes = packed_rgb(index, recipe.source) if recipe.layout == "rgb" else packed_mosaic(index, recipe.source)
    planes = planes.contiguous(memory_format=torch.channels_last)
    residual = network(planes.to(dtype), recipe.conditions.to(dtype), recipe.layout)
    change = recipe.strength * residual.float().clamp(-recipe.limit, recipe.limit)
    picture = functional.pixel_shuffle(in_quad(planes) + change, 2)
    if recipe.matrix is not None:
        picture = encode(mixed(recipe.matrix, decode(picture)))
    if recipe.blend is not None:
        picture = mixed(recipe.blend, picture)
    out = toned(picture[0], recipe.tone, recipe.top).permute(1, 2, 0)
    # By way of int32: from float straight to int16, codes above 32767 would be undefined.
    codes_out = out.int().short() if recipe.wide else out.byte()
    return codes_out.contiguous(), in_range(residual)


def in_range(residual: Tensor) -> Tensor:
    """Whether everything in it is a number; a scalar on the device. Only fp16 is asked, the others reach to 1e38."""
    return residual.isfinite().all() if residual.dtype == torch.float16 else residual.new_ones((), dtype=torch.bool)


def packed_rgb(codes: Tensor, source: Tensor) -> Tensor:
    """Codes [h, w, 3] → encoded planes [1, 12, h/2, w/2]."""
    colours = [table[plane] for table, plane in zip(source, codes.unbind(-1), strict=True)]
    return functional.pixel_unshuffle(torch.stack(colours)[None], 2)


def packed_mosaic(codes: Tensor, source: Tensor) -> Tensor:
    """RGGB codes [h, w] → encoded planes [1, 4, h/2, w/2]."""
    quads = [codes[position // 2 :: 2, position % 2 :: 2] for position in range(4)]
    return torch.stack([table[quad] for table, quad in zip(source, quads, strict=True)])[None]


def toned(picture: Tensor, tone: Tensor, top: float) -> Tensor:
    """Encoded light → output codes, rounded, by linear interpolation in the tone table."""
    place = picture.clamp(0, top) * ((len(tone) - 1) / top)
    below = place.int().clamp(0, len(tone) - 2)  # both ways: a NaN must not become an index out of bounds
    low, high = tone[below], tone[below + 1]
    return (low + (place - below) * (high - low)).round()
