"""Who held the office of mayor of a place, and when a source shows them in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pyoxigraph import NamedNode

from citygraph.web.kinds.ground import Ground, text_of
from citygraph.web.kinds.happenings import span_of
from citygraph.web.kinds.standing import standing
from citygraph.web.kinds.ties import dates_of, facts
from citygraph.web.pages.values import Text


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
