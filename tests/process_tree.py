"""The processes of a running server: which there are, of which kind, and whether they still run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

# A kind of process by the module that its command line names, and of a fork, by the kind of its parent.
_MODULES = {
    b"citygraph.engine.host": "host",
    b"citygraph.engine.counting_build": "counting",
    b"citygraph.commit.writer": "writer",
    b"citygraph.cli": "main",
}
_FORKS = {"main": "web", "host": "supervisor", "supervisor": "engine", "writer": "committer"}


def children(pid: int) -> Iterator[int]:
    """The processes directly below one."""
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            yield from map(int, path.read_text().split())


def descendants(pid: int) -> Iterator[int]:
    """The processes below one."""
    for child in children(pid):
        yield from (child, *descendants(child))


def command(pid: int) -> bytes:
    """The command line of a process; empty if it is gone."""
    return _file(pid, "cmdline")


def environment(pid: int) -> bytes:
    """The environment of a process; empty if it is gone."""
    return _file(pid, "environ")


def maps(pid: int) -> bytes:
    """The files that a process has mapped; empty if it is gone."""
    return _file(pid, "maps")


def _file(pid: int, name: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{name}").read_bytes()
    return b""


def parent(pid: int) -> int:
    """The process above one; 0 if it is gone."""
    fields = _stat(pid)
    return int(fields[1]) if fields else 0


def identity(pid: int) -> tuple[int, str]:
    """A process and when it started: the kernel gives the number to another one some day."""
    fields = _stat(pid)
    return pid, fields[19] if fields else ""


def still_runs(process: tuple[int, str]) -> bool:
    """Whether the process of this identity runs; a zombie has ended."""
    fields = _stat(process[0])
    return bool(fields) and fields[19] == process[1] and fields[0] != "Z"


def family(main: int) -> dict[str, list[int]]:
    """The running processes of a server by kind: main, web, host, supervisor, engine, counting, writer, committer."""
    kinds: dict[int, str] = {}
    for pid in (main, *descendants(main)):
        # A process that ends while it is looked at has no fields, or no command line any more.
        fields, words = _stat(pid), command(pid).split(b"\0")
        kind = next((kind for module, kind in _MODULES.items() if module in words), "")
        above = int(fields[1]) if fields else 0
        # A fork has the command line of its parent.
        is_fork = above in kinds and command(above).split(b"\0") == words
        if kind and fields and fields[0] != "Z":
            kinds[pid] = _FORKS.get(kinds[above], kind) if is_fork else kind
    found: defaultdict[str, list[int]] = defaultdict(list)
    for pid, kind in kinds.items():
        found[kind].append(pid)
    return found


def _stat(pid: int) -> list[str]:
    """Returns the fields of /proc/PID/stat after the name; empty if the process is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []
