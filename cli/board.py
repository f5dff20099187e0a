"""The board: a line with a bar for each photo under way, redrawn in place on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from cli.passage import Passage

BAR = 16
NAME = 20
UNDER_WAY = ("sending", "in line", "enhancing", "fetching")
CLEAR = "\x1b[J"


def lines(passages: Sequence[Passage], *, width: int) -> list[str]:
    """The photos under way, and how many still wait for their turn; pure."""
    shown = [_line(each, width) for each in passages if each.stage in UNDER_WAY]
    waiting = sum(each.stage == "waiting" for each in passages)
    return [*shown, f"{waiting} more"] if waiting else shown


def _line(passage: Passage, width: int) -> str:
    full = round(passage.share * BAR)
    bar = "" if passage.stage == "in line" else f"{'█' * full}{'·' * (BAR - full)} {passage.share:4.0%}  "
    name = passage.name if len(passage.name) <= NAME else passage.name[: NAME - 1] + "…"
    return f"{name:<{NAME}}  {passage.stage:<9}  {bar}{passage.note}"[: width - 1].rstrip()


def redraw(before: int, now: Sequence[str]) -> str:
    """What to write to a terminal to put `now` in the place of the last `before` lines."""
    up = f"\x1b[{before}F" if before else ""
    return up + CLEAR + "".join(f"{line}\n" for line in now)


def verdict(passage: Passage) -> str:
    """The last word on a photo."""
    if passage.stage == "failed":
        return f"{passage.name}: {passage.note}"
    return f"{passage.target}  {passage.note}"
