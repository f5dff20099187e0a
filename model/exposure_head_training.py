"""Training of the exposure head: synthetic tone pairs, rendered by our tone pipeline, compared with what was wanted.

The loss is the root mean square error of the encoded thumbnail, once at the ratio that the head names and once at the
ratio that a person who knows the wanted brightness would name, so that contrast and colour are learnt for both.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.exposure_head import FAR, LARGEST
from model.rendering import look, matching_stops, rendered
from model.synthesis import Photo
from model.tone_pairs import TonePair, small, tone_pairs
from model.weights import save_weights

MOST = math.log2(LARGEST)
GRID = (16, 24)
"""Cells on which pictures are compared: fine enough for tone, and most noise averages away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadRecipe:
    """How to train the head.

    `jitter`, in deviations of its numbers, is large: the head shall not know synthetic scenes too well. On real pairs
    it was worth 0.3 dB over 0.1.
    """

    pairs: int = 6_000
    rounds: int = 8
    batch: int = 256
    hidden: int = 24
    learning_rate: float = 3e-3
    weight_decay: float = 1e-2
    jitter: float = 0.5
    named_share: float = 0.7
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Pairs as tensors: numbers [N, F], anchor, named [N] in stops, casts [N, 2, 3], lost [N], pictures [N, P, 3]."""

    numbers: Tensor
    anchor: Tensor
    casts: Tensor
    lost: Tensor
    restored: Tensor
    wanted: Tensor
    named: Tensor

    def part(self, index: Tensor) -> "Lesson":
        """Some of the pairs."""
        return Lesson(**{name: getattr(self, name)[index] for name in self.__dataclass_fields__})


class Layers(nn.Module):
    """Twin of `exposure_head.layers`; says nothing at first."""

    def __init__(self, seen: int, hidden: int, said: int) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(seen, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, said)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, seen: Tensor) -> Tensor:
        said: Tensor = self.last(torch.tanh(self.second(torch.tanh(self.first(seen)))))
        return said


class Head(nn.Module):
    """Twin of `exposure_head`, and its numbers' mean and deviation."""

    def __init__(self, numbers: Tensor, hidden: int) -> None:
        super().__init__()
        count = numbers.shape[1]
        self.exposure, self.look = Layers(count, hidden, 1), Layers(count + 2, hidden, 7)
        self.mean = nn.Parameter(numbers.mean(0), requires_grad=False)
        self.deviation = nn.Parameter(numbers.std(0) + 1e-3, requires_grad=False)

    def standard(self, numbers: Tensor) -> Tensor:
        """`exposure_head.standard`."""
        return ((numbers - self.mean) / self.deviation).clamp(-FAR, FAR)

    def stops(self, numbers: Tensor, anchor: Tensor) -> Tensor:
        """Stops of gain [N], before a bright photo is left alone."""
        apart: Tensor = self.exposure(numbers)[:, 0]
        return (anchor + apart).clamp(0, MOST)

    def rendered(self, lesson: Lesson, numbers: Tensor, stops: Tensor) -> Tensor:
        """The pictures [N, P, 3] at these stops."""
        apart = (stops - lesson.anchor).clamp(-3, 3)
        answer = self.look(torch.cat([numbers, stops[:, None] / 4, apart[:, None]], 1))
        return rendered(lesson.restored, stops, look(answer, stops, lesson.casts, lesson.lost))


def grid(picture: NDArray[np.float64]) -> NDArray[np.float32]:
    """[h, w, 3] → [P, 3], turned to landscape and averaged to GRID."""
    upright = picture.transpose(1, 0, 2) if picture.shape[0] > picture.shape[1] else picture
    rows, columns = upright.shape[0] // GRID[0], upright.shape[1] // GRID[1]
    cut = upright[: rows * GRID[0], : columns * GRID[1]]
    means = cut.reshape(GRID[0], rows, GRID[1], columns, 3).mean((1, 3))
    return np.asarray(means.reshape(-1, 3), np.float32)


def lesson_of(pairs: Iterable[TonePair]) -> Lesson:
    """Pairs as tensors."""
    rows = [
        (
            pair.impression.numbers,
            np.log2(pair.impression.anchor),
            pair.impression.casts,
            np.float32(pair.impression.lost),
            grid(pair.restored),
            grid(pair.wanted),
        )
        for pair in pairs
    ]
    columns = [torch.from_numpy(np.stack(part)).float() for part in zip(*rows, strict=True)]
    numbers, anchor, casts, lost, restored, wanted = columns
    parts = torch.arange(len(restored)).chunk(-(-len(restored) // 500))
    named = torch.cat([matching_stops(restored[part], wanted[part], MOST) for part in parts])
    return Lesson(numbers=numbers, anchor=anchor, casts=casts, lost=lost, restored=restored, wanted=wanted, named=named)


def far(found: Tensor, wanted: Tensor) -> Tensor:
    """Root mean square error of each picture, [N]; below a hundredth it hardly counts."""
    return ((found - wanted).square().mean((1, 2)) + 1e-4).sqrt()


def losses(head: Head, lesson: Lesson, jitter: float) -> tuple[Tensor, Tensor]:
    """[N] twice: at the head's own ratio, and at the named one."""
    numbers = head.standard(lesson.numbers)
    numbers = numbers + jitter * torch.randn_like(numbers)
    own = head.rendered(lesson, numbers, head.stops(numbers, lesson.anchor))
    return far(own, lesson.wanted), far(head.rendered(lesson, numbers, lesson.named), lesson.wanted)


def fit(lesson: Lesson, recipe: HeadRecipe, say: Callable[[str], None]) -> Head:
    """A head trained on a lesson."""
    torch.manual_seed(recipe.seed)
    head = Head(lesson.numbers, recipe.hidden)
    learning = [parameter for parameter in head.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    count = len(lesson.anchor)
    steps = recipe.rounds * -(-count // recipe.batch)
    curve = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, total_steps=steps, pct_start=0.05)
    for turn in range(recipe.rounds):
        total = 0.0
        for part in torch.randperm(count).chunk(-(-count // recipe.batch)):
            own, named = losses(head, lesson.part(part), recipe.jitter)
            loss = own.mean() + recipe.named_share * named.mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            curve.step()
            total += float(own.detach().sum())
        say(f"round {turn + 1}/{recipe.rounds}  rms {total / count:.4f}")
    return head


def train_head(photos: list[Photo], *, recipe: HeadRecipe, folder: Path, say: Callable[[str], None]) -> Path:
    """Train on photos ([H, W, 3] uint8, sRGB) and return the path of the weights, `exposure.safetensors` in `folder`.

    The same photos, recipe and machine give the same weights. Raises ValueError when there is nothing to train on.
    """
    if not photos:
        raise ValueError("No photos to train on: name a folder with at least one JPEG or PNG.")
    say(f"making {recipe.pairs} tone pairs of {len(photos)} photos")
    head = fit(lesson_of(tone_pairs([small(photo) for photo in photos], recipe.pairs, recipe.seed)), recipe, say)
    arrays = {name: tensor.detach().numpy().astype(np.float16) for name, tensor in head.state_dict().items()}
    facts = {"pairs": str(recipe.pairs), "photos": str(len(photos)), "seed": str(recipe.seed)}
    return save_weights(folder / "exposure.safetensors", arrays, {"hidden": recipe.hidden}, facts)
