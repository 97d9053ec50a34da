"""The rows of a result as typed terms: in a stable order, with a digest, and compared with those of another day.

docs/citing.md defines the order and the digest, so that any program can compute them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import groupby
from typing import Any

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    QueryResultsFormat,
    RdfFormat,
    Triple,
    parse,
    parse_query_results,
)

from citygraph.errors import NotAcceptable
from citygraph.rdf.formats import Format, Kind, Need, of_kind
from citygraph.rdf.terms import XSD
from citygraph.sparql.evaluate import write_answer
from citygraph.sparql.normal_form import quoted

# A term as SPARQL Query Results JSON has it; None for an unbound variable.
Term = Mapping[str, Any] | None
Cells = tuple[str, ...]
_Row = tuple[Cells, tuple[Term, ...]]

_TRIPLE = ("subject", "predicate", "object")
_KINDS = {Kind.SOLUTIONS: "SELECT", Kind.BOOLEAN: "ASK", Kind.GRAPH: "GRAPH"}


@dataclass(frozen=True)
class ResultRows:
    """A whole result: of a SELECT query its rows, of a graph its triples, of an ASK query one row with true or false.

    `cells` are the terms of each row as text, `terms` the same as JSON.
    """

    kind: Kind
    columns: tuple[str, ...]
    terms: tuple[tuple[Term, ...], ...]
    cells: tuple[Cells, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the result, which does not depend on the order of the rows."""
        lines = [_KINDS[self.kind], "\t".join(f"?{column}" for column in self.columns)]
        lines += sorted("\t".join(row) for row in self.cells)
        return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()

    def sorted_within(self, columns: Sequence[str]) -> ResultRows:
        """Returns the rows in the stable order of a query whose ORDER BY names these columns.

        The rows keep their order; neighbours that do not differ in these columns are put in order of their terms.
        """
        keys = [self.columns.index(column) for column in columns if column in self.columns]
        order: list[int] = []
        for _, run in groupby(range(len(self.cells)), lambda row: [self.cells[row][key] for key in keys]):
            order += sorted(run, key=lambda row: self.cells[row])
        return replace(self, terms=tuple(self.terms[i] for i in order), cells=tuple(self.cells[i] for i in order))

    def first(self, number: int) -> ResultRows:
        """Returns the first rows."""
        return replace(self, terms=self.terms[:number], cells=self.cells[:number])

    def as_json(self) -> bytes:
        """Returns the rows as SPARQL Query Results JSON, a graph as N-Triples."""
        if self.kind is Kind.GRAPH:
            return "".join(f"{' '.join(map(_n_triples, row))} .\n" for row in self.terms).encode()
        if self.kind is Kind.BOOLEAN:
            return json.dumps({"head": {}, "boolean": self.cells == (("true",),)}).encode()
        bindings = [
            {name: term for name, term in zip(self.columns, row, strict=True) if term is not None} for row in self.terms
        ]
        answer = {"head": {"vars": list(self.columns)}, "results": {"bindings": bindings}}
        return json.dumps(answer, ensure_ascii=False).encode()

    def written(self, format_: Format, about: tuple[tuple[str, str], ...] = ()) -> bytes:
        """Returns the rows in a format for their kind of result, described by `about` where it has a place for this.

        Raises NotAcceptable if these rows cannot be written in it.
        """
        out = BytesIO()
        if self.kind is Kind.GRAPH:
            quads = parse(self.as_json(), RdfFormat.N_TRIPLES)
            write_answer((Triple(quad.subject, quad.predicate, quad.object) for quad in quads), format_, out)
        else:
            write_answer(parse_query_results(self.as_json(), QueryResultsFormat.JSON), format_, out, about)
        return out.getvalue()

    def formats(self) -> list[Format]:
        """Returns the formats in which these rows can be written."""
        able: dict[Need | None, bool] = {None: True}
        for format_ in of_kind(self.kind):
            # One format shows whether the rows have coordinates or ties, which all formats of maps or networks need.
            if format_.needs not in able:
                able[format_.needs] = self._can_be(format_)
        return [format_ for format_ in of_kind(self.kind) if able[format_.needs]]

    def _can_be(self, format_: Format) -> bool:
        try:
            self.written(format_)
        except NotAcceptable:
            return False
        return True


def read_rows(body: bytes, kind: Kind) -> ResultRows:
    """Reads a result: SPARQL Query Results JSON, or N-Triples for a graph."""
    if kind is Kind.GRAPH:
        triples = list(parse(body, RdfFormat.N_TRIPLES))
        terms = tuple(tuple(_as_json(t) for t in (one.subject, one.predicate, one.object)) for one in triples)
        return ResultRows(kind, _TRIPLE, terms, tuple(tuple(map(term_text, row)) for row in terms))
    answer = json.loads(body)
    if "boolean" in answer:
        truth = "true" if answer["boolean"] else "false"
        return ResultRows(
            Kind.BOOLEAN, (), (({"type": "literal", "value": truth, "datatype": XSD("boolean").value},),), ((truth,),)
        )
    columns = tuple(answer["head"]["vars"])
    rows = tuple(tuple(binding.get(name) for name in columns) for binding in answer["results"]["bindings"])
    return ResultRows(Kind.SOLUTIONS, columns, rows, tuple(tuple(map(term_text, row)) for row in rows))


def term_text(term: Term) -> str:
    """Returns a term as in canonical N-Triples; empty if unbound. Blank nodes are alike: their labels are chance."""
    if term is None:
        return ""
    if term["type"] == "uri":
        return f"<{term['value']}>"
    if term["type"] == "bnode":
        return "_:"
    if term["type"] == "triple":
        return _triple_text(term, term_text)
    text = quoted(term["value"])
    if language := term.get("xml:lang"):
        direction = term.get("its:dir")
        return f"{text}@{language}--{direction}" if direction else f"{text}@{language}"
    datatype = term.get("datatype", XSD("string").value)
    return text if datatype == XSD("string").value else f"{text}^^<{datatype}>"


@dataclass(frozen=True)
class ChangedRow:
    """A row that both results have under one key, with other values."""

    before: tuple[Term, ...]
    after: tuple[Term, ...]

    @property
    def differing(self) -> tuple[int, ...]:
        """The places of the columns whose values differ."""
        pairs = enumerate(zip(self.before, self.after, strict=True))
        return tuple(place for place, (old, new) in pairs if term_text(old) != term_text(new))


@dataclass(frozen=True)
class RowChanges:
    """How a result differs from an earlier one; `key` are the columns by which the rows were matched."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    added: tuple[tuple[Term, ...], ...]
    removed: tuple[tuple[Term, ...], ...]
    changed: tuple[ChangedRow, ...]
    unchanged: int

    @property
    def is_same(self) -> bool:
        """Whether both results have the same rows."""
        return not (self.added or self.removed or self.changed)

    def members(self) -> dict[str, Any]:
        """Returns the changes as members of a JSON object, with each row as a binding of SPARQL Query Results JSON."""
        return {
            "same": self.is_same,
            "key": list(self.key),
            "unchanged": self.unchanged,
            "added": [self._binding(row) for row in self.added],
            "removed": [self._binding(row) for row in self.removed],
            "changed": [
                {"before": self._binding(row.before), "after": self._binding(row.after)} for row in self.changed
            ],
        }

    def _binding(self, row: tuple[Term, ...]) -> dict[str, Any]:
        return {name: term for name, term in zip(self.columns or ("value",), row, strict=True) if term is not None}


def compare(before: ResultRows, after: ResultRows) -> RowChanges:
    """Returns how the rows of a result changed.

    Rows are matched by the columns of `_key`. Without them, a row with another value is one removed and one added.
    """
    old, new = _paired(before), _paired(after)
    rest_old, rest_new = _without(old, after.cells), _without(new, before.cells)
    places = _key(before, after)
    removed, changed = [], []
    by_key = {_part(cells, places): terms for cells, terms in rest_new} if places else {}
    for cells, terms in rest_old:
        match = by_key.pop(_part(cells, places), None)
        if match is None:
            removed.append(terms)
        else:
            changed.append(ChangedRow(terms, match))
    added = [terms for cells, terms in rest_new if not places or _part(cells, places) in by_key]
    key = tuple(before.columns[place] for place in places) or before.columns
    return RowChanges(
        before.columns, key, tuple(added), tuple(removed), tuple(changed), len(before.cells) - len(rest_old)
    )


def _paired(rows: ResultRows) -> list[_Row]:
    return list(zip(rows.cells, rows.terms, strict=True))


def _without(rows: Iterable[_Row], others: Iterable[Cells]) -> list[_Row]:
    """Returns the rows that the others lack; a row that occurs twice must occur twice there."""
    left = Counter(others)
    rest = []
    for cells, terms in rows:
        if left[cells]:
            left[cells] -= 1
        else:
            rest.append((cells, terms))
    return rest


def _key(before: ResultRows, after: ResultRows) -> tuple[int, ...]:
    """Returns the indexes of the fewest columns that identify a row in both results; empty unless some can be left out.

    They are the first columns of IRIs, as few as possible, because a row's subject remains when a value is corrected;
    else the first columns of any kind.
    """
    if before.kind is not Kind.SOLUTIONS or before.columns != after.columns:
        return ()
    every = range(len(before.columns))
    rows = (*before.cells, *after.cells)
    for places in ([place for place in every if all(_is_iri(row[place]) for row in rows)], list(every)):
        for width in range(1, min(len(places) + 1, len(before.columns))):
            key = tuple(places[:width])
            if all(len({_part(row, key) for row in one.cells}) == len(one.cells) for one in (before, after)):
                return key
    return ()


def _is_iri(cell: str) -> bool:
    return cell.startswith("<") and not cell.startswith("<<")


def _part(cells: Cells, places: tuple[int, ...]) -> Cells:
    return tuple(cells[place] for place in places)


def _n_triples(term: Term) -> str:
    """Returns a term as in N-Triples, with the labels of blank nodes."""
    if term is not None and term["type"] == "triple":
        return _triple_text(term, _n_triples)
    return f"_:{term['value']}" if term is not None and term["type"] == "bnode" else term_text(term)


def _triple_text(term: Mapping[str, Any], as_text: Callable[[Term], str]) -> str:
    return f"<<( {' '.join(as_text(term['value'][part]) for part in _TRIPLE)} )>>"


def _as_json(term: Any) -> Term:
    if isinstance(term, NamedNode):
        return {"type": "uri", "value": term.value}
    if isinstance(term, BlankNode):
        return {"type": "bnode", "value": term.value}
    if isinstance(term, Literal):
        if term.language:
            direction = {"its:dir": term.direction.value} if term.direction else {}
            return {"type": "literal", "value": term.value, "xml:lang": term.language, **direction}
        return {"type": "literal", "value": term.value, "datatype": term.datatype.value}
    parts = (term.subject, term.predicate, term.object)
    return {"type": "triple", "value": {name: _as_json(part) for name, part in zip(_TRIPLE, parts, strict=True)}}
