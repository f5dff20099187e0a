"""The client of the sandbox: probes, decodes and encodes photos without ever reading one in this process."""

import logging
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from photos.errors import UnreadablePhoto
from photos.facts import PhotoFacts
from photos.limits import Limits
from photos.line import Call, Line
from photos.raster import Raster
from photos.record import MalformedRecord, Record
from photos.refusals import unreadable
from photos.sandbox import MODES, Mode
from photos.sniff import refusal, sniff_file

OPERATIONS = "photos.operations"

_log = logging.getLogger(__name__)


def interpreter() -> str:
    """This environment's Python; sys.executable is another one under uWSGI."""
    candidates = (Path(sys.prefix, "bin", name) for name in ("python", "python3"))
    return next((str(path) for path in candidates if path.exists()), sys.executable)


class Codec:
    """Probe, decode and encode, each call in a forked child of its own, locked into a sandbox.

    May be called from several threads or greenlets at once; at most `parallel` calls run, the others wait. The first
    call, or warm(), starts the zygote (about half a second); a dead one is replaced by the next call. Every call
    raises UnreadablePhoto when the photo is at fault and CodecDied when it is not known to be. `deadline_s` bounds
    the child from its start; the call itself takes a few seconds more at most. SandboxUnavailable, when "strict"
    cannot be had, ends any call. Descriptors stay the caller's and keep their offsets.
    """

    def __init__(
        self,
        *,
        sandbox: Mode,
        limits: Limits | None = None,
        python: str | None = None,
        parallel: int = 4,
        operations: str = OPERATIONS,
    ) -> None:
        """`operations` names the module that children run; it is for tests, which bring a hostile one."""
        if sandbox not in MODES:
            raise ValueError(f"sandbox is one of {', '.join(MODES)}")
        self._limits = limits or Limits()
        # -P: a folder of photos may hold a cv2.py of its own
        self._command = (python or interpreter(), "-P", "-m", "photos.zygote")
        self._arguments = (sandbox, operations)
        self._turns = threading.BoundedSemaphore(parallel)
        self._lock = threading.Lock()
        self._line: Line | None = None

    def warm(self) -> None:
        """Start the zygote now, so that the first photo need not wait for it. CodecDied or SandboxUnavailable."""
        self._open_line()

    @property
    def missing(self) -> tuple[str, ...]:
        """The sandbox's layers that this machine lacks; known once warm."""
        return self._line.missing if self._line is not None else ()

    def probe(self, photo_fd: int, *, deadline_s: float) -> PhotoFacts:
        """What the photo is. Headers only, except for camera raws, which LibRaw must unpack to know their mosaic."""
        format_ = self._sniffed(photo_fd)
        limits = self._limits
        request: dict[str, object] = {
            "op": "probe",
            "format": format_,
            "pixels": limits.pixels,
            "shortest_side": limits.shortest_side,
            "longest_side": limits.longest_side,
        }
        # A raw is unpacked: two bytes a pixel, in at most the largest picture allowed.
        room = limits.pixels if format_ == "raw" else 0
        answer = self._call(request, [photo_fd], 0, _size(photo_fd), room, deadline_s)
        try:
            facts = PhotoFacts.from_json(Record(answer).value("facts"))
        except MalformedRecord as error:
            raise unreadable("kills_decoder") from error
        within = facts.width * facts.height <= limits.pixels and max(facts.width, facts.height) <= limits.longest_side
        if facts.format != format_ or not within or min(facts.width, facts.height) < limits.shortest_side:
            raise unreadable("kills_decoder")
        return facts

    def decode(self, photo_fd: int, facts: PhotoFacts, pixels_fd: int, *, deadline_s: float) -> Raster:
        """Fill the buffer, facts.pixel_bytes long, with the photo's codes; what they mean.

        UnreadablePhoto("unreadable_photo") if the photo is not what `facts` say. ValueError if the buffer has another
        size.
        """
        if _size(pixels_fd) != facts.pixel_bytes:
            raise ValueError(f"the buffer must have {facts.pixel_bytes} bytes")
        if self._sniffed(photo_fd) != facts.format:
            raise unreadable("changed")
        request: dict[str, object] = {"op": "decode", "format": facts.format}
        fds = [photo_fd, pixels_fd]
        answer = self._call(request, fds, 1, _size(photo_fd), facts.pixel_bytes, deadline_s)
        try:
            raster = Raster.from_json(Record(answer).value("raster"))
        except MalformedRecord as error:
            raise unreadable("kills_decoder") from error
        claimed = (raster.layout, raster.width, raster.height, raster.depth, raster.grey, raster.alpha)
        if claimed != (facts.layout, facts.width, facts.height, facts.depth, facts.grey, facts.alpha):
            raise unreadable("changed")
        return raster

    def encode(
        self,
        pixels_fd: int,
        raster: Raster,
        out_fd: int,
        *,
        format: str,  # noqa: A002 -- the word of the contract
        depth: int,
        source_fd: int | None = None,
        deadline_s: float,
    ) -> int:
        """Write the picture in `pixels_fd`, [H, W, 3] codes of `depth` bits, into `out_fd`; the bytes written.

        `source_fd` is the decoded buffer; a raster with alpha needs it, for its plane is put back where the format has
        one. encoding.py says how each format is written. ValueError for a wrong size, depth or format.
        """
        expected = raster.width * raster.height * 3 * (depth // 8)
        if _size(pixels_fd) < expected:
            raise ValueError(f"the buffer must have {expected} bytes")
        if depth not in {8, 16} or (depth == 16 and format in {"jpeg", "webp"}):
            raise ValueError(f"{format} has no {depth} bits a channel")
        if format not in {"jpeg", "png", "webp", "tiff"}:
            raise ValueError(f"{format} is no format to write")
        if raster.alpha and source_fd is None:
            raise ValueError("the decoded buffer is needed for its alpha plane")
        request: dict[str, object] = {"op": "encode", "format": format, "depth": depth, "raster": raster.to_json()}
        alpha_fds = [source_fd] if source_fd is not None and raster.alpha else []
        answer = self._call(request, [pixels_fd, *alpha_fds, out_fd], 1, _size(out_fd), expected * 2, deadline_s)
        return Record(answer).integer("length", 1, _size(out_fd))

    def close(self) -> None:
        """End the zygote and every call in flight; a later call starts anew."""
        with self._lock:
            line, self._line = self._line, None
        if line:
            line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sniffed(self, photo_fd: int) -> str:
        size = _size(photo_fd)
        if size > self._limits.file_bytes:
            raise unreadable("too_many_bytes")
        format_ = sniff_file(photo_fd)
        if format_ is None:
            raise unreadable(refusal(os.pread(photo_fd, 64, 0)))
        return format_

    def _call(
        self,
        request: dict[str, object],
        fds: Sequence[int],
        writable: int,
        file_bytes: int,
        pixel_bytes: int,
        deadline_s: float,
    ) -> object:
        call = Call(
            request={**request, "writable": writable},
            fds=tuple(fds),
            address_space=self._limits.address_space(file_bytes=file_bytes, pixel_bytes=pixel_bytes),
            deadline_s=deadline_s,
        )
        with self._turns:
            line = self._open_line()
            try:
                return line.ask(call)
            except UnreadablePhoto as error:
                _log.info("photo refused at %s: %s", request["op"], error.code)
                raise
            finally:
                if line.broken:
                    self._drop(line)

    def _open_line(self) -> Line:
        with self._lock:
            if self._line is None or not self._line.alive():
                if self._line:
                    self._line.close()
                self._line = None
                self._line = Line.opened(self._command, self._arguments)
                if self._line.missing:
                    _log.warning("photos are read without %s on this machine", ", ".join(self._line.missing))
            return self._line

    def _drop(self, line: Line) -> None:
        with self._lock:
            if self._line is line:
                self._line = None
        line.close()


def _size(fd: int) -> int:
    return os.fstat(fd).st_size
