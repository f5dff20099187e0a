"""The photos to train on: `python -m bench.photo_list --manifest CSV --out CSV` keeps what a licence clearly allows.

A manifest names file, source and original name of each photo; what its own licence column claims is not believed. The
rules below were read from the licence file of each source: a photo needs a rule. Left out are licences that ask for
the same licence (BY-SA, GPL) or restrict (Unsplash, Pexels, ND), files that no line of their source's licence covers,
and files whose name says that somebody else took them.
"""

import argparse
import csv
import re
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from model.photo_list import FIELDS, ListedPhoto

PREFIX = re.compile(r"^[0-9a-f]{8}_")
"""The manifest's own addition to original names."""


class Rule(NamedTuple):
    """Photos of a source whose original name matches are under this licence, says that source's file."""

    source: str
    name: str
    licence: str
    author: str
    evidence: str


DEBIAN_COPYRIGHT = "debian/copyright, entry of the file"
DEEPIN = ("github:linuxdeepin/deepin-wallpapers", "CC-BY-4.0", "UnionTech Software Technology", ".reuse/dep5")
LOMIRI = "deb:lomiri-wallpapers"
ELEMENTARY = "github:elementary/wallpapers"
ACCEPTED = (
    Rule("github:BuddiesOfBudgie/budgie-backgrounds", "*", "CC0-1.0", "", "README.md"),
    Rule("github:PDDatabase/PDImages", "*", "CC0-1.0", "", "LICENSE.md"),
    Rule("github:bep/gallerydeluxe_starter", "*", "MIT", "Bjørn Erik Pedersen", "LICENSE"),
    Rule("github:microsoft/Windows-appsample-photo-lab", "*", "MIT", "Microsoft Corporation", "LICENSE"),
    Rule("github:nextcloud/example-files", "Photos_*", "CC-BY", "", "Photos/Readme.md"),
    *(
        Rule(DEEPIN[0], f"deepin_{name}.jpg", *DEEPIN[1:])
        for name in (
            "Wood_Desk",
            "One_Night_In_Santorini",
            "Garden_In_The_Autumn",
            "Bridge",
            "Sea_Waves_In_Koules_Fortress",
            "The_Perito_Moreno_Glacier",
            "Perito_Moreno_Glacier",
            "Chrysanthemum",
        )
    ),
    Rule(LOMIRI, "Picture_*_by_freespace.jpg", "CC-BY-4.0", "Trevor Freespace", DEBIAN_COPYRIGHT),
    Rule(LOMIRI, "Wine_by_Jakkub_Mede.jpg", "CC-BY-4.0", "Jakub Mede", DEBIAN_COPYRIGHT),
    *(
        Rule(LOMIRI, f"{name}_by_Aitzol_Berasategi.jpg", "CC-BY-4.0", "Aitzol Berasategi", DEBIAN_COPYRIGHT)
        for name in ("aitzgorri", "friends", "life", "picosdeeuropa", "sunset")
    ),
    Rule(LOMIRI, "seeding_by_Clements_Engelhardt.jpg", "CC0-1.0", "Clemens Engelhardt", DEBIAN_COPYRIGHT),
    Rule(ELEMENTARY, "backgrounds_Photo_by_SpaceX.jpg", "CC0-1.0", "SpaceX", DEBIAN_COPYRIGHT),
    Rule(ELEMENTARY, "backgrounds_Sunset_by_the_Pier.jpg", "CC0-1.0", "", DEBIAN_COPYRIGHT),
)


def rule_for(source: str, original_name: str) -> Rule | None:
    """The rule that lets a photo in, None when there is none."""
    name = PREFIX.sub("", original_name)
    return next((rule for rule in ACCEPTED if rule.source == source and fnmatchcase(name, rule.name)), None)


def accepted(manifest: Path) -> list[ListedPhoto]:
    """The photos of a manifest that a rule lets in; the files lie beside it."""
    photos = []
    with manifest.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rule = rule_for(row["source"], row["original_name"])
            if rule:
                digest = sha256((manifest.parent / row["file"]).read_bytes()).hexdigest()
                photos.append(
                    ListedPhoto(
                        file=row["file"],
                        original_name=PREFIX.sub("", row["original_name"]),
                        source=row["source"],
                        author=rule.author,
                        licence=rule.licence,
                        evidence=rule.evidence,
                        sha256=digest,
                    )
                )
    return photos


def main() -> None:
    """Write the list and say how long it is."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--manifest", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    photos = accepted(chosen.manifest)
    with chosen.out.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(FIELDS)
        rows.writerows([getattr(photo, name) for name in FIELDS] for photo in photos)
    print(f"{len(photos)} photos in {chosen.out}")


if __name__ == "__main__":
    main()
