"""The loop of a process that answers questions on a socket, minds its children and ends with its parent."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import platform
import selectors
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from citygraph.engine import wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import NotFound
from citygraph.settings import Settings

Answer = Callable[[dict[str, Any]], dict[str, Any]]

# Questioners are our own processes and ask at once; one that is stopped must not hold up the watch for long.
_QUESTION_TIMEOUT = 0.1
_BACKLOG = 256


class Control:
    """Waits for questions, for children that end, and for the end of whoever holds the other end of our stdin."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._parent = os.getppid()
        self._stopping = False
        self._awake, self._wake = socket.socketpair()
        for end in (self._awake, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        # Ctrl-C goes to all processes of a terminal; our parent hears it and closes our stdin when it is ready.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._awake, selectors.EVENT_READ)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)

    def serve(self, timeout: float, answer: Answer) -> bool:
        """Wait up to `timeout` seconds for something to happen and answer questions; False when it is time to stop."""
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._listener:
                self._take_question(answer)
            elif key.fileobj is self._awake:
                self._awake.recv(1024)
            elif not os.read(sys.stdin.fileno(), 1024):
                return False
        return not self._stopping and os.getppid() == self._parent

    def abandon(self) -> None:
        """Let go of everything, in a forked child that is to do something else."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._selector.close()
        for open_socket in (self._listener, self._awake, self._wake):
            open_socket.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _take_question(self, answer: Answer) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        channel = Channel(connection)
        try:
            _, payload = channel.receive(_QUESTION_TIMEOUT)
            channel.send(wire.frame_of(wire.NOTE, answer(json.loads(payload))))
        except (TimeoutError, ConnectionLost):
            pass
        finally:
            channel.close()


def listen(path: Path) -> socket.socket:
    """A listening socket that only our user can connect to; a socket that a dead process left there is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    return listener


def announce(word: str) -> None:
    """Tell our parent something on stdout, once: from then on stdout is stderr, for us and our children."""
    os.write(sys.stdout.fileno(), f"{word}\n".encode())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


_BEGINNING = "citygraph-room-"
_LOCK = "lock"


class Room:
    """A folder that nobody else can enter. Who made it holds its lock while alive; close it at the end."""

    def __init__(self) -> None:
        sweep()
        # Locked before it has the name that `sweep` looks for.
        made = Path(tempfile.mkdtemp(prefix=".citygraph-"))
        self._lock = (made / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = made.rename(made.with_name(f"{_BEGINNING}{os.getpid()}-{made.name[-8:]}"))

    def close(self) -> None:
        """Remove the folder with all that is in it."""
        _remove(self.path)
        self._lock.close()


def sweep() -> None:
    """Remove the folders whose makers are gone: they were killed."""
    for path in Path(tempfile.gettempdir()).glob(_BEGINNING + "*"):
        # Others' folders cannot be opened, and are none of our business.
        with suppress(OSError), (path / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        # The lock last: without it nobody would know that the rest may go.
        for path in sorted(folder.iterdir(), key=lambda path: path.name == _LOCK):
            path.unlink(missing_ok=True)
        folder.rmdir()


log = logging.getLogger(__name__)


@contextmanager
def shown(settings: Settings) -> Iterator[None]:
    """Keep the file of this server while the block runs; a folder that cannot be written goes without it."""
    # Machines may share a folder of releases, and a socket is known to one of them.
    path = settings.releases / f".serving-{platform.node()}-{os.getpid()}"
    try:
        living(settings)
        path.write_text(settings.engine_socket, encoding="utf-8")
    except OSError as error:
        log.warning("`citygraph running` will not find this server: %s", error)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def servers(settings: Settings) -> list[Settings]:
    """The settings with the engine socket of each server that runs here on these releases. Raises NotFound if none."""
    found = living(settings)
    if not found:
        raise NotFound(f"no server of {settings.releases} runs here")
    return found


def living(settings: Settings) -> list[Settings]:
    """The same, and none is no error; the files of servers that were killed are removed."""
    found = []
    for path in sorted(settings.releases.glob(f".serving-{platform.node()}-*")):
        server = settings.with_changes(engine_socket=path.read_text(encoding="utf-8"))
        if _answers(server.engine_socket):
            found.append(server)
        else:
            # What a server that was killed left behind.
            with suppress(OSError):
                Path(path).unlink()
    return found


def _answers(engine_socket: str) -> bool:
    try:
        wire.consult(engine_socket, {"list": True})
    except (OSError, ConnectionLost):
        return False
    return True
