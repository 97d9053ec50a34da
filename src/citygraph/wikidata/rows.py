"""Items from the rows that the query service answers, in Wikidata's RDF form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from citygraph.wikidata.entity import decimal, degrees
from citygraph.wikidata.model import (
    DAY,
    EARTH,
    YEAR,
    Absent,
    Link,
    Point,
    Quantity,
    Rank,
    Reference,
    Snak,
    Statement,
    Text,
    Value,
    parse_time,
)

ENTITY = "http://www.wikidata.org/entity/"
STATEMENT = ENTITY + "statement/"
REFERENCE = "http://www.wikidata.org/reference/"
# How the query service writes "somevalue" since 2021; the dumps have blank nodes.
_UNKNOWN = "/.well-known/genid/"

Row = Mapping[str, Mapping[str, Any]]


def qid_of(cell: Mapping[str, Any]) -> str:
    """The id of the item in a cell."""
    return str(cell["value"]).removeprefix(ENTITY)


def read_statements(rows: Iterable[Row], qualifiers: Iterable[Row], references: Iterable[Row]) -> list[Statement]:
    """The statements of the rows with their qualifiers and references, in the order of their properties and ids.

    Raises KeyError or ValueError for rows that are not of our queries.
    """
    statements: dict[str, Statement] = {}
    for row in rows:
        statement = _statement(row)
        statements.setdefault(statement.id, statement)
    with_qualifiers = _by_statement(qualifiers)
    with_references = _by_statement(references)
    return [
        replace(
            statement,
            qualifiers=tuple(dict.fromkeys(Snak(_property(r), _value(r)) for r in with_qualifiers.get(id_, ()))),
            references=_references(with_references.get(id_, ())),
        )
        for id_, statement in statements.items()
    ]


def _statement(row: Row) -> Statement:
    return Statement(
        id=_id(row),
        entity=qid_of(row["item"]),
        property=_property(row),
        value=_value(row) if "value" in row else Absent.NONE,
        rank=Rank(str(row["rank"]["value"]).rpartition("#")[2].removesuffix("Rank").lower()),
    )


def _references(rows: Iterable[Row]) -> tuple[Reference, ...]:
    snaks: dict[str, dict[Snak, None]] = {}
    for row in rows:
        found = snaks.setdefault(str(row["reference"]["value"]).removeprefix(REFERENCE), {})
        if "value" in row:
            found[Snak(_property(row), _value(row))] = None
    return tuple(Reference(hash_, tuple(found)) for hash_, found in snaks.items())


def _by_statement(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_id(row), []).append(row)
    return found


def _id(row: Row) -> str:
    return str(row["statement"]["value"]).removeprefix(STATEMENT)


def _property(row: Row) -> str:
    return str(row["property"]["value"]).rpartition("/")[2]


def _value(row: Row) -> Value:
    """A value, by its node if the row has one: only that tells the precision."""
    cell = row["value"]
    text = str(cell["value"])
    if cell["type"] == "bnode" or _UNKNOWN in text:
        return Absent.UNKNOWN
    if cell["type"] == "uri":
        return Link(text.removeprefix(ENTITY)) if text.startswith(ENTITY) else Text(text)
    if "latitude" in row:
        on_earth = row["globe"]["value"] == EARTH if "globe" in row else True
        return Point(degrees(row["latitude"]["value"]), degrees(row["longitude"]["value"]), on_earth)
    datatype = str(cell.get("datatype", "")).rpartition("#")[2]
    if datatype == "dateTime":
        return _time(row, text)
    if datatype == "decimal":
        spread = decimal(_number(row, "upper") - _number(row, "lower")) if "upper" in row and "lower" in row else ""
        return Quantity(decimal(text), spread)
    return Text(text, str(cell.get("xml:lang", "")))


def _time(row: Row, text: str) -> Value:
    if "precision" in row:
        calendar = str(row["calendar"]["value"]) if "calendar" in row else ""
        time = parse_time(str(row["time"]["value"]), int(row["precision"]["value"]), calendar, astronomical=True)
    else:
        # A year is written as its first of January: without the precision, the coarser reading is never wrong.
        time = parse_time(text, YEAR if "-01-01T" in text else DAY, "", astronomical=True)
    return time or Absent.UNKNOWN


def _number(row: Row, name: str) -> Decimal:
    return Decimal(decimal(row[name]["value"]))
