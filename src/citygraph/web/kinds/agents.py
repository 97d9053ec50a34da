"""The page of a person: offices on a line of years, events with the office held that day, what was done and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from pyoxigraph import NamedNode

from citygraph.charts.axis import Lane
from citygraph.graph.description import Description
from citygraph.rdf.terms import CG
from citygraph.text import collation_key
from citygraph.web.kinds.acts import TOLD_OF, attendances, deeds
from citygraph.web.kinds.key_facts import particulars
from citygraph.web.kinds.page_context import Ground, Layout, text_of
from citygraph.web.kinds.tenures import Tenure, bar_of, read_tenures, years
from citygraph.web.view.values import Text

_TOLD_OF = TOLD_OF | {CG("holder").value}


@dataclass(frozen=True, slots=True)
class Office:
    """A tenure of the person with the organisation of its post; `heads` if the role leads that organisation."""

    tenure: Tenure
    of: tuple[Text, ...]
    heads: bool


def person(ground: Ground, description: Description) -> Layout:
    """The layout of a person; eight queries."""
    node = NamedNode(description.iri)
    said, shown = ground.ask("tenures", whose=node), ground.ask("tenure-events", whose=node)
    tenures = read_tenures(ground, said, shown)
    events = attendances(ground, node, _held(ground, node))
    values = {
        "offices": _offices(ground, node, tenures),
        "line": _line(ground, ground.registrar.link(description.iri).text, tenures),
        "events": events,
        "occasions": deeds(ground, node, events),
    }
    return Layout("kinds/person.html", values, told_of=_TOLD_OF)


def _offices(ground: Ground, node: NamedNode, tenures: Sequence[Tenure]) -> tuple[Office, ...]:
    heading = {text_of(row.get("role")) for row in ground.ask_once("heading-roles")}
    of: dict[str, list[Text]] = {}
    heads: set[str] = set()
    for row in ground.ask("person-posts", person=node):
        post, organisation = text_of(row.get("post")), text_of(row.get("organisation"))
        if organisation:
            of.setdefault(post, []).append(ground.registrar.link(organisation))
        if text_of(row.get("role")) in heading:
            heads.add(post)
    return tuple(
        Office(tenure, tuple(dict.fromkeys(of.get(tenure.post_iri, ()))), tenure.post_iri in heads)
        for tenure in tenures
    )


def _held(ground: Ground, node: NamedNode) -> Mapping[str, tuple[Text, ...]]:
    """The offices held at each event."""
    found: dict[str, dict[str, Text]] = {}
    for row in ground.ask("offices-at-event", person=node):
        post = text_of(row.get("post"))
        found.setdefault(text_of(row.get("event")), {})[post] = ground.registrar.link(post)
    return {event: tuple(posts.values()) for event, posts in found.items()}


def _line(ground: Ground, name: str, tenures: Sequence[Tenure]) -> tuple[Markup, Markup] | None:
    """All offices in one lane: those held at one time stand in tracks of their own."""
    bars = tuple(bar for tenure in tenures if (bar := bar_of(ground, tenure, tenure.post)))
    return years(ground, [Lane("", bars)], ground.words("Offices of {name}", name=name))


_ORGANISATION_LINKS = TOLD_OF | {CG("of").value}
_PARTICULARS = ("jurisdiction", "seat", "abbreviation", "foundingDate")


@dataclass(frozen=True, slots=True)
class Post:
    """A post of the organisation with those who held it; `heads` if its role leads the organisation."""

    name: Text
    heads: bool
    tenures: tuple[Tenure, ...]


def organisation(ground: Ground, description: Description) -> Layout:
    """The layout of an organisation; seven queries."""
    node = NamedNode(description.iri)
    said = ground.ask("organisation-tenures", organisation=node)
    shown = ground.ask("organisation-tenure-events", organisation=node)
    posts = _posts(ground, node, read_tenures(ground, said, shown))
    events = attendances(ground, node, {})
    told = frozenset(CG(name).value for name in _PARTICULARS)
    values = {
        "particulars": particulars(ground, description, _PARTICULARS),
        "posts": posts,
        "line": _post_line(ground, ground.registrar.link(description.iri).text, posts),
        "events": events,
        "occasions": deeds(ground, node, events),
    }
    return Layout("kinds/organisation.html", values, told, _ORGANISATION_LINKS)


def _posts(ground: Ground, node: NamedNode, tenures: Sequence[Tenure]) -> tuple[Post, ...]:
    """The posts, those at the head first."""
    heading = {text_of(row.get("role")) for row in ground.ask_once("heading-roles")}
    heads: dict[str, bool] = {}
    for row in ground.ask("organisation-posts", organisation=node):
        post = text_of(row.get("post"))
        heads[post] = heads.get(post, False) or text_of(row.get("role")) in heading
    found = (
        Post(ground.registrar.link(iri), at_head, tuple(one for one in tenures if one.post_iri == iri))
        for iri, at_head in heads.items()
    )
    return tuple(sorted(found, key=lambda post: (not post.heads, not post.tenures, collation_key(post.name.text))))


def _post_line(ground: Ground, name: str, posts: Sequence[Post]) -> tuple[Markup, Markup] | None:
    """A lane for each post."""
    lanes = []
    for post in posts:
        bars = tuple(bar for tenure in post.tenures if (bar := bar_of(ground, tenure, tenure.holder)))
        lanes.append(Lane(post.name.text, bars, post.name.language, post.name.href))
    return years(ground, lanes, ground.words("Who held the posts of {name}", name=name))


_OF_POST = ("of", "role")
_OF_TENURE = ("holder", "post")
_TOLD = ("startDate", "endDate", "attestedOn", "attestedAt")


def post(ground: Ground, description: Description) -> Layout:
    """The layout of a post: its holders; two queries."""
    node = NamedNode(description.iri)
    tenures = read_tenures(ground, ground.ask("tenures", whose=node), ground.ask("tenure-events", whose=node))
    return _layout(ground, description, _OF_POST, tenures, frozenset({CG("post").value}))


def tenure(ground: Ground, description: Description) -> Layout:
    """The layout of a tenure: itself on the line; two queries."""
    node = NamedNode(description.iri)
    tenures = read_tenures(ground, ground.ask("tenures", tenure=node), ground.ask("tenure-events", tenure=node))
    return _layout(ground, description, _OF_TENURE, tenures)


def _layout(
    ground: Ground,
    description: Description,
    names: tuple[str, ...],
    tenures: Sequence[Tenure],
    told_of: frozenset[str] = frozenset(),
) -> Layout:
    bars = tuple(bar for one in tenures if (bar := bar_of(ground, one, one.holder)))
    title = ground.words("Holders of the post {name}", name=ground.registrar.link(description.iri).text)
    values = {
        "particulars": particulars(ground, description, names),
        "tenures": tenures,
        "line": years(ground, [Lane("", bars)], title),
    }
    told = frozenset(CG(name).value for name in (*names, *_TOLD))
    return Layout("kinds/post.html", values, told if tenures else frozenset(), told_of)
