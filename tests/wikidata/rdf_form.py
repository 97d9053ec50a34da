"""Wikidata's JSON in Wikidata's RDF form, as its query service holds it: what a test endpoint is filled with.

After https://www.mediawiki.org/wiki/Wikibase/Indexing/RDF_Dump_Format; only the parts that our queries touch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad

WD = "http://www.wikidata.org/entity/"
PROP = "http://www.wikidata.org/prop/"
WIKIBASE = "http://wikiba.se/ontology#"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
TYPE = NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
DERIVED = NamedNode("http://www.w3.org/ns/prov#wasDerivedFrom")
MODIFIED = NamedNode("http://schema.org/dateModified")
SAME_AS = NamedNode("http://www.w3.org/2002/07/owl#sameAs")

Term = NamedNode | Literal


def entity_quads(entity: Mapping[str, Any]) -> Iterator[Quad]:
    """An item of the dump as triples."""
    item = NamedNode(WD + entity["id"])
    yield Quad(item, MODIFIED, Literal("2026-01-01T00:00:00Z", datatype=NamedNode(XSD + "dateTime")))
    for language, term in dict(entity.get("labels") or {}).items():
        yield Quad(item, NamedNode(RDFS + "label"), Literal(term["value"], language=language))
    for language, terms in dict(entity.get("aliases") or {}).items():
        for term in terms:
            alias = Literal(term["value"], language=language)
            yield Quad(item, NamedNode("http://www.w3.org/2004/02/skos/core#altLabel"), alias)
    for property_, claims in dict(entity.get("claims") or {}).items():
        best = _best_rank(claims)
        for claim in claims:
            yield from _claim(item, property_, claim, claim.get("rank", "normal") == best)


def redirect_quads(old: str, new: str) -> Iterator[Quad]:
    """An item that was merged into another one."""
    yield Quad(NamedNode(WD + old), SAME_AS, NamedNode(WD + new))


def edge_quads(edges: Iterable[tuple[str, str]], labels: Mapping[str, str]) -> Iterator[Quad]:
    """Bare P190 statements, as the list of 2016 has them; its labels are mostly German."""
    for number, (subject, value) in enumerate(edges):
        link = {"type": "wikibase-entityid", "value": {"id": value}}
        snak = {"snaktype": "value", "property": "P190", "datavalue": link}
        claim = {"id": f"{subject}$00000000-0000-4000-8000-{number:012}", "mainsnak": snak}
        yield from _claim(NamedNode(WD + subject), "P190", claim, True)
    for qid, label in labels.items():
        yield from entity_quads({"id": qid, "labels": {"de": {"value": label}}})


def _best_rank(claims: Iterable[Mapping[str, Any]]) -> str:
    ranks = {claim.get("rank", "normal") for claim in claims}
    return "preferred" if "preferred" in ranks else "normal"


def _claim(item: NamedNode, property_: str, claim: Mapping[str, Any], best: bool) -> Iterator[Quad]:
    node = NamedNode(f"{WD}statement/{claim['id'].replace('$', '-')}")
    rank = claim.get("rank", "normal").capitalize()
    yield Quad(item, NamedNode(PROP + property_), node)
    yield Quad(node, TYPE, NamedNode(WIKIBASE + "Statement"))
    yield Quad(node, NamedNode(WIKIBASE + "rank"), NamedNode(f"{WIKIBASE}{rank}Rank"))
    for value in _simple(claim["mainsnak"], node):
        if best:
            yield Quad(item, NamedNode(f"{PROP}direct/{property_}"), value)
    yield from _snak(node, "statement", claim["mainsnak"])
    for snaks in dict(claim.get("qualifiers") or {}).values():
        for snak in snaks:
            yield from _snak(node, "qualifier", snak)
    for reference in claim.get("references", ()):
        ref = NamedNode(f"http://www.wikidata.org/reference/{reference['hash']}")
        yield Quad(node, DERIVED, ref)
        yield Quad(ref, TYPE, NamedNode(WIKIBASE + "Reference"))
        for snaks in dict(reference.get("snaks") or {}).values():
            for snak in snaks:
                yield from _snak(ref, "reference", snak)


def _snak(node: NamedNode, kind: str, snak: Mapping[str, Any]) -> Iterator[Quad]:
    property_ = snak["property"]
    if snak["snaktype"] == "novalue":
        yield Quad(node, TYPE, NamedNode(f"{PROP}novalue/{property_}"))
    for value in _simple(snak, node):
        yield Quad(node, NamedNode(f"{PROP}{kind}/{property_}"), value)
    for value_node, quads in _full(snak):
        yield Quad(node, NamedNode(f"{PROP}{kind}/value/{property_}"), value_node)
        yield from quads


def _simple(snak: Mapping[str, Any], node: NamedNode) -> Iterator[Term]:
    if snak["snaktype"] == "somevalue":
        key = hashlib.md5(f"{node}{snak['property']}".encode(), usedforsecurity=False).hexdigest()
        yield NamedNode(f"http://www.wikidata.org/.well-known/genid/{key}")
    if snak["snaktype"] != "value":
        return
    kind, value = snak["datavalue"]["type"], snak["datavalue"]["value"]
    if kind == "wikibase-entityid":
        yield NamedNode(WD + (value.get("id") or f"Q{value['numeric-id']}"))
    elif kind == "time":
        yield _date_time(value)
    elif kind == "quantity":
        yield Literal(value["amount"], datatype=NamedNode(XSD + "decimal"))
    elif kind == "globecoordinate":
        wkt = f"Point({value['longitude']} {value['latitude']})"
        yield Literal(wkt, datatype=NamedNode("http://www.opengis.net/ont/geosparql#wktLiteral"))
    elif kind == "monolingualtext":
        yield Literal(value["text"], language=value["language"])
    elif snak.get("datatype") == "url" or str(value).startswith("http"):
        yield NamedNode(str(value))
    else:
        yield Literal(str(value))


def _full(snak: Mapping[str, Any]) -> Iterator[tuple[NamedNode, list[Quad]]]:
    if snak["snaktype"] != "value" or snak["datavalue"]["type"] not in ("time", "quantity", "globecoordinate"):
        return
    kind, value = snak["datavalue"]["type"], snak["datavalue"]["value"]
    key = hashlib.md5(json.dumps(value, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
    node = NamedNode(f"http://www.wikidata.org/value/{key}")
    terms: dict[str, Term | None] = {}
    if kind == "time":
        terms = {
            "timeValue": _date_time(value),
            "timePrecision": Literal(int(value["precision"])),
            "timeCalendarModel": NamedNode(value["calendarmodel"]),
        }
    elif kind == "quantity":
        decimal = NamedNode(XSD + "decimal")
        terms = {
            "quantityAmount": Literal(value["amount"], datatype=decimal),
            "quantityUpperBound": Literal(value["upperBound"], datatype=decimal) if "upperBound" in value else None,
            "quantityLowerBound": Literal(value["lowerBound"], datatype=decimal) if "lowerBound" in value else None,
        }
    else:
        terms = {
            "geoLatitude": Literal(float(value["latitude"])),
            "geoLongitude": Literal(float(value["longitude"])),
            "geoGlobe": NamedNode(value["globe"]),
        }
    yield node, [Quad(node, NamedNode(WIKIBASE + name), term) for name, term in terms.items() if term]


def _date_time(value: Mapping[str, Any]) -> Literal:
    """Without month 0 or day 0, with a year 0 (XSD 1.1), and days of the Julian calendar converted."""
    sign, rest = value["time"][0], value["time"][1:]
    year, month, day = (int(part) for part in rest.partition("T")[0].split("-"))
    year = 1 - year if sign == "-" else year
    if value["calendarmodel"].endswith("Q1985786") and value["precision"] >= 11:
        # Good for the one Julian day of the fixture, 2 September 1752: eleven days between the calendars.
        assert (year, month, day) == (1752, 9, 2)
        day += 11
    text = f"{'-' if year < 0 else ''}{abs(year):04}-{max(month, 1):02}-{max(day, 1):02}T00:00:00Z"
    return Literal(text, datatype=NamedNode(XSD + "dateTime"))
