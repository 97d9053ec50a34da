"""The service manager that started the server (systemd): messages to it, sd_notify(3), and the sockets from it."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


# The number of the first socket that a service manager passes: sd_listen_fds(3).
_FIRST_SOCKET = 3


def passed_listeners(environment: Mapping[str, str] = os.environ) -> list[socket.socket]:
    """Returns the listeners that the service manager has for this process; a restart of the process keeps them.

    Connections wait on them while the server is restarted, instead of being refused.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return []
    numbers = range(_FIRST_SOCKET, _FIRST_SOCKET + int(environment.get("LISTEN_FDS", "0")))
    # Copies, because the manager's descriptors are requested again.
    return [socket.socket(fileno=os.dup(number)) for number in numbers]


class ServiceManager:
    """The service manager named by the environment. Without one, all methods do nothing."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # A leading @ means Linux's abstract namespace.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._has_watchdog = "WATCHDOG_USEC" in environment

    def ready(self) -> None:
        """Reports that the site is complete."""
        self._send("READY=1\nSTATUS=serving")

    def alive(self) -> None:
        """Reports that the server works, if the manager restarts those that do not."""
        if self._has_watchdog:
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        """Reports that the server has begun to end."""
        self._send("STOPPING=1\nSTATUS=stopping")

    def _send(self, state: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                # A manager that does not read must not block the server.
                sender.setblocking(False)
                sender.sendto(state.encode(), self._address)
        except OSError as error:
            log.warning("the service manager does not get %r: %s", state.partition("\n")[0], error)
