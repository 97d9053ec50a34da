"""Pages of persons, organisations, posts and tenures: offices on a timeline, events, acts and statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from pyoxigraph import NamedNode

from citygraph.charts.axis import Lane
from citygraph.graph.description import Description
from citygraph.rdf.terms import CG
from citygraph.web.kinds.acts import LINKS_OF_AGENTS, attendances, read_acts
from citygraph.web.kinds.key_facts import key_facts
from citygraph.web.kinds.page_context import Layout, PageContext, text_of
from citygraph.web.kinds.tenures import Tenure, bar_of, read_tenures, years
from citygraph.web.view.values import Text

_LINKS_OF_PERSON = LINKS_OF_AGENTS | {CG("holder").value}


@dataclass(frozen=True, slots=True)
class Office:
    """A tenure of a person with the organisation of its post; `heads` if the role leads that organisation."""

    tenure: Tenure
    of: tuple[Text, ...]
    heads: bool


def person(context: PageContext, description: Description) -> Layout:
    """Returns the layout of a person; eight queries."""
    node = NamedNode(description.iri)
    tenures = read_tenures(context, context.ask("tenures", whose=node), context.ask("tenure-events", whose=node))
    events = attendances(context, node, _offices_at_events(context, node))
    values = {
        "offices": _offices(context, node, tenures),
        "line": _line(context, context.table.link(description.iri).text, tenures),
        "events": events,
        "acts": read_acts(context, node, events),
    }
    return Layout("kinds/person.html", values, covered_links=_LINKS_OF_PERSON)


def _offices(context: PageContext, node: NamedNode, tenures: Sequence[Tenure]) -> tuple[Office, ...]:
    # Which roles lead an organisation is the same for all pages of a release.
    heading = {text_of(row.get("role")) for row in context.ask_once("heading-roles")}
    of: dict[str, list[Text]] = {}
    heads: set[str] = set()
    for row in context.ask("person-posts", person=node):
        post, organisation = text_of(row.get("post")), text_of(row.get("organisation"))
        if organisation:
            of.setdefault(post, []).append(context.table.link(organisation))
        if text_of(row.get("role")) in heading:
            heads.add(post)
    return tuple(
        # A post may belong to one organisation through several sources: each is named once.
        Office(tenure, tuple(dict.fromkeys(of.get(tenure.post_iri, ()))), tenure.post_iri in heads)
        for tenure in tenures
    )


def _offices_at_events(context: PageContext, node: NamedNode) -> Mapping[str, tuple[Text, ...]]:
    """Returns the offices held at each event."""
    by_event: dict[str, dict[str, Text]] = {}
    for row in context.ask("offices-at-event", person=node):
        post = text_of(row.get("post"))
        by_event.setdefault(text_of(row.get("event")), {})[post] = context.table.link(post)
    return {event: tuple(posts.values()) for event, posts in by_event.items()}


def _line(context: PageContext, name: str, tenures: Sequence[Tenure]) -> tuple[Markup, Markup] | None:
    """Draws all offices in one lane; simultaneous offices have separate tracks."""
    bars = tuple(bar for tenure in tenures if (bar := bar_of(context, tenure, tenure.post)))
    return years(context, [Lane("", bars)], context.translations("Offices of {name}", name=name))


_LINKS_OF_ORGANISATION = LINKS_OF_AGENTS | {CG("of").value}
_KEY_FACTS = ("jurisdiction", "seat", "abbreviation", "foundingDate")


@dataclass(frozen=True, slots=True)
class PostHolders:
    """A post of an organisation with its holders; `heads` if its role leads the organisation."""

    name: Text
    heads: bool
    tenures: tuple[Tenure, ...]


def organisation(context: PageContext, description: Description) -> Layout:
    """Returns the layout of an organisation; seven queries."""
    node = NamedNode(description.iri)
    dated = context.ask("organisation-tenures", organisation=node)
    attested = context.ask("organisation-tenure-events", organisation=node)
    posts = _posts(context, node, read_tenures(context, dated, attested))
    events = attendances(context, node, {})
    covered = frozenset(CG(name).value for name in _KEY_FACTS)
    values = {
        "key_facts": key_facts(context, description, _KEY_FACTS),
        "posts": posts,
        "line": _post_line(context, context.table.link(description.iri).text, posts),
        "events": events,
        "acts": read_acts(context, node, events),
    }
    return Layout("kinds/organisation.html", values, covered, _LINKS_OF_ORGANISATION)


def _posts(context: PageContext, node: NamedNode, tenures: Sequence[Tenure]) -> tuple[PostHolders, ...]:
    """Returns the posts, those that lead the organisation first."""
    heading = {text_of(row.get("role")) for row in context.ask_once("heading-roles")}
    heads: dict[str, bool] = {}
    for row in context.ask("organisation-posts", organisation=node):
        post = text_of(row.get("post"))
        heads[post] = heads.get(post, False) or text_of(row.get("role")) in heading
    posts = (
        PostHolders(context.table.link(iri), at_head, tuple(one for one in tenures if one.post_iri == iri))
        for iri, at_head in heads.items()
    )
    sort_key = context.translations.sort_key
    return tuple(sorted(posts, key=lambda post: (not post.heads, not post.tenures, sort_key(post.name.text))))


def _post_line(context: PageContext, name: str, posts: Sequence[PostHolders]) -> tuple[Markup, Markup] | None:
    """Draws a lane for each post."""
    lanes = []
    for post in posts:
        bars = tuple(bar for tenure in post.tenures if (bar := bar_of(context, tenure, tenure.holder)))
        lanes.append(Lane(post.name.text, bars, post.name.language, post.name.href))
    return years(context, lanes, context.translations("Holders of the posts of {name}", name=name))


_OF_POST = ("of", "role")
_OF_TENURE = ("holder", "post")
_DATES = ("startDate", "endDate", "until", "attestedOn", "attestedAt", "validDuring", "attestedDuring")


def post(context: PageContext, description: Description) -> Layout:
    """Returns the layout of a post with its holders; two queries."""
    node = NamedNode(description.iri)
    tenures = read_tenures(context, context.ask("tenures", whose=node), context.ask("tenure-events", whose=node))
    return _layout(context, description, _OF_POST, tenures, frozenset({CG("post").value}))


def tenure(context: PageContext, description: Description) -> Layout:
    """Returns the layout of a tenure; two queries."""
    node = NamedNode(description.iri)
    tenures = read_tenures(context, context.ask("tenures", tenure=node), context.ask("tenure-events", tenure=node))
    return _layout(context, description, _OF_TENURE, tenures)


def _layout(
    context: PageContext,
    description: Description,
    names: tuple[str, ...],
    tenures: Sequence[Tenure],
    covered_links: frozenset[str] = frozenset(),
) -> Layout:
    bars = tuple(bar for one in tenures if (bar := bar_of(context, one, one.holder)))
    title = context.translations("Holders of the post {name}", name=context.table.link(description.iri).text)
    values = {
        "key_facts": key_facts(context, description, names),
        "tenures": tenures,
        "line": years(context, [Lane("", bars)], title),
    }
    # Without tenures there is no chart, and the statement table has to show these properties.
    covered = frozenset(CG(name).value for name in (*names, *_DATES))
    return Layout("kinds/post.html", values, covered if tenures else frozenset(), covered_links)
