"""A real server on loopback, started as a user starts it, for the tests that need one."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Seconds for what takes one or two on a machine that does nothing else.
PATIENCE = 120.0
_HELD: list[socket.socket] = []


@dataclass(frozen=True)
class Running:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
        """One request on a connection of its own; header names are written with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * PATIENCE)
        try:
            connection.request(method, path, body or None, {k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def complete(self, path: str, method: str = "GET") -> Reply:
        """The first reply of 200: under load a check of health may take too long for its limit, and is repeated."""
        deadline = time.monotonic() + PATIENCE
        while (reply := self.get(path, method)).status != 200:
            assert time.monotonic() < deadline, reply
            time.sleep(0.05)
        return reply


@dataclass(frozen=True)
class Reply:
    """An answer; the names of headers are as the server writes them."""

    status: int
    headers: dict[str, str]
    body: bytes


def free_port() -> int:
    """A port that nobody listens on, and that the kernel gives to no other process until this one ends."""
    # Bound, but not listening: a server that reuses addresses, as all do, can still have the port (socket(7)).
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _HELD.append(held)
    port: int = held.getsockname()[1]
    return port


def port_free_now() -> int:
    """A port that nobody listens on now, for programs that may not reuse addresses, such as those of containers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(releases: Path, log: Path | None = None, **settings: object) -> Iterator[Running]:
    """`citygraph serve` over these releases until the block ends; settings by their names; what it says is in `log`."""
    port = int(str(settings.pop("port", None) or free_port()))
    # By default a query waits five seconds for its engine, which may just be starting.
    own = {"queue_wait": PATIENCE, **settings}
    environment = {f"CITYGRAPH_{name.upper()}": str(value) for name, value in own.items()}
    with (log or Path(os.devnull)).open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "citygraph.cli", "--releases", str(releases), "serve", "--port", str(port)],
            env={**os.environ, **environment},
            stdout=out if log else None,
            stderr=subprocess.STDOUT if log else None,
            start_new_session=True,
        )
    running = Running(port, process)
    try:
        wait_until_up(running)
        yield running
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_up(running: Running) -> None:
    """Waits until a server responds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if running.process.poll() is not None:
            raise AssertionError(f"the server ended with {running.process.returncode}")
        try:
            if running.get("/health").status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not come up within {PATIENCE:g} s")


def wait_until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    """Waits until a process that was started listens on a port."""
    deadline = time.monotonic() + PATIENCE
    while not _listens(port):
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server does not listen"
        time.sleep(0.05)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_running(pid: int) -> bool:
    """Returns whether a process exists; a zombie has ended, and waits for init to see it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Waits until a condition is met, or fails after so many seconds: far more than it takes on a busy machine."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def steps_of(work: Callable[[], object]) -> float:
    """The processor time of some work in short steps of Python, of which a usual machine does eight million a second.

    Other processes make the caches and the clock of a shared machine slower for both.
    """
    before = _seconds_of_a_million_steps()
    begun = time.process_time()
    work()
    seconds = time.process_time() - begun
    return 1_000_000 * seconds / max(before, _seconds_of_a_million_steps())


def _seconds_of_a_million_steps() -> float:
    begun = time.process_time()
    for number in range(1_000_000):
        str(number).upper()
    return time.process_time() - begun
