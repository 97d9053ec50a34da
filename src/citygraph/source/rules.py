"""The CONSTRUCT rules: read from files, and run in order on a store."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QueryTriples, RdfFormat, Store, parse

from citygraph.errors import BadData, QuerySyntaxError
from citygraph.rdf.nquads import batched
from citygraph.rdf.terms import CG, DCTERMS, DERIVED_GRAPH, ONTOLOGY_GRAPH, SHAPES_GRAPH, SOURCE
from citygraph.release.changes import Quads
from citygraph.source.reading import read_packaged_text
from citygraph.sparql.evaluate import evaluate_trusted

# In a rule: a year before the newest day on which a source was issued or read; "" if no source is dated.
_YEAR_BEFORE = "A_YEAR_BEFORE_THE_NEWEST_SOURCE"
DATES = (CG("readOn"), DCTERMS("issued"))
_YEAR = re.compile(r"\d{4}")
# Graphs whose statements are not data of a source.
_NOT_DATA = (DefaultGraph(), DERIVED_GRAPH, ONTOLOGY_GRAPH, SHAPES_GRAPH)


@dataclass(frozen=True)
class Rule:
    """A CONSTRUCT query over the default graph, and the name of its file."""

    name: str
    text: str


def read_rules(paths: Iterable[Path]) -> list[Rule]:
    """Reads rules from files."""
    return [Rule(f"rules/{path.name}", read_packaged_text(path)) for path in paths]


def year_before_newest_source(store: Quads) -> str:
    """Returns the day that is a year before the newest one on which a source was issued or read, or ""."""
    quads = (quad for date in DATES for quad in store.quads_for_pattern(None, date, None, DefaultGraph()))
    sources = (quad for quad in quads if isinstance(quad.subject, NamedNode) and quad.subject.value.startswith(SOURCE))
    days = (quad.object.value[:10] for quad in sources if isinstance(quad.object, Literal))
    newest = max((day for day in days if _YEAR.match(day)), default="")
    return f"{int(newest[:4]) - 1:04}{newest[4:]}" if newest else ""


def derive(rules: Iterable[Rule], store: Store, year_before: str | None = None) -> set[Quad]:
    """Runs the rules as `derive_by_rule`; returns all new triples as quads of the derived graph."""
    return {quad for new in derive_by_rule(rules, store, year_before) for quad in new}


def derive_by_rule(rules: Iterable[Rule], store: Store, year_before: str | None = None) -> Iterator[list[Quad]]:
    """Runs the rules in order, and adds the triples that each derives to the default graph, where later rules see them.

    Yields the new triples of each rule as quads of the derived graph. `year_before` is the day a year before the newest
    source, if the store does not have all sources. Raises BadData for a rule that is not a CONSTRUCT query.
    """
    day = year_before_newest_source(store) if year_before is None else year_before
    for rule in rules:
        new = [quad for part in _new_in_parts(rule, store, day) for _, quad in part]
        store.extend(new)
        yield [Quad(quad.subject, quad.predicate, quad.object, DERIVED_GRAPH) for quad in new]


def derive_in_parts(rule: Rule, store: Store, year_before: str) -> Iterator[list[str]]:
    """Runs one rule as `derive_by_rule`, and adds its new triples to the derived graph too.

    Yields them as lines of N-Triples in parts, so that few are in memory. The engine reads these lines again in half of
    the time that it takes for quads made in Python.
    """
    for part in _new_in_parts(rule, store, year_before):
        for graph in (DefaultGraph(), DERIVED_GRAPH):
            add_triples(part, store, graph)
        yield [line for line, _ in part]


def add_triples(part: list[tuple[str, Quad]], store: Store, graph: NamedNode | DefaultGraph) -> None:
    """Adds triples, given both as lines and as quads, to a graph of a store."""
    text = "".join(line for line, _ in part)
    if "_:" in text:
        # `load` would give blank nodes other labels.
        store.extend(Quad(quad.subject, quad.predicate, quad.object, graph) for _, quad in part)
    else:
        store.load(text, RdfFormat.N_TRIPLES, lenient=True, to_graph=graph)


def _new_in_parts(rule: Rule, store: Store, year_before: str) -> Iterator[list[tuple[str, Quad]]]:
    """Yields those triples of a rule's result that the default graph lacks, as lines and as quads of this graph."""
    text = construct(rule, store, year_before).serialize(format=RdfFormat.N_TRIPLES) or b""
    # The engine reads triples from text in half of the time in which Python makes quads of those of a result.
    lines = TextIOWrapper(BytesIO(text), encoding="utf-8", newline="\n")
    yield from new_in_parts(lines, parse(text, RdfFormat.N_TRIPLES, lenient=True), store)


def construct(rule: Rule, store: Store, year_before: str) -> QueryTriples:
    """Begins to evaluate a rule. Raises BadData if it is not a CONSTRUCT query."""
    try:
        result = evaluate_trusted(store, rule.text.replace(_YEAR_BEFORE, year_before))
    except QuerySyntaxError as error:
        raise BadData(str(error), rule.name, error.line) from None
    if not isinstance(result, QueryTriples):
        raise BadData("a rule must be a CONSTRUCT query", rule.name)
    return result


def new_in_parts(lines: Iterable[str], quads: Iterable[Quad], store: Store) -> Iterator[list[tuple[str, Quad]]]:
    """Yields those triples, given both as lines and as quads of the default graph, that this graph lacks."""
    for part in batched(zip(lines, quads, strict=True)):
        # A triple that a source states is not repeated in the derived graph.
        yield [(line, quad) for line, quad in part if quad not in store]


def derive_from_scratch(rules: Iterable[Rule], store: Store) -> set[Quad]:
    """Returns the quads that the rules derive from all data graphs; the store does not change."""
    scratch = Store()
    graphs = [graph for graph in store.named_graphs() if isinstance(graph, NamedNode) and graph not in _NOT_DATA]
    for graph in graphs:
        quads = store.quads_for_pattern(None, None, None, graph)
        scratch.bulk_extend(Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    scratch.bulk_extend(store.quads_for_pattern(None, None, None, ONTOLOGY_GRAPH))
    return derive(rules, scratch)
