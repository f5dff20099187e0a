"""`firstlight enhance`: photos on the command line, without a server."""

import pytest
from click.testing import CliRunner
from PIL import Image

from bench.nights import night_jpeg
from cli.main import main


@pytest.fixture
def enhance(tmp_path, monkeypatch):
    monkeypatch.setenv("ENGINE", "openvino")

    def enhance(*arguments):
        return CliRunner().invoke(main, ["enhance", *map(str, arguments)])

    return enhance


@pytest.fixture
def photo(tmp_path):
    file = tmp_path / "night.jpg"
    file.write_bytes(night_jpeg(160, 120))
    return file


def test_a_photo_gets_a_bright_neighbour(enhance, photo, tmp_path):
    result = enhance(photo)
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "night-bright.jpg") as bright, Image.open(photo) as dark:
        assert bright.size == (160, 120)
        assert sum(bright.convert("L").histogram()[128:]) > sum(dark.convert("L").histogram()[128:])
    assert "×" in result.output
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_format_ratio_and_folder_are_the_callers(enhance, photo, tmp_path):
    result = enhance(photo, "--format", "png", "--ratio", "4", "--out", tmp_path / "bright")
    assert result.exit_code == 0, result.output
    assert "×4 " in result.output
    with Image.open(tmp_path / "bright" / "night-bright.png") as bright:
        assert bright.format == "PNG"


def test_a_photo_that_cannot_be_read_is_told_and_the_others_are_done(enhance, photo, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photo.read_bytes()[:500])
    result = enhance(broken, photo)
    assert result.exit_code == 1
    assert "broken.jpg" in result.output
    assert (tmp_path / "night-bright.jpg").exists()
    assert not (tmp_path / "broken-bright.jpg").exists()


def test_a_picture_already_there_stays_unless_forced(enhance, photo, tmp_path):
    target = tmp_path / "night-bright.jpg"
    target.write_bytes(b"mine")
    result = enhance(photo)
    assert result.exit_code == 1
    assert "--force" in result.output
    assert target.read_bytes() == b"mine"
    assert enhance(photo, "--force").exit_code == 0
    assert target.read_bytes() != b"mine"


@pytest.mark.parametrize("ratio", ["0.5", "301", "nan", "bright", "-1"])
def test_a_ratio_out_of_range_is_refused_with_the_range(enhance, photo, ratio):
    result = enhance(photo, "--ratio", ratio)
    assert result.exit_code == 2
    assert "1 to 300" in result.output


def test_an_engine_that_cannot_be_had_is_told_with_its_cure(enhance, photo, monkeypatch, tmp_path):
    monkeypatch.setenv("NETWORK", "fine")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "openvino.py").write_text("raise ImportError('libopenvino.so: cannot open shared object file')")
    result = enhance(photo)
    assert result.exit_code == 1
    assert "Error: ImportError: libopenvino.so: cannot open shared object file" in result.output


def test_a_strangers_folder_gets_the_picture_and_gives_no_code(enhance, photo, tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit('a stranger’s code ran')")
    monkeypatch.chdir(tmp_path)
    assert enhance(photo).exit_code == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["night-bright.jpg", "night.jpg", "numpy.py"]
