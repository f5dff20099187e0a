"""The encoded picture on its way to the store."""

from __future__ import annotations

import io
import os

import pytest

from photos.buffer import pixel_buffer
from worker.result import BufferReader


def test_a_picture_is_read_again_from_any_place_up_to_its_true_length() -> None:
    descriptor = pixel_buffer(100, "encoded")
    os.pwrite(descriptor, b"0123456789", 0)
    try:
        picture = BufferReader(descriptor, 10)
        assert picture.seekable()
        assert picture.read() == b"0123456789"
        assert (picture.seek(4), picture.read(3), picture.tell()) == (4, b"456", 7)
        assert (picture.seek(-1, io.SEEK_CUR), picture.read(1)) == (6, b"6")
        assert (picture.seek(0, io.SEEK_END), picture.read()) == (10, b"")
        assert (picture.seek(20), picture.read()) == (20, b"")
        with pytest.raises(ValueError, match="begin"):
            picture.seek(-1)
    finally:
        os.close(descriptor)
