"""The page of an event: date and place, participants with their offices, and partnerships between their cities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pyoxigraph import NamedNode

from citygraph.graph.description import Description
from citygraph.rdf.partial_dates import period_of, year_part
from citygraph.rdf.terms import CG
from citygraph.web.kinds.acts import cells_of as words_of
from citygraph.web.kinds.acts import read_events, sources_by
from citygraph.web.kinds.key_facts import cells_of, key_facts
from citygraph.web.kinds.page_context import Bindings, Layout, PageContext, is_in_force, text_of
from citygraph.web.kinds.ties import dates_of, facts_by_subject, state_of
from citygraph.web.view.cells import Cell, PropertyRow
from citygraph.web.view.values import Text, date

_KEY_FACTS = (
    "takesPlaceIn",
    "venue",
    "heldOnline",
    "plannedVenue",
    "host",
    "organiser",
    "moderator",
    "anniversaryOf",
    "ordinal",
    "partOf",
    "eventType",
)
_OWN, _BOUNDS, _ATTESTED = ("startDate", "endDate"), ("notBefore", "notAfter"), ("attestedOn",)
_COVERED = (*_KEY_FACTS, "participant", "attendeeGroup")
_PART_OF, _ATTESTED_AT = CG("partOf").value, CG("attestedAt").value
_PARTICIPANT = CG("participant").value


@dataclass(frozen=True, slots=True)
class Partnership:
    """A partnership of two places of the event: the partner, the agreement, and its first year ("" if unknown).

    `state` is as a tie is drawn; `host` if the partner hosts the event.
    """

    place: Text
    agreement: str
    since: str
    state: str
    host: bool


@dataclass(frozen=True, slots=True)
class Affiliation:
    """An office in which an agent took part: the post, its organisation and places, and their partnerships.

    `concluded` if no source attests the office at the event, but the dates of the tenure cover it.
    """

    post: Text | None
    organisation: Text | None
    places: tuple[Text, ...]
    partnerships: tuple[Partnership, ...]
    concluded: bool = False


@dataclass(frozen=True, slots=True)
class Participant:
    """An agent that took part: `parts` are its other roles in the event; `affiliations` may be empty."""

    name: Text
    parts: tuple[Cell, ...]
    affiliations: tuple[Affiliation, ...]
    sources: Cell

    @property
    def is_partner(self) -> bool:
        """Whether it took part for a place that is a partner of another."""
        return any(affiliation.partnerships for affiliation in self.affiliations)


Partnerships = Mapping[str, tuple[Partnership, ...]]


def event(context: PageContext, description: Description) -> Layout:
    """Returns the layout of an event; five queries."""
    node = NamedNode(description.iri)
    offices = context.ask("offices-at-event", event=node)
    agents = context.ask("event-persons", event=node)
    day = _first_day(description) or context.at or context.today
    partnerships = _partnerships(
        context, context.ask("event-ties", event=node), _home(description, offices, agents), day
    )
    people, others = _participants(context, node, offices, agents, partnerships)
    values = {
        "key_facts": (*_when(context, description), *key_facts(context, description, _KEY_FACTS)),
        "people": people,
        "others": others,
        "groups": cells_of(context, description, CG("attendeeGroup").value),
        "programme": read_events(context, facts_by_subject(context.ask("event-parts", whole=node), "event")),
    }
    covered = frozenset(CG(name).value for name in (*_COVERED, *_dated(description)))
    parts_heading = context.translations("Acts and statements")
    return Layout(
        "kinds/event.html", values, covered, _covered_links(description, offices), parts_heading=parts_heading
    )


def _covered_links(description: Description, offices: list[Bindings]) -> frozenset[str]:
    """Returns the properties of incoming links that the page shows elsewhere.

    Parts are in the programme; attested offices are in the table if all their holders took part.
    """
    attested = {value.iri for link in description.incoming if link.predicate == _ATTESTED_AT for value in link.values}
    all_shown = attested <= {text_of(row.get("tenure")) for row in offices}
    return frozenset({_PART_OF, _ATTESTED_AT} if all_shown else {_PART_OF})


def _dated(description: Description) -> tuple[str, ...]:
    """Returns the names of the properties that date the event: own dates, else bounding days, else dates of sources."""
    of_event = (names for names in (_OWN, _BOUNDS) if any(description.values(CG(name).value) for name in names))
    return next(of_event, _ATTESTED)


def _when(context: PageContext, description: Description) -> tuple[PropertyRow, ...]:
    """Returns one row with the date of the event: its own dates together, else the days that bound it."""
    _ = context.translations
    by_name = {name: cells_of(context, description, CG(name).value) for name in _dated(description)}
    starts, ends, after, before, attested = (by_name.get(name, ()) for name in (*_OWN, *_BOUNDS, *_ATTESTED))
    if starts or ends:
        # Each start is shown with the first end; further ends have their own cells.
        until = (Text(" – "), *ends[0].texts) if ends else ()
        cells = [_joined((*start.texts, *until), start, *ends[:1]) for start in starts]
        cells += [_joined((Text("– "), *end.texts), end) for end in (ends[1:] if starts else ends)]
    elif len(after) == len(before) == 1:
        between = _("between {start} and {end}", start=_day(after[0]), end=_day(before[0]))
        cells = [_joined((Text(between),), after[0], before[0])]
    elif after or before:
        cells = [_joined((Text(_("not before {date}", date=_day(cell))),), cell) for cell in after]
        cells += [_joined((Text(_("not after {date}", date=_day(cell))),), cell) for cell in before]
    else:
        cells = [_joined((Text(_("by {date}, the date of a source", date=_day(c))),), c) for c in attested]
    return (PropertyRow(Text(_("When")), tuple(cells), len(cells) > 1),) if cells else ()


def _day(cell: Cell) -> str:
    return str(cell.texts[0])


def _joined(texts: tuple[Text, ...], *cells: Cell) -> Cell:
    """Returns a cell with the sources, the reasons and the assessments of several cells."""
    # By number, so that a source that several cells share is noted once.
    notes = {note.number: note for cell in cells for note in cell.notes}
    reasons = tuple(dict.fromkeys(reason for cell in cells for reason in cell.reasons))
    judgements = tuple(dict.fromkeys(one for cell in cells for one in cell.judgements))
    return Cell(texts, tuple(notes[number] for number in sorted(notes)), reasons, judgements=judgements)


def _home(
    description: Description, offices: list[Bindings], agents: list[Bindings]
) -> tuple[frozenset[str], frozenset[str]]:
    """Returns the places that host the event, by location, host and organiser; and all places that take part."""
    there = {value.iri for value in description.values(CG("takesPlaceIn").value)}
    hosts = {value.iri for name in ("host", "organiser") for value in description.values(CG(name).value)}
    of = [(text_of(row.get("person")), text_of(row.get("place"))) for row in offices]
    of += [(text_of(row.get("agent")), text_of(row.get("place"))) for row in agents]
    home = there | {place for agent, place in of if place and agent in hosts}
    return frozenset(home), frozenset(home | {place for _, place in of if place})


def _partnerships(
    context: PageContext, rows: list[Bindings], home_and_all: tuple[frozenset[str], frozenset[str]], day: str
) -> Partnerships:
    """Returns the partnerships of each place with the hosts, or between all places if no host is known.

    A partnership that was not in force on the day of the event is left out.
    """
    home, places = home_and_all
    dates = facts_by_subject(rows, "agreement")
    by_place: dict[str, dict[str, Partnership]] = {}
    for row in rows:
        place, partner, agreement = (text_of(row.get(name)) for name in ("place", "partner", "agreement"))
        # Without a known home, every pair of participating places counts.
        if place not in places or partner not in (home or places):
            continue
        if not is_in_force(context, dates[agreement], day):
            continue
        by_kind = (dates_of(dates[agreement], name) for name in ("councilActDate", "protocolDate", "startDate"))
        acts, protocols, starts = by_kind
        first = next(iter(acts or protocols or starts), "")
        state = state_of(acts, protocols, starts)
        href = context.addresses.local(agreement)
        partnership = Partnership(
            context.table.link(partner), href, date(year_part(first), context.translations), state, partner in home
        )
        by_place.setdefault(place, {})[agreement] = partnership
    return {place: tuple(partnerships.values()) for place, partnerships in by_place.items()}


def _first_day(description: Description) -> str:
    """Returns the first day of an event, "" if no source or conclusion dates it."""
    dates = (value.term.value for name in ("startDate", "notBefore") for value in description.values(CG(name).value))
    return next((period[0] for date in dates if (period := period_of(date))), "")


def _participants(
    context: PageContext, node: NamedNode, offices: list[Bindings], agents: list[Bindings], partnerships: Partnerships
) -> tuple[tuple[Participant, ...], tuple[Participant, ...]]:
    """Returns the persons who took part, and other agents; hosts first, then agents of partner cities."""
    persons = {text_of(row.get("agent")) for row in agents if text_of(row.get("person")) == "true"}
    affiliations = {
        **_affiliations_of_others(context, agents, partnerships),
        **_affiliations(context, offices, partnerships),
    }
    participants: list[tuple[str, Participant]] = []
    for iri, parts in sources_by(context.ask("event-people", event=node), "agent").items():
        notes = context.table.notes(sorted({source for sources in parts.values() for source in sources}))
        more = words_of(context, {name: () for name in parts if name != _PARTICIPANT})
        participants.append(
            (iri, Participant(context.table.link(iri), more, affiliations.get(iri, ()), Cell((), notes)))
        )
    # Agents with a further role, such as hosts, come first.
    sort_key = context.translations.sort_key
    participants.sort(key=lambda one: (not one[1].parts, not one[1].is_partner, sort_key(one[1].name.text)))
    return tuple(g for iri, g in participants if iri in persons), tuple(
        g for iri, g in participants if iri not in persons
    )


def _affiliations(
    context: PageContext, rows: list[Bindings], partnerships: Partnerships
) -> dict[str, tuple[Affiliation, ...]]:
    """Returns the offices of each person, each once; an attested office comes before one concluded from dates."""
    places: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], Bindings] = {}
    for row in rows:
        key = text_of(row.get("person")), text_of(row.get("post"))
        # The query orders rows by evidence, so the first row of a post is the attested one if there is one.
        first.setdefault(key, row)
        places.setdefault(key, []).append(text_of(row.get("place")))
    link = context.table.link
    by_person: dict[str, list[Affiliation]] = {}
    for (person, post), row in first.items():
        own = [place for place in dict.fromkeys(places[person, post]) if place]
        organisation = text_of(row.get("organisation"))
        of = link(organisation) if organisation else None
        own_partnerships = tuple(partnership for place in own for partnership in partnerships.get(place, ()))
        affiliation = Affiliation(
            link(post), of, tuple(map(link, own)), own_partnerships, text_of(row.get("evidence")) != "said"
        )
        by_person.setdefault(person, []).append(affiliation)
    return {person: tuple(own) for person, own in by_person.items()}


def _affiliations_of_others(
    context: PageContext, rows: list[Bindings], partnerships: Partnerships
) -> dict[str, tuple[Affiliation, ...]]:
    """Returns the places that an organisation governs."""
    places: dict[str, list[str]] = {}
    for row in rows:
        if place := text_of(row.get("place")):
            places.setdefault(text_of(row.get("agent")), []).append(place)
    link = context.table.link
    return {
        agent: (
            Affiliation(
                None, None, tuple(map(link, own)), tuple(b for place in own for b in partnerships.get(place, ()))
            ),
        )
        for agent, own in places.items()
    }
