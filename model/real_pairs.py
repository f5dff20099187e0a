"""Real pairs of dark and bright photos of one scene, laid out as LOL (`low/`, `high/`) or SID (`short/`, `long/`)."""

from dataclasses import dataclass

import torch

from model.synthesis import Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPairs:
    """Placeholder."""

    def draw(self, count: int, side: int, random: torch.Generator) -> Pairs:
        """Placeholder."""
        raise NotImplementedError
