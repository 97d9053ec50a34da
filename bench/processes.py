"""Starts a server in a process group of its own, knows that the port is its, and ends every process of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

_PROC = Path("/proc")
_LISTENING = "0A"
_GRACE = 5.0
# A family of processes is at rest when it has used less than this share of a core for so many seconds.
_IDLE_SHARE, _QUIET_SECONDS = 0.1, 3


class NotReady(Exception):
    """A server ended, or did not respond in time."""


@contextmanager
def running(
    command: Sequence[str], port: int, log: Path, environment: Mapping[str, str], patience: float
) -> Iterator[int]:
    """Run a server for the time of a block, from when it listens; the process's id is the value.

    Raises NotReady if it ends before it listens, or does not listen within `patience` seconds.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
        )
    try:
        _wait(process, port, log, patience)
        yield process.pid
    finally:
        _end(process)


def free_port() -> int:
    """Returns a free port of the loopback address."""
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def family(pid: int) -> set[int]:
    """A process and all that it, or its children, started; and all others of its session."""
    parents: dict[int, int] = {}
    members = {pid}
    for other in (int(path.name) for path in _PROC.iterdir() if path.name.isdigit()):
        with suppress(OSError):
            # Fields after the name, which may hold spaces: state, parent, group, session.
            _, parent, _, session = (_PROC / f"{other}/stat").read_text().rpartition(")")[2].split()[:4]
            parents[other] = int(parent)
            if int(session) == pid:
                members.add(other)
    while more := {child for child, parent in parents.items() if parent in members} - members:
        members |= more
    return members


def resident(pid: int) -> int:
    """Bytes of memory that a family of processes holds, pages that they share counted once."""
    total = 0
    for member in family(pid):
        with suppress(OSError):
            lines = (_PROC / f"{member}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def processor_time(pid: int) -> float:
    """Seconds of processor time that a family of processes has used, with those of it that have ended."""
    ticks = 0
    for member in family(pid):
        with suppress(OSError):
            # Its own, and that of the children it has seen end.
            ticks += sum(map(int, (_PROC / f"{member}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def rest(pid: int, patience: float) -> None:
    """Waits until a family of processes is idle: the background loading of a server is then complete."""
    deadline = time.monotonic() + patience
    quiet = 0
    while quiet < _QUIET_SECONDS and time.monotonic() < deadline:
        before = processor_time(pid)
        time.sleep(1)
        quiet = quiet + 1 if processor_time(pid) - before < _IDLE_SHARE else 0


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise NotReady(f"{process.args!r} ended with status {process.returncode}: {_last_lines(log)}")
        if _listens(family(process.pid), port):
            return
        time.sleep(0.05)
    raise NotReady(f"{process.args!r} does not listen after {patience:.0f} s: {_last_lines(log)}")


def _listens(pids: set[int], port: int) -> bool:
    """Returns whether one of these processes listens on the port, and not another program."""
    if not _PROC.is_dir():
        with closing(socket.socket()) as sock:
            return sock.connect_ex(("127.0.0.1", port)) == 0
    wanted = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for pid in pids if wanted else ():
        with suppress(OSError):
            for descriptor in (_PROC / f"{pid}/fd").iterdir():
                with suppress(OSError):
                    if str(descriptor.readlink()) in wanted:
                        return True
    return False


def _listening_inodes(port: int) -> Iterator[str]:
    for name in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROC / "net" / name).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Terminates the server, then kills it if needed, with its child processes."""
    started = {pid: _birth(pid) for pid in family(process.pid)}
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE)
    deadline = time.monotonic() + _GRACE
    while (left := [pid for pid, birth in started.items() if birth and _birth(pid) == birth]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.05)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _birth(pid: int) -> str:
    """When a process was started, which tells it from a later one of its number; nothing if it is dead."""
    with suppress(OSError):
        state, *fields = (_PROC / f"{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state == "Z" else fields[18]
    return ""


def _last_lines(log: Path) -> str:
    return " / ".join(log.read_text(errors="replace").splitlines()[-5:]) or "it said nothing"
