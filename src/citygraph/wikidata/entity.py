"""Items in Wikidata's own JSON, as in its dump and its Special:EntityData: read and written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any

from citygraph.wikidata.model import (
    DATE_QUALIFIERS,
    DAY,
    EARTH,
    FACTS,
    JULIAN,
    POSITION_HELD,
    PROPERTIES,
    REFERENCE_PROPERTIES,
    YEAR,
    Absent,
    Item,
    Link,
    Point,
    Quantity,
    Rank,
    Reference,
    Snak,
    Statement,
    Text,
    Time,
    Value,
    parse_time,
)

_GREGORIAN = "http://www.wikidata.org/entity/Q1985727"


def read_entity(entity: Mapping[str, Any], retrieved: str = "") -> Item:
    """An item from its JSON, with the statements that we read. `retrieved` is ISO 8601, unless the JSON has it.

    Raises KeyError, TypeError or ValueError for JSON that is no entity.
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


def write_entity(item: Item) -> dict[str, Any]:
    """The item as JSON that `read_entity` reads."""
    claims: dict[str, list[Any]] = {}
    for statement in item.statements:
        claims.setdefault(statement.property, []).append(_claim(statement))
    return {
        "type": "item",
        "id": item.qid,
        "labels": {lang: {"language": lang, "value": text} for lang, text in item.labels.items()},
        "aliases": {lang: [{"language": lang, "value": t} for t in texts] for lang, texts in item.aliases.items()},
        "claims": claims,
        "retrieved": item.retrieved,
    }


def reduce_entity(entity: Mapping[str, Any], languages: Iterable[str] | None = None) -> dict[str, Any]:
    """The part of an entity's JSON that `read_entity` reads, with names in some languages or in all."""
    claims = entity.get("claims") or {}
    return {
        "id": entity["id"],
        "labels": _in_languages(entity.get("labels"), languages),
        "aliases": _in_languages(entity.get("aliases"), languages),
        "claims": {p: claims[p] for p in PROPERTIES if p in claims},
    }


def decimal(value: object) -> str:
    """A number as plain decimal text without a sign of plus or an exponent. Raises ValueError."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def degrees(value: object) -> str:
    """Degrees with six decimals, a tenth of a metre: finer digits differ between Wikidata's JSON and its RDF."""
    text = decimal(round(Decimal(decimal(value)), 6))
    return "0" if text == "-0" else text


def _in_languages(terms: Any, languages: Iterable[str] | None) -> dict[str, Any]:
    found = dict(terms or {})
    return found if languages is None else {lang: found[lang] for lang in languages if lang in found}


def _statement(qid: str, claim: Mapping[str, Any]) -> Statement:
    property_ = str(claim["mainsnak"]["property"])
    facts = property_ in FACTS
    return Statement(
        id=str(claim["id"]).replace("$", "-"),
        entity=qid,
        property=property_,
        value=_value(claim["mainsnak"]),
        rank=Rank(claim.get("rank", "normal")),
        qualifiers=tuple(_qualifiers(property_, claim)) if facts else (),
        references=tuple(_reference(r) for r in claim.get("references", ())) if facts else (),
    )


def _qualifiers(property_: str, claim: Mapping[str, Any]) -> Iterator[Snak]:
    """The dates and, of a position held, the items: one of them may name the place."""
    for qualifier, snaks in dict(claim.get("qualifiers") or {}).items():
        for snak in snaks:
            value = _value(snak)
            if value == Absent.NONE:
                continue  # no end is the same as no end said, and in RDF it cannot be told from a statement's novalue
            if qualifier in DATE_QUALIFIERS or (property_ == POSITION_HELD and isinstance(value, Link)):
                yield Snak(qualifier, value)


def _reference(reference: Mapping[str, Any]) -> Reference:
    snaks = dict(reference.get("snaks") or {})
    kept = tuple(Snak(p, _value(snak)) for p in REFERENCE_PROPERTIES if p in snaks for snak in snaks[p])
    return Reference(str(reference["hash"]), kept)


def _value(snak: Mapping[str, Any]) -> Value:
    if snak["snaktype"] != "value":
        return Absent(snak["snaktype"])
    kind, value = snak["datavalue"]["type"], snak["datavalue"]["value"]
    if kind == "wikibase-entityid":
        # Dumps before 2017 give the number only.
        return Link(str(value.get("id") or f"Q{value['numeric-id']}"))
    if kind == "time":
        calendar = "" if value.get("converted") else value.get("calendarmodel", "")
        time = parse_time(value["time"], int(value["precision"]), calendar, astronomical=False)
        return replace(time, julian=value.get("calendarmodel") == JULIAN) if time else Absent.UNKNOWN
    if kind == "globecoordinate":
        on_earth = (value.get("globe") or EARTH) == EARTH
        return Point(degrees(value["latitude"]), degrees(value["longitude"]), on_earth)
    if kind == "quantity":
        upper, lower = value.get("upperBound"), value.get("lowerBound")
        spread = decimal(Decimal(upper) - Decimal(lower)) if upper is not None and lower is not None else ""
        return Quantity(decimal(value["amount"]), spread)
    return Text(value["text"], value["language"]) if kind == "monolingualtext" else Text(str(value))


def _claim(statement: Statement) -> dict[str, Any]:
    qualifiers: dict[str, list[Any]] = {}
    for snak in statement.qualifiers:
        qualifiers.setdefault(snak.property, []).append(_snak(snak))
    references = []
    for reference in statement.references:
        snaks: dict[str, list[Any]] = {}
        for snak in reference.snaks:
            snaks.setdefault(snak.property, []).append(_snak(snak))
        references.append({"hash": reference.hash, "snaks": snaks})
    return {
        "mainsnak": _snak(Snak(statement.property, statement.value)),
        "id": statement.id,
        "rank": statement.rank.value,
        "qualifiers": qualifiers,
        "references": references,
    }


def _snak(snak: Snak) -> dict[str, Any]:
    if isinstance(snak.value, Absent):
        return {"snaktype": snak.value.value, "property": snak.property}
    kind, value = _datavalue(snak.value)
    return {"snaktype": "value", "property": snak.property, "datavalue": {"type": kind, "value": value}}


def _datavalue(value: Link | Time | Point | Quantity | Text) -> tuple[str, Any]:
    match value:
        case Link():
            return "wikibase-entityid", {"id": value.qid}
        case Time():
            return "time", _time(value)
        case Point():
            globe = EARTH if value.on_earth else ""
            return "globecoordinate", {
                "latitude": value.latitude, "longitude": value.longitude, "globe": globe or "elsewhere",
            }  # fmt: skip
        case Quantity():
            bounds = {"upperBound": value.spread, "lowerBound": "0"} if value.spread else {}
            return "quantity", {"amount": value.amount, **bounds}
        case Text():
            if value.language:
                return "monolingualtext", {"text": value.text, "language": value.language}
            return "string", value.text


def _time(value: Time) -> dict[str, Any]:
    """Days have become Gregorian, so a Julian day is marked in a way of our own that survives reading."""
    sign, year = ("-", 1 - value.year) if value.year <= 0 else ("+", value.year)
    calendar = JULIAN if value.julian else _GREGORIAN
    return {
        "time": f"{sign}{year:04}-{value.month:02}-{value.day:02}T00:00:00Z",
        "precision": value.precision,
        "calendarmodel": calendar,
        "converted": value.julian,
    }


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


def _statement_of_rows(row: Row) -> Statement:
    return Statement(
        id=_id(row),
        entity=qid_of(row["item"]),
        property=_property(row),
        value=_value_of_row(row) if "value" in row else Absent.NONE,
        rank=Rank(str(row["rank"]["value"]).rpartition("#")[2].removesuffix("Rank").lower()),
    )


def _references(rows: Iterable[Row]) -> tuple[Reference, ...]:
    snaks: dict[str, dict[Snak, None]] = {}
    for row in rows:
        found = snaks.setdefault(str(row["reference"]["value"]).removeprefix(REFERENCE), {})
        if "value" in row:
            found[Snak(_property(row), _value_of_row(row))] = None
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


def _value_of_row(row: Row) -> Value:
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
        return _time_of_row(row, text)
    if datatype == "decimal":
        spread = decimal(_number(row, "upper") - _number(row, "lower")) if "upper" in row and "lower" in row else ""
        return Quantity(decimal(text), spread)
    return Text(text, str(cell.get("xml:lang", "")))


def _time_of_row(row: Row, text: str) -> Value:
    if "precision" in row:
        calendar = str(row["calendar"]["value"]) if "calendar" in row else ""
        time = parse_time(str(row["time"]["value"]), int(row["precision"]["value"]), calendar, astronomical=True)
    else:
        # A year is written as its first of January: without the precision, the coarser reading is never wrong.
        time = parse_time(text, YEAR if "-01-01T" in text else DAY, "", astronomical=True)
    return time or Absent.UNKNOWN


def _number(row: Row, name: str) -> Decimal:
    return Decimal(decimal(row[name]["value"]))
