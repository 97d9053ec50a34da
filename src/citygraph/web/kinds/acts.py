"""Events with their dates, and the participation and acts of agents at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pyoxigraph import Literal, NamedNode

from citygraph.graph.labels import is_in
from citygraph.graph.things import Facts, selected
from citygraph.rdf.terms import CG, RDF
from citygraph.web.kinds.page_context import Bindings, PageContext, not_yet, text_of
from citygraph.web.kinds.ties import dates_of, facts_by_subject
from citygraph.web.view.cells import Cell
from citygraph.web.view.values import Text, literal_text

_TYPE = RDF("type").value
_EVENT, _SOURCE = CG("Event").value, CG("Source").value
_DATES = tuple(CG(name).value for name in ("startDate", "endDate", "notBefore", "notAfter", "attestedOn"))
_TAKES_PLACE_IN, _ABOUT, _ANNIVERSARY_OF, _PARTY = (
    CG(name).value for name in ("takesPlaceIn", "about", "anniversaryOf", "party")
)


class Event(NamedTuple):
    """An event. `start` and `end` are lexical dates or "".

    They are the event's own dates or, if `bounded`, the days between which it took place.
    """

    name: Text
    kind: str
    start: str
    end: str
    bounded: bool
    validity: str = ""  # "not yet" on the day that is looked at

    @property
    def when(self) -> str:
        """The date by which events are sorted."""
        return self.start or self.end


def read_events(context: PageContext, facts_by_event: Mapping[str, Facts]) -> tuple[Event, ...]:
    """Returns events, the oldest first, undated ones last."""
    events = (_event(context, iri, facts) for iri, facts in facts_by_event.items())
    sort_key = context.translations.sort_key
    return tuple(sorted(events, key=lambda one: (one.when or "9999", sort_key(one.name.text))))


def events_of_place(context: PageContext, place: str) -> dict[str, Facts]:
    """Returns the dates and classes of the events that take place in a place or are about it.

    Those about one of its agreements, or that celebrate one, count too.
    """
    things = context.opened.things
    own = [iri for name in (_TAKES_PLACE_IN, _ABOUT) for iri in things.subjects(name, place)]
    of_agreements = [
        iri
        for agreement in things.subjects(_PARTY, place)
        for name in (_ABOUT, _ANNIVERSARY_OF)
        for iri in things.linking(agreement).get(name, ())
    ]
    every = ((iri, things.facts(iri)) for iri in sorted({*own, *of_agreements}))
    # Documents are about things too.
    shown = ((iri, _of_event(facts)) for iri, facts in every if _SOURCE not in facts.get(_TYPE, ()))
    return {iri: facts for iri, facts in shown if facts}


def _of_event(facts: Facts) -> Facts:
    kinds = tuple(kind for kind in facts.get(_TYPE, ()) if kind.startswith(CG))
    return {**selected(facts, _DATES), **({_TYPE: kinds} if kinds else {})}


def span_of(facts: Facts) -> tuple[str, str, bool]:
    """Returns the start, the end and whether both only bound the event.

    An event's own dates come first, then the days that bound it, then a day on which it is attested.
    """
    starts, ends, attested = (dates_of(facts, name) for name in ("startDate", "endDate", "attestedOn"))
    after, before = dates_of(facts, "notBefore"), dates_of(facts, "notAfter")
    if starts:
        return starts[0], ends[0] if ends else "", False
    if after or before:
        return next(iter(after), ""), next(iter(before), ""), True
    return (attested[0], "", False) if attested else ("", "", False)


def _event(context: PageContext, iri: str, facts: Facts) -> Event:
    # The kind names the most specific classes; every event is an Event, so that class is omitted.
    types = facts.get(_TYPE, ())
    above = {b for t in types for b in list(context.opened.vocabulary.broader_classes(t))[1:]}
    own = sorted(t for t in types if t not in above and t != _EVENT)
    kinds = [context.table.link(t).text for t in own]
    start, end, bounded = span_of(facts)
    stands = not_yet(context, [date for date in (start or end,) if date])
    return Event(context.table.link(iri), ", ".join(kinds), start, end, bounded, stands)


_EVENT_TYPE, _AT, _SUMMARY = RDF("type").value, CG("at").value, CG("summary").value
_TAKING_PART = frozenset(CG(name).value for name in ("participant", "host", "moderator", "organiser"))
_ACTOR, _RECIPIENT = CG("actor").value, CG("recipient").value
LINKS_OF_AGENTS = _TAKING_PART | {_ACTOR, _RECIPIENT}
# Sorts after every year.
_UNDATED = "9999"


@dataclass(frozen=True, slots=True)
class Attendance:
    """An event with the roles of an agent in it, each with its sources, and the offices that the agent held then."""

    event: Event
    parts: tuple[Cell, ...]
    offices: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """An act or a statement: its name, its kind, and a summary from each source."""

    name: Text
    kind: str
    summaries: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ActsAtEvent:
    """The acts of an agent at one event, or without a known event."""

    event: Event | None
    acts: tuple[Act, ...]


def attendances(
    context: PageContext, agent: NamedNode, offices: Mapping[str, tuple[Text, ...]]
) -> tuple[Attendance, ...]:
    """Returns the events in which an agent took part, the oldest first; two queries.

    `offices` are those held, by event.
    """
    dated = facts_by_subject(context.ask("taken-part-dates", agent=agent), "event")
    events = {iri: _event(context, iri, facts) for iri, facts in dated.items()}
    parts = sources_by(context.ask("taken-part", agent=agent), "event")
    attended = [
        Attendance(events[iri], cells_of(context, parts[iri]), offices.get(iri, ())) for iri in parts if iri in events
    ]
    # The name is the tie-break, so that the order does not depend on the store.
    sort_key = context.translations.sort_key
    return tuple(sorted(attended, key=lambda one: (one.event.when or _UNDATED, sort_key(one.event.name.text))))


def sources_by(rows: list[Bindings], subject: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Groups rows of a subject, a property and a source by subject and property."""
    grouped: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows:
        by_property = grouped.setdefault(text_of(row.get(subject)), {})
        name = text_of(row.get("property"))
        by_property[name] = (*by_property.get(name, ()), text_of(row.get("source")))
    return grouped


def cells_of(context: PageContext, sources: Mapping[str, tuple[str, ...]]) -> tuple[Cell, ...]:
    """Returns a cell with the name and the sources of each property."""
    table = context.table
    return tuple(
        Cell((Text(table.link(name).text),), table.notes(origins)) for name, origins in sorted(sources.items())
    )


def read_acts(context: PageContext, agent: NamedNode, events: tuple[Attendance, ...]) -> tuple[ActsAtEvent, ...]:
    """Returns the acts and statements of an agent, by event; one query."""
    rows = context.ask("acts-of", agent=agent)
    by_act: dict[str, list[Bindings]] = {}
    for row in rows:
        by_act.setdefault(text_of(row.get("act")), []).append(row)
    attended = {attendance.event.name.href: attendance.event for attendance in events}
    by_event: dict[str, list[Act]] = {}
    for iri, group in by_act.items():
        at = next((text_of(row.get("value")) for row in group if text_of(row.get("property")) == _AT), "")
        by_event.setdefault(at, []).append(_act(context, iri, group))
    link = context.table.link
    groups = [
        ActsAtEvent(attended.get(link(at).href) or Event(link(at), "", "", "", False) if at else None, tuple(group))
        for at, group in by_event.items()
    ]
    return tuple(sorted(groups, key=lambda one: (one.event.when if one.event else "") or _UNDATED))


def _act(context: PageContext, iri: str, rows: list[Bindings]) -> Act:
    link = context.table.link
    types = {text_of(row.get("value")) for row in rows if text_of(row.get("property")) == _EVENT_TYPE}
    above = {wide for type_ in types for wide in list(context.opened.vocabulary.broader_classes(type_))[1:]}
    kinds = [link(type_).text for type_ in sorted(types - above)]
    # An act that the agent only received is marked as such: "addressed to" is not its own act.
    addressed = all(text_of(row.get("as")) == _RECIPIENT for row in rows)
    kinds += [link(_RECIPIENT).text] if addressed else []
    return Act(link(iri), ", ".join(kinds), _summaries(context, rows))


def _summaries(context: PageContext, rows: list[Bindings]) -> tuple[Cell, ...]:
    """Returns the summaries in the reader's language, or all if there are none in it."""
    summaries: dict[Literal, set[str]] = {}
    for row in rows:
        value = row.get("value")
        if text_of(row.get("property")) == _SUMMARY and isinstance(value, Literal):
            summaries.setdefault(value, set()).add(text_of(row.get("source")))
    mine = [value for value in summaries if is_in(value, context.translations.language)] or list(summaries)
    notes = context.table.notes
    return tuple(Cell((literal_text(value, context.translations),), notes(sorted(summaries[value]))) for value in mine)
