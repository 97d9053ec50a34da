"""Terms in queries: each `$name` is replaced by the RDF term of its value, as one token."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from citygraph.client.typed_values import IRI, XSD, BlankTerm, PartialDate, TypedText, literal

# The tokens of SPARQL in which a dollar sign is not a parameter; an open quote has no end.
_TOKEN = re.compile(
    r'''"""(?:[^"\\]|\\.|"(?!""))*"""|\'\'\'(?:[^'\\]|\\.|'(?!''))*\'\'\'|"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*'|'''
    r"""<[^<>"{}|^`\\\x00-\x20]*>|\#[^\r\n]*|\\.|\$(?P<name>\w+)|(?P<open>["'])""",
    re.DOTALL,
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20<>\"{}|^`\\]*")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")
# The kinds of numpy's types of times and of durations.
_TIMES = ("M", "m")
_DAY_OR_LESS = re.compile(r"(-?)(\d+)((?:-\d\d){0,2})")
_PRECISIONS = ("gYear", "gYearMonth", "date")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')


def with_terms(text: str, terms: Mapping[str, Any]) -> str:
    """Returns the query with each `$name` replaced by the term of that name.

    `$name` in strings, comments and IRIs is not a parameter. Raises ValueError for a name without a value, a value
    without a place, a value that is not a term, and a string without an end; TypeError for another type of value.
    """
    used: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        if match["open"]:
            raise ValueError(f"the string that begins at character {match.start() + 1} of the query has no end")
        name = match["name"]
        if name is None:
            return match[0]
        if name not in terms:
            raise ValueError(f"the query has ${name}: give a value, as {name}=…, or write ?{name} for a variable")
        used.add(name)
        return f" {term_text(terms[name])} "

    result = _TOKEN.sub(replaced, text)
    if unused := [name for name in terms if name not in used]:
        raise ValueError(f"the query has no ${unused[0]}, for which there is a value")
    return result


def as_variables(text: str) -> str:
    """Returns the query with each variable `$name` as `?name`, which is the same variable in SPARQL."""
    return _TOKEN.sub(lambda match: f"?{match['name']}" if match["name"] else match[0], text)


def term_text(value: Any) -> str:
    """Returns a value as an RDF term in SPARQL. Raises TypeError for a value of another type, ValueError."""
    iri = getattr(value, "iri", None)
    if isinstance(iri, IRI):
        value = iri
    if callable(item := getattr(value, "item", None)):
        value = _scalar(value, item())
    # A datetime is a date and a bool is an int in Python, hence the order.
    for class_, write in _WRITERS:
        if isinstance(value, class_) and not isinstance(value, BlankTerm):
            return write(value)
    raise TypeError(
        f"{type(value).__name__} is not a term: use str, int, float, Decimal, bool, date, datetime, PartialDate or IRI"
    )


def _scalar(value: Any, item: Any) -> Any:
    """Returns the value of a scalar of numpy. Raises TypeError for a duration and a date that Python does not have."""
    if getattr(getattr(value, "dtype", None), "kind", "") not in _TIMES:
        return item
    text = str(value)
    if match := _DAY_OR_LESS.fullmatch(text):
        # Python's date for 2020-01 would be its first day. numpy writes the year -44 with three digits.
        sign, year, rest = match.groups()
        return literal(f"{sign}{year:0>4}{rest}", datatype=XSD + _PRECISIONS[rest.count("-")])
    if isinstance(item, int) and "T" in text and not getattr(value, "ndim", 0):
        # Of nanoseconds, numpy returns the number.
        item = value.astype("datetime64[us]").item()
    if isinstance(item, date):
        return item
    raise TypeError(f"{value!r} is not a term: use date or datetime")


def iri_text(iri: str) -> str:
    """Returns an absolute IRI in angle brackets. Raises ValueError for another text."""
    if not _ABSOLUTE.fullmatch(iri):
        raise ValueError(f"{iri!r} is not an absolute IRI")
    return f"<{iri}>"


def _string(text: str) -> str:
    if "\0" in text:
        raise ValueError("a text with a NUL character is not a term")
    text.encode()  # raises UnicodeEncodeError, a ValueError, for half of a surrogate pair
    escaped = _ESCAPED.sub(lambda match: _ESCAPES.get(match[0], f"\\u{ord(match[0]):04X}"), text)
    return f'"{escaped}"'


def _typed_text(text: TypedText) -> str:
    if text.language:
        if not _LANGUAGE.fullmatch(text.language):
            raise ValueError(f"{text.language!r} is not the tag of a language")
        return f"{_string(text)}@{text.language}"
    return f"{_string(text)}^^{iri_text(text.datatype)}" if text.datatype else _string(text)


def _typed(text: str, datatype: str) -> str:
    return f'"{text}"^^<{XSD}{datatype}>'


def _integer(number: int) -> str:
    # Bare digits, because LIMIT and OFFSET accept no other form. A sign could join the token before it.
    return str(number) if number >= 0 else _typed(str(number), "integer")


def _decimal(number: Decimal) -> str:
    if not number.is_finite():
        raise ValueError(f"{number} is not a decimal number in RDF")
    return _typed(f"{number:f}", "decimal")


def _moment(moment: datetime) -> str:
    text = moment.isoformat()
    if text == "NaT":
        raise ValueError("NaT, a date that is missing, is not a term")
    return _typed(text, "dateTime")


def _double(number: float) -> str:
    text = repr(number)
    return _typed({"inf": "INF", "-inf": "-INF", "nan": "NaN"}.get(text, text), "double")


_WRITERS: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (IRI, iri_text),
    (TypedText, _typed_text),
    (str, _string),
    (bool, lambda value: "true" if value else "false"),
    (int, _integer),
    (Decimal, _decimal),
    (float, _double),
    (datetime, _moment),
    (date, lambda day: _typed(day.isoformat(), "date")),
    (PartialDate, lambda day: f"{_string(day.text)}^^{iri_text(day.datatype)}"),
)
