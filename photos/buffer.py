"""Memory that processes share by descriptor: sized once, never to shrink under a reader."""

import fcntl
import os
import sys
import tempfile

from photos.facts import PhotoFacts

# Room for headers, colour profile and metadata of a result, whatever its format.
_HEADERS = 4 << 20


def pixel_buffer(size: int, name: str) -> int:
    """A descriptor of `size` zero bytes, shared by whoever maps it; close it with os.close.

    On Linux a memfd, sealed so that no process that is handed the descriptor can shrink it and kill another
    with SIGBUS; pages cost memory only once touched. Elsewhere an unlinked temporary file. ValueError if size < 1.
    """
    if size < 1:
        raise ValueError("a buffer holds at least one byte")
    if sys.platform != "linux":
        with tempfile.TemporaryFile(prefix=name) as file:
            os.ftruncate(file.fileno(), size)
            return os.dup(file.fileno())
    fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(fd, size)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    except OSError:
        os.close(fd)
        raise
    return fd


def encoded_bound(facts: PhotoFacts, format_: str) -> int:
    """Bytes that a result of this photo cannot exceed in `format_` ("jpeg", "png", "webp" or "tiff").

    JPEG's bound is that of noise at quality 95; PNG's deflate grows noise by 0.1 %; TIFF is not compressed.
    """
    depth = 2 if format_ == "tiff" or (format_ == "png" and facts.depth == 16) else 1
    codes = facts.width * facts.height * (3 + facts.alpha) * depth
    return codes + codes // 4 + _HEADERS
