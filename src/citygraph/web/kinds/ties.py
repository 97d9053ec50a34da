"""The ties of a place: one for each agreement, numbered by date, with the other parties and their location."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from pyoxigraph import NamedNode

from citygraph.geo import kilometres
from citygraph.graph.description import Description
from citygraph.graph.things import Facts, selected
from citygraph.rdf.partial_dates import DateInterval, chronological, date_interval, year_part
from citygraph.rdf.terms import CG, RDF, SCHEMA
from citygraph.text import collation_key, fold
from citygraph.web.kinds.page_context import (
    ATTESTED_DURING,
    CURRENT_STATE,
    VALID_DURING,
    Bindings,
    PageContext,
    TablePart,
    is_in_force,
    part_of,
    text_of,
    validity,
)
from citygraph.web.view.cells import SourceNote
from citygraph.web.view.values import Text

Point = tuple[float, float]  # latitude and longitude, in degrees

_PARTY = CG("party").value
_LATITUDE, _LONGITUDE = SCHEMA("latitude").value, SCHEMA("longitude").value
_TYPE = RDF("type").value
_OF_AGREEMENT = (
    _PARTY,
    *(CG(name).value for name in ("councilActDate", "protocolDate", "startDate", "daysToProtocol")),
    VALID_DURING,
    ATTESTED_DURING,
    CURRENT_STATE,
)

SortKey = Callable[[str], str]  # of a name


class Partner(NamedTuple):
    """The other party of a tie: its location, and its distance if that is known."""

    iri: str
    name: Text
    countries: tuple[Text, ...]
    kind: str  # "city", "area" or "country"
    point: Point | None
    km: float | None


class Tie(NamedTuple):
    """An agreement of a place. Dates are lexical forms, the most precise first; several where sources differ.

    `intervals` are those in which it is in force. `validity` is "not yet" or "no longer" in force on the requested
    date; without one, "no longer" in force today.
    """

    number: int
    agreement: str
    name: Text
    partners: tuple[Partner, ...]
    acts: tuple[str, ...]
    protocols: tuple[str, ...]
    starts: tuple[str, ...]
    intervals: tuple[DateInterval, ...]
    days: tuple[str, ...]
    notes: tuple[SourceNote, ...]
    validity: str = ""
    in_force: bool = True  # today

    @property
    def first(self) -> str:
        """The date by which ties are sorted: that of the council act, else of the protocol, else its start."""
        return next(iter(self.acts or self.protocols or self.starts), "")

    @property
    def year(self) -> str:
        """The year of that date."""
        return year_part(self.first)

    @property
    def backwards(self) -> bool:
        """Whether the protocol is older than the act."""
        return any(days.startswith("-") for days in self.days)

    @property
    def state(self) -> str:
        """How a tie is drawn: "signed", "act" for a council act only, "begun" for a start only, "undated"."""
        return state_of(self.acts, self.protocols, self.starts)

    @property
    def additional_intervals(self) -> tuple[DateInterval, ...]:
        """The intervals, if they add to the dates of acts and protocols."""
        return self.intervals if self.starts or any(not one.is_open for one in self.intervals) else ()

    @property
    def km(self) -> float | None:
        """The distance of the nearest other party."""
        return min((p.km for p in self.partners if p.km is not None), default=None)


def read_ties(
    context: PageContext, iri: str, point: Point | None, description: Description | None = None
) -> tuple[Tie, ...]:
    """Returns the ties of the place `iri` at `point`, by date of the council act.

    `description` is that of the place, if it has been read.
    """
    described = _described_sources(description) if description else None
    sources = _sources(context, iri) if described is None else described
    agreements = {agreement: facts for agreement in sources if (facts := _agreement(context, agreement, iri))}
    parties = dict.fromkeys(party for facts in agreements.values() for party in facts.get(_PARTY, ()))
    by_iri = {party: _partner(context, party, context.opened.things.facts(party), point) for party in parties}
    ties = [_tie(context, agreement, facts, by_iri) for agreement, facts in agreements.items()]
    # The number of a tie is its place in this order; the IRI makes it the same at each request.
    sort_key = context.translations.sort_key
    ties.sort(key=lambda tie: (not tie.first, chronological(tie.first), sort_key(_called(tie)), tie.agreement))
    notes = context.table.notes
    return tuple(_numbered(tie, number, notes(sources[tie.agreement])) for number, tie in enumerate(ties, 1))


def _sources(context: PageContext, iri: str) -> dict[str, list[str]]:
    """Returns the agreements of a place, each with the graphs that state that it is a party, all sorted."""
    sources: dict[str, list[str]] = {}
    for agreement, _, _, graph in context.opened.quick.quads_for_pattern(None, CG("party"), NamedNode(iri), None):
        if isinstance(agreement, NamedNode):
            graphs = sources.setdefault(agreement.value, [])
            if isinstance(graph, NamedNode):
                graphs.append(graph.value)
    return {agreement: sorted(sources[agreement]) for agreement in sorted(sources)}


def _described_sources(description: Description) -> dict[str, list[str]] | None:
    """Returns the same from a description; None if it has only some of the agreements."""
    for link in description.incoming:
        if link.predicate == _PARTY:
            agreements = sorted([(value.iri, list(value.sources)) for value in link.values if value.iri])
            return dict(agreements) if len(link.values) == link.count else None
    return {}


def _agreement(context: PageContext, agreement: str, place: str) -> Facts:
    """Returns the table's values for an agreement of a place: the other parties, its dates, its validity."""
    facts = selected(context.opened.things.facts(agreement), _OF_AGREEMENT)
    others = tuple(party for party in facts.pop(_PARTY, ()) if party != place)
    return {**facts, _PARTY: others} if others else facts


def facts_by_subject(
    rows: Iterable[Bindings], subject: str, value: str = "value"
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Groups rows of a subject, a property and a value by subject and property ("" without a property)."""
    grouped: dict[str, dict[str, tuple[str, ...]]] = {}
    for row in rows:
        facts = grouped.setdefault(text_of(row.get(subject)), {})
        name = text_of(row.get("property"))
        facts[name] = (*facts.get(name, ()), text_of(row.get(value)))
    return grouped


def point_of(facts: Facts) -> Point | None:
    """Returns the location of an entity from its facts, or None."""
    try:
        # Of several numbers the least, so that the place does not move from request to request.
        return min(map(float, facts[_LATITUDE])), min(map(float, facts[_LONGITUDE]))
    except (KeyError, ValueError):
        return None


def state_of(acts: Sequence[str], protocols: Sequence[str], starts: Sequence[str]) -> str:
    """Returns how a tie with these dates is drawn."""
    return "signed" if protocols else "act" if acts else "begun" if starts else "undated"


def dates_of(facts: Facts, name: str) -> tuple[str, ...]:
    """Returns the dates that sources give, the most precise first."""
    return tuple(sorted(facts.get(CG + name, ()), key=lambda lexical: (-len(lexical), lexical)))


def _partner(context: PageContext, iri: str, facts: Facts, origin: Point | None) -> Partner:
    types = set(facts.get(_TYPE, ()))
    names = (("AdministrativeArea", "area"), ("Country", "country"))
    kind = next((kind for name, kind in names if CG + name in types), "city")
    point = point_of(facts)
    km = kilometres(*origin, *point) if origin and point else None
    countries = (context.table.link(country) for country in facts.get(CG + "country", ()))
    return Partner(iri, context.table.link(iri), tuple(countries), kind, point, km)


def _tie(context: PageContext, iri: str, facts: Facts, partners: Mapping[str, Partner]) -> Tie:
    link = context.table.link
    parties = (partners.get(p) or Partner(p, link(p), (), "city", None, None) for p in facts.get(_PARTY, ()))
    acts, protocols, starts = (dates_of(facts, name) for name in ("councilActDate", "protocolDate", "startDate"))
    intervals = tuple(sorted(map(date_interval, facts.get(VALID_DURING, ()))))
    return Tie(
        0,
        iri,
        link(iri),
        tuple(parties),
        acts,
        protocols,
        starts,
        intervals,
        facts.get(CG + "daysToProtocol", ()),
        (),
        validity(context, facts, context.at or context.today),
        is_in_force(context, facts),
    )


def _numbered(tie: Tie, number: int, notes: tuple[SourceNote, ...]) -> Tie:
    return tie._replace(number=number, notes=notes)


def _called(tie: Tie) -> str:
    return tie.partners[0].name.text if tie.partners else tie.name.text


# Longer search texts match no name.
_LONGEST = 80  # letters of a word that is looked for
_LAST = "9999"


@dataclass(frozen=True)
class TieView:
    """The ties that match, in order: `sort` names a column, with a minus sign in front for descending order.

    `part` has those of one page, `total` counts the ties that match or not.
    """

    sort: str
    text: str
    ties: tuple[Tie, ...]
    part: TablePart[Tie]
    total: int
    at: str = ""  # the day that is looked at

    def address(self, column: str) -> str:
        """Returns the address of this view sorted by a column, in reverse if it already is."""
        order = f"-{column}" if self.sort == column else column
        kept = "".join([f"&{name}={quote_plus(value)}" for name, value in (("q", self.text), ("at", self.at)) if value])
        return f"?sort={order}{kept}#ties"

    def direction(self, column: str) -> str:
        """Returns the value of `aria-sort` for a column, "" if the table is not sorted by it."""
        return {column: "ascending", f"-{column}": "descending"}.get(self.sort, "")


def view_of(
    ties: tuple[Tie, ...], parameters: Mapping[str, str], at: str = "", sort_key: SortKey = collation_key, page: int = 1
) -> TieView:
    """Returns the ties that match `q`, sorted by `sort`; an unknown column means the number."""
    text = parameters.get("q", "").strip()[:_LONGEST]
    sort = parameters.get("sort", "")
    column = sort.removeprefix("-")
    # An unknown column, as in an old link, is not an error.
    if column not in _KEYS:
        sort, column = "number", "number"
    # Folded, so that "izmir" finds "İzmir".
    needle = fold(text) if text else ""
    matches = [tie for tie in ties if not needle or needle in fold(_text(tie))]
    is_unknown = _UNKNOWN.get(column, _is_never_unknown)
    sortable = [tie for tie in matches if not is_unknown(tie)]
    sortable.sort(key=lambda tie: _KEYS[column](tie, sort_key), reverse=sort.startswith("-"))
    # Unknown values are last in either direction.
    ordered = (*sortable, *(tie for tie in matches if is_unknown(tie)))
    return TieView(sort, text, ordered, part_of(ordered, page), len(ties), at)


def _is_never_unknown(_: Tie) -> bool:
    return False


def _text(tie: Tie) -> str:
    return " ".join([*(partner.name.text for partner in tie.partners), *_countries(tie)])


def _countries(tie: Tie) -> list[str]:
    return [country.text for partner in tie.partners for country in partner.countries]


_KEYS: Mapping[str, Callable[[Tie, SortKey], Any]] = {
    "number": lambda tie, _: tie.number,
    "name": lambda tie, sort_key: sort_key(_called(tie)),
    "country": lambda tie, sort_key: (sort_key(_countries(tie)[0]), sort_key(_called(tie))),
    "act": lambda tie, _: chronological(tie.acts[0]),
    "protocol": lambda tie, _: chronological(tie.protocols[0]),
    "days": lambda tie, _: float(tie.days[0]),
    "distance": lambda tie, _: tie.km,
}
# Whether a tie has no value in a column.
_UNKNOWN: Mapping[str, Callable[[Tie], bool]] = {
    "country": lambda tie: not _countries(tie),
    "act": lambda tie: not tie.acts,
    "protocol": lambda tie: not tie.protocols,
    "days": lambda tie: not tie.days,
    "distance": lambda tie: tie.km is None,
}
