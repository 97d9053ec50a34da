"""What kind of place an item is: by the items that it is an instance of, and by their English names."""

from __future__ import annotations

import re
from collections.abc import Callable

from pyoxigraph import NamedNode

from citygraph.terms import CG
from citygraph.wikidata.model import INSTANCE_OF, Item

HUMAN = "Q5"
MAYOR = "Q30185"

CITY = CG("City")
AREA = CG("AdministrativeArea")
COUNTRY = CG("Country")
PLACE = CG("Place")

# The segment of a place's IRI, by its class.
SEGMENTS = {CITY: "city", AREA: "area", COUNTRY: "country"}

# Only ids that ontology/alignments/wikidata.ttl aligns with our classes; other classes tell their kind by their name.
_ITEMS = {"Q515": CITY, "Q56061": AREA, "Q6256": COUNTRY}
_WORDS = {
    CITY: (
        "borough burgh capital city comune commune community hamlet locality megacity metropolis municipality port "
        "resort seat settlement suburb town township village"
    ),
    AREA: (
        "area arrondissement canton county department district governorate kraj krai oblast okrug powiat prefecture "
        "province raion region state territory voivodeship"
    ),
    COUNTRY: "country",
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_PHRASES = {"sovereign state": COUNTRY, "city-state": CITY, "city state": CITY}
# What follows these words says where or of what, not what.
_TAIL = re.compile(r" (?:of|in|with|for|on|at|under|from|that|to)\b.*|[,(].*")
# A city that is also a district is a city; a state that is also a city, such as Singapore, is a country.
_ORDER = (COUNTRY, CITY, AREA)
_MAYOR = re.compile(r"(?:the )?(?:lord |governing |chief )?mayor of (?:the city of )?(.+)", re.IGNORECASE)


def kind_of_place(item: Item, label_of: Callable[[str], str]) -> NamedNode | None:
    """Our class for a place, or None if its classes tell nothing. `label_of` gives the English label of an item."""
    found = {kind_of_class(qid, label_of(qid)) for qid in item.links(INSTANCE_OF)}
    return next((kind for kind in _ORDER if kind in found), None)


def kind_of_class(qid: str, label: str) -> NamedNode | None:
    """Our class for what is an instance of an item with an English label, such as "district of Turkey"."""
    if qid in _ITEMS:
        return _ITEMS[qid]
    name = _TAIL.sub("", label.lower()).strip()
    words = name.split()
    return _PHRASES.get(name) or (_KINDS.get(words[-1]) if words else None)


def place_of_mayor(label: str) -> str:
    """The place in the English name of a post: "Lord Mayor of Leipzig" is of Leipzig; "" if it is no mayor's."""
    match = _MAYOR.fullmatch(label.strip())
    return match.group(1) if match else ""
