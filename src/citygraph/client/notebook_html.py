"""Results and entities as HTML for notebooks: tables, a small map, sources. It requests nothing from any host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from citygraph.client.data_frames import TableOfValues, coordinate_columns
from citygraph.client.typed_values import IRI, TypedText

_ROWS = 20
_SOURCES = 12
_WIDTH, _HEIGHT, _MARGIN = 480.0, 240.0, 12.0
_LEAST_SPAN = 10.0  # degrees
_STEPS = (0.5, 1, 2, 5, 10, 15, 30, 45)


@dataclass(frozen=True)
class MapPoint:
    """A point of the map, in degrees."""

    latitude: float
    longitude: float
    name: str = ""


def table_html(table: TableOfValues, truth: bool | None) -> str:
    """Returns the first rows, a map if the result has coordinates, and the release with the sources in the rows."""
    if truth is not None:
        return f"<p><b>{'Yes' if truth else 'No'}</b></p>{_footer(table.release, table.url)}"
    columns = [table.column(name) for name in table.columns]
    count = len(columns[0]) if columns else 0
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    rows = (zip(*(column[:_ROWS] for column in columns), strict=True)) if columns else ()
    body = "".join(f"<tr>{''.join(f'<td>{cell(value)}</td>' for value in row)}</tr>" for row in rows)
    shown = (
        f"<p>{min(count, _ROWS)} of {count} rows</p>" if count > _ROWS else f"<p>{count} row{'s' * (count != 1)}</p>"
    )
    listed = _sources(table)
    return (
        f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{shown}{map_svg(_points(table))}"
        f"{listed}{_footer(table.release, table.url)}</div>"
    )


def cell(value: Any) -> str:
    """Returns a value as HTML; only addresses of the web become links."""
    if value is None:
        return ""
    text = escape(str(value))
    if isinstance(value, IRI):
        return link(value, value.local or value)
    if isinstance(value, TypedText) and value.language:
        return f'<span lang="{escape(value.language)}">{text}</span>'
    return text


def link(iri: str, text: str) -> str:
    """Returns a link to an address of the web; of any other IRI the text."""
    if not iri.startswith(("http://", "https://")):
        return f'<span title="{escape(iri)}">{escape(text)}</span>'
    return f'<a href="{escape(iri)}" title="{escape(iri)}" rel="noreferrer">{escape(text)}</a>'


def map_svg(points: Sequence[MapPoint]) -> str:
    """Returns a map of the points with a grid of degrees, as SVG; "" without points."""
    if not points:
        return ""
    sheet = _MapSheet(_span([point.latitude for point in points]), _span([point.longitude for point in points]))
    marks = "".join(
        f'<circle cx="{sheet.x(p.longitude):.1f}" cy="{sheet.y(p.latitude):.1f}" r="4" fill="#a3372c" '
        f'fill-opacity=".8"><title>{escape(p.name)} {p.latitude:g}, {p.longitude:g}</title></circle>'
        for p in points
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sheet.width:.0f}" height="{sheet.height:.0f}" role="img" '
        f'aria-label="Map of {len(points)} place{"s" * (len(points) != 1)}, with lines each {sheet.step:g} degrees">'
        f'<rect width="100%" height="100%" fill="#f6f4ee"/>{sheet.grid()}{marks}</svg>'
    )


class _MapSheet:
    """The area of a map, on which a degree is as long in both directions."""

    def __init__(self, latitudes: tuple[float, float], longitudes: tuple[float, float]) -> None:
        (self._south, self._north), (self._west, self._east) = latitudes, longitudes
        across, down = self._east - self._west, self._north - self._south
        self._scale = min((_WIDTH - 2 * _MARGIN) / across, (_HEIGHT - 2 * _MARGIN) / down)
        self.width, self.height = across * self._scale + 2 * _MARGIN, down * self._scale + 2 * _MARGIN
        self.step = next((one for one in _STEPS if across / one <= 8), 90)

    def x(self, longitude: float) -> float:
        return _MARGIN + (longitude - self._west) * self._scale

    def y(self, latitude: float) -> float:
        return _MARGIN + (self._north - latitude) * self._scale

    def grid(self) -> str:
        """Returns meridians and parallels with their degrees."""
        meridians = [(place, self.x(place)) for place in _multiples(self._west, self._east, self.step)]
        parallels = [(place, self.y(place)) for place in _multiples(self._south, self._north, self.step)]
        lines = [f"M{x:.1f} 0V{self.height:.0f}" for _, x in meridians]
        lines += [f"M0 {y:.1f}H{self.width:.0f}" for _, y in parallels]
        texts = [
            f'<text x="{x + 2:.1f}" y="{self.height - 3:.0f}">{_degrees(place, "EW")}</text>' for place, x in meridians
        ]
        texts += [f'<text x="2" y="{y - 2:.1f}">{_degrees(place, "NS")}</text>' for place, y in parallels]
        return (
            f'<path d="{"".join(lines)}" stroke="#cfcabb" fill="none"/>'
            f'<g font-size="9" font-family="sans-serif" fill="#767062">{"".join(texts)}</g>'
        )


def source_list(sources: Iterable[tuple[str, str]]) -> str:
    """Returns the sources as a list of links; each is an IRI and a title."""
    items = [f"<li>{link(iri, title or iri)}</li>" for iri, title in sources]
    more = f"<li>… and {len(items) - _SOURCES} more</li>" if len(items) > _SOURCES else ""
    return f"<p>Sources</p><ul>{''.join(items[:_SOURCES])}{more}</ul>" if items else ""


def _sources(table: TableOfValues) -> str:
    columns = [name for name in table.columns if name.casefold() in ("source", "sources", "graph")]
    iris = [value for name in columns for value in table.column(name) if isinstance(value, IRI)]
    return source_list((iri, iri.local) for iri in dict.fromkeys(iris))


def _footer(release: str, url: str) -> str:
    about = f"Release {escape(release)} of " if release else ""
    return f"<p><small>{about}{link(url, url)}</small></p>" if url else ""


def _points(table: TableOfValues) -> list[MapPoint]:
    names = coordinate_columns(table)
    if names is None:
        return []
    latitudes, longitudes = (table.column(name) for name in names)
    labels = [next((v for v in row if isinstance(v, str) and not isinstance(v, IRI)), "") for row in _rows(table)]
    return [
        MapPoint(float(lat), float(lon), label)
        for lat, lon, label in zip(latitudes, longitudes, labels, strict=True)
        if lat is not None and lon is not None and not isinstance(lat, str) and not isinstance(lon, str)
    ]


def _rows(table: TableOfValues) -> Iterable[tuple[Any, ...]]:
    return zip(*(table.column(name) for name in table.columns), strict=True)


def _span(places: Sequence[float]) -> tuple[float, float]:
    low, high = min(places), max(places)
    pad = max(_LEAST_SPAN, (high - low) * 1.1) / 2
    return (low + high) / 2 - pad, (low + high) / 2 + pad


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [count * step for count in range(int(low // step) + 1, int(high // step) + 1)]


def _degrees(place: float, sides: str) -> str:
    """Returns degrees with their side: the first of `sides` is the positive one."""
    return f"{abs(place):g}°{sides[place < 0] if place else ''}"
