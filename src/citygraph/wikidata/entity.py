"""Wikidata items, read from its JSON (the dump, Special:EntityData) or from rows of its RDF."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from citygraph.text import matches_language
from citygraph.wikidata.model import (
    DATE_QUALIFIERS,
    DAY,
    EARTH,
    FACTS,
    POSITION_HELD,
    PROPERTIES,
    REFERENCE_PROPERTIES,
    YEAR,
    Absent,
    Item,
    ItemValue,
    PointValue,
    QuantityValue,
    Rank,
    Reference,
    Snak,
    Statement,
    TextValue,
    Value,
    parse_time,
)


def read_entity(entity: Mapping[str, Any], retrieved: str = "") -> Item:
    """Returns an item from its JSON. `retrieved` is ISO 8601, unless the JSON has it.

    Only the statements of PROPERTIES are read. Raises KeyError, TypeError or ValueError for JSON that is not an entity.
    """
    qid = str(entity["id"])
    claims = entity.get("claims") or {}
    statements = tuple(_statement(qid, claim) for p in PROPERTIES if p in claims for claim in claims[p])
    # An empty map is written as [] by PHP.
    labels = {language: str(term["value"]) for language, term in dict(entity.get("labels") or {}).items()}
    aliases = {
        language: tuple(str(term["value"]) for term in terms)
        for language, terms in dict(entity.get("aliases") or {}).items()
    }
    return Item(qid, labels, aliases, statements, str(entity.get("retrieved", retrieved)))


def reduce_entity(entity: Mapping[str, Any], languages: Iterable[str] | None = None) -> dict[str, Any]:
    """Returns the part of an entity's JSON that `read_entity` needs, with names in some language ranges or in all."""
    claims = entity.get("claims") or {}
    return {
        "id": entity["id"],
        "labels": _in_languages(entity.get("labels"), languages),
        "aliases": _in_languages(entity.get("aliases"), languages),
        "claims": {p: claims[p] for p in PROPERTIES if p in claims},
    }


def decimal(value: object) -> str:
    """Returns a number as plain decimal text without a plus sign or an exponent. Raises ValueError."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a number")
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def degrees(value: object) -> str:
    """Returns degrees with six decimals (a tenth of a metre): finer digits differ between Wikidata's JSON and RDF."""
    text = decimal(round(Decimal(decimal(value)), 6))
    return "0" if text == "-0" else text


def _in_languages(terms: Any, languages: Iterable[str] | None) -> dict[str, Any]:
    by_language = dict(terms or {})
    if languages is None:
        return by_language
    ranges = tuple(languages)
    return {tag: term for tag, term in by_language.items() if any(matches_language(tag, one) for one in ranges)}


def _statement(qid: str, claim: Mapping[str, Any]) -> Statement:
    property_ = str(claim["mainsnak"]["property"])
    # Only the statements that become facts need qualifiers and references; the others would fill the spool.
    facts = property_ in FACTS
    return Statement(
        # The IRI of a statement has a hyphen where its JSON id has a dollar sign.
        id=str(claim["id"]).replace("$", "-"),
        entity=qid,
        property=property_,
        value=_value(claim["mainsnak"]),
        rank=Rank(claim.get("rank", "normal")),
        qualifiers=tuple(_qualifiers(property_, claim)) if facts else (),
        references=tuple(_reference(r) for r in claim.get("references", ())) if facts else (),
    )


def _qualifiers(property_: str, claim: Mapping[str, Any]) -> Iterator[Snak]:
    """Yields the dates and, for a position held, the items: one of them may name the place."""
    for qualifier, snaks in dict(claim.get("qualifiers") or {}).items():
        for snak in snaks:
            value = _value(snak)
            if value == Absent.NONE:
                # It means the same as no qualifier, and in RDF it looks like a novalue of the statement itself.
                continue
            if qualifier in DATE_QUALIFIERS or (property_ == POSITION_HELD and isinstance(value, ItemValue)):
                yield Snak(qualifier, value)


def _reference(reference: Mapping[str, Any]) -> Reference:
    snaks = dict(reference.get("snaks") or {})
    values = tuple(Snak(p, _value(snak)) for p in REFERENCE_PROPERTIES if p in snaks for snak in snaks[p])
    return Reference(str(reference["hash"]), values)


def _value(snak: Mapping[str, Any]) -> Value:
    if snak["snaktype"] != "value":
        return Absent(snak["snaktype"])
    kind, value = snak["datavalue"]["type"], snak["datavalue"]["value"]
    if kind == "wikibase-entityid":
        # Dumps before 2017 give the number only.
        return ItemValue(str(value.get("id") or f"Q{value['numeric-id']}"))
    if kind == "time":
        calendar = value.get("calendarmodel", "")
        return parse_time(value["time"], int(value["precision"]), calendar, astronomical=False) or Absent.UNKNOWN
    if kind == "globecoordinate":
        on_earth = (value.get("globe") or EARTH) == EARTH
        return PointValue(degrees(value["latitude"]), degrees(value["longitude"]), on_earth)
    if kind == "quantity":
        upper, lower = value.get("upperBound"), value.get("lowerBound")
        spread = decimal(Decimal(upper) - Decimal(lower)) if upper is not None and lower is not None else ""
        return QuantityValue(decimal(value["amount"]), spread)
    return TextValue(value["text"], value["language"]) if kind == "monolingualtext" else TextValue(str(value))


ENTITY = "http://www.wikidata.org/entity/"
STATEMENT = ENTITY + "statement/"
REFERENCE = "http://www.wikidata.org/reference/"
# The query service writes "somevalue" as such an IRI since 2021; the dumps have blank nodes.
_SKOLEM = "/.well-known/genid/"

ResultRow = Mapping[str, Mapping[str, Any]]


def qid_of(cell: Mapping[str, Any]) -> str:
    """Returns the id of the item in a cell."""
    return str(cell["value"]).removeprefix(ENTITY)


def read_statements(
    rows: Iterable[ResultRow], qualifiers: Iterable[ResultRow], references: Iterable[ResultRow]
) -> list[Statement]:
    """Returns the statements of the rows with their qualifiers and references, in the order of the rows.

    Raises KeyError or ValueError for rows of other queries.
    """
    statements: dict[str, Statement] = {}
    for row in rows:
        statement = _statement_of_rows(row)
        statements.setdefault(statement.id, statement)
    with_qualifiers = _by_statement(qualifiers)
    with_references = _by_statement(references)
    return [
        replace(
            statement,
            qualifiers=tuple(dict.fromkeys(Snak(_property(r), _value_of_row(r)) for r in with_qualifiers.get(id_, ()))),
            references=_references(with_references.get(id_, ())),
        )
        for id_, statement in statements.items()
    ]


def _statement_of_rows(row: ResultRow) -> Statement:
    return Statement(
        id=_id(row),
        entity=qid_of(row["item"]),
        property=_property(row),
        value=_value_of_row(row) if "value" in row else Absent.NONE,
        rank=Rank(str(row["rank"]["value"]).rpartition("#")[2].removesuffix("Rank").lower()),
    )


def _references(rows: Iterable[ResultRow]) -> tuple[Reference, ...]:
    snaks: dict[str, dict[Snak, None]] = {}
    for row in rows:
        # A dictionary keeps the order, and each snak once although the rows of a join repeat it.
        of_reference = snaks.setdefault(str(row["reference"]["value"]).removeprefix(REFERENCE), {})
        if "value" in row:
            of_reference[Snak(_property(row), _value_of_row(row))] = None
    return tuple(Reference(hash_, tuple(values)) for hash_, values in snaks.items())


def _by_statement(rows: Iterable[ResultRow]) -> dict[str, list[ResultRow]]:
    by_statement: dict[str, list[ResultRow]] = {}
    for row in rows:
        by_statement.setdefault(_id(row), []).append(row)
    return by_statement


def _id(row: ResultRow) -> str:
    return str(row["statement"]["value"]).removeprefix(STATEMENT)


def _property(row: ResultRow) -> str:
    return str(row["property"]["value"]).rpartition("/")[2]


def _value_of_row(row: ResultRow) -> Value:
    """Returns a value, from its value node if the row has one: only the node has the precision."""
    cell = row["value"]
    text = str(cell["value"])
    if cell["type"] == "bnode" or _SKOLEM in text:
        return Absent.UNKNOWN
    if cell["type"] == "uri":
        return ItemValue(text.removeprefix(ENTITY)) if text.startswith(ENTITY) else TextValue(text)
    if "latitude" in row:
        on_earth = row["globe"]["value"] == EARTH if "globe" in row else True
        return PointValue(degrees(row["latitude"]["value"]), degrees(row["longitude"]["value"]), on_earth)
    datatype = str(cell.get("datatype", "")).rpartition("#")[2]
    if datatype == "dateTime":
        return _time_of_row(row, text)
    if datatype == "decimal":
        spread = decimal(_number(row, "upper") - _number(row, "lower")) if "upper" in row and "lower" in row else ""
        return QuantityValue(decimal(text), spread)
    return TextValue(text, str(cell.get("xml:lang", "")))


def _time_of_row(row: ResultRow, text: str) -> Value:
    if "precision" in row:
        calendar = str(row["calendar"]["value"]) if "calendar" in row else ""
        time = parse_time(str(row["time"]["value"]), int(row["precision"]["value"]), calendar, astronomical=True)
    else:
        # In RDF a year is the first of January. Without the precision, the coarser reading is never wrong.
        time = parse_time(text, YEAR if "-01-01T" in text else DAY, "", astronomical=True)
    return time or Absent.UNKNOWN


def _number(row: ResultRow, name: str) -> Decimal:
    return Decimal(decimal(row[name]["value"]))
