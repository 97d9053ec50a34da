"""Incremental derivation: an update of the derived graph from a change alone, equal to a run of all rules.

The dependency paths of the rules give the subjects that each changed triple affects. The triples that the rules read
for these subjects are copied into a small store in memory, and all rules run on it in order. If such a triple is itself
derived, it is added after the rule that derived it; where that rule is not certain, its subject is derived there too.
The resulting changes may affect further subjects, so that this is repeated until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store

from citygraph.build.dependencies import QueryPatterns, Unbounded, query_patterns
from citygraph.build.patterns import (
    CachedQuads,
    DependencyPaths,
    Pattern,
    Term,
    Variable,
    batches,
)
from citygraph.incremental.counts import NOT_DATA, CountedStore
from citygraph.incremental.dependency_index import DependencyIndex, by_subject
from citygraph.incremental.rule_order import RuleOrder
from citygraph.rdf.delta import Delta, PreviousState
from citygraph.rdf.terms import DERIVED_GRAPH, ONTOLOGY_GRAPH
from citygraph.release.changes import Quads
from citygraph.source.rules import Rule, derive_by_rule, derive_from_scratch, year_before_newest_source

# Beyond these numbers and fractions of the graph, a run of all rules costs less than the examination of each subject.
_MOST_CHANGED, _CHANGED_PART = 3000, 2
_MOST_SUBJECTS, _SUBJECTS_PART = 20_000, 20
_MOST_ROUNDS = 12
_DEFAULT = DefaultGraph()
_NOT_STATED = (DERIVED_GRAPH, *NOT_DATA)


@dataclass(frozen=True)
class _Stores:
    """Cached views of the store before and after the change, valid while neither changes."""

    before: CachedQuads
    after: _StatedQuads

    @classmethod
    def of(cls, counted: CountedStore) -> _Stores:
        """Returns the views of the present state."""
        before = PreviousState(counted.store, Delta(set(counted.added), set(counted.removed)))
        return cls(CachedQuads(before), _StatedQuads(counted.store))


class _StatedQuads(CachedQuads):
    """A cache that also has which triples a data graph states: they are read with the subject, not one by one."""

    def __init__(self, store: Quads) -> None:
        super().__init__(store)
        self._stated: dict[Any, set[tuple[Any, Any]]] = {}

    def is_stated(self, quad: Quad) -> bool:
        """Returns whether a data graph has the triple, and not only the derived graph."""
        self._cached_subject(quad.subject)
        return (quad.predicate, quad.object) in self._stated[quad.subject]

    def is_enough(self, quad: Quad) -> bool:
        """Returns whether a source states the triple: a rule that comes before that of a derived one needs another."""
        return self.is_stated(quad)

    def _read_subject(self, subject: Any) -> Iterator[Quad]:
        if len(self._stated) > len(self._by_subject) + 1:
            self._stated.clear()  # as the statements were, whose cache was full
        stated = self._stated[subject] = set()
        for quad in self._store.quads_for_pattern(subject, None, None, None):
            if quad.graph_name == _DEFAULT:
                yield quad
            elif quad.graph_name not in _NOT_STATED:
                stated.add((quad.predicate, quad.object))


@dataclass
class _Excerpt:
    """The part of a graph that the rules read for some nodes, to derive the triples about the `subjects`.

    `stated` has each triple, and whether a source states it. The `given` ones are derived, and added after the rule of
    their number. Where that rule is not known, the subject of the triple is one of the nodes `described`.
    """

    subjects: set[Term]
    described: set[Term] = field(default_factory=set)
    stated: dict[Quad, bool] = field(default_factory=dict)
    given: dict[int, list[Quad]] = field(default_factory=dict)

    def facts(self) -> Iterator[Quad]:
        """Yields the stated triples."""
        return (quad for quad, is_stated in self.stated.items() if is_stated)


def _state_derived(counted: CountedStore) -> set[Quad]:
    """Removes triples from the derived graph that a source has begun to state, and returns them.

    They do not change the default graph, but rules that run before the deriving rule now see them.
    """
    # A triple that is new in the default graph was not derived.
    repeated = {Quad(quad.subject, quad.predicate, quad.object, DERIVED_GRAPH) for quad in counted.repeated}
    repeated = {quad for quad in repeated if quad in counted.store}
    counted.apply(Delta(removed=repeated))
    return {Quad(quad.subject, quad.predicate, quad.object) for quad in repeated}


class Scratch:
    """A small store in memory that has the ontology, on which the rules run repeatedly."""

    def __init__(self, rules: list[Rule], store: Store, ontology: str) -> None:
        self.ontology = ontology
        self.year_before = ""
        self._rules = rules
        self._store = Store()
        self._store.extend(store.quads_for_pattern(None, None, None, ONTOLOGY_GRAPH))
        self._store.add_graph(ONTOLOGY_GRAPH)

    def derive(self, quads: Iterable[Quad], given: Mapping[int, Collection[Quad]]) -> set[Quad]:
        """Returns the quads that the rules derive from these quads of the default graph.

        The `given` ones are added after the rule of their number.
        """
        self._store.extend(quads)
        derived: set[Quad] = set()
        try:
            for number, new in enumerate(derive_by_rule(self._rules, self._store, self.year_before)):
                derived.update(new)
                self._store.extend(given.get(number, ()))
            return derived
        finally:
            self._store.clear_graph(DefaultGraph())


class Deriver:
    """The rules with their dependency paths; `read` returns the patterns of a query."""

    def __init__(self, rules: list[Rule], read: Callable[[str], QueryPatterns] = query_patterns) -> None:
        self._rules = rules
        self._paths: list[DependencyPaths] = []
        # Predicates by which a rule links a subject to a node that the rule itself creates.
        self._creating_predicates: set[NamedNode] = set()
        # Patterns about a node that a rule names, such as the dataset: no path leads to them.
        self._fixed: list[Pattern] = []
        self.is_local = True
        self._scratch: Scratch | None = None
        queries: list[QueryPatterns] = []
        try:
            queries = [read(rule.text) for rule in rules]
            for query in queries:
                self._add_rule(query)
        except Unbounded:
            self.is_local = False
        self._order = RuleOrder(queries)
        self._index = DependencyIndex(self._paths)

    def update(self, counted: CountedStore, size: int, ontology: str) -> None:
        """Updates the derived graph of a store with `size` quads.

        `ontology` is a version that changes when the ontology may have changed.
        """
        changed = counted.added | counted.removed | _state_derived(counted)
        if not self.is_local or len(changed) > max(_MOST_CHANGED, size // _CHANGED_PART):
            self.rederive(counted)
            return
        day = year_before_newest_source(counted.store)
        if day != year_before_newest_source(_Stores.of(counted).before):
            self.rederive(counted)
            return
        # The ontology is large in comparison with a change, so it is copied only when it may have changed.
        if self._scratch is None or self._scratch.ontology != ontology:
            self._scratch = Scratch(self._rules, counted.store, ontology)
        self._scratch.year_before = day
        try:
            self._update_incrementally(counted, self._scratch, changed, max(_MOST_SUBJECTS, size // _SUBJECTS_PART))
        except Unbounded:
            self.rederive(counted)

    def rederive(self, counted: CountedStore) -> None:
        """Updates the derived graph by a run of all rules on the whole graph."""
        old = set(counted.store.quads_for_pattern(None, None, None, DERIVED_GRAPH))
        new = derive_from_scratch(self._rules, counted.store)
        counted.apply(Delta(new - old, old - new))

    def _add_rule(self, query: QueryPatterns) -> None:
        """Collects the dependency paths of a rule, from each variable that is a subject in its template."""
        self._fixed += [p for p in query.patterns if isinstance(p.subject, NamedNode) and p.graph is None]
        bound = {name for pattern in query.patterns for name in pattern.variables()}
        subjects = {p.subject.name for p in query.patterns if isinstance(p.subject, Variable)}
        for head in query.template:
            if not isinstance(head.subject, Variable):
                raise Unbounded("a rule derives a statement about a fixed node")
            name = head.subject.name
            pivots = {name} if name in bound else query.bound_from.get(name, set()) & subjects
            if not pivots:
                raise Unbounded(f"?{name} is not bound from a subject")
            found = (replace(query.dependencies(pivot), required=query.required) for pivot in sorted(pivots))
            self._paths += [paths for paths in found if paths not in self._paths]
            created = query.new_terms & {
                other.subject.name for other in query.template if isinstance(other.subject, Variable)
            }
            if (
                isinstance(head.object, Variable)
                and head.object.name in created
                and isinstance(head.predicate, NamedNode)
            ):
                self._creating_predicates.add(head.predicate)

    def _update_incrementally(self, counted: CountedStore, scratch: Scratch, changed: set[Quad], most: int) -> None:
        examined: set[Term] = set()
        changed_before: set[Quad] = set()
        for _ in range(_MOST_ROUNDS):
            stores = _Stores.of(counted)
            added = counted.present(changed)
            affected = self._affected(((changed - added, stores.before), (added, stores.after)), most)
            if not affected:
                return
            # The nodes affected by a triple that was added and removed again are in neither state.
            if changed & changed_before:
                affected |= examined
            changed_before |= changed
            examined |= affected
            delta = Delta()
            for part in batches(affected):
                new, gone = self._differing(counted.store, stores.after, scratch, part, most)
                delta.added |= new
                delta.removed |= gone
            if not delta:
                return
            counted.apply(delta)
            changed = {Quad(q.subject, q.predicate, q.object) for q in delta.added | delta.removed}
        raise Unbounded(f"the rules derive new statements after {_MOST_ROUNDS} rounds")

    def _differing(
        self, store: Store, statements: _StatedQuads, scratch: Scratch, subjects: set[Term], most: int
    ) -> tuple[set[Quad], set[Quad]]:
        """Returns the derived quads about these subjects that are new, and those that no longer hold."""
        derived, compared = self._derived(store, statements, scratch, subjects, most)
        old = {
            quad
            for s in compared
            if isinstance(s, NamedNode)
            for quad in store.quads_for_pattern(s, None, None, DERIVED_GRAPH)
        }
        fresh = {quad for quad in derived if quad.subject in compared}
        return fresh - old, old - fresh

    def _derived(
        self, store: Store, statements: _StatedQuads, scratch: Scratch, subjects: set[Term], most: int
    ) -> tuple[set[Quad], set[Term]]:
        """Returns what the rules derive about these subjects, which may include other quads, and all compared subjects.

        Of other nodes the scratch store has some triples only, of which a rule could derive what all triples refute.
        If it derives something new about such a node, the node is read completely, and the rules run again.
        """
        excerpt = _Excerpt(subjects)
        described = subjects
        while True:
            self._read(statements, described, excerpt, most)
            derived = scratch.derive(excerpt.facts(), excerpt.given)
            # The subjects may include blank nodes and literals, which the derived graph does not describe.
            compared = set(self._with_created(statements, derived, subjects))
            others = {quad.subject for quad in derived if quad not in store} - excerpt.described - compared
            described = {node for node in others if isinstance(node, NamedNode)}
            if not described:
                return derived, compared

    def _affected(self, changes: Iterable[tuple[Collection[Quad], CachedQuads]], most: int) -> set[Term]:
        """Returns the subjects that removed triples affect in the old state, or added triples in the new state."""
        affected: set[Term] = set()
        for quads, store in changes:
            if any(pattern.bind(quad, {}) is not None for pattern in self._fixed for quad in quads):
                raise Unbounded("the change is about a node that a rule names")
            for node in self._index.affected(store, by_subject(quads)):
                if isinstance(node, NamedNode):
                    affected.add(node)
                    if len(affected) > most:
                        raise Unbounded("the change affects too many subjects")
        return affected

    def _read(self, store: _StatedQuads, nodes: set[Term], excerpt: _Excerpt, most: int) -> None:
        """Adds the triples that the rules read for these nodes to the excerpt."""
        if not excerpt.stated:
            fixed = (quad for pattern in self._fixed for quad, _ in pattern.matches(store, {}))
            excerpt.stated.update((quad, store.is_stated(quad)) for quad in fixed)
        todo = list(nodes)
        excerpt.described |= nodes
        while todo:
            derived_of = set(self._origins(store, todo[-1]))
            for quad in self._index.relevant(store, todo.pop()):
                if quad in excerpt.stated:
                    continue
                excerpt.stated[quad] = store.is_stated(quad)
                if excerpt.stated[quad] or quad.subject in excerpt.subjects:
                    continue
                stage = None if any(self._origins(store, quad.subject)) else self._order.stage_of(store, quad)
                if stage is None:
                    derived_of.add(quad.subject)
                else:
                    excerpt.given.setdefault(stage, []).append(quad)
            new = {node for node in derived_of - excerpt.described if isinstance(node, NamedNode)}
            excerpt.described |= new
            todo += new
            if len(excerpt.described) > most:
                raise Unbounded("the affected subjects depend on too many others")

    def _origins(self, store: Quads, node: Term) -> Iterator[Term]:
        """Yields the subjects from which a rule created the node, if one did."""
        for predicate in self._creating_predicates:
            yield from (quad.subject for quad in store.quads_for_pattern(None, predicate, node, DERIVED_GRAPH))

    def _with_created(self, store: Quads, derived: set[Quad], subjects: set[Term]) -> Iterator[Term]:
        """Yields the subjects, and the nodes that the rules create for them now or created before."""
        todo, visited = list(subjects), set(subjects)
        leading: dict[Term, list[Term]] = {}
        for quad in derived:
            if quad.predicate in self._creating_predicates:
                leading.setdefault(quad.subject, []).append(quad.object)
        while todo:
            subject = todo.pop()
            yield subject
            created = list(leading.get(subject, ()))
            for predicate in self._creating_predicates:
                created += [quad.object for quad in store.quads_for_pattern(subject, predicate, None, DERIVED_GRAPH)]
            for node in created:
                if node not in visited and isinstance(node, NamedNode):
                    visited.add(node)
                    todo.append(node)
