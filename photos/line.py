"""The line to one zygote: a process, a socket to it, and two more for every call."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from photos.errors import CodecDied, SandboxUnavailable
from photos.record import MalformedRecord, Record
from photos.refusals import unreadable
from photos.verdict import Ending, fault
from photos.wire import WireBroken, receive, send

__all__ = ["Call", "Line", "SandboxUnavailable"]

_START_S = 60.0
# The zygote ends a late child at once; a zygote that has not said so after this is itself hung.
_GRACE_S = 5.0
_ROOT = Path(__file__).resolve().parent.parent
# Nothing of our own environment reaches the process that reads photos: no keys, no tokens. Decoders run one thread
# each, for OpenMP's do not survive a fork.
_ENVIRONMENT = {
    "PYTHONPATH": str(_ROOT),
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TZ": "UTC",
    # Large pictures in huge pages: a quarter less time in page faults (glibc 2.35 and later; others ignore it).
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, the descriptors it is about, and what its child may use: bytes beyond the zygote's, seconds."""

    request: dict[str, object]
    fds: tuple[int, ...]
    address_space: int
    deadline_s: float


class Line:
    """A running zygote. Thread-safe; broken once, it stays broken and is replaced."""

    def __init__(self, process: subprocess.Popen[bytes], control: socket.socket, mode: str) -> None:
        self._process = process
        self._control = control
        self._mode = mode
        self._owner_pid = os.getpid()
        self._lock = threading.Lock()
        self.missing: tuple[str, ...] = ()
        self.broken = False

    @classmethod
    def opened(cls, command: Sequence[str], arguments: Sequence[str]) -> "Line":
        """Start a zygote and wait until it is ready.

        `arguments` begin with the sandbox mode. CodecDied if it does not come up, SandboxUnavailable if it refuses.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(os.getpid()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=_ENVIRONMENT,
            )
        line = cls(process, ours, arguments[0])
        try:
            line.greet()
        except (CodecDied, SandboxUnavailable):
            line.close()
            raise
        return line

    def greet(self) -> None:
        """Wait for the zygote's first word."""
        try:
            record = Record(receive(self._control, before=_shortening(self._control, _START_S)))
            refused = None if record.absent("refused") else record.text("refused", 500)
            names = [] if refused else record.value("missing")
        except (OSError, WireBroken, MalformedRecord) as error:
            raise CodecDied("the photo decoder did not start") from error
        if refused:
            raise SandboxUnavailable(
                f"SANDBOX={self._mode} is not possible here: {refused}. "
                "Install libseccomp, or set SANDBOX=auto to accept what this machine offers."
            )
        self.missing = tuple(str(name) for name in names) if isinstance(names, list) else ()

    def alive(self) -> bool:
        """Whether calls can be made: the zygote runs and was started by this very process."""
        return not self.broken and self._owner_pid == os.getpid() and self._process.poll() is None

    def ask(self, call: Call) -> object:
        """The child's answer, a JSON object whose fields are still to be checked. UnreadablePhoto or CodecDied."""
        status, status_end = socket.socketpair()
        talk, talk_end = socket.socketpair()
        with status, talk:
            try:
                with status_end, talk_end:
                    self._request(call, [status_end.fileno(), talk_end.fileno(), *call.fds])
                shorten = _shortening(talk, call.deadline_s + _GRACE_S)
                watch = _shortening(status, call.deadline_s + 2 * _GRACE_S)
                answer = _conversation(talk, call.request, shorten)
                report = receive(status, before=watch)
                if not Record(report).absent("fork"):
                    raise CodecDied("no process for the decoder could be started")
                ending = Ending.from_json(report)
            except (OSError, WireBroken, MalformedRecord) as error:
                self.broken = True
                raise CodecDied("the photo decoder was lost") from error
        problem = fault(ending, answer, call.deadline_s, hostile=call.request["op"] != "encode")
        if problem:
            raise problem
        return answer

    def close(self) -> None:
        """End the zygote and its children; calls in flight fail with CodecDied."""
        self.broken = True
        self._control.close()
        if self._owner_pid == os.getpid():
            self._process.kill()
            self._process.wait()

    def _request(self, call: Call, fds: Sequence[int]) -> None:
        with self._lock:
            self._control.settimeout(_GRACE_S)
            send(self._control, {"address_space": call.address_space, "deadline_s": call.deadline_s}, fds)


def _conversation(talk: socket.socket, request: dict[str, object], before: Callable[[], None]) -> object | None:
    """Send the request; the child's answer, None if it ended without. UnreadablePhoto if what came was no message."""
    try:
        before()
        send(talk, request)
        return receive(talk, before=before)
    except (BrokenPipeError, ConnectionResetError):
        return None  # the child died early; its ending says how
    except WireBroken as error:
        raise unreadable("kills_decoder") from error


def _shortening(sock: socket.socket, seconds: float) -> Callable[[], None]:
    """A function that sets the socket's timeout to what is left of `seconds` from now; TimeoutError when none is."""
    end = time.monotonic() + seconds

    def shorten() -> None:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)

    return shorten
