"""What shapes read: the triples on which their results for some nodes can depend.

pySHACL reads slowly and needs much memory, so it gets only these. The answer may be too large, never too small.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from citygraph.rdf.terms import RDF, RDFS, SH

_TYPE = RDF("type").value
_SUBCLASS = RDFS("subClassOf").value
_LABEL = RDFS("label").value
# Constraints on the value itself, which read no further triple, and properties that are not constraints.
_PLAIN_NAMES = """
datatype nodeKind uniqueLang minCount maxCount minExclusive minInclusive maxExclusive maxInclusive minLength maxLength
pattern flags languageIn in hasValue qualifiedMinCount qualifiedMaxCount qualifiedValueShapesDisjoint message
severity name description order group deactivated defaultValue path targetNode
"""
_PLAIN = frozenset(_PLAIN_NAMES.split())
_NESTED = ("node", "not", "qualifiedValueShape")
_LISTS = ("and", "or", "xone")
_PAIRS = ("equals", "disjoint", "lessThan", "lessThanOrEquals")


class _AnyTriple(Exception):
    """A shape of which no bound is known: it may read any triple."""


@dataclass
class ShapeReads:
    """The predicates of the triples that shapes read: only those of the focus node, or those of other nodes too."""

    own: set[str] = field(default_factory=set)
    anywhere: set[str] = field(default_factory=set)

    def restrict(self, lines: Iterable[str], nodes: Iterable[str]) -> Iterator[str]:
        """Yields those lines of N-Triples on which the results for these nodes, given by their IRIs, can depend."""
        own, anywhere = ({f"<{name}>" for name in names} for names in (self.own - self.anywhere, self.anywhere))
        subjects = {f"<{node}>" for node in nodes}
        for line in lines:
            subject, predicate, _ = line.split(" ", 2)
            if predicate in anywhere or (predicate in own and subject in subjects):
                yield line


def reads_of(shapes: Any, names: Iterable[str]) -> ShapeReads | None:
    """Returns what the shapes of these names read, labels for the report included; None if it may be any triple."""
    from rdflib import URIRef

    if (None, URIRef(SH("parameter").value), None) in shapes:
        return None  # of constraint components that are not SHACL's own nothing is known
    # Engines look for the targets of a shape too, by their classes.
    reader = _Reader(shapes, ShapeReads({_TYPE, _LABEL}, {_SUBCLASS}))
    try:
        for name in names:
            reader.read(URIRef(name), is_focus=True)
    except _AnyTriple:
        return None
    return reader.reads


class _Reader:
    """A reader of shapes that collects what they read."""

    def __init__(self, shapes: Any, reads: ShapeReads) -> None:
        self._shapes = shapes
        self.reads = reads
        self._seen: set[tuple[Any, bool]] = set()

    def read(self, shape: Any, is_focus: bool) -> None:
        """Reads a shape of the focus node, or of nodes that are reached from it."""
        from rdflib import URIRef

        if (shape, is_focus) in self._seen:
            return
        self._seen.add((shape, is_focus))
        if path := self._shapes.value(shape, URIRef(SH("path").value)):
            self._add(path, is_focus)
            is_focus = False
        for predicate, value in self._shapes.predicate_objects(shape):
            name = str(predicate).removeprefix(SH)
            if name != str(predicate) and name not in _PLAIN:
                self._read_constraint(name, value, is_focus)

    def _read_constraint(self, name: str, value: Any, is_focus: bool) -> None:
        if name in ("property", *_NESTED):
            self.read(value, is_focus)
        elif name in _LISTS:
            for member in self._shapes.items(value):
                self.read(member, is_focus)
        elif name in ("targetSubjectsOf", "targetObjectsOf", *_PAIRS):
            self._add(value, is_focus=name == "targetSubjectsOf")
        elif name == "class":
            self.reads.anywhere.add(_TYPE)
        elif name == "sparql":
            self._read_query(value, is_focus)
        elif name != "targetClass":
            raise _AnyTriple

    def _add(self, path: Any, is_focus: bool) -> None:
        from rdflib import URIRef

        # Only a single step from the focus node reads nothing but its own triples.
        if not isinstance(path, URIRef):
            raise _AnyTriple
        (self.reads.own if is_focus else self.reads.anywhere).add(str(path))

    def _read_query(self, constraint: Any, is_focus: bool) -> None:
        from rdflib import URIRef
        from rdflib.plugins.sparql import prepareQuery

        text = str(self._shapes.value(constraint, URIRef(SH("select").value)))
        algebra = prepareQuery(text, dict(self._prefixes(constraint))).algebra
        triples = list(_triples(algebra))
        # In a subquery, a variable of the same name need not be the focus node.
        bound = is_focus and sum("SELECT" in word.upper() for word in text.split()) == 1
        for subject, predicate, _ in triples:
            self._add_path(predicate, bound and str(subject) == "this" and not isinstance(subject, URIRef))

    def _prefixes(self, constraint: Any) -> Iterator[tuple[str, str]]:
        from rdflib import URIRef

        for ontology in self._shapes.objects(constraint, URIRef(SH("prefixes").value)):
            for node in self._shapes.objects(ontology, URIRef(SH("declare").value)):
                prefix, namespace = (self._shapes.value(node, URIRef(SH(n).value)) for n in ("prefix", "namespace"))
                yield str(prefix), str(namespace)

    def _add_path(self, path: Any, is_focus: bool) -> None:
        """Adds the predicates of a property path, in rdflib's form, that begins at the focus node or elsewhere."""
        from rdflib import URIRef, paths

        if isinstance(path, URIRef):
            self._add(path, is_focus)
        elif isinstance(path, paths.AlternativePath):
            for part in path.args:
                self._add_path(part, is_focus)
        elif isinstance(path, paths.SequencePath):
            for number, part in enumerate(path.args):
                self._add_path(part, is_focus and number == 0)
        elif isinstance(path, paths.InvPath):
            self._add_path(path.arg, is_focus=False)
        elif isinstance(path, paths.MulPath):
            self._add_path(path.path, is_focus=False)
        else:
            # A variable, or all predicates but some.
            raise _AnyTriple


def _triples(node: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yields the triple patterns of a part of rdflib's algebra."""
    from rdflib.plugins.sparql.parserutils import CompValue

    if isinstance(node, CompValue):
        # In EXISTS, triples are flat lists: rdflib translates it to algebra only when it is evaluated.
        for row in node.triples if node.name in {"BGP", "TriplesBlock"} else ():
            yield from zip(row[::3], row[1::3], row[2::3], strict=True)
        for key, part in node.items():
            if key not in {"_vars", "PV", "datasetClause", "triples"}:
                yield from _triples(part)
    elif isinstance(node, list | tuple) and not hasattr(node, "n3"):
        for part in node:
            yield from _triples(part)
