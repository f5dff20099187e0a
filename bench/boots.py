"""Boots our machine, the old one and ours with a container engine in QEMU, a dark photo waiting, and sees ours end.

    python -m bench.boots build ours --image TAR      python -m bench.boots run ours old --runs 2
    python -m bench.boots build old [--image TAR]     python -m bench.boots run ours podman docker --to-receive
    python -m bench.boots build podman --image TAR    python -m bench.boots ends [all]

There is no KVM here: QEMU emulates every instruction, so walls are long; its CPU seconds repeat within a few percent
and are what is compared. Wants root, qemu-system-x86, busybox, mmdebstrap and e2fsprogs; see ami/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.disks import ENGINES, NoDisk, found, make_old, make_ours, needed
from bench.ends import USUAL, WAYS, ends
from bench.machine import Moment
from bench.trials import NEVER, PATIENT, NoPicture, Old, Ours, Trial, World, brightness, dark_photo

FOLDER = Path("var/boots")
KINDS = ("ours", "old", *ENGINES)
ENDS = ("first_receive", "first_result")  # since power-on; what kinds are compared by
BOOT_S = 1800.0  # on a machine that is busy with other things
Marks = Mapping[str, Moment]
Start = dict[str, Any]


def run(kind: str, folder: Path, *, to_receive: bool = False) -> Marks:
    """One boot to its first picture, or until the worker has its photo in hand, in marks. Raises NoPicture, NoDisk.

    An engine keeps files of its own, so that its machine's root is writable; docker would want AppArmor's tools.
    """
    disk, photo = found(folder, kind), dark_photo()
    trial: Trial
    if kind == "old":
        trial = Old(disk, photo)
    else:
        trial = Ours(disk, photo, World(environ=PATIENT | NEVER, kernel="rw apparmor=0" if kind in ENGINES else "ro"))
    try:
        if to_receive and isinstance(trial, Ours):
            trial.received(BOOT_S)
            return dict(trial.machine.heard.marks)
        picture = trial.picture(BOOT_S)
        if kind != "old" and brightness(picture) < 2 * brightness(photo):
            raise NoPicture(f"the picture is not bright: {brightness(picture):.0f} of {brightness(photo):.0f}")
        folder.joinpath(f"{kind}-picture").write_bytes(picture)
        return dict(trial.machine.heard.marks)
    finally:
        trial.close()


def entry(kind: str, marks: Marks) -> Start:
    """One boot for `bench.waterfall`, whose milliseconds are CPU time here; walls and megabytes read beside them."""
    return {
        "name": kind,
        "milestones": {"power_on": 0, **{name: round(at.cpu_s * 1000) for name, at in marks.items()}},
        "walls": {name: round(at.wall_s * 1000) for name, at in marks.items()},
        "read_mb": {name: round(at.read_mb) for name, at in marks.items()},
    }


def table(starts: Sequence[Start]) -> str:
    """Medians by kind: QEMU's CPU seconds with the least and the most, wall seconds, megabytes read at each mark."""
    lines, reached = list[str](), dict[str, dict[str, list[float]]]()
    for kind in dict.fromkeys(str(start["name"]) for start in starts):
        boots = [start for start in starts if start["name"] == kind]
        lines.append(f"{kind}, boots: {len(boots)}; QEMU's CPU seconds, median (least, most); wall seconds; MB read")
        marks = dict.fromkeys(name for boot in boots for name in boot["walls"])
        reached[kind] = {
            name: [boot["milestones"][name] / 1000 for boot in boots if name in boot["walls"]] for name in marks
        }
        for name, cpu in sorted(reached[kind].items(), key=lambda each: statistics.median(each[1])):
            wall = statistics.median(boot["walls"][name] / 1000 for boot in boots if name in boot["walls"])
            read = statistics.median(boot["read_mb"][name] for boot in boots if name in boot["walls"])
            spread = f"({min(cpu):.2f}, {max(cpu):.2f})"
            lines.append(f"  {name:14} {statistics.median(cpu):8.2f} {spread:16} {wall:8.1f} {read:8.0f}")
    for kind in [each for each in reached if each != "ours" and "ours" in reached]:
        for name in ENDS:
            ours, other = reached["ours"].get(name), reached[kind].get(name)
            if ours and other:
                ratio = statistics.median(ours) / statistics.median(other)
                least, most = min(ours) / max(other), max(ours) / min(other)
                lines.append(f"{name}, ours over {kind}: {ratio:.2f} ({least:.2f}, {most:.2f}) in CPU seconds")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where disks and consoles are kept")
    doing = parser.add_subparsers(dest="doing", required=True)
    build = doing.add_parser("build", help="make a disk")
    build.add_argument("kind", choices=KINDS)
    build.add_argument("--image", type=Path, help="its container's files, a tar file; without, old's are made")
    boot = doing.add_parser("run", help="boot to the first picture")
    boot.add_argument("kinds", nargs="+", choices=KINDS)
    boot.add_argument("--runs", type=int, default=1)
    boot.add_argument("--to-receive", action="store_true", help="only until a worker of ours has its photo in hand")
    end = doing.add_parser("ends", help="see our machine end, in the usual ways")
    end.add_argument("ways", nargs="*", metavar="WAY", help=f"or in these, or `all`: {', '.join(WAYS)}")
    chosen = parser.parse_args()
    try:
        needed("qemu-system-x86_64", "busybox")
        if chosen.doing == "build":
            if chosen.kind == "old":
                print(make_old(chosen.folder, chosen.image))
            elif chosen.image:
                print(make_ours(chosen.folder, chosen.image, engine=chosen.kind if chosen.kind in ENGINES else ""))
            else:
                build.error(f"{chosen.kind} wants --image TAR: python docker/trial.py --no-runs --export TAR makes it")
        elif chosen.doing == "ends":
            ways = WAYS if chosen.ways == ["all"] else chosen.ways or USUAL
            if unknown := set(ways) - WAYS.keys():
                end.error(f"no such end: {', '.join(sorted(unknown))}; there are {', '.join(WAYS)}")
            return ends(found(chosen.folder, "ours"), ways)
        else:
            starts = chosen.folder / ("receipts.json" if chosen.to_receive else "boots.json")
            for kind in list(chosen.kinds) * chosen.runs:
                booted = entry(kind, run(kind, chosen.folder, to_receive=chosen.to_receive))
                known = json.loads(starts.read_text()) if starts.exists() else []
                starts.write_text(json.dumps([*known, booted], indent=1))
            print(table(json.loads(starts.read_text())))
            print(f"python -m bench.waterfall {starts} --out {starts.with_suffix('.png')}")
    except (NoDisk, NoPicture) as fact:
        print(f"boots: {fact}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
