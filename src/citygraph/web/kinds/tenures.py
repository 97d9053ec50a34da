"""Tenures of posts and of the office of mayor, with the events that attest them, on a timeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from markupsafe import Markup

from citygraph.charts.axis import WIDE, Bar, Lane, axes
from citygraph.charts.svg import Caption
from citygraph.graph.things import Facts, selected
from citygraph.instance import VOCABULARY
from citygraph.rdf.partial_dates import UNKNOWN_DATE
from citygraph.rdf.terms import CG
from citygraph.text import escaped, trusted
from citygraph.web.kinds.acts import span_of
from citygraph.web.kinds.drawing import NARROW
from citygraph.web.kinds.page_context import ATTESTED_DURING, VALID_DURING, Bindings, PageContext, text_of, validity
from citygraph.web.kinds.ties import dates_of, facts_by_subject
from citygraph.web.view.cells import Cell, SourceNote
from citygraph.web.view.time_spans import span, span_between, year_of
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text, date

_HOLDER, _POST, _START, _END, _ATTESTED, _UNTIL = (
    CG(name).value for name in ("holder", "post", "startDate", "endDate", "attestedOn", "until")
)
_JURISDICTION, _OF, _ROLE, _ATTESTED_AT = (CG(name).value for name in ("jurisdiction", "of", "role", "attestedAt"))
_MAYORS = frozenset(f"{VOCABULARY}ontology/roles/{name}" for name in ("mayor", "governing-mayor"))
_OF_EVENT = tuple(CG(name).value for name in ("startDate", "endDate", "notBefore", "notAfter"))


class Attestation(NamedTuple):
    """A period in which an office was held at some moment: a day, or days that bound it; `at` is the event, if any."""

    start: str
    end: str
    at: Text | None

    def as_html(self, _: Translations) -> Markup:
        """Returns the event with its dates; an end alone only bounds it."""
        dates = _dates_html(self.start, self.end, _)
        if self.at is None:
            return trusted(dates)
        return trusted(f"{self.at.__html__()} ({dates})" if dates else self.at.__html__())


def _dates_html(start: str, end: str, _: Translations) -> str:
    if end and not start:
        return escaped(_("not after {date}", date=date(end, _)))
    times = [f'<time datetime="{escaped(day)}">{escaped(date(day, _))}</time>' for day in (start, end) if day]
    return " – ".join(times)


class MayorTenure(NamedTuple):
    """A person's tenure as mayor; `start` and `end` are "" where no source gives them.

    `has_unknown_end` if it has ended on a date that no source gives.
    """

    holder: Text
    start: str
    end: str
    attestations: tuple[Attestation, ...]
    validity: str = ""  # on the day that is looked at
    has_unknown_end: bool = False

    @property
    def first(self) -> str:
        """The first date on which the office is known to have been held, or ""."""
        return min((d for d in (self.start, self.end, *(s.start or s.end for s in self.attestations)) if d), default="")


def read_mayors(context: PageContext, iri: str) -> tuple[MayorTenure, ...]:
    """Returns the mayors of a place in order of time."""
    things, link = context.opened.things, context.table.link
    # The dates are those of the most precise source: the table of mayors has one date per column.
    tenures = []
    for tenure in _mayoralties(context, iri):
        facts = things.facts(tenure)
        days = tuple(Attestation(day, "", None) for day in dates_of(facts, "attestedOn"))
        starts, ends = dates_of(facts, "startDate"), dates_of(facts, "endDate")
        tenures.append(
            MayorTenure(
                link(facts[_HOLDER][-1]),
                starts[0] if starts else "",
                ends[0] if ends else "",
                (*days, *_attesting_events(context, facts)),
                validity(context, facts),
                not ends and _UNTIL in facts,
            )
        )
    sort_key = context.translations.sort_key
    return tuple(sorted(tenures, key=lambda one: (one.first or "9999", sort_key(one.holder.text))))


def _mayoralties(context: PageContext, place: str) -> list[str]:
    """Returns the tenures of mayors of a place."""
    things = context.opened.things
    posts = {
        post
        for organisation in things.subjects(_JURISDICTION, place)
        for post in things.subjects(_OF, organisation)
        if not _MAYORS.isdisjoint(things.facts(post).get(_ROLE, ()))
    }
    tenures = {tenure for post in posts for tenure in things.subjects(_POST, post)}
    return [tenure for tenure in sorted(tenures) if _HOLDER in things.facts(tenure)]


def _attesting_events(context: PageContext, tenure: Facts) -> Iterator[Attestation]:
    """Yields the dated events that attest a tenure."""
    for event in tenure.get(_ATTESTED_AT, ()):
        facts = selected(context.opened.things.facts(event), _OF_EVENT)
        if facts:
            yield Attestation(*span_of(facts)[:2], context.table.link(event))


_UNDATED = "9999"

Sources = Mapping[str, Mapping[str, set[str]]]  # of one tenure: by property, then by value


@dataclass(frozen=True, slots=True)
class Tenure:
    """A person's tenure of a post. `starts` and `ends` are the dates that sources give, the most precise first.

    `validity` is "not yet", "no longer" or "not documented" on the requested date. An end on an unknown date has a cell
    without a date.
    """

    name: Text
    holder: Text
    post: Text
    post_iri: str
    starts: tuple[Cell, ...]
    ends: tuple[Cell, ...]
    attestations: tuple[Attestation, ...]
    notes: tuple[SourceNote, ...]
    validity: str = ""

    @property
    def start(self) -> str:
        """The most precise start date, or ""."""
        return self.starts[0].texts[0].time if self.starts else ""

    @property
    def end(self) -> str:
        """The most precise end date, or ""."""
        return self.ends[0].texts[0].time if self.ends else ""

    @property
    def first(self) -> str:
        """The first date on which the office is known to have been held, or ""."""
        return min((d for d in (self.start, self.end, *(s.start or s.end for s in self.attestations)) if d), default="")


def read_tenures(
    context: PageContext, dated: Iterable[Bindings], attestations: Iterable[Bindings]
) -> tuple[Tenure, ...]:
    """Returns the tenures of the rows of two queries, in order of time.

    `dated` has the statements of the sources about each tenure, `attestations` the events that attest it.
    """
    by_tenure: dict[str, dict[str, dict[str, set[str]]]] = {}
    for row in dated:
        values = by_tenure.setdefault(text_of(row.get("tenure")), {}).setdefault(text_of(row.get("property")), {})
        values.setdefault(text_of(row.get("value")), set()).add(text_of(row.get("source")))
    events = _tenure_events(context, attestations)
    tenures = [_tenure(context, iri, sources, events.get(iri, ())) for iri, sources in by_tenure.items()]
    return tuple(sorted(tenures, key=lambda one: (one.first or _UNDATED, context.translations.sort_key(one.name.text))))


def years(
    context: PageContext, lanes: Sequence[Lane], title: str, name: str = "offices"
) -> tuple[Markup, Markup] | None:
    """Draws lanes on a timeline, in two sizes for wide and narrow screens; None if nothing has a date."""
    lanes = [lane for lane in lanes if lane.bars]
    if not lanes:
        return None
    described = context.translations(
        "Timeline. A bar is a term of office as documented by the sources; gaps are undocumented. The table "
        "below has the same data."
    )
    caption, until = Caption(title, described, context.translations.language), year_of(context.today)
    day = year_of(context.at) if context.at else None
    whole, near = axes(lanes, caption, until, ((name, WIDE), (f"{name}-near", 2 * NARROW)), day)
    return whole, near


def bar_of(context: PageContext, tenure: Tenure, label: Text) -> Bar | None:
    """Returns the bar of a tenure, faint if it is not valid on the requested date; None without a date."""
    # With an unknown end date, only the start of the tenure is certain.
    start, end = span(tenure.start), span(tenure.end or (tenure.start if tenure.ends else ""))
    attested = tuple(s for one in tenure.attestations if (s := span_between(one.start, one.end)))
    if not (start or end or attested):
        return None
    description = ", ".join(filter(None, [label.text, *_dates_in_words(context, tenure), tenure.validity]))
    return Bar(label.text, start, end, description, label.language, label.href, attested, bool(tenure.validity))


def _validity(context: PageContext, sources: Mapping[str, Mapping[str, set[str]]]) -> str:
    return validity(context, {name: tuple(values) for name, values in sources.items()})


def _dates_in_words(context: PageContext, tenure: Tenure) -> Iterable[str]:
    """Yields the dates of a bar in words."""
    _ = context.translations
    if tenure.start:
        yield _("from {date}", date=date(tenure.start, _))
    if tenure.end:
        yield _("until {date}", date=date(tenure.end, _))
    elif tenure.ends:
        yield _("ended, date unknown")
    # Days on which the office is attested matter only without a start and an end.
    for day in () if tenure.start or tenure.end else dict.fromkeys(s.start or s.end for s in tenure.attestations):
        yield _("in office: {date}", date=date(day, _)) if day else _("in office at an undated event")


def _tenure(context: PageContext, iri: str, facts: Sources, events: tuple[Attestation, ...]) -> Tenure:
    link = context.table.link
    holder, post = (next(iter(facts.get(name, ())), "") for name in (_HOLDER, _POST))
    days = tuple(Attestation(day, "", None) for day in sorted(facts.get(_ATTESTED, ())))
    # A day of attestation that is also the day of an event is shown once, with the event.
    of_events = {attestation.start for attestation in events if attestation.start and not attestation.end}
    stated = (values for name, values in facts.items() if name not in (VALID_DURING, ATTESTED_DURING))
    every = sorted({source for values in stated for sources in values.values() for source in sources})
    tenure = Tenure(
        link(iri),
        link(holder),
        link(post),
        post,
        _dates(context, facts.get(_START, {})),
        _dates(context, facts.get(_END) or facts.get(_UNTIL, {})),
        (*(day for day in days if day.start not in of_events), *events),
        context.table.notes(every),
    )
    return replace(tenure, validity=_validity(context, facts))


def _dates(context: PageContext, sources: Mapping[str, set[str]]) -> tuple[Cell, ...]:
    # The longest lexical form is the most precise.
    order = sorted(sources, key=lambda lexical: (-len(lexical), lexical))
    notes, _ = context.table.notes, context.translations
    unknown = Text(_("ended, date unknown"))
    texts = {day: unknown if day == UNKNOWN_DATE.value else Text(date(day, _), time=day) for day in order}
    return tuple(Cell((texts[day],), notes(sorted(sources[day]))) for day in order)


def _tenure_events(context: PageContext, rows: Iterable[Bindings]) -> Mapping[str, tuple[Attestation, ...]]:
    """Returns the dates and events that attest each tenure, in order of time."""
    rows = list(rows)
    facts = facts_by_subject(rows, "event")
    attestations: dict[str, dict[str, Attestation]] = {}
    for row in rows:
        event = text_of(row.get("event"))
        start, end, _ = span_of(facts[event])
        attestation = Attestation(start, end, context.table.link(event))
        attestations.setdefault(text_of(row.get("tenure")), {})[event] = attestation
    return {
        tenure: tuple(sorted(events.values(), key=lambda one: one.start or one.end or _UNDATED))
        for tenure, events in attestations.items()
    }
