"""Landlock with nothing allowed: no file, no network port, no signal to others, whatever else fails."""

import ctypes
import os

# System call numbers shared by every architecture that has Landlock.
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION_FLAG = 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # ABI → how many file rights it knows, as low bits
_BIND_AND_CONNECT = 0b11  # from ABI 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11  # from ABI 6
_SIZES = {1: 8, 2: 8, 3: 8, 4: 16, 5: 16}  # ABI → bytes of the attribute it reads; 24 from 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def restrict() -> bool:
    """Forbid this process every file and port it has not open; False where the kernel has no Landlock.

    Needs no_new_privs. OSError if the kernel has Landlock and yet refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    abi: int = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG)
    if abi < 1:
        return False
    ruleset = _Ruleset(
        files=(1 << _FILE_RIGHTS.get(abi, 16)) - 1,
        network=_BIND_AND_CONNECT if abi >= 4 else 0,
        scoped=_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0,
    )
    fd: int = libc.syscall(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(_SIZES.get(abi, 24)), 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "Landlock ruleset refused")
    try:
        if libc.syscall(_RESTRICT_SELF, fd, 0) != 0:
            raise OSError(ctypes.get_errno(), "Landlock restriction refused")
    finally:
        os.close(fd)
    return True
