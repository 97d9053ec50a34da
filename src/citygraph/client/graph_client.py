"""The graph of a site, as a program sees it: queries, stored queries, entities, search and reconciliation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from math import isnan
from typing import Any
from urllib.parse import urlsplit

from citygraph.client.graph_entity import STATEMENTS, GraphEntity, read_entity
from citygraph.client.graph_errors import IncompleteResult, NotInGraph
from citygraph.client.query_terms import iri_text, with_terms
from citygraph.client.result_table import ResultTable, read_result, table_of
from citygraph.client.retries import RetryPolicy
from citygraph.client.typed_values import IRI
from citygraph.client.web_exchange import (
    RESERVED_PARAMETERS,
    RESULTS,
    HttpTransport,
    TransferState,
    Transport,
    WebRequest,
    WebResponse,
    user_agent,
)

# A person waits for the result, unlike for a pull from Wikidata.
INTERACTIVE = RetryPolicy(attempts=5, first_wait=0.5, longest_wait=30.0, longest_retry_after=120.0)
_FOUND = ("iri", "label", "name", "kind", "country", "similar")
_MATCHED = ("name", "iri", "label", "score", "match")
# The name of a stored query; any other text is a query.
_STORED = re.compile(r"[a-z0-9]+(?:[-/][a-z0-9]+)*")
_BATCH = 50
_MISSING = frozenset({"NAType", "NaTType"})  # the classes of pandas.NA and pandas.NaT


@dataclass(frozen=True)
class ResultCitation:
    """The citation of a stored result: a sentence, an entry for BibTeX, and the address of the result at this site."""

    id: str
    url: str
    text: str
    bibtex: str

    def __str__(self) -> str:
        return self.text


class Graph:
    """The graph of a citygraph site.

    `url` is the address of the site, or of one of its releases (…/releases/ID), whose results never change. `timeout`
    is the limit of a request in seconds, which the server observes as well. `language` is that of labels. `progress`
    is called with a TransferState for each part of a response and before each wait. `contact` is an address of yours
    for the operator of the site.

    Every method returns a whole result or raises a GraphError.
    """

    def __init__(
        self,
        url: str,
        *,
        release: str = "",
        timeout: float | None = None,
        language: str = "en",
        retries: RetryPolicy = INTERACTIVE,
        progress: Callable[[TransferState], object] | None = None,
        contact: str = "",
        transport: Transport | None = None,
    ) -> None:
        root = url.rstrip("/").removesuffix("/sparql") + (f"/releases/{release}" if release else "")
        if transport is None:
            if urlsplit(root).scheme not in ("http", "https"):
                raise ValueError(f"{url!r} is not an address of the web, such as https://example.org")
            transport = HttpTransport(root, user_agent(contact), retries, progress or (lambda _: None))
        if timeout is not None and timeout <= 0:
            raise ValueError("timeout must be a positive number of seconds")
        self.url = root
        self.timeout = timeout
        self.language = language
        self._transport = transport

    def __repr__(self) -> str:
        return f"<Graph {self.url}>"

    def query(self, text: str, /, **terms: Any) -> ResultTable:
        """Returns the result of a SPARQL query, in whose text `$name` is replaced by the term of that name.

        A term is a str, int, float, Decimal, bool, date, datetime, PartialDate, IRI or entity. Raises GraphError;
        ValueError for a missing term, TypeError for a value that is not a term.
        """
        text = with_terms(text, terms)
        request = WebRequest("sparql", self._limit, query=text, accept=RESULTS, seconds=self.timeout)
        return read_result(self._transport.send(request), text)

    def run(self, name: str, /, **parameters: Any) -> ResultTable:
        """Returns the result of a stored query; /queries lists them with their parameters. Raises GraphError."""
        if reserved := RESERVED_PARAMETERS & parameters.keys():
            raise ValueError(f"{', '.join(sorted(reserved))} is not a parameter of a stored query")
        own = {**self._limit, "lang": self.language}
        values = {key: _parameter(value) for key, value in parameters.items() if value is not None}
        return read_result(self._get(f"queries/{name}", values | own, RESULTS), name)

    def entity(self, id_: Any, /) -> GraphEntity:
        """Returns an entity by IRI, "city:izmir" or "city/izmir". Raises NotInGraph with the reason of the site."""
        iri = self.iri(id_)
        table = self.query(STATEMENTS, entity=iri, language=self.language)
        if table:
            return read_entity(iri, table.rows, table.release, table.url)
        # The site knows what became of it: another entity after a merger, or a withdrawal.
        successor = self._dereferenced(iri)
        if successor == iri:
            raise NotInGraph(f"there is no statement about <{iri}>")
        return self.entity(successor)

    def search(self, text: str, /, kind: str = "") -> ResultTable:
        """Returns the entities with a name like the text, the best first; `kind` is city, person, agreement, …

        The column `similar` is true if no name has these words, and the rows are names with a similar spelling.
        """
        found = _json(self._get("search.json", {"q": text, "type": kind, "lang": self.language}))
        groups = ((found.get("results") or (), False), (found.get("suggestions") or (), True))
        rows = [
            (IRI(one["iri"]), one["label"], one.get("name"), one["type"], one.get("country"), similar)
            for group, similar in groups
            for one in group
        ]
        return table_of(_FOUND, rows, url=self.url)

    def reconcile(self, names: Iterable[Any], /, kind: str = "", country: Iterable[Any] | None = None) -> ResultTable:
        """Returns the best entity for each name, in the order of the names, with its score from 0 to 100.

        `match` is true if it is certain: rows without it need a decision. `country` has a country for each name. A
        pandas.Series keeps its index. Raises ValueError for a kind that no entity has.
        """
        if isinstance(names, str):
            raise ValueError(f"names is one text: write [{names!r}], a list, or a column of a frame")
        cells = [_text(name) for name in names]
        countries = [""] * len(cells) if country is None else [_text(one) for one in country]
        if len(countries) != len(cells):
            raise ValueError(f"there are {len(cells)} names and {len(countries)} countries")
        pairs = list(zip(cells, countries, strict=True))
        wanted = [pair for pair in dict.fromkeys(pairs) if pair[0]]
        best: dict[tuple[str, str], tuple[Any, ...]] = {}
        size = self._batch_size if wanted else _BATCH
        for start in range(0, len(wanted), size):
            best |= self._matched(wanted[start : start + size], kind)
        if kind and wanted and not best:
            self._require_kind(kind)
        rows = [(name or None, *best.get((name, place), (None, None, None, False))) for name, place in pairs]
        table = table_of(_MATCHED, rows, url=self.url)
        return replace(table, index=getattr(names, "index", None)) if hasattr(names, "iloc") else table

    def cite(self, query: str, /, release: str = "", **values: Any) -> ResultCitation:
        """Stores the result of a stored query, or of a query text with terms, and returns its citation.

        `release` names the release of the result, as `result.release` does; by default it is the current one. The same
        result always has the same address. Raises GraphError, also if the site stores no results for this client.
        """
        if _STORED.fullmatch(query):
            given = {f"${name}": _parameter(value) for name, value in values.items() if value is not None}
            form = {"name": query, "lang": self.language, **given}
        else:
            form = {"query": with_terms(query, values), "lang": self.language}
        form |= {"release": release} if release else {}
        id_ = str(_json(self._transport.send(WebRequest("results", form=form, seconds=self.timeout)))["id"])
        address = f"cite/results/{id_}"
        text, bibtex = (
            self._get(address, {"format": form_, "lang": self.language}, accept="*/*").body.decode().strip()
            for form_ in ("text", "bibtex")
        )
        return ResultCitation(id_, f"{self.url.partition('/releases/')[0]}/results/{id_}", text, bibtex)

    def iri(self, id_: Any, /) -> IRI:
        """Returns the IRI of "city:izmir" or "city/izmir", with the prefixes of the site; an IRI is unchanged.

        Raises ValueError for any other text.
        """
        id_ = getattr(id_, "iri", id_)
        if isinstance(id_, IRI) or "://" in id_:
            return IRI(iri_text(id_)[1:-1])
        prefix, _, name = id_.replace("/", ":", 1).partition(":")
        if not name or prefix not in self.prefixes:
            raise ValueError(f"{id_!r} is neither an IRI nor a name such as city:izmir")
        return IRI(iri_text(self.prefixes[prefix] + name)[1:-1])

    @cached_property
    def prefixes(self) -> Mapping[str, str]:
        """The prefixes that queries may use without a declaration."""
        prefixes: Mapping[str, str] = _json(self._get("sparql/vocabulary"))["prefixes"]
        return prefixes

    @property
    def _limit(self) -> dict[str, str]:
        return {} if self.timeout is None else {"timeout": f"{self.timeout:f}".rstrip("0").rstrip(".")}

    @cached_property
    def _batch_size(self) -> int:
        size = _json(self._get("reconcile")).get("batchSize")
        return size if isinstance(size, int) and size > 0 else _BATCH

    def _require_kind(self, kind: str) -> None:
        if not _json(self._get("reconcile/suggest/type", {"prefix": kind.rpartition("#")[2]})).get("result"):
            usual = ", ".join(one["id"] for one in _json(self._get("reconcile")).get("defaultTypes", ()))
            raise ValueError(f"no entity has the kind {kind!r}; there are {usual} and narrower ones")

    def _get(
        self, path: str, parameters: Mapping[str, str] | None = None, accept: str = "application/json"
    ) -> WebResponse:
        values = {name: value for name, value in (parameters or {}).items() if value}
        return self._transport.send(WebRequest(path, values, accept=accept, seconds=self.timeout))

    def _matched(self, pairs: list[tuple[str, str]], kind: str) -> dict[tuple[str, str], tuple[Any, ...]]:
        queries: dict[str, dict[str, Any]] = {}
        for place, (name, country) in enumerate(pairs):
            query = {"query": name, "limit": 1, **({"type": kind} if kind else {})}
            queries[f"q{place}"] = query | ({"properties": [{"pid": "country", "v": country}]} if country else {})
        form = {"queries": json.dumps(queries, ensure_ascii=False)}
        language = {"lang": self.language}
        batch = _json(self._transport.send(WebRequest("reconcile", language, form=form, seconds=self.timeout)))
        if missing := queries.keys() - batch.keys():
            raise IncompleteResult(f"the response lacks {len(missing)} of {len(queries)} names")
        results = ((pair, batch[key].get("result") or ()) for pair, key in zip(pairs, queries, strict=True))
        return {
            pair: (self.iri(one[0]["id"]), one[0]["name"], float(one[0]["score"]), bool(one[0]["match"]))
            for pair, one in results
            if one
        }

    def _dereferenced(self, iri: IRI) -> IRI:
        """Returns the IRI of the entity that a document describes. Raises NotInGraph with the server's reason."""
        base = self.prefixes["city"].removesuffix("id/city/")
        if not iri.startswith(base):
            raise NotInGraph(f"<{iri}> is not an IRI of this graph, whose own begin with {base}")
        local = iri.removeprefix(base)
        path = f"doc/{local.removeprefix('id/')}" if local.startswith("id/") else local
        response = self._get(path, accept="application/ld+json")
        place = urlsplit(response.url).path.rpartition("/doc/")[2].removesuffix(".jsonld")
        return IRI(f"{base}id/{place}") if "/doc/" in response.url else iri


def _parameter(value: Any) -> str:
    """Returns a value as a stored query reads it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(getattr(value, "iri", value))


def _text(value: Any) -> str:
    """Returns a cell as a name; "" for one without, which pandas has as None or NaN."""
    is_missing = value is None or type(value).__name__ in _MISSING or (isinstance(value, float) and isnan(value))
    return "" if is_missing else " ".join(str(value).split())


def _json(response: WebResponse) -> Any:
    try:
        value = json.loads(response.body)
    except ValueError as error:
        raise IncompleteResult(f"{response.url} is not whole JSON: {error}", response.status) from error
    if not isinstance(value, dict):
        raise IncompleteResult(f"{response.url} is not a JSON object", response.status)
    return value
