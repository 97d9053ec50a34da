"""The web processes: forked with the application of the server, with shared listeners, replaced when they die."""

from __future__ import annotations

import logging
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from citygraph.parent import die_with_parent
from citygraph.server.accepting import ConnectionNumber, ConnectionNumbers, SharingServer
from citygraph.server.http_connection import Connections, HttpConnection
from citygraph.server.wsgi_bridge import WsgiBridge
from citygraph.service_manager import passed_listeners
from citygraph.settings import Settings, read_settings
from citygraph.web.http.metrics import connection_counts

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger(__name__)

# Seconds that requests under way have after SIGTERM, and then their process.
_ENDING_SECONDS = 5
_KILL_SECONDS = 2.0
_WATCH_SECONDS = 1.0
# For all processes, within the limit of the system (net.core.somaxconn). A client beyond it tries again after a second.
_BACKLOG = 4096
# Open files of a web process besides the connections of its clients: engines, stores, files that are sent.
_OTHER_FILES = 512


class WebProcesses:
    """The processes that run the application. Each gets it from `begin_process`, which it calls first.

    `on_stop` is called as soon as the server begins to end.
    """

    def __init__(
        self,
        settings: Settings,
        begin_process: Callable[[], WSGIApplication],
        on_stop: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._begin_process = begin_process
        self._on_stop = on_stop
        self._listeners: list[socket.socket] = []
        self._connections = ConnectionNumbers(settings.workers)
        self._started: dict[int, tuple[int, float]] = {}  # by process id: which of the processes, and when
        self._is_stopping = False

    def serve(self) -> None:
        """Serves until SIGTERM or SIGINT; then the requests under way are finished. Call it in the main thread."""
        self._listeners = listeners(self._settings)
        awake, wake = socket.socketpair()
        for end in (awake, wake):
            end.setblocking(False)
        former = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        former_wake = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        try:
            for number in range(self._settings.workers):
                self._start(number)
            while not self._is_stopping:
                select.select([awake], [], [], _WATCH_SECONDS)
                _drain(awake)
                self._replace_dead()
        finally:
            self._on_stop()
            self._end_all()
            signal.set_wakeup_fd(former_wake)
            for signal_, handler in former.items():
                signal.signal(signal_, handler)
            for open_socket in (*self._listeners, awake, wake):
                open_socket.close()

    def _stop(self, *_: object) -> None:
        self._is_stopping = True

    def _start(self, number: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid:
            self._started[pid] = number, time.monotonic()
            return
        status = 1
        try:
            self._become_web_process(parent, number)
            status = 0
        except BaseException:
            log.exception("a web process failed")
        finally:
            sys.stdout.flush()
            os._exit(status)

    def _become_web_process(self, parent: int, number: int) -> None:
        signal.set_wakeup_fd(-1)
        for signal_ in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(signal_, signal.SIG_DFL)
        # Without its parent a web process would keep the port without engines for its queries.
        die_with_parent(parent)
        application = self._begin_process()
        run(self._listeners, self._settings, application, self._connections.enter(number))

    def _replace_dead(self) -> None:
        for pid, (number, since) in list(self._started.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if not ended:
                continue
            del self._started[pid]
            self._connections.leave(number)
            if self._is_stopping:
                continue
            log.error("a web process ended (status %d) and is replaced", os.waitstatus_to_exitcode(status))
            # A process that cannot start must not take all the time of the machine.
            time.sleep(_WATCH_SECONDS if time.monotonic() - since < _WATCH_SECONDS else 0)
            self._start(number)

    def _end_all(self) -> None:
        for pid in self._started:
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _ENDING_SECONDS + _KILL_SECONDS
        for pid in self._started:
            while not os.waitpid(pid, os.WNOHANG)[0]:
                if time.monotonic() > deadline:
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.02)
        self._started.clear()


def listeners(settings: Settings) -> list[socket.socket]:
    """Returns the listeners, which all web processes share: those of the service manager, if it has any, or one."""
    if passed := passed_listeners():
        return passed
    listener = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.listen(_BACKLOG)
    return [listener]


def run(
    listeners: list[socket.socket],
    settings: Settings,
    application: WSGIApplication,
    number: ConnectionNumber | None = None,
) -> None:
    """Serves the requests of listeners, in this process, until SIGTERM or SIGINT; `number` counts its connections."""
    server = http_server(settings, application, number)

    def end(*_: object) -> None:
        server.should_exit = True

    # When it has ended, the server raises the signal again, which must not end the process yet.
    for signal_ in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_, end)
    server.run(listeners)
    # Other applications than the site may have nothing to end.
    getattr(application, "close", lambda: None)()


def http_server(
    settings: Settings, application: WSGIApplication, number: ConnectionNumber | None = None
) -> uvicorn.Server:
    """Returns the HTTP server of a process, which shares its listeners with those whose connections are counted too."""
    number = number or ConnectionNumbers().enter(0)
    # Clients that send no HTTP are no events for the log, and the bridge logs what fails.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    config = uvicorn.Config(
        WsgiBridge(application, settings.threads, settings.base),
        interface="asgi3",
        loop="uvloop",
        # A class with arguments of its own.
        http=partial(HttpConnection, connections=_connections(settings, number)),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_ENDING_SECONDS,
    )
    return SharingServer(config, number)


def _connections(settings: Settings, number: ConnectionNumber) -> Connections:
    # The socket of the engine host is in the environment: it is known only when the server runs.
    return Connections(_most_connections(settings), connection_counts(read_settings().engine_socket), number)


def _most_connections(settings: Settings) -> int:
    """Returns how many connections a web process may hold, as far as the system allows that many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit = settings.connections if hard == resource.RLIM_INFINITY else min(settings.connections, hard - _OTHER_FILES)
    return max(limit, settings.threads * 4)


def _drain(awake: socket.socket) -> None:
    try:
        awake.recv(1024)
    except BlockingIOError:
        return
