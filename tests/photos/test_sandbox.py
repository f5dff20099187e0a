"""A decoder that a photo has taken over can do nothing but answer, and its answer is not trusted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from photos.codec import Codec
from photos.errors import CodecDied, SandboxUnavailable, UnreadablePhoto
from photos.line import Call
from tests.photos.making import photo_fd, saved, scene
from tests.photos.reading import probed, refusal

ESCAPES = [
    "opens_a_file",
    "writes_a_file",
    "makes_a_socket",
    "makes_a_memfd",
    "forks",
    "lists_a_folder",
    "writes_to_other_descriptors",
    "maps_the_photo_to_write",
    "makes_code",
    "lifts_its_limits",
]
FATAL = ["runs_a_program", "signals_its_parent", "traces_its_parent", "connects", "crashes", "aborts"]


@pytest.fixture(scope="module")
def hostile():
    with Codec(sandbox="strict", operations="tests.photos.hostile") as codec:
        yield codec


def deed(codec, name, deadline_s=30.0):
    """What a probe does when the decoder's photo names this deed."""
    fd = photo_fd(b"\xff\xd8\xff" + name.encode())
    try:
        return codec.probe(fd, deadline_s=deadline_s)
    finally:
        os.close(fd)


def answer_to(codec, name):
    """The raw answer of the child, before the client judges it."""
    fd = photo_fd(b"\xff\xd8\xff" + name.encode())
    try:
        return codec._open_line().ask(
            Call(request={"op": "probe", "writable": 0}, fds=(fd,), address_space=256 << 20, deadline_s=30)
        )
    finally:
        os.close(fd)


def code_of(codec, name, **options):
    """What the photo is refused for that names this deed."""
    return refusal(lambda: deed(codec, name, **options))


def test_the_hostile_decoder_can_be_reached(hostile):
    assert deed(hostile, "answers").width == 32


@pytest.mark.parametrize("name", ESCAPES)
def test_a_locked_decoder_cannot(hostile, name):
    assert answer_to(hostile, name)["refused_with"] in {"PermissionError", "OSError", "ValueError"}
    assert not Path("/tmp/firstlight-escaped").exists()


def test_a_locked_decoder_cannot_change_the_photo(hostile):
    data = b"\xff\xd8\xffchanges_the_photo"
    fd = photo_fd(data)
    with pytest.raises(UnreadablePhoto):
        hostile.probe(fd, deadline_s=30)
    assert os.pread(fd, 100, 0) == data
    os.close(fd)


@pytest.mark.parametrize("name", FATAL)
def test_a_locked_decoder_dies_when_it(hostile, name):
    assert code_of(hostile, name) == "photo_kills_decoder"


@pytest.mark.parametrize(
    "name",
    [
        "answers_nonsense",
        "answers_endlessly",
        "answers_deeply",
        "answers_a_list",
        "stays_silent",
        "invents_a_reason",
        "claims_too_much",
        "claims_another_format",
        "claims_nonsense",
    ],
)
def test_a_decoders_answer_is_not_trusted(hostile, name):
    assert code_of(hostile, name) == "photo_kills_decoder"


def test_a_reason_is_never_the_photos_own_words(hostile):
    with pytest.raises(UnreadablePhoto) as caught:
        deed(hostile, "invents_a_reason")
    assert "script" not in str(caught.value)


def test_memory_is_bounded():
    with Codec(sandbox="strict", operations="tests.photos.hostile") as codec:
        assert code_of(codec, "eats_memory") == "photo_kills_decoder"
        assert deed(codec, "answers").width == 32


@pytest.mark.parametrize("name", ["spins", "ignores_its_deadline_politely"])
def test_a_decoder_that_never_ends_is_ended(hostile, name):
    assert code_of(hostile, name, deadline_s=1.0) == "photo_too_slow"


def test_a_decoder_that_hardly_ran_is_not_the_photos_fault(hostile):
    with pytest.raises(CodecDied, match="busy"):
        deed(hostile, "sleeps", deadline_s=0.5)


def test_a_decoder_that_hangs_up_is_ended_too():
    with Codec(sandbox="off", operations="tests.photos.hostile") as codec:
        assert code_of(codec, "hangs_up_and_stays", deadline_s=1.0) == "photo_too_slow"


def test_a_decoder_cannot_pass_its_failure_off_as_ours(hostile):
    assert code_of(hostile, "fails") == "photo_kills_decoder"


def test_the_zygote_outlives_every_deed(hostile):
    zygote = hostile._open_line()
    for name in ("crashes", "runs_a_program", "signals_its_parent", "answers_endlessly"):
        code_of(hostile, name)
    assert hostile._open_line() is zygote


def test_strict_refuses_a_machine_without_seccomp(tmp_path):
    """A Python that cannot import pyseccomp stands for a machine without libseccomp."""
    with Codec(sandbox="strict", python=_without_seccomp(tmp_path)) as codec:
        with pytest.raises(SandboxUnavailable, match="libseccomp") as caught:
            codec.warm()
        assert "SANDBOX=auto" in str(caught.value)


def test_auto_goes_on_without_seccomp_and_warns_once(tmp_path, caplog):
    with Codec(sandbox="auto", python=_without_seccomp(tmp_path)) as codec:
        assert probed(codec, saved(scene(), "PNG")).width == 64
        assert probed(codec, saved(scene(), "JPEG")).width == 64
    assert [record.message for record in caplog.records if "without" in record.message] == [
        "photos are read without seccomp on this machine"
    ]


def test_off_still_reads_and_still_bounds():
    with Codec(sandbox="off", operations="tests.photos.hostile") as codec:
        assert deed(codec, "answers").width == 32
        assert answer_to(codec, "opens_a_file")["refused_with"] == "OSError"
        assert answer_to(codec, "writes_to_other_descriptors")["refused_with"] == "OSError"  # there are none


REMOVES = """
import os, sys
from photos.sandbox import Allowance, enter
missing = enter(Allowance(address_space=1 << 30, cpu_s=5), None)
try:
    os.unlink(sys.argv[1])  # which needs no descriptor and no privilege over its own file
except PermissionError:
    assert "Landlock" not in missing
else:
    assert "Landlock" in missing
"""


def test_without_seccomp_landlock_keeps_files_from_a_decoder_or_is_told_to_be_missing(tmp_path):
    victim = tmp_path / "victim"
    victim.touch()
    command = [sys.executable, "-c", REMOVES, str(victim)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_other_word_is_a_mode():
    with pytest.raises(ValueError, match="strict"):
        Codec(sandbox="none")


def test_the_sandbox_holds_for_root_and_for_others():
    """Runs the escapes again as nobody when we are root; otherwise every test here ran as nobody special already."""
    if os.geteuid() == 0:
        command = [sys.executable, "-B", str(Path(__file__).parent / "as_nobody.py"), __file__]
        subprocess.run(command, check=True, cwd=Path(__file__).parents[2], timeout=115)


def _without_seccomp(folder):
    blocked = "import sys; sys.modules['pyseccomp'] = None; import runpy; sys.argv = sys.argv[2:]; "
    launcher = folder / "python"
    launcher.write_text(
        f'#!/bin/sh\nshift 3\nexec {sys.executable} -c "{blocked}'
        "runpy.run_module('photos.zygote', run_name='__main__')\" -- zygote \"$@\"\n"
    )
    launcher.chmod(0o755)
    return str(launcher)
