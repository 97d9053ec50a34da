"""Events with what is known of when they were: of a place, of an agreement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from citygraph.rdf.terms import CG, RDF
from citygraph.web.kinds.page_context import Bindings, PageContext, text_of, validity
from citygraph.web.kinds.ties import Facts, dates_of, facts_by_subject
from citygraph.web.view.cells import Cell
from citygraph.web.view.values import Text, literal_text

_TYPE = RDF("type").value
_EVENT = CG("Event").value


@dataclass(frozen=True, slots=True)
class Event:
    """An event. `start` and `end` are lexical dates, or "": days that bound it if `bounded`, for want of its own."""

    name: Text
    kind: str
    start: str
    end: str
    bounded: bool
    validity: str = ""  # "not yet" on the day that is looked at

    @property
    def when(self) -> str:
        """The date by which it stands among others."""
        return self.start or self.end


def read_events(context: PageContext, rows: Iterable[Bindings]) -> tuple[Event, ...]:
    """The events of a query's rows, the oldest first; those without any date last."""
    found = events_by_iri(context, rows).values()
    return tuple(sorted(found, key=lambda one: (one.when or "9999", one.name.text)))


def events_by_iri(context: PageContext, rows: Iterable[Bindings]) -> dict[str, Event]:
    """The same by the IRI of the event, in the order of the rows."""
    return {iri: _event(context, iri, facts) for iri, facts in facts_by_subject(rows, "event").items()}


def span_of(facts: Facts) -> tuple[str, str, bool]:
    """When an event was: its own start and end, else a day on which it is shown, else the days that bound it."""
    starts, ends, shown = (dates_of(facts, name) for name in ("startDate", "endDate", "attestedOn"))
    after, before = dates_of(facts, "notBefore"), dates_of(facts, "notAfter")
    if starts:
        return starts[0], ends[0] if ends else "", False
    if after or before:
        return next(iter(after), ""), next(iter(before), ""), True
    return (shown[0], "", False) if shown else ("", "", False)


def _event(context: PageContext, iri: str, facts: Facts) -> Event:
    types = facts.get(_TYPE, ())
    above = {b for t in types for b in list(context.opened.vocabulary.broader_classes(t))[1:]}
    own = sorted(t for t in types if t not in above and t != _EVENT)
    kinds = [context.table.link(t).text for t in own]
    start, end, bounded = span_of(facts)
    stands = validity(context, [date for date in (start or end,) if date], ())
    return Event(context.table.link(iri), ", ".join(kinds), start, end, bounded, stands)


_EVENT_TYPE, _AT, _SUMMARY = RDF("type").value, CG("at").value, CG("summary").value
_TAKING_PART = frozenset(CG(name).value for name in ("participant", "host", "moderator", "organiser"))
_ACTOR, _RECIPIENT = CG("actor").value, CG("recipient").value
LINKS_OF_AGENTS = _TAKING_PART | {_ACTOR, _RECIPIENT}
_UNDATED = "9999"


@dataclass(frozen=True, slots=True)
class Attendance:
    """An event with the part that somebody had in it; `parts` say as what, with the sources, `offices` those held."""

    event: Event
    parts: tuple[Cell, ...]
    offices: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """Something done or said: what it is called, its kind, and what it was in the words of each source."""

    name: Text
    kind: str
    summaries: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class ActsAtEvent:
    """What was done and said at one event; None is none that a source names."""

    event: Event | None
    acts: tuple[Act, ...]


def attendances(
    context: PageContext, agent: NamedNode, offices: Mapping[str, tuple[Text, ...]]
) -> tuple[Attendance, ...]:
    """The events in which somebody took part, the oldest first; `offices` are those held, by event. Two queries."""
    events = events_by_iri(context, context.ask("taken-part-dates", agent=agent))
    parts = sources_by(context.ask("taken-part", agent=agent), "event")
    found = [
        Attendance(events[iri], cells_of(context, parts[iri]), offices.get(iri, ())) for iri in parts if iri in events
    ]
    return tuple(sorted(found, key=lambda one: (one.event.when or _UNDATED, one.event.name.text)))


def sources_by(rows: list[Bindings], subject: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """The sources of rows with a subject, a property and a source, by subject and property."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows:
        of_one = found.setdefault(text_of(row.get(subject)), {})
        name = text_of(row.get("property"))
        of_one[name] = (*of_one.get(name, ()), text_of(row.get("source")))
    return found


def cells_of(context: PageContext, sources: Mapping[str, tuple[str, ...]]) -> tuple[Cell, ...]:
    """Properties as words, each with who says so."""
    table = context.table
    return tuple(Cell((Text(table.link(name).text),), table.notes(found)) for name, found in sorted(sources.items()))


def read_acts(context: PageContext, agent: NamedNode, events: tuple[Attendance, ...]) -> tuple[ActsAtEvent, ...]:
    """What somebody did and said, by event; one query."""
    rows = context.ask("acts-of", agent=agent)
    by_act: dict[str, list[Bindings]] = {}
    for row in rows:
        by_act.setdefault(text_of(row.get("act")), []).append(row)
    known = {attendance.event.name.href: attendance.event for attendance in events}
    found: dict[str, list[Act]] = {}
    for iri, of_one in by_act.items():
        at = next((text_of(row.get("value")) for row in of_one if text_of(row.get("property")) == _AT), "")
        found.setdefault(at, []).append(_act(context, iri, of_one))
    link = context.table.link
    occasions = [
        ActsAtEvent(known.get(link(at).href) or Event(link(at), "", "", "", False) if at else None, tuple(of_one))
        for at, of_one in found.items()
    ]
    return tuple(sorted(occasions, key=lambda one: (one.event.when if one.event else "") or _UNDATED))


def _act(context: PageContext, iri: str, rows: list[Bindings]) -> Act:
    link = context.table.link
    types = {text_of(row.get("value")) for row in rows if text_of(row.get("property")) == _EVENT_TYPE}
    above = {wide for type_ in types for wide in list(context.opened.vocabulary.broader_classes(type_))[1:]}
    kinds = [link(type_).text for type_ in sorted(types - above)]
    addressed = all(text_of(row.get("as")) == _RECIPIENT for row in rows)
    kinds += [link(_RECIPIENT).text] if addressed else []
    return Act(link(iri), ", ".join(kinds), _summaries(context, rows))


def _summaries(context: PageContext, rows: list[Bindings]) -> tuple[Cell, ...]:
    """What each source says of it, in the reader's language if there is any in that."""
    summaries: dict[Literal, set[str]] = {}
    for row in rows:
        value = row.get("value")
        if text_of(row.get("property")) == _SUMMARY and isinstance(value, Literal):
            summaries.setdefault(value, set()).add(text_of(row.get("source")))
    mine = [value for value in summaries if value.language == context.translations.language] or list(summaries)
    notes = context.table.notes
    return tuple(Cell((literal_text(value, context.translations),), notes(sorted(summaries[value]))) for value in mine)
