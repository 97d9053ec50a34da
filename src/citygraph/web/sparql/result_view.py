"""A query's result as a table on a page: the first rows, the duration, and the release."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, parse

from citygraph.errors import TooLarge
from citygraph.rdf.formats import Kind
from citygraph.rdf.terms import XSD
from citygraph.web.http.messages import Reply
from citygraph.web.sparql.completions import shortened
from citygraph.web.view.page_request import PageRequest

Link = Callable[[str], str]  # from an IRI to its address, or ""
# Rows of a result on a page; all of them are in the files.
MOST = 500
# A larger result is for programs, which get it completely.
_LARGEST = 16 * 1024 * 1024
_DURATION = re.compile(r"dur=([0-9.]+)")
_TRIPLE = ("subject", "predicate", "object")


@dataclass(frozen=True)
class ResultCell:
    """A term in a table: its text, link, language and tooltip, and whether it is a number.

    `iri` is that of an entity; `lexical` and `datatype` (without the namespace of XSD) are those of a literal.
    """

    text: str
    href: str = ""
    language: str = ""
    title: str = ""
    is_number: bool = False
    iri: str = ""
    lexical: str = ""
    datatype: str = ""


@dataclass(frozen=True)
class ResultView:
    """A result to show: the value of an ASK query, or columns and the first of `count` rows."""

    release: str
    milliseconds: float | None
    count: int
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[ResultCell | None, ...], ...] = ()
    truth: bool | None = None
    compared_dates: str = ""
    kind: Kind = Kind.SOLUTIONS


def read_answer(response: Reply, reader: PageRequest, gone: Collection[str]) -> ResultView:
    """Returns the endpoint's reply as a table, without links to the entities `gone`.

    Raises TooLarge if it is too large for a page.
    """

    return replace(_read(response, link_to(reader, gone)), compared_dates=response.header("X-Citygraph-Compared-Dates"))


def link_to(reader: PageRequest, gone: Collection[str]) -> Link:
    """Returns the function that finds the addresses of IRIs; the entities `gone` have none."""

    def link(iri: str) -> str:
        return "" if iri in gone or not iri.startswith(("https://", "http://")) else reader.addresses.local(iri)

    return link


def _read(response: Reply, link: Link) -> ResultView:
    body = response.body
    try:
        size = len(body) if isinstance(body, bytes) else int(response.header("Content-Length") or "0")
        if size > _LARGEST:
            raise TooLarge(f"the result has {size} bytes: too many for a page; take it as a file", _LARGEST)
        data = response.whole_body()
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    timing = _DURATION.search(response.header("Server-Timing"))
    release, milliseconds = response.header("X-Citygraph-Release"), float(timing[1]) if timing else None
    if response.header("Content-Type").startswith("application/n-triples"):
        return _of_graph(data, release, milliseconds, link)
    answer: dict[str, Any] = json.loads(data)
    if "boolean" in answer:
        return ResultView(release, milliseconds, 1, truth=bool(answer["boolean"]), kind=Kind.BOOLEAN)
    columns = tuple(answer["head"]["vars"])
    bindings = answer["results"]["bindings"]
    rows = tuple(tuple(result_cell(row.get(name), link) for name in columns) for row in bindings[:MOST])
    return ResultView(release, milliseconds, len(bindings), columns, rows)


def _of_graph(data: bytes, release: str, milliseconds: float | None, link: Link) -> ResultView:
    triples = parse(data, RdfFormat.N_TRIPLES)
    rows = tuple(
        tuple(_cell(term, link) for term in (triple.subject, triple.predicate, triple.object))
        for triple in islice(triples, MOST)
    )
    return ResultView(release, milliseconds, len(rows) + sum(1 for _ in triples), _TRIPLE, rows, kind=Kind.GRAPH)


def result_cell(term: Mapping[str, Any] | None, link: Link) -> ResultCell | None:
    """Returns the cell of a term of SPARQL Query Results JSON."""
    if term is None:
        return None
    if term["type"] == "uri":
        return _iri(term["value"], link)
    if term["type"] == "literal":
        return _literal(term["value"], term.get("xml:lang", ""), term.get("datatype", ""))
    return ResultCell(f"_:{term['value']}") if term["type"] == "bnode" else ResultCell(json.dumps(term["value"]))


def _cell(term: object, link: Link) -> ResultCell:
    if isinstance(term, NamedNode):
        return _iri(term.value, link)
    if isinstance(term, Literal):
        return _literal(term.value, term.language or "", term.datatype.value)
    return ResultCell(str(term) if isinstance(term, BlankNode) else repr(term))


def _iri(iri: str, link: Link) -> ResultCell:
    return ResultCell(shortened(iri).strip("<>"), link(iri), title=iri, iri=iri)


def _literal(text: str, language: str, datatype: str) -> ResultCell:
    name = datatype.removeprefix(XSD)
    is_number = name in ("integer", "decimal", "double", "float")
    plain = not datatype or name in ("string", "date") or is_number or bool(language)
    title = "" if plain else shortened(datatype).strip("<>")
    return ResultCell(text, "", language, title, is_number, lexical=text, datatype=name)
