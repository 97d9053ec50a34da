"""Whether the client of a request is still connected, and what ends when it leaves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

End = Callable[[], None]


class ClientGone(BaseException):
    """Ends the work for a client that has left. Not an Exception, so that nothing makes a reply of it."""


class ClientWatch:
    """The client of one request: when the server reports that it has left, its remaining work is ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[End] = set()
        self.is_gone = False

    def leave(self) -> list[End]:
        """Notes that the client has left, and returns the functions that end what runs; each may take a moment."""
        with self._lock:
            self.is_gone = True
            return list(self._running)

    def add(self, end: End) -> None:
        """Adds the function that ends what begins now. Raises ClientGone if the client has left."""
        with self._lock:
            if self.is_gone:
                raise ClientGone
            self._running.add(end)

    def remove(self, end: End) -> None:
        """Removes the function of a completed request."""
        with self._lock:
            self._running.discard(end)


# The work for a request starts deep in a page's calls, none of which needs to know of the client.
_CURRENT: ContextVar[ClientWatch | None] = ContextVar("client_watch", default=None)


def current_watch() -> ClientWatch | None:
    """Returns the watch of the request for which this thread works, or None."""
    return _CURRENT.get()


@contextmanager
def watched(watch: ClientWatch) -> Iterator[None]:
    """Makes a watch the one of this thread, for the time of a block."""
    token = _CURRENT.set(watch)
    try:
        yield
    finally:
        _CURRENT.reset(token)
