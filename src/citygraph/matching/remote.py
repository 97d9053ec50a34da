"""The client of other reconciliation services (Reconciliation API 0.1 and 0.2)."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from citygraph import __version__
from citygraph.client.retries import seconds_of
from citygraph.errors import Upstream, UsageError
from citygraph.matching.decisions import NameQuery, Proposal

WIKIDATA = "http://www.wikidata.org/entity/"
_BATCH = 10  # queries of a batch, if the manifest has no batchSize
_WAITS = (1.0, 4.0, 15.0, 60.0)  # seconds before each further try
_LONGEST_WAIT = 300.0
# Overload, and failures of the service or its proxy. For other statuses a repeated request has the same result.
_RETRYABLE = {429, 500, 502, 503, 504}
_TIMEOUT = 60  # seconds
_MAX_BYTES = 16 * 1024 * 1024  # of a response


class RequestRefused(Exception):
    """A failed request; `wait` is the requested pause in seconds; `final` means that retrying is useless."""

    def __init__(self, message: str, wait: float = 0.0, final: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.final = final


# Posts a form to an address, or gets it (None); returns the body. Raises RequestRefused.
Send = Callable[[str, bytes | None], bytes]


@dataclass(frozen=True)
class QueryOptions:
    """The options of queries to a service: the type, and the property for countries."""

    type: str = ""
    country_property: str = ""
    limit: int = 5


class ReconciliationService:
    """A reconciliation service; `sleep` waits between attempts, and `notice` receives a sentence before each wait."""

    def __init__(
        self,
        url: str,
        send: Send,
        sleep: Callable[[float], None] = time.sleep,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._url = url
        self._send = send
        self._sleep = sleep
        self._notice = notice
        manifest = self._ask(None)
        if not isinstance(manifest.get("name"), str) or not manifest.get("identifierSpace"):
            raise Upstream(f"{url} is not a reconciliation service: its manifest has no name or identifierSpace")
        self.name: str = manifest["name"]
        self._is_wikidata = str(manifest["identifierSpace"]).startswith(WIKIDATA)
        size = manifest.get("batchSize")
        self.batch_size = size if isinstance(size, int) and size > 0 else _BATCH

    def proposals(self, names: Sequence[NameQuery], options: QueryOptions) -> list[list[Proposal]]:
        """Returns the candidates for each name. Raises Upstream if the service fails after all retries."""
        result: list[list[Proposal]] = []
        for start in range(0, len(names), self.batch_size):
            result += self._batch(names[start : start + self.batch_size], options)
        return result

    def _batch(self, names: Sequence[NameQuery], options: QueryOptions) -> list[list[Proposal]]:
        queries = {f"q{place}": self._query(one, options) for place, one in enumerate(names)}
        answer = self._ask(urlencode({"queries": json.dumps(queries, ensure_ascii=False)}).encode())
        try:
            return [[_proposal(one) for one in answer[id_]["result"]] for id_ in queries]
        except (KeyError, TypeError, ValueError) as error:
            raise Upstream(f"{self._url} returned something that is not a batch of results: {error!r}") from error

    def _query(self, name: NameQuery, options: QueryOptions) -> dict[str, Any]:
        query: dict[str, Any] = {"query": name.name, "limit": options.limit}
        if options.type:
            query["type"] = options.type
        if name.country:
            # The property ids of Wikidata's own service are those of Wikidata; "country" is that of citygraph.
            pid = options.country_property or ("P17" if self._is_wikidata else "country")
            query["properties"] = [{"pid": pid, "v": name.country}]
        return query

    def _ask(self, form: bytes | None) -> dict[str, Any]:
        # None marks the last attempt, after which there is no wait.
        for attempt, wait in enumerate((*_WAITS, None), 2):
            try:
                value = json.loads(self._send(self._url, form))
            except RequestRefused as refused:
                if wait is None or refused.final or refused.wait > _LONGEST_WAIT:
                    raise Upstream(f"{self._url}: {refused}") from refused
                pause = max(wait, refused.wait)
                self._notice(f"{self._url}: {refused}; attempt {attempt} of {len(_WAITS) + 1} in {pause:.0f} s")
                self._sleep(pause)
            except ValueError as error:
                raise Upstream(f"{self._url} returned something that is not JSON") from error
            else:
                if isinstance(value, dict):
                    return value
                raise Upstream(f"{self._url} returned something that is not a JSON object")
        raise AssertionError("the last try ends the loop")


def over_http(contact: str) -> Send:
    """Returns a `send` over the network; `contact` is an address at which the service reaches the operator."""
    agent = f"citygraph/{__version__} ({contact or 'no contact given'})"

    def send(url: str, form: bytes | None) -> bytes:
        if urlsplit(url).scheme not in ("http", "https"):
            raise UsageError(f"{url} is not a web address")
        headers = {"User-Agent": agent, "Accept": "application/json"}
        request = urllib.request.Request(url, form, headers)  # noqa: S310 - checked above
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT) as response:  # noqa: S310
                body: bytes = response.read(_MAX_BYTES)
                return body
        except urllib.error.HTTPError as error:
            with error:
                wait = seconds_of(error.headers.get("Retry-After", ""), datetime.now(UTC))
                raise RequestRefused(f"HTTP {error.code} {error.reason}", wait, error.code not in _RETRYABLE) from error
        except (HTTPException, OSError) as error:
            raise RequestRefused(f"does not answer: {error}") from error

    return send


def _proposal(value: dict[str, Any]) -> Proposal:
    features = [f"{one['id']} {one['value']}" for one in value.get("features") or ()]
    score = float(value.get("score") or 0.0)
    return Proposal(str(value["id"]), str(value["name"]), score, value.get("match") is True, ", ".join(features))
