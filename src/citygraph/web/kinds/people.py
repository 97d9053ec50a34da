"""The page of a person: offices on a line of years, events with the office held that day, what was done and said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from pyoxigraph import NamedNode

from citygraph.describe import Description
from citygraph.pictures.axis import Lane
from citygraph.terms import CG
from citygraph.web.kinds.deeds import TOLD_OF, attendances, deeds
from citygraph.web.kinds.ground import Ground, Layout, text_of
from citygraph.web.kinds.tenures import Tenure, bar_of, read_tenures, years
from citygraph.web.pages.values import Text

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
