"""Literals as a reader of one language writes them: partial dates, numbers, coordinates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date as calendar_date
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal
from markupsafe import Markup, escape
from pyoxigraph import Literal

from citygraph.graph.description import Node, Value
from citygraph.rdf.terms import CG, DERIVED_GRAPH, RDF, RDFS, XSD
from citygraph.web.http.negotiation import locale_of
from citygraph.web.view.translations import Words

_DATE = re.compile(r"(-?\d{4,})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d:\d\d))?")
_DATES = {XSD(name).value for name in ("date", "gYear", "gYearMonth", "dateTime")}
_NUMBERS = {XSD(name).value for name in ("integer", "decimal", "double", "float")}
_YEAR_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of text on a page: its language where it is not the page's, where it leads, its machine-readable time."""

    text: str
    language: str = ""
    href: str = ""
    time: str = ""

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> Markup:
        """The same for a page. Here and not in a template: a page has hundreds of them."""
        text, language = escape(self.text), f' lang="{escape(self.language)}"' if self.language else ""
        if self.href:
            return Markup(f'<a href="{escape(self.href)}"{language}>{text}</a>')  # noqa: S704 - escaped above
        if self.time:
            return Markup(f'<time datetime="{escape(self.time)}">{text}</time>')  # noqa: S704 - escaped above
        return Markup(f"<span{language}>{text}</span>") if language else text  # noqa: S704 - escaped above


def literal_text(literal: Literal, words: Words) -> Text:
    """A literal as the reader writes it; the language is said only where it differs from the page's."""
    datatype = literal.datatype.value
    if literal.language:
        return Text(literal.value, "" if literal.language == words.language else literal.language)
    if datatype in _DATES:
        return Text(date(literal.value, words), time=literal.value)
    if datatype == XSD("boolean").value:
        return Text(words("yes") if literal.value == "true" else words("no"))
    return Text(number(literal.value, words) if datatype in _NUMBERS else literal.value)


def date(lexical: str, words: Words) -> str:
    """A date exactly as precise as it is: "24 April 1996", "September 1991", "1991"."""
    return _date(lexical, words.language)


@lru_cache(maxsize=4096)
def _date(lexical: str, language: str) -> str:
    match = _DATE.match(lexical)
    if not match:
        return lexical
    year, month, day, time = match.groups()
    if not month:
        return year
    try:
        when = calendar_date(int(year), int(month), int(day or 1))
    except ValueError:
        return lexical
    locale = locale_of(language)
    said = format_date(when, "long", locale) if day else format_skeleton("yMMMM", when, locale=locale)
    return f"{said}, {time} UTC" if time else said


def number(lexical: str, words: Words) -> str:
    """A number with groups of three: 600,000.5 in English, 600.000,5 in Turkish; four digits stand together."""
    try:
        value = Decimal(lexical)
    except InvalidOperation:
        return lexical
    if not value.is_finite():
        return lexical
    if value == value.to_integral_value() and abs(value) < 10**_YEAR_DIGITS:
        return str(int(value))
    return format_decimal(value, locale=locale_of(words.language), decimal_quantization=False)


def language_name(code: str, words: Words) -> Text:
    """A language by its code, as the reader calls it: "Turkish"; a code that is not known stays as it is."""
    return Text(locale_of(words.language).languages.get(code, code))


def coordinates(latitude: str, longitude: str, words: Words) -> str:
    """Where a place is: "53.08° N, 8.80° E"."""
    try:
        north, east = Decimal(latitude), Decimal(longitude)
    except InvalidOperation:
        return f"{latitude}, {longitude}"
    vertical = words("N") if north >= 0 else words("S")
    horizontal = words("E") if east >= 0 else words("W")
    return f"{_degrees(north, words)} {vertical}, {_degrees(east, words)} {horizontal}"


def _degrees(value: Decimal, words: Words) -> str:
    return f"{format_decimal(abs(value), '0.00', locale=locale_of(words.language))}°"


_TYPE = RDF("type").value
_UNITS = {"AreaFigure": " km²", "DistanceFigure": " km", "ShareFigure": " %"}

Link = Callable[[str], Text]


def summary(node: Node, words: Words, link: Link) -> tuple[Text, ...]:
    """A node in a line, or nothing if it is of no kind that fits in one."""
    types = {v.iri.removeprefix(CG) for s in node.statements if s.predicate == _TYPE for v in s.values}
    said = _Said(node, words, link)
    for kind, teller in _TELLERS.items():
        if kind in types:
            unit = next((u for t, u in _UNITS.items() if t in types), "")
            return tuple(text for text in teller(said, unit) if text.text)
    return ()


class _Said:
    """The statements of a node in the reader's language."""

    def __init__(self, node: Node, words: Words, link: Link) -> None:
        self._values = {s.predicate: s.values for s in node.statements}
        self.words = words
        self._link = link

    def texts(self, name: str) -> list[Text]:
        """The values of one of our properties."""
        return [self._text(value) for value in _of_reader(self._values.get(CG(name).value, ()), self.words)]

    def first(self, *names: str) -> Text | None:
        """The first value of the first of these properties that has one."""
        return next((text for name in names for text in self.texts(name)), None)

    def label(self) -> Text | None:
        """The node's own name."""
        values = _of_reader(self._values.get(RDFS("label").value, ()), self.words)
        return next((self._text(value) for value in values), None)

    def is_true(self, name: str) -> bool:
        """Whether a truth value is true."""
        return any(v.term.value == "true" for v in self._values.get(CG(name).value, ()))

    def _text(self, value: Value) -> Text:
        return literal_text(value.term, self.words) if isinstance(value.term, Literal) else self._link(value.iri)


def _figure(said: _Said, unit: str) -> Iterable[Text]:
    value = said.first("value")
    if value is None:
        return
    yield Text(said.words("approx.") + " " if said.is_true("approximate") else "")
    # "% 33" is how Turkish writes a share.
    if unit == " %" and said.words.language == "tr":
        yield Text(f"%{value.text}")
    else:
        yield Text(f"{value.text}{unit}")
    goal = said.first("to", "toName")
    if goal:
        yield Text(" → ")
        yield goal
    for name in ("criterion",):
        for text in said.texts(name):
            yield Text(": ")
            yield text
    yield from _in_brackets([*said.texts("asOf"), *said.texts("method")])


def _ranking(said: _Said, _unit: str) -> Iterable[Text]:
    rank = said.first("rank")
    yield Text(said.words("no. {rank}", rank=rank.text if rank else "?"))
    for text in said.texts("criterion"):
        yield Text(": ")
        yield text
    yield from _in_brackets([*said.texts("among"), *said.texts("amongName"), *said.texts("asOf")])


def _distinction(said: _Said, _unit: str) -> Iterable[Text]:
    yield said.label() or Text("")
    yield from _in_brackets([*said.texts("awardedBy"), *said.texts("asOf")])


def _name_use(said: _Said, _unit: str) -> Iterable[Text]:
    yield said.first("name") or Text("")
    start, end = said.first("startDate"), said.first("endDate")
    if start or end:
        yield from _in_brackets([Text(f"{start or ''}–{end or ''}")])


def _in_brackets(texts: list[Text]) -> Iterable[Text]:
    for place, text in enumerate(texts):
        yield Text(", " if place else " (")
        yield text
    if texts:
        yield Text(")")


def _of_reader(values: Iterable[Value], words: Words) -> list[Value]:
    """The values in the reader's language, or all if there are none in it."""
    asserted = [v for v in values if v.sources != (DERIVED_GRAPH.value,)]
    mine = [v for v in asserted if isinstance(v.term, Literal) and v.term.language == words.language]
    return mine or asserted


_TELLERS: dict[str, Callable[[_Said, str], Iterable[Text]]] = {
    "Figure": _figure,
    "PopulationFigure": _figure,
    "AreaFigure": _figure,
    "DistanceFigure": _figure,
    "ShareFigure": _figure,
    "Ranking": _ranking,
    "Distinction": _distinction,
    "NameUse": _name_use,
}

KINDS = ("city", "area", "country", "agreement", "organisation", "person", "event")
