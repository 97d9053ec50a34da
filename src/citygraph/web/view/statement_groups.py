"""What a document says: how much of each kind of subject, and one page of it, subject by subject."""

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
_MOST_SORTED = 50_000  # statements of a graph whose subjects are sorted by kind; a larger one is read as it stands
_TYPE = RDF("type")

SubjectStatements = tuple[
    str, tuple[Statements, ...], tuple[Node, ...]
]  # a subject, what is said of it, and its hash nodes


@dataclass(frozen=True)
class SubjectGroup:
    """Subjects of one class (an IRI, or "" for those of none of ours), and how many of them there are in all."""

    kind: str
    total: int
    subjects: tuple[SubjectStatements, ...]

    @property
    def name(self) -> str:
        """What stands for the class in an address."""
        return class_slug(self.kind)


@dataclass(frozen=True)
class StatementPage:
    """One page of what a graph says; `kinds` are all classes with their numbers, none if that was too much to count."""

    kinds: tuple[tuple[str, int], ...]
    groups: tuple[SubjectGroup, ...]
    more: bool


def class_slug(kind: str) -> str:
    """What stands for a class in an address: "City"."""
    return kind.removeprefix(CG) or "other"


def statement_page(opened: OpenRelease, graph: str, page: int, kind: str = "") -> StatementPage:
    """A page of what a graph says, of one kind if it is named.

    The hash nodes of its own document are left out: they are shown as parts of it. Raises NotFound for an empty page.
    """
    count = opened.release.manifest.graphs.get(graph, 0)
    found = _sorted(opened, graph, page, kind) if count <= _MOST_SORTED else _as_it_stands(opened, graph, page, count)
    if (page > 1 or kind) and not found.groups:
        raise NotFound(f"{graph} has no such page of statements")
    return found


def _sorted(opened: OpenRelease, graph: str, page: int, kind: str) -> StatementPage:
    subjects = opened.graph_subjects.get(graph)
    if subjects is None:
        subjects = opened.graph_subjects[graph] = _subjects(opened, graph)
    kinds = Counter(one for one, _ in subjects)
    wanted = [(one, iri) for one, iri in subjects if not kind or class_slug(one) == kind]
    first = (page - 1) * SUBJECTS_PER_PAGE
    groups = tuple(
        SubjectGroup(one, kinds[one], tuple(_said(opened, graph, iri) for _, iri in of_one))
        for one, of_one in groupby(wanted[first : first + SUBJECTS_PER_PAGE], key=lambda pair: pair[0])
    )
    return StatementPage(tuple(sorted(kinds.items(), key=_by_number)), groups, len(wanted) > first + SUBJECTS_PER_PAGE)


def _by_number(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def _subjects(opened: OpenRelease, graph: str) -> list[tuple[str, str]]:
    """The subjects of a graph with their classes, the most frequent class first."""
    own = graph + "#"
    quads = opened.quick.quads_for_pattern(None, None, None, NamedNode(graph))
    iris: set[str] = set()
    parts: set[str] = set()
    for quad in quads:
        if isinstance(quad.subject, NamedNode):
            iris.add(quad.subject.value)
            if isinstance(quad.object, NamedNode) and quad.object.value.startswith(f"{quad.subject.value}#"):
                parts.add(quad.object.value)
    found = [(_kind(opened, iri), iri) for iri in iris - parts if iri != graph and not iri.startswith(own)]
    kinds = Counter(kind for kind, _ in found)
    return sorted(found, key=lambda pair: (_by_number((pair[0], kinds[pair[0]])), pair[1]))


def _kind(opened: OpenRelease, iri: str) -> str:
    """The most specific class of ours of a thing, whoever says so; the first by name where there are several."""
    quads = opened.quick.quads_for_pattern(NamedNode(iri), _TYPE, None, DefaultGraph())
    types = {q.object.value for q in quads if isinstance(q.object, NamedNode) and q.object.value.startswith(CG)}
    above = {b for t in types for b in list(opened.vocabulary.broader_classes(t))[1:]}
    return min(types - above, default="")


def _said(opened: OpenRelease, graph: str, iri: str) -> SubjectStatements:
    def of(subject: str) -> tuple[Statements, ...]:
        return _statements(opened.quick.quads_for_pattern(NamedNode(subject), None, None, NamedNode(graph)))

    statements = of(iri)
    parts = [v.iri for s in statements for v in s.values if v.iri.startswith(f"{iri}#")]
    return iri, statements, tuple(Node(part, of(part)) for part in dict.fromkeys(parts))


def _as_it_stands(opened: OpenRelease, graph: str, page: int, count: int) -> StatementPage:
    # A graph has no more subjects than statements: what lies beyond need not be looked for.
    if (page - 1) * SUBJECTS_PER_PAGE > count:
        return StatementPage((), (), more=False)
    quads = opened.store.quads_for_pattern(None, None, None, NamedNode(graph))
    # The store's index by graph goes by subject first, so equal subjects stand together.
    by_subject = groupby(quads, key=lambda quad: quad.subject)
    own = graph + "#"
    found = []
    more = False
    for place, (subject, group) in enumerate(islice(by_subject, page * SUBJECTS_PER_PAGE + 1)):
        if place == page * SUBJECTS_PER_PAGE:
            more = True
        elif (
            place >= (page - 1) * SUBJECTS_PER_PAGE
            and isinstance(subject, NamedNode)
            and not subject.value.startswith(own)
        ):
            found.append((subject.value, _statements(list(group)), ()))
    return StatementPage(
        (), (SubjectGroup("", count, tuple(sorted(found, key=lambda one: one[0]))),) if found else (), more
    )


def _statements(quads: Iterable[Quad]) -> tuple[Statements, ...]:
    found: dict[str, list[Value]] = {}
    for quad in quads:
        if isinstance(quad.object, NamedNode | Literal):
            found.setdefault(quad.predicate.value, []).append(Value(quad.object, ()))
    return tuple(Statements(p, tuple(sorted(found[p], key=lambda v: v.term.value))) for p in sorted(found))
