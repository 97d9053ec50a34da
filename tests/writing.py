"""A running server to write to, for the tests that need one."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.running import PATIENCE, Reply, free_port, wait_until_listening

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Writable:
    """The server, and a token for it."""

    port: int
    pid: int
    token: str
    folder: Path

    def ask(self, method: str, path: str, body: bytes | str = b"", source: str = "", **headers: str) -> Reply:
        """One request with the token, from another address of loopback if `source` names one.

        Header names are written with underscores, `Authorization=""` leaves it out.
        """
        sent = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE, source_address=(source, 0) if source else None
        )
        try:
            data = body.encode() if isinstance(body, str) else body
            connection.request(method, path, data, {name: value for name, value in sent.items() if value})
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def update(self, text: str, query: str = "", **headers: str) -> Reply:
        """Send an update."""
        return self.ask("POST", f"/update{query}", text, **{"Content_Type": "application/sparql-update", **headers})


@contextmanager
def writable(folder: Path, **settings: str) -> Iterator[Writable]:
    """An open server over an empty dataset."""
    port = free_port()
    own = {"queue_wait": str(PATIENCE), **settings}
    environment = {f"CITYGRAPH_{name.upper()}": value for name, value in own.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.writing_server", str(port), str(folder)],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "src"), "CITYGRAPH_OPEN_WRITES": "1", **environment},
    )
    try:
        wait_until_listening(port, process)
        yield Writable(port, process.pid, (folder / "token").read_text(), folder)
    finally:
        process.terminate()
        process.wait(PATIENCE)
