"""Subjects of the home page and the example queries: the home place, and an agreement, an event and a person."""

from __future__ import annotations

from collections.abc import Mapping

from pyoxigraph import DefaultGraph, NamedNode, QuerySolutions, Store

from citygraph.errors import NotFound
from citygraph.instance import AUTO, Instance
from citygraph.rdf.terms import CG, ID, PREFIXES, RDF, split_iri
from citygraph.release.releases import Releases

# Placeholders in stored queries: the class of the example, and its key in the settings of the instance.
WORDS = {
    "city:HOME_PLACE": ("", "home"),
    "agreement:EXAMPLE_AGREEMENT": ("Agreement", "agreement"),
    "event:EXAMPLE_EVENT": ("Event", "event"),
    "person:EXAMPLE_PERSON": ("Person", "person"),
}
# The place with the most agreements; of several, the first by its identifier.
_BUSIEST = """
SELECT ?thing (COUNT(?agreement) AS ?number)
WHERE { ?agreement cg:party ?thing }
GROUP BY ?thing ORDER BY DESC(?number) ?thing LIMIT 1"""
# The entity of a class with the most links to it.
_MOST_LINKED = """
SELECT ?thing (COUNT(*) AS ?number)
WHERE { ?thing a cg:%s . ?other ?property ?thing }
GROUP BY ?thing ORDER BY DESC(?number) ?thing LIMIT 1"""


def configured_examples(instance: Instance) -> dict[str, str]:
    """Returns the prefixed names that the settings of the instance give, by placeholder."""
    paths = {**instance.examples, "home": instance.home}
    return {word: _prefixed(ID + paths[key]) for word, (_, key) in WORDS.items() if paths.get(key, AUTO) != AUTO}


def examples_in(store: Store, instance: Instance) -> dict[str, str]:
    """Returns a prefixed name for each placeholder: that of the settings if the store has it, else the most linked.

    If the store has no entity of the class, the name is not in the data, so that a query has no results.
    """
    configured = configured_examples(instance)
    examples = {}
    for word, (class_, _) in WORDS.items():
        name = configured.get(word, "")
        if not name or not _is_described(store, expanded(name)):
            name = _first(store, _MOST_LINKED % class_ if class_ else _BUSIEST)
        examples[word] = name or configured.get(word) or f"{word.partition(':')[0]}:example"
    return examples


def current_examples(releases: Releases, instance: Instance) -> dict[str, str]:
    """Returns the examples in the current release; without one, those of the settings."""
    try:
        release = releases.current()
    except NotFound:
        return configured_examples(instance)
    return examples_in(release.open_store(), instance)


def home_place(store: Store, instance: Instance) -> str:
    """Returns the IRI of the home place, or "" if the store has no agreements."""
    name = configured_examples(instance).get("city:HOME_PLACE", "")
    if not name or not _is_described(store, expanded(name)):
        name = _first(store, _BUSIEST)
    return expanded(name)


def with_examples(text: str, examples: Mapping[str, str]) -> str:
    """Returns the text of a query with these examples in place of the placeholders."""
    for word in WORDS:
        if word in examples:
            text = text.replace(word, examples[word])
    return text


def expanded(name: str) -> str:
    """Returns the IRI of a prefixed name or of an IRI in angle brackets; "" for ""."""
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local if prefix in PREFIXES else name.strip("<>")


def _is_described(store: Store, iri: str) -> bool:
    return next(store.quads_for_pattern(NamedNode(iri), RDF("type"), None, DefaultGraph()), None) is not None


def _first(store: Store, query: str) -> str:
    solutions = store.query(f"PREFIX cg: <{CG}> {query}")
    assert isinstance(solutions, QuerySolutions)  # noqa: S101 - the queries of this module are SELECTs
    return next((_prefixed(row["thing"].value) for row in solutions if isinstance(row["thing"], NamedNode)), "")


def _prefixed(iri: str) -> str:
    prefix, local = split_iri(iri)
    return f"{prefix}:{local}" if prefix and local.replace("-", "").isalnum() else f"<{iri}>"
