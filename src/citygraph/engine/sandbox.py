"""A sandbox for engine processes: seccomp filters on network, file writes and new programs, and a memory limit."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from pathlib import Path
from typing import Any

# A margin over the limit for memory that an allocator keeps in reserve. The supervisor enforces the exact limit.
_SLACK = 64 * 1024 * 1024
_PAGE = resource.getpagesize()
_NETWORKS = ("AF_INET", "AF_INET6", "AF_PACKET", "AF_NETLINK", "AF_VSOCK", "AF_ALG", "AF_BLUETOOTH")
# Calls that start programs, access the memory of other processes, listen, or change files. Calls of open() are not
# listed, because call_filter decides on them by their flags.
_CALLS = (
    *("execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev", "bpf"),
    *("bind", "listen", "io_uring_setup", "open_by_handle_at", "mount"),
    *("creat", "mknod", "mknodat", "mkdir", "mkdirat", "link", "linkat", "symlink", "symlinkat", "truncate"),
    *("unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2"),
    *("chmod", "fchmodat", "chown", "fchownat", "lchown", "setxattr"),
)


def can_filter() -> str:
    """Returns an empty string if system calls can be filtered on this system, else the reason why not."""
    try:
        import pyseccomp  # noqa: F401
    except (ImportError, RuntimeError, OSError) as error:
        return str(error) or type(error).__name__
    return ""


def call_filter(network: bool) -> Any:
    """Returns a filter that a child of this process can load: to make it takes more memory than to load it.

    It forbids the process that loads it to start programs and change files and, without `network`, to open
    connections. Open sockets, accept() on them, and reading files stay allowed.
    """
    import pyseccomp as seccomp

    refusal = seccomp.ERRNO(errno.EACCES)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    writing = ((os.O_ACCMODE, os.O_WRONLY), (os.O_ACCMODE, os.O_RDWR), (os.O_CREAT,) * 2, (os.O_TRUNC,) * 2)
    for mask, flag in writing:
        rules.add_rule(refusal, "openat", seccomp.Arg(2, seccomp.MASKED_EQ, mask, flag))
        rules.add_rule(refusal, "open", seccomp.Arg(1, seccomp.MASKED_EQ, mask, flag))
    for call in _CALLS if network else (*_CALLS, "connect", "sendmmsg"):
        rules.add_rule(refusal, call)
    if not network:
        _refuse_network_sockets(rules, refusal)
    # The flags of openat2 are in a structure in memory, which a filter cannot read. Libraries fall back to openat.
    rules.add_rule(seccomp.ERRNO(errno.ENOSYS), "openat2")
    return rules


def cut_network() -> None:
    """Forbids this process to open connections and start programs. Writing files stays allowed."""
    import pyseccomp as seccomp

    refusal = seccomp.ERRNO(errno.EACCES)
    rules = seccomp.SyscallFilter(seccomp.ALLOW)
    for call in ("execve", "execveat", "ptrace", "bpf", "bind", "listen", "connect", "io_uring_setup", "mount"):
        rules.add_rule(refusal, call)
    _refuse_network_sockets(rules, refusal)
    rules.load()


def _refuse_network_sockets(rules: Any, refusal: Any) -> None:
    import pyseccomp as seccomp

    for name in _NETWORKS:
        # Python defines fewer of these families on some systems.
        if family := getattr(socket, name, None):
            rules.add_rule(refusal, "socket", seccomp.Arg(0, seccomp.EQ, int(family)))


def limit_memory(limit: int) -> None:
    """Limits further allocations of this process to `limit` bytes. The process aborts if it requests more."""
    highest = _data_size() + limit + _SLACK
    resource.setrlimit(resource.RLIMIT_DATA, (highest, highest))
    # A core dump of some gigabytes for each crash would fill the disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def change_memory_limit(by: int) -> None:
    """Raises or lowers the limit of `limit_memory` for a while, if there is one."""
    present, highest = resource.getrlimit(resource.RLIMIT_DATA)
    if highest != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_DATA, (present + by, highest))


def lower_priority(pid: int, by: int) -> bool:
    """Lowers the priority of a process permanently. Returns True, even if the process is gone."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, min(19, os.getpriority(os.PRIO_PROCESS, pid) + by))
    return True


def anonymous_memory(pid: int | str = "self") -> int:
    """Returns the bytes of resident memory of a process without mapped files, or 0 if it is gone or unknown."""
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
