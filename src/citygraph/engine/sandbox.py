"""What is taken from an engine process: the network, writing, starting programs, and memory over its limit."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import socket
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Beyond the limit, for what an allocator keeps in hand; the nursery looks at the limit itself.
_SLACK = 64 * 1024 * 1024
_PAGE = resource.getpagesize()
_NETWORKS = ("AF_INET", "AF_INET6", "AF_PACKET", "AF_NETLINK", "AF_VSOCK", "AF_ALG", "AF_BLUETOOTH")
_CALLS = (
    *("execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "bpf"),
    *("bind", "listen", "io_uring_setup", "open_by_handle_at", "mount"),
    *("creat", "mknod", "mknodat", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat", "truncate"),
    *("unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2"),
    *("chmod", "fchmodat", "chown", "fchownat", "lchown", "setxattr"),
)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; elsewhere than on Linux, do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def can_filter() -> str:
    """Empty if system calls can be filtered here, else why not."""
    try:
        import pyseccomp  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        return str(error) or type(error).__name__
    return ""


def filter_calls(network: bool) -> None:
    """Refuse, from now on, to start programs and to change files; without `network`, any new connection too.

    Sockets that are open, accept() on them, and reading files stay allowed.
    """
    import pyseccomp as seccomp

    refusal = seccomp.ERRNO(errno.EACCES)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for mask, flag in (
        (os.O_ACCMODE, os.O_WRONLY),
        (os.O_ACCMODE, os.O_RDWR),
        (os.O_CREAT,) * 2,
        (os.O_TRUNC,) * 2,
    ):
        rules.add_rule(refusal, "openat", seccomp.Arg(2, seccomp.MASKED_EQ, mask, flag))
        rules.add_rule(refusal, "open", seccomp.Arg(1, seccomp.MASKED_EQ, mask, flag))
    for call in _CALLS if network else (*_CALLS, "connect", "sendmmsg"):
        rules.add_rule(refusal, call)
    for name in () if network else _NETWORKS:
        if family := getattr(socket, name, None):
            rules.add_rule(refusal, "socket", seccomp.Arg(0, seccomp.EQ, int(family)))
    # Its arguments lie in memory, where a filter cannot look: libraries fall back to openat.
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "openat2")
    rules.load()


def cut_network() -> None:
    """Refuse, from now on, new connections and new programs; files may be written."""
    import pyseccomp as seccomp

    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for call in ("execve", "execveat", "ptrace", "bpf", "bind", "listen", "connect", "io_uring_setup", "mount"):
        rules.add_rule(seccomp.ERRNO(errno.EACCES), call)
    for name in _NETWORKS:
        if family := getattr(socket, name, None):
            rules.add_rule(seccomp.ERRNO(errno.EACCES), "socket", seccomp.Arg(0, seccomp.EQ, int(family)))
    rules.load()


def limit_memory(limit: int) -> None:
    """Let this process allocate no more than `limit` bytes beyond what it has; it aborts if it asks for more."""
    wall = _data_size() + limit + _SLACK
    resource.setrlimit(resource.RLIMIT_DATA, (wall, wall))
    # A core of some gigabytes for each crash would fill the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def lower_priority(pid: int, by: int) -> bool:
    """Let a process give way to others, for good; True when done, also if it is gone."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, min(19, os.getpriority(os.PRIO_PROCESS, pid) + by))
    return True


def anonymous_memory(pid: int | str = "self") -> int:
    """Bytes of memory that a process uses beside mapped files; 0 if it is gone or this cannot be known."""
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(shared)) * _PAGE


def _data_size() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[5]) * _PAGE
    except OSError:
        return 0
