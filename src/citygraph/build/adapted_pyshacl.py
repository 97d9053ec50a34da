"""pySHACL and rdflib, adapted: deviations from the specifications are corrected, and repeated work is avoided.

Imported only by processes that validate: rdflib's parsers take long to import, and the libraries are changed for the
whole process.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import pyshacl
import rdflib
from pyoxigraph import Literal as Term
from pyoxigraph import NamedNode, RdfFormat, Triple, parse
from pyshacl import constraints, entrypoints
from pyshacl.constraints import CONSTRAINT_PARAMETERS_MAP
from pyshacl.constraints.constraint_component import ConstraintComponent
from pyshacl.constraints.core.string_based_constraints import PatternConstraintComponent
from pyshacl.constraints.core.value_constraints import DatatypeConstraintComponent
from pyshacl.constraints.core.value_range_constraints import (
    MaxInclusiveConstraintComponent,
    MinInclusiveConstraintComponent,
)
from pyshacl.helper.sparql_query_helper import SPARQLQueryHelper
from pyshacl.validator import Validator
from rdflib import BNode, Graph, Literal, URIRef, plugin
from rdflib.parser import Parser
from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.sparql.sparql import Query
from rdflib.query import Processor
from rdflib.util import from_n3

from citygraph.build.engine_results import report_of_results
from citygraph.rdf.terms import RDF, SH, XSD
from citygraph.report import Report

_TARGETS = ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf")


def explain(data: Path, shapes: Graph, failing: set[tuple[str, str]] | None) -> Report:
    """Returns the W3C validation report of pySHACL on a file of N-Triples: on these nodes and shapes, or on all.

    Raises pySHACL's ValidationFailure if a constraint cannot be evaluated.
    """
    adapt()
    graph = _read(data)
    with nullcontext() if failing is None else _aimed_at(shapes, failing):
        _, results, _ = pyshacl.validate(graph, shacl_graph=shapes, inplace=True)
    if isinstance(results, Exception):
        raise results
    return report_of_results(results, graph, shapes)


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
    # pySHACL looks a parameter up for each statement of each nested shape, in a list.
    constraints.ALL_CONSTRAINT_PARAMETERS = frozenset(  # type: ignore[assignment]
        constraints.ALL_CONSTRAINT_PARAMETERS
    )
    entrypoints.Validator = ListingValidator  # type: ignore[attr-defined]
    ConstraintComponent.make_v_result_description = _no_description  # type: ignore[method-assign]
    SPARQLQueryHelper.check_invalid_sparql = _check_once  # type: ignore[method-assign]
    plugin.register("sparql", Processor, __name__, Prepared.__name__)


class NTriples(Parser):
    """A parser of N-Triples that lists them; the graph remains empty, because adding takes longer than reading."""

    listed: ClassVar[list[Triple]] = []

    def parse(self, source: Any, sink: Graph, **_options: Any) -> None:  # noqa: ARG002 - as above it
        """Lists the triples."""
        self.listed.extend(parse(source.getByteStream().read(), RdfFormat.N_TRIPLES, lenient=True))


@contextmanager
def listed_triples() -> Iterator[list[Triple]]:
    """Yields a list of the N-Triples that rdflib reads while the context lasts: a report of shifty."""
    usual = plugin.get("nt", Parser)
    plugin.register("nt", Parser, __name__, NTriples.__name__)
    try:
        yield NTriples.listed
    finally:
        NTriples.listed = []
        plugin.register("nt", Parser, usual.__module__, usual.__name__)


class ListingValidator(Validator):
    """A validator that returns its results as they are; pySHACL makes a graph and a text of them."""

    @classmethod
    def create_validation_report(cls, _shapes: Any, _conforms: bool, results: list[Any]) -> tuple[list[Any], str]:
        """Returns the results, each with its node and its triples."""
        return results, ""


def _no_description(*_arguments: Any, **_options: Any) -> str:
    """Returns no description of a result, because nothing reads the text of a report."""
    return ""


_check = SPARQLQueryHelper.check_invalid_sparql


def _check_once(helper: Any, text: str, valuenode: Any = None, extravars: Any = None) -> bool:
    """Raises ValidationFailure if a query must not be a constraint; it is checked for the first focus node only."""
    if valuenode is not None or extravars is not None or getattr(helper, "checked_text", None) != text:
        _check(helper, text, valuenode, extravars)  # type: ignore[no-untyped-call]
        helper.checked_text = text
    return True


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


@contextmanager
def _aimed_at(shapes: Any, failing: set[tuple[str, str]]) -> Iterator[None]:
    """Gives the shapes these failing nodes as their only targets, while the context lasts: a copy takes longer.

    (pySHACL's own `focus_nodes` also drops the nodes of nested shapes, so that sh:not reports false violations.)
    """
    targets = [triple for name in _TARGETS for triple in shapes.triples((None, URIRef(SH(name).value), None))]
    aims = [
        (URIRef(shape), URIRef(SH("targetNode").value), from_n3(node) if node.startswith(('"', "_:")) else URIRef(node))
        for node, shape in failing
    ]
    _replace(shapes, targets, aims)
    try:
        yield
    finally:
        _replace(shapes, aims, targets)


def _replace(graph: Any, removed: Iterable[Any], added: Iterable[Any]) -> None:
    for triple in removed:
        graph.remove(triple)
    for triple in added:
        graph.add(triple)
