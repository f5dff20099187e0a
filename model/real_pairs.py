"""Real pairs of a dark and a bright photo of one scene, in LOL's layout (`low/`, `high/`) or SID's (`short/`, `long/`)."""

from dataclasses import dataclass

import torch

from model.synthesis import Pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class RealPairs:
    """Placeholder."""

    def draw(self, count: int, side: int, random: torch.Generator) -> Pairs:
        """Placeholder."""
        raise NotImplementedError
