"""A connection pool for the engines of one release, shared by the threads of a web process."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from enum import Enum

from citygraph.engine import wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import Busy, CitygraphError, EngineFailed, NotFound

_RETRY = 0.05


class Refusal(Enum):
    """Why there is no place: the client has taken its share, or all places are taken."""

    CLIENT = "client"
    ALL = "all"


@dataclass(eq=False, slots=True)
class _Waiter:
    """A thread that waits for a place; `granted` is a lock that is released when it has one."""

    client: str
    granted: threading.Lock


class Admission:
    """A limit on what runs at the same time: `size` in all, `most` of one client. A nameless client is not limited.

    A place that becomes free goes to the thread that has waited longest and may have it. So a place is only free while
    nobody who waits may take it, and a newcomer that may take it does not go before anybody.
    """

    def __init__(self, size: int, most: int) -> None:
        self.most = most
        self._free = size
        # Clients that have no place have no entry, so that this does not grow with every client that was ever seen.
        self._running: dict[str, int] = {}
        self._waiters: list[_Waiter] = []
        self._lock = threading.Lock()

    def acquire(self, client: str, wait: float) -> Refusal | None:
        """Takes a place, for which `release` is called later, or returns the reason why none was free in time."""
        with self._lock:
            if self._take(client):
                return None
            if wait <= 0:
                return self._refusal(client)
            waiter = _Waiter(client, threading.Lock())
            waiter.granted.acquire()
            self._waiters.append(waiter)
        return None if waiter.granted.acquire(timeout=wait) else self._give_up(waiter)

    def release(self, client: str) -> None:
        """Returns a place."""
        with self._lock:
            self._free += 1
            if client:
                running = self._running.pop(client)
                if running > 1:
                    self._running[client] = running - 1
            for waiter in self._waiters:
                if self._take(waiter.client):
                    self._waiters.remove(waiter)
                    waiter.granted.release()
                    return

    def _take(self, client: str) -> bool:
        running = self._running.get(client, 0) if client else 0
        if not self._free or running >= self.most:
            return False
        self._free -= 1
        if client:
            self._running[client] = running + 1
        return True

    def _give_up(self, waiter: _Waiter) -> Refusal | None:
        """Removes a waiter and returns its refusal, or None if it was granted a place at the last moment."""
        with self._lock:
            if waiter not in self._waiters:
                return None
            self._waiters.remove(waiter)
            return self._refusal(waiter.client)

    def _refusal(self, client: str) -> Refusal:
        return Refusal.CLIENT if client and self._running.get(client, 0) >= self.most else Refusal.ALL


@dataclass(eq=False, slots=True)
class Connection:
    """A connection that an engine has accepted, and the control socket of its supervisor.

    The pool sets the client that has it, and whether it had a query before.
    """

    channel: Channel
    control: str
    client: str = ""
    is_reused: bool = False


class Pool:
    """A pool of at most `size` connections to the engines of a release.

    If `size` is more than one, a client never gets all of them.
    """

    def __init__(self, host: str, release_id: str, federated: bool, size: int) -> None:
        self.release_id = release_id
        self._host = host
        self._kind = "federated" if federated else "query"
        self._admission = Admission(size, max(1, size - 1))
        # A list's append and pop are atomic, so that it needs no lock.
        self._idle: list[Connection] = []
        self._sockets: dict[str, str] | None = None

    def acquire(self, wait: float, client: str = "") -> Connection:
        """Returns a connection to a free engine. Call `release` or `discard` with it afterwards.

        An engine may have closed it meanwhile, if it had a query before. The pool does not check that, because the
        check costs a system call and the next send does it too.

        Raises Busy after `wait` seconds, NotFound for an unknown release, EngineFailed if the host cannot be reached.
        """
        deadline = time.monotonic() + wait
        refusal = self._admission.acquire(client, wait)
        if refusal is Refusal.CLIENT:
            message = f"{self._admission.most} of your queries are running, and none has ended within {wait:g} s"
            raise Busy(message, retry_after=max(1, round(wait)), yours=True)
        if refusal is Refusal.ALL:
            raise _busy(wait)
        try:
            connection = self._idle_connection() or self._new_connection(deadline, wait)
        except BaseException:
            self._admission.release(client)
            raise
        connection.client = client
        return connection

    def release(self, connection: Connection) -> None:
        """Puts a connection back into the pool for the next query."""
        client = connection.client
        connection.is_reused = True
        # Appended before the place is free, so that the next thread finds the connection, which then is no longer ours.
        self._idle.append(connection)
        self._admission.release(client)

    def discard(self, connection: Connection) -> None:
        """Closes a connection that cannot be reused."""
        connection.channel.close()
        self._admission.release(connection.client)

    def close(self) -> None:
        """Closes the connections that are not in use."""
        connections, self._idle = self._idle, []
        for connection in connections:
            connection.channel.close()

    def _idle_connection(self) -> Connection | None:
        """Returns the most recently used idle connection, or None."""
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _new_connection(self, deadline: float, wait: float) -> Connection:
        while (remaining := deadline - time.monotonic()) > 0:
            sockets = self._sockets or self._open(remaining)
            try:
                channel = wire.connect(sockets.get(self._kind, sockets["query"]), remaining)
            except TimeoutError:
                break
            except BlockingIOError:
                # The backlog of connections that the engines have not accepted yet is full.
                time.sleep(_RETRY)
                continue
            except OSError:
                # The supervisor is gone: the host starts another.
                self._sockets = None
                time.sleep(_RETRY)
                continue
            try:
                hello = json.loads(channel.receive(deadline - time.monotonic())[1])
            except TimeoutError:
                channel.close()
                break
            except ConnectionLost:
                # The engines of this socket ended while the connection was queued.
                channel.close()
                continue
            return Connection(channel, hello["control"])
        raise _busy(wait)

    def _open(self, timeout: float) -> dict[str, str]:
        try:
            response = wire.consult(self._host, {"open": self.release_id}, timeout)
        except (OSError, ConnectionLost) as error:
            raise EngineFailed(f"the engine host does not respond: {error}") from error
        if "error" in response:
            kind: type[CitygraphError] = NotFound if response["kind"] == "NotFound" else EngineFailed
            raise kind(response["error"])
        self._sockets = dict(response["sockets"])
        return self._sockets


def _busy(wait: float) -> Busy:
    return Busy(f"no engine process was free within {wait:g} s", retry_after=max(1, round(wait)))
