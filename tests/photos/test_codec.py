"""The client: calls side by side, deadlines, deaths on both sides, and no blocked event loop."""

import os
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from photos.codec import Codec
from photos.errors import CodecDied, UnreadablePhoto
from photos.limits import Limits
from tests.photos.making import photo_fd, saved, scene
from tests.photos.reading import buffer, decoded, probed

ROOT = Path(__file__).parents[2]


@pytest.fixture
def hostile():
    with Codec(sandbox="strict", operations="tests.photos.hostile") as codec:
        yield codec


@pytest.fixture
def spinning():
    fd = photo_fd(b"\xff\xd8\xffspins")
    yield fd
    os.close(fd)


def ended(pidfd, within_s=60):
    return bool(select.select([pidfd], [], [], within_s)[0])


def in_flight(codec, fd, deadline_s):
    """A call that runs in a thread; the error it ends with is its result."""

    def call():
        try:
            codec.probe(fd, deadline_s=deadline_s)
        except (CodecDied, UnreadablePhoto) as error:
            return error
        return None

    pool = ThreadPoolExecutor(1)
    return pool.submit(call)


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def first_child_of(pid):
    """The zygote's first child; it is there soon after a call began."""
    watch = threading.Event()
    for _ in range(6000):
        if children := children_of(pid):
            return children[0]
        watch.wait(0.01)
    raise AssertionError("no child was forked")


def test_calls_run_side_by_side(codec):
    pictures = [scene(seed=seed) for seed in range(12)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda picture: decoded(codec, saved(picture, "PNG"))[2], pictures))
    for picture, result in zip(pictures, results, strict=True):
        assert np.array_equal(picture, result)


def test_a_lost_zygote_is_nobodys_fault_and_is_replaced(hostile, spinning):
    hostile.warm()
    zygote = hostile._line._process.pid
    call = in_flight(hostile, spinning, 60)
    child = os.pidfd_open(first_child_of(zygote))
    os.kill(zygote, signal.SIGKILL)
    assert isinstance(call.result(timeout=60), CodecDied)
    assert ended(child), "the child outlived its zygote"
    os.close(child)
    fd = photo_fd(b"\xff\xd8\xffanswers")
    assert hostile.probe(fd, deadline_s=10).width == 32
    os.close(fd)
    assert hostile._line._process.pid != zygote


def test_a_hung_zygote_is_given_up(hostile, spinning, monkeypatch):
    monkeypatch.setattr("photos.line._GRACE_S", 0.3)
    hostile.warm()
    zygote = hostile._line._process
    os.kill(zygote.pid, signal.SIGSTOP)
    with pytest.raises(CodecDied):
        hostile.probe(spinning, deadline_s=0.2)
    assert zygote.poll() == -signal.SIGKILL
    monkeypatch.undo()
    fd = photo_fd(b"\xff\xd8\xffanswers")
    assert hostile.probe(fd, deadline_s=10).width == 32
    os.close(fd)


def test_a_killed_child_is_not_the_photos_fault(hostile, spinning):
    hostile.warm()
    zygote = hostile._line._process.pid
    call = in_flight(hostile, spinning, 60)
    os.kill(first_child_of(zygote), signal.SIGKILL)
    error = call.result(timeout=60)
    assert isinstance(error, CodecDied)
    assert "system killed" in str(error)
    assert hostile._line._process.pid == zygote


def test_closing_ends_the_zygote_and_calls_in_flight(hostile, spinning):
    hostile.warm()
    zygote = hostile._line._process.pid
    call = in_flight(hostile, spinning, 60)
    child = os.pidfd_open(first_child_of(zygote))
    hostile.close()
    assert isinstance(call.result(timeout=60), CodecDied)
    assert ended(child)
    os.close(child)


DIES = """
import os, signal, sys, threading
from photos.buffer import encoded_bound
from photos.codec import Codec
from tests.photos.making import photo_fd

codec = Codec(sandbox="strict", operations="tests.photos.hostile")
starter = threading.Thread(target=codec.warm)  # its end must not end the zygote
starter.start()
starter.join()
fd = photo_fd(b"\\xff\\xd8\\xffspins")
threading.Thread(target=lambda: codec.probe(fd, deadline_s=60), daemon=True).start()
print(codec._line._process.pid, flush=True)
sys.stdin.read(1)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_zygote_and_children_end_with_the_client():
    client = subprocess.Popen([sys.executable, "-c", DIES], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with client:
        zygote = int(client.stdout.readline())
        pidfds = [os.pidfd_open(pid) for pid in (zygote, first_child_of(zygote))]
        client.communicate(b"x", timeout=60)
    for pidfd in pidfds:
        assert ended(pidfd)
        os.close(pidfd)


GEVENT = """
from gevent import monkey
monkey.patch_all()
import gevent, sys, time
from photos.buffer import encoded_bound
from photos.codec import Codec
from photos.errors import CodecDied, UnreadablePhoto
from tests.photos.making import photo_fd, saved, scene

ticks = 0
def tick():
    global ticks
    while True:
        gevent.sleep(0.005)
        ticks += 1
gevent.spawn(tick)

def spin():
    fd = photo_fd(b"\\xff\\xd8\\xffspins")
    for _ in range(20):
        try:
            hostile.probe(fd, deadline_s=1.0)
        except UnreadablePhoto as error:
            return error.code
        except CodecDied as fact:  # the machine was too busy to tell
            if "busy" not in str(fact):
                raise

with Codec(sandbox="strict", operations="tests.photos.hostile") as hostile:
    hostile.warm()
    assert ticks > 3, "starting the zygote blocked the loop"
    ticks = 0
    calls = [gevent.spawn(spin) for _ in range(1)]
    gevent.joinall(calls, timeout=60)
    assert [call.value for call in calls] == ["photo_too_slow"], [call.value for call in calls]
    assert ticks > 30, f"only {ticks} ticks in a second: the loop was blocked"

with Codec(sandbox="strict") as codec:
    fd = photo_fd(saved(scene(), "PNG"))
    calls = [gevent.spawn(codec.probe, fd, deadline_s=60) for _ in range(20)]
    gevent.joinall(calls, timeout=60, raise_error=True)
    assert all(call.value.width == 64 for call in calls)

    # A greenlet that is killed in the middle leaves the codec usable.
    with_kill = gevent.spawn(codec.probe, fd, deadline_s=60)
    gevent.sleep(0.002)
    with_kill.kill()
    assert codec.probe(fd, deadline_s=20).width == 64
print("fine")
"""


def test_a_gevent_loop_goes_on_while_photos_are_read():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GEVENT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.stdout.strip() == "fine", done.stderr


def test_a_process_that_forked_gets_its_own_zygote(codec):
    assert probed(codec, saved(scene(), "PNG")).width == 64
    line = codec._line
    line._owner_pid += 1  # what a forked child sees: the line belongs to somebody else
    try:
        assert not line.alive()
    finally:
        line._owner_pid -= 1
    assert line.alive()


def open_descriptors(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_descriptors_are_not_leaked(codec):
    data = saved(scene(), "PNG")
    decoded(codec, data)
    before = open_descriptors("self")
    for _ in range(5):
        decoded(codec, data)
        with pytest.raises(UnreadablePhoto):
            probed(codec, data[:20])
    assert open_descriptors("self") <= before
    assert open_descriptors(codec._line._process.pid) < 20


def test_nothing_of_our_environment_reaches_the_zygote(codec, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-ours")
    with Codec(sandbox="strict") as fresh:
        fresh.warm()
        assert b"of-ours" not in Path(f"/proc/{fresh._line._process.pid}/environ").read_bytes()


ODD_SIGNALS = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
from photos.buffer import encoded_bound
from photos.codec import Codec
from tests.photos.making import photo_fd, saved, scene
with Codec(sandbox="strict") as codec:
    fd = photo_fd(saved(scene(), "PNG"))
    assert codec.probe(fd, deadline_s=10).width == 64
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(codec._line._process.pid, number)
    assert codec.probe(fd, deadline_s=10).width == 64
print("fine")
"""


def test_inherited_signals_and_a_stop_of_the_whole_group_do_not_disturb():
    done = subprocess.run(
        [sys.executable, "-c", ODD_SIGNALS], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == "fine", done.stderr


def test_a_module_in_the_current_folder_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "cv2.py").write_text("raise SystemExit('imported from the folder of photos')")
    monkeypatch.chdir(tmp_path)
    with Codec(sandbox="strict") as codec:
        assert probed(codec, saved(scene(), "PNG")).width == 64


def test_a_python_that_does_not_start_is_said(tmp_path):
    with Codec(sandbox="strict", python="/bin/false") as codec, pytest.raises(CodecDied, match="did not start"):
        codec.warm()


def test_a_file_over_the_limit_is_refused_unread():
    with Codec(sandbox="strict", limits=Limits(file_bytes=1000), python="/bin/false") as codec:
        with pytest.raises(UnreadablePhoto) as caught:
            probed(codec, saved(scene(), "PNG"))
        assert caught.value.code == "photo_too_large"


def test_an_empty_file_is_refused(codec):
    with pytest.raises(UnreadablePhoto) as caught:
        probed(codec, b"")
    assert caught.value.code == "unreadable_photo"


def test_a_buffer_of_the_wrong_size_is_a_mistake(codec):
    fd = photo_fd(saved(scene(), "PNG"))
    facts = codec.probe(fd, deadline_s=10)
    with buffer(facts.pixel_bytes - 1) as pixels, pytest.raises(ValueError, match="bytes"):
        codec.decode(fd, facts, pixels, deadline_s=10)
    os.close(fd)
