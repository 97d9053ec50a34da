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
from citygraph.web.kinds.page_context import Ground, Row, standing, text_of
from citygraph.web.kinds.ties import dates_of, facts
from citygraph.web.view.cells import Cell, Mark
from citygraph.web.view.time_spans import span, span_between, year_of
from citygraph.web.view.values import Text, date


@dataclass(frozen=True, slots=True)
class Showing:
    """A time at some moment of which an office was held: a day, or days that bound it; `at` is the event, if one."""

    start: str
    end: str
    at: Text | None


@dataclass(frozen=True, slots=True)
class Holding:
    """One person's holding of the office; `start` and `end` are "" where no source gives them."""

    tenure: Text
    holder: Text
    post: Text
    start: str
    end: str
    shown: tuple[Showing, ...]
    standing: str = ""  # on the day that is looked at

    @property
    def first(self) -> str:
        """The first date on which it is known to have been held, or ""."""
        return min((d for d in (self.start, self.end, *(s.start or s.end for s in self.shown)) if d), default="")


def read_mayors(ground: Ground, iri: str) -> tuple[Holding, ...]:
    """The mayors of a place, the first first; two queries."""
    place = NamedNode(iri)
    rows = ground.ask("mayors", place=place)
    events = _events(ground, place)
    who = {text_of(row.get("tenure")): row for row in rows}
    found = []
    for tenure, said in facts(rows, "tenure").items():
        days = tuple(Showing(day, "", None) for day in dates_of(said, "attestedOn"))
        starts, ends = dates_of(said, "startDate"), dates_of(said, "endDate")
        link = ground.registrar.link
        found.append(
            Holding(
                link(tenure),
                link(text_of(who[tenure].get("holder"))),
                link(text_of(who[tenure].get("post"))),
                starts[0] if starts else "",
                ends[0] if ends else "",
                (*days, *events.get(tenure, ())),
                standing(ground, starts, ends, _days((*days, *events.get(tenure, ())))),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.first or "9999", one.holder.text)))


def _days(shown: Iterable[Showing]) -> tuple[str, ...]:
    """The dates between which they are shown."""
    return tuple(date for one in shown for date in (one.start, one.end) if date)


def _events(ground: Ground, place: NamedNode) -> Mapping[str, tuple[Showing, ...]]:
    """The events at which mayors are shown, by tenure."""
    rows = ground.ask("mayors-shown", place=place)
    tenures: dict[str, set[str]] = {}
    for row in rows:
        tenures.setdefault(text_of(row.get("tenure")), set()).add(text_of(row.get("event")))
    spans = {event: span_of(said) for event, said in facts(rows, "event").items()}
    return {
        tenure: tuple(Showing(*spans[event][:2], ground.registrar.link(event)) for event in sorted(events))
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

    `standing` says that it was not yet or no longer held, or is not shown, on the day that is looked at.
    """

    name: Text
    holder: Text
    post: Text
    post_iri: str
    starts: tuple[Cell, ...]
    ends: tuple[Cell, ...]
    shown: tuple[Showing, ...]
    marks: tuple[Mark, ...]
    standing: str = ""

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


def read_tenures(ground: Ground, said: Iterable[Row], shown: Iterable[Row]) -> tuple[Tenure, ...]:
    """The tenures of two queries' rows, the first first: what sources say of each, and the events that show it."""
    known: dict[str, dict[str, dict[str, set[str]]]] = {}
    for row in said:
        values = known.setdefault(text_of(row.get("tenure")), {}).setdefault(text_of(row.get("property")), {})
        values.setdefault(text_of(row.get("value")), set()).add(text_of(row.get("source")))
    events = _tenure_events(ground, shown)
    found = [_tenure(ground, iri, sources, events.get(iri, ())) for iri, sources in known.items()]
    return tuple(sorted(found, key=lambda one: (one.first or _UNDATED, collation_key(one.name.text))))


def years(ground: Ground, lanes: Sequence[Lane], title: str, name: str = "offices") -> tuple[Markup, Markup] | None:
    """The lanes on a line of years, and the same for a telephone; None where nothing has a time."""
    lanes = [lane for lane in lanes if lane.bars]
    if not lanes:
        return None
    described = ground.words(
        "A line of years. A bar is a time in office, as far as sources show it; white is what no source shows. "
        "The table below says the same."
    )
    caption, until = Caption(title, described, ground.words.language), year_of(ground.today)
    day = year_of(ground.at) if ground.at else None
    whole, near = (axis(lanes, caption, until, *size) for size in ((name, day), (f"{name}-near", day, 2.0 * NARROW)))
    return whole, near


def bar_of(ground: Ground, tenure: Tenure, called: Text) -> Bar | None:
    """A tenure as a bar named `called`, faint where it does not stand on the day asked about; None without a time."""
    start, end = span(tenure.start), span(tenure.end)
    known = tuple(s for one in tenure.shown if (s := span_between(one.start, one.end)))
    if not (start or end or known):
        return None
    told = ", ".join(filter(None, [called.text, *_told(ground, tenure), tenure.standing]))
    return Bar(called.text, start, end, told, called.language, called.href, known, bool(tenure.standing))


def _standing(ground: Ground, tenure: Tenure) -> str:
    starts, ends = ([cell.texts[0].time for cell in cells] for cells in (tenure.starts, tenure.ends))
    shown = (day for one in tenure.shown for day in (one.start, one.end) if day)
    return standing(ground, starts, ends, shown)


def _told(ground: Ground, tenure: Tenure) -> Iterable[str]:
    """The dates that a bar stands for, in words."""
    words = ground.words
    if tenure.start:
        yield words("from {date}", date=date(tenure.start, words))
    if tenure.end:
        yield words("until {date}", date=date(tenure.end, words))
    for day in () if tenure.start or tenure.end else dict.fromkeys(s.start or s.end for s in tenure.shown):
        yield words("shown in {date}", date=date(day, words)) if day else words("shown at an event without a date")


def _tenure(ground: Ground, iri: str, said: Sources, events: tuple[Showing, ...]) -> Tenure:
    link = ground.registrar.link
    holder, post = (next(iter(said.get(name, ())), "") for name in (_HOLDER, _POST))
    days = tuple(Showing(day, "", None) for day in sorted(said.get(_SHOWN, ())))
    # A day that an event has too is told with the event.
    told = {showing.start for showing in events if showing.start and not showing.end}
    every = sorted({source for values in said.values() for sources in values.values() for source in sources})
    tenure = Tenure(
        link(iri), link(holder), link(post), post,
        _dates(ground, said.get(_START, {})), _dates(ground, said.get(_END, {})),
        (*(day for day in days if day.start not in told), *events), ground.registrar.marks(every),
    )  # fmt: skip
    return replace(tenure, standing=_standing(ground, tenure))


def _dates(ground: Ground, sources: Mapping[str, set[str]]) -> tuple[Cell, ...]:
    order = sorted(sources, key=lambda lexical: (-len(lexical), lexical))
    marks = ground.registrar.marks
    return tuple(Cell((Text(date(day, ground.words), time=day),), marks(sorted(sources[day]))) for day in order)


def _tenure_events(ground: Ground, rows: Iterable[Row]) -> Mapping[str, tuple[Showing, ...]]:
    """When and at which events each tenure is shown, in order of time."""
    rows = list(rows)
    said = facts(rows, "event")
    shown: dict[str, dict[str, Showing]] = {}
    for row in rows:
        event = text_of(row.get("event"))
        start, end, _ = span_of(said[event])
        showing = Showing(start, end, ground.registrar.link(event))
        shown.setdefault(text_of(row.get("tenure")), {})[event] = showing
    return {
        tenure: tuple(sorted(events.values(), key=lambda one: one.start or one.end or _UNDATED))
        for tenure, events in shown.items()
    }
