"""Literals as a reader of one language writes them: partial dates, numbers, coordinates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date as calendar_date
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal
from markupsafe import Markup, escape
from pyoxigraph import Literal

from citygraph.terms import XSD
from citygraph.web.pages.catalogues import locale_of
from citygraph.web.pages.words import Words

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
