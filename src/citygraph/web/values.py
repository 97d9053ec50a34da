"""Literals as a reader of one language writes them: partial dates, numbers, coordinates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from markupsafe import Markup, escape
from pyoxigraph import Literal

from citygraph.terms import XSD
from citygraph.web.words import MONTHS, Words

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
        return Text(words.yes if literal.value == "true" else words.no)
    return Text(number(literal.value, words) if datatype in _NUMBERS else literal.value)


def date(lexical: str, words: Words) -> str:
    """A date exactly as precise as it is: "24 April 1996", "September 1991", "1991"."""
    match = _DATE.match(lexical)
    if not match:
        return lexical
    year, month, day, time = match.groups()
    parts = [str(int(day))] if day else []
    if month and 1 <= int(month) <= len(MONTHS["en"]):
        parts.append(MONTHS[words.language][int(month) - 1])
    parts.append(year)
    return " ".join(parts) + (f", {time} UTC" if time else "")


def number(lexical: str, words: Words) -> str:
    """A number with groups of three: 600,000.5 in English, 600.000,5 in Turkish; four digits stand together."""
    try:
        value = Decimal(lexical)
    except InvalidOperation:
        return lexical
    if value == value.to_integral_value() and abs(value) < 10**_YEAR_DIGITS:
        return str(int(value))
    text = f"{value:,f}"
    return text.translate(str.maketrans(",.", ".,")) if words.language == "tr" else text


def coordinates(latitude: str, longitude: str, words: Words) -> str:
    """Where a place is: "53.08° N, 8.80° E"."""
    try:
        north, east = Decimal(latitude), Decimal(longitude)
    except InvalidOperation:
        return f"{latitude}, {longitude}"
    vertical = words.north if north >= 0 else words.south
    horizontal = words.east if east >= 0 else words.west
    return f"{_degrees(north, words)} {vertical}, {_degrees(east, words)} {horizontal}"


def _degrees(value: Decimal, words: Words) -> str:
    text = f"{abs(value):.2f}°"
    return text.replace(".", ",") if words.language == "tr" else text
