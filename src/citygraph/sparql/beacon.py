"""How `citygraph running` finds the servers of a folder of releases: each keeps a file there that names its socket.

The file is no key: only the user that runs the server can connect to the socket.
"""

from __future__ import annotations

import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from citygraph.errors import NotFound
from citygraph.settings import Settings
from citygraph.sparql import wire
from citygraph.sparql.wire import ConnectionLost

log = logging.getLogger(__name__)


@contextmanager
def shown(settings: Settings) -> Iterator[None]:
    """Keep the file of this server while the block runs; a folder that cannot be written goes without it."""
    # Machines may share a folder of releases, and a socket is known to one of them.
    path = settings.releases / f".serving-{platform.node()}-{os.getpid()}"
    try:
        living(settings)
        path.write_text(settings.engine_socket, encoding="utf-8")
    except OSError as error:
        log.warning("`citygraph running` will not find this server: %s", error)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()


def servers(settings: Settings) -> list[Settings]:
    """The settings with the engine socket of each server that runs here on these releases. Raises NotFound if none."""
    found = living(settings)
    if not found:
        raise NotFound(f"no server of {settings.releases} runs here")
    return found


def living(settings: Settings) -> list[Settings]:
    """The same, and none is no error; the files of servers that were killed are removed."""
    found = []
    for path in sorted(settings.releases.glob(f".serving-{platform.node()}-*")):
        server = settings.with_changes(engine_socket=path.read_text(encoding="utf-8"))
        if _answers(server.engine_socket):
            found.append(server)
        else:
            # What a server that was killed left behind.
            with suppress(OSError):
                Path(path).unlink()
    return found


def _answers(engine_socket: str) -> bool:
    try:
        wire.consult(engine_socket, {"list": True})
    except (OSError, ConnectionLost):
        return False
    return True
