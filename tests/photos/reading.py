"""Take a photo in and out through the real sandbox."""

import mmap
import os
from contextlib import contextmanager

import numpy as np

from photos.buffer import pixel_buffer
from photos.errors import CodecDied, UnreadablePhoto
from tests.photos.making import photo_fd

DEADLINE_S = 60


def probed(codec, data):
    fd = photo_fd(data)
    try:
        return codec.probe(fd, deadline_s=DEADLINE_S)
    finally:
        os.close(fd)


def refusal(call):
    """The code a photo is refused for; asked again where the machine was too busy to tell."""
    for _ in range(20):
        try:
            call()
        except UnreadablePhoto as fact:
            return fact.code
        except CodecDied as fact:
            if "busy" not in str(fact):
                raise
    raise AssertionError("it was never refused")


def decoded(codec, data, facts=None):
    """(facts, raster, colour [H, W(, 3)], alpha [H, W] or None)."""
    fd = photo_fd(data)
    facts = facts or codec.probe(fd, deadline_s=DEADLINE_S)
    with buffer(facts.pixel_bytes) as pixels:
        try:
            raster = codec.decode(fd, facts, pixels, deadline_s=DEADLINE_S)
        finally:
            os.close(fd)
        codes = np.frombuffer(mmap.mmap(pixels, 0), np.uint8 if raster.depth == 8 else np.uint16)
    count = raster.width * raster.height * (3 if raster.layout == "rgb" else 1)
    shape = (raster.height, raster.width, 3) if raster.layout == "rgb" else (raster.height, raster.width)
    colour, alpha = codes[:count].reshape(shape), codes[count:]
    return facts, raster, colour, alpha.reshape(shape[:2]) if raster.alpha else None


def encoded(codec, colour, raster, format_, alpha=None):
    """The file that the codec writes for [H, W, 3] codes."""
    room = colour.nbytes * 2 + (1 << 20)
    with buffer(colour.nbytes) as pixels, buffer(raster.pixel_bytes) as source, buffer(room) as out:
        mmap.mmap(pixels, 0)[:] = colour.tobytes()
        if alpha is not None:
            mmap.mmap(source, 0)[raster.colour_bytes :] = alpha.tobytes()
        length = codec.encode(
            pixels,
            raster,
            out,
            format=format_,
            depth=colour.itemsize * 8,
            source_fd=source,
            deadline_s=DEADLINE_S,
        )
        return mmap.mmap(out, 0)[:length]


@contextmanager
def buffer(size):
    fd = pixel_buffer(size, "test")
    try:
        yield fd
    finally:
        os.close(fd)
