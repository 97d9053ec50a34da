"""The body of a request as a file, which a thread reads while the event loop receives it (wsgi.input, PEP 3333)."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from citygraph.engine.client_watch import ClientGone

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

# A body of this size is received before a thread begins to work on it.
HELD = 64 * 1024


class RequestBody(io.RawIOBase):
    """A body, of which the first part has been received."""

    def __init__(self, loop: asyncio.AbstractEventLoop, receive: Receive) -> None:
        self._loop = loop
        self._receive = receive
        self._held = bytearray()
        self._has_more = True

    @property
    def whole(self) -> bytes | None:
        """The body if it has been received, or None."""
        return None if self._has_more else bytes(self._held)

    async def begin(self) -> None:
        """Receives the whole body if it is small, else its first part. Raises ClientGone."""
        while self._has_more and len(self._held) < HELD:
            self._add(await self._receive())

    def readable(self) -> bool:
        """Returns that it can be read."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """Returns so many bytes, or less at the end of the body. Raises ClientGone."""
        most = None if size is None or size < 0 else size
        while self._has_more and (most is None or len(self._held) < most):
            self._add(asyncio.run_coroutine_threadsafe(self._message(), self._loop).result())
        data = bytes(self._held[:most])
        del self._held[: len(data)]
        return data

    def readinto(self, buffer: Any, /) -> int:
        """Fills the buffer, for the methods that read lines. Raises ClientGone."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    async def _message(self) -> Message:
        return await self._receive()

    def _add(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            raise ClientGone
        self._held += message["body"]
        self._has_more = message["more_body"]
