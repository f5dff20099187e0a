"""Which files under some folders are opened while something runs, by whatever process; Linux's inotify tells."""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

_OPEN, _ISDIR, _OVERFLOW = 0x20, 0x40000000, 0x4000
NOT_CODE = (".git", "node_modules", "var")
_EVENT = struct.Struct("iIII")  # watch, what, cookie, length of the name that follows; see inotify(7)


class TooManyFolders(Exception):
    """The kernel allows this user fewer watches; the message names the setting to raise."""


class SomeMissed(Exception):
    """The kernel dropped some of what it noted."""


class OpenedFiles:
    """A context; `paths` afterwards holds the files in the order in which each was first opened.

    Folders that appear meanwhile are not watched. What others open there counts, too: nothing else should run.
    """

    def __init__(self, roots: Iterable[Path]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._inotify: int = self._libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._inotify < 0:
            raise OSError(ctypes.get_errno(), "inotify cannot be had")
        self._folders: dict[int, str] = {}
        for folder in _folders(roots):
            self._watch(folder)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._lost = False
        self._found: dict[str, None] = {}

    @property
    def paths(self) -> list[Path]:
        """Raises SomeMissed."""
        if self._lost:
            raise SomeMissed("files were opened faster than they could be noted: let nothing else run meanwhile")
        return [Path(path) for path in self._found]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._take()
        os.close(self._inotify)

    def _watch(self, folder: str) -> None:
        watch = self._libc.inotify_add_watch(self._inotify, os.fsencode(folder), _OPEN)
        if watch >= 0:
            self._folders[watch] = folder
        elif ctypes.get_errno() == 28:  # ENOSPC means watches here
            raise TooManyFolders("raise fs.inotify.max_user_watches (sysctl): there are more folders than it allows")

    def _listen(self) -> None:
        waiting = select.poll()  # unlike select, it takes descriptors beyond 1023
        waiting.register(self._inotify, select.POLLIN)
        while not self._ended.is_set():
            waiting.poll(50)
            self._take()

    def _take(self) -> None:
        while True:
            try:
                events = os.read(self._inotify, 1 << 18)
            except BlockingIOError:
                return
            at = 0
            while at < len(events):
                watch, what, _, length = _EVENT.unpack_from(events, at)
                at += _EVENT.size + length
                self._lost |= bool(what & _OVERFLOW)
                if watch in self._folders and not what & _ISDIR:
                    name = events[at - length : at].rstrip(b"\0")
                    self._found.setdefault(f"{self._folders[watch]}/{os.fsdecode(name)}")


def _folders(roots: Iterable[Path]) -> Iterator[str]:
    """Every folder below that may hold code, each once; links to folders are not followed."""
    seen: set[str] = set()
    for root in roots:
        for folder, below, _ in os.walk(os.path.realpath(root)):
            below[:] = [name for name in below if name not in NOT_CODE]
            if folder in seen:
                below.clear()
                continue
            seen.add(folder)
            yield folder
