"""pySHACL and rdflib, adapted: deviations from the specifications are corrected, and repeated work is avoided.

Imported only by processes that validate: rdflib's parsers take long to import, and the libraries are changed for the
whole process.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pyshacl
import rdflib
from pyoxigraph import Literal as Term
from pyoxigraph import NamedNode, RdfFormat, parse
from pyshacl.constraints import CONSTRAINT_PARAMETERS_MAP
from pyshacl.constraints.constraint_component import ConstraintComponent
from pyshacl.constraints.core.string_based_constraints import PatternConstraintComponent
from pyshacl.constraints.core.value_constraints import DatatypeConstraintComponent
from pyshacl.constraints.core.value_range_constraints import (
    MaxInclusiveConstraintComponent,
    MinInclusiveConstraintComponent,
)
from rdflib import BNode, Graph, Literal, URIRef, plugin
from rdflib.parser import Parser
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.sparql.sparql import Query
from rdflib.query import Processor
from rdflib.util import from_n3

from citygraph.build.statements import from_engines
from citygraph.rdf.terms import CG, RDF, RDFS, SH, XSD
from citygraph.report import Finding, Report, ValidationResult, as_turtle, finding_of
from citygraph.text import best_tag


def explain(data: Path, shapes: Graph, failing: set[tuple[str, str]] | None) -> Report:
    """Returns the W3C validation report of pySHACL on a file of N-Triples: on these nodes and shapes, or on all."""
    adapt()
    graph = _read(data)
    aimed = shapes if failing is None else _aimed_at(shapes, failing)
    _, results, _ = pyshacl.validate(graph, shacl_graph=aimed, inplace=True)
    _as_in_data(results)
    _with_languages(results, shapes)
    # A shape with several constraints may reject a value several times, always in the same words.
    unique = {(r.focus_node, r.shape, r.path, r.value): r for r in _results(results, graph, shapes)}
    # rdflib's Turtle would write an ill-formed decimal such as 4.19e1 without its datatype, as a double.
    triples = parse(results.serialize(format="nt"), RdfFormat.N_TRIPLES)
    return Report(tuple(unique.values()), as_turtle(triples))


def _read(data: Path) -> Graph:
    """Reads a file of N-Triples: the RDF library does it several times faster than rdflib's own parser."""
    graph = Graph()
    _add(parse(path=data, format=RdfFormat.N_TRIPLES, lenient=True), graph)
    return graph


def _add(triples: Iterable[Any], graph: Graph) -> None:
    iris = _Iris()
    for triple in triples:
        # Past Graph.add, which checks each term again.
        graph.store.add((iris[triple.subject], iris[triple.predicate], iris[triple.object]), graph)


class _Iris(dict[Any, Any]):
    """The terms of rdflib, by term of the RDF library; each IRI is made once."""

    def __missing__(self, term: Any) -> Any:
        if isinstance(term, Term):
            # Without a datatype, as rdflib reads it.
            datatype = None if term.language or term.datatype.value == XSD("string").value else self[term.datatype]
            return Literal(term.value, lang=term.language, datatype=datatype, normalize=False)
        self[term] = own = URIRef(term.value) if isinstance(term, NamedNode) else BNode(term.value)
        return own


def findings_in(results: Graph) -> Iterator[Finding]:
    """Yields the findings of a W3C report."""
    _as_in_data(results)
    for node in results.objects(None, URIRef(SH("result").value)):
        names = ("focusNode", "sourceShape", "resultPath", "value")
        focus, shape, path, value = (results.value(node, URIRef(SH(name).value)) for name in names)
        yield finding_of(_name(focus), _name(shape), _name(path), _ntriples(value))


def adapt() -> None:
    """Replaces the deviating parts of pySHACL and rdflib in this process.

    To be called before each reading, because pySHACL ends a part of it after each validation.
    """
    # rdflib would drop the time zone of a date, which a pattern rejects.
    rdflib.NORMALIZE_LITERALS = False
    # It reports each date that Python cannot represent, such as one before the year 1.
    logging.getLogger("rdflib.term").setLevel(logging.ERROR)
    for component in (DatatypeByIri, LeastNumber, GreatestNumber, WholeTextPattern):
        CONSTRAINT_PARAMETERS_MAP.update(dict.fromkeys(component.constraint_parameters(), component))
    plugin.register("sparql", Processor, __name__, Prepared.__name__)
    plugin.register("nt", Parser, __name__, NTriples.__name__)


class NTriples(Parser):
    """A parser of N-Triples: that of the RDF library, with which a report of shifty is read."""

    def parse(self, source: Any, sink: Graph, **_options: Any) -> None:
        """Adds the triples to a graph."""
        _add(parse(source.getByteStream().read(), RdfFormat.N_TRIPLES, lenient=True), sink)


class _ByValue(ConstraintComponent):
    """A constraint on each single value."""

    def holds_for(self, value: Any) -> bool:
        """Returns whether a value satisfies the constraint."""
        raise NotImplementedError

    def evaluate(
        self,
        executor: Any,  # noqa: ARG002 - as above it
        target_graph: Any,
        focus_value_nodes: dict[Any, Any],
        _evaluation_path: list[Any],
    ) -> tuple[bool, list[Any]]:
        """Returns whether the constraint holds for all values, and a result for each for which it does not."""
        reports = [
            self.make_v_result(target_graph, focus, value_node=value)
            for focus, values in focus_value_nodes.items()
            for value in values
            if not self.holds_for(value)
        ]
        return not reports, reports


class DatatypeByIri(_ByValue, DatatypeConstraintComponent):
    """sh:datatype by the datatype's IRI alone: lexical forms are checked before, by `rdf/lexical.py`.

    pySHACL's own check is Python's conversion, which rejects dates before the year 1 and accepts NaN as a decimal.
    """

    def holds_for(self, value: Any) -> bool:
        """Returns whether a value is a literal of the datatype."""
        return isinstance(value, Literal) and _datatype(value) == str(self.datatype_rule)


class LeastNumber(_ByValue, MinInclusiveConstraintComponent):
    """sh:minInclusive of numbers, which no other value satisfies; pySHACL orders values of any datatypes."""

    def holds_for(self, value: Any) -> bool:
        """Returns whether a value is a number and not below the bounds."""
        return all(_is_ordered(bound, value) for bound in self.min_vals)


class GreatestNumber(_ByValue, MaxInclusiveConstraintComponent):
    """sh:maxInclusive of numbers, which no other value satisfies; pySHACL orders values of any datatypes."""

    def holds_for(self, value: Any) -> bool:
        """Returns whether a value is a number and not above the bounds."""
        return all(_is_ordered(value, bound) for bound in self.max_vals)


class WholeTextPattern(PatternConstraintComponent):
    """sh:pattern in which $ matches only at the end of the text, as in XPath.

    In Python it matches before a final newline too.
    """

    def __init__(self, shape: Any) -> None:
        super().__init__(shape)
        for pattern, compiled in self.compiled_cache.items():
            if compiled.pattern.endswith("$") and not compiled.pattern.endswith("\\$"):
                self.compiled_cache[pattern] = re.compile(rf"{compiled.pattern[:-1]}\Z", compiled.flags)


class Prepared(SPARQLProcessor):
    """A SPARQL processor that caches parsed queries.

    pySHACL evaluates a shape's query again for each focus node, and rdflib takes longer to parse than to evaluate it.
    """

    def query(  # type: ignore[override]  # as above it, where rdflib leaves Processor's own signature too
        self,
        strOrQuery: str | Query,  # noqa: N803 - rdflib calls it so
        initBindings: Mapping[str, Any] | None = None,  # noqa: N803
        initNs: Mapping[str, Any] | None = None,  # noqa: N803
        base: str | None = None,
        DEBUG: bool = False,  # noqa: N803
    ) -> Mapping[str, Any]:
        """Evaluates a query, and parses it only if its text with these prefixes is new."""
        query = strOrQuery
        if isinstance(query, str):
            query = _parsed(query, tuple(sorted((initNs or {}).items())), base)
        return super().query(query, initBindings, initNs, base, DEBUG)


def _is_ordered(one: Any, other: Any) -> bool:
    """Returns whether two terms are numbers, of which the first is not greater."""
    if not isinstance(one, Literal) or not isinstance(other, Literal):
        return False
    kinds = (int, float, Decimal)
    first, second = one.value, other.value
    are_numbers = all(isinstance(number, kinds) and not isinstance(number, bool) for number in (first, second))
    return are_numbers and bool(first <= second)


def _datatype(literal: Literal) -> str:
    if literal.language:
        return RDF + "langString"
    return str(literal.datatype) if literal.datatype else XSD + "string"


# As many as all shapes have queries, a few times over.
@lru_cache(256)
def _parsed(text: str, prefixes: tuple[tuple[str, Any], ...], base: str | None) -> Query:
    return prepareQuery(text, dict(prefixes), base)


def _aimed_at(shapes: Any, failing: set[tuple[str, str]]) -> Any:
    """Returns the shapes with these failing nodes as their only targets.

    (pySHACL's own `focus_nodes` also drops the nodes of nested shapes, so that sh:not reports false violations.)
    """
    # The usual store in memory also remembers in which graphs each triple is.
    aimed: Any = Graph("SimpleMemory")
    for triple in shapes:
        aimed.add(triple)
    for name in ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf"):
        aimed.remove((None, URIRef(SH(name).value), None))
    for node, shape in failing:
        term = from_n3(node) if node.startswith(('"', "_:")) else URIRef(node)
        aimed.add((URIRef(shape), URIRef(SH("targetNode").value), term))
    return aimed


def _as_in_data(results: Graph) -> None:
    """Gives ill-formed literals in a report their datatype back, in the messages too."""
    for subject, predicate, value in list(results):
        if not isinstance(value, Literal):
            continue
        text, datatype = from_engines(str(value)), from_engines(value.datatype or "")
        if (text, datatype) != (str(value), value.datatype or ""):
            results.remove((subject, predicate, value))
            term = Literal(text, lang=value.language, datatype=datatype or None, normalize=False)
            results.add((subject, predicate, term))


def _with_languages(results: Graph, shapes: Graph) -> None:
    """Gives the messages of SPARQL constraints in a report their languages back, which pySHACL takes away."""
    of_message, of_shape = URIRef(SH("resultMessage").value), URIRef(SH("sourceShape").value)
    messages = cache(lambda shape: set(shapes.objects(shape, URIRef(SH("message").value))))
    for node, message in list(results.subject_objects(of_message)):
        stated = messages(results.value(node, of_shape))
        if message not in stated and any(str(message) == str(one) for one in stated):
            results.remove((node, of_message, message))
            for one in stated:
                results.add((node, of_message, one))


def _name(term: Any) -> str:
    """Returns a term as text: an IRI without its brackets, any other term as N-Triples, None as ""."""
    text = _ntriples(term)
    return text[1:-1] if text.startswith("<") else text


def _ntriples(term: Any) -> str:
    """Returns a term of rdflib in canonical N-Triples; "" for no term."""
    if isinstance(term, Literal):
        if term.language:
            return str(Term(str(term), language=term.language))
        return str(Term(str(term), datatype=NamedNode(str(term.datatype)) if term.datatype else None))
    return f"<{term}>" if isinstance(term, URIRef) else term.n3() if term is not None else ""


def _results(results: Any, graph: Any, shapes: Any) -> Iterator[ValidationResult]:
    def uri(term: Any) -> Any:
        return URIRef(term.value)

    texts = cache(lambda shape, name: _by_language(shapes.objects(shape, uri(name))))
    # Only those of the report: a result below sh:detail belongs to another result.
    for node in results.objects(None, uri(SH("result"))):
        focus = results.value(node, uri(SH("focusNode")))
        shape = results.value(node, uri(SH("sourceShape")))
        path = results.value(node, uri(SH("resultPath")))
        value = results.value(node, uri(SH("value")))
        yield ValidationResult(
            severity=str(results.value(node, uri(SH("resultSeverity")))).rpartition("#")[2].lower(),
            focus_node=_name(focus),
            shape=str(shape),
            component=str(results.value(node, uri(SH("sourceConstraintComponent")))),
            path=_name(path),
            value=_ntriples(value),
            label=_label(graph, focus, uri(RDFS("label"))),
            # From the shape: in the report pySHACL takes the languages of messages of SPARQL constraints away.
            messages=texts(shape, SH("message")),
            remedies=texts(shape, CG("remedy")),
        )


def _by_language(texts: Iterable[Any]) -> dict[str, str]:
    return {text.language or "": str(text) for text in texts if isinstance(text, Literal)}


def _label(graph: Any, node: Any, label: Any) -> str:
    labels = _by_language(graph.objects(node, label))
    tag = best_tag(labels, "en", "*", "")
    return "" if tag is None else labels[tag]
