"""Reading of a site for the tools, at the addresses of one release: a later one cannot mix with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import Any
from urllib.parse import parse_qsl, urlencode

from citygraph.client.result_table import ResultTable, read_result
from citygraph.client.typed_values import IRI
from citygraph.client.web_exchange import RESULTS, Transport, WebRequest
from citygraph.mcp.answers import Value
from citygraph.mcp.term_check import GraphTerms

_KEPT = 64


@dataclass(frozen=True)
class Origin:
    """The origin of a result: the release, the address in that release, and the citation of this address."""

    release: str
    source: str
    citation: str


class ReleaseReader:
    """A reader of one release of a site."""

    def __init__(self, transport: Transport, release: str) -> None:
        self._transport = transport
        self.release = release
        self._citation = lru_cache(_KEPT)(self._read_citation)
        self._terms: GraphTerms | None = None

    @property
    def terms(self) -> GraphTerms:
        """The classes and properties of the release."""
        if self._terms is None:
            self._terms = GraphTerms.of(self.json("sparql/vocabulary"))
        return self._terms

    def json(self, path: str, **parameters: str) -> Any:
        """Returns the JSON at a path. Raises GraphError."""
        given = {name: value for name, value in parameters.items() if value}
        return json.loads(self._transport.send(WebRequest(self._path(path), given)).body)

    def stored(self, name: str, parameters: Mapping[str, str]) -> ResultTable:
        """Returns the result of a stored query. Raises GraphError."""
        request = WebRequest(self._path(f"queries/{name}"), dict(parameters), accept=RESULTS)
        return read_result(self._transport.send(request))

    def query(self, text: str) -> ResultTable:
        """Returns the result of a query. Raises GraphError."""
        response = self._transport.send(WebRequest(self._path("sparql"), query=text, accept=RESULTS))
        return read_result(response, text)

    def origin(self, path: str, parameters: Mapping[str, str] | None = None, cited: bool = True) -> Origin:
        """Returns the origin of the result at a path; without a citation of its own, it has that of the dataset."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        citation = self._citation(f"cite/{path}{query}" if cited else "cite")
        return Origin(self.release, f"{self._transport.root}/{self._path(path)}{query}", citation)

    def _read_citation(self, address: str) -> str:
        path, _, query = address.partition("?")
        request = WebRequest(self._path(path), dict(parse_qsl(query)), accept="text/plain")
        return self._transport.send(request).body.decode().strip()

    def _path(self, path: str) -> str:
        return f"releases/{self.release}/{path}"


class SiteReader:
    """A reader of a site, which gives the reader of its current release. Several threads may use it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._readers = lru_cache(2)(lambda release: ReleaseReader(transport, release))

    def current(self) -> ReleaseReader:
        """Returns the reader of the current release. Raises GraphError."""
        releases = json.loads(self._transport.send(WebRequest("releases.json")).body)
        return self._readers(str(releases["current"]))


def as_value(value: object, terms: GraphTerms) -> Value:
    """Returns a value of a result as JSON has it; an IRI is shortened, and a date has the precision of its source."""
    if isinstance(value, IRI):
        return terms.shortened(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return None if isnan(value) else value
    return str(value)
