"""The map around a place and the list of its council acts and protocols; outlines are read once per process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from markupsafe import Markup

from citygraph.charts.map import NAMED, LandFiles, MapMark, atlas, split_by_distance
from citygraph.charts.projection import GeoPoint, Land, read_land
from citygraph.charts.svg import Caption, sample
from citygraph.charts.times import strip, strip_scale, strip_years
from citygraph.rdf.partial_dates import year_part
from citygraph.text import escaped, trusted
from citygraph.web.http.addresses import Addresses
from citygraph.web.http.assets import BUILT, STATIC
from citygraph.web.kinds.page_context import PageContext
from citygraph.web.kinds.ties import Partner, Point, Tie
from citygraph.web.view.time_spans import span
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text, date, number

_OUTLINES = STATIC / BUILT / "world" / "land-110m.json"


@cache
def land() -> Land:
    """Returns the outlines of the land.

    There are none where Node did not build the front end: maps then show rings and lines alone.
    """
    try:
        return read_land(_OUTLINES)
    except OSError:
        return Land()


@cache
def land_version() -> str:
    """Returns a digest of the outlines, which the addresses of land files contain; "" without outlines."""
    try:
        return hashlib.blake2b(_OUTLINES.read_bytes(), digest_size=4).hexdigest()
    except OSError:
        return ""


def land_files(addresses: Addresses) -> Land | LandFiles:
    """Returns the land for the maps of pages: its files, or nothing without outlines."""
    version = land_version()
    return LandFiles(addresses.path(f"land/{version}")) if version else Land()


_AGES = (1990, 2000, 2010)  # where a step of colour ends: the oldest is the darkest
_MOST_MARKS = 400
_ROWS = 36  # of the register on the home page
_TRAY = 12
WIDE, NARROW = 324.0, 170.0  # radii in pixels: names are as large as text
_FEW = 8  # so many fit on a telephone as they are


@dataclass(frozen=True)
class FarPartner:
    """A partner outside the narrow map: its number, name, compass direction and distance."""

    number: int
    name: Text
    bearing: str
    km: int


@dataclass(frozen=True)
class Chart:
    """The map around a place for wide screens, its nearer half for narrow ones, and the partners outside the latter."""

    whole: Markup
    near: Markup
    far: tuple[FarPartner, ...]
    key: Markup


@dataclass(frozen=True)
class Strip:
    """A row of the list of acts and protocols: the tie, its chart, and its years in short."""

    tie: Tie
    life: Markup
    years: str


@dataclass(frozen=True)
class Register:
    """The dated ties by council act, the undated ones, and how many are left out."""

    scale: Markup
    rows: tuple[Strip, ...]
    undated: tuple[Tie, ...]
    more: int


def chart_of(context: PageContext, here: Text, point: Point | None, ties: Sequence[Tie]) -> Chart | None:
    """Draws the map around a place; None if there is nothing to draw."""
    # In reverse, so that of several ties of a partner the first one, by number, is drawn.
    tied = {partner.iri: (tie, partner) for tie in reversed(ties) for partner in tie.partners if partner.point}
    if point is None or not tied:
        return None
    names = {tie.number: partner.name for tie, partner in tied.values()}
    marks = sorted(
        (_mark(context, tie, partner, len(tied) <= NAMED) for tie, partner in tied.values()),
        key=lambda mark: mark.number,
    )
    marks = marks[:_MOST_MARKS]
    centre = MapMark(0, here.text, GeoPoint(*point), here.text, here.language, here.href)
    _ = context.translations
    kilometre = _("{number} km", number="{}")
    caption = Caption(_("{name} and its partners", name=here.text), _description(context, here, marks), _.language)
    coast = land_files(context.addresses)
    whole = atlas(centre, marks, coast, caption, "atlas", WIDE, kilometre, thousands(_))
    # So few marks fit on a narrow screen: no second map is needed.
    if len(marks) <= _FEW:
        return Chart(whole, Markup(), (), _key(context, ties))
    split = split_by_distance(centre.point, marks, _compass(context))
    title = _("{name} and the nearer half of its partners", name=here.text)
    near = atlas(
        centre,
        split.near,
        coast,
        Caption(title, caption.description, _.language),
        "near",
        NARROW,
        kilometre,
        thousands(_),
    )
    far = (FarPartner(mark.number, names[mark.number], wind, round(km)) for wind, km, mark in split.far)
    return Chart(whole, near, tuple(far), _key(context, ties))


def thousands(_: Translations) -> str:
    """Returns the separator between groups of three digits: "," in English, "." in Turkish."""
    return number("10000", _)[2]


def register_of(ties: Sequence[Tie], translations: Translations) -> Register:
    """Returns the list of acts and protocols, as far as a page shows it."""
    dated = [tie for tie in ties if tie.year]
    undated = [tie for tie in ties if not tie.year]
    listed, beside = dated[:_ROWS], tuple(undated[:_TRAY])
    scale, rows = _strips(listed, translations)
    return Register(scale, rows, beside, len(ties) - len(listed) - len(beside))


def _strips(ties: Sequence[Tie], translations: Translations) -> tuple[Markup, tuple[Strip, ...]]:
    """Returns the scale of years and the rows of dated ties, in their order."""
    # A tie of which only the start is known has the dot there.
    dots = [next(iter(tie.protocols or (() if tie.acts else tie.starts)), "") for tie in ties]
    dates = [(span(tie.acts[0]) if tie.acts else None, span(dot)) for tie, dot in zip(ties, dots, strict=True)]
    spans = [one for pair in dates for one in pair if one]
    if not spans:
        return Markup(), ()
    scale = strip_years(spans)
    rows = (
        Strip(tie, strip(act, protocol, scale, not tie.in_force), _in_short(tie, translations))
        for tie, (act, protocol) in zip(ties, dates, strict=True)
    )
    return strip_scale(scale), tuple(rows)


def age_of(tie: Tie) -> int:
    """Returns the age of a tie in steps of colour: 0 is the oldest, 3 the youngest or undated."""
    year = tie.year
    return sum(int(year) >= first for first in _AGES) if year else len(_AGES)


def _mark(context: PageContext, tie: Tie, partner: Partner, named: bool) -> MapMark:
    countries = [country.text for country in partner.countries]
    km = (
        [context.translations("{number} km", number=number(str(round(partner.km)), context.translations))]
        if partner.km
        else []
    )
    description = ", ".join(
        [
            f"{tie.number}: {partner.name.text}",
            *countries,
            *km,
            date(tie.year, context.translations) or context.translations("undated"),
        ]
    )
    point = partner.point or (0.0, 0.0)
    label = f"{tie.number} {partner.name.text}" if named else str(tie.number)
    return MapMark(
        tie.number,
        label,
        GeoPoint(*point),
        description,
        partner.name.language,
        partner.name.href,
        partner.kind,
        tie.state,
        age_of(tie),
        not tie.in_force,
    )


def _description(context: PageContext, here: Text, marks: Sequence[MapMark]) -> str:
    return context.translations.count(
        "A map centred on {name}, with one line, to {first}. Its direction is true; distance grows with the "
        "square of its length.",
        "A map centred on {name}, with a line to each of {number} partners, numbered as in the list. Directions"
        " are true; distance grows with the square of the length.",
        len(marks),
        name=here.text,
        first=marks[0].accessible_name,
    )


def _key(context: PageContext, ties: Sequence[Tie]) -> Markup:
    """Returns the legend of the lines on the map."""
    return _legend(
        context.translations.language,
        frozenset(tie.state for tie in ties),
        frozenset(age_of(tie) for tie in ties if tie.year),
    )


@lru_cache(256)
def _legend(language: str, states: frozenset[str], ages: frozenset[int]) -> Markup:
    """Returns the legend for the states and the ages of the lines, which many maps have in common."""
    _ = Translations(language)
    labels = (
        ("signed", _("protocol signed")),
        ("act", _("council act only")),
        ("begun", _("start known, protocol not")),
        ("undated", _("undated")),
    )
    lines = [(sample(state, 1), text) for state, text in labels if state in states]
    first, second, third = _AGES
    years = (
        _("before {year}", year=first),
        f"{first}–{second - 1}",
        f"{second}–{third - 1}",
        _("since {year}", year=third),
    )
    lines += [(sample("signed", age), years[age]) for age in sorted(ages)]
    items = "".join([f"<li>{line} {escaped(text)}</li>" for line, text in lines])
    return trusted(f'<ul class="key">{items}</ul>')


def _compass(context: PageContext) -> tuple[str, ...]:
    _ = context.translations
    return (_("N"), _("NE"), _("E"), _("SE"), _("S"), _("SW"), _("W"), _("NW"))


def _in_short(tie: Tie, translations: Translations) -> str:
    """Returns the years of act and protocol: "1993–1996", "2004–" without a protocol, "–1994" without an act.

    Of a tie without both they are those in which it is in force.
    """

    def year(lexical: str) -> str:
        return date(year_part(lexical), translations)

    if not (tie.acts or tie.protocols):
        return ", ".join(f"{year(one.start)}–{year(one.end)}" for one in tie.intervals)
    act, protocol = (year(dates[0]) if dates else "" for dates in (tie.acts, tie.protocols))
    return act if act == protocol else f"{act}–{protocol}"


def partners_of(ties: Sequence[Tie]) -> Iterator[Partner]:
    """Yields each partner once."""
    yield from {partner.iri: partner for tie in ties for partner in tie.partners}.values()
