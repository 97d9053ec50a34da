"""Stored queries: heads, parameters, and terms that are bound and never pasted."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyoxigraph import Literal, NamedNode

from citygraph.client import Graph
from citygraph.client.web_exchange import RESERVED_PARAMETERS
from citygraph.errors import BadData, NotFound, UsageError
from citygraph.rdf.terms import BASE
from citygraph.source.queries import find_query, load_queries, read_query, similar_names
from citygraph.source.query_parameters import ADDRESS_PARAMETERS, Parameter, expand, term_of

QUERY = """#+ title: Partners
#+ description: All partners of a city since a date.
#+ parameters:
#+   city: iri
#+   since: {type: date, description: From when.}
#+   most: integer
#+   name: text
#+ view: map
SELECT ?city ?p WHERE {
  VALUES ?city { city:izmir }
  VALUES ?since { "1990"^^xsd:gYear }
  VALUES ?most { 3 }
  VALUES ?name { "x" }
  ?city cg:twinnedWith ?p }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "partners.rq").write_text(QUERY)
    return tmp_path


def test_a_query_is_named_by_its_path_and_told_by_its_head(folder: Path) -> None:
    """Name, title, view and parameters come from the file; defaults from its VALUES blocks."""
    query = load_queries(folder)["sub/partners"]
    assert (query.title, query.view) == ("Partners", "map")
    assert [(p.name, p.type, p.default) for p in query.parameters] == [
        ("city", "iri", "city:izmir"), ("since", "date", '"1990"^^xsd:gYear'), ("most", "integer", "3"),
        ("name", "text", '"x"'),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("city", "city:baku", "VALUES ?city { <https://w3id.org/citygraph/id/city/baku> }"),
        ("city", "<http://e.org/x>", "VALUES ?city { <http://e.org/x> }"),
        ("since", "1991-09", 'VALUES ?since { "1991-09"^^<http://www.w3.org/2001/XMLSchema#gYearMonth> }'),
        ("since", "1991-09-02", 'VALUES ?since { "1991-09-02"^^<http://www.w3.org/2001/XMLSchema#date> }'),
        ("most", "12", 'VALUES ?most { "12"^^<http://www.w3.org/2001/XMLSchema#integer> }'),
        ("name", 'a" } DROP ALL #\n', r'VALUES ?name { "a\" } DROP ALL #\n" }'),
        ("name", r"\1", r'VALUES ?name { "\\1" }'),
    ],
)
def test_a_value_becomes_a_term_of_its_type(folder: Path, name: str, value: str, bound: str) -> None:
    """Whatever stands in a value, it is one term in the query."""
    assert bound in find_query([folder], "sub/partners").bind({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("city", "x> } DROP ALL #"), ("city", "Izmir"), ("since", "last year"), ("since", "1991-9"), ("most", "1;"),
     ("nobody", "1")],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_refused(folder: Path, name: str, value: str) -> None:
    """An IRI with a bracket, a date that is none, an unknown parameter: each is told and nothing is asked."""
    with pytest.raises(UsageError):
        find_query([folder], "sub/partners").bind({name: value})


def test_an_unknown_query_names_those_there_are(folder: Path) -> None:
    """A typo in a name gets the list."""
    with pytest.raises(NotFound, match="sub/partners"):
        find_query([folder], "partner")


@pytest.mark.parametrize(
    ("head", "wrong"),
    [("#+ title: [", "YAML"), ("#+ title: T", "description"),
     ("#+ title: T\n#+ description: D\n#+ parameters: {x: iri}", "VALUES"),
     ("#+ title: T\n#+ description: D\n#+ parameters: {city: colour}", "must be of type"),
     ("#+ title: T\n#+ description: D\n#+ parameters: {limit: integer}", "may not be 'limit'")],
)  # fmt: skip
def test_a_bad_head_is_told_with_its_file(tmp_path: Path, head: str, wrong: str) -> None:
    """What is wrong with a head is said, with the file's name."""
    path = tmp_path / "q.rq"
    path.write_text(head + "\nSELECT * { VALUES ?city { city:izmir } }")
    with pytest.raises(BadData, match=rf"q\.rq:\d+: .*{wrong}"):
        read_query(path, "q")


def test_client_refuses_the_parameters_of_addresses() -> None:
    """(17) With limit= a result would be cut without an error; the client knows the same names as the site."""
    assert RESERVED_PARAMETERS == ADDRESS_PARAMETERS
    with pytest.raises(ValueError, match="limit is not a parameter of a stored query"):
        Graph("http://localhost:1").run("partners", limit=1)


def test_prefixed_names_are_expanded() -> None:
    """Our prefixes are known; anything with a scheme is an IRI; a bare word is neither."""
    assert expand("cg:City") == "https://w3id.org/citygraph/ontology#City"
    assert expand("urn:x") == "urn:x"
    with pytest.raises(UsageError):
        expand("bare")


def test_values_are_terms_in_nfc() -> None:
    """Like all data; only the identifiers of other sites may have another form."""
    text, entity = Parameter("name", "text", ""), Parameter("city", "iri", "")
    assert term_of(text, "I\u0307zmir") == Literal("\u0130zmir")
    assert term_of(entity, f"{BASE}id/city/I\u0307zmir") == NamedNode(f"{BASE}id/city/\u0130zmir")
    foreign = NamedNode("http://example.org/I\u0307zmir")
    assert term_of(entity, foreign.value) == foreign


@pytest.mark.parametrize(
    ("name", "similar"),
    [
        ("partners", ["partners"]),
        ("parners", ["partners", "tables/partners"]),
        ("agreement-date", ["tables/agreement-dates", "quality/agreement-dates"]),
        ("museum", []),
    ],
)
def test_similar_names_are_found_in_all_folders(name: str, similar: list[str]) -> None:
    """Of names with the same end, each is one."""
    names = ["partners", "quality/agreement-dates", "tables/agreement-dates", "tables/partners"]
    assert sorted(similar_names(name, names)) == sorted(similar)
