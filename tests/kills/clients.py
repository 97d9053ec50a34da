"""Clients that behave well: they repeat a refused or cut request once, and count the requests that failed."""

from __future__ import annotations

import http.client
import threading
import time
from abc import ABC, abstractmethod
from urllib.parse import quote

from tests.running import PATIENCE

_ADDRESSES = ("/doc/city/izmir.ttl", "/doc/city/bremen.html", "/doc/agreement/izmir-bremen.jsonld", "/search?q=izmir")
# The pause before a request is repeated that nobody was there to take: a whole server takes as long to start.
_REFUSED = 3.0


class Client(ABC, threading.Thread):
    """A client with a connection of its own, which it keeps open."""

    def __init__(self, port: int, resting: threading.Event, pause: float) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._resting = resting
        self._pause = pause
        self._connection: http.client.HTTPConnection | None = None
        self.requests = 0
        self.repeated = 0
        self.failures: list[tuple[float, str]] = []

    @abstractmethod
    def next_request(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        """Returns method, address, body and headers of the next request."""

    def run(self) -> None:
        """Sends one request after the other."""
        while not self._resting.wait(self._pause):
            self.requests += 1
            request = self.next_request()
            failure = self._send(*request)
            if failure.startswith("cut") or failure.startswith("refused"):
                self.repeated += 1
                time.sleep(_REFUSED if failure.startswith("refused") else 0)
                failure = self._send(*request)
            if failure:
                self.failures.append((time.monotonic(), f"{request[0]} {request[1][:40]}: {failure}"))
        if self._connection is not None:
            self._connection.close()

    def failures_since(self, moment: float) -> list[str]:
        """Returns the requests that failed since a moment."""
        return [text for at, text in self.failures if at >= moment]

    def _send(self, method: str, address: str, body: bytes | None, headers: dict[str, str]) -> str:
        """Sends a request. Returns "" or how it failed."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2 * PATIENCE)
                self._connection.connect()
        except OSError as error:
            self._connection = None
            return f"refused ({error!r})"
        try:
            self._connection.request(method, address, body, headers)
            response = self._connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = None
            return f"cut ({error!r})"
        return "" if response.status < 400 else f"{response.status} {text[:200]!r}"


class Documents(Client):
    """A reader of documents and pages."""

    def __init__(self, port: int, resting: threading.Event) -> None:
        super().__init__(port, resting, 0.02)

    def next_request(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        return "GET", _ADDRESSES[self.requests % len(_ADDRESSES)], None, {}


class Queries(Client):
    """A program that asks what no cache can answer, and only an engine may evaluate; each query takes a moment."""

    def __init__(self, port: int, resting: threading.Event, number: int) -> None:
        super().__init__(port, resting, 0.02)
        self._number = number

    def next_request(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        text = f"# {self._number}.{self.requests}.{time.monotonic()}\nSELECT (COUNT(*) AS ?n) {{ ?a ?p ?b . ?b ?q ?c }}"
        return "GET", "/sparql?query=" + quote(text), None, {"Accept": "text/csv"}


class Commits(Client):
    """A program that adds one node after the other. To repeat an addition does no harm."""

    def __init__(self, port: int, resting: threading.Event, number: int, token: str) -> None:
        super().__init__(port, resting, 1.0)
        self._number = number
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sparql-update"}

    def next_request(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        node = f"<urn:x-load:{self._number}-{self.requests}>"
        text = (
            f"INSERT DATA {{ GRAPH graph:load {{ {node} a <urn:x-load:Number> ; <urn:x-load:is> {self.requests} }} }}"
        )
        return "POST", "/update", text.encode(), self._headers


def is_ready(port: int) -> bool:
    """Whether the site says that no part of it is missing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
