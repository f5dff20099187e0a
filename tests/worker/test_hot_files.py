"""The list of what a start reads, and the program that reads it ahead."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from jobs.settings import Settings
from worker import hot_files, read_ahead
from worker.opened_files import OpenedFiles
from worker.page_cache import forget, resident


@pytest.fixture
def disk():
    """A folder that is no memory itself: nothing of a file in such a one can be forgotten."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield Path(folder)


def test_files_that_any_process_opens_are_found_in_the_order_of_their_first_opening(tmp_path):
    for name in ("a", "b", "unread", "below/c"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    with OpenedFiles([tmp_path, tmp_path / "below"]) as opened:
        for name in ("below/c", "a", "below/c", "b"):
            subprocess.run([sys.executable, "-S", "-c", f"open({str(tmp_path / name)!r})"], check=True)
        list(tmp_path.iterdir())
    assert opened.paths == [tmp_path / "below/c", tmp_path / "a", tmp_path / "b"]


def test_only_the_pieces_of_a_file_that_were_touched_are_in_memory(disk):
    file = disk / "library.so"
    with file.open("wb") as writing:
        writing.truncate(16 << 20)
        writing.seek(4 << 20)
        writing.write(bytes(8192))
        writing.seek((4 << 20) + 65536)
        writing.write(bytes(4096))
        writing.seek((16 << 20) - 100)
        writing.write(bytes(100))
    assert resident(file) == [(4 << 20, 65536 + 4096), ((16 << 20) - 4096, 4096)]
    forget(file)
    assert resident(file) == []


def test_an_empty_file_has_no_pieces(tmp_path):
    (tmp_path / "__init__.py").touch()
    assert resident(tmp_path / "__init__.py") == []


def test_what_the_list_names_is_read_ahead_and_what_is_missing_is_told(disk):
    file = disk / "with a space.so"
    file.write_bytes(bytes(3 << 20))
    forget(file)
    lines = hot_files.written([(4096, (2 << 20) + 1, file), (0, 10, disk / "gone")])
    assert read_ahead.read_ahead(lines.splitlines(keepends=True)) == ((2 << 20) + 1, [str(disk / "gone")])
    pieces = resident(file)
    assert pieces[0][0] <= 4096
    assert sum(pieces[-1]) >= 4096 + (2 << 20) + 1


def test_a_host_can_read_ahead_the_files_of_an_image_with_nothing_but_a_python(tmp_path):
    (tmp_path / "image/usr").mkdir(parents=True)
    (tmp_path / "image/usr/library").write_bytes(bytes(1000))
    (tmp_path / "list").write_text("0 1000 /usr/library\n0 4 /usr/gone\n")
    alone = [sys.executable, "-I", "-S", read_ahead.__file__, tmp_path / "list", "--root", tmp_path / "image/"]
    said = subprocess.run(alone, capture_output=True, text=True, check=True, cwd="/")
    assert said.stdout.startswith("read_ahead: 0 MB in ")
    assert "1 files of the list are not here, e.g. /usr/gone" in said.stderr


def test_the_photo_of_the_trial_is_one_that_the_worker_takes():
    assert hot_files.dark_jpeg()[:3] == b"\xff\xd8\xff"


def test_a_worker_that_brings_no_photo_makes_no_list():
    with pytest.raises(hot_files.StartFailed, match="damaged or cut off"):
        hot_files.one_start(Settings(engine="classical"), b"\xff\xd8\xff no photo")


@pytest.mark.slow
def test_the_list_of_a_real_start_holds_what_a_worker_reads():
    named = {path for _, _, path in hot_files.hot_files(Settings(engine="openvino"))}
    names = {path.name for path in named}
    assert "firstlight.safetensors" in names
    assert any(name.startswith("zygote.") for name in names)
    assert any("cv2" in str(path) for path in named)
    assert any("botocore" in str(path) for path in named)
    assert not {path for path in named if "flask" in path.parts or "torch" in path.parts}
