"""Blind sheets hide whose is whose, and the score counts what was said."""

import csv

import numpy as np
import pytest
from PIL import Image

from bench.blind import PANE_HEIGHT, PANE_WIDTH, Duel, views, write_sheets
from bench.judgement import (
    Judgement,
    MalformedTable,
    Sheet,
    by_photo,
    read_judgements,
    read_key,
    report,
    share,
    verdicts,
)
from bench.sheets import upright


def duel(name, height=60, width=80):
    """The network's side is red, the other's blue."""
    red, blue = np.zeros((2, height, width, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 200
    return Duel(name=name, network=red, other=blue)


def key(sides, photos=None):
    return {
        f"{at:03}": Sheet(number=f"{at:03}", photo=(photos or {}).get(at, f"p{at}"), view="whole", network=side)
        for at, side in enumerate(sides, start=1)
    }


def said(number, preferred, broken=""):
    return Judgement(number=number, preferred=preferred, broken=broken, note="")


def test_the_key_tells_the_networks_side_of_each_sheet(tmp_path):
    count = write_sheets(
        (duel(f"photo {at}") for at in range(12)), tmp_path / "out", tmp_path / "key.csv", np.random.default_rng(3)
    )
    sheets = read_key(tmp_path / "key.csv")
    assert count == len(sheets) == 12
    assert {sheet.network for sheet in sheets.values()} == {"A", "B"}
    assert [sheet.photo for sheet in sheets.values()] != [f"photo {at}" for at in range(12)]
    for number, sheet in sheets.items():
        with Image.open(tmp_path / "out" / f"{number}.png") as page:
            left, _, _ = page.getpixel((40, 60))
        assert (left == 200) == (sheet.network == "A")


def test_nothing_but_numbers_lies_in_the_folder_of_sheets(tmp_path):
    write_sheets([duel("secret name")], tmp_path / "out", tmp_path / "key.csv", np.random.default_rng(3))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["001.png"]
    assert b"secret" not in (tmp_path / "out" / "001.png").read_bytes()
    with pytest.raises(MalformedTable, match="outside"):
        write_sheets([], tmp_path / "out", tmp_path / "out" / "key.csv", np.random.default_rng(3))


def test_the_same_seed_shuffles_the_same_way(tmp_path):
    for run in ("a", "b"):
        write_sheets(
            (duel(str(at)) for at in range(5)), tmp_path / run, tmp_path / f"{run}.csv", np.random.default_rng(8)
        )
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()


def test_a_photo_that_fits_is_shown_once_and_a_large_one_also_at_full_size():
    assert [view.name for view in views(duel("small"))] == ["whole"]
    large = duel("large", 2 * PANE_HEIGHT, 3 * PANE_WIDTH)
    large.network[:, : PANE_WIDTH * 3 // 2] //= 4
    found = views(large)
    assert [view.name for view in found] == ["whole", "crop", "crop"]
    assert all((view.height, view.width) == (PANE_HEIGHT, PANE_WIDTH) for view in found[1:])
    assert found[1].left > found[2].left


def test_crops_reach_the_sheet_pixel_by_pixel(tmp_path):
    large = duel("large", PANE_HEIGHT, 2 * PANE_WIDTH)
    large.network[::2, ::2], large.other[::2, ::2] = 255, 255
    write_sheets([large], tmp_path / "out", tmp_path / "key.csv", np.random.default_rng(0))
    crops = [number for number, sheet in read_key(tmp_path / "key.csv").items() if sheet.view == "crop"]
    for number in crops:
        page = np.asarray(Image.open(tmp_path / "out" / f"{number}.png"))
        assert np.ptp(page[100:200, 100:200, 1]) == 255


def test_preferences_are_counted_on_the_networks_side():
    found = verdicts(key("ABAB"), [said("001", "A"), said("002", "A"), said("003", "="), said("004", "B", "A")])
    assert [verdict.won for verdict in found] == [True, False, None, True]
    assert [verdict.other_broken for verdict in found] == [False, False, False, True]
    assert not any(verdict.network_broken for verdict in found)
    assert "sheets  2 of 4: 50% (15%…85%), 1 ties" in report(key("ABAB"), found)


def test_a_broken_network_is_named():
    text = report(key("AB"), verdicts(key("AB"), [said("001", "B", "AB"), said("002", "B")]))
    assert text.index("broken, the network's") < text.index("  001 p1") < text.index("broken, the other")


def test_a_photo_is_won_by_more_sheets_won_than_lost():
    photos = {1: "x", 2: "x", 3: "x", 4: "y", 5: "y"}
    said_of = [said("001", "A"), said("002", "A"), said("003", "B"), said("004", "A"), said("005", "B")]
    assert by_photo(verdicts(key("AAAAA", photos), said_of)) == {"x": True, "y": False}


def test_the_interval_is_wilsons():
    assert share(15, 20) == "15 of 20: 75% (53%…89%)"
    assert share(10, 10) == "10 of 10: 100% (72%…100%)"
    assert share(0, 0) == "none"


@pytest.mark.parametrize(
    ("line", "fault"),
    [("1,C,,", "A, B or ="), ("1,A,C,", "empty, A, B or AB"), ("1,A,,\n001,B,,", "twice"), ("9,A,,", "not in the key")],
)
def test_a_table_that_cannot_be_counted_says_why(tmp_path, line, fault):
    (tmp_path / "said.csv").write_text(f"sheet,preferred,broken,note\n{line}\n")
    with pytest.raises(MalformedTable, match=fault):
        verdicts(key("AB"), read_judgements(tmp_path / "said.csv"))


def test_a_table_without_its_columns_says_which(tmp_path):
    (tmp_path / "said.csv").write_text("sheet,better\n1,A\n")
    with pytest.raises(MalformedTable, match="broken, note, preferred"):
        read_judgements(tmp_path / "said.csv")


def test_lower_case_and_short_numbers_are_understood(tmp_path):
    (tmp_path / "said.csv").write_text("sheet,preferred,broken,note\n 1, a ,ab, fine \n")
    (found,) = read_judgements(tmp_path / "said.csv")
    assert found == Judgement(number="001", preferred="A", broken="AB", note="fine")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_exif_says(orientation):
    stored = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    image = Image.fromarray(stored)
    ways = Image.Transpose
    turns = [ways.FLIP_LEFT_RIGHT, ways.ROTATE_180, ways.FLIP_TOP_BOTTOM, ways.TRANSPOSE, ways.ROTATE_270]
    turns += [ways.TRANSVERSE, ways.ROTATE_90]
    expected = image if orientation == 1 else image.transpose(turns[orientation - 2])
    assert (upright(stored, orientation) == np.asarray(expected)).all()


def test_the_key_is_plain_csv(tmp_path):
    write_sheets([duel("a, b")], tmp_path / "out", tmp_path / "key.csv", np.random.default_rng(0))
    (line,) = csv.DictReader((tmp_path / "key.csv").read_text(encoding="utf-8").splitlines())
    assert line["photo"] == "a, b"
