"""What a decoder might do once a photo has taken it over; the photo's bytes after its magic name the deed."""

import ctypes
import ctypes.util
import mmap
import os
import resource
import signal
import socket
import threading

import numpy as np

_LIBC = ctypes.CDLL(None, use_errno=True)
_MMAP = {"x86_64": 9, "aarch64": 222}[os.uname().machine] if os.uname().machine in {"x86_64", "aarch64"} else 0


def _tried(deed):
    """The name of the error that stopped the deed, or "done"."""
    try:
        deed()
    except (OSError, ValueError) as error:
        return {"refused_with": type(error).__name__}
    return {"refused_with": "nothing: it was done"}


def opens_a_file(_maps):
    return _tried(lambda: os.open("/etc/hostname", os.O_RDONLY))


def writes_a_file(_maps):
    return _tried(lambda: os.open("/tmp/firstlight-escaped", os.O_WRONLY | os.O_CREAT, 0o600))


def makes_a_socket(_maps):
    return _tried(socket.socket)


def makes_a_memfd(_maps):
    return _tried(lambda: os.memfd_create("x"))


def forks(_maps):
    return _tried(os.fork)


def lists_a_folder(_maps):
    return _tried(lambda: next(os.scandir("/")))


def writes_to_other_descriptors(_maps):
    for fd in range(3, 64):
        try:
            os.write(fd, b"x")
        except OSError:
            continue
        return {"refused_with": f"nothing: {fd} could be written to"}
    return {"refused_with": "OSError"}


def maps_the_photo_to_write(_maps):
    _LIBC.syscall.restype = ctypes.c_long
    for fd in range(64):
        got = _LIBC.syscall(_MMAP, None, 4096, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, fd, 0)
        if got != -1:
            return {"refused_with": f"nothing: {fd} could be mapped"}
    return {"refused_with": "OSError"}


def changes_the_photo(maps):
    address = np.frombuffer(maps[0], np.uint8).__array_interface__["data"][0]
    _LIBC.mprotect(ctypes.c_void_p(address), 4096, mmap.PROT_READ | mmap.PROT_WRITE)
    ctypes.memset(address, 0, 3)
    return {"refused_with": "nothing: the map was written"}


def makes_code(_maps):
    return _tried(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC))


def lifts_its_limits(_maps):
    return _tried(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))


def ignores_its_deadline_politely(_maps):
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    while True:
        pass


def runs_a_program(_maps):
    os.execv("/bin/true", ["true"])


def signals_its_parent(_maps):
    os.kill(os.getppid(), signal.SIGTERM)


def traces_its_parent(_maps):
    _LIBC.ptrace(16, os.getppid(), 0, 0)


def connects(_maps):
    _LIBC.connect(1, b"\0" * 16, 16)


def eats_memory(_maps):
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))


def spins(_maps):
    while True:
        pass


def sleeps(_maps):
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()


def crashes(_maps):
    ctypes.string_at(0)


def aborts(_maps):
    os.abort()


def stays_silent(_maps):
    os._exit(0)


def fails(_maps):
    raise ZeroDivisionError


def answers_nonsense(_maps):
    os.write(1, b"\0\0\0\7nonsens")
    os._exit(0)


def answers_endlessly(_maps):
    os.write(1, b"\xff\xff\xff\xff")
    while True:
        os.write(1, bytes(65536))


def answers_deeply(_maps):
    depth = 100_000
    os.write(1, (2 * depth).to_bytes(4, "big"))
    for part in (b"[" * depth, b"]" * depth):
        os.write(1, part)
    os._exit(0)


def answers_a_list(_maps):
    os.write(1, b"\0\0\0\2[]")
    os._exit(0)


def hangs_up_and_stays(_maps):
    os.close(1)
    while True:
        pass


def invents_a_reason(_maps):
    return {"refused": "<script>alert(1)</script>"}


def claims_too_much(_maps):
    facts = {"format": "jpeg", "width": 20_000, "height": 20_000, "orientation": 1, "layout": "rgb"}
    return {"facts": {**facts, "depth": 8, "grey": False, "alpha": False}}


def claims_another_format(_maps):
    facts = {"format": "png", "width": 20, "height": 20, "orientation": 1, "layout": "rgb"}
    return {"facts": {**facts, "depth": 8, "grey": False, "alpha": False}}


def claims_nonsense(_maps):
    return {"facts": {"width": "wide"}}


def answers(_maps):
    facts = {"format": "jpeg", "width": 32, "height": 32, "orientation": 1, "layout": "rgb"}
    return {"facts": {**facts, "depth": 8, "grey": False, "alpha": False}}


def perform(_request, maps):
    deed = bytes(maps[0])[3:].decode()
    return globals()[deed](maps)


def prepare():
    pass
