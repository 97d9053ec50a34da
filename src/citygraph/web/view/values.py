"""Literals in the format of a language: partial dates, numbers, coordinates."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date as calendar_date
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from typing import NamedTuple

from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal, get_decimal_symbol, get_group_symbol
from markupsafe import Markup
from pyoxigraph import Literal

from citygraph.graph.description import Node, Value
from citygraph.graph.labels import is_in
from citygraph.rdf.partial_dates import EDTF, DateInterval, date_interval
from citygraph.rdf.terms import CG, DERIVED_GRAPH, RDF, RDFS, XSD
from citygraph.text import escaped, trusted
from citygraph.web.http.negotiation import locale_of
from citygraph.web.view.translations import Translations

_DATE = re.compile(r"(-?\d{4,300})(?!\d)(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d:\d\d))?")
_DATES = {XSD(name).value for name in ("date", "gYear", "gYearMonth", "dateTime")}
_NUMBERS = {XSD(name).value for name in ("integer", "decimal", "double", "float")}
# Numbers of up to four digits have no separator, so that years read as years.
_YEAR_DIGITS = 4
_LEAP_YEAR = 2000


class AlternateForm(NamedTuple):
    """Another format of a page: its name, address and media type."""

    label: str
    href: str
    media_type: str


class Text(NamedTuple):
    """A piece of text: its language if it differs from the page's, its link, and its machine-readable date."""

    text: str
    language: str = ""
    href: str = ""
    time: str = ""

    def __str__(self) -> str:
        return self.text

    def __html__(self) -> Markup:
        """Returns the text as HTML. Not in a template: a page has hundreds of them."""
        text, language, href, time = self
        text, lang = escaped(text), f' lang="{escaped(language)}"' if language else ""
        if href:
            text = f'<a href="{escaped(href)}"{lang}>{text}</a>'
        elif time:
            text = f'<time datetime="{escaped(time)}">{text}</time>'
        elif lang:
            text = f"<span{lang}>{text}</span>"
        return trusted(text)


def literal_text(literal: Literal, translations: Translations) -> Text:
    """Returns a literal as text in the reader's format; its language only if it differs from the page's."""
    datatype = literal.datatype.value
    if literal.language:
        return Text(literal.value, "" if literal.language == translations.language else literal.language)
    if datatype in _DATES:
        return Text(date(literal.value, translations), time=literal.value)
    if datatype == XSD("boolean").value:
        return Text(translations("yes") if literal.value == "true" else translations("no"))
    if datatype == EDTF.value:
        return Text(interval_text(date_interval(literal.value), translations))
    return Text(number(literal.value, translations) if datatype in _NUMBERS else literal.value)


def date(lexical: str, translations: Translations) -> str:
    """Returns a date with the precision that it has: "24 April 1996", "September 1991", "1991", "753 BCE"."""
    return _date(lexical, translations.language)


def interval_text(interval: DateInterval, translations: Translations) -> str:
    """Returns an interval: "1990 – 2000", "since 2010", "until 2000", "since 1990; ended, date unknown"."""
    start, end = (date(lexical, translations) for lexical in (interval.start, interval.end))
    if start and end:
        return start if start == end else f"{start} – {end}"
    ended = "" if interval.is_open else translations("ended, date unknown")
    named = translations("since {date}", date=start) if start else translations("until {date}", date=end) if end else ""
    return "; ".join(filter(None, [named, "" if end else ended]))


@lru_cache(maxsize=4096)
def _date(lexical: str, language: str) -> str:
    match = _DATE.match(lexical)
    if not match:
        return lexical
    year, month, day, time = match.groups()
    number = int(year)
    # The year 0000 is 1 BCE (XML Schema 1.1, part 2, D.2.1).
    translations = Translations(language)
    year_text = str(number) if number > 0 else translations("{year} BCE", year=1 - number)
    if not month:
        return year_text
    # The calendar of Python ends with the years 1 and 9999, and the leap years repeat every 400 years.
    try:
        when = calendar_date(_LEAP_YEAR + number % 400, int(month), int(day or 1))
    except ValueError:
        return lexical
    text = _in_leap_year(when.month, when.day if day else 0, language).replace(str(_LEAP_YEAR), year_text)
    # A document gives the time of its place, without a zone.
    zone = " UTC" if lexical.endswith(("Z", "+00:00")) else ""
    return f"{text}, {time}{zone}" if time else text


@lru_cache(maxsize=4096)
def _in_leap_year(month: int, day: int, language: str) -> str:
    """Returns a day of the leap year in words, or its month for day 0; other years differ only in their number."""
    when, locale = calendar_date(_LEAP_YEAR, month, day or 1), locale_of(language)
    return format_date(when, "long", locale) if day else format_skeleton("yMMMM", when, locale=locale)


def number(lexical: str, translations: Translations) -> str:
    """Returns a number in groups of three: 600,000.5 in English, 600.000,5 in Turkish; four digits are not split."""
    return _number(lexical, translations.language)


@lru_cache(maxsize=4096)
def _number(lexical: str, language: str) -> str:
    try:
        value = Decimal(lexical)
    except InvalidOperation:
        return lexical
    # Babel has no format for NaN and infinity.
    if not value.is_finite():
        return lexical
    if value == value.to_integral_value() and abs(value) < 10**_YEAR_DIGITS:
        return str(int(value))
    separators = _separators(language)
    if separators is None:
        return format_decimal(value, locale=locale_of(language), decimal_quantization=False)
    return _with_separators(value, *separators)


@cache
def _separators(language: str) -> tuple[str, str] | None:
    """Returns the separators of thousands and of decimals, None for a language that needs more than these.

    Babel takes fifty times as long for a number.
    """
    locale = locale_of(language)
    thousands, point = (str(get_group_symbol(locale)), str(get_decimal_symbol(locale)))
    samples = map(Decimal, ("-1234.5", "12345", "1234567.8912", "0.50", "-9876543"))
    is_plain = all(
        _with_separators(sample, thousands, point) == format_decimal(sample, locale=locale, decimal_quantization=False)
        for sample in samples
    )
    return (thousands, point) if is_plain else None


def _with_separators(value: Decimal, thousands: str, point: str) -> str:
    whole, _, decimals = f"{value:,f}".partition(".")
    decimals = decimals.rstrip("0")
    return whole.replace(",", thousands) + (point + decimals if decimals else "")


def language_name(code: str, translations: Translations) -> Text:
    """Returns the name of a language in the reader's language; an unknown code is unchanged."""
    return Text(locale_of(translations.language).languages.get(code, code))


def coordinates(latitude: str, longitude: str, translations: Translations) -> str:
    """Returns coordinates such as "53.08° N, 8.80° E"."""
    try:
        north, east = Decimal(latitude), Decimal(longitude)
    except InvalidOperation:
        return f"{latitude}, {longitude}"
    vertical = translations("N") if north >= 0 else translations("S")
    horizontal = translations("E") if east >= 0 else translations("W")
    return f"{_degrees(north, translations)} {vertical}, {_degrees(east, translations)} {horizontal}"


def _degrees(value: Decimal, translations: Translations) -> str:
    # Formatted to the digit that is shown, many places have the same degrees.
    return _hundredths(round(abs(value), 2), translations.language)


@lru_cache(maxsize=4096)
def _hundredths(value: Decimal, language: str) -> str:
    separators = _separators(language)
    if separators is None:
        return f"{format_decimal(value, '0.00', locale=locale_of(language))}°"
    return f"{value:.2f}°".replace(".", separators[1])


_TYPE = RDF("type").value
_UNITS = {"AreaFigure": " km²", "DistanceFigure": " km", "ShareFigure": " %"}

Link = Callable[[str], Text]


def summary(node: Node, translations: Translations, link: Link) -> tuple[Text, ...]:
    """Returns a node in one line, or nothing if its class has no such form."""
    types = {v.iri.removeprefix(CG) for s in node.statements if s.predicate == _TYPE for v in s.values}
    statements = _NodeTexts(node, translations, link)
    for kind, summarise in _SUMMARIES.items():
        if kind in types:
            unit = next((u for t, u in _UNITS.items() if t in types), "")
            return tuple(text for text in summarise(statements, unit) if text.text)
    return ()


class _NodeTexts:
    """The statements of a node in the reader's language."""

    def __init__(self, node: Node, translations: Translations, link: Link) -> None:
        self._values = {s.predicate: s.values for s in node.statements}
        self.translations = translations
        self._link = link

    def texts(self, name: str) -> list[Text]:
        """Returns the values of a citygraph property."""
        return [self._text(value) for value in _of_reader(self._values.get(CG + name, ()), self.translations)]

    def first(self, *names: str) -> Text | None:
        """Returns the first value of the first of these properties that has one."""
        return next((text for name in names for text in self.texts(name)), None)

    def label(self) -> Text | None:
        """Returns the name of the node."""
        values = _of_reader(self._values.get(RDFS("label").value, ()), self.translations)
        return next((self._text(value) for value in values), None)

    def is_true(self, name: str) -> bool:
        """Returns whether a boolean property is true."""
        return any(v.term.value == "true" for v in self._values.get(CG + name, ()))

    def _text(self, value: Value) -> Text:
        return literal_text(value.term, self.translations) if isinstance(value.term, Literal) else self._link(value.iri)


def _is_percent_first(language: str) -> bool:
    return str(locale_of(language).percent_formats[None].pattern).startswith("%")


def _figure(node: _NodeTexts, unit: str) -> Iterable[Text]:
    value = node.first("value")
    if value is None:
        return
    yield Text(node.translations("approx.") + " " if node.is_true("approximate") else "")
    # "% 33" is how Turkish writes a share.
    if unit == " %" and _is_percent_first(node.translations.language):
        yield Text(f"%{value.text}")
    else:
        yield Text(f"{value.text}{unit}")
    goal = node.first("to", "toName")
    if goal:
        yield Text(" → ")
        yield goal
    for name in ("criterion",):
        for text in node.texts(name):
            yield Text(": ")
            yield text
    yield from _in_brackets([*node.texts("asOf"), *node.texts("method")])


def _ranking(node: _NodeTexts, _unit: str) -> Iterable[Text]:
    rank = node.first("rank")
    yield Text(node.translations("no. {rank}", rank=rank.text if rank else "?"))
    for text in node.texts("criterion"):
        yield Text(": ")
        yield text
    yield from _in_brackets([*node.texts("among"), *node.texts("amongName"), *node.texts("asOf")])


def _distinction(node: _NodeTexts, _unit: str) -> Iterable[Text]:
    yield node.label() or Text("")
    yield from _in_brackets([*node.texts("awardedBy"), *node.texts("asOf")])


def _name_use(node: _NodeTexts, _unit: str) -> Iterable[Text]:
    yield node.first("name") or Text("")
    start, end = node.first("startDate"), node.first("endDate")
    if start or end:
        yield from _in_brackets([Text(f"{start or ''}–{end or ''}")])


def _period(node: _NodeTexts, _unit: str) -> Iterable[Text]:
    yield from node.texts("state")
    starts, ends = (", ".join(text.text for text in node.texts(name)) for name in ("from", "until"))
    if starts and ends:
        yield Text(f", {starts} – {ends}")
    elif starts or ends:
        dated = (
            node.translations("since {date}", date=starts) if starts else node.translations("until {date}", date=ends)
        )
        yield Text(f", {dated}")
    days = ", ".join(text.text for text in node.texts("attestedOn"))
    yield from _in_brackets([Text(node.translations("documented on {date}", date=days))] if days else [])


def _note(node: _NodeTexts, _unit: str) -> Iterable[Text]:
    return node.texts("text")


def _in_brackets(texts: list[Text]) -> Iterable[Text]:
    for place, text in enumerate(texts):
        yield Text(", " if place else " (")
        yield text
    if texts:
        yield Text(")")


def _of_reader(values: Iterable[Value], translations: Translations) -> list[Value]:
    """Returns the values in the reader's language, or all if there are none in it."""
    # Derived texts repeat asserted ones in another vocabulary.
    asserted = [v for v in values if v.sources != (DERIVED_GRAPH.value,)]
    mine = [v for v in asserted if isinstance(v.term, Literal) and is_in(v.term, translations.language)]
    return mine or asserted


_SUMMARIES: dict[str, Callable[[_NodeTexts, str], Iterable[Text]]] = {
    "Figure": _figure,
    "PopulationFigure": _figure,
    "AreaFigure": _figure,
    "DistanceFigure": _figure,
    "ShareFigure": _figure,
    "Ranking": _ranking,
    "Distinction": _distinction,
    "NameUse": _name_use,
    "Note": _note,
    "Period": _period,
}

KINDS = ("city", "area", "country", "agreement", "organisation", "person", "event")
