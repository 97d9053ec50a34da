"""What the rules conclude, brought up to date from a change alone: exactly as if they were run anew.

For each changed triple the rules' own patterns tell which subjects it may make a rule conclude something else about.
Everything that matters for those is copied into a small store in memory, and all rules are run on it, in order. Where
what matters was itself derived, its subject is worked out there too. What changes by that may affect others again,
until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pyoxigraph import NamedNode, Quad, Store

from citygraph.rules import Rule, derive, derive_anew
from citygraph.terms import DERIVED_GRAPH, ONTOLOGY_GRAPH
from citygraph.writing.change import Delta
from citygraph.writing.dependencies import Query, Reach, Term, Unbounded, Variable, read_query
from citygraph.writing.tally import NOT_DATA, Tally

# Beyond these, running the rules anew costs less than looking around each subject.
_MOST_CHANGED = 3000
_MOST_SUBJECTS = 20_000
_MOST_ROUNDS = 12


@dataclass(frozen=True)
class _Stores:
    """The store before the change, and the one that has it."""

    before: Store
    after: Store


class Deriver:
    """The rules, taken apart once."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._reaches: list[Reach] = []
        self._leads: set[NamedNode] = set()  # predicates by which a rule leads to a node that it makes itself
        self.is_local = True
        try:
            for rule in rules:
                self._take_apart(read_query(rule.text))
        except Unbounded:
            self.is_local = False

    def follow(self, tally: Tally, before: Store) -> None:
        """Make the derived graph what the rules conclude now. `before` is the store as it was."""
        changed = tally.added | tally.removed
        if not self.is_local or len(changed) > _MOST_CHANGED:
            self.follow_wholly(tally)
            return
        try:
            self._follow_locally(tally, _Stores(before, tally.store), changed)
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

    def _follow_locally(self, tally: Tally, stores: _Stores, changed: set[Quad]) -> None:
        subjects: set[Term] = set()
        for _ in range(_MOST_ROUNDS):
            new = self._affected(stores, changed) - subjects
            subjects |= new
            if not subjects:
                return
            concluded = self._conclude(stores.after, subjects)
            # A literal or blank node that a rule would describe is none of ours.
            compared = set(self._with_made(stores.after, concluded, subjects))
            old = {
                quad
                for s in compared
                if isinstance(s, NamedNode)
                for quad in stores.after.quads_for_pattern(s, None, None, DERIVED_GRAPH)
            }
            fresh = {quad for quad in concluded if quad.subject in compared}
            delta = Delta(fresh - old, old - fresh)
            if not delta and not new:
                return
            tally.make(delta)
            changed = {Quad(q.subject, q.predicate, q.object) for q in delta.added | delta.removed}
        raise Unbounded("the rules do not come to rest")

    def _affected(self, stores: _Stores, changed: Iterable[Quad]) -> set[Term]:
        found: set[Term] = set()
        for quad in changed:
            for reach in self._reaches:
                for store in (stores.before, stores.after):
                    found.update(node for node in reach.affected(store, quad) if isinstance(node, NamedNode))
            if len(found) > _MOST_SUBJECTS:
                raise Unbounded("the change affects too much")
        return found

    def _conclude(self, store: Store, subjects: set[Term]) -> set[Quad]:
        """What the rules conclude from all that matters for these subjects."""
        scratch = Store()
        scratch.bulk_extend(store.quads_for_pattern(None, None, None, ONTOLOGY_GRAPH))
        scratch.add_graph(ONTOLOGY_GRAPH)
        scratch.extend(self._support(store, subjects))
        return derive(self._rules, scratch)

    def _support(self, store: Store, subjects: set[Term]) -> Iterator[Quad]:
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
            if len(known) > _MOST_SUBJECTS:
                raise Unbounded("what matters for the change is too much")
        return (quad for quad, is_said in said.items() if is_said)

    def _all_support(self, store: Store, node: Term) -> Iterator[Quad]:
        for reach in self._reaches:
            yield from reach.support(store, node)

    def _makers(self, store: Store, node: Term) -> Iterator[Term]:
        """What a node was made of, if a rule made it."""
        for lead in self._leads:
            yield from (quad.subject for quad in store.quads_for_pattern(None, lead, node, DERIVED_GRAPH))

    def _with_made(self, store: Store, concluded: set[Quad], subjects: set[Term]) -> Iterator[Term]:
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
                found = store.quads_for_pattern(subject, lead, None, DERIVED_GRAPH)  # type: ignore[arg-type]
                made += [quad.object for quad in found]
            for node in made:
                if node not in known and isinstance(node, NamedNode):
                    known.add(node)
                    todo.append(node)


def _is_said(store: Store, quad: Quad) -> bool:
    """Whether a graph says it, and not only the rules."""
    found = store.quads_for_pattern(quad.subject, quad.predicate, quad.object, None)
    return any(
        isinstance(other.graph_name, NamedNode)
        and other.graph_name != DERIVED_GRAPH
        and other.graph_name not in NOT_DATA
        for other in found
    )
