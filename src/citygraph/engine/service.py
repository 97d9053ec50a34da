"""Services: child processes that serve requests on a socket, and that their parent restarts when they die."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from citygraph.engine.process import SocketDir, listen, spawn, stop
from citygraph.logs import start_logging
from citygraph.parent import die_with_parent
from citygraph.settings import Settings, read_settings

log = logging.getLogger(__name__)

# Times are in seconds. Before the restart of a process that ended at once, or could not be started.
_PAUSE = 0.5
_SHORT_LIFE = 1.0
# After SIGTERM, which a service manager may send to all processes of a server that it ends.
_TERMINATED_PAUSE = 2.0
_STARTS = 3
_SOCKET = "service.sock"
_SERVING = "serving"
_COMPLETE = "complete"


class ServiceProcess:
    """A handle of the parent on a child process that serves requests on a socket in a private folder.

    The child ends when it is closed, and also when the thread that started it dies with its process: that thread must
    not end before it (prctl(2), PR_SET_PDEATHSIG).
    """

    def __init__(
        self,
        module: str,
        socket_setting: str,
        settings: Settings,
        ending: float,
        credentials: Mapping[str, str] | None = None,
    ) -> None:
        self._module = module
        # Variables that only this process gets.
        self._credentials = dict(credentials or {})
        self._socket_setting = socket_setting
        self._settings = settings
        self._ending = ending
        # The folder is private, because anyone who can connect can send requests that no guard has checked.
        self._sockets = SocketDir()
        # Open here too, so that connections wait for a process that is restarted instead of being refused.
        self._listener = listen(self._sockets.path / _SOCKET)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._process = self._start()

    @property
    def name(self) -> str:
        """Returns the name of the module that runs, for messages."""
        return self._module

    @property
    def socket(self) -> str:
        """Returns the path of the socket, which a restart keeps."""
        return str(self._sockets.path / _SOCKET)

    @property
    def settings(self) -> Settings:
        """Returns the settings with the path of the socket, for web processes."""
        return self._settings.with_changes(**{self._socket_setting: self.socket})

    @property
    def pid(self) -> int:
        """Returns the process id."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Returns whether the process still runs. If not, call `restart`."""
        return self._process.poll() is None

    def restart(self) -> None:
        """Restarts a process that died, on the same socket, on which new requests wait. Raises OSError."""
        with self._lock:
            if not self._closing.is_set():
                stop(self._process, self._ending)
                self._process = self._start()

    def keep_running(self) -> None:
        """Restarts the process as soon as it dies. Returns after `close`, so run it in a separate thread."""
        while True:
            begun = time.monotonic()
            is_terminated = self._process.wait() == -signal.SIGTERM
            is_short = time.monotonic() - begun < _SHORT_LIFE
            if self._closing.wait(_TERMINATED_PAUSE if is_terminated else _PAUSE if is_short else 0):
                return
            log.error("%s died and is restarted", self.name)
            try:
                self.restart()
            except OSError as error:
                # A lack of processes or memory may be temporary.
                log.error("%s could not be restarted: %s", self.name, error)

    def expect_end(self) -> None:
        """Restarts the process no more, because the server ends."""
        self._closing.set()

    def close(self) -> None:
        """Ends the process after its work in progress, and removes its sockets."""
        self._closing.set()
        with self._lock:
            stop(self._process, self._ending)
        self._listener.close()
        self._sockets.close()

    def _start(self) -> subprocess.Popen[bytes]:
        """Starts the process, and waits until it listens. Raises OSError if it ends before."""
        # A killed process is started again; a process that ended without a signal would do so again.
        for _ in range(_STARTS):
            process = self._spawn()
            assert process.stdout is not None  # noqa: S101
            announcement = process.stdout.readline()
            process.stdout.close()
            if announcement:
                return process
            if process.wait() != -signal.SIGKILL:
                break
        raise OSError(f"{self._module} did not start: it ended with status {process.returncode}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        # Rust would print the trace of a failed allocation when memory has run out, and might never finish.
        env = {**os.environ, **self._credentials, **self._settings.as_environment(), "RUST_BACKTRACE": "0"}
        listener = self._listener.fileno()
        arguments = str(self._sockets.path), str(listener), str(os.getpid())
        return spawn(self._module, *arguments, pass_fds=[listener], env=env)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def begin_service(name: str, folder: str, listener: str, parent: str) -> socket.socket:
    """Returns the listener of a `ServiceProcess`, in the child: with its log, and bound to the life of its parent.

    From now on `is_served` is true, until the process dies.
    """
    start_logging(name, read_settings())
    die_with_parent(int(parent))
    # The kernel releases the lock when the process ends, however it ends. The file stays open for that.
    fcntl.flock(os.open(Path(folder) / _SERVING, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), fcntl.LOCK_EX)
    return socket.socket(fileno=int(listener))


def is_served(path: str) -> bool:
    """Returns whether a process serves the socket of a `ServiceProcess`. If not, it will soon be restarted."""
    try:
        with Path(path).with_name(_SERVING).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def complete_marker(engine_socket: str) -> Path:
    """Returns the marker file, in the folder of the engine host's socket, that exists once the site is complete."""
    return Path(engine_socket).with_name(_COMPLETE)
