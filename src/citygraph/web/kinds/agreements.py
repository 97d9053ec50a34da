"""The page of an agreement: its history on a timeline, between its parties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup
from pyoxigraph import Literal, NamedNode

from citygraph.charts.lifeline import Moment, lifeline
from citygraph.charts.svg import Caption
from citygraph.graph.description import Description
from citygraph.rdf.partial_dates import chronological, date_interval, in_year, is_past, year_part
from citygraph.rdf.terms import CG
from citygraph.web.kinds.acts import Event, read_events
from citygraph.web.kinds.drawing import NARROW
from citygraph.web.kinds.page_context import (
    CURRENT_STATE,
    VALID_DURING,
    Bindings,
    Layout,
    PageContext,
    is_in_force,
    not_yet,
    text_of,
)
from citygraph.web.kinds.ties import facts_by_subject
from citygraph.web.view.cells import Cell
from citygraph.web.view.time_spans import span, span_between, year_of
from citygraph.web.view.values import Text, date

_ACT, _PROTOCOL, _START, _END = (CG(name).value for name in ("councilActDate", "protocolDate", "startDate", "endDate"))
_PARTY, _DAYS = CG("party").value, CG("daysToProtocol").value
_PERMITTED, _AUTHORITY, _NUMBER, _DATE = (CG(name).value for name in ("permittedBy", "authority", "number", "date"))
_PERSON, _ON_BEHALF_OF, _AS = (CG(name).value for name in ("person", "onBehalfOf", "as"))
_COVERED = frozenset({_ACT, _PROTOCOL, _START, _END, _PARTY, _DAYS})
_COVERED_LINKS = frozenset(CG(name).value for name in ("anniversaryOf",))


@dataclass(frozen=True, slots=True)
class LifeStep:
    """A step in the history of an agreement: its date, its name and its sources. `kind` is as in the chart.

    `cells` are the dates that sources give, the most precise first.
    """

    kind: str
    when: str
    until: str
    what: Text
    detail: str = ""
    cells: tuple[Cell, ...] = ()
    bounded: bool = False
    validity: str = ""  # "not yet" on the day that is looked at


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature under an agreement: the signing, the signatory, the offices and on whose behalf it was given."""

    signing: Text
    persons: tuple[Text, ...]
    offices: tuple[Text, ...]
    bodies: tuple[Text, ...]


def agreement(context: PageContext, description: Description) -> Layout:
    """Returns the layout of an agreement."""
    node = NamedNode(description.iri)
    sides = _sides(context, description)
    events = read_events(context, facts_by_subject(context.ask("agreement-events", agreement=node), "event"))
    year = Literal(int(context.today[:4]))
    rows = context.ask("agreement-anniversaries", agreement=node, year=year)
    facts = {
        name: tuple(value.term.value for value in description.values(name)) for name in (VALID_DURING, CURRENT_STATE)
    }
    in_force = is_in_force(context, facts)
    dated = list(_dated(context, description))
    periods = _periods(context, facts[VALID_DURING], dated)
    steps = [*dated, *_permissions(context, description), *periods, *_met(events)]
    # An agreement that is not in force has no anniversaries to come.
    coming = [] if not in_force else list(_coming(context, rows))
    steps.sort(key=lambda step: (not step.when, chronological(step.when)))
    steps = [replace(step, validity=not_yet(context, [step.when] if step.when else [])) for step in steps]
    values = {
        "sides": sides,
        "days": _cells(context, description, _DAYS),
        "life": _life(context, context.table.link(description.iri).text, [*steps, *coming], in_force),
        "steps": (*steps, *coming),
        "signatures": tuple(_signatures(context, node)),
    }
    return Layout("kinds/agreement.html", values, _COVERED, _COVERED_LINKS)


def _cells(context: PageContext, description: Description, predicate: str) -> tuple[Cell, ...]:
    """Returns the values of one property as the statement table shows them, with their sources."""
    others = frozenset(s.predicate for s in description.statements) - {predicate}
    return tuple(cell for row in context.table.rows(description, others) for cell in row.cells)


def _sides(context: PageContext, description: Description) -> tuple[Cell, ...]:
    """Returns the parties in the order in which the slug of the agreement names them."""
    slug = description.iri.rpartition("/")[2]

    def place(cell: Cell) -> tuple[int, str]:
        own = cell.texts[0].href.rpartition("/")[2] if cell.texts else ""
        # Parties that the slug does not name come last.
        return (slug.find(own) if own in slug else len(slug), own)

    return tuple(sorted(_cells(context, description, _PARTY), key=place))


def _dated(context: PageContext, description: Description) -> Iterator[LifeStep]:
    """Yields the steps with a date of the agreement itself; each date has its own sources."""
    _ = context.translations
    for kind, predicate, what in (
        ("act", _ACT, _("Council act")),
        ("protocol", _PROTOCOL, _("Protocol")),
        ("start", _START, _("Start")),
        ("end", _END, _("End")),
    ):
        # The most precise date comes first and is the one by which the step is sorted.
        cells = sorted(_cells(context, description, predicate), key=lambda cell: -len(cell.texts[0].time))
        if cells:
            yield LifeStep(kind, cells[0].texts[0].time, "", Text(what), cells=tuple(cells))


def _permissions(context: PageContext, description: Description) -> Iterator[LifeStep]:
    """Yields the permissions, each with its authority and its number."""
    nodes = description.node_by_iri()
    for permission in description.values(_PERMITTED):
        node = nodes.get(permission.iri)
        of = {s.predicate: s.values for s in node.statements} if node else {}
        details = [context.table.link(value.iri).text for value in of.get(_AUTHORITY, ())]
        details += [value.term.value for value in of.get(_NUMBER, ())]
        when = max((value.term.value for value in of.get(_DATE, ())), key=len, default="")
        yield LifeStep("event", when, "", Text(context.translations("Permission")), ", ".join(details))


def _signatures(context: PageContext, node: NamedNode) -> Iterator[Signature]:
    """Yields the signatures in the order of their signings."""
    rows = context.ask("agreement-signatures", agreement=node)
    signings = {text_of(row.get("signature")): text_of(row.get("signing")) for row in rows}
    link = context.table.link
    for signature, facts in facts_by_subject(rows, "signature").items():
        persons, bodies, offices = (tuple(map(link, facts.get(name, ()))) for name in (_PERSON, _ON_BEHALF_OF, _AS))
        yield Signature(link(signings[signature]), persons, offices, bodies)


def _periods(context: PageContext, intervals: Iterable[str], dated: Sequence[LifeStep]) -> Iterator[LifeStep]:
    """Yields the starts and ends of the periods of the agreement that are no dates of the agreement itself."""
    _ = context.translations
    days = {cell.texts[0].time for step in dated for cell in step.cells}
    for interval in sorted(map(date_interval, intervals)):
        if interval.start and interval.start not in days:
            yield LifeStep("start", interval.start, "", Text(_("Start")))
        if interval.end and interval.end not in days:
            yield LifeStep("end", interval.end, "", Text(_("End")))
        if not interval.end and not interval.is_open:
            yield LifeStep("end", "", "", Text(_("End")), _("ended, date unknown"))


def _met(events: Iterable[Event]) -> Iterator[LifeStep]:
    for one in events:
        yield LifeStep(
            "event", one.start or one.end, one.end if one.start else "", one.name, one.kind, bounded=one.bounded
        )


def _coming(context: PageContext, rows: Iterable[Bindings]) -> Iterator[LifeStep]:
    """Yields the next round anniversary of each date."""
    next_of: dict[tuple[str, str], LifeStep] = {}
    for row in rows:
        lexical, ordinal = text_of(row.get("date")), int(float(text_of(row.get("ordinal"))))
        day = in_year(lexical, int(year_part(lexical)) + ordinal)
        property_ = text_of(row.get("property"))
        if is_past(day, context.today):
            continue
        of = anniversary_of(context, property_)
        what = context.translations.count("{number} year", "{number} years", ordinal)
        next_of.setdefault((lexical, property_), LifeStep("anniversary", day, "", Text(what), of))
    yield from sorted(next_of.values(), key=lambda step: step.when)


def anniversary_of(context: PageContext, property_: str) -> str:
    """Returns in words which date of an agreement has an anniversary."""
    _ = context.translations
    if property_ == _START:
        return _("of the start")
    return _("of the council act") if property_ == _ACT else _("of the protocol")


def _life(context: PageContext, name: str, steps: Sequence[LifeStep], in_force: bool) -> tuple[Markup, Markup] | None:
    """Draws the timeline in two sizes, for wide and for narrow screens."""
    moments = [moment for step in _drawn(context, steps) if (moment := _moment(context, step))]
    if in_force:
        # The line goes on after the end of a period that another one followed.
        moments = [replace(moment, kind="event") if moment.kind == "end" else moment for moment in moments]
    if not moments:
        return None
    _ = context.translations
    described = _(
        "Timeline. A tick is the council act, a dot the protocol; small dots are events under the agreement and"
        " its round anniversaries. The table below has the same data."
    )
    caption = Caption(_("Timeline of {name}", name=name), described, _.language)
    # The axis ends today, or with the last date of the agreement if that is in the future.
    until = max(year_of(context.today), *(moment.when.end for moment in moments))
    return lifeline(moments, caption, until), lifeline(moments, caption, until, "life-near", 2 * NARROW)


def _drawn(context: PageContext, steps: Sequence[LifeStep]) -> Iterator[LifeStep]:
    """Yields the steps as the chart has them: the most precise form of each date, and events of one date together."""
    # Dots of one date would cover each other.
    together = Counter(step.when for step in steps if step.kind == "event")
    drawn: set[str] = set()
    for step in steps:
        if step.kind != "event":
            dates = [cell.texts[0].time for cell in step.cells] or [step.when]
            # "1986" is a less precise form of "1986-04-28", not another date.
            finest = (one for one in dates if not any(other.startswith(f"{one}-") for other in dates))
            yield from (replace(step, when=one) for one in finest)
        elif together[step.when] == 1:
            yield step
        elif step.when not in drawn:
            drawn.add(step.when)
            number = together[step.when]
            yield replace(step, what=Text(context.translations.count("{number} event", "{number} events", number)))


def _moment(context: PageContext, step: LifeStep) -> Moment | None:
    when = span_between(step.when, step.until) if step.bounded else span(step.when)
    if when is None:
        return None
    description = ", ".join(filter(None, [step.what.text, date(step.when, context.translations), step.validity]))
    label = step.what.text
    if step.kind in ("act", "protocol", "start", "end"):
        label = f"{label} {date(year_part(step.when), context.translations)}"
    return Moment(step.kind, label, when, description, step.what.language, step.what.href)
