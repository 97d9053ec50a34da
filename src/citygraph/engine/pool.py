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
_FAIRNESS = 0.05  # seconds


class Refusal(Enum):
    """Why there is no place: the client has taken its share, or all places are taken."""

    CLIENT = "client"
    ALL = "all"


@dataclass(eq=False, slots=True)
class _Waiter:
    """A thread that waits for a place since a time. `asleep` is a lock that is released to wake it."""

    client: str
    since: float
    asleep: threading.Lock
    is_granted: bool = False


class Admission:
    """A limit on simultaneous work: `size` in all, `most` of one client. A nameless client is not limited.

    A place that becomes free wakes the thread that has waited longest and may have it. Until that one runs, a newcomer
    may take the place, because to hand over each place would make every request sleep as soon as one does. After
    _FAIRNESS seconds of waiting a place is handed over all the same.
    """

    def __init__(self, size: int, most: int) -> None:
        self.most = most
        self._free = size
        # Clients that have no place have no entry, so that this does not grow with every client that was ever seen.
        self._running: dict[str, int] = {}
        self._waiters: list[_Waiter] = []
        self._woken: _Waiter | None = None  # the woken thread that has not run since
        self._lock = threading.Lock()

    def acquire(self, client: str, wait: float) -> Refusal | None:
        """Takes a place, for which `release` is called later, or returns the reason why none was free in time."""
        with self._lock:
            if self._take(client):
                return None
            if wait <= 0:
                return self._refusal(client)
            waiter = _Waiter(client, time.monotonic(), threading.Lock())
            waiter.asleep.acquire()
            self._waiters.append(waiter)
        while True:
            is_woken = waiter.asleep.acquire(timeout=max(0.0, waiter.since + wait - time.monotonic()))
            with self._lock:
                if self._is_served(waiter):
                    return None
                if not is_woken:
                    self._waiters.remove(waiter)
                    return self._refusal(client)

    def release(self, client: str) -> None:
        """Returns a place."""
        with self._lock:
            self._free += 1
            if client:
                running = self._running.pop(client)
                if running > 1:
                    self._running[client] = running - 1
            if self._waiters:
                self._wake_next()

    def _take(self, client: str) -> bool:
        running = self._running.get(client, 0) if client else 0
        if not self._free or running >= self.most:
            return False
        self._free -= 1
        if client:
            self._running[client] = running + 1
        return True

    def _is_served(self, waiter: _Waiter) -> bool:
        """Returns whether a waiter that has been woken has a place now. Another that may have one is woken."""
        if self._woken is waiter:
            self._woken = None
        is_served = waiter.is_granted or self._take(waiter.client)
        if is_served and not waiter.is_granted:
            self._waiters.remove(waiter)
        self._wake_next()
        return is_served

    def _wake_next(self) -> None:
        """Wakes the longest waiting thread that may have a place, unless another woken thread has not run yet."""
        if not self._free or self._woken is not None:
            return
        for waiter in self._waiters:
            if not waiter.client or self._running.get(waiter.client, 0) < self.most:
                if time.monotonic() - waiter.since > _FAIRNESS:
                    waiter.is_granted = self._take(waiter.client)
                    self._waiters.remove(waiter)
                else:
                    self._woken = waiter
                waiter.asleep.release()
                return

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

        An engine may have closed it in the meantime, if it had a query before. The pool does not check this, because
        the check costs a system call and the next send detects it too.

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
            if sockets is None:
                time.sleep(_RETRY)
                continue
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

    def _open(self, timeout: float) -> dict[str, str] | None:
        """Returns the sockets of the release, or None if its engines cannot be started yet."""
        try:
            response = wire.consult(self._host, {"open": self.release_id}, timeout)
        except ConnectionLost:
            # The host ended, and is restarted.
            return None
        except OSError as error:
            raise EngineFailed(f"the engine host does not respond: {error}") from error
        if response.get("kind") == "Busy":
            return None
        if "error" in response:
            kind: type[CitygraphError] = NotFound if response["kind"] == "NotFound" else EngineFailed
            raise kind(response["error"])
        self._sockets = dict(response["sockets"])
        return self._sockets


def _busy(wait: float) -> Busy:
    return Busy(f"no engine process was free within {wait:g} s", retry_after=max(1, round(wait)))
