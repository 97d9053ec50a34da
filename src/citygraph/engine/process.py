"""Process management: start and end, the control loop, private Unix sockets, and discovery of servers."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import platform
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

from citygraph.engine import wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import NotFound
from citygraph.parent import bound_command, die_with_parent
from citygraph.settings import Settings

log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], dict[str, Any]]
_T = TypeVar("_T")

# Requests come from our own processes, which send at once. A suspended one must not block the control loop for long.
_REQUEST_TIMEOUT = 0.1
_BACKLOG = 256
_WAIT_STEP = 0.01  # seconds
_CONNECTING = 2.0  # seconds
_FOLDER_PREFIX = "citygraph-room-"
_LOCK = "lock"


class ControlLoop:
    """An event loop for requests on a socket, exits of child processes, and the exit of the parent."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._parent = os.getppid()
        self._stopping = False
        # A signal alone does not end select(), which Python restarts (PEP 475). A byte on this socket pair does.
        self._awake, self._wake = socket.socketpair()
        for end in (self._awake, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        # Ctrl-C goes to all processes of a terminal; our parent receives it and closes our stdin when it is ready.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._awake, selectors.EVENT_READ)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)

    def watch(self, listener: socket.socket, is_watched: bool) -> None:
        """Has `serve` return as soon as a connection waits on a listener, or no longer."""
        if is_watched != (listener.fileno() in self._selector.get_map()):
            if is_watched:
                self._selector.register(listener, selectors.EVENT_READ)
            else:
                self._selector.unregister(listener)

    def serve(self, timeout: float, handle: Handler) -> bool:
        """Waits up to `timeout` seconds for events and handles requests. Returns False when the process must stop."""
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._listener:
                self._handle_request(handle)
            elif key.fileobj is self._awake:
                self._awake.recv(1024)
            elif key.fd == sys.stdin.fileno() and not os.read(key.fd, 1024):
                return False
        return not self.is_stopping()

    def is_stopping(self) -> bool:
        """Returns whether SIGTERM has arrived, or the parent is gone."""
        return self._stopping or os.getppid() != self._parent

    def abandon(self) -> None:
        """Restores the signal handlers and closes the sockets, in a forked child that does not run the loop."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._selector.close()
        for open_socket in (self._listener, self._awake, self._wake):
            open_socket.close()
        detach_stdin()

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _handle_request(self, handle: Handler) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        channel = Channel(connection, sending=_REQUEST_TIMEOUT)
        try:
            _, payload = channel.receive(_REQUEST_TIMEOUT)
            channel.send(wire.frame_of(wire.NOTE, handle(json.loads(payload))))
        except (TimeoutError, ConnectionLost):
            pass
        finally:
            channel.close()


@dataclass(frozen=True)
class Assignment:
    """The configuration of a supervisor: a release's folder, the store mode ("memory" or "disk"), the listeners."""

    release: Path
    mode: str
    control: str  # the socket for requests to this supervisor, which its engines pass on to their clients
    listener: socket.socket
    federated: socket.socket | None = None

    def close(self) -> None:
        """Closes the listeners in this process."""
        for listener in (self.listener, self.federated):
            if listener is not None:
                listener.close()


class Draining(Generic[_T]):
    """A collection of replaced items in a grace period, during which requests may still be on their way to them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._items: list[tuple[float, _T]] = []  # each with its deadline, the oldest first

    def __iter__(self) -> Iterator[_T]:
        return iter([item for _, item in self._items])

    def add(self, item: _T) -> None:
        """Adds an item, whose grace period begins now."""
        self._items.append((time.monotonic() + self._seconds, item))

    def expire_oldest(self, keep: int) -> None:
        """Ends the grace period of all but the `keep` newest items."""
        old = len(self._items) - keep
        self._items = [(0.0 if at < old else deadline, item) for at, (deadline, item) in enumerate(self._items)]

    def expired(self) -> list[_T]:
        """Returns the items whose grace period is over."""
        now = time.monotonic()
        return [item for deadline, item in self._items if now > deadline]

    def remove(self, item: _T) -> None:
        """Removes an item."""
        self._items = [entry for entry in self._items if entry[1] is not item]


# starting and ending


def spawn(
    module: str, *arguments: str, pass_fds: Sequence[int] = (), env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a module as a process. It exits when its stdin is closed, and reports on its stdout (see `announce`)."""
    return subprocess.Popen(
        bound_command(module, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=pass_fds,
        env=env,
    )


class ForkedProcess:
    """A child process that runs a function of this program, and shares the memory of its modules.

    It has the used part of the interface of subprocess.Popen. Like a spawned process it has two pipes for its stdin and
    stdout, is bound to the life of its parent, and inherits no open files but those of `kept`. Fork only from a process
    without threads.
    """

    def __init__(self, run: Callable[[], None], kept: Collection[int]) -> None:
        parent = os.getpid()
        reads, stdin = os.pipe()
        stdout, writes = os.pipe()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _become_child(run, parent, (reads, writes), kept)
        os.close(reads)
        os.close(writes)
        self.stdin = os.fdopen(stdin, "wb", buffering=0)
        self.stdout = os.fdopen(stdout, "rb", buffering=0)

    def poll(self) -> int | None:
        """Returns the exit code, negative for a signal, or None if the process runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.returncode = os.waitstatus_to_exitcode(status) if pid else None
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Returns the exit code when the process has ended. Raises TimeoutExpired."""
        begun = time.monotonic()
        while (code := self.poll()) is None:
            if timeout is not None and time.monotonic() - begun > timeout:
                raise subprocess.TimeoutExpired(str(self.pid), timeout)
            time.sleep(_WAIT_STEP)
        return code

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kills the process."""
        self.send_signal(signal.SIGKILL)


def _become_child(run: Callable[[], None], parent: int, pipes: tuple[int, int], kept: Collection[int]) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        die_with_parent(parent)
        for standard, pipe in enumerate(pipes):
            os.dup2(pipe, standard)
        # The others are the parent's: its locks would stay locked, and its pipes to other children open.
        for number in [int(path.name) for path in Path("/dev/fd").iterdir()]:
            if number > sys.stderr.fileno() and number not in kept:
                with suppress(OSError):
                    os.close(number)
        run()
        status = 0
    except BaseException:
        log.exception("a forked process failed")
    finally:
        # Not sys.exit(), which would run the cleanup of the parent's stack in this child.
        os._exit(status)


def stop(process: subprocess.Popen[bytes] | ForkedProcess, timeout: float) -> None:
    """Stops a spawned or forked process by closing its pipes. Kills it if it still runs after `timeout` seconds."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def announce(word: str) -> None:
    """Writes a word to the parent on stdout, once. Then redirects stdout to stderr, for its future children too."""
    os.write(sys.stdout.fileno(), f"{word}\n".encode())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def detach_stdin() -> None:
    """Redirects stdin to /dev/null in a forked child, which does not depend on its parent's stdin."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)


# sockets


def listen(path: Path) -> socket.socket:
    """Returns a listening socket that only our user can connect to. Replaces a stale socket of a dead process."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    return listener


class SocketDir:
    """A private temporary folder for sockets. The process that creates it holds a lock on it until `close` or exit."""

    def __init__(self) -> None:
        sweep()
        # Locked before it gets the name that `sweep` looks for, because another process could otherwise remove it.
        folder = Path(tempfile.mkdtemp(prefix=".citygraph-"))
        self._lock = (folder / _LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.path = folder.rename(folder.with_name(f"{_FOLDER_PREFIX}{os.getpid()}-{folder.name[-8:]}"))

    def close(self) -> None:
        """Removes the folder and everything in it."""
        _remove(self.path)
        self._lock.close()


def sweep() -> None:
    """Removes the socket folders of processes that were killed."""
    for path in Path(tempfile.gettempdir()).glob(_FOLDER_PREFIX + "*"):
        # Folders of other users cannot be opened, and are skipped.
        with suppress(OSError), (path / _LOCK).open("r") as lock:
            # The kernel releases the lock when its process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)


def _remove(folder: Path) -> None:
    with suppress(OSError):
        # The lock is removed last, because a later `sweep` needs it to know that the rest may be removed.
        for path in sorted(folder.iterdir(), key=lambda path: path.name == _LOCK):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        folder.rmdir()


# discovery


@contextmanager
def advertised(settings: Settings) -> Iterator[None]:
    """Keeps a file during the block by which commands find this server. Logs a warning if it cannot be written."""
    # Several machines may share a folder of releases, but a socket is reachable on one of them only.
    path = settings.releases / f".serving-{platform.node()}-{os.getpid()}"
    try:
        _live_servers(settings)
        path.write_text(settings.engine_socket, encoding="utf-8")
    except OSError as error:
        log.warning("`citygraph running` will not find this server: %s", error)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def servers(settings: Settings) -> list[Settings]:
    """Returns settings with the engine socket of each local server of these releases. Raises NotFound without any."""
    live = _live_servers(settings)
    if not live:
        raise NotFound(f"no server of {settings.releases} runs here")
    return live


def _live_servers(settings: Settings) -> list[Settings]:
    """Returns settings for each running server. Removes the files of servers that were killed."""
    live = []
    for path in sorted(settings.releases.glob(f".serving-{platform.node()}-*")):
        try:
            socket_path = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            # Another process has removed it meanwhile, or the server has ended.
            continue
        server = settings.with_changes(engine_socket=socket_path)
        if _is_open(server.engine_socket):
            live.append(server)
        else:
            with suppress(OSError):
                path.unlink()
    return live


def _is_open(engine_socket: str) -> bool:
    """Returns whether a process listens on a socket. On a busy machine it may respond late, and lives all the same."""
    try:
        wire.connect(engine_socket, _CONNECTING).close()
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    except OSError:
        # Too many others wait for it.
        return True
    return True
