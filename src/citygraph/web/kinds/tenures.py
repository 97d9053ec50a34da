"""Who held the office of mayor of a place, and when a source shows them in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup
from pyoxigraph import NamedNode

from citygraph.charts.axis import Bar, Lane, axis
from citygraph.charts.svg import Caption
from citygraph.rdf.terms import CG
from citygraph.text import collation_key
from citygraph.web.kinds.acts import span_of
from citygraph.web.kinds.drawing import NARROW
from citygraph.web.kinds.page_context import Bindings, PageContext, text_of, validity
from citygraph.web.kinds.ties import dates_of, facts_by_subject
from citygraph.web.view.cells import Cell, SourceNote
from citygraph.web.view.time_spans import span, span_between, year_of
from citygraph.web.view.values import Text, date


@dataclass(frozen=True, slots=True)
class Attestation:
    """A time at some moment of which an office was held: a day, or days that bound it; `at` is the event, if one."""

    start: str
    end: str
    at: Text | None


@dataclass(frozen=True, slots=True)
class MayorTenure:
    """One person's holding of the office; `start` and `end` are "" where no source gives them."""

    tenure: Text
    holder: Text
    post: Text
    start: str
    end: str
    shown: tuple[Attestation, ...]
    validity: str = ""  # on the day that is looked at

    @property
    def first(self) -> str:
        """The first date on which it is known to have been held, or ""."""
        return min((d for d in (self.start, self.end, *(s.start or s.end for s in self.shown)) if d), default="")


def read_mayors(context: PageContext, iri: str) -> tuple[MayorTenure, ...]:
    """The mayors of a place, the first first; two queries."""
    place = NamedNode(iri)
    rows = context.ask("mayors", place=place)
    events = _events(context, place)
    who = {text_of(row.get("tenure")): row for row in rows}
    found = []
    for tenure, facts in facts_by_subject(rows, "tenure").items():
        days = tuple(Attestation(day, "", None) for day in dates_of(facts, "attestedOn"))
        starts, ends = dates_of(facts, "startDate"), dates_of(facts, "endDate")
        link = context.table.link
        found.append(
            MayorTenure(
                link(tenure),
                link(text_of(who[tenure].get("holder"))),
                link(text_of(who[tenure].get("post"))),
                starts[0] if starts else "",
                ends[0] if ends else "",
                (*days, *events.get(tenure, ())),
                validity(context, starts, ends, _days((*days, *events.get(tenure, ())))),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.first or "9999", one.holder.text)))


def _days(shown: Iterable[Attestation]) -> tuple[str, ...]:
    """The dates between which they are shown."""
    return tuple(date for one in shown for date in (one.start, one.end) if date)


def _events(context: PageContext, place: NamedNode) -> Mapping[str, tuple[Attestation, ...]]:
    """The events at which mayors are shown, by tenure."""
    rows = context.ask("mayors-shown", place=place)
    tenures: dict[str, set[str]] = {}
    for row in rows:
        tenures.setdefault(text_of(row.get("tenure")), set()).add(text_of(row.get("event")))
    spans = {event: span_of(facts) for event, facts in facts_by_subject(rows, "event").items()}
    return {
        tenure: tuple(Attestation(*spans[event][:2], context.table.link(event)) for event in sorted(events))
        for tenure, events in tenures.items()
    }


_HOLDER, _POST, _START, _END, _SHOWN = (
    CG(name).value for name in ("holder", "post", "startDate", "endDate", "attestedOn")
)
_UNDATED = "9999"

Sources = Mapping[str, Mapping[str, set[str]]]  # of one tenure: by property, then by value


@dataclass(frozen=True, slots=True)
class Tenure:
    """One person's holding of one post. `starts` and `ends` are the dates that sources give, the most precise first.

    `validity` says that it was not yet or no longer held, or is not shown, on the day that is looked at.
    """

    name: Text
    holder: Text
    post: Text
    post_iri: str
    starts: tuple[Cell, ...]
    ends: tuple[Cell, ...]
    shown: tuple[Attestation, ...]
    notes: tuple[SourceNote, ...]
    validity: str = ""

    @property
    def start(self) -> str:
        """The most precise date of its beginning, or ""."""
        return self.starts[0].texts[0].time if self.starts else ""

    @property
    def end(self) -> str:
        """The most precise date of its end, or ""."""
        return self.ends[0].texts[0].time if self.ends else ""

    @property
    def first(self) -> str:
        """The first date on which it is known to have been held, or ""."""
        return min((d for d in (self.start, self.end, *(s.start or s.end for s in self.shown)) if d), default="")


def read_tenures(context: PageContext, dated: Iterable[Bindings], shown: Iterable[Bindings]) -> tuple[Tenure, ...]:
    """The tenures of two queries' rows, the first first: what sources say of each, and the events that show it."""
    known: dict[str, dict[str, dict[str, set[str]]]] = {}
    for row in dated:
        values = known.setdefault(text_of(row.get("tenure")), {}).setdefault(text_of(row.get("property")), {})
        values.setdefault(text_of(row.get("value")), set()).add(text_of(row.get("source")))
    events = _tenure_events(context, shown)
    found = [_tenure(context, iri, sources, events.get(iri, ())) for iri, sources in known.items()]
    return tuple(sorted(found, key=lambda one: (one.first or _UNDATED, collation_key(one.name.text))))


def years(
    context: PageContext, lanes: Sequence[Lane], title: str, name: str = "offices"
) -> tuple[Markup, Markup] | None:
    """The lanes on a line of years, and the same for a telephone; None where nothing has a time."""
    lanes = [lane for lane in lanes if lane.bars]
    if not lanes:
        return None
    described = context.translations(
        "Timeline. A bar is a term of office as documented by the sources; gaps are undocumented. The table "
        "below has the same data."
    )
    caption, until = Caption(title, described, context.translations.language), year_of(context.today)
    day = year_of(context.at) if context.at else None
    whole, near = (axis(lanes, caption, until, *size) for size in ((name, day), (f"{name}-near", day, 2.0 * NARROW)))
    return whole, near


def bar_of(context: PageContext, tenure: Tenure, label: Text) -> Bar | None:
    """A tenure as a bar named `called`, faint where it does not stand on the day asked about; None without a time."""
    start, end = span(tenure.start), span(tenure.end)
    known = tuple(s for one in tenure.shown if (s := span_between(one.start, one.end)))
    if not (start or end or known):
        return None
    description = ", ".join(filter(None, [label.text, *_dates_in_words(context, tenure), tenure.validity]))
    return Bar(label.text, start, end, description, label.language, label.href, known, bool(tenure.validity))


def _validity(context: PageContext, tenure: Tenure) -> str:
    starts, ends = ([cell.texts[0].time for cell in cells] for cells in (tenure.starts, tenure.ends))
    shown = (day for one in tenure.shown for day in (one.start, one.end) if day)
    return validity(context, starts, ends, shown)


def _dates_in_words(context: PageContext, tenure: Tenure) -> Iterable[str]:
    """The dates that a bar stands for, in words."""
    _ = context.translations
    if tenure.start:
        yield _("from {date}", date=date(tenure.start, _))
    if tenure.end:
        yield _("until {date}", date=date(tenure.end, _))
    for day in () if tenure.start or tenure.end else dict.fromkeys(s.start or s.end for s in tenure.shown):
        yield _("in office: {date}", date=date(day, _)) if day else _("in office at an undated event")


def _tenure(context: PageContext, iri: str, facts: Sources, events: tuple[Attestation, ...]) -> Tenure:
    link = context.table.link
    holder, post = (next(iter(facts.get(name, ())), "") for name in (_HOLDER, _POST))
    days = tuple(Attestation(day, "", None) for day in sorted(facts.get(_SHOWN, ())))
    # A day that an event has too is told with the event.
    of_events = {attestation.start for attestation in events if attestation.start and not attestation.end}
    every = sorted({source for values in facts.values() for sources in values.values() for source in sources})
    tenure = Tenure(
        link(iri), link(holder), link(post), post,
        _dates(context, facts.get(_START, {})), _dates(context, facts.get(_END, {})),
        (*(day for day in days if day.start not in of_events), *events), context.table.notes(every),
    )  # fmt: skip
    return replace(tenure, validity=_validity(context, tenure))


def _dates(context: PageContext, sources: Mapping[str, set[str]]) -> tuple[Cell, ...]:
    order = sorted(sources, key=lambda lexical: (-len(lexical), lexical))
    notes = context.table.notes
    return tuple(Cell((Text(date(day, context.translations), time=day),), notes(sorted(sources[day]))) for day in order)


def _tenure_events(context: PageContext, rows: Iterable[Bindings]) -> Mapping[str, tuple[Attestation, ...]]:
    """When and at which events each tenure is shown, in order of time."""
    rows = list(rows)
    facts = facts_by_subject(rows, "event")
    shown: dict[str, dict[str, Attestation]] = {}
    for row in rows:
        event = text_of(row.get("event"))
        start, end, _ = span_of(facts[event])
        attestation = Attestation(start, end, context.table.link(event))
        shown.setdefault(text_of(row.get("tenure")), {})[event] = attestation
    return {
        tenure: tuple(sorted(events.values(), key=lambda one: one.start or one.end or _UNDATED))
        for tenure, events in shown.items()
    }
