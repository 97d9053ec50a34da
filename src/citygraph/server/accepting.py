"""The acceptance of connections, which the web processes share: evenly, and one at a time."""

from __future__ import annotations

import asyncio
import logging
import mmap
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

log = logging.getLogger(__name__)

# So long a process leaves a new connection to those with fewer.
_LEAVING_SECONDS = 0.002
# After an error, such as too many open files.
_PAUSE_SECONDS = 1.0
_BYTES = 8
_ABSENT = 2**62


class ConnectionNumbers:
    """The number of open connections of each web process, in memory that they share."""

    def __init__(self, processes: int = 1) -> None:
        self._numbers = memoryview(mmap.mmap(-1, processes * _BYTES)).cast("q")
        for process in range(processes):
            self.leave(process)

    def enter(self, process: int) -> ConnectionNumber:
        """Returns the number of a process that begins to accept connections."""
        self._numbers[process] = 0
        return ConnectionNumber(self._numbers, process)

    def leave(self, process: int) -> None:
        """Notes that a process does not run, so that no other leaves connections to it."""
        self._numbers[process] = _ABSENT


class ConnectionNumber:
    """The number of open connections of one process among all."""

    def __init__(self, numbers: memoryview[int], process: int) -> None:
        self._numbers = numbers
        self._process = process

    def add(self, number: int) -> None:
        """Adds to it."""
        self._numbers[self._process] += number

    def is_least(self) -> bool:
        """Returns whether no other process has fewer connections."""
        return self._numbers[self._process] <= min(self._numbers)

    def end(self) -> None:
        """Leaves all further connections to the others."""
        self._numbers[self._process] = _ABSENT


class Acceptor:
    """Accepts the connections of a listener, one in each turn of the event loop.

    So open connections are served in between. `open_connection` is called with each new one. A process that does not
    have the fewest connections waits for a moment, in which others may accept.
    """

    def __init__(
        self, listener: socket.socket, is_least: Callable[[], bool], open_connection: Callable[[socket.socket], None]
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._is_least = is_least
        self._open_connection = open_connection
        self._later: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._loop.add_reader(listener, self._accept_or_leave)

    def close(self) -> None:
        """Accepts no more connections."""
        self._loop.remove_reader(self._listener)
        if self._later is not None:
            self._later.cancel()

    def _accept_or_leave(self) -> None:
        if self._is_least():
            self._accept()
        else:
            self._wait(_LEAVING_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._later = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._loop.add_reader(self._listener, self._accept_or_leave)
        # A connection that no process has accepted by now.
        self._accept()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return
        except OSError as error:
            log.error("no connection is accepted for %s s: %s", _PAUSE_SECONDS, error)
            self._wait(_PAUSE_SECONDS)
        else:
            connection.setblocking(False)
            self._open_connection(connection)


class SharingServer(uvicorn.Server):
    """The HTTP server of a process that shares its listeners with others."""

    def __init__(self, config: uvicorn.Config, number: ConnectionNumber) -> None:
        super().__init__(config)
        self._number = number
        self._acceptors: list[Acceptor] = []
        self._opening: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to accept connections."""
        # The library's own way accepts all that wait before it serves any other.
        await super().startup([])
        self._acceptors = [Acceptor(one, self._number.is_least, self._open) for one in sockets or ()]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts no more connections, and ends those that are open when their requests have been answered."""
        for acceptor in self._acceptors:
            acceptor.close()
        self._number.end()
        await super().shutdown(sockets)

    def _open(self, connection: socket.socket) -> None:
        self._number.add(1)
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
