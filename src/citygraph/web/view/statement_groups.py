"""The statements of a graph by class and subject: the number of each class, and one page of subjects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby, islice

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad

from citygraph.errors import NotFound
from citygraph.graph.description import Node, Statements, Value
from citygraph.rdf.terms import CG, RDF
from citygraph.web.view.release_cache import OpenRelease

SUBJECTS_PER_PAGE = 100  # subjects on a page
# Statements of a graph whose subjects are sorted by class; a larger graph is paged in the order of the store.
_MOST_SORTED = 50_000
_TYPE = RDF("type")

SubjectStatements = tuple[
    str, tuple[Statements, ...], tuple[Node, ...]
]  # a subject, its statements, and its hash nodes


@dataclass(frozen=True)
class SubjectGroup:
    """Subjects of one class (an IRI, or "" for those without a class of ours), and their number in the graph."""

    kind: str
    total: int
    subjects: tuple[SubjectStatements, ...]

    @property
    def name(self) -> str:
        """The name of the class in an address."""
        return class_slug(self.kind)


@dataclass(frozen=True)
class StatementPage:
    """One page of the statements of a graph; `kinds` are all classes with their numbers, empty for a large graph."""

    kinds: tuple[tuple[str, int], ...]
    groups: tuple[SubjectGroup, ...]
    more: bool


def class_slug(kind: str) -> str:
    """Returns the name of a class in an address, such as "City"."""
    return kind.removeprefix(CG) or "other"


def statement_page(opened: OpenRelease, graph: str, page: int, kind: str = "") -> StatementPage:
    """Returns a page of the statements of a graph, of one class if it is named.

    The hash nodes of its own document are left out: they are shown as its parts. Raises NotFound for an empty page.
    """
    count = opened.release.manifest.graphs.get(graph, 0)
    listed = (
        _sorted(opened, graph, page, kind) if count <= _MOST_SORTED else _in_store_order(opened, graph, page, count)
    )
    if (page > 1 or kind) and not listed.groups:
        raise NotFound(f"{graph} has no such page of statements")
    return listed


def _sorted(opened: OpenRelease, graph: str, page: int, kind: str) -> StatementPage:
    # Classifying all subjects takes a lookup for each: it is done once per release.
    subjects = opened.graph_subjects.get(graph)
    if subjects is None:
        subjects = opened.graph_subjects[graph] = _subjects(opened, graph)
    kinds = Counter(one for one, _ in subjects)
    chosen = [(one, iri) for one, iri in subjects if not kind or class_slug(one) == kind]
    first = (page - 1) * SUBJECTS_PER_PAGE
    groups = tuple(
        SubjectGroup(one, kinds[one], tuple(_subject_statements(opened, graph, iri) for _, iri in members))
        for one, members in groupby(chosen[first : first + SUBJECTS_PER_PAGE], key=lambda pair: pair[0])
    )
    return StatementPage(tuple(sorted(kinds.items(), key=_by_number)), groups, len(chosen) > first + SUBJECTS_PER_PAGE)


def _by_number(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _subjects(opened: OpenRelease, graph: str) -> list[tuple[str, str]]:
    """Returns the subjects of a graph with their classes, the most frequent class first."""
    own = graph + "#"
    quads = opened.quick.quads_for_pattern(None, None, None, NamedNode(graph))
    # Hash nodes are shown within their subject, not as subjects of their own.
    iris: set[str] = set()
    parts: set[str] = set()
    for quad in quads:
        if isinstance(quad.subject, NamedNode):
            iris.add(quad.subject.value)
            if isinstance(quad.object, NamedNode) and quad.object.value.startswith(f"{quad.subject.value}#"):
                parts.add(quad.object.value)
    classed = [(_kind(opened, iri), iri) for iri in iris - parts if iri != graph and not iri.startswith(own)]
    kinds = Counter(kind for kind, _ in classed)
    return sorted(classed, key=lambda pair: (_by_number((pair[0], kinds[pair[0]])), pair[1]))


def _kind(opened: OpenRelease, iri: str) -> str:
    """Returns the most specific class of ours of an entity in any graph, the first by name if there are several."""
    quads = opened.quick.quads_for_pattern(NamedNode(iri), _TYPE, None, DefaultGraph())
    types = {q.object.value for q in quads if isinstance(q.object, NamedNode) and q.object.value.startswith(CG)}
    above = {b for t in types for b in list(opened.vocabulary.broader_classes(t))[1:]}
    return min(types - above, default="")


def _subject_statements(opened: OpenRelease, graph: str, iri: str) -> SubjectStatements:
    def of(subject: str) -> tuple[Statements, ...]:
        return _statements(opened.quick.quads_for_pattern(NamedNode(subject), None, None, NamedNode(graph)))

    statements = of(iri)
    parts = [v.iri for s in statements for v in s.values if v.iri.startswith(f"{iri}#")]
    return iri, statements, tuple(Node(part, of(part)) for part in dict.fromkeys(parts))


def _in_store_order(opened: OpenRelease, graph: str, page: int, count: int) -> StatementPage:
    # A graph has no more subjects than statements: what lies beyond need not be looked for.
    if (page - 1) * SUBJECTS_PER_PAGE > count:
        return StatementPage((), (), more=False)
    quads = opened.store.quads_for_pattern(None, None, None, NamedNode(graph))
    # The store's index by graph goes by subject first, so the statements of a subject are adjacent.
    by_subject = groupby(quads, key=lambda quad: quad.subject)
    own = graph + "#"
    subjects = []
    more = False
    for place, (subject, group) in enumerate(islice(by_subject, page * SUBJECTS_PER_PAGE + 1)):
        if place == page * SUBJECTS_PER_PAGE:
            more = True
        elif (
            place >= (page - 1) * SUBJECTS_PER_PAGE
            and isinstance(subject, NamedNode)
            and not subject.value.startswith(own)
        ):
            subjects.append((subject.value, _statements(list(group)), ()))
    return StatementPage(
        (), (SubjectGroup("", count, tuple(sorted(subjects, key=lambda one: one[0]))),) if subjects else (), more
    )


def _statements(quads: Iterable[Quad]) -> tuple[Statements, ...]:
    by_predicate: dict[str, list[Value]] = {}
    for quad in quads:
        if isinstance(quad.object, NamedNode | Literal):
            by_predicate.setdefault(quad.predicate.value, []).append(Value(quad.object, ()))
    return tuple(
        Statements(p, tuple(sorted(by_predicate[p], key=lambda v: v.term.value))) for p in sorted(by_predicate)
    )
