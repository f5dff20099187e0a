"""The list of photos a network was trained on: where each is from, who took it, what allows it, and its checksum."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, fields
from hashlib import sha256
from pathlib import Path

from model.photo_folder import read_photo
from model.synthesis import Photo


class PhotosDiffer(Exception):
    """A listed photo is missing, or not the one its checksum was taken of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPhoto:
    """One row. `evidence` is the file of the source that states the licence; author is empty when nobody is named."""

    file: str
    original_name: str
    source: str
    author: str
    licence: str
    evidence: str
    sha256: str


FIELDS = tuple(field.name for field in fields(ListedPhoto))


def read_list(path: Path) -> list[ListedPhoto]:
    """The rows of a list; raises ValueError when its columns are others."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != FIELDS:
            raise ValueError(f"{path} needs the columns {', '.join(FIELDS)}.")
        return [ListedPhoto(**row) for row in rows]


def listed_photos(folder: Path, path: Path, say: Callable[[str], None]) -> list[Photo]:
    """The photos of `folder` that the list at `path` names, and no others; raises PhotosDiffer, ValueError, OSError."""
    photos = []
    for row in read_list(path):
        photo = folder / row.file
        if not photo.exists():
            raise PhotosDiffer(f"{photo} is missing; {path} lists it.")
        if sha256(photo.read_bytes()).hexdigest() != row.sha256:
            raise PhotosDiffer(f"{photo} is not the photo that {path} lists: their sha256 differ.")
        photos.append(read_photo(photo))
    say(f"{len(photos)} photos, as listed in {path}")
    return photos
