"""The stages of the work on one photo; each leaves in the assignment what the next one needs.

    fetch ──▶ decode ──▶ enhance ──▶ encode and store

Each returns whether the assignment goes on. How it ended otherwise is written in the row: `failed` when the photo is at
fault, back in line with the attempt spent when a process of ours died, with the attempt returned when a store is away
or the disk is full.
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import shutil
from collections.abc import Callable
from typing import BinaryIO, Protocol, cast

from jobs.blobs import Blobs
from jobs.errors import BlobNotFound, StoreBusy
from jobs.job import FORMATS, Result
from photos.buffer import encoded_bound, pixel_buffer
from photos.codec import Codec
from photos.errors import CodecDied, UnreadablePhoto
from photos.facts import PhotoFacts
from photos.raster import Raster
from photos.refusals import REFUSALS
from worker.assignment import Assignment
from worker.desk import Desk
from worker.engine import EngineLost
from worker.result import BufferReader

log = logging.getLogger(__name__)

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class AssignmentLost(Exception):
    """What is being done no longer counts: the owner cancelled, or the lease went to another worker."""


class Enhancer(Protocol):
    """What the stages need of the engine process."""

    def expect(self, facts: PhotoFacts, *, depth: int) -> None:
        """A photo like this comes next; only a hint."""

    def enhance(
        self, pixels: int, raster: Raster, ratio: float | None, out: int, depth: int, progress: Callable[[float], None]
    ) -> float:
        """Fill the buffer `out` ([H, W, 3] of `depth` bits); the exposure ratio used. Raises EngineLost."""


class Stages:
    """The work itself, over the ports, the codec and the engine."""

    def __init__(self, desk: Desk, blobs: Blobs, codec: Codec, engine: Enhancer, *, codec_s: float) -> None:
        self._desk = desk
        self._blobs = blobs
        self._codec = codec
        self._engine = engine
        self._codec_s = codec_s

    def fetch(self, assignment: Assignment) -> bool:
        return self._guarded(assignment, self._fetch)

    def decode(self, assignment: Assignment) -> bool:
        return self._guarded(assignment, self._decode)

    def enhance(self, assignment: Assignment) -> bool:
        return self._guarded(assignment, self._enhance)

    def encode_and_store(self, assignment: Assignment) -> bool:
        return self._guarded(assignment, self._encode_and_store)

    def _guarded(self, assignment: Assignment, stage: Callable[[Assignment], bool]) -> bool:
        try:
            goes_on = not assignment.lost.is_set() and stage(assignment)
        except AssignmentLost:
            goes_on = False
        except UnreadablePhoto as fact:
            self._desk.fail(assignment, fact.code, fact.detail)
            goes_on = False
        except BlobNotFound:
            self._desk.fail(assignment, "source_lost", "")
            goes_on = False
        except (CodecDied, EngineLost) as fact:
            self._desk.lapse(assignment, str(fact))
            goes_on = False
        except Exception as error:
            if isinstance(error, StoreBusy) or (isinstance(error, OSError) and error.errno in DISK_FULL):
                self._desk.postpone(assignment, f"a store takes nothing now ({error})")
            else:
                log.exception("job %s met a fault of ours", assignment.job.id)
                self._desk.lapse(assignment, "a fault of ours")
            goes_on = False
        if not goes_on:
            assignment.release()
            self._desk.drop(assignment)
        return goes_on

    def _fetch(self, assignment: Assignment) -> bool:
        if assignment.probed is not None:
            self._engine.expect(assignment.facts, depth=assignment.depth)
        self._fetched(assignment)
        return True

    def _decode(self, assignment: Assignment) -> bool:
        source = assignment.descriptors["source"]
        if not self._desk.enter(assignment, "decoding"):
            return False
        if assignment.probed is None:
            if not self._probed(assignment, source):
                return False
            self._engine.expect(assignment.facts, depth=assignment.depth)
        facts = assignment.facts
        pixels = assignment.keep("pixels", pixel_buffer(facts.pixel_bytes, "pixels"))
        assignment.raster = self._codec.decode(source, facts, pixels, deadline_s=self._codec_s)
        assignment.release("source")
        return True

    def _fetched(self, assignment: Assignment) -> None:
        """Have the assignment keep a descriptor of the photo's bytes, verified to be those that were accepted."""
        job = assignment.job
        with self._blobs.open(job.source_key, version=job.source_version) as blob:
            try:
                descriptor = os.dup(blob.fileno())
            except io.UnsupportedOperation:
                descriptor = _copied(blob, job.source_size)
        assignment.keep("source", descriptor)
        with os.fdopen(os.dup(descriptor), "rb") as file:
            file.seek(0)
            assignment.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if job.source_sha256 and assignment.sha256 != job.source_sha256:
            raise BlobNotFound(job.source_key)
        os.lseek(descriptor, 0, os.SEEK_SET)

    def _probed(self, assignment: Assignment, source: int) -> bool:
        """Read a photo that came straight into the store for the first time, and tell what it is."""
        facts = self._codec.probe(source, deadline_s=self._codec_s)
        if not facts.fits(assignment.job.format):
            raise UnreadablePhoto(*REFUSALS["side_too_long_for_webp"])
        return self._desk.describe(assignment, facts, sha256=assignment.sha256)

    def _enhance(self, assignment: Assignment) -> bool:
        if not self._desk.enter(assignment, "enhancing"):
            return False
        facts, raster = assignment.facts, _raster(assignment)
        out = assignment.keep("out", pixel_buffer(facts.width * facts.height * 3 * assignment.depth // 8, "out"))

        def progress(done: float) -> None:
            if assignment.lost.is_set():
                raise AssignmentLost(assignment.job.id)  # a new engine is sooner ready than a large photo
            assignment.progress = done

        assignment.ratio = self._engine.enhance(
            assignment.descriptors["pixels"], raster, assignment.job.ratio, out, assignment.depth, progress
        )
        if not raster.alpha:
            assignment.release("pixels")
        return True

    def _encode_and_store(self, assignment: Assignment) -> bool:
        if not self._desk.enter(assignment, "encoding"):
            return False
        job, facts = assignment.job, assignment.facts
        encoded = assignment.keep("encoded", pixel_buffer(encoded_bound(facts, job.format), "encoded"))
        size = self._codec.encode(
            assignment.descriptors["out"],
            _raster(assignment),
            encoded,
            format=job.format,
            depth=assignment.depth,
            source_fd=assignment.descriptors.get("pixels"),
            deadline_s=self._codec_s,
        )
        assignment.release("pixels", "out")
        if not self._desk.enter(assignment, "storing"):
            return False
        key = f"out/{job.id}/{assignment.token}"
        with BufferReader(encoded, size) as picture:
            stored = self._blobs.put(key, cast("BinaryIO", picture))
        assignment.finish()
        width, height = facts.oriented_size
        result = Result(
            key=key,
            size=stored.size,
            sha256=stored.sha256,
            media_type=FORMATS[job.format][0],
            width=width,
            height=height,
            ratio=assignment.ratio,
        )
        assignment.release()
        if self._desk.publish(assignment, result):
            return True
        # Written for nothing: the owner cancelled, or another worker has the job. Where StoreBusy leaves it open
        # whether the row names this result, it stays, and goes with the job.
        self._blobs.delete(key)
        return False


def _raster(assignment: Assignment) -> Raster:
    assert assignment.raster is not None
    return assignment.raster


def _copied(blob: BinaryIO, size: int) -> int:
    """The bytes of a blob that is no file, in memory that the codec can be handed."""
    descriptor = pixel_buffer(size, "photo")
    with os.fdopen(os.dup(descriptor), "r+b") as file:
        shutil.copyfileobj(blob, file, 1 << 20)  # a longer blob meets the buffer's seal: an error, an attempt
    return descriptor
