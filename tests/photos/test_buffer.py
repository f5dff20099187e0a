import mmap
import os
import sys

import pytest

from photos.buffer import encoded_bound, pixel_buffer
from photos.facts import PhotoFacts
from tests.photos.reading import buffer


def test_a_buffer_is_shared_by_descriptor():
    with buffer(5000) as fd:
        mmap.mmap(fd, 0)[:4] = b"seen"
        assert os.fstat(fd).st_size == 5000
        assert os.pread(fd, 4, 0) == b"seen"


@pytest.mark.skipif(sys.platform != "linux", reason="seals are Linux's")
def test_nobody_can_shrink_or_grow_a_buffer_under_a_reader():
    with buffer(5000) as fd:
        for size in (0, 9000):
            with pytest.raises(PermissionError):
                os.ftruncate(fd, size)


def test_a_buffer_of_nothing_is_a_mistake():
    with pytest.raises(ValueError, match="at least one byte"):
        pixel_buffer(0, "none")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/shm is Linux's")
def test_a_buffer_takes_no_room_in_dev_shm():
    before = os.statvfs("/dev/shm").f_bavail
    with buffer(64 << 20) as fd:
        mmap.mmap(fd, 0)[:] = bytes(64 << 20)
        assert os.statvfs("/dev/shm").f_bavail >= before - 1024


def test_the_bound_grows_with_depth_and_alpha():
    facts = PhotoFacts(
        format="png", width=100, height=50, orientation=1, layout="rgb", depth=16, grey=False, alpha=True
    )
    assert encoded_bound(facts, "jpeg") > 100 * 50 * 4
    assert encoded_bound(facts, "png") > 100 * 50 * 4 * 2
    assert encoded_bound(facts, "tiff") > 100 * 50 * 4 * 2
