"""The page of an event: when and where, who took part in which office and for whom, which cities are partners."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyoxigraph import NamedNode

from citygraph.graph.description import Description
from citygraph.rdf.terms import CG
from citygraph.text import collation_key
from citygraph.web.kinds.acts import cells_of as words_of
from citygraph.web.kinds.acts import happenings, sources_by
from citygraph.web.kinds.key_facts import cells_of, particulars
from citygraph.web.kinds.page_context import Ground, Layout, Row, text_of
from citygraph.web.kinds.ties import dates_of, facts
from citygraph.web.view.cells import Cell
from citygraph.web.view.cells import Row as Line
from citygraph.web.view.values import Text

_PARTICULARS = (
    "takesPlaceIn", "venue", "heldOnline", "plannedVenue", "host", "organiser", "moderator",
    "anniversaryOf", "ordinal", "partOf", "eventType",
)  # fmt: skip
_OWN, _BOUNDS, _SHOWN = ("startDate", "endDate"), ("notBefore", "notAfter"), ("attestedOn",)
_TOLD = (*_PARTICULARS, "participant", "attendeeGroup")
_PART_OF, _ATTESTED_AT = CG("partOf").value, CG("attestedAt").value
_PARTICIPANT = CG("participant").value


@dataclass(frozen=True, slots=True)
class Bond:
    """A place of the event that is a partner of another: since when ("" for not known), by which agreement.

    `standing` is "signed", "act" or "undated", as a tie is drawn; `host` says that the event is at home at the other.
    """

    place: Text
    agreement: str
    since: str
    standing: str
    host: bool


@dataclass(frozen=True, slots=True)
class Seat:
    """One office in which somebody took part: the post, for which organisation and place, the partners of that place.

    `concluded` if no source shows the office at the event, and the dates of the tenure cover it.
    """

    post: Text | None
    organisation: Text | None
    places: tuple[Text, ...]
    bonds: tuple[Bond, ...]
    concluded: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who took part: `parts` say as what else than a participant; a person without an office has no seats."""

    name: Text
    parts: tuple[Cell, ...]
    seats: tuple[Seat, ...]
    said: Cell

    @property
    def is_partner(self) -> bool:
        """Whether it took part for a place that is a partner of another."""
        return any(seat.bonds for seat in self.seats)


Bonds = Mapping[str, tuple[Bond, ...]]


def event(ground: Ground, description: Description) -> Layout:
    """The layout of an event; five queries."""
    node = NamedNode(description.iri)
    offices = ground.ask("offices-at-event", event=node)
    agents = ground.ask("event-persons", event=node)
    bonds = _bonds(ground, ground.ask("event-ties", event=node), _home(description, offices, agents))
    people, others = _guests(ground, node, offices, agents, bonds)
    values = {
        "particulars": (*_when(ground, description), *particulars(ground, description, _PARTICULARS)),
        "people": people,
        "others": others,
        "groups": cells_of(ground, description, CG("attendeeGroup").value),
        "programme": happenings(ground, ground.ask("event-parts", whole=node)),
    }
    told = frozenset(CG(name).value for name in (*_TOLD, *_dated(description)))
    return Layout("kinds/event.html", values, told, _told_of(description, offices))


def _told_of(description: Description, offices: list[Row]) -> frozenset[str]:
    """The parts stand in the programme; the offices that it attests in the table, if all their holders took part."""
    attested = {value.iri for link in description.incoming if link.predicate == _ATTESTED_AT for value in link.values}
    is_told = attested <= {text_of(row.get("tenure")) for row in offices}
    return frozenset({_PART_OF, _ATTESTED_AT} if is_told else {_PART_OF})


def _dated(description: Description) -> tuple[str, ...]:
    """The properties that say when it was: its own dates, else days that bound it, else those of who tells of it."""
    known = (names for names in (_OWN, _BOUNDS) if any(description.values(CG(name).value) for name in names))
    return next(known, _SHOWN)


def _when(ground: Ground, description: Description) -> tuple[Line, ...]:
    """When it was, in one row: its own dates beside each other, else the days that bound it."""
    words = ground.words
    found = {name: cells_of(ground, description, CG(name).value) for name in _dated(description)}
    starts, ends, after, before, shown = (found.get(name, ()) for name in (*_OWN, *_BOUNDS, *_SHOWN))
    if starts or ends:
        until = (Text(" – "), *ends[0].texts) if ends else ()
        cells = [_joined((*start.texts, *until), start, *ends[:1]) for start in starts]
        cells += [_joined((Text("– "), *end.texts), end) for end in (ends[1:] if starts else ends)]
    elif len(after) == len(before) == 1:
        between = words("between {start} and {end}", start=_day(after[0]), end=_day(before[0]))
        cells = [_joined((Text(between),), after[0], before[0])]
    elif after or before:
        cells = [_joined((Text(words("not before {date}", date=_day(cell))),), cell) for cell in after]
        cells += [_joined((Text(words("not after {date}", date=_day(cell))),), cell) for cell in before]
    else:
        cells = [_joined((Text(words("by {date}, when a source tells of it", date=_day(c))),), c) for c in shown]
    return (Line(Text(words("When")), tuple(cells), len(cells) > 1),) if cells else ()


def _day(cell: Cell) -> str:
    return str(cell.texts[0])


def _joined(texts: tuple[Text, ...], *cells: Cell) -> Cell:
    """A cell with the sources and the reasons of several."""
    marks = {mark.number: mark for cell in cells for mark in cell.marks}
    reasons = tuple(dict.fromkeys(reason for cell in cells for reason in cell.reasons))
    return Cell(texts, tuple(marks[number] for number in sorted(marks)), reasons)


def _home(description: Description, offices: list[Row], agents: list[Row]) -> tuple[frozenset[str], frozenset[str]]:
    """Where the event is at home, by where it is and who hosts or organises it; and all places of it."""
    there = {value.iri for value in description.values(CG("takesPlaceIn").value)}
    hosts = {value.iri for name in ("host", "organiser") for value in description.values(CG(name).value)}
    of = [(text_of(row.get("person")), text_of(row.get("place"))) for row in offices]
    of += [(text_of(row.get("agent")), text_of(row.get("place"))) for row in agents]
    home = there | {place for agent, place in of if place and agent in hosts}
    return frozenset(home), frozenset(home | {place for _, place in of if place})


def _bonds(ground: Ground, rows: list[Row], known: tuple[frozenset[str], frozenset[str]]) -> Bonds:
    """The partners of each place: those where the event is at home, or all places of it if no home is known."""
    home, places = known
    dates = facts(rows, "agreement")
    found: dict[str, dict[str, Bond]] = {}
    for row in rows:
        place, partner, agreement = (text_of(row.get(name)) for name in ("place", "partner", "agreement"))
        if place not in places or partner not in (home or places):
            continue
        acts, protocols = (dates_of(dates[agreement], name) for name in ("councilActDate", "protocolDate"))
        first = next(iter(acts or protocols), "")
        standing = "signed" if protocols else "act" if acts else "undated"
        href = ground.addresses.local(agreement)
        bond = Bond(ground.registrar.link(partner), href, first[:4], standing, partner in home)
        found.setdefault(place, {})[agreement] = bond
    return {place: tuple(bonds.values()) for place, bonds in found.items()}


def _guests(
    ground: Ground, node: NamedNode, offices: list[Row], agents: list[Row], bonds: Bonds
) -> tuple[tuple[Guest, ...], tuple[Guest, ...]]:
    """The persons who took part, and the others; hosts first, then those of partners."""
    persons = {text_of(row.get("agent")) for row in agents if text_of(row.get("person")) == "true"}
    seats = {**_seats_of_others(ground, agents, bonds), **_seats(ground, offices, bonds)}
    guests: list[tuple[str, Guest]] = []
    for iri, parts in sources_by(ground.ask("event-people", event=node), "agent").items():
        marks = ground.registrar.marks(sorted({source for sources in parts.values() for source in sources}))
        more = words_of(ground, {name: () for name in parts if name != _PARTICIPANT})
        guests.append((iri, Guest(ground.registrar.link(iri), more, seats.get(iri, ()), Cell((), marks))))
    guests.sort(key=lambda one: (not one[1].parts, not one[1].is_partner, collation_key(one[1].name.text)))
    return tuple(g for iri, g in guests if iri in persons), tuple(g for iri, g in guests if iri not in persons)


def _seats(ground: Ground, rows: list[Row], bonds: Bonds) -> dict[str, tuple[Seat, ...]]:
    """The offices of each person, each once; a source's word before the dates of a tenure."""
    places: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = text_of(row.get("person")), text_of(row.get("post"))
        first.setdefault(key, row)
        places.setdefault(key, []).append(text_of(row.get("place")))
    link = ground.registrar.link
    found: dict[str, list[Seat]] = {}
    for (person, post), row in first.items():
        own = [place for place in dict.fromkeys(places[person, post]) if place]
        organisation = text_of(row.get("organisation"))
        of = link(organisation) if organisation else None
        met = tuple(bond for place in own for bond in bonds.get(place, ()))
        seat = Seat(link(post), of, tuple(map(link, own)), met, text_of(row.get("evidence")) != "said")
        found.setdefault(person, []).append(seat)
    return {person: tuple(own) for person, own in found.items()}


def _seats_of_others(ground: Ground, rows: list[Row], bonds: Bonds) -> dict[str, tuple[Seat, ...]]:
    """The places that an organisation governs."""
    places: dict[str, list[str]] = {}
    for row in rows:
        if place := text_of(row.get("place")):
            places.setdefault(text_of(row.get("agent")), []).append(place)
    link = ground.registrar.link
    return {
        agent: (Seat(None, None, tuple(map(link, own)), tuple(b for place in own for b in bonds.get(place, ()))),)
        for agent, own in places.items()
    }
