"""Inspection of a store: literals that it changes, results that it truncates, deviations from the engines.

Each deviation is found by loading test data and querying them. A store is inspected when a release is loaded, with
literals of that release, and by `citygraph doctor --store`.
"""

from __future__ import annotations

import io
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files

from pyoxigraph import (
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    QueryResultsFormat,
    QuerySolutions,
    RdfFormat,
    Store,
    Triple,
    parse,
    parse_query_results,
    serialize,
)

from citygraph.errors import LimitReached, UsageError
from citygraph.rdf.nquads import named_graphs
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.stores.literal_classes import TEXT, Term, canonical, class_of, literal_class
from citygraph.stores.release_names import PUBLIC_NAME, ReleaseNames
from citygraph.stores.store_service import QueryRefused, StoreService
from citygraph.stores.translation import NotTranslated, translate

_SECONDS = 60.0
# The rows of three patterns with so many matches are 2^21: Virtuoso cuts results at 2^20.
_MATCHES = 128
_VALUE = "urn:x-citygraph:value"
_LONG_TEXT = "İzmir'in kardeş şehirleri. " * 2400
_PREFIXES = "PREFIX ex: <urn:x-citygraph:probe#> PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>\n"
_HEAD = re.compile(r"#\+ (title|constructs): (.*)")
_ZONED = re.compile("with a zone$")
Row = tuple[Term | None, ...]


@dataclass(frozen=True)
class Deviation:
    """A deviation of a store from SPARQL or from the loaded data, and its consequence."""

    title: str
    evidence: str
    remedy: str


@dataclass(frozen=True)
class Inspection:
    """The result of an inspection: `classes` of changed literals, and the other fields of LoadedRelease."""

    product: str
    deviations: tuple[Deviation, ...]
    classes: tuple[str, ...] = ()
    row_limit: int = 0
    constructs: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Probe:
    """A query that shows a deviation, and the parts of SPARQL that it concerns."""

    title: str
    constructs: tuple[str, ...]
    text: str


def inspect(
    service: StoreService, samples: Mapping[str, Sequence[Literal]] | None = None, matches: int = _MATCHES
) -> Inspection:
    """Inspects a store, which must accept updates. The test data are removed afterwards.

    `samples` are further literals by their classes. Truncation is tested up to the cube of `matches` in rows.

    Raises UsageError if the store changes ordinary text, StoreUnavailable, QueryRefused.
    """
    names = ReleaseNames(secrets.token_hex(12))
    product = service.product
    try:
        return _Inspector(service, names, product).result(samples or {}, matches)
    finally:
        with suppress(Exception):
            _clean(service, names)


def canary_quads(graph: str, samples: Mapping[str, Sequence[Literal]], left_out: Iterable[str]) -> Iterator[Quad]:
    """Yields the test literals and samples of a release, for a graph of the store, without those of some classes."""
    excluded = set(left_out)
    for number, literal in enumerate(_test_literals(samples)):
        if literal_class(literal) not in excluded:
            yield Quad(NamedNode(f"{_VALUE}:{number}"), NamedNode(_VALUE), literal, NamedNode(graph))


def changed_literals(service: StoreService, graph: str, loaded: Mapping[str, Literal]) -> dict[str, str]:
    """Returns the classes of literals that are not in a graph as they were loaded, each with an example.

    `loaded` has them by their subjects.
    """
    changed: dict[str, str] = {}
    result = _rows(service, f"SELECT ?s ?o {{ GRAPH <{graph}> {{ ?s <{_VALUE}> ?o }} }}")
    values = {str(getattr(row[0], "value", "")): row[1] for row in result}
    for subject, literal in loaded.items():
        value = values.get(subject)
        if not isinstance(value, Literal) or canonical([value]) != canonical([literal]):
            changed.setdefault(literal_class(literal), f"{_short(literal)} is read as {_short(value)}")
    return changed


def require_text(changed: Mapping[str, str]) -> None:
    """Raises UsageError if ordinary text is among the classes of literals that a store changes."""
    if TEXT in changed:
        raise UsageError(f"the store changes ordinary text, so that it cannot be used: {changed[TEXT]}")


def probes() -> Iterator[Probe]:
    """Yields the probes of probes.rq."""
    for block in _packaged("probes.rq").split("\n\n")[1:]:
        lines = block.splitlines()
        head = {match[1]: match[2] for line in lines if (match := _HEAD.match(line))}
        text = "\n".join(line for line in lines if not line.startswith("#+"))
        yield Probe(head["title"], tuple(head.get("constructs", "").split()), _PREFIXES + text)


class _Inspector:
    def __init__(self, service: StoreService, names: ReleaseNames, product: str) -> None:
        self._service = service
        self._names = names
        self._product = product
        self._deviations: list[Deviation] = []

    def result(self, samples: Mapping[str, Sequence[Literal]], matches: int) -> Inspection:
        """Returns all that was found."""
        classes = self._changed_classes(samples)
        row_limit = self._row_limit(matches)
        constructs = self._failed_constructs(classes)
        self._ask_form()
        return Inspection(self._product, tuple(self._deviations), classes, row_limit, constructs)

    def _changed_classes(self, samples: Mapping[str, Sequence[Literal]]) -> tuple[str, ...]:
        """Loads literals one at a time, because a store may refuse one, and reads them back."""
        changed: dict[str, str] = {}
        literals = _test_literals(samples)
        loaded: dict[str, Literal] = {}
        for number, literal in enumerate(literals):
            name = literal_class(literal)
            if self._product.startswith("Virtuoso") and _ZONED.search(name):
                # Some have left its index in a state in which it takes no more insertions: they are not tried.
                changed[name] = "not tried: Virtuoso's index has been damaged by them"
                continue
            subject = f"{_VALUE}:{number}"
            try:
                self._service.add(self._names.canary, _lines([Triple(NamedNode(subject), _node(_VALUE), literal)]))
                loaded[subject] = literal
            except QueryRefused as error:
                changed.setdefault(name, _cut(f"{_short(literal)} is refused: {error}"))
        changed = {**changed_literals(self._service, self._names.canary, loaded), **changed}
        require_text(changed)
        remedy = "such statements are not loaded; queries that read their predicates are answered from the release"
        self._deviations += [Deviation(f"literals: {name}", changed[name], remedy) for name in sorted(changed)]
        return tuple(sorted(changed))

    def _row_limit(self, matches: int) -> int:
        number = NamedNode(f"{_VALUE}:number")
        quads = [Triple(NamedNode(f"urn:n{i}"), number, Literal(i)) for i in range(matches)]
        self._service.add(self._names.canary, _lines(quads))
        pattern = " ".join(f"?{name} {number} ?{name}{name} ." for name in "abc")
        expected = matches**3
        text = f"SELECT ?a {{ GRAPH <{self._names.canary}> {{ {pattern} }} }}"
        try:
            with self._service.select(text, _SECONDS, "text/csv") as result:
                rows, last = -1, b""
                while piece := result.read(1 << 20):
                    rows += piece.count(b"\n")
                    last = piece
            rows += not last.endswith(b"\n")
        except QueryRefused as error:
            # The store reports this itself; its truncated results are then refused.
            self._deviate("results are cut", str(error), "such results are answered from the release")
            return 0
        except LimitReached:
            return 0
        if rows == expected:
            return 0
        remedy = f"a result of {rows:,} rows and more is answered from the release"
        self._deviate("results are cut silently", f"{rows:,} of {expected:,} rows", remedy)
        return rows

    def _failed_constructs(self, classes: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        store = Store()
        merged: list[Quad] = []
        for quad in parse(_packaged("probes.trig"), format=RdfFormat.TRIG):
            # Statements with literals that the store changes are not loaded, of a release neither.
            if class_of(quad) not in classes:
                store.add(quad)
                merged.append(Quad(quad.subject, quad.predicate, quad.object))
        store.extend(merged)
        _load_probes(self._service, self._names, store)
        failed = []
        for probe in probes():
            if evidence := self._difference(store, probe):
                failed.append(probe.constructs)
                remedy = f"queries with {' and '.join(probe.constructs) or 'anything'} are answered from the release"
                self._deviate(probe.title, evidence, remedy)
        return tuple(dict.fromkeys(failed))

    def _difference(self, store: Store, probe: Probe) -> str:
        """Returns the deviation of the store's result for a probe; "" if there is none."""
        query = Query(probe.text)
        answer = evaluate(store, query).answer
        assert isinstance(answer, QuerySolutions)  # noqa: S101
        expected = [_canonical_row(row) for row in answer]
        try:
            rows = [_canonical_row(row) for row in self._rows(translate(query, self._names).text)]
        except (QueryRefused, LimitReached) as error:
            return f"fails: {error}"
        except NotTranslated:
            return ""
        is_same = rows == expected if "ORDER" in probe.constructs else Counter(rows) == Counter(expected)
        if is_same:
            return ""
        wrong = [row for row in rows if row not in expected][:1] or rows[:1]
        missing = [row for row in expected if row not in rows][:1]
        return _cut(f"{len(rows)} rows instead of {len(expected)}; {_text(wrong)} instead of {_text(missing)}")

    def _ask_form(self) -> None:
        try:
            with self._service.select("ASK {}", _SECONDS) as result:
                body = result.read()
        except QueryRefused as error:
            body = str(error).encode()
        if b'"boolean"' not in body:
            evidence = _cut(body.decode("utf-8", "replace").strip())
            self._deviate("ASK is answered as a table", evidence, "ASK is sent as SELECT")
        text = "SELECT * { ?s ?p ?o } LIMIT 1"
        if self._rows(text):
            self._deviate(
                "the default graph of the service has the statements of named graphs",
                "SELECT * { ?s ?p ?o } finds them",
                "the merged default graph of a release is a graph of its own, which each query names",
            )

    def _rows(self, text: str) -> list[Row]:
        return _rows(self._service, text)

    def _deviate(self, title: str, evidence: str, remedy: str) -> None:
        self._deviations.append(Deviation(title, evidence, remedy))


def _canary() -> list[Literal]:
    quads = parse(_packaged("canary.ttl"), format=RdfFormat.TURTLE)
    literals = [quad.object for quad in quads if isinstance(quad.object, Literal)]
    return [*literals, Literal(_LONG_TEXT)]


def _test_literals(samples: Mapping[str, Sequence[Literal]]) -> list[Literal]:
    return [*_canary(), *(literal for group in samples.values() for literal in group)]


def _rows(service: StoreService, text: str) -> list[Row]:
    with service.select(text, _SECONDS) as result:
        try:
            solutions = parse_query_results(result.read(), QueryResultsFormat.JSON)
            assert isinstance(solutions, QuerySolutions)  # noqa: S101
            return [tuple(solution) for solution in solutions]
        except (SyntaxError, ValueError, AssertionError) as error:
            raise QueryRefused(f"the result cannot be read: {error}") from None


def _load_probes(service: StoreService, names: ReleaseNames, store: Store) -> None:
    graphs = named_graphs(store)
    public = NamedNode(PUBLIC_NAME)
    service.add(names.graph_list, _lines(Triple(NamedNode(names.graph(g.value)), public, g) for g in graphs))
    sources: list[tuple[str, NamedNode | DefaultGraph]] = [(names.graph(graph.value), graph) for graph in graphs]
    for name, source in ((names.default_graph, DefaultGraph()), *sources):
        quads = store.quads_for_pattern(None, None, None, source)
        service.add(name, _lines(Triple(quad.subject, quad.predicate, quad.object) for quad in quads))


def _clean(service: StoreService, names: ReleaseNames) -> None:
    graphs = [names.graph(f"urn:x-citygraph:probe#{name}") for name in ("first", "second")]
    for graph in (*graphs, names.default_graph, names.graph_list, names.canary):
        service.update(f"DROP SILENT GRAPH <{graph}>")


def _canonical_row(row: Iterable[Term | None]) -> Row:
    return tuple(canonical([term])[0] if isinstance(term, Literal) else term for term in row)


def _lines(triples: Iterable[Triple]) -> bytes:
    out = io.BytesIO()
    serialize(triples, out, RdfFormat.N_TRIPLES)
    return out.getvalue()


def _node(iri: str) -> NamedNode:
    return NamedNode(iri)


def _packaged(name: str) -> str:
    return files("citygraph.stores").joinpath(name).read_text("utf-8")


def _text(rows: Sequence[Row]) -> str:
    return " ".join(str(term) for term in rows[0]) if rows else "none"


def _short(term: Term | None) -> str:
    if isinstance(term, Literal) and len(term.value) > 100:
        return f"a text of {len(term.value):,} characters that ends with {term.value[-20:]!r}"
    return str(term)


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
