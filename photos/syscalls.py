"""What a decoder may ask of the kernel; the only module that knows pyseccomp.

Whatever is not listed fails with EPERM rather than kill: libraries probe for optional things (a CPU list, a locale, a
time zone) and do well without, and hostile code gains nothing from the error number. What only an intruder asks for
kills the process, so that it is seen. clone3 and other young calls answer ENOSYS, which makes the C library fall back
to the old call and be refused there.
"""

import errno
import mmap

import pyseccomp

_ALLOWED = (
    # its own memory
    "brk", "munmap", "mremap", "madvise", "membarrier",
    # itself: locks, signals to handlers, clocks, random bytes, the end
    "futex", "sched_yield", "sched_getaffinity", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
    "getpid", "gettid", "getrusage", "clock_gettime", "clock_getres", "gettimeofday", "getrandom", "restart_syscall",
    "exit", "exit_group",
)  # fmt: skip
_LAST_STANDARD_FD = 2
_BIRTH_OF_A_THREAD = ("set_robust_list", "rseq")  # what the C library says for each; without rseq it aborts
_A_THREAD = 0x00010000 | 0x00000100  # CLONE_THREAD | CLONE_VM, of clone(2)
_ABSENT = ("clone3", "openat2", "faccessat2", "statx", "futex_waitv", "close_range")
_FATAL = (
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "connect", "bind",
    "listen", "accept", "accept4", "mount", "umount2", "unshare", "setns", "chroot", "pivot_root", "bpf", "kexec_load",
    "init_module", "finit_module", "delete_module", "reboot", "swapon", "keyctl", "add_key", "request_key",
    "userfaultfd", "perf_event_open", "io_uring_setup", "pidfd_getfd", "kill", "tkill", "setuid", "setgid",
)  # fmt: skip


def decoder_filter() -> pyseccomp.SyscallFilter:
    """A filter for a process that computes on descriptors it already holds; .load() locks the caller in for ever."""
    filter_ = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in _ALLOWED:
        filter_.add_rule(pyseccomp.ALLOW, name)
    # Its answer goes to descriptor 1; 0 and 2 lead nowhere.
    filter_.add_rule(pyseccomp.ALLOW, "write", pyseccomp.Arg(0, pyseccomp.LE, _LAST_STANDARD_FD))
    # New memory is its own and no file's; it may be written or run, never both, and nothing becomes runnable later.
    not_runnable = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, mmap.PROT_EXEC, 0)
    no_file = pyseccomp.Arg(3, pyseccomp.MASKED_EQ, mmap.MAP_ANONYMOUS, mmap.MAP_ANONYMOUS)
    filter_.add_rule(pyseccomp.ALLOW, "mmap", not_runnable, no_file)
    filter_.add_rule(pyseccomp.ALLOW, "mprotect", not_runnable)
    # Threads, for libde265 decodes HEIC in one of its own and aborts without; never another process.
    filter_.add_rule(pyseccomp.ALLOW, "clone", pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _A_THREAD, _A_THREAD))
    for name in _BIRTH_OF_A_THREAD:
        _add_known(filter_, pyseccomp.ALLOW, name)
    for name in _ABSENT:
        _add_known(filter_, pyseccomp.ERRNO(errno.ENOSYS), name)
    for name in _FATAL:
        _add_known(filter_, pyseccomp.KILL_PROCESS, name)
    return filter_


def _add_known(filter_: pyseccomp.SyscallFilter, action: int, name: str) -> None:
    """Add a rule unless this machine or libseccomp has no such call; the default already refuses it."""
    try:
        pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name)
    except ValueError:
        return
    filter_.add_rule(action, name)
