"""Parser of reconciliation queries (Reconciliation API 0.2, section 4.1)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from citygraph.errors import TooLarge, UsageError
from citygraph.matching.score import LIMIT, LONGEST_NAME, Question
from citygraph.rdf.terms import local_name

MOST_CANDIDATES = 100
_STRICT = ("any", "all", "should")
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_POINT = re.compile(rf"(?P<wkt>\w*\s*POINT\s*\()?\s*(?P<one>{_NUMBER})\s*[,;/\s]\s*(?P<other>{_NUMBER})\s*\)?", re.I)
_ISO = re.compile(r"(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:T.*|Z|[+-]\d\d:\d\d)?")
_TURKISH = re.compile(r"(\d{1,2})[./](\d{1,2})[./](\d{4})")
_QID = re.compile(r"(?:.*/|wd:)?(Q[1-9]\d*)/?(?:[?#]\S*)?", re.IGNORECASE)

# The date properties of entities, by the names that clients use; other dates are of any property.
_DATE_PROPERTIES = {
    "startdate": "startDate",
    "p580": "startDate",
    "enddate": "endDate",
    "p582": "endDate",
    "foundingdate": "foundingDate",
    "p571": "foundingDate",
    "attestedon": "attestedOn",
    "councilactdate": "councilActDate",
    "protocoldate": "protocolDate",
}
# The kind of fact that a property of a query gives, by the names that clients use for it.
_NAMES_OF_FACTS = {
    "country": ("country", "p17"),
    "coordinates": ("coordinates", "p625", "aswkt"),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "qid": ("qid", "sameas", "wikidata"),
    "date": ("date", "p585"),
}
FACTS: Mapping[str, str] = _DATE_PROPERTIES | {name: fact for fact, names in _NAMES_OF_FACTS.items() for name in names}

TypeOf = Callable[[str], str]


def read_batch(text: str, most: int, type_of: TypeOf) -> dict[str, Question]:
    """Returns the questions of a batch by id; `type_of` returns a class's local name for an identifier of a type.

    Raises UsageError if the text is not a batch, TooLarge if it has more than `most` queries.
    """
    batch = read_json(text, "queries")
    if len(batch) > most:
        raise TooLarge(f"the batch has {len(batch)} queries; the maximum is {most}", most)
    return {id_: read_question(query, type_of) for id_, query in batch.items()}


def read_json(text: str, name: str) -> dict[str, Any]:
    """Returns the JSON object in a parameter. Raises UsageError for anything else."""
    try:
        value = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is not text
    except (ValueError, RecursionError):  # the latter for deeply nested lists
        raise UsageError(f"the parameter {name} is not JSON") from None
    if not isinstance(value, dict):
        raise UsageError(f"the parameter {name} must be a JSON object")
    return value


def read_question(query: Any, type_of: TypeOf) -> Question:
    """Returns one query as a question. Raises UsageError if it violates the specification.

    A malformed value of a property is ignored, such as the date "unknown".
    """
    if not isinstance(query, dict) or not isinstance(query.get("query", ""), str):
        raise UsageError("each query must be an object, and its member query a text")
    if "query" not in query and not query.get("properties"):
        raise UsageError("each query must have a member query, or properties")
    strict = query.get("type_strict") or "any"
    if strict not in _STRICT:
        raise UsageError(f"type_strict must be {', '.join(_STRICT[:-1])} or {_STRICT[-1]}")
    facts = _facts(query.get("properties") or [])
    return Question(
        text=query.get("query", "")[:LONGEST_NAME].strip(),
        types=tuple(type_of(type_) for type_ in _types(query.get("type"))),
        strict=strict,
        countries=tuple(facts.get("country", ())),
        point=_point(facts),
        qids=tuple(match[1].upper() for text in facts.get("qid", ()) if (match := _QID.fullmatch(text))),
        dates=tuple(_dates(facts)),
        limit=_limit(query.get("limit")),
    )


def _dates(facts: Mapping[str, list[str]]) -> Iterator[tuple[str, tuple[str, str]]]:
    for name in ("date", *dict.fromkeys(_DATE_PROPERTIES.values())):
        for text in facts.get(name, ()):
            if date_ := read_dates(text):
                yield "" if name == "date" else name, date_


def read_dates(text: str) -> tuple[str, str] | None:
    """Returns the ends of a date or of two dates with a slash between, each possibly partial; None if malformed.

    A day that no calendar has, such as 31.02.1985, is malformed, as is an interval that ends before it begins.
    """
    parts = [_date(part.strip()) for part in text.split("/")] if not _TURKISH.fullmatch(text.strip()) else [_date(text)]
    begin, end = parts[0], parts[-1]
    if not begin or not end or len(parts) > 2:
        return None
    # The shorter of the two has the precision at which both can be compared.
    precision = min(len(begin), len(end))
    return (begin, end) if begin[:precision] <= end[:precision] else None


def _date(text: str) -> str:
    """Returns a partial date as ISO 8601, or "" if it is malformed."""
    if match := _TURKISH.fullmatch(text.strip()):
        text = f"{match[3]}-{int(match[2]):02}-{int(match[1]):02}"
    match = _ISO.fullmatch(text)
    if match is None:
        return ""
    try:
        # The first day of the year or of the month completes a partial date.
        date.fromisoformat(match[1] + "-01-01"[len(match[1]) - len("1985") :])
    except ValueError:
        return ""
    return match[1]


def _facts(properties: Any) -> dict[str, list[str]]:
    """Returns the values for each kind of fact, as texts."""
    if not isinstance(properties, list):
        raise UsageError("properties must be a list")
    facts: dict[str, list[str]] = {}
    for one in properties:
        if not isinstance(one, dict) or not isinstance(one.get("pid"), str) or "v" not in one:
            raise UsageError("each of the properties must be an object with the members pid and v")
        fact = FACTS.get(local_name(one["pid"]).casefold())
        if fact:
            facts.setdefault(fact, []).extend(_values(one["v"]))
    return facts


def _values(value: Any) -> Iterator[str]:
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            yield str(one.get("id") or one.get("name") or "")
        elif one is not None:
            yield str(one)


def _types(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value] if value else []
    types = [one.get("id") if isinstance(one, dict) else one for one in listed]
    if not all(isinstance(one, str) for one in types):
        raise UsageError("type must be an identifier or a list of them")
    return [str(one) for one in types]


def _point(facts: Mapping[str, list[str]]) -> tuple[float, float] | None:
    separate = [facts[name][0] for name in ("latitude", "longitude") if facts.get(name)]
    match = _POINT.fullmatch((facts.get("coordinates") or [",".join(separate)])[0].strip())
    if match is None:
        return None
    one, other = float(match["one"]), float(match["other"])
    # Well-known text has the longitude first (OGC 06-103r4).
    latitude, longitude = (other, one) if match["wkt"] else (one, other)
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _limit(value: Any) -> int:
    if value is None:
        return LIMIT
    # In Python, true is an int.
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError("limit must be a positive whole number")
    return min(value, MOST_CANDIDATES)
