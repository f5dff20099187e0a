"""The room a decoder is locked into: its maps, its answer, some memory, some seconds, and nothing else.

    close descriptors → no_new_privs, undumpable, capabilities dropped → rlimits → Landlock → seccomp

Each layer holds alone for most of what matters: without a descriptor to spare (NOFILE 0) nothing can be opened or
connected, Landlock refuses files and ports, seccomp refuses the calls themselves.
"""

import ctypes
import math
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Mode = Literal["strict", "auto", "off"]
MODES: tuple[Mode, ...] = ("strict", "auto", "off")

_PDEATHSIG, _SET_DUMPABLE, _SET_NO_NEW_PRIVS, _CAP_AMBIENT, _AMBIENT_CLEAR = 1, 4, 38, 47, 4
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What one child may use: bytes of address space beyond what it has now, and seconds of CPU."""

    address_space: int
    cpu_s: float


Filter = Callable[[], None]


def seccomp() -> Filter | None:
    """The seccomp layer, ready to lock a process in, or None where this machine has none."""
    if sys.platform != "linux":
        return None
    try:
        from photos.syscalls import decoder_filter  # noqa: PLC0415 -- raises where libseccomp is missing
    except (ImportError, RuntimeError):
        return None
    load: Filter = decoder_filter().load
    return load


def close_all_but(keep: Iterable[int]) -> None:
    """Close every descriptor from 3 up that is not in `keep`."""
    low = 3
    for fd in sorted(keep):
        os.closerange(low, fd)
        low = max(low, fd + 1)
    os.closerange(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0] if sys.platform != "linux" else 1 << 30)


def die_with_parent(parent_pid: int) -> None:
    """End this process by SIGKILL when the thread that forked it ends; exits at once if that is already so."""
    if sys.platform == "linux":
        end_with_parent()
    if os.getppid() != parent_pid:
        os._exit(1)


def end_with_parent() -> None:
    """Have this process, and what it becomes by exec, end by SIGKILL when the thread that forked it ends."""
    _prctl(_PDEATHSIG, signal.SIGKILL)


def enter(allowance: Allowance, filter_: Filter | None) -> list[str]:
    """Lock this process in for ever; the names of the layers that this machine does not have.

    What it needs must be mapped before. OSError if a layer that exists refuses.
    """
    missing = []
    address_space = _own_address_space() + allowance.address_space  # Landlock will hide /proc
    if sys.platform == "linux":
        _prctl(_SET_NO_NEW_PRIVS, 1)
        _prctl(_SET_DUMPABLE, 0)
        if not _drop_capabilities():
            missing.append("capabilities")
    else:
        missing.append("no_new_privs")
    restricted = sys.platform == "linux" and _landlock()
    _limit(address_space, allowance.cpu_s, threads=filter_ is not None)
    if not restricted:
        missing.append("Landlock")
    if filter_ is None:
        missing.append("seccomp")
    else:
        filter_()
    return missing


def limit(allowance: Allowance) -> None:
    """Bind this process to `allowance`, and let it open nothing; the part of enter that every system has."""
    _limit(_own_address_space() + allowance.address_space, allowance.cpu_s, threads=False)


def _landlock() -> bool:
    from photos.landlock import restrict  # noqa: PLC0415 -- Linux only

    return restrict()


def _limit(address_space: int, cpu_s: float, *, threads: bool) -> None:
    """The rlimits. The kernel counts threads as processes: where `threads` are to start, seccomp must refuse fork."""
    soft = max(1, math.ceil(cpu_s))
    limits = {resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 0}
    if not threads:
        limits[resource.RLIMIT_NPROC] = 0
    if sys.platform == "linux":  # elsewhere the kernel takes no such limit
        limits[resource.RLIMIT_AS] = address_space
    for which, wanted in limits.items():
        _, hard = resource.getrlimit(which)
        bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(which, (bound, bound))
    # SIGXCPU at the soft limit tells the zygote why; SIGKILL a second later if the decoder ignores it.
    resource.setrlimit(resource.RLIMIT_CPU, (soft, soft + 1))


def _own_address_space() -> int:
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm", "rb") as statm:  # noqa: PTH123 -- read in a forked child, where less is more
        return int(statm.read().split()[0]) * resource.getpagesize()


def _prctl(option: int, value: int, third: int = 0) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    unsigned = ctypes.c_ulong
    if libc.prctl(option, unsigned(value), unsigned(third), unsigned(0), unsigned(0)) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option} refused")


def _drop_capabilities() -> bool:
    """Give up root's powers, if any, so that limits bind root too; False on an architecture we have not tried."""
    number = _CAPSET.get(os.uname().machine)
    if number is None:
        return False
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset refused")
    return True
