"""A connection pool for the engines of one release, shared by the threads of a web process."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass

from citygraph.engine import wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import Busy, CitygraphError, EngineFailed, NotFound

_RETRY = 0.05


class PerClientLimit:
    """A concurrency limit per client. A client without a name is not limited."""

    def __init__(self, most: int) -> None:
        self.most = most
        # Each semaphore with the number of threads that hold it or wait for it. At zero the entry is removed, so that
        # the dictionary does not grow with every client that was ever seen.
        self._clients: dict[str, tuple[threading.Semaphore, int]] = {}
        self._lock = threading.Lock()

    def acquire(self, client: str, wait: float) -> bool:
        """Waits up to `wait` seconds for a permit. Returns whether it was acquired; if so, call `release` later."""
        if not client:
            return True
        with self._lock:
            semaphore, users = self._clients.get(client) or (threading.Semaphore(self.most), 0)
            self._clients[client] = semaphore, users + 1
        acquired = semaphore.acquire(timeout=wait) if wait > 0 else semaphore.acquire(blocking=False)
        if not acquired:
            self._forget(client)
        return acquired

    def release(self, client: str) -> None:
        """Returns a permit."""
        if client:
            self._clients[client][0].release()
            self._forget(client)

    def _forget(self, client: str) -> None:
        """Decrements the client's number of users. Removes its entry at zero."""
        with self._lock:
            semaphore, users = self._clients.pop(client)
            if users > 1:
                self._clients[client] = semaphore, users - 1


@dataclass(frozen=True)
class Connection:
    """A connection that an engine has accepted, and the control socket of its supervisor."""

    channel: Channel
    control: str


class Pool:
    """A pool of at most `size` connections to the engines of a release.

    If `size` is more than one, a client never gets all of them.
    """

    def __init__(self, host: str, release_id: str, federated: bool, size: int) -> None:
        self.release_id = release_id
        self._host = host
        self._kind = "federated" if federated else "query"
        self._places = threading.BoundedSemaphore(size)
        self._per_client = PerClientLimit(max(1, size - 1))
        self._clients: dict[Connection, str] = {}
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._sockets: dict[str, str] | None = None

    def acquire(self, wait: float, client: str = "") -> Connection:
        """Returns a connection to a free engine. Call `release` or `discard` with it afterwards.

        Raises Busy after `wait` seconds, NotFound for an unknown release, EngineFailed if the host cannot be reached.
        """
        deadline = time.monotonic() + wait
        if not self._per_client.acquire(client, wait):
            message = f"{self._per_client.most} of your queries are running, and none has ended within {wait:g} s"
            raise Busy(message, retry_after=max(1, round(wait)), yours=True)
        try:
            connection = self._acquire_any(deadline, wait)
        except BaseException:
            self._per_client.release(client)
            raise
        self._clients[connection] = client
        return connection

    def release(self, connection: Connection) -> None:
        """Puts a connection back into the pool for the next query."""
        client = self._clients.pop(connection)
        # Appended before the permit is released, so that the next thread with a permit finds the connection.
        with self._lock:
            self._idle.append(connection)
        self._places.release()
        self._per_client.release(client)

    def discard(self, connection: Connection) -> None:
        """Closes a connection that cannot be reused."""
        connection.channel.close()
        self._places.release()
        self._per_client.release(self._clients.pop(connection))

    def close(self) -> None:
        """Closes the connections that are not in use."""
        with self._lock:
            connections, self._idle = self._idle, []
        for connection in connections:
            connection.channel.close()

    def _acquire_any(self, deadline: float, wait: float) -> Connection:
        if not self._places.acquire(timeout=max(0, deadline - time.monotonic())):
            raise _busy(wait)
        try:
            return self._idle_connection() or self._new_connection(deadline, wait)
        except BaseException:
            self._places.release()
            raise

    def _idle_connection(self) -> Connection | None:
        """Returns the most recently used idle connection whose engine is alive, or None."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            # An engine never writes before a query: an idle connection is readable only if it was closed.
            if not wire.is_readable(connection.channel.socket):
                return connection
            connection.channel.close()

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
