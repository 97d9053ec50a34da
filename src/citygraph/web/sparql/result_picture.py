"""The picture of a stored query's result: a map, time axis, network or chart, drawn on the server from its rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf, isfinite, nan

from markupsafe import Markup

from citygraph.charts.bars import SERIES, BarPart, BarRow, bar_chart, swatch
from citygraph.charts.dated_rows import DatedRow, dated_rows, mark_sample
from citygraph.charts.map import MapMark, atlas, extent
from citygraph.charts.node_link import MOST_NODES, NetworkNode, node_link
from citygraph.charts.projection import GeoPoint
from citygraph.charts.svg import Caption
from citygraph.charts.times import Span
from citygraph.index.entities import Entity
from citygraph.source.queries import StoredQuery
from citygraph.web.kinds.drawing import land, thousands
from citygraph.web.sparql.query_result import BETWEEN, NamedResult, Row
from citygraph.web.sparql.result_view import ResultCell
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.time_spans import span
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import number

_MOST_ROWS = 200  # of a time axis or a chart
_MOST_MARKS = 400
_PARTIAL_DATE = re.compile(r"-?\d{4,}(-\d\d){0,2}")
_YEARS = ("year", "decade", "ordinal")  # columns of numbers, though they look like dates
_PLACE = re.compile(r"/id/(city|area|country)/")
_STARTS, _ENDS = ("start", "from"), ("end", "until")

# The sample and the text of each entry.
Legend = tuple[tuple[Markup, str], ...]


@dataclass(frozen=True)
class ResultPicture:
    """A drawn result, its legend, and the number of rows that are not in it."""

    drawing: Markup
    legend: Legend = ()
    left_out: int = 0


@dataclass(frozen=True)
class _Drawing:
    """The content of a picture."""

    result: NamedResult
    query: StoredQuery
    opened: OpenRelease
    translations: Translations
    about: str  # the IRI of the place that the query is about, or ""
    title: str

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.result.view.rows

    def named(self, role: str) -> int | None:
        """Returns the column with a role of the query's head, such as value or series."""
        return self.result.place(self.query.picture.get(role, ""))

    def column(self, test: Callable[[ResultCell], bool]) -> list[int]:
        """Returns the columns with cells that all pass the test."""
        columns = ([(row[place]) for row in self.rows if row[place]] for place in range(len(self.result.names)))
        return [place for place, cells in enumerate(columns) if cells and all(test(cell) for cell in cells if cell)]

    def naming(self) -> int:
        """Returns the column that names a row: that of the head, else the first of entities, else the first."""
        chosen = self.named("name")
        return chosen if chosen is not None else next(iter(self.column(lambda cell: bool(cell.iri))), 0)

    def caption(self, description: str) -> Caption:
        return Caption(self.title, description, self.translations.language)


def draw_result(
    result: NamedResult, query: StoredQuery, opened: OpenRelease, translations: Translations, about: str = ""
) -> ResultPicture | None:
    """Returns the picture that the query's head names; None for a table, or if the result has nothing to draw.

    `about` is the IRI of the place that the query is about: the centre of a map.
    """
    draw = _PICTURES.get(query.view)
    title = query.title_in(translations.language)[0]
    return draw(_Drawing(result, query, opened, translations, about, title)) if draw and result.view.rows else None


def _map(drawing: _Drawing) -> ResultPicture | None:
    marks, _ = list(islice(_marks(drawing), _MOST_MARKS)), drawing.translations
    if not marks:
        return None
    centre = drawing.opened.listing.named([drawing.about]).get(drawing.about) if drawing.about else None
    caption = drawing.caption(_("The table has the same places; the numbers are those of its rows."))
    left_out = len(drawing.rows) - len(marks)
    point = _point(centre) if centre else None
    if centre is None or point is None:
        return ResultPicture(extent(marks, land(), caption, "result-map", 324.0), (), left_out)
    name = drawing.opened.in_language(centre, _.language).name(_.language)
    middle = MapMark(0, name, point, name)
    kilometre = _("{number} km", number="{}")
    return ResultPicture(
        atlas(middle, marks, land(), caption, "result-map", 324.0, kilometre, thousands(_)), (), left_out
    )


def _marks(drawing: _Drawing) -> Iterator[MapMark]:
    """Yields the places of the rows: by their coordinates, else by those of an entity in the row."""
    latitude, longitude = drawing.result.place("lat"), drawing.result.place("lon")
    naming = drawing.naming()
    iris = {cell.iri for row in drawing.rows for cell in row if cell and _PLACE.search(cell.iri)}
    known = {} if latitude is not None else drawing.opened.listing.named(iris)
    seen: set[str] = {drawing.about}
    for place, row in enumerate(drawing.rows, 1):
        cell = row[naming] or next(filter(None, row), None)
        if cell is None or (cell.iri and cell.iri in seen):
            continue
        point = _point_in(row, latitude, longitude) or _point_of(row, known)
        if point is None:
            continue
        seen.add(cell.iri)
        kind = match[1] if (match := _PLACE.search(cell.iri)) else "city"
        label = f"{place} {cell.text}"
        yield MapMark(place, label, point, f"{place}: {cell.text}", cell.language, cell.href, kind)


def _point_in(row: Row, latitude: int | None, longitude: int | None) -> GeoPoint | None:
    if latitude is None or longitude is None:
        return None
    values = [_number(row[place]) for place in (latitude, longitude)]
    if values[0] is None or values[1] is None or abs(values[0]) > 90 or abs(values[1]) > 180:
        return None
    return GeoPoint(values[0], values[1])


def _point_of(row: Row, known: Mapping[str, Entity]) -> GeoPoint | None:
    entities = (known.get(cell.iri) for cell in row if cell and cell.iri)
    return next((point for entity in entities if entity and (point := _point(entity))), None)


def _point(entity: Entity) -> GeoPoint | None:
    if entity.latitude is None or entity.longitude is None:
        return None
    return GeoPoint(entity.latitude, entity.longitude)


def _timeline(drawing: _Drawing) -> ResultPicture | None:
    names = drawing.result.names
    columns = [
        place
        for place in drawing.column(lambda cell: not cell.iri)
        if names[place] not in _YEARS and any(map(_is_date, filter(None, (row[place] for row in drawing.rows))))
    ]
    held = any(names[place] in _STARTS for place in columns) and any(names[place] in _ENDS for place in columns)
    naming = drawing.naming()
    rows = list(islice(_dated(drawing, columns, naming, held=held), _MOST_ROWS))
    if not rows:
        return None
    caption = drawing.caption(drawing.translations("Each row is a line; the width of a mark is its month or year."))
    headings = [drawing.result.view.columns[place] for place in columns]
    legend = tuple((mark_sample(kind), heading) for kind, heading in enumerate(headings)) if len(columns) > 1 else ()
    return ResultPicture(dated_rows(rows, caption, "result-dates"), legend, len(drawing.rows) - len(rows))


def _dated(drawing: _Drawing, columns: Sequence[int], naming: int, *, held: bool) -> Iterator[DatedRow]:
    for row in drawing.rows:
        dates = tuple((kind, when) for kind, place in enumerate(columns) for when in _spans(row[place]))
        name = row[naming] or next((cell for cell in row if cell and not _is_date(cell)), None)
        if not dates or name is None:
            continue
        headings = drawing.result.view.columns
        told = ", ".join(f"{headings[place]} {cell.text}" for place in columns if (cell := row[place]))
        href = name.href or next((cell.href for cell in row if cell and cell.href), "")
        yield DatedRow(name.text, dates, f"{name.text}: {told}", href, name.language, held)


def _spans(cell: ResultCell | None) -> list[Span]:
    """Returns the dates of a cell, which may have several."""
    texts = cell.lexical.split(BETWEEN) if cell else []
    return [when for text in texts if _PARTIAL_DATE.fullmatch(text) and (when := span(text))]


def _is_date(cell: ResultCell) -> bool:
    return not cell.iri and all(_PARTIAL_DATE.fullmatch(text) for text in cell.lexical.split(BETWEEN))


def _network(drawing: _Drawing) -> ResultPicture | None:
    entities = drawing.column(lambda cell: bool(cell.iri))
    # Entities without a label in the result are there for programs.
    labelled = [place for place in entities if f"{drawing.result.names[place]}Label" in drawing.query.text]
    columns = labelled if len(labelled) > 1 else entities
    nodes: dict[str, NetworkNode] = {}
    links: dict[tuple[str, str], None] = {}
    rows = 0
    for row in drawing.rows:
        cells = [(place, cell) for place in columns if (cell := row[place])]
        if len(nodes) + len(cells) > MOST_NODES:
            break
        rows += 1
        for place, cell in cells:
            kind = columns.index(place)
            nodes.setdefault(cell.iri, NetworkNode(cell.iri, cell.text, kind, cell.href, cell.language))
        links |= {(cells[0][1].iri, cell.iri): None for _, cell in cells[1:] if cell.iri != cells[0][1].iri}
    if not links:
        return None
    caption = drawing.caption(drawing.translations("Lines connect the items in one row of the result."))
    headings = drawing.result.view.columns
    legend = tuple((swatch(kind), headings[place]) for kind, place in enumerate(columns))
    return ResultPicture(
        node_link([*nodes.values()], [*links], caption, "result-net"), legend, len(drawing.rows) - rows
    )


def _chart(drawing: _Drawing) -> ResultPicture | None:
    value = drawing.named("value")
    numeric = [value] if value is not None else drawing.column(lambda cell: cell.is_number)
    if not numeric:
        return None
    by, series = drawing.named("by"), drawing.named("series")
    rows, names = _bars(drawing, numeric[0], drawing.naming() if by is None else by, series)
    if not rows:
        return None
    _ = drawing.translations
    title = drawing.result.view.columns[numeric[0]]
    caption = Caption(_("Chart of {column}", column=title), _("The table has the same values."), _.language)
    legend = tuple((swatch(place), name) for place, name in enumerate(names)) if series is not None else ()
    shown = rows[:_MOST_ROWS]
    return ResultPicture(bar_chart(shown, caption, "result-bars"), legend, len(rows) - len(shown))


def _bars(drawing: _Drawing, value: int, by: int, series: int | None) -> tuple[list[BarRow], list[str]]:
    """Returns a bar for each group of rows, in the order of the result, or of the groups if these are numbers."""
    bars: dict[tuple[str, str], dict[str, float]] = {}
    for row in drawing.rows:
        amount, group = _number(row[value]), row[by]
        if amount is None:
            continue
        key = (group.text, group.href) if group else ("", "")
        part = (cell.text if (cell := row[series]) else "–") if series is not None else ""
        parts = bars.setdefault(key, {})
        parts[part] = parts.get(part, 0.0) + amount
    names = sorted({part for parts in bars.values() for part in parts}, key=drawing.translations.sort_key)
    is_by_year = all(_is_year(name) for name, _ in bars)
    order = sorted(bars, key=lambda key: (int(key[0]) if key[0] else -inf, key)) if is_by_year else [*bars]
    rows = [_bar(key, bars[key], names, drawing.translations) for key in order]
    return rows, names


def _bar(key: tuple[str, str], parts: Mapping[str, float], names: Sequence[str], translations: Translations) -> BarRow:
    total = sum(parts.values())
    # All digits that a double has for certain, without the noise of a sum.
    figure = number(f"{total:.15g}", translations)
    ordered = tuple(BarPart(place % SERIES, parts[name]) for place, name in enumerate(names) if name in parts)
    return BarRow(key[0] or translations("undated"), ordered, figure, key[1])


def _is_year(text: str) -> bool:
    return not text or text.removeprefix("-").isdecimal()


def _number(cell: ResultCell | None) -> float | None:
    try:
        value = float(cell.lexical) if cell and cell.lexical else nan
    except ValueError:
        return None
    # NaN and infinite numbers have no place in a picture.
    return value if isfinite(value) else None


_PICTURES: dict[str, Callable[[_Drawing], ResultPicture | None]] = {
    "map": _map,
    "timeline": _timeline,
    "network": _network,
    "chart": _chart,
}
