"""Incremental validation: checks only the nodes that a change can affect, with the result of a full validation.

The shapes give the nodes that a changed triple affects, and the triples that a node's result depends on: its own, the
classes of the nodes that it links to, and those that its SPARQL constraints read. These triples form a small graph. The
engines validate it, and their results for the affected nodes equal those for the whole graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Store, Triple

from citygraph.build.validation import Validator, with_faults
from citygraph.incremental.dependencies import QueryPatterns, Unbounded, query_patterns
from citygraph.incremental.patterns import (
    CachedQuads,
    DependencyIndex,
    DependencyPaths,
    Pattern,
    Term,
    Variable,
    batches,
)
from citygraph.incremental.patterns import Path as Chain
from citygraph.rdf.terms import RDF, RDFS, SH
from citygraph.release.changes import Quads
from citygraph.report import Report, ReportScope, ValidationResult, conforming_report, merge_reports, text_in
from citygraph.source.files import Sources

_TYPE = RDF("type")
_SUBCLASS = RDFS("subClassOf")
_DEFAULT = DefaultGraph()

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


@dataclass
class _ShapeReader:
    """A reader of one shape that collects the chains of patterns from its focus node."""

    shapes: Any
    chains: list[Chain] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    number: int = 0

    def read(self, shape: Any, chain: Chain, variable: str) -> None:
        """Reads a shape of the node that this variable is, at the end of this chain."""
        if len(chain) > 6:
            raise Unbounded("shapes are recursive or nested too deeply")
        for predicate, value in self.shapes.predicate_objects(shape):
            name = str(predicate)
            constraint = name.removeprefix(SH)
            if constraint != name and constraint not in _PLAIN:
                self._read_constraint(constraint, value, chain, variable)

    def _read_constraint(self, name: str, value: Any, chain: Chain, variable: str) -> None:
        if name == "property":
            self.read_property(value, chain, variable)
        elif name == "class":
            pattern = Pattern(Variable(variable), _TYPE, Variable(self._fresh()))
            self.chains.append((*chain, pattern))
        elif name in _NESTED:
            self.read(value, chain, variable)
        elif name in _LISTS:
            for member in self.shapes.items(value):
                self.read(member, chain, variable)
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


class ShapeDependencies:
    """The dependency paths of all shapes: which nodes a change affects, and which triples their results depend on.

    `of_focus` begin at the focus node. `of_value` are those of constraints on the dataset as a whole; they begin at the
    node that a result names as value. `read` returns the patterns of a query.
    """

    def __init__(self, shapes: Any, read: Callable[[str], QueryPatterns] = query_patterns) -> None:
        from rdflib import URIRef

        self._read = read
        self.of_focus: list[DependencyPaths] = []
        self.of_value: list[DependencyPaths] = []
        self._dataset_nodes: set[str] = set()
        # The names of the shapes with paths of either kind. A shape may have both.
        self.focus_shapes: set[str] = set()
        self.value_shapes: set[str] = set()
        kinds = ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf")
        target_terms = {kind: URIRef(SH(kind).value) for kind in kinds}
        if (None, URIRef(SH("target").value), None) in shapes:
            raise Unbounded("targets of SHACL Advanced Features are not supported")
        for shape in {s for kind in target_terms.values() for s in shapes.subjects(kind, None)}:
            if not isinstance(shape, URIRef):
                raise Unbounded("a shape with a target has no name")
            self._add_shape(shapes, shape, target_terms)
        self._indexes = DependencyIndex(self.of_focus), DependencyIndex(self.of_value)
        self._beyond_own = DependencyIndex([beyond for one in self.of_focus if (beyond := one.beyond_own()).paths])

    def _add_shape(self, shapes: Any, shape: Any, target_terms: dict[str, Any]) -> None:
        from rdflib import URIRef

        reader = _ShapeReader(shapes)
        if (shape, URIRef(SH("path").value), None) in shapes:
            reader.read_property(shape, (), "this")
        else:
            reader.read(shape, (), "this")
        targets = list(_targets(shapes, shape, target_terms))
        reader.chains += [(target,) for target in targets]
        named = [str(node) for node in shapes.objects(shape, target_terms["targetNode"])]
        # A node of sh:targetNode is a target whatever its statements are.
        if named:
            targets = []
        if reader.chains:
            self.of_focus.append(DependencyPaths("this", sorted(set(reader.chains), key=len), targets=targets))
        before = len(self.of_value)
        for text in reader.queries:
            self._add_query(text, named, targets)
        added = len(self.of_value) - before
        if added:
            self.value_shapes.add(str(shape))
        if reader.chains or len(reader.queries) > added:
            self.focus_shapes.add(str(shape))

    def _add_query(self, text: str, nodes: list[str], targets: list[Pattern]) -> None:
        query = self._read(text)
        if any("this" in pattern.variables() for pattern in query.patterns):
            self.of_focus.append(replace(query.dependencies("this"), targets=targets))
            return
        # A constraint on the dataset: no pattern has $this, which is only the node to which results are attached.
        self._dataset_nodes.update(nodes)
        self.of_value.append(query.dependencies("value"))

    def nodes(self, changes: Iterable[tuple[Collection[Quad], CachedQuads]]) -> tuple[set[Term], set[Term]]:
        """Returns the focus nodes and the values that changed triples affect.

        Removed triples come with the store before the change, added ones with the store after it. Raises Unbounded if
        the change may affect every node.
        """
        focus: set[Term] = set()
        values: set[Term] = set()
        for quads, store in changes:
            if any(quad.predicate == _SUBCLASS for quad in quads):
                raise Unbounded("the class hierarchy has changed")
            for nodes, index in zip((focus, values), self._indexes, strict=True):
                nodes.update(index.affected(store, quads))
        return focus, values

    def relevant(self, store: CachedQuads, focus: Iterable[Term], values: Iterable[Term]) -> set[Quad]:
        """Returns the triples that determine the results for these nodes."""
        quads: set[Quad] = set()
        for node in focus:
            quads.update(self._beyond_own.relevant(store, node))
            # Constraints on a focus node may read any of its own statements.
            if not isinstance(node, Literal | Triple):
                quads.update(store.quads_for_pattern(node, None, None, _DEFAULT))
        for value in values:
            quads.update(self._indexes[1].relevant(store, value))
        named = {t for quad in quads for t in (quad.subject, quad.object) if isinstance(t, NamedNode | BlankNode)}
        for node in named:
            quads.update(store.types_of(node))
        return quads

    def shapes_for(self, focus: Collection[Term], values: Collection[Term]) -> list[str]:
        """Returns the names of the shapes that can have results about these nodes and values."""
        return sorted((self.focus_shapes if focus else set()) | (self.value_shapes if values else set()))

    def scope(self, focus: Iterable[Term], values: Iterable[Term]) -> ReportScope:
        """Returns the scope of a report on these nodes and values."""
        nodes, named = (frozenset(map(_report_name, terms)) for terms in (focus, values))
        return ReportScope(nodes, named, frozenset(self._dataset_nodes))


def _targets(shapes: Any, shape: Any, target_terms: dict[str, Any]) -> Iterator[Pattern]:
    """Yields the patterns that make a node a target of a shape (SHACL, 2.1.3)."""
    this = Variable("this")
    for target in shapes.objects(shape, target_terms["targetClass"]):
        yield Pattern(this, _TYPE, NamedNode(str(target)))
    for target in shapes.objects(shape, target_terms["targetSubjectsOf"]):
        yield Pattern(this, NamedNode(str(target)), Variable("o"))
    for target in shapes.objects(shape, target_terms["targetObjectsOf"]):
        yield Pattern(Variable("s"), NamedNode(str(target)), this)


class PartialValidator:
    """Both validation engines, with the dependency paths of the shapes; `read` returns the patterns of a query."""

    def __init__(self, sources: Sources, read: Callable[[str], QueryPatterns] = query_patterns) -> None:
        self.validator = Validator(sources)
        self._today = sources.today
        self.dependencies: ShapeDependencies | None = None
        # With a shape whose dependencies have no limit, each validation is of the whole graph.
        with suppress(Unbounded):
            self.dependencies = ShapeDependencies(self.validator.shapes, read)

    def validate(self, changed: set[Quad], before: Quads, after: Store, folder: Path) -> Report:
        """Validates the nodes that the changed triples of the default graph affect, and each added triple by itself."""
        self.validator.set_day(self._today())
        if self.dependencies is None:
            return self.validate_all(after, folder)
        added = {quad for quad in changed if quad in after}
        try:
            changes = ((changed - added, CachedQuads(before)), (added, CachedQuads(after)))
            focus, values = self.dependencies.nodes(changes)
        except Unbounded:
            return self.validate_all(after, folder)
        faults = self._faults(added, after)
        # The scope must have their nodes, so that a later report on these supersedes them.
        faulty = {fault.focus_node for fault in faults}
        focus |= {quad.subject for quad in added if faulty and _report_name(quad.subject) in faulty}
        none: set[Term] = set()
        together = [*((part, none) for part in batches(focus)), *((none, part) for part in batches(values))]
        report = merge_reports([self._validate_batch(self.dependencies, *part, after, folder) for part in together])
        report = with_faults(report, faults)
        return replace(report, scope=self.dependencies.scope(focus, values))

    def _faults(self, added: Iterable[Quad], store: Store) -> list[ValidationResult]:
        """Returns the faults of single triples."""
        faults = self.validator.statements.check(sorted(_as_line(quad) for quad in added))
        return [replace(fault, label=_label(store, fault.focus_node)) for fault in faults]

    def _validate_batch(
        self, dependencies: ShapeDependencies, focus: set[Term], values: set[Term], after: Store, folder: Path
    ) -> Report:
        """Validates these nodes on the graph of their relevant triples."""
        store = CachedQuads(after)
        scope = dependencies.scope(focus, values)
        # The other shapes would find much wrong with nodes of which the graph has only some triples.
        shapes = dependencies.shapes_for(focus, values)
        with self._nquads_file(dependencies.relevant(store, focus, values), folder) as data:
            failing = self.validator.find(data, scope.covers, shapes)
        if not failing:
            return conforming_report()
        # pySHACL is slow: it gets only the triples that the few failing nodes depend on.
        names = {name for name, _ in failing}
        failing_focus = [node for node in focus if _report_name(node) in names]
        # Results about the dataset may have values outside the scope, which have no complete data here.
        with self._nquads_file(dependencies.relevant(store, failing_focus, values), folder) as data:
            return self.validator.explain(data, failing, among=scope.covers)

    def validate_all(self, store: Store, folder: Path) -> Report:
        """Validates the whole default graph."""
        path = folder / "whole.nt"
        store.dump(str(path), RdfFormat.N_TRIPLES, from_graph=_DEFAULT)
        try:
            return self.validator.validate(path)
        finally:
            path.unlink()

    @contextmanager
    def _nquads_file(self, quads: Iterable[Quad], folder: Path) -> Iterator[Path]:
        """Yields a temporary file of N-Triples with these triples, as the engines may read them."""
        path = folder / "affected.nt"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(self.validator.statements.for_engines(map(_as_line, sorted(quads, key=str))))
        try:
            yield path
        finally:
            path.unlink()


def _as_line(quad: Quad) -> str:
    return f"{quad.triple} .\n"


def _label(store: Store, node: str) -> str:
    labels = [quad.object for quad in store.quads_for_pattern(NamedNode(node), RDFS("label"), None, _DEFAULT)]
    return text_in({label.language or "": label.value for label in labels if isinstance(label, Literal)}, "en")


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


def _report_name(node: Term) -> str:
    """Returns the name of a node in a report: an IRI without brackets, other terms as in N-Triples."""
    return node.value if isinstance(node, NamedNode) else str(node)
