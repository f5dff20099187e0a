"""Run the escapes of a test file as a user without any power but to read what root may read.

A checkout or an interpreter under /root is closed to others; the one capability kept opens it, and nothing else.
"""

import ctypes
import os
import sys

import pytest

NOBODY = 65534
KEEP_CAPS, AMBIENT, RAISE = 8, 47, 2
READ_SEARCH = 2
CAPSET = {"x86_64": 126, "aarch64": 91}

libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(KEEP_CAPS, 1, 0, 0, 0)
os.setgroups([])
os.setgid(NOBODY)
os.setuid(NOBODY)
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
powers = (ctypes.c_uint32 * 6)(1 << READ_SEARCH, 1 << READ_SEARCH, 1 << READ_SEARCH, 0, 0, 0)
assert libc.syscall(CAPSET[os.uname().machine], header, powers) == 0
assert libc.prctl(AMBIENT, RAISE, READ_SEARCH, 0, 0) == 0
assert os.geteuid() == NOBODY
sys.exit(pytest.main(["-p", "no:cacheprovider", "-q", "-k", "cannot or dies or bounded", sys.argv[1]]))
