"""Counting queries that are evaluated for some of their subjects at a time give the numbers of the whole graph."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyoxigraph import Store

from citygraph.build import key_parts
from citygraph.build.dependencies import Unbounded
from citygraph.build.quality import QualityMeasurement, measure, quality_queries
from citygraph.build.subject_counts import subject_reads
from citygraph.release.releases import Release
from citygraph.source.queries import StoredQuery, read_query
from tests.conftest import REPOSITORY
from tests.test_key_parts import HEAD, graph_of_iris, parts_of, random_graph, store_of

QUERIES = quality_queries([REPOSITORY / "queries"])


def unopened() -> Store:
    pytest.fail("the store is opened")


def stored(folder: Path, text: str) -> StoredQuery:
    path = folder / "x.rq"
    path.write_text(f"#+ title: T\n#+ description: D\n{HEAD}{text}")
    return read_query(path, "quality/x")


def measured_in_parts(store: Store, folder: Path, query: StoredQuery) -> list[QualityMeasurement]:
    return measure(unopened, [query], parts_of(store, folder))


@pytest.mark.parametrize("most", [500, 10_000, 1_000_000])
def test_our_measurements_can_be_made_in_parts(
    izmir: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """(16 §5) Those of İzmir's data, in many parts, some, and one; no store is opened."""
    monkeypatch.setattr(key_parts, "_MOST_LINES", most)
    store = izmir.open_store()
    assert measure(unopened, QUERIES, parts_of(store, tmp_path)) == measure(lambda: store, QUERIES)


@pytest.mark.parametrize("most", [1, 40, 10_000])
@pytest.mark.parametrize("seed", range(4))
def test_measurements_of_random_graphs_are_those_of_the_whole(
    seed: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With statements in several graphs, literals of many forms, and blank nodes as subjects."""
    monkeypatch.setattr(key_parts, "_MOST_LINES", most)
    store = random_graph(seed)
    assert measure(unopened, QUERIES, parts_of(store, tmp_path)) == measure(lambda: store, QUERIES)


_ONE = "SELECT (COUNT(*) AS ?numerator) (COUNT(DISTINCT ?k) AS ?denominator)"
ADDITIVE = [
    f"{_ONE} {{ ?k cg:party ?x }}",
    f"{_ONE} {{ ?k ?p ?x }}",
    f"{_ONE} {{ ?k cg:party|cg:country ?x }}",
    f"{_ONE} {{ GRAPH ?g {{ ?k ?p ?x }} }}",
    f"{_ONE} {{ GRAPH ?g {{ ?k ?p ?x }} FILTER(STRSTARTS(STR(?g), STR(source:))) }}",
    f"{_ONE} {{ GRAPH ?g {{ ?k ?p ?x }} FILTER(STRSTARTS(STR(?g), STR(source:)) || ?p = cg:of) }}",
    f"{_ONE} {{ GRAPH ?g {{ ?k ?p ?x }} FILTER(STRSTARTS(STR(?x), STR(<urn:x:a>))) }}",
    f"{_ONE} {{ GRAPH ?g {{ ?k ?p ?x }} FILTER(STRSTARTS(STR(?g), STR(source:))) GRAPH ?h {{ ?k ?q ?x }} }}",
    # The graph of the subquery is another one.
    f"{_ONE} {{ {{ SELECT ?k {{ GRAPH ?g {{ ?k cg:party ?x }} }} }} GRAPH ?g {{ ?k cg:of ?y }} "
    "FILTER(STRSTARTS(STR(?g), STR(source:))) }",
    f"{_ONE} {{ ?k cg:party ?x MINUS {{ ?k cg:country ?x }} OPTIONAL {{ ?k cg:of ?y FILTER(?y != ?x) }} }}",
    f"{_ONE} {{ {{ ?k cg:party ?x }} UNION {{ ?k cg:country ?x . ?k cg:of ?y }} }}",
    f"{_ONE} {{ {{ SELECT ?k (COUNT(*) AS ?n) {{ ?k cg:party ?x }} GROUP BY ?k }} FILTER(?n > 1) }}",
    f'{_ONE} {{ ?k cg:party ?x FILTER(STRLEN(cg:labelIn(?k, "en")) > 1) }}',
    "SELECT (SUM(?n) AS ?numerator) (COUNT(?n) AS ?denominator) { ?k cg:party ?x BIND(IF(?x = ?k, 2, 1) AS ?n) }",
    "SELECT (COUNT(DISTINCT ?t) AS ?numerator) (COUNT(DISTINCT ?none) AS ?denominator) "
    '{ ?k cg:party ?x BIND(CONCAT(STR(?k), " ", STR(?x)) AS ?t) }',
    "SELECT ?class (COUNT(DISTINCT ?k) AS ?numerator) (COUNT(?x) AS ?denominator) "
    "{ ?k a ?class OPTIONAL { ?k cg:party ?x } } GROUP BY ?class ORDER BY ?class",
    "SELECT (COUNT(*) AS ?numerator) (SUM(?n) AS ?denominator) ?class "
    "{ ?k cg:party ?class BIND(1 AS ?n) FILTER(isIRI(?class)) } GROUP BY ?class ORDER BY ?class",
    "SELECT ?class (COUNT(*) AS ?numerator) (COUNT(DISTINCT ?k) AS ?denominator) "
    "{ ?k cg:party ?x FILTER(isIRI(?x)) } GROUP BY (IRI(STR(?x)) AS ?class) ORDER BY ?class",
]


@pytest.mark.parametrize("text", ADDITIVE)
def test_sums_of_parts_are_the_counts_of_the_whole(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of queries that others may add, on random graphs."""
    monkeypatch.setattr(key_parts, "_MOST_LINES", 10)
    found = 0
    for seed in range(6):
        store, query = graph_of_iris(seed), stored(tmp_path, text)
        whole = measure(lambda store=store: store, [query])  # type: ignore[misc]
        assert measured_in_parts(store, tmp_path / str(seed), query) == whole
        found += sum(one.numerator for one in whole)
    assert found


OTHERS = [
    # Not about one subject, or not only about data.
    f"{_ONE} {{ ?k cg:party ?x . ?x cg:country ?y }}",
    f"{_ONE} {{ ?k cg:party ?x . ?y cg:country ?k }}",
    f"{_ONE} {{ ?k cg:party ?x OPTIONAL {{ ?y cg:country ?k }} }}",
    f"{_ONE} {{ ?k cg:party ?x . <urn:x:a> cg:country ?y }}",
    f"{_ONE} {{ ?k a ?x GRAPH graph:ontology {{ ?x rdfs:label ?y }} }}",
    f"{_ONE} {{ ?k cg:party ?x FILTER EXISTS {{ ?k cg:country ?y }} }}",
    f"{_ONE} {{ ?k cg:party ?x BIND(cg:labelIn(?x, 'en') AS ?y) }}",
    f"{_ONE} {{ ?k cg:party ?x {{ SELECT (COUNT(*) AS ?n) {{ ?k cg:country ?y }} }} }}",
    f"{_ONE} {{ OPTIONAL {{ ?k cg:party ?x }} }}",
    f"{_ONE} {{ VALUES ?k {{ <urn:x:a> }} }}",
    f"{_ONE} FROM graph:curation {{ ?k cg:party ?x }}",
    # Equal values may be of several subjects.
    "SELECT (COUNT(DISTINCT ?x) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x }",
    "SELECT (COUNT(DISTINCT *) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x }",
    "SELECT (COUNT(DISTINCT ?t) AS ?numerator) (COUNT(*) AS ?denominator) "
    "{ ?k cg:party ?x BIND(IF(?x = ?k, ?k, ?x) AS ?t) }",
    "SELECT (COUNT(DISTINCT ?t) AS ?numerator) (COUNT(*) AS ?denominator) "
    "{ { ?k cg:party ?t } UNION { ?k cg:country ?x BIND(?k AS ?t) } }",
    "SELECT (COUNT(DISTINCT ?t) AS ?numerator) (COUNT(*) AS ?denominator) "
    '{ ?k cg:party ?x BIND(CONCAT(STR(?k), "", STR(?x)) AS ?t) }',
    "SELECT (COUNT(DISTINCT ?t) AS ?numerator) (COUNT(*) AS ?denominator) "
    '{ ?k cg:party ?x BIND(CONCAT(STR(?x), " ", STR(?k)) AS ?t) }',
    "SELECT (COUNT(DISTINCT STR(?k)) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x }",
    "SELECT (COUNT(DISTINCT ?t) AS ?numerator) (COUNT(*) AS ?denominator) "
    "{ ?k cg:party ?x { SELECT ?k (SAMPLE(?k) AS ?t) { ?k cg:of ?y } GROUP BY ?k } }",
    # Other aggregates, and rows of other groups or in another order.
    "SELECT (MAX(?x) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x }",
    "SELECT (SUM(DISTINCT ?x) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x }",
    "SELECT (COUNT(*) + 1 AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x }",
    "SELECT (1 AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x }",
    "SELECT (COUNT(*) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x } GROUP BY ?x",
    "SELECT (COUNT(*) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x } HAVING(COUNT(*) > 3)",
    "SELECT (COUNT(*) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:party ?x } LIMIT 1",
    *(
        f"SELECT ?class (COUNT(*) AS ?numerator) (COUNT(*) AS ?denominator) {{ ?k a ?class ; cg:of ?x }} {end}"
        for end in (
            *("GROUP BY ?class", "GROUP BY ?class ORDER BY DESC(?class)", "GROUP BY ?class ORDER BY ?numerator"),
            *("GROUP BY ?class ?x ORDER BY ?class", "GROUP BY ?class HAVING(COUNT(*) > 3) ORDER BY ?class"),
        )
    ),
    "SELECT (SAMPLE(?x) AS ?class) (COUNT(*) AS ?numerator) (COUNT(*) AS ?denominator) "
    "{ ?k cg:party ?x } GROUP BY ?k ORDER BY ?class",
]


@pytest.mark.parametrize("text", OTHERS)
def test_other_counts_are_those_of_the_store(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not divided."""
    monkeypatch.setattr(key_parts, "_MOST_LINES", 10)
    query = stored(tmp_path, text)
    with pytest.raises(Unbounded):
        subject_reads(query.text, ("numerator", "denominator"), "class")


@pytest.mark.parametrize(
    "text",
    [
        # The sum of one part fails, and so does that of the whole.
        "SELECT (SUM(?x) AS ?numerator) (COUNT(*) AS ?denominator) { ?k cg:of ?x }",
        "SELECT ?class (COUNT(*) AS ?numerator) (COUNT(*) AS ?denominator) "
        "{ ?k cg:of ?class } GROUP BY ?class ORDER BY ?class",
    ],
)
def test_counts_without_exact_sums_are_those_of_the_store(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sum that fails in a part, and classes that are literals."""
    monkeypatch.setattr(key_parts, "_MOST_LINES", 1)
    store = store_of('<urn:x:g> { <urn:x:a> cg:of 1 . <urn:x:b> cg:of "x" . <urn:x:c> cg:of 2, <urn:x:d> }')
    store.extend(store_of('<urn:x:a> cg:of 1 . <urn:x:b> cg:of "x" . <urn:x:c> cg:of 2, <urn:x:d> .'))
    query = stored(tmp_path, text)
    opened: list[Store] = []

    def open_store() -> Store:
        opened.append(store)
        return store

    measurements = measure(open_store, [query], parts_of(store, tmp_path / "parts"))
    assert measurements == measure(lambda: store, [query])
    assert opened
