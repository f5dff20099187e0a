"""Boots our machine and the old one in QEMU, each with one dark photo waiting, and sees how ours ends.

    python -m bench.boots build ours [--image TAR]      python -m bench.boots run ours old --runs 2 --out DIR
    python -m bench.boots build old --image TAR         python -m bench.boots ends

There is no KVM here: QEMU emulates every instruction, so walls are long; its CPU seconds repeat within a few percent
and are what is compared. Wants root, qemu-system-x86, mmdebstrap and e2fsprogs; see ami/README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.disks import NoDisk, found, make_old, make_ours, needed
from bench.machine import Moment
from bench.trials import NoPicture, Old, Ours, Trial, brightness, dark_photo

FOLDER = Path("var/boots")
BOOT_S = 900.0
NEVER = {"IDLE_S": "3000"}
Marks = Mapping[str, Moment]


def run(kind: str, folder: Path) -> Marks:
    """One boot to its first picture, in marks. Raises NoPicture, NoDisk."""
    disk, photo = found(folder, kind), dark_photo()
    trial: Trial = Ours(disk, photo, environ=NEVER) if kind == "ours" else Old(disk, photo)
    try:
        picture = trial.picture(BOOT_S)
        if kind == "ours" and brightness(picture) < 2 * brightness(photo):
            raise NoPicture(f"the picture is not bright: {brightness(picture):.0f} of {brightness(photo):.0f}")
        folder.joinpath(f"{kind}-picture").write_bytes(picture)
        return dict(trial.machine.heard.marks)
    finally:
        trial.close()


def ends(folder: Path) -> int:
    """Each way in which a machine ends itself, once: idle worker, deadman, an operator's termination is EC2's own."""
    disk, failed = found(folder, "ours"), 0
    ways: dict[str, tuple[dict[str, str], float, bool, str]] = {
        # name → user data, age by its deadline tag in seconds, a photo waits, what the console must have said
        "idle exit": ({"IDLE_S": "15", "IDLE_MOST_S": "15"}, 3600.0, False, "ends"),
        "deadman, not ready": ({"READY_DEADLINE_S": "30", "ENGINE": "torch"}, 3600.0, False, "deadman: "),
        "deadman, too old": ({**NEVER, "HARD_AGE_S": "120"}, 3600.0, False, "deadman: "),
    }
    for name, (environ, age_s, waits, words) in ways.items():
        trial = Ours(disk, dark_photo() if waits else None, environ=environ, age_s=age_s)
        try:
            off = trial.machine.wait_off(BOOT_S)
        finally:
            trial.close()
        said = [line for line in trial.machine.heard.words if words in line]
        good = off and bool(said)
        failed += not good
        print(f"{name}: {'powered itself off' if off else 'STILL ON'} after {trial.machine.now().wall_s:.0f} s: {said}")
    return failed


def table(runs: Sequence[tuple[str, Marks]]) -> str:
    """Medians by kind: CPU seconds (with the least and the most) and wall seconds at each mark."""
    lines = []
    for kind in dict.fromkeys(kind for kind, _ in runs):
        ours = [marks for each, marks in runs if each == kind]
        lines.append(f"{kind}, {len(ours)} boots: QEMU's CPU seconds, median (least, most), and wall seconds")
        names = sorted(ours[0], key=lambda name: ours[0][name].cpu_s)
        for name in names:
            cpu = sorted(marks[name].cpu_s for marks in ours if name in marks)
            wall = statistics.median(marks[name].wall_s for marks in ours if name in marks)
            middle = statistics.median(cpu)
            lines.append(f"  {name:14} {middle:8.2f} ({cpu[0]:.2f}, {cpu[-1]:.2f})   {wall:8.1f}")
    found_ = {kind: [marks["first_result"].cpu_s for each, marks in runs if each == kind] for kind in ("ours", "old")}
    if all(found_.values()):
        ratio = statistics.median(found_["ours"]) / statistics.median(found_["old"])
        least, most = min(found_["ours"]) / max(found_["old"]), max(found_["ours"]) / min(found_["old"])
        lines.append(f"power-on to first result, ours over old: {ratio:.2f} ({least:.2f}, {most:.2f}) in CPU seconds")
    return "\n".join(lines)


def waterfall(runs: Sequence[tuple[str, Marks]]) -> str:
    """For `bench.waterfall`: each boot's marks, its milliseconds being CPU time."""
    starts = [
        {"name": kind, "milestones": {"power_on": 0, **{name: round(at.cpu_s * 1000) for name, at in marks.items()}}}
        for kind, marks in runs
    ]
    return json.dumps(starts, indent=1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where disks and consoles are kept")
    doing = parser.add_subparsers(dest="doing", required=True)
    build = doing.add_parser("build", help="make a disk")
    build.add_argument("kind", choices=("ours", "old"))
    build.add_argument("--image", type=Path, required=True, help="the container's root file system, a tar file")
    boot = doing.add_parser("run", help="boot to the first picture")
    boot.add_argument("kinds", nargs="+", choices=("ours", "old"))
    boot.add_argument("--runs", type=int, default=1)
    doing.add_parser("ends", help="see our machine end itself, each way once")
    chosen = parser.parse_args()
    try:
        needed("qemu-system-x86_64")
        if chosen.doing == "build":
            make: Callable[[Path, Path], object] = make_ours if chosen.kind == "ours" else make_old
            print(make(chosen.folder, chosen.image))
        elif chosen.doing == "ends":
            return ends(chosen.folder)
        else:
            runs = [(kind, run(kind, chosen.folder)) for _ in range(chosen.runs) for kind in chosen.kinds]
            print(table(runs))
            chosen.folder.joinpath("starts.json").write_text(waterfall(runs))
            print(f"python -m bench.waterfall {chosen.folder}/starts.json --out {chosen.folder}/boots.svg")
    except (NoDisk, NoPicture) as fact:
        print(f"boots: {fact}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
