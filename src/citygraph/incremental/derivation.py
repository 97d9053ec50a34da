"""What the rules conclude, brought up to date from a change alone: exactly as if they were run anew.

For each changed triple the rules' own patterns tell which subjects it may make a rule conclude something else about.
Everything that matters for those is copied into a small store in memory, and all rules are run on it, in order. Where
what matters was itself derived, its subject is worked out there too. What changes by that may affect others again,
until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store

from citygraph.incremental.counts import NOT_DATA, Tally
from citygraph.incremental.dependencies import Query, Unbounded, read_query
from citygraph.incremental.patterns import Reach, Reaches, Remembering, Term, Variable, parts
from citygraph.rdf.delta import Before, Delta
from citygraph.rdf.terms import DERIVED_GRAPH, ONTOLOGY_GRAPH
from citygraph.release.changes import Quads
from citygraph.source.rules import Rule, derive, derive_anew

# Beyond these, and these parts of the graph, running the rules anew costs less than looking around each subject.
_MOST_CHANGED, _CHANGED_PART = 3000, 2
_MOST_SUBJECTS, _SUBJECTS_PART = 20_000, 20
_MOST_ROUNDS = 12


@dataclass(frozen=True)
class _Stores:
    """What was before the change, and what is with it; asked as long as neither changes."""

    before: Quads
    after: Quads

    @classmethod
    def of(cls, tally: Tally) -> _Stores:
        """As they are now."""
        before = Before(tally.store, Delta(set(tally.added), set(tally.removed)))
        return cls(Remembering(before), Remembering(tally.store))


class Scratch:
    """A small store in memory with the ontology in it, for the rules to run on again and again."""

    def __init__(self, rules: list[Rule], store: Store, ontology: str) -> None:
        self.ontology = ontology
        self._rules = rules
        self._store = Store()
        self._store.extend(store.quads_for_pattern(None, None, None, ONTOLOGY_GRAPH))
        self._store.add_graph(ONTOLOGY_GRAPH)

    def conclude(self, quads: Iterable[Quad]) -> set[Quad]:
        """What the rules conclude from these quads of the default graph."""
        self._store.extend(quads)
        try:
            return derive(self._rules, self._store)
        finally:
            self._store.clear_graph(DefaultGraph())


class Deriver:
    """The rules, taken apart once."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._reaches: list[Reach] = []
        self._leads: set[NamedNode] = set()  # predicates by which a rule leads to a node that it makes itself
        self.is_local = True
        self._scratch: Scratch | None = None
        try:
            for rule in rules:
                self._take_apart(read_query(rule.text))
        except Unbounded:
            self.is_local = False
        self._by_predicate = Reaches(self._reaches)

    def follow(self, tally: Tally, size: int, ontology: str) -> None:
        """Make the derived graph what the rules conclude now, in a graph of `size` quads.

        `ontology` is another name whenever the ontology may be another.
        """
        changed = tally.added | tally.removed
        if not self.is_local or len(changed) > max(_MOST_CHANGED, size // _CHANGED_PART):
            self.follow_wholly(tally)
            return
        if self._scratch is None or self._scratch.ontology != ontology:
            self._scratch = Scratch(self._rules, tally.store, ontology)
        try:
            self._follow_locally(tally, self._scratch, changed, max(_MOST_SUBJECTS, size // _SUBJECTS_PART))
        except Unbounded:
            self.follow_wholly(tally)

    def follow_wholly(self, tally: Tally) -> None:
        """The same, by running the rules over everything."""
        old = set(tally.store.quads_for_pattern(None, None, None, DERIVED_GRAPH))
        new = derive_anew(self._rules, tally.store)
        tally.make(Delta(new - old, old - new))

    def _take_apart(self, query: Query) -> None:
        """Note from where a rule's patterns are reached: from each variable that is a subject in its template."""
        bound = {name for pattern in query.patterns for name in pattern.variables()}
        subjects = {p.subject.name for p in query.patterns if isinstance(p.subject, Variable)}
        for head in query.template:
            if not isinstance(head.subject, Variable):
                raise Unbounded("a rule concludes something about a fixed node")
            name = head.subject.name
            pivots = {name} if name in bound else query.made.get(name, set()) & subjects
            if not pivots:
                raise Unbounded(f"it cannot be told what ?{name} is made of")
            self._reaches += [reach for pivot in sorted(pivots) if (reach := query.reach(pivot)) not in self._reaches]
            made = query.built & {other.subject.name for other in query.template if isinstance(other.subject, Variable)}
            if isinstance(head.object, Variable) and head.object.name in made and isinstance(head.predicate, NamedNode):
                self._leads.add(head.predicate)

    def _follow_locally(self, tally: Tally, scratch: Scratch, changed: set[Quad], most: int) -> None:
        subjects: set[Term] = set()
        for _ in range(_MOST_ROUNDS):
            stores = _Stores.of(tally)
            added = {quad for quad in changed if quad in tally.store}
            affected = self._affected(((changed - added, stores.before), (added, stores.after)), most)
            if not affected:
                return
            subjects |= affected
            delta = Delta()
            for part in parts(subjects):
                new, gone = self._differing(tally.store, stores.after, scratch, part, most)
                delta.added |= new
                delta.removed |= gone
            if not delta:
                return
            tally.make(delta)
            changed = {Quad(q.subject, q.predicate, q.object) for q in delta.added | delta.removed}
        raise Unbounded("the rules do not come to rest")

    def _differing(
        self, store: Store, known: Quads, scratch: Scratch, subjects: set[Term], most: int
    ) -> tuple[set[Quad], set[Quad]]:
        """What the rules conclude of these subjects and did not, and what they did conclude and no longer do."""
        concluded = scratch.conclude(self._support(known, subjects, most))
        # A literal or blank node that a rule would describe is none of ours.
        compared = set(self._with_made(known, concluded, subjects))
        old = {
            quad
            for s in compared
            if isinstance(s, NamedNode)
            for quad in store.quads_for_pattern(s, None, None, DERIVED_GRAPH)
        }
        fresh = {quad for quad in concluded if quad.subject in compared}
        return fresh - old, old - fresh

    def _affected(self, changes: Iterable[tuple[Iterable[Quad], Quads]], most: int) -> set[Term]:
        """The subjects for which what is gone mattered where it was, or what is new does where it is."""
        found: set[Term] = set()
        for quad, store in ((quad, store) for quads, store in changes for quad in quads):
            found.update(node for node in self._by_predicate.affected(store, quad) if isinstance(node, NamedNode))
            if len(found) > most:
                raise Unbounded("the change affects too much")
        return found

    def _support(self, store: Quads, subjects: set[Term], most: int) -> Iterator[Quad]:
        """What the graphs say that matters for these subjects, and for those about which something derived does."""
        todo, known = list(subjects), set(subjects)
        said: dict[Quad, bool] = {}
        while todo:
            derived_of = set(self._makers(store, todo[-1]))
            for quad in self._all_support(store, todo.pop()):
                if quad not in said:
                    said[quad] = _is_said(store, quad)
                if not said[quad]:
                    derived_of.add(quad.subject)
            new = {node for node in derived_of - known if isinstance(node, NamedNode)}
            known |= new
            todo += new
            if len(known) > most:
                raise Unbounded("what matters for the change is too much")
        return (quad for quad, is_said in said.items() if is_said)

    def _all_support(self, store: Quads, node: Term) -> Iterator[Quad]:
        return self._by_predicate.support(store, node)

    def _makers(self, store: Quads, node: Term) -> Iterator[Term]:
        """What a node was made of, if a rule made it."""
        for lead in self._leads:
            yield from (quad.subject for quad in store.quads_for_pattern(None, lead, node, DERIVED_GRAPH))

    def _with_made(self, store: Quads, concluded: set[Quad], subjects: set[Term]) -> Iterator[Term]:
        """The subjects, and what the rules make of them or made."""
        todo, known = list(subjects), set(subjects)
        leading: dict[Term, list[Term]] = {}
        for quad in concluded:
            if quad.predicate in self._leads:
                leading.setdefault(quad.subject, []).append(quad.object)
        while todo:
            subject = todo.pop()
            yield subject
            made = list(leading.get(subject, ()))
            for lead in self._leads:
                found = store.quads_for_pattern(subject, lead, None, DERIVED_GRAPH)
                made += [quad.object for quad in found]
            for node in made:
                if node not in known and isinstance(node, NamedNode):
                    known.add(node)
                    todo.append(node)


def _is_said(store: Quads, quad: Quad) -> bool:
    """Whether a graph says it, and not only the rules."""
    found = store.quads_for_pattern(quad.subject, quad.predicate, quad.object, None)
    return any(
        isinstance(other.graph_name, NamedNode)
        and other.graph_name != DERIVED_GRAPH
        and other.graph_name not in NOT_DATA
        for other in found
    )
