"""Queries that are evaluated for some of their keys at a time give the rows that they give on the whole graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest
from pyoxigraph import Quad, QuerySolution, QuerySolutions, RdfFormat, Store, parse

from citygraph.build import key_parts
from citygraph.build.dependencies import Unbounded
from citygraph.build.graph_files import GraphFiles
from citygraph.build.key_parts import KeyParts
from citygraph.build.key_reads import key_reads
from citygraph.build.tables import table_queries, write_tables
from citygraph.rdf.terms import ONTOLOGY_GRAPH, PREFIXES, SHAPES_GRAPH
from citygraph.release.releases import Release
from citygraph.source.queries import StoredQuery, read_query
from citygraph.sparql.evaluate import evaluate_trusted
from tests.conftest import REPOSITORY
from tests.made_once import ReadOnce

HEAD = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in PREFIXES.items())
TABLES = table_queries([REPOSITORY / "queries"])
reads_of = ReadOnce(key_reads)
_ONTOLOGY = """
cg:Meeting rdfs:subClassOf cg:Event ; rdfs:label "meeting"@en . cg:Event rdfs:label "event"@en .
cg:Municipality rdfs:subClassOf cg:Organisation ; rdfs:label "municipality"@en ."""
# In the order of code points "ｚ" comes before "𝐀"; in that of UTF-16 it does not. One name continues another.
_NODES = [
    *("<urn:x:a>", "<urn:x:a/1>", "<urn:x:a%20b>", "<urn:x:ş>", "<urn:x:ｚ>", "<urn:x:𝐀>", "<urn:x:A>", "<urn:x:a!>"),
    *("_:b", "_:c", "cg:Event"),
]
_CLASSES = ("City", "AdministrativeArea", "Agreement", "Event", "Meeting", "Municipality", "Organisation", "Person")
_NODE_PROPERTIES = [
    *(
        "cg:party",
        "cg:country",
        "cg:continent",
        "cg:holder",
        "cg:post",
        "cg:of",
        "cg:role",
        "cg:participant",
        "cg:host",
    ),
    *("cg:twinnedWith", "cg:populationFigure", "cg:about", "cg:partOf", "cg:attestedAt", "owl:sameAs", "cg:homePlace"),
    *("cg:agreementType", "cg:currentState", "cg:jurisdiction", "cg:takesPlaceIn", "dcterms:publisher", "cg:eventType"),
]
_VALUE_PROPERTIES = [
    *("cg:councilActDate", "cg:protocolDate", "cg:validDuring", "cg:startDate", "cg:endDate", "cg:attestedOn"),
    *("cg:value", "cg:asOf", "cg:approximate", "schema:latitude", "schema:longitude", "skos:altLabel", "cg:readOn"),
    *("dcterms:title", "dcterms:issued", "cg:daysToProtocol", "cg:abbreviation", "cg:attendeeGroup", "cg:sha256"),
]
_VALUES = [
    *(
        '"1990"^^xsd:gYear',
        '"1990-05"^^xsd:gYearMonth',
        '"1990-05-06"^^xsd:date',
        '"007"^^xsd:integer',
        '"1.50"^^xsd:decimal',
    ),
    *('"true"^^xsd:boolean', '"1990/2000"', '"İzmir; \\"a\\"\\n"@tr', '"Ğ <urn:x:a> ."@en', '"b"@TR-tr', "7", '"x"'),
]
_GRAPHS = ("<urn:x:g>", "graph:curation", "source:one", "source:two", "graph:derived")


def random_graph(seed: int) -> Store:
    """Statements with the properties of the tables' queries: most of them in several graphs, some about blank nodes."""
    random, lines = Random(seed), []  # noqa: S311 - no secret
    for _ in range(random.choice((30, 200, 600))):
        subject, value = random.choice(_NODES), random.choice(_NODES)
        kind = random.random()
        if kind < 0.25:
            # The tables of agreements and cities have keys that are IRIs alone.
            iri = random.choice(_NODES[:8]) if random.random() < 0.97 else subject
            triple = f"{iri} a cg:{random.choice((*_CLASSES, 'Person', 'Source', 'Tenure'))}"
        elif kind < 0.5:
            triple = f"{subject} rdfs:label {random.choice(_VALUES)}"
        elif kind < 0.8:
            triple = f"{subject} {random.choice(_NODE_PROPERTIES)} {value}"
        else:
            triple = f"{subject} {random.choice(_VALUE_PROPERTIES)} {random.choice(_VALUES)}"
        lines += [f"{graph} {{ {triple} }}" for graph in random.sample(_GRAPHS, random.choice((1, 2)))]
    store = store_of("\n".join(lines))
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in set(store))
    store.extend(store_of(f"{ONTOLOGY_GRAPH} {{ {_ONTOLOGY} }} {SHAPES_GRAPH} {{ <urn:x:a> a cg:City, cg:Person }}"))
    return store


def store_of(trig: str) -> Store:
    store = Store()
    store.extend(parse(HEAD + trig, RdfFormat.TRIG, rename_blank_nodes=False))
    return store


def parts_of(store: Store, folder: Path) -> KeyParts:
    folder.mkdir(exist_ok=True)
    files = GraphFiles(folder / "files")
    files.add_store(store)
    return KeyParts(files, store.quads_for_pattern(None, None, None, ONTOLOGY_GRAPH), folder)


def select(store: Store, text: str) -> Iterator[QuerySolution]:
    solutions = evaluate_trusted(store, text)
    assert isinstance(solutions, QuerySolutions)
    return solutions


def rows(solutions: Iterable[QuerySolution]) -> list[tuple[str, ...]]:
    return [tuple(map(str, solution)) for solution in solutions]


def compare(store: Store, folder: Path, text: str) -> int:
    """Compares the rows of the parts with those of the whole graph; returns how many there are."""
    whole = rows(select(store, text))
    try:
        one = rows(parts_of(store, folder).rows(reads_of(text), partial(select, text=text)))
    except Unbounded as reason:
        if str(reason) not in {"a key is not an IRI", "equal literals need not have equal texts"}:
            raise
        return 0
    assert [row[0] for row in one] == [row[0] for row in whole]
    # Rows that a query does not put in order are in any.
    assert sorted(one) == sorted(whole)
    return len(whole)


@pytest.mark.parametrize("query", TABLES, ids=lambda query: query.name)
def test_our_tables_can_be_made_in_parts(query: StoredQuery) -> None:
    """(16 §5) None of them needs the whole graph in memory, or a store on the disk."""
    assert reads_of(query.text).key == query.columns[0].name


def test_tables_in_parts_have_the_same_bytes(izmir: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §5) CSV and Parquet of İzmir's data; no store is opened."""
    monkeypatch.setattr(key_parts, "_MOST_LINES", 3000)
    (tmp_path / "release").mkdir()
    parts = parts_of(Store.read_only(str(izmir.store_path)), tmp_path)
    assert write_tables(lambda: pytest.fail("opened"), TABLES, tmp_path / "release", parts)
    for path in (tmp_path / "release" / "tables").iterdir():
        assert path.read_bytes() == (izmir.path / "tables" / path.name).read_bytes(), path.name


@pytest.mark.parametrize(("keys", "parts"), [(30, 4), (300, 6)])
def test_lines_of_other_nodes_do_not_make_more_parts(keys: int, parts: int, tmp_path: Path) -> None:
    """The labels of all nodes are in one file; few of them are meetings."""
    (tmp_path / "parts").mkdir()
    labels = "".join(f'<urn:x:{node}> rdfs:label "{node}" . ' for node in range(5000))
    meetings = "".join(f"<urn:x:{node}> a cg:Meeting . " for node in range(keys))
    files = GraphFiles(tmp_path / "files")
    files.add_store(store_of(f"<urn:x:graph> {{ {labels}{meetings} }}"))
    reads = reads_of(f"{HEAD}SELECT ?k ?x WHERE {{ ?k a cg:Meeting ; rdfs:label ?x }} ORDER BY ?k")
    divided = key_parts.divided(files, reads, tmp_path / "parts", 1000, of_key=100)
    assert len(divided) == parts
    assert sum(part.lines.size for part in divided) == 2 * keys


@pytest.mark.parametrize(("of_key", "most"), [(100, 10_000), (None, 1500)])
def test_keys_with_many_lines_do_not_share_one_part(of_key: int | None, most: int, tmp_path: Path) -> None:
    """(16 §5) Each of a few countries has as many places as the memory for a part allows."""
    (tmp_path / "parts").mkdir()
    places = "".join(f'<urn:x:{n % 20}> a cg:Meeting ; rdfs:label "{n}" . ' for n in range(20_000))
    files = GraphFiles(tmp_path / "files")
    files.add_store(store_of(f"<urn:x:graph> {{ {places} }}"))
    reads = reads_of(f"{HEAD}SELECT ?k ?x WHERE {{ ?k a cg:Meeting ; rdfs:label ?x }} ORDER BY ?k")
    divided = key_parts.divided(files, reads, tmp_path / "parts", 1000, of_key)
    assert sum(part.lines.size for part in divided) == 20_020
    assert max(part.lines.size for part in divided) < most


@pytest.mark.parametrize("most", [1, 150, 10_000])
@pytest.mark.parametrize("seed", range(4))
def test_tables_of_random_graphs_are_those_of_the_whole(
    seed: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts of one key, of several, and as one part."""
    monkeypatch.setattr(key_parts, "_MOST_LINES", most)
    store = random_graph(seed)
    for number, query in enumerate(TABLES):
        compare(store, tmp_path / str(number), query.text)


# Of each, some parts limit others, may leave the key unbound, or have a variable of the same name with another value.
SAME = [
    "{ ?k cg:party ?x OPTIONAL { ?x cg:country ?y OPTIONAL { ?y cg:party ?z } } }",
    "{ ?k cg:party ?x OPTIONAL { ?x cg:country ?z OPTIONAL { ?z cg:party ?k } } }",
    "{ ?k cg:party ?x { ?k cg:country ?y OPTIONAL { ?k cg:holder ?x } } }",
    "{ ?k cg:party ?x { ?k cg:country ?y } UNION { ?x cg:holder ?y } UNION { ?y cg:post ?k } }",
    "{ { ?k cg:party ?x } UNION { ?x cg:holds ?k } UNION { GRAPH ?z { ?k cg:post ?x } } }",
    "{ ?k cg:party ?x MINUS { ?x cg:country ?k } MINUS { ?y cg:holder ?z . ?k cg:post ?y } }",
    "{ ?k cg:party ?x MINUS { ?x cg:country ?y OPTIONAL { ?y cg:party ?k } } }",
    "{ ?k cg:party ?x { SELECT ?x (COUNT(*) AS ?y) { ?x cg:country ?k } GROUP BY ?x } }",
    "{ ?k cg:party ?x { SELECT ?k (MIN(?x) AS ?y) { ?k cg:country ?x } GROUP BY ?k HAVING(COUNT(*) > 1) } }",
    "{ ?k a cg:City { SELECT ?x ?k { ?x cg:party ?k OPTIONAL { ?x cg:holder ?k } } } OPTIONAL { ?y cg:post ?x } }",
    "{ ?k cg:party / ^cg:party / cg:country ?x . ?x (cg:holder | cg:post) ?y }",
    "{ ?k cg:party ?x BIND(?x AS ?y) ?y cg:country ?z }",
    "{ ?k cg:party ?x BIND(IF(?x = ?k, <urn:x:a>, ?x) AS ?y) OPTIONAL { ?k cg:country ?y } }",
    "{ ?k cg:country ?y OPTIONAL { ?k cg:party ?x FILTER(?x != ?y) } FILTER(!BOUND(?x) || ?x > ?k) }",
    "{ ?k ?z ?x VALUES (?z ?x) { (cg:party <urn:x:a>) (cg:country UNDEF) (cg:holder cg:Event) } }",
    "{ VALUES ?k { <urn:x:a> <urn:x:ş> UNDEF } ?k cg:party ?x . ?x a ?y . GRAPH graph:ontology { ?y rdfs:label ?z } }",
    "{ ?k a ?x . GRAPH graph:ontology { ?x rdfs:subClassOf* ?y } GRAPH ?z { ?k cg:party ?k2 } }",
    "{ GRAPH ?x { ?k cg:party ?y OPTIONAL { ?y cg:country ?z } } }",
    "{ GRAPH source:one { ?k cg:party ?x } GRAPH ?y { ?x cg:country ?z } }",
    '{ ?k cg:party ?y OPTIONAL { ?k cg:country ?z } BIND(cg:labelIn(?z, "tr") AS ?x) }',
    '{ ?k cg:party ?y FILTER(STRLEN(STR(cg:labelIn(?y, "en"))) > 1) OPTIONAL { [] cg:post ?k ; cg:of ?z } }',
    "{ ?k cg:party ?x . ?x rdfs:label ?y . ?z cg:country ?x } # BASE",
    "{ ?k cg:party ?k OPTIONAL { ?k cg:country ?x . ?x cg:country ?x } }",
    "{ ?k cg:party ?x OPTIONAL { ?k cg:country ?y VALUES ?y { } } }",
    "{ VALUES () { () () } ?k cg:party ?x }",
    "{ ?k cg:party ?x ; ?y ?z }",
    "{ ?k cg:party ?x FILTER(!REGEX(STR(?x), '\\\\d\"')) # \\\n }",
    "{ ?k cg:party ?x OPTIONAL { GRAPH graph:curation { ?x ?y ?k } } }",
]
UNBOUNDED = [
    # The order is not that of a column.
    "SELECT ?k { ?k cg:party ?x }",
    "SELECT ?k { ?k cg:party ?x } ORDER BY ?x ?k",
    "SELECT ?k { ?k cg:party ?x } ORDER BY DESC(?k)",
    "SELECT ?k { ?k cg:party ?x } ORDER BY STR(?k)",
    "SELECT (STR(?k) AS ?y) { ?k cg:party ?x } ORDER BY ?k",
    # A row depends on others, or on graphs that are not read.
    "SELECT ?k { ?k cg:party ?x } ORDER BY ?k LIMIT 3",
    "SELECT ?k { ?k cg:party ?x { SELECT ?k { ?k cg:country ?y } ORDER BY ?y LIMIT 1 } } ORDER BY ?k",
    "SELECT ?k ?n { ?k cg:party ?x { SELECT (COUNT(*) AS ?n) { ?y cg:party ?x } } } ORDER BY ?k",
    "SELECT ?k ?n { ?k cg:party ?x { SELECT (SAMPLE(?k) AS ?n) { ?k cg:party ?x } } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x . ?y cg:country ?z } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x { VALUES ?k { UNDEF } OPTIONAL { ?k cg:country ?y } } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x { VALUES ?x { UNDEF } MINUS { ?k cg:holder ?x } } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x { VALUES (?x ?z) { (UNDEF 1) } OPTIONAL { ?k cg:holder ?x } } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x OPTIONAL { ?y cg:country ?z } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x MINUS { ?y cg:country ?z } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x { OPTIONAL { ?k cg:country ?y } OPTIONAL { ?k cg:holder ?x } } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x FILTER EXISTS { ?x cg:country ?y } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x BIND(EXISTS { ?y cg:country ?z } AS ?e) } ORDER BY ?k",
    'SELECT ?k ?n { ?k cg:party ?x BIND(cg:labelIn(IRI(CONCAT(STR(?x), "/1")), "en") AS ?n) } ORDER BY ?k',
    "SELECT ?k FROM graph:curation { ?k cg:party ?x } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x . GRAPH ?g {} } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x . GRAPH ?g { OPTIONAL { ?k cg:country ?y } } } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x . GRAPH ?g { GRAPH ?h { ?k cg:country ?y } } } ORDER BY ?k",
    "SELECT ?k { GRAPH ?g { { SELECT ?k (COUNT(*) AS ?n) { ?k cg:party ?x } GROUP BY ?k } } } ORDER BY ?k",
    # Paths of any length.
    "SELECT ?k { ?k cg:party ?x . ?x cg:country+ ?y } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x . ?x cg:country? ?y } ORDER BY ?k",
    "SELECT ?k { ?k !cg:party ?x } ORDER BY ?k",
    # The key may be unbound, or anything.
    "SELECT ?k { OPTIONAL { ?k cg:party ?x } } ORDER BY ?k",
    "SELECT ?k { ?x cg:party ?y BIND(IRI(STR(?y)) AS ?k) } ORDER BY ?k",
    "SELECT ?k { { ?k cg:party ?x } UNION { ?x cg:country ?y } } ORDER BY ?k",
    "SELECT ?k { VALUES ?k { <urn:x:a> <urn:x:none> } } ORDER BY ?k",
    "SELECT ?k { GRAPH graph:ontology { ?k rdfs:subClassOf* ?x } } ORDER BY ?k",
    # Names and syntax that only the engine reads, and other kinds of queries.
    "BASE <urn:x:> SELECT ?k { ?k cg:party <a> } ORDER BY ?k",
    "SELECT ?k { ?k cg:\\u0070arty ?x } ORDER BY ?k",
    "SELECT ?k { ?k cg:party\\/x ?x } ORDER BY ?k",
    "SELECT ?k { VALUES ?x { cg:O\\'Higgins } ?k cg:party ?x } ORDER BY ?k",
    "SELECT ?k { ?k cg:party ?x FILTER(?x = << ?k cg:party ?x >>) } ORDER BY ?k",
    "CONSTRUCT { ?k cg:of ?x } { ?k cg:party ?x }",
]


def graph_of_iris(seed: int) -> Store:
    """A dense graph of the properties in SAME, without blank nodes as subjects."""
    random = Random(seed)  # noqa: S311 - no secret
    triples = [
        f"{random.choice(_NODES[:8])} cg:{random.choice(('party', 'country', 'holder', 'post', 'of'))} {value}"
        for value in random.choices([*_NODES, '"01"', '"ş"@tr'], k=random.choice((20, 60)))
    ]
    triples += [f"{node} rdfs:label {random.choice(_VALUES)}" for node in _NODES for _ in "ab"]
    # Objects that are keys of a query, so IRIs alone.
    triples += [f"{random.choice(_NODES)} cg:holds {node}" for node in _NODES[:8]]
    triples += [f"{node} a cg:{random.choice(_CLASSES)}" for node in _NODES[:8] for _ in "ab"]
    store = store_of("\n".join(f"{random.choice(_GRAPHS)} {{ {triple} }}" for triple in triples))
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in set(store))
    store.extend(store_of(f"{ONTOLOGY_GRAPH} {{ {_ONTOLOGY} }}"))
    return store


@pytest.mark.parametrize("where", SAME)
def test_rows_of_parts_are_those_of_the_whole(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of queries that others may add, on random graphs."""
    monkeypatch.setattr(key_parts, "_MOST_LINES", 20)
    text = f"{HEAD}SELECT ?k ?x ?y ?z WHERE {where}\nORDER BY ?k STR(?x) STR(?y) STR(?z)"
    assert sum(compare(graph_of_iris(seed), tmp_path / str(seed), text) for seed in range(8))


@pytest.mark.parametrize("text", UNBOUNDED)
def test_other_queries_are_not_divided(text: str) -> None:
    """They are evaluated on the whole graph."""
    with pytest.raises(Unbounded):
        key_reads(HEAD + text)


@pytest.mark.parametrize(
    ("triples", "where"),
    [
        ("_:b a cg:City . <urn:x:a> a cg:City", "?k a cg:City"),
        ('<urn:x:a> cg:of "text", <urn:x:b>', "?x cg:of ?k"),
        (
            '<urn:x:a> a cg:City ; cg:of "01"^^xsd:integer . <urn:x:b> cg:value 1',
            "?k a cg:City ; cg:of ?x . ?y cg:value ?x",
        ),
    ],
)
def test_keys_are_iris_and_literals_are_no_links(triples: str, where: str, tmp_path: Path) -> None:
    """Else nothing is yielded, so that the whole graph can be used."""
    parts = parts_of(store_of(f"<urn:x:g> {{ {triples} }}"), tmp_path)
    text = f"{HEAD}SELECT ?k {{ {where} }} ORDER BY ?k"
    with pytest.raises(Unbounded):
        next(parts.rows(reads_of(text), partial(select, text=text)))
    assert [path.name for path in tmp_path.iterdir()] == ["files"]


def test_table_that_cannot_be_divided_is_made_from_the_store(tmp_path: Path) -> None:
    """Beside one that can."""
    (tmp_path / "release").mkdir()
    store = store_of('<urn:x:g> { <urn:x:a> a cg:City ; rdfs:label "A" }')
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in set(store))
    opened = []

    def open_store() -> Store:
        opened.append(store)
        return store

    queries = []
    for name, end in (("divided", "ORDER BY ?k"), ("whole", "ORDER BY ?k LIMIT 5")):
        path = tmp_path / f"{name}.rq"
        path.write_text(
            "#+ title: T\n#+ description: D\n#+ turkish: {title: T, description: D}\n#+ columns:\n"
            f"#+   k: {{type: iri, title: {{en: N, tr: N}}, description: {{en: N, tr: N}}}}\n"
            f"{HEAD}SELECT ?k {{ ?k a cg:City }} {end}"
        )
        queries.append(read_query(path, f"tables/{name}"))
    made = write_tables(open_store, queries, tmp_path / "release", parts_of(store, tmp_path))
    assert [(table.name, table.rows) for table in made] == [("divided", 1), ("whole", 1)]
    assert len(opened) == 1
