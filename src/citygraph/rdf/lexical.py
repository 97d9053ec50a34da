"""The lexical spaces of the XSD datatypes (W3C XML Schema 1.1, part 2), strictly: which texts are valid literals.

Engines accept too much and too little, so data are checked here before any engine reads them. White space around a
value is not part of a lexical form (RDF 1.1, 3.3).
"""

from __future__ import annotations

import re
from calendar import isleap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from citygraph.rdf.terms import RDF, XSD

_SIGN = r"[+-]?"
_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_YEAR = r"(?P<year>-?(?:[1-9][0-9]{3,}|0[0-9]{3}))"
_MONTH = r"(?P<month>0[1-9]|1[0-2])"
_DAY = r"(?P<day>0[1-9]|[12][0-9]|3[01])"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_TIME = r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?|24:00:00(?:\.0+)?)"
_SECONDS = r"[0-9]+(?:\.[0-9]+)?S"
_CLOCK = rf"T(?:[0-9]+H(?:[0-9]+M)?(?:{_SECONDS})?|[0-9]+M(?:{_SECONDS})?|{_SECONDS})"
_YEARS = r"(?:[0-9]+Y(?:[0-9]+M)?|[0-9]+M)"
_DAYS = rf"(?:[0-9]+D(?:{_CLOCK})?|{_CLOCK})"
_BASE64 = r"(?:[A-Za-z0-9+/] ?){4}"
_NAME_START = (
    r"A-Z_a-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D\u2070-\u218F"
    r"\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
)
_NAME = rf"{_NAME_START}\-.0-9\u00B7\u0300-\u036F\u203F-\u2040"


@dataclass(frozen=True)
class Datatype:
    """A datatype: whether a text is in its lexical space, and a valid example."""

    contains: Callable[[str], bool]
    example: str


def _compiled(pattern: str) -> Callable[[], re.Pattern[str]]:
    """Returns a function that compiles a pattern when it is called first: all of them take 60 ms."""
    return cache(partial(re.compile, pattern))


def _pattern(pattern: str) -> Callable[[str], bool]:
    compiled = _compiled(pattern)
    return lambda text: compiled().fullmatch(text) is not None


def _integer(least: int | None = None, most: int | None = None) -> Callable[[str], bool]:
    matches = _pattern(rf"{_SIGN}[0-9]+")

    def contains(text: str) -> bool:
        # Python converts texts of at most some thousand digits; no bound has more than 20.
        if not matches(text) or (least is None and most is None):
            return matches(text)
        if len(digits := text.lstrip("+-").lstrip("0")) > 20:
            return (least if text[0] == "-" else most) is None
        number = int(digits or "0") * (-1 if text[0] == "-" else 1)
        return (least is None or number >= least) and (most is None or number <= most)

    return contains


def _calendar(pattern: str) -> Callable[[str], bool]:
    """Returns the check of a pattern with a month and a day, of which the month must have that many days."""
    compiled = _compiled(pattern)

    def contains(text: str) -> bool:
        match = compiled().fullmatch(text)
        if match is None:
            return False
        groups = match.groupdict()
        # The leap years repeat every 400 years, and the number may be too long for a conversion.
        year = int(groups.get("year", "0000")[-4:].lstrip("-"))
        return int(match["day"]) <= days_in_month(year, int(match["month"]))

    return contains


def days_in_month(year: int, month: int) -> int:
    """Returns the number of days of a month, in years before 1 too (XML Schema 1.1, part 2, E.3.2)."""
    # `calendar.monthrange` refuses years before 1.
    if month == 2:
        return 29 if isleap(year) else 28
    return 30 if month in {4, 6, 9, 11} else 31


def _any(text: str) -> bool:  # noqa: ARG001 - the signature of a check
    return True


_NUMBERS = {
    "boolean": Datatype(_pattern("true|false|1|0"), "true"),
    "decimal": Datatype(_pattern(_SIGN + _NUMBER), "41.9"),
    "integer": Datatype(_integer(), "600000"),
    "nonNegativeInteger": Datatype(_integer(0), "0"),
    "positiveInteger": Datatype(_integer(1), "1"),
    "nonPositiveInteger": Datatype(_integer(None, 0), "0"),
    "negativeInteger": Datatype(_integer(None, -1), "-1"),
    **{
        name: Datatype(_integer(-(2**bits), 2**bits - 1), "1")
        for name, bits in (("byte", 7), ("short", 15), ("int", 31), ("long", 63))
    },
    **{
        name: Datatype(_integer(0, 2**bits - 1), "1")
        for name, bits in (("unsignedByte", 8), ("unsignedShort", 16), ("unsignedInt", 32), ("unsignedLong", 64))
    },
    **{
        name: Datatype(_pattern(rf"{_SIGN}(?:{_NUMBER}(?:[Ee]{_SIGN}[0-9]+)?|INF)|NaN"), "4.19E1")
        for name in ("float", "double")
    },
}
_TIMES = {
    "date": Datatype(_calendar(f"{_YEAR}-{_MONTH}-{_DAY}{_ZONE}?"), "1996-04-24"),
    "gYearMonth": Datatype(_pattern(f"{_YEAR}-{_MONTH}{_ZONE}?"), "1996-04"),
    "gYear": Datatype(_pattern(f"{_YEAR}{_ZONE}?"), "1996"),
    "gMonthDay": Datatype(_calendar(f"--{_MONTH}-{_DAY}{_ZONE}?"), "--04-24"),
    "gMonth": Datatype(_pattern(f"--{_MONTH}{_ZONE}?"), "--04"),
    "gDay": Datatype(_pattern(f"---{_DAY}{_ZONE}?"), "---24"),
    "time": Datatype(_pattern(f"{_TIME}{_ZONE}?"), "18:30:00"),
    "dateTime": Datatype(_calendar(f"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}?"), "1996-04-24T18:30:00Z"),
    "dateTimeStamp": Datatype(_calendar(f"{_YEAR}-{_MONTH}-{_DAY}T{_TIME}{_ZONE}"), "1996-04-24T18:30:00Z"),
    "duration": Datatype(_pattern(f"-?P(?:{_YEARS}(?:{_DAYS})?|{_DAYS})"), "P1Y6M"),
    "yearMonthDuration": Datatype(_pattern(f"-?P{_YEARS}"), "P1Y6M"),
    "dayTimeDuration": Datatype(_pattern(f"-?P{_DAYS}"), "P1DT12H"),
}
_TEXTS = {
    "string": Datatype(_any, "text"),
    "anyURI": Datatype(_any, "https://example.org/"),
    "normalizedString": Datatype(_pattern("[^\t\n\r]*"), "text"),
    "token": Datatype(_pattern("(?:[^ \t\n\r]+(?: [^ \t\n\r]+)*)?"), "text"),
    "language": Datatype(_pattern("[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*"), "tr"),
    "Name": Datatype(_pattern(f"[:{_NAME_START}][:{_NAME}]*"), "name"),
    "NCName": Datatype(_pattern(f"[{_NAME_START}][{_NAME}]*"), "name"),
    "NMTOKEN": Datatype(_pattern(f"[:{_NAME}]+"), "name"),
    "hexBinary": Datatype(_pattern("(?:[0-9A-Fa-f]{2})*"), "0FB7"),
    "base64Binary": Datatype(
        _pattern(
            f"(?:(?:{_BASE64})*(?:(?:[A-Za-z0-9+/] ?){{3}}[A-Za-z0-9+/]"
            "|(?:[A-Za-z0-9+/] ?){2}[AEIMQUYcgkosw048] ?=|[A-Za-z0-9+/] ?[AQgw] ?= ?=))?"
        ),
        "aXptaXI=",
    ),
}

# The datatypes of XML Schema that RDF may use (RDF 1.1, 5.1), by IRI.
DATATYPES: dict[str, Datatype] = {XSD + name: type_ for name, type_ in {**_NUMBERS, **_TIMES, **_TEXTS}.items()}
# Every text is a value of these, so they need no check.
TEXTS: frozenset[str] = frozenset({XSD + "string", XSD + "anyURI", RDF + "langString"})


def is_valid(text: str, datatype: str) -> bool:
    """Returns whether a text is in the lexical space of a datatype; of a datatype unknown here, every text is.

    A name in the namespace of XML Schema that is not a datatype of RDF has no valid text.
    """
    lexical_space = DATATYPES.get(datatype)
    return lexical_space.contains(text) if lexical_space else not datatype.startswith(XSD)
