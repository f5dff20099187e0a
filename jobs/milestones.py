"""The milestones of a cold start, from the wish for a machine to the first bright picture.

asked ─▶ launched ─▶ kernel ─▶ unit ─▶ supervisor ─┬─▶ first_receive ─┬─▶ first_decode ─┬─▶ first_result
                                                   ├─▶ codec_ready ───┘                 │
                                                   └─▶ engine_ready ────────────────────┘

A milestone is reached once, and stands as wall-clock milliseconds UTC. Only a machine of a cloud has its own kernel
and unit; on a laptop they are absent.
"""

from __future__ import annotations

from typing import Literal

Milestone = Literal[
    "asked",
    "launched",
    "kernel",
    "unit",
    "supervisor",
    "first_receive",
    "codec_ready",
    "engine_ready",
    "first_decode",
    "first_result",
]
BEFORE_SUPERVISOR: tuple[Milestone, ...] = ("asked", "launched", "kernel", "unit")
CAUSES: dict[str, tuple[str, ...]] = {  # what each waits for: the latest of these that was reached
    "launched": ("asked",),
    "kernel": ("asked", "launched"),
    "unit": ("asked", "launched", "kernel"),
    "supervisor": BEFORE_SUPERVISOR,
    "first_receive": ("supervisor",),
    "codec_ready": ("supervisor",),
    "engine_ready": ("supervisor",),
    "first_decode": ("first_receive", "codec_ready"),
    "first_result": ("first_decode", "engine_ready"),
}
