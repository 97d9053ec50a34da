"""Writes Wikidata's twinnings of 2016 as a dump for `citygraph wikidata import-dump`.

    python make_dump.py sister-cities > twinnings-2016.json
    python make_dump.py sister-cities 400 > subset.json

The folder has `relations.tsv` (pairs of items) and `names.tsv` (items and names) of
https://github.com/L3viathan/sister-cities. Edges, names and the coordinates and countries of places that Natural Earth
has are facts; nothing else of an item is in this dump. A number takes that many places of Natural Earth with the most
twinnings, and their twinnings with each other.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from citygraph.sheets import gazetteer

# The items of countries, which Natural Earth lacks. A place in another country has no country in the dump.
_COUNTRIES = """
AE:878 AL:222 AM:399 AO:916 AR:414 AT:40 AU:408 AZ:227 BA:225 BD:902 BE:31 BF:965 BG:219 BO:750 BR:155 BY:184 CA:16
CH:39 CI:1008 CL:298 CM:1009 CN:148 CO:739 CR:800 CU:241 CV:1011 CY:229 CZ:213 DE:183 DK:35 DO:786 DZ:262 EC:736
EE:191 EG:79 ES:29 ET:115 FI:33 FR:142 GB:145 GE:230 GH:117 GR:41 GT:774 HN:783 HR:224 HU:28 ID:252 IE:27 IL:801
IN:668 IQ:796 IR:794 IS:189 IT:38 JO:810 JP:17 KE:114 KG:813 KH:424 KP:423 KR:884 KZ:232 LA:819 LB:822 LK:854 LT:37
LU:32 LV:211 MA:1028 MD:217 ME:236 MG:1019 MK:221 ML:912 MM:836 MN:711 MT:233 MX:96 MY:833 MZ:1029 NA:1030 NG:1033
NI:811 NL:55 NO:20 NP:837 NZ:664 PA:804 PE:419 PH:928 PK:843 PL:36 PT:45 PY:733 RO:218 RS:403 RU:159 SA:851 SE:34
SI:215 SK:214 SN:1041 SV:792 SY:858 TH:869 TJ:863 TM:874 TN:948 TR:43 TW:865 TZ:924 UA:212 UG:1036 US:30 UY:77 UZ:265
VE:717 VN:881 ZA:258 ZM:953 ZW:954
"""
_ITEMS = dict(pair.split(":") for pair in _COUNTRIES.split())


def main(folder: Path, most: int | None) -> None:
    """Writes the dump to standard output."""
    edges = dict.fromkeys(tuple(line.split("\t")) for line in _lines(folder / "relations.tsv"))
    names = dict(line.split("\t", 1) for line in _lines(folder / "names.tsv"))
    # A few items are mistaken for a place of the same name: a country is no party of a twinning.
    names = {qid: name for qid, name in names.items() if qid[1:] not in _ITEMS.values()}
    places = {row[0]: row for row in reversed(_places()) if row[0] in names}
    if most is not None:
        degrees = Counter(end for edge in edges for end in edge if edge[0] in places and edge[1] in places)
        names = {qid: names[qid] for qid, _ in degrees.most_common(most)}
    lines = (json.dumps(item, ensure_ascii=False) for item in _items(edges, names, places))
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines()


def _places() -> list[list[str]]:
    """Returns the places of Natural Earth: item, code and name of the country, latitude, longitude, names."""
    return [line.split("\t") for line in _lines(gazetteer.PATH)[1:]]


def _items(
    edges: Iterable[tuple[str, ...]], names: dict[str, str], places: dict[str, list[str]]
) -> Iterator[dict[str, Any]]:
    partners: dict[str, list[str]] = {}
    for one, other in edges:
        if one in names and other in names:
            partners.setdefault(one, []).append(other)
    countries: dict[str, str] = {}
    for qid, name in names.items():
        claims: dict[str, Any] = {"P31": [_link("Q515", "P31", f"{qid}$kind")]}
        claims["P190"] = [_link(other, "P190", f"{qid}$tie-{n}") for n, other in enumerate(partners.get(qid, ()))]
        if place := places.get(qid):
            _, code, country, latitude, longitude, _ = place
            point = {"latitude": float(latitude), "longitude": float(longitude), "precision": 0.0001}
            claims["P625"] = [_claim(point, "globecoordinate", "P625", f"{qid}$point")]
            if code in _ITEMS:
                countries[f"Q{_ITEMS[code]}"] = country
                claims["P17"] = [_link(f"Q{_ITEMS[code]}", "P17", f"{qid}$country")]
        yield _item(qid, name, claims)
    for qid, name in sorted(countries.items()):
        yield _item(qid, name, {"P31": [_link("Q6256", "P31", f"{qid}$kind")]})


def _item(qid: str, name: str, claims: dict[str, Any]) -> dict[str, Any]:
    return {"type": "item", "id": qid, "labels": {"en": {"language": "en", "value": name}}, "claims": claims}


def _link(qid: str, property_: str, id_: str) -> dict[str, Any]:
    value = {"entity-type": "item", "numeric-id": int(qid[1:]), "id": qid}
    return _claim(value, "wikibase-entityid", property_, id_)


def _claim(value: dict[str, Any], type_: str, property_: str, id_: str) -> dict[str, Any]:
    snak = {"snaktype": "value", "property": property_, "datavalue": {"type": type_, "value": value}}
    return {"id": id_, "rank": "normal", "mainsnak": snak}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
