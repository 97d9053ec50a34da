"""Events with what is known of when they were: of a place, of an agreement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from citygraph.terms import CG, RDF
from citygraph.web.kinds.ground import Ground, Row
from citygraph.web.kinds.standing import standing
from citygraph.web.kinds.ties import Facts, dates_of, facts
from citygraph.web.pages.values import Text

_TYPE = RDF("type").value
_EVENT = CG("Event").value


@dataclass(frozen=True, slots=True)
class Happening:
    """An event. `start` and `end` are lexical dates, or "": days that bound it if `bounded`, for want of its own."""

    name: Text
    kind: str
    start: str
    end: str
    bounded: bool
    standing: str = ""  # "not yet" on the day that is looked at

    @property
    def when(self) -> str:
        """The date by which it stands among others."""
        return self.start or self.end


def happenings(ground: Ground, rows: Iterable[Row]) -> tuple[Happening, ...]:
    """The events of a query's rows, the oldest first; those without any date last."""
    found = happenings_by_iri(ground, rows).values()
    return tuple(sorted(found, key=lambda one: (one.when or "9999", one.name.text)))


def happenings_by_iri(ground: Ground, rows: Iterable[Row]) -> dict[str, Happening]:
    """The same by the IRI of the event, in the order of the rows."""
    return {iri: _happening(ground, iri, said) for iri, said in facts(rows, "event").items()}


def span_of(said: Facts) -> tuple[str, str, bool]:
    """When an event was: its own start and end, else a day on which it is shown, else the days that bound it."""
    starts, ends, shown = (dates_of(said, name) for name in ("startDate", "endDate", "attestedOn"))
    after, before = dates_of(said, "notBefore"), dates_of(said, "notAfter")
    if starts:
        return starts[0], ends[0] if ends else "", False
    if after or before:
        return next(iter(after), ""), next(iter(before), ""), True
    return (shown[0], "", False) if shown else ("", "", False)


def _happening(ground: Ground, iri: str, said: Facts) -> Happening:
    types = said.get(_TYPE, ())
    above = {b for t in types for b in list(ground.opened.vocabulary.broader_classes(t))[1:]}
    own = sorted(t for t in types if t not in above and t != _EVENT)
    kinds = [ground.registrar.link(t).text for t in own]
    start, end, bounded = span_of(said)
    stands = standing(ground, [date for date in (start or end,) if date], ())
    return Happening(ground.registrar.link(iri), ", ".join(kinds), start, end, bounded, stands)
