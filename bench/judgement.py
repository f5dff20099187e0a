"""What judges of blind sheets said, and what it adds up to once the key is opened."""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SIDES = ("A", "B")
NORMAL_95 = 1.959964


class MalformedTable(Exception):
    """A key or a judgement that cannot be counted; the message names the sheet and the cure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A line of the key: which side of a numbered sheet the network made."""

    number: str
    photo: str
    view: str
    network: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A line of a judge's: the better side, or "=", and the sides that are broken ("", "A", "B" or "AB")."""

    number: str
    preferred: str
    broken: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A judged sheet with the key opened; `won` is None when neither side was preferred."""

    sheet: Sheet
    won: bool | None
    network_broken: bool
    other_broken: bool
    note: str


def read_key(path: Path) -> dict[str, Sheet]:
    """Number → sheet. MalformedTable if a line is not as `bench.blind sheets` writes it."""
    sheets = {}
    for line in lines(path, ("sheet", "photo", "view", "network")):
        if line["network"] not in SIDES:
            raise MalformedTable(f"sheet {line['sheet']}: `network` is A or B, not {line['network']!r}")
        sheets[line["sheet"]] = Sheet(
            number=line["sheet"], photo=line["photo"], view=line["view"], network=line["network"]
        )
    return sheets


def read_judgements(path: Path) -> list[Judgement]:
    """The lines of `sheet,preferred,broken,note`; MalformedTable if one says something else or a sheet comes twice."""
    found: dict[str, Judgement] = {}
    for line in lines(path, ("sheet", "preferred", "broken", "note")):
        number, preferred, broken = line["sheet"], line["preferred"].upper(), line["broken"].upper()
        if number in found:
            raise MalformedTable(f"sheet {number} is judged twice: keep one line")
        if preferred not in (*SIDES, "="):
            raise MalformedTable(f"sheet {number}: `preferred` is A, B or =, not {preferred!r}")
        if broken not in ("", *SIDES, "AB"):
            raise MalformedTable(f"sheet {number}: `broken` is empty, A, B or AB, not {broken!r}")
        found[number] = Judgement(number=number, preferred=preferred, broken=broken, note=line["note"])
    return list(found.values())


def lines(path: Path, fields: Sequence[str]) -> Iterable[dict[str, str]]:
    """Rows of a CSV file that has these columns, stripped; numbers of sheets padded to three digits."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = set(fields) - set(reader.fieldnames or ())
        if missing:
            raise MalformedTable(f"{path.name} lacks the column {', '.join(sorted(missing))}")
        for row in reader:
            line = {field: (row[field] or "").strip() for field in fields}
            yield {**line, "sheet": line["sheet"].zfill(3)}


def verdicts(sheets: dict[str, Sheet], judgements: Iterable[Judgement]) -> list[Verdict]:
    """Each judgement with its key. MalformedTable for a sheet that the key does not know."""
    opened = []
    for each in judgements:
        if each.number not in sheets:
            raise MalformedTable(f"sheet {each.number} is not in the key: is it the key of another run?")
        sheet = sheets[each.number]
        other = "B" if sheet.network == "A" else "A"
        opened.append(
            Verdict(
                sheet=sheet,
                won=None if each.preferred == "=" else each.preferred == sheet.network,
                network_broken=sheet.network in each.broken,
                other_broken=other in each.broken,
                note=each.note,
            )
        )
    return opened


def share(wins: int, count: int) -> str:
    """Wins as a share with Wilson's 95 % interval (Wilson, JASA 1927)."""
    if count == 0:
        return "none"
    part, square = wins / count, NORMAL_95**2 / count
    middle = (part + square / 2) / (1 + square)
    half = NORMAL_95 / (1 + square) * math.sqrt(part * (1 - part) / count + square / 4 / count)
    return f"{wins} of {count}: {part:.0%} ({max(0.0, middle - half):.0%}…{min(1.0, middle + half):.0%})"


def by_photo(found: Iterable[Verdict]) -> dict[str, bool]:
    """Photo → whether the network won more of its sheets than it lost."""
    balance: Counter[str] = Counter()
    for verdict in found:
        balance[verdict.sheet.photo] += 0 if verdict.won is None else 1 if verdict.won else -1
    return {photo: wins > 0 for photo, wins in balance.items()}


def report(sheets: dict[str, Sheet], found: Sequence[Verdict]) -> str:
    """Shares in which the network was preferred, a tie counting against it, and everything called broken."""
    views = sorted({verdict.sheet.view.rstrip("0123456789 ") for verdict in found})
    photos = by_photo(found)
    ties = sum(verdict.won is None for verdict in found)
    text = [
        f"{len(found)} of {len(sheets)} sheets judged; the network preferred (95 % interval; ties count against it)",
        f"  sheets  {share(sum(verdict.won is True for verdict in found), len(found))}, {ties} ties",
        *(
            f"    {view:6}{share(sum(v.won is True for v in part), len(part))}"
            for view in views
            for part in [[verdict for verdict in found if verdict.sheet.view.startswith(view)]]
        ),
        f"  photos  {share(sum(photos.values()), len(photos))}",
        "broken, the network's:",
        *(remark(verdict) for verdict in found if verdict.network_broken),
        "broken, the other:",
        *(remark(verdict) for verdict in found if verdict.other_broken),
        "the network not preferred:",
        *(remark(verdict) for verdict in found if verdict.won is not True),
    ]
    return "\n".join(text)


def remark(verdict: Verdict) -> str:
    """A line about one sheet."""
    tie = ", a tie" if verdict.won is None else ""
    return f"  {verdict.sheet.number} {verdict.sheet.photo}, {verdict.sheet.view}{tie}: {verdict.note or 'no note'}"
