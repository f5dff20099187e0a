"""Keep libheif from starting libde265's worker thread, which a locked-in decoder may not have.

libheif asks libde265 for one worker thread a picture and has no setting for it; where threads cannot start, libde265
aborts. Without any it decodes in the calling thread. So the one pointer by which libheif calls that function is turned
to a function that does nothing, in this process only and before any photo: its slot in the table of jumps that the
dynamic linker fills in (ELF gABI, DT_JMPREL).
"""

import ctypes
import mmap
import sys
from collections.abc import Iterator
from pathlib import Path

import pi_heif  # type: ignore[import-untyped]

_FUNCTION = b"de265_start_worker_threads"
_PLTRELSZ, _STRTAB, _SYMTAB, _JMPREL = 2, 5, 6, 23
_ENTRY = 24  # bytes of a relocation and of a symbol, both of 64-bit ELF


class _LinkMap(ctypes.Structure):
    """The public head of what dlopen returns: where the library lies, its name, its dynamic section."""

    _fields_ = (("base", ctypes.c_uint64), ("name", ctypes.c_char_p), ("dynamic", ctypes.c_uint64))


_OK = 0  # DE265_OK
_start_none = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)(lambda _decoder, _threads: _OK)


def start_no_worker_threads() -> bool:
    """Turn the pointer, where there is a sandbox to need it; False if the library is not built as we know it."""
    if sys.platform != "linux":
        return True
    for path in sorted(Path(pi_heif.__file__).parent.parent.glob("pi_heif.libs/libheif*.so*")):
        loaded = _LinkMap.from_address(ctypes.CDLL(str(path))._handle)  # noqa: SLF001 -- ctypes has no other word for it
        for slot in _slots(loaded):
            _write(slot, ctypes.cast(_start_none, ctypes.c_void_p).value or 0)
            return True
    return False


def _slots(loaded: _LinkMap) -> Iterator[int]:
    """Addresses of the pointers by which a loaded library calls _FUNCTION."""
    dynamic = dict(_dynamic(loaded.dynamic))
    if not {_PLTRELSZ, _STRTAB, _SYMTAB, _JMPREL} <= dynamic.keys():
        return
    strings, symbols, jumps = (_address(loaded, dynamic[tag]) for tag in (_STRTAB, _SYMTAB, _JMPREL))
    for at in range(jumps, jumps + dynamic[_PLTRELSZ], _ENTRY):
        symbol = _word(at + 8) >> 32
        if ctypes.string_at(strings + (_word(symbols + symbol * _ENTRY) & 0xFFFFFFFF)) == _FUNCTION:
            yield loaded.base + _word(at)


def _dynamic(at: int) -> Iterator[tuple[int, int]]:
    while _word(at):
        yield _word(at), _word(at + 8)
        at += 16


def _address(loaded: _LinkMap, value: int) -> int:
    """Some C libraries, like glibc, add the base to these entries themselves."""
    return value if value >= loaded.base else value + loaded.base


def _word(at: int) -> int:
    return ctypes.c_uint64.from_address(at).value


def _write(slot: int, value: int) -> None:
    page = slot & -mmap.PAGESIZE
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(mmap.PAGESIZE), mmap.PROT_READ | mmap.PROT_WRITE) != 0:
        raise OSError(ctypes.get_errno(), "the table of jumps cannot be written")
    ctypes.c_uint64.from_address(slot).value = value
