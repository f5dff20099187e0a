"""A trial of the sandbox before any photo is read: which layers hold here, and whether anything still gets out."""

import os
import socket
from collections.abc import Callable

from photos.sandbox import Allowance, Filter, enter, seccomp

_TRIAL = Allowance(address_space=64 << 20, cpu_s=5)


class SandboxRefused(Exception):
    """The sandbox cannot be built as strictly as asked for."""


def layers(mode: str) -> tuple[Filter | None, list[str]]:
    """The seccomp layer to use and the names of missing layers; SandboxRefused if `mode` cannot be honoured."""
    if mode == "off":
        return None, []
    filter_ = seccomp()
    try:
        return filter_, _strictly(trial(filter_), mode)
    except SandboxRefused:
        if mode == "strict" or filter_ is None:
            raise
    return None, trial(None)


def _strictly(missing: list[str], mode: str) -> list[str]:
    if mode == "strict" and "seccomp" in missing:
        raise SandboxRefused("this machine has no seccomp, or libseccomp is not installed")
    return missing


def trial(filter_: Filter | None) -> list[str]:
    """Lock a forked child in and let it try to get out; the names of the layers this machine lacks.

    SandboxRefused if a layer fails, or if the child could open a file or a socket all the same.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _try_to_get_out(writer, filter_)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read().decode()
    _, status = os.waitpid(pid, 0)
    verdict, _, rest = said.partition(":")
    if status != 0 or verdict != "locked":
        raise SandboxRefused(rest or f"the trial child ended with status {status}")
    return [name for name in rest.split(",") if name]


def _try_to_get_out(writer: int, filter_: Filter | None) -> None:
    said = "failed:unknown"
    os.dup2(writer, 1)
    try:
        missing = enter(_TRIAL, filter_)
        said = "locked:" + ",".join(missing)
        for escape in (lambda: os.open("/", os.O_RDONLY), lambda: socket.socket().fileno()):
            if _works(escape):
                said = "failed:a locked process could open a file or a socket"
    except OSError as error:
        said = f"failed:{error}"
    finally:
        os.write(1, said.encode())
        os._exit(0)


def _works(escape: Callable[[], object]) -> bool:
    try:
        escape()
    except OSError:
        return False
    return True
