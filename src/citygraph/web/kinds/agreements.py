"""The page of an agreement: its life as one line, between its parties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup
from pyoxigraph import Literal, NamedNode

from citygraph.charts.lifeline import Moment, lifeline
from citygraph.charts.svg import Caption
from citygraph.graph.description import Description
from citygraph.rdf.terms import CG
from citygraph.web.kinds.acts import Happening, happenings
from citygraph.web.kinds.drawing import NARROW
from citygraph.web.kinds.page_context import Ground, Layout, Row, standing, text_of
from citygraph.web.view.cells import Cell
from citygraph.web.view.time_spans import is_past, on_year, span, span_between, year_of
from citygraph.web.view.values import Text, date

_ACT, _PROTOCOL, _END = (CG(name).value for name in ("councilActDate", "protocolDate", "endDate"))
_PARTY, _DAYS = CG("party").value, CG("daysToProtocol").value
_TOLD = frozenset({_ACT, _PROTOCOL, _END, _PARTY, _DAYS})
_TOLD_OF = frozenset(CG(name).value for name in ("anniversaryOf",))


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the table beside the picture: when, what, who says so. `kind` as in the picture.

    `cells` are the dates that sources give, the most precise first.
    """

    kind: str
    when: str
    until: str
    what: Text
    detail: str = ""
    cells: tuple[Cell, ...] = ()
    bounded: bool = False
    standing: str = ""  # "not yet" on the day that is looked at


def agreement(ground: Ground, description: Description) -> Layout:
    """The layout of an agreement."""
    node = NamedNode(description.iri)
    sides = _sides(ground, description)
    events = happenings(ground, ground.ask("agreement-events", agreement=node))
    year = Literal(int(ground.today[:4]))
    rows = ground.ask("agreement-anniversaries", agreement=node, year=year)
    steps = [*_dated(ground, description), *_met(events)]
    coming = [] if any(step.kind == "end" for step in steps) else list(_coming(ground, rows))
    steps.sort(key=lambda step: step.when or "9999")
    steps = [replace(step, standing=standing(ground, [step.when] if step.when else [], ())) for step in steps]
    values = {
        "sides": sides,
        "days": _cells(ground, description, _DAYS),
        "life": _life(ground, ground.registrar.link(description.iri).text, [*steps, *coming]),
        "steps": (*steps, *coming),
    }
    return Layout("kinds/agreement.html", values, _TOLD, _TOLD_OF)


def _cells(ground: Ground, description: Description, predicate: str) -> tuple[Cell, ...]:
    """The values of one property as the register shows them, with who says so."""
    others = frozenset(s.predicate for s in description.statements) - {predicate}
    return tuple(cell for row in ground.registrar.rows(description, others) for cell in row.cells)


def _sides(ground: Ground, description: Description) -> tuple[Cell, ...]:
    """The parties, in the order in which the agreement's own name has them."""
    slug = description.iri.rpartition("/")[2]

    def place(cell: Cell) -> tuple[int, str]:
        own = cell.texts[0].href.rpartition("/")[2] if cell.texts else ""
        return (slug.find(own) if own in slug else len(slug), own)

    return tuple(sorted(_cells(ground, description, _PARTY), key=place))


def _dated(ground: Ground, description: Description) -> Iterator[Step]:
    """The steps that the agreement itself has a date of; each date with its own sources."""
    words = ground.words
    for kind, predicate, what in (
        ("act", _ACT, words("Council act")), ("protocol", _PROTOCOL, words("Protocol")), ("end", _END, words("End")),
    ):  # fmt: skip
        cells = sorted(_cells(ground, description, predicate), key=lambda cell: -len(cell.texts[0].time))
        if cells:
            yield Step(kind, cells[0].texts[0].time, "", Text(what), cells=tuple(cells))


def _met(events: Iterable[Happening]) -> Iterator[Step]:
    for one in events:
        yield Step("event", one.start or one.end, one.end if one.start else "", one.name, one.kind, bounded=one.bounded)


def _coming(ground: Ground, rows: Iterable[Row]) -> Iterator[Step]:
    """The round anniversaries to come, of each date the next."""
    known: dict[tuple[str, bool], Step] = {}
    for row in rows:
        lexical, ordinal = text_of(row.get("date")), int(float(text_of(row.get("ordinal"))))
        day = on_year(lexical, int(lexical[:4]) + ordinal)
        of_act = text_of(row.get("property")) == _ACT
        if is_past(day, ground.today):
            continue
        of = ground.words("of the council act") if of_act else ground.words("of the protocol")
        what = ground.words.count("{number} year", "{number} years", ordinal)
        known.setdefault((lexical, of_act), Step("anniversary", day, "", Text(what), of))
    yield from sorted(known.values(), key=lambda step: step.when)


def _life(ground: Ground, name: str, steps: Sequence[Step]) -> tuple[Markup, Markup] | None:
    """The line, and the same for a telephone."""
    moments = [moment for step in _drawn(ground, steps) if (moment := _moment(ground, step))]
    if not moments:
        return None
    words = ground.words
    described = words(
        "A line of years: a tick is the council act, a dot the protocol, small dots what was done under the agreement "
        "and its round anniversaries. The table below says the same."
    )
    caption = Caption(words("The life of {name}", name=name), described, words.language)
    until = max(year_of(ground.today), *(moment.when.end for moment in moments))
    return lifeline(moments, caption, until), lifeline(moments, caption, until, "life-near", 2 * NARROW)


def _drawn(ground: Ground, steps: Sequence[Step]) -> Iterator[Step]:
    """The steps as the picture has them: of each date the most precise form, events of one date together."""
    together = Counter(step.when for step in steps if step.kind == "event")
    told: set[str] = set()
    for step in steps:
        if step.kind != "event":
            dates = [cell.texts[0].time for cell in step.cells] or [step.when]
            # "1986" says only less exactly what "1986-04-28" says.
            finest = (one for one in dates if not any(other.startswith(f"{one}-") for other in dates))
            yield from (replace(step, when=one) for one in finest)
        elif together[step.when] == 1:
            yield step
        elif step.when not in told:
            told.add(step.when)
            number = together[step.when]
            yield replace(step, what=Text(ground.words.count("{number} event", "{number} events", number)))


def _moment(ground: Ground, step: Step) -> Moment | None:
    when = span_between(step.when, step.until) if step.bounded else span(step.when)
    if when is None:
        return None
    told = ", ".join(filter(None, [step.what.text, date(step.when, ground.words), step.standing]))
    label = f"{step.what.text} {step.when[:4]}" if step.kind in ("act", "protocol", "end") else step.what.text
    return Moment(step.kind, label, when, told, step.what.language, step.what.href)
