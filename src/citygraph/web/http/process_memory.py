"""The processes of a server and their memory, by kind, from /proc."""

from __future__ import annotations

import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_KIB = 1024
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
# Modules that processes run, with the kind of the process, and the kinds of processes that others fork.
_MODULES = {
    "citygraph.engine.host": "host",
    "citygraph.commit.writer": "writer",
    "citygraph.storage.following": "follower",
    "citygraph.storage.automatic_push": "pusher",
    "citygraph.engine.counting_build": "counting-store",
}
_FORKS = {"main": "web", "host": "supervisor", "supervisor": "engine", "writer": "committer"}
# `citygraph.parent` runs a module for the process with this id.
_MODULE = re.compile(rb"\0-m\0(?:citygraph\.parent\0\d+\0)?([\w.]+)\0")


@dataclass
class Memory:
    """The memory of the processes of a kind in bytes: the sum of their PSS, and the largest RSS."""

    processes: int = 0
    pss: int = 0
    largest: int = 0


def memory_by_kind(main: int) -> dict[str, Memory]:
    """Returns the memory of a server's processes by kind: main, web, host, supervisor, engine, writer, committer."""
    kinds: defaultdict[str, Memory] = defaultdict(Memory)
    for pid, kind in _tree(main):
        # A process may end at any moment.
        with suppress(OSError, ValueError):
            rss = int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE
            one = kinds[kind]
            one.processes += 1
            one.pss += _pss(pid, rss)
            one.largest = max(one.largest, rss)
    return dict(kinds)


def started(pid: int) -> float:
    """Returns when a process was started, in seconds since 1970; 0 if it is unknown."""
    try:
        ticks = int((_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0.0
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + ticks / _TICKS


def _tree(main: int) -> Iterator[tuple[int, str]]:
    """Yields the processes that a server consists of, with their kinds."""
    children = _children()
    waiting = [(main, "main")]
    while waiting:
        pid, kind = waiting.pop()
        yield pid, kind
        for child in children.get(pid, ()):
            program = _program_of(child)
            # A forked process has the command line of its parent.
            is_forked = program == _program_of(pid)
            waiting.append((child, (_FORKS.get(kind) if is_forked else _MODULES.get(program)) or "other"))


def _children() -> dict[int, list[int]]:
    children: defaultdict[int, list[int]] = defaultdict(list)
    for path in _PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            children[int((path / "stat").read_text().rpartition(")")[2].split()[1])].append(int(path.name))
    return children


def _program_of(pid: int) -> str:
    """Returns the Python module that a process runs, or else its command line."""
    try:
        command = (_PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    match = _MODULE.search(command)
    return (match[1] if match else command).decode(errors="replace")


def _pss(pid: int, rss: int) -> int:
    """Returns the PSS of a process, or its RSS where the kernel does not show it."""
    with suppress(OSError):
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * _KIB
    return rss
