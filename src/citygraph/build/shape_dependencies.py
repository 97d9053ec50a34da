"""Dependencies of shapes: the paths from a node to the triples on which its results depend, shape by shape.

They are read from the shapes and their queries. With them, a validation reads only a part of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pyoxigraph import NamedNode

from citygraph.build.dependencies import QueryPatterns, Unbounded, query_patterns
from citygraph.build.patterns import DependencyPaths, Pattern, Variable
from citygraph.build.patterns import Path as Chain
from citygraph.rdf.terms import RDF, RDFS, SH

_TYPE = RDF("type")
_TARGETS = ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf")

# Constraints on the value itself, which read no further triple, and properties that are not constraints.
_PLAIN_NAMES = """
datatype nodeKind uniqueLang minCount maxCount minExclusive minInclusive maxExclusive maxInclusive minLength maxLength
pattern flags languageIn in hasValue qualifiedMinCount qualifiedMaxCount qualifiedValueShapesDisjoint message
severity name description order group deactivated defaultValue path targetClass targetNode targetSubjectsOf
targetObjectsOf
"""
_PLAIN = frozenset(_PLAIN_NAMES.split())
_NESTED = ("node", "not", "qualifiedValueShape")
_LISTS = ("and", "or", "xone")
_PAIRS = ("equals", "disjoint", "lessThan", "lessThanOrEquals")


@dataclass
class _ShapeReader:
    """A reader of one shape that collects the chains of patterns from its focus node."""

    shapes: Any
    chains: list[Chain] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    tested: dict[str, NamedNode] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    number: int = 0

    def read(self, shape: Any, chain: Chain, variable: str) -> None:
        """Reads a shape of the node that this variable is, at the end of this chain."""
        if len(chain) > 6:
            raise Unbounded("shapes are recursive or nested too deeply")
        self.names.add(str(shape))
        for predicate, value in self.shapes.predicate_objects(shape):
            name = str(predicate)
            constraint = name.removeprefix(SH)
            if constraint != name and constraint not in _PLAIN:
                self._read_constraint(constraint, value, chain, variable)

    def _read_constraint(self, name: str, value: Any, chain: Chain, variable: str) -> None:
        if name == "property":
            self.read_property(value, chain, variable)
        elif name == "class":
            # A node may have the class by any other class, if the data have subclasses.
            tested = self._fresh()
            self.tested[tested] = NamedNode(str(value))
            self.chains.append((*chain, Pattern(Variable(variable), _TYPE, Variable(tested))))
        elif name in _NESTED:
            self.read(value, chain, variable)
        elif name in _LISTS:
            for member in self.shapes.items(value):
                self.read(member, chain, variable)
        elif name in _PAIRS:
            # They compare with values of the node that has the path: the one before this variable, if there is one.
            begin = chain[-1].subject if chain else Variable(variable)
            self.chains.append((*chain[:-1], Pattern(begin, NamedNode(str(value)), Variable(self._fresh()))))
        elif name == "sparql" and not chain:
            self.queries.append(_query_of(self.shapes, value))
        else:
            raise Unbounded(f"sh:{name} is not supported")

    def read_property(self, shape: Any, chain: Chain, variable: str) -> None:
        """Reads a property shape of the node that this variable is."""
        from rdflib import URIRef

        path = self.shapes.value(shape, URIRef(SH("path").value))
        if not isinstance(path, URIRef):
            raise Unbounded("a property path of more than one step")
        value = self._fresh()
        longer = (*chain, Pattern(Variable(variable), NamedNode(str(path)), Variable(value)))
        self.chains.append(longer)
        self.read(shape, longer, value)

    def _fresh(self) -> str:
        self.number += 1
        return f"v{self.number}"


@dataclass
class ShapePaths:
    """The dependency paths of one shape.

    `of_focus` begin at the focus node. `of_value` are those of constraints on the dataset as a whole; they begin at the
    node that a result names as value. `targets` are the patterns of the focus nodes, `nodes` the IRIs of sh:targetNode,
    `tested` the classes of sh:class by the class variable of a path. `names` are the shape and its nested shapes, which
    results may name.
    """

    targets: list[Pattern] = field(default_factory=list)
    of_focus: list[DependencyPaths] = field(default_factory=list)
    of_value: list[DependencyPaths] = field(default_factory=list)
    nodes: set[str] = field(default_factory=set)
    tested: dict[str, NamedNode] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def ends(self) -> set[Pattern]:
        """Returns the patterns of the triples on which results depend."""
        return {path[-1] for one in (*self.of_focus, *self.of_value) for path in one.paths}


def all_shape_paths(shapes: Any, read: Callable[[str], QueryPatterns] = query_patterns) -> dict[str, ShapePaths]:
    """Returns the dependency paths of each shape with targets. Raises Unbounded."""
    return {name: shape_paths(shapes, name, read) for name in names_of_shapes(shapes)}


def names_of_shapes(shapes: Any) -> list[str]:
    """Returns the names of the shapes with targets. Raises Unbounded if one has no name, or other kinds of targets."""
    from rdflib import URIRef

    if (None, URIRef(SH("target").value), None) in shapes:
        raise Unbounded("targets of SHACL Advanced Features are not supported")
    if (None, URIRef(SH("parameter").value), None) in shapes:
        raise Unbounded("constraint components that are not SHACL's own are not supported")
    if any((shape, URIRef(RDF("type").value), URIRef(RDFS("Class").value)) in shapes for shape in shapes.subjects()):
        raise Unbounded("shapes that are classes are not supported")
    named = {shape for kind in _TARGETS for shape in shapes.subjects(URIRef(SH(kind).value), None)}
    if not all(isinstance(shape, URIRef) for shape in named):
        raise Unbounded("a shape with a target has no name")
    return sorted(map(str, named))


def shape_paths(shapes: Any, name: str, read: Callable[[str], QueryPatterns] = query_patterns) -> ShapePaths:
    """Returns the dependency paths of a shape. `read` returns the patterns of a query. Raises Unbounded."""
    from rdflib import URIRef

    shape = URIRef(name)
    reader = _ShapeReader(shapes)
    if (shape, URIRef(SH("path").value), None) in shapes:
        reader.read_property(shape, (), "this")
    else:
        reader.read(shape, (), "this")
    targets = list(_targets(shapes, shape))
    reader.chains += [(target,) for target in targets]
    nodes = {str(node) for node in shapes.objects(shape, URIRef(SH("targetNode").value))}
    paths = ShapePaths(targets, nodes=nodes, tested=reader.tested, names=reader.names)
    # A node of sh:targetNode is a target whatever its statements are.
    if paths.nodes:
        targets = []
    if reader.chains:
        paths.of_focus.append(DependencyPaths("this", sorted(set(reader.chains), key=len), targets=targets))
    for query in map(read, reader.queries):
        if any("this" in pattern.variables() for pattern in query.patterns):
            paths.of_focus.append(replace(_dependencies(query, "this"), targets=targets))
        else:
            # A constraint on the dataset: no pattern has $this, which is only the node to which results are attached.
            paths.of_value.append(_dependencies(query, "value"))
    return paths


def _dependencies(query: QueryPatterns, pivot: str) -> DependencyPaths:
    """Returns the dependency paths of a query, which must lead to each of its patterns."""
    paths = query.dependencies(pivot)
    if not set(query.patterns) <= {path[-1] for path in paths.paths}:
        raise Unbounded(f"a part of a query is not connected with ?{pivot}")
    return paths


def _targets(shapes: Any, shape: Any) -> Iterator[Pattern]:
    """Yields the patterns that make a node a target of a shape (SHACL, 2.1.3)."""
    from rdflib import URIRef

    this = Variable("this")
    for target in shapes.objects(shape, URIRef(SH("targetClass").value)):
        yield Pattern(this, _TYPE, NamedNode(str(target)))
    for target in shapes.objects(shape, URIRef(SH("targetSubjectsOf").value)):
        yield Pattern(this, NamedNode(str(target)), Variable("o"))
    for target in shapes.objects(shape, URIRef(SH("targetObjectsOf").value)):
        yield Pattern(Variable("s"), NamedNode(str(target)), this)


def _query_of(shapes: Any, constraint: Any) -> str:
    """Returns the text of a SPARQL constraint with its prefixes."""
    from rdflib import URIRef

    declared = [
        (shapes.value(node, URIRef(SH("prefix").value)), shapes.value(node, URIRef(SH("namespace").value)))
        for ontology in shapes.objects(constraint, URIRef(SH("prefixes").value))
        for node in shapes.objects(ontology, URIRef(SH("declare").value))
    ]
    prefixes = "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in declared)
    return prefixes + str(shapes.value(constraint, URIRef(SH("select").value)))
