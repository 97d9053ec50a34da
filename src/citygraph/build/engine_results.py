"""Results of validation engines: from graphs and terms of rdflib to validation results and W3C reports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from typing import Any

from pyoxigraph import BlankNode, NamedNode, Triple
from pyoxigraph import Literal as Term
from pyshacl.rdfutil.clone import clone_blank_node
from rdflib import BNode, Graph, Literal, URIRef

from citygraph.build.statements import from_engines
from citygraph.rdf.terms import CG, RDF, RDFS, SH
from citygraph.report import (
    Finding,
    Report,
    ValidationResult,
    conforming_report,
    finding_of,
    label_among,
    order,
    properties_text,
    report_text,
    result_line,
    turtle_of,
)

# Statements by subject and predicate, in order.
_BySubject = dict[Any, dict[Any, dict[Any, None]]]


def _uri(term: NamedNode) -> URIRef:
    return URIRef(term.value)


_MEMBER, _REST = _uri(RDF("first")), _uri(RDF("rest"))
_SHAPE, _MESSAGE = _uri(SH("sourceShape")), _uri(SH("resultMessage"))
_SEVERITY, _COMPONENT = _uri(SH("resultSeverity")), _uri(SH("sourceConstraintComponent"))
_FINDING = (_uri(SH("focusNode")), _SHAPE, _uri(SH("resultPath")), _uri(SH("value")))


def report_of_results(results: Iterable[Any], graph: Any, shapes: Any) -> Report:
    """Returns the report with the results of pySHACL: each a text, its node and its triples.

    `graph` has the labels of focus nodes, `shapes` the messages. pySHACL gives neither results nor messages an order.
    """
    statements = _Statements(shapes)
    own = [(node, statements.of_result(triples)) for _, node, triples in results]
    if not own:
        return conforming_report()
    # A shape with several constraints may reject a value several times, always in the same words.
    ordered = sorted(_results(own, graph, shapes), key=order)
    unique = {(r.focus_node, r.shape, r.path, r.value): r for r in ordered}
    return Report(tuple(unique.values()), report_text(_lines(own, statements.clones)))


def findings_in(report: Iterable[Triple]) -> Iterator[Finding]:
    """Yields the findings of a W3C report."""
    statements: dict[Any, dict[NamedNode, Any]] = {}
    results = []
    for triple in report:
        statements.setdefault(triple.subject, {})[triple.predicate] = triple.object
        if triple.predicate == SH("result"):
            results.append(triple.object)
    names = [NamedNode(name) for name in _FINDING]
    for result in results:
        focus, shape, path, value = (_as_in_data(statements[result].get(name)) for name in names)
        yield finding_of(_name(focus), _name(shape), _name(path), _text(value))


def _as_in_data(term: Any) -> Any:
    """Returns a term, an ill-formed literal with its datatype."""
    if not isinstance(term, Term) or term.language:
        return term
    return Term(from_engines(term.value), datatype=NamedNode(from_engines(term.datatype.value)))


class _Statements:
    """The statements of results by subject and predicate, in order, as terms of rdflib."""

    def __init__(self, shapes: Graph) -> None:
        self._messages = cache(lambda shape: dict.fromkeys(shapes.objects(shape, _uri(SH("message")))))
        # What data and shapes state about each of their blank nodes that a result mentions, and about nodes below it.
        self.clones: dict[Any, _BySubject] = {}

    def of_result(self, triples: Iterable[Any]) -> _BySubject:
        """Returns what pySHACL states about a result and about results below sh:detail."""
        statements: _BySubject = {}
        for subject, predicate, term in triples:
            # A term of the data or the shapes comes with its graph.
            graph, value = term if isinstance(term, tuple) else (None, term)
            if isinstance(value, BNode) and graph is not None and value not in self.clones:
                self.clones[value] = _cloned(graph, value)
            statements.setdefault(subject, {}).setdefault(predicate, {})[value] = None
        for properties in statements.values():
            if messages := properties.get(_MESSAGE):
                properties[_MESSAGE] = self._with_languages(messages, next(iter(properties[_SHAPE])))
        return statements

    def _with_languages(self, messages: dict[Any, None], shape: Any) -> dict[Any, None]:
        """Returns messages with the languages that pySHACL takes away from those of SPARQL constraints."""
        stated = self._messages(shape)
        texts = set(map(str, stated))
        lost = [one for one in messages if one not in stated and str(one) in texts]
        kept = {one: None for one in messages if one not in lost}
        return {**kept, **stated} if lost else messages


def _cloned(graph: Any, node: Any) -> _BySubject:
    """Returns what a graph states about a blank node and the nodes below it, which are a tree."""
    clone, statements = Graph("SimpleMemory"), _BySubject()
    clone_blank_node(graph, node, clone, keepid=True)
    for subject, predicate, value in clone:
        statements.setdefault(subject, {}).setdefault(predicate, {})[value] = None
    return statements


def _lines(results: Iterable[tuple[Any, _BySubject]], clones: Mapping[Any, _BySubject]) -> Iterator[str]:
    """Yields the lines of a report."""
    texts = _Texts()
    for node, statements in clones.items():
        if node in statements:
            yield texts.add_node(node, statements)
    for node, statements in results:
        yield result_line(texts.properties(node, statements))


class _Texts:
    """Nodes in Turtle. Blank nodes have the hash of what is stated about them as label, or are written in brackets."""

    def __init__(self) -> None:
        self._terms = _TermTexts()
        self._labels: dict[Any, str] = {}

    def add_node(self, node: Any, statements: _BySubject) -> str:
        """Returns the line of a blank node, which all results mention by its label from now on."""
        properties = self.properties(node, statements)
        self._labels[node] = label = f"_:b{sha256(properties.encode()).hexdigest()[:32]}"
        return f"{label} {properties} ."

    def properties(self, node: Any, statements: _BySubject) -> str:
        """Returns the properties of a node."""
        return properties_text(
            {
                self._terms[name]: [self._text(value, statements) for value in values]
                for name, values in statements[node].items()
            }
        )

    def _text(self, term: Any, statements: _BySubject) -> str:
        if not isinstance(term, BNode):
            return self._terms[term]
        if label := self._labels.get(term):
            return label
        if term not in statements:
            return "[]"
        if _MEMBER in statements[term]:
            return f"( {' '.join(self._text(member, statements) for member in _members(term, statements))} )"
        return f"[ {self.properties(term, statements)} ]"


def _members(node: Any, statements: _BySubject) -> Iterator[Any]:
    """Yields the members of a list."""
    while node in statements:
        (member,), (node,) = statements[node][_MEMBER], statements[node][_REST]
        yield member


class _TermTexts(dict[Any, str]):
    """IRIs and literals in Turtle, by term of rdflib."""

    def __missing__(self, term: Any) -> str:
        own = turtle_of(_term(term))
        if isinstance(term, URIRef):
            self[term] = own
        return own


class _Terms(dict[Any, Any]):
    """The terms of the RDF library, by term of rdflib; each IRI is made once."""

    def __missing__(self, term: Any) -> Any:
        own = _term(term)
        if isinstance(term, URIRef):
            self[term] = own
        return own


def _term(term: Any) -> Any:
    """Returns a term of rdflib as one of the RDF library, an ill-formed literal with its datatype; None for None."""
    if isinstance(term, Literal):
        text = from_engines(str(term))
        if term.language:
            return Term(text, language=term.language)
        return Term(text, datatype=NamedNode(from_engines(term.datatype)) if term.datatype else None)
    if isinstance(term, URIRef):
        return NamedNode(str(term))
    return None if term is None else BlankNode(str(term))


def _name(term: Any) -> str:
    """Returns a term as text: an IRI without its brackets, any other term as N-Triples, None as ""."""
    return str(term.value) if isinstance(term, NamedNode) else _text(term)


def _text(term: Any) -> str:
    """Returns a term in canonical N-Triples; "" for no term."""
    return "" if term is None else str(term)


def _results(results: Iterable[tuple[Any, _BySubject]], graph: Any, shapes: Any) -> Iterator[ValidationResult]:
    texts = cache(lambda shape, name: _by_language(shapes.objects(shape, _uri(name))))
    label = cache(lambda node: _label(graph, node, _uri(RDFS("label"))))
    term = _Terms()
    # Only those of the report: a result below sh:detail belongs to another result.
    for node, statements in results:
        values = {predicate: next(iter(values)) for predicate, values in statements[node].items()}
        focus, shape, path, value = (values.get(name) for name in _FINDING)
        yield ValidationResult(
            severity=str(values[_SEVERITY]).rpartition("#")[2].lower(),
            focus_node=_name(term[focus]),
            shape=str(shape),
            component=str(values[_COMPONENT]),
            path=_name(term[path]),
            value=_text(term[value]),
            label=label(focus),
            # From the shape: in the report pySHACL takes the languages of messages of SPARQL constraints away.
            messages=texts(shape, SH("message")),
            remedies=texts(shape, CG("remedy")),
        )


def _by_language(texts: Iterable[Any]) -> dict[str, str]:
    return {text.language or "": str(text) for text in texts if isinstance(text, Literal)}


def _label(graph: Any, node: Any, label: Any) -> str:
    return label_among(_by_language(graph.objects(node, label)))
