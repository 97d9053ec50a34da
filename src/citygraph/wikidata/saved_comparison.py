"""A saved comparison: the findings, and what must be known about Wikidata's items to write edits without requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pyoxigraph import Quad

from citygraph.errors import BadData
from citygraph.wikidata.compare import ComparisonResult, read_documents, wikidata_sources
from citygraph.wikidata.differences import from_json_text, to_json_text
from citygraph.wikidata.graph_facts import Fact, GraphFacts, read_facts
from citygraph.wikidata.model import COORDINATES, COUNTRY


def saved_text(result: ComparisonResult, release: str) -> str:
    """Returns a comparison as the text of a file; `release` is the id of the release that was compared."""
    return to_json_text(result.findings, result.retrieved, {"release": release, "items": _items(result)})


def more_of(text: str) -> dict[str, Any]:
    """Returns the members of a saved comparison in addition to its findings: release and items."""
    value = json.loads(text)
    return {name: value[name] for name in ("release", "items") if name in value}


def read_saved(text: str, file: str, quads: Iterable[Quad]) -> ComparisonResult:
    """Returns a saved comparison with our present data, whose items are checked again before edits are written.

    Raises BadData for any other text, and for a comparison that was saved without the items.
    """
    findings, retrieved = from_json_text(text, file)
    more = more_of(text)
    if "items" not in more:
        raise BadData("this comparison was saved without Wikidata's items: save it again with `wikidata diff`", file)
    quads = list(quads)
    ours = read_facts(quads, without=wikidata_sources(quads))
    try:
        theirs = _facts(more["items"])
    except (AttributeError, KeyError, TypeError) as error:
        raise BadData(f"the items of this comparison are damaged: {error!r}", file) from None
    return ComparisonResult(findings, ours, theirs, read_documents(quads), retrieved)


def _items(result: ComparisonResult) -> dict[str, dict[str, Any]]:
    """Returns the facts by which an item is checked, of all entities in the findings and of their countries."""
    theirs = result.theirs
    entities = {one.iri for finding in result.findings for one in (finding.entity, finding.value)} & set(theirs.items)
    countries = {fact.value for iri in entities for fact in theirs.of(iri, COUNTRY)}
    return {
        iri: {
            "items": list(theirs.items.get(iri, ())),
            "name": theirs.name(iri),
            "names": sorted(theirs.names.get(iri, ())),
            "countries": [fact.value for fact in theirs.of(iri, COUNTRY)],
            "points": [fact.value for fact in theirs.of(iri, COORDINATES)],
        }
        for iri in sorted(entities | countries)
    }


def _facts(items: dict[str, dict[str, Any]]) -> GraphFacts:
    return GraphFacts(
        items={iri: tuple(item["items"]) for iri, item in items.items() if item["items"]},
        labels={iri: {"en": {item["name"]: frozenset()}} for iri, item in items.items()},
        names={iri: frozenset(item["names"]) for iri, item in items.items()},
        about={key: facts for iri, item in items.items() for key, facts in _about(iri, item)},
        ties={},
        classes={},
    )


def _about(iri: str, item: dict[str, Any]) -> Iterator[tuple[tuple[str, str], tuple[Fact, ...]]]:
    for property_, name in ((COUNTRY, "countries"), (COORDINATES, "points")):
        yield (iri, property_), tuple(Fact(iri, value, frozenset()) for value in item[name])
