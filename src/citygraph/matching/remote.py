"""The one door to other reconciliation services (Reconciliation API 0.1 and 0.2): forms out, candidates back."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from citygraph import __version__
from citygraph.errors import Upstream, UsageError
from citygraph.matching.decisions import Asked, Proposal

WIKIDATA = "http://www.wikidata.org/entity/"
_BATCH = 10  # what a service that names no size takes at once
_WAITS = (1.0, 4.0, 15.0, 60.0)  # seconds before each further try
_LONGEST_WAIT = 300.0
_WORTH_RETRYING = {429, 500, 502, 503, 504}
_SECONDS = 60
_MOST = 16 * 1024 * 1024  # bytes of an answer


class Refused(Exception):
    """A request that failed; `wait` is what the service asks for, in seconds, `final` that asking again is no use."""

    def __init__(self, message: str, wait: float = 0.0, final: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.final = final


# Sends a form to an address, or asks it without one; answers the body. Raises Refused.
Send = Callable[[str, bytes | None], bytes]


@dataclass(frozen=True)
class Terms:
    """How a service wants to be asked: for which type, by which property for countries."""

    type: str = ""
    country_property: str = ""
    limit: int = 5


class Service:
    """A reconciliation service; `sleep` is what waits between tries."""

    def __init__(self, url: str, send: Send, sleep: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._send = send
        self._sleep = sleep
        manifest = self._ask(None)
        if not isinstance(manifest.get("name"), str) or not manifest.get("identifierSpace"):
            raise Upstream(f"{url} is no reconciliation service: its manifest has no name or identifierSpace")
        self.name: str = manifest["name"]
        self._is_wikidata = str(manifest["identifierSpace"]).startswith(WIKIDATA)
        size = manifest.get("batchSize")
        self.batch_size = size if isinstance(size, int) and size > 0 else _BATCH

    def proposals(self, asked: Sequence[Asked], terms: Terms) -> list[list[Proposal]]:
        """The candidates for each name. Raises Upstream if the service does not answer, however patiently asked."""
        found: list[list[Proposal]] = []
        for start in range(0, len(asked), self.batch_size):
            found += self._batch(asked[start : start + self.batch_size], terms)
        return found

    def _batch(self, asked: Sequence[Asked], terms: Terms) -> list[list[Proposal]]:
        queries = {f"q{place}": self._query(one, terms) for place, one in enumerate(asked)}
        answer = self._ask(urlencode({"queries": json.dumps(queries, ensure_ascii=False)}).encode())
        try:
            return [[_proposal(one) for one in answer[id_]["result"]] for id_ in queries]
        except (KeyError, TypeError, ValueError) as error:
            raise Upstream(f"{self._url} gave an answer that is no batch of results: {error!r}") from error

    def _query(self, asked: Asked, terms: Terms) -> dict[str, Any]:
        query: dict[str, Any] = {"query": asked.name, "limit": terms.limit}
        if terms.type:
            query["type"] = terms.type
        if asked.country:
            pid = terms.country_property or ("P17" if self._is_wikidata else "country")
            query["properties"] = [{"pid": pid, "v": asked.country}]
        return query

    def _ask(self, form: bytes | None) -> dict[str, Any]:
        for wait in (*_WAITS, None):
            try:
                value = json.loads(self._send(self._url, form))
            except Refused as refused:
                if wait is None or refused.final or refused.wait > _LONGEST_WAIT:
                    raise Upstream(f"{self._url}: {refused}") from refused
                self._sleep(max(wait, refused.wait))
            except ValueError as error:
                raise Upstream(f"{self._url} answers something that is not JSON") from error
            else:
                if isinstance(value, dict):
                    return value
                raise Upstream(f"{self._url} answers something that is no JSON object")
        raise AssertionError("the last try ends the loop")


def over_http(contact: str) -> Send:
    """A `send` over the network; `contact` is an address by which the service reaches whoever runs this."""
    agent = f"citygraph/{__version__} ({contact or 'no contact given'})"

    def send(url: str, form: bytes | None) -> bytes:
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"{url} is no address of the web")
        headers = {"User-Agent": agent, "Accept": "application/json"}
        request = urllib.request.Request(url, form, headers)  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
                body: bytes = response.read(_MOST)
                return body
        except urllib.error.HTTPError as error:
            after = error.headers.get("Retry-After", "").strip()
            with error:
                wait = float(after) if after.isdecimal() else 0.0
                raise Refused(f"HTTP {error.code} {error.reason}", wait, error.code not in _WORTH_RETRYING) from error
        except (HTTPException, OSError) as error:
            raise Refused(f"does not answer: {error}") from error

    return send


def _proposal(value: dict[str, Any]) -> Proposal:
    features = [f"{one['id']} {one['value']}" for one in value.get("features") or ()]
    score = float(value.get("score") or 0.0)
    return Proposal(str(value["id"]), str(value["name"]), score, value.get("match") is True, ", ".join(features))
