"""The loop of a process that answers questions on a socket, minds its children and ends with its parent."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from citygraph.sparql import wire
from citygraph.sparql.wire import Channel, ConnectionLost

Answer = Callable[[dict[str, Any]], dict[str, Any]]

# Questioners are our own processes and ask at once; one that is stopped must not hold up the watch for long.
_QUESTION_TIMEOUT = 0.1
_BACKLOG = 256


class Control:
    """Waits for questions, for children that end, and for the end of whoever holds the other end of our stdin."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._selector = selectors.DefaultSelector()
        self._parent = os.getppid()
        self._stopping = False
        self._awake, self._wake = socket.socketpair()
        for end in (self._awake, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        # Ctrl-C goes to all processes of a terminal; our parent hears it and closes our stdin when it is ready.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._selector.register(listener, selectors.EVENT_READ)
        self._selector.register(self._awake, selectors.EVENT_READ)
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)

    def serve(self, timeout: float, answer: Answer) -> bool:
        """Wait up to `timeout` seconds for something to happen and answer questions; False when it is time to stop."""
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._listener:
                self._take_question(answer)
            elif key.fileobj is self._awake:
                self._awake.recv(1024)
            elif not os.read(sys.stdin.fileno(), 1024):
                return False
        return not self._stopping and os.getppid() == self._parent

    def abandon(self) -> None:
        """Let go of everything, in a forked child that is to do something else."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._selector.close()
        for open_socket in (self._listener, self._awake, self._wake):
            open_socket.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _take_question(self, answer: Answer) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        channel = Channel(connection)
        try:
            _, payload = channel.receive(_QUESTION_TIMEOUT)
            channel.send(wire.frame_of(wire.NOTE, answer(json.loads(payload))))
        except (TimeoutError, ConnectionLost):
            pass
        finally:
            channel.close()


def listen(path: Path) -> socket.socket:
    """A listening socket that only our user can connect to; a socket that a dead process left there is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(_BACKLOG)
    return listener


def announce(word: str) -> None:
    """Tell our parent something on stdout, once: from then on stdout is stderr, for us and our children."""
    os.write(sys.stdout.fileno(), f"{word}\n".encode())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
