"""The second process of a commit: it works on a copy of the store while the first one validates the change."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from citygraph.engine import sandbox, wire
from citygraph.engine.wire import Channel, ConnectionLost
from citygraph.errors import EngineFailed, EnginesDisagree
from citygraph.parent import bind_fork

log = logging.getLogger(__name__)

Respond = Callable[[Path], dict[str, Any]]
# The limits of the first process end both, and so does its death.
_WITHOUT_LIMIT = 1e9  # seconds
_STANDARD_ERROR = 2  # and below it, input and output


class SecondProcess:
    """A fork of this process that responds to requests in their order; a request is the path of a file.

    It is forked before a store is opened: a store's threads and locks do not survive a fork. It works within a `with`,
    where `share` bytes of this process's limit of memory are its own. Of the open files it keeps those `kept`.
    """

    def __init__(self, respond: Respond, share: int, kept: Iterable[int] = ()) -> None:
        parent = os.getpid()
        ours, theirs = socket.socketpair()
        self._pid = os.fork()
        if self._pid == 0:
            _serve(theirs, respond, parent, share, kept)
        theirs.close()
        self._channel = Channel(ours)
        self._share = share
        self._awaited = 0
        self._status: int | None = None  # with which the process ended

    def __enter__(self) -> None:
        """Gives the process its share of memory."""
        sandbox.change_memory_limit(-self._share)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for the responses that were not read after an error: another change must not get them."""
        try:
            # The error that ends the block is not replaced by one of this process.
            with suppress(EngineFailed) if error is not None else nullcontext():
                while self._awaited:
                    self._receive()
        finally:
            sandbox.change_memory_limit(self._share)

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended, as `result` has reported."""
        return self._status is not None

    def start(self, request: Path) -> None:
        """Sends a request. If the process has ended, `result` reports it."""
        self._awaited += 1
        try:
            self._channel.send(wire.frame(wire.ASK, str(request).encode()))
        except ConnectionLost:
            log.warning("the second process of the commit has ended")

    def result(self) -> dict[str, Any]:
        """Returns the response to the first request that has none.

        Raises OSError if the disk failed it, EnginesDisagree if the engines of validation did, else EngineFailed.

        If the process was killed, ends this one by the same signal: so both have the same limits and the same errors.
        """
        kind, payload = self._receive()
        response: dict[str, Any] = json.loads(payload)
        if kind == wire.NOTE:
            return response
        if response["errno"]:
            raise OSError(response["errno"], response["error"])
        if response["disagree"]:
            raise EnginesDisagree(response["error"])
        raise EngineFailed(f"the second process of the commit failed: {response['error']}")

    def _receive(self) -> tuple[bytes, bytes]:
        self._awaited -= 1
        try:
            return self._channel.receive(_WITHOUT_LIMIT)
        except ConnectionLost:
            self._end_alike()

    def _end_alike(self) -> NoReturn:
        # Several requests may be without a response, but a process can be waited for only once.
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        if self._status < 0:
            os.kill(os.getpid(), -self._status)
        raise EngineFailed(f"the second process of the commit ended with status {self._status}; nothing was changed")


def _serve(connection: socket.socket, respond: Respond, parent: int, share: int, kept: Iterable[int]) -> NoReturn:
    """Responds to requests until the first process ends, and exits."""
    try:
        # Others see the end of a connection only when no process has it open.
        _close_others({connection.fileno(), *kept})
        bind_fork(parent)
        sandbox.limit_memory(share)
        channel = Channel(connection, _WITHOUT_LIMIT)  # the first process may validate for long before it reads
        while True:
            _, request = channel.receive(_WITHOUT_LIMIT)
            channel.send(_response(respond, Path(request.decode())))
    except ConnectionLost:
        pass
    finally:
        # Not sys.exit: the cleanup that a fork inherited is the parent's.
        os._exit(0)


def _close_others(kept: set[int]) -> None:
    """Closes all files but these and the standard ones."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - only the names
        if int(name) > _STANDARD_ERROR and int(name) not in kept:
            with suppress(OSError):  # the folder itself
                os.close(int(name))


def _response(respond: Respond, request: Path) -> bytes:
    try:
        return wire.frame_of(wire.NOTE, respond(request))
    except MemoryError:
        os.kill(os.getpid(), signal.SIGABRT)  # as Rust does if an allocation fails
        raise
    except Exception as error:
        log.exception("the second process of a commit failed")
        values = {"errno": getattr(error, "errno", None), "disagree": isinstance(error, EnginesDisagree)}
        return wire.frame_of(wire.FAIL, {"error": str(error), **values})
