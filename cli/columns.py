"""Tables and lengths of time as an operator reads them, within 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

EDGE = 80


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines, each column as wide as it needs; the last one is cut at the edge."""
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return [line.rstrip() if len(line.rstrip()) <= EDGE else line[: EDGE - 1] + "…" for line in lines]


def length(ms: int | None) -> str:
    """48 s, 12 min, 3 h 05, 2 days; nothing for None."""
    if ms is None:
        return ""
    seconds = max(0, ms) // 1000
    if seconds < 100:
        return f"{seconds} s"
    if seconds < 100 * 60:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h {seconds // 60 % 60:02}"
    return f"{seconds // 86_400} days"


def size(number: int) -> str:
    """Bytes in the decimal units that cameras and disks use."""
    return f"{number / 1e6:.1f} MB" if number >= 100_000 else f"{number / 1e3:.1f} kB"
