"""Validation of what a change can affect, and of nothing else: with the verdict that the whole graph would get.

From the shapes follows which nodes a changed triple can matter for, and which triples matter for a node (its own, the
classes of what it links to, what its SPARQL constraints look at). Those triples make a small graph; the engines judge
it, and what they say of the affected nodes is what they would say with the whole graph before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyoxigraph import BlankNode, DefaultGraph, Literal, NamedNode, Quad, Store, Triple

from citygraph.build.validation import Validator
from citygraph.incremental.dependencies import Unbounded, read_query
from citygraph.incremental.patterns import Path as Chain
from citygraph.incremental.patterns import Pattern, Reach, Reaches, Remembering, Term, Variable, parts
from citygraph.rdf.terms import RDF, RDFS, SH
from citygraph.release.changes import Quads
from citygraph.report import Judged, Report, conforming, joined

_TYPE = RDF("type")
_SUBCLASS = RDFS("subClassOf")
_DEFAULT = DefaultGraph()

# Constraints about the value itself, for which no triple is looked up.
_PLAIN = {
    "datatype", "nodeKind", "minCount", "maxCount", "minExclusive", "minInclusive", "maxExclusive",
    "maxInclusive", "minLength", "maxLength", "pattern", "flags", "languageIn", "uniqueLang", "in", "hasValue",
    "qualifiedMinCount", "qualifiedMaxCount", "qualifiedValueShapesDisjoint", "message", "severity", "name",
    "description", "order", "group", "deactivated", "defaultValue", "path", "targetClass", "targetNode",
    "targetSubjectsOf", "targetObjectsOf",
}  # fmt: skip
_NESTED = ("node", "not", "qualifiedValueShape")
_LISTS = ("and", "or", "xone")


@dataclass
class _Reader:
    """Reads one shape: the chains of patterns that begin at its focus node."""

    shapes: Any
    chains: list[Chain] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    number: int = 0

    def read(self, shape: Any, chain: Chain, variable: str) -> None:
        """Read a shape whose node is this variable, at the end of this chain."""
        if len(chain) > 6:
            raise Unbounded("shapes that nest in themselves")
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
            raise Unbounded(f"sh:{name} is not followed")

    def read_property(self, shape: Any, chain: Chain, variable: str) -> None:
        """Read a property shape of the node that this variable is."""
        from rdflib import URIRef

        path = self.shapes.value(shape, URIRef(SH("path").value))
        if not isinstance(path, URIRef):
            raise Unbounded("a path of more than one step")
        value = self._fresh()
        longer = (*chain, Pattern(Variable(variable), NamedNode(str(path)), Variable(value)))
        self.chains.append(longer)
        self.read(shape, longer, value)

    def _fresh(self) -> str:
        self.number += 1
        return f"v{self.number}"


class Affected:
    """The shapes taken apart once: which nodes a change can matter for, and what must be known of them.

    `of_value` are constraints about the dataset as a whole; their reach begins at the node that they name as value.
    """

    def __init__(self, shapes: Any) -> None:
        from rdflib import URIRef

        self.of_focus: list[Reach] = []
        self.of_value: list[Reach] = []
        self._fixed: set[str] = set()
        targets = {kind: URIRef(SH(kind).value) for kind in
                   ("targetClass", "targetNode", "targetSubjectsOf", "targetObjectsOf")}  # fmt: skip
        if (None, URIRef(SH("target").value), None) in shapes:
            raise Unbounded("targets of other kinds")
        for shape in {s for kind in targets.values() for s in shapes.subjects(kind, None)}:
            self._take_apart(shapes, shape, targets)
        self._reaches = Reaches(self.of_focus), Reaches(self.of_value)
        self._beyond_own = Reaches([beyond for reach in self.of_focus if (beyond := reach.beyond_own()).paths])

    def _take_apart(self, shapes: Any, shape: Any, targets: dict[str, Any]) -> None:
        from rdflib import URIRef

        reader = _Reader(shapes)
        if (shape, URIRef(SH("path").value), None) in shapes:
            reader.read_property(shape, (), "this")
        else:
            reader.read(shape, (), "this")
        gates = list(_targets(shapes, shape, targets))
        reader.chains += [(gate,) for gate in gates]
        # What is named is a target whatever is said of it.
        if (shape, targets["targetNode"], None) in shapes:
            gates = []
        if reader.chains:
            self.of_focus.append(Reach("this", sorted(set(reader.chains), key=len), gates=gates))
        for text in reader.queries:
            self._take_query_apart(text, [str(node) for node in shapes.objects(shape, targets["targetNode"])], gates)

    def _take_query_apart(self, text: str, nodes: list[str], gates: list[Pattern]) -> None:
        query = read_query(text)
        if any("this" in pattern.variables() for pattern in query.patterns):
            self.of_focus.append(replace(query.reach("this"), gates=gates))
            return
        # It is about the dataset: $this is a node that has nothing to do with the rest.
        self._fixed.update(nodes)
        self.of_value.append(query.reach("value"))

    def nodes(self, changes: Iterable[tuple[Iterable[Quad], Quads]]) -> tuple[set[Term], set[Term]]:
        """The focus nodes that triples may matter for, and the values: of what is gone and of what is new.

        Raises Unbounded if that may be anything.
        """
        focus: set[Term] = set()
        values: set[Term] = set()
        for quad, store in ((quad, store) for quads, store in changes for quad in quads):
            if quad.predicate == _SUBCLASS:
                raise Unbounded("classes have changed")
            for found, reaches in zip((focus, values), self._reaches, strict=True):
                found.update(reaches.affected(store, quad))
        return focus, values

    def support(self, store: Quads, focus: Iterable[Term], values: Iterable[Term]) -> set[Quad]:
        """The triples that decide about these nodes, all that focus nodes say among them, and every node's class."""
        found: set[Quad] = set()
        for node in focus:
            found.update(self._beyond_own.support(store, node))
            if not isinstance(node, Literal | Triple):
                found.update(store.quads_for_pattern(node, None, None, _DEFAULT))
        for value in values:
            found.update(self._reaches[1].support(store, value))
        named = {t for quad in found for t in (quad.subject, quad.object) if isinstance(t, NamedNode | BlankNode)}
        for node in named:
            found.update(store.quads_for_pattern(node, _TYPE, None, _DEFAULT))
        return found

    def judged(self, focus: Iterable[Term], values: Iterable[Term]) -> Judged:
        """What a report on these nodes and values is about."""
        nodes, named = (frozenset(map(_shown, terms)) for terms in (focus, values))
        return Judged(nodes, named, frozenset(self._fixed))


def _targets(shapes: Any, shape: Any, targets: dict[str, Any]) -> Iterator[Pattern]:
    """What makes a node one that a shape is about."""
    this = Variable("this")
    for target in shapes.objects(shape, targets["targetClass"]):
        yield Pattern(this, _TYPE, NamedNode(str(target)))
    for target in shapes.objects(shape, targets["targetSubjectsOf"]):
        yield Pattern(this, NamedNode(str(target)), Variable("o"))
    for target in shapes.objects(shape, targets["targetObjectsOf"]):
        yield Pattern(Variable("s"), NamedNode(str(target)), this)


class PartialValidator:
    """Both engines, and the shapes taken apart."""

    def __init__(self, shapes: list[Path]) -> None:
        self.whole = Validator(shapes)
        self.affected: Affected | None = None
        try:
            self.affected = Affected(self.whole.shapes)
        except Unbounded:
            # Some shape is beyond this: the whole graph is judged each time then.
            self.affected = None

    def validate(self, changed: set[Quad], before: Quads, after: Store, folder: Path) -> Report:
        """Judge what the change of these triples of the default graph can affect."""
        if self.affected is None:
            return self.validate_wholly(after, folder)
        try:
            focus, values = self._reached(self.affected, changed, before, after)
        except Unbounded:
            return self.validate_wholly(after, folder)
        nobody: set[Term] = set()
        together = [*((part, nobody) for part in parts(focus)), *((nobody, part) for part in parts(values))]
        report = joined([self._judge(self.affected, *part, after, folder) for part in together])
        return replace(report, judged=self.affected.judged(focus, values))

    def _reached(
        self, affected: Affected, changed: set[Quad], before: Quads, after: Store
    ) -> tuple[set[Term], set[Term]]:
        known = Remembering(after)
        added = {quad for quad in changed if quad in after}
        return affected.nodes(((changed - added, Remembering(before)), (added, known)))

    def _judge(self, affected: Affected, focus: set[Term], values: set[Term], after: Store, folder: Path) -> Report:
        """What the engines say of these nodes, from what decides about them alone."""
        known = Remembering(after)
        judged = affected.judged(focus, values)
        with _written(affected.support(known, focus, values), folder) as data:
            found = self.whole.find(data, judged.covers)
        if not found:
            return conforming()
        # Few nodes break anything: pySHACL, which is slow, reads what decides about them.
        names = {name for name, _ in found}
        breaking = [node for node in focus if _shown(node) in names]
        with _written(affected.support(known, breaking, values), folder) as data:
            report = self.whole.explain(data, found)
        # A report on the whole dataset also has values that are none of this change's.
        return Report(tuple(r for r in report.results if judged.covers(r.focus_node, r.value)), report.turtle)

    def validate_wholly(self, store: Store, folder: Path) -> Report:
        """Judge the whole default graph."""
        from pyoxigraph import RdfFormat

        path = folder / "whole.nt"
        store.dump(str(path), RdfFormat.N_TRIPLES, from_graph=_DEFAULT)
        try:
            return self.whole.validate(path)
        finally:
            path.unlink()


@contextmanager
def _written(quads: Iterable[Quad], folder: Path) -> Iterator[Path]:
    """The triples as a file of N-Triples."""
    path = folder / "affected.nt"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{quad.triple} .\n" for quad in sorted(quads, key=str))
    try:
        yield path
    finally:
        path.unlink()


def _query_of(shapes: Any, constraint: Any) -> str:
    """The text of a SPARQL constraint with its prefixes."""
    from rdflib import URIRef

    declared = [
        (shapes.value(node, URIRef(SH("prefix").value)), shapes.value(node, URIRef(SH("namespace").value)))
        for ontology in shapes.objects(constraint, URIRef(SH("prefixes").value))
        for node in shapes.objects(ontology, URIRef(SH("declare").value))
    ]
    prefixes = "".join(f"PREFIX {prefix}: <{namespace}>\n" for prefix, namespace in declared)
    return prefixes + str(shapes.value(constraint, URIRef(SH("select").value)))


def _shown(node: Term) -> str:
    """A node as a report names it."""
    return node.value if isinstance(node, NamedNode) else str(node)
