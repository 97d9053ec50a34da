"""The figures and the languages that the README names are those of the graph, the shapes and the site."""

from __future__ import annotations

import re

import pytest
from babel import Locale
from pyoxigraph import QuerySolutions, Store

from citygraph.catalogues import LANGUAGES
from citygraph.rdf.terms import PREFIXES
from citygraph.release.releases import Release
from tests.docs_blocks import REPOSITORY

README = " ".join((REPOSITORY / "README.md").read_text("utf-8").split())
RULES = "?rule sh:message ?message FILTER(isIRI(?rule))"


def named(pattern: str) -> tuple[str, ...]:
    """What the README says, by the groups of a pattern."""
    found = re.search(pattern, README)
    assert found, pattern
    return found.groups()


def listed(languages: tuple[str, ...]) -> str:
    """The English names of languages as a sentence lists them."""
    *first, last = (Locale("en").languages[tag] for tag in languages)
    return f"{', '.join(first)} and {last}"


def count(store: Store, pattern: str, variable: str) -> int:
    """How many things match a pattern, in any graph."""
    query = " ".join(["SELECT (COUNT(DISTINCT", variable, ") AS ?n) WHERE {", pattern, "}"])
    rows = store.query(
        query, prefixes={**PREFIXES, "sh": "http://www.w3.org/ns/shacl#"}, use_default_graph_as_union=True
    )
    assert isinstance(rows, QuerySolutions)
    return int(next(iter(rows))[0].value)


@pytest.fixture(scope="module")
def store(izmir: Release) -> Store:
    """The İzmir graph with its shapes."""
    return izmir.open_store()


def test_the_readme_counts_cities_documents_and_their_languages(store: Store) -> None:
    """İzmir has agreements in force with the cities; "some" documents are rounded down to tens."""
    cities, documents, languages = map(
        int, named(r"its (\d+) sister cities.*some (\d+) public documents in (\d+) languages")
    )
    izmir = "<https://w3id.org/citygraph/id/city/izmir>"
    state = "<https://w3id.org/citygraph/ontology/statuses/active>"
    tie = f"?tie a cg:SisterCityAgreement ; cg:currentState {state} ; cg:party {izmir}, ?city FILTER(?city != {izmir})"
    assert count(store, tie, "?city") == cities
    assert documents <= count(store, "?source a cg:Source", "?source") < documents + 20
    assert count(store, "?source a cg:Source ; dcterms:language ?language", "?language") == languages


def test_the_readme_counts_the_rules_and_names_the_languages_of_their_messages(store: Store) -> None:
    """The number is rounded down; the languages are those in which every rule has its message."""
    number, languages = named(r"more than (\d+) rules, each with a message in ([^.]*) and an example")
    rules = count(store, RULES, "?rule")
    assert int(number) < rules <= int(number) + 20
    in_all = (tag for tag in LANGUAGES if count(store, f'{RULES} FILTER(LANG(?message) = "{tag}")', "?rule") == rules)
    assert languages == listed(tuple(in_all))


def test_the_readme_names_the_languages_of_the_site() -> None:
    """Those of the instance first, and then the other catalogues."""
    assert named(r"The site is in ([^.]*)\.") == (listed(LANGUAGES),)
