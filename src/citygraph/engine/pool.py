"""Connections to the engines of one release, kept and shared by the threads of a web process."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass

from citygraph.engine import wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import Busy, CitygraphError, EngineFailed, NotFound

_RETRY = 0.05


class Turns:
    """Lets each client have so many at a time; without a name for it, any number."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: dict[str, tuple[threading.Semaphore, int]] = {}
        self._lock = threading.Lock()

    def take(self, client: str, wait: float) -> bool:
        """Wait for a turn; False if there is none in so many seconds. Each needs its `end`."""
        if not client:
            return True
        with self._lock:
            semaphore, users = self._held.get(client) or (threading.Semaphore(self.most), 0)
            self._held[client] = semaphore, users + 1
        taken = semaphore.acquire(timeout=wait) if wait > 0 else semaphore.acquire(blocking=False)
        if not taken:
            self._forget(client)
        return taken

    def end(self, client: str) -> None:
        """The turn is over."""
        if client:
            self._held[client][0].release()
            self._forget(client)

    def _forget(self, client: str) -> None:
        """One user less; the last one takes the client's entry away."""
        with self._lock:
            semaphore, users = self._held.pop(client)
            if users > 1:
                self._held[client] = semaphore, users - 1


@dataclass(frozen=True)
class Line:
    """A connection that an engine has taken, and the socket of its nursery."""

    channel: Channel
    control: str


class Pool:
    """At most `size` connections to the engines of a release; one client never has them all if there are several."""

    def __init__(self, host: str, release_id: str, federated: bool, size: int) -> None:
        self.release_id = release_id
        self._host = host
        self._kind = "federated" if federated else "query"
        self._places = threading.BoundedSemaphore(size)
        self._turns = Turns(max(1, size - 1))
        self._holders: dict[Line, str] = {}
        self._idle: list[Line] = []
        self._lock = threading.Lock()
        self._sockets: dict[str, str] | None = None

    def take(self, wait: float, client: str = "") -> Line:
        """A connection to an engine that is free; give it back or drop it.

        Raises Busy after `wait` seconds, NotFound, EngineFailed if there is no host.
        """
        deadline = time.monotonic() + wait
        if not self._turns.take(client, wait):
            message = f"{self._turns.most} of your queries are running, and none has ended within {wait:g} s"
            raise Busy(message, retry_after=max(1, round(wait)), yours=True)
        try:
            line = self._take_any(deadline, wait)
        except BaseException:
            self._turns.end(client)
            raise
        self._holders[line] = client
        return line

    def give_back(self, line: Line) -> None:
        """The connection is ready for another query."""
        client = self._holders.pop(line)
        with self._lock:
            self._idle.append(line)
        self._places.release()
        self._turns.end(client)

    def drop(self, line: Line) -> None:
        """The connection is of no more use."""
        line.channel.close()
        self._places.release()
        self._turns.end(self._holders.pop(line))

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            lines, self._idle = self._idle, []
        for line in lines:
            line.channel.close()

    def _take_any(self, deadline: float, wait: float) -> Line:
        if not self._places.acquire(timeout=max(0, deadline - time.monotonic())):
            raise _busy(wait)
        try:
            return self._idle_line() or self._new_line(deadline, wait)
        except BaseException:
            self._places.release()
            raise

    def _idle_line(self) -> Line | None:
        """The connection used last, if its engine is still there."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                line = self._idle.pop()
            # An idle connection that can be read was closed at the other end.
            if not wire.is_readable(line.channel.socket):
                return line
            line.channel.close()

    def _new_line(self, deadline: float, wait: float) -> Line:
        while (left := deadline - time.monotonic()) > 0:
            sockets = self._sockets or self._open(left)
            try:
                channel = wire.connect(sockets.get(self._kind, sockets["query"]), left)
            except TimeoutError:
                break
            except BlockingIOError:
                # Its line of waiting connections is full.
                time.sleep(_RETRY)
                continue
            except OSError:
                # The nursery is gone: the host opens another.
                self._sockets = None
                time.sleep(_RETRY)
                continue
            try:
                hello = json.loads(channel.receive(deadline - time.monotonic())[1])
            except TimeoutError:
                channel.close()
                break
            except ConnectionLost:
                channel.close()
                continue
            return Line(channel, hello["control"])
        raise _busy(wait)

    def _open(self, timeout: float) -> dict[str, str]:
        try:
            answer = wire.consult(self._host, {"open": self.release_id}, timeout)
        except (OSError, ConnectionLost) as error:
            raise EngineFailed(f"the engine host does not answer: {error}") from error
        if "error" in answer:
            kind: type[CitygraphError] = NotFound if answer["kind"] == "NotFound" else EngineFailed
            raise kind(answer["error"])
        self._sockets = dict(answer["sockets"])
        return self._sockets


def _busy(wait: float) -> Busy:
    return Busy(f"no engine process was free within {wait:g} s", retry_after=max(1, round(wait)))
