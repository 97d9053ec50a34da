"""Views of a document by profile: our own words, schema.org, W3C ORG, all at once; and the list of them."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, RdfFormat, Triple, parse

from citygraph.rdf.terms import BASE, CG, DERIVED_GRAPH, ID, PREFIXES, RDF, SCHEMA
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.documents.profiles import OWN, PROFILES, SCHEMA_ORG, chosen
from tests.world import publish, small_world

ORG = PREFIXES["org"]
TENURE = "/doc/tenure/cemil-tugay-mayor-of-izmir"


def derived() -> list[Quad]:
    """What rules derive for those who know other vocabularies only."""
    tenure, person = NamedNode(ID + "tenure/cemil-tugay-mayor-of-izmir"), NamedNode(ID + "person/cemil-tugay")
    triples = [
        Triple(NamedNode(ID + "city/izmir"), SCHEMA("name"), Literal("İzmir", language="tr")),
        Triple(tenure, RDF("type"), NamedNode(ORG + "Membership")),
        Triple(tenure, NamedNode(ORG + "member"), person),
        Triple(person, SCHEMA("name"), Literal("Cemil Tugay", language="en")),
    ]
    graphs = (DERIVED_GRAPH, DefaultGraph())
    return [Quad(t.subject, t.predicate, t.object, graph) for t in triples for graph in graphs]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """Somebody who knows what he wants."""
    root = tmp_path_factory.mktemp("profiles")
    publish([*small_world(), *derived()], root)
    return create_app(Settings(), Releases(root)).test_client()


def triples(client: FlaskClient, path: str, **headers: str) -> set[Triple]:
    """The triples of an answer in N-Triples."""
    asked = {name.replace("_", "-"): value for name, value in headers.items()}
    return {quad.triple for quad in parse(client.get(path, headers=asked).data, RdfFormat.N_TRIPLES)}


def predicates(found: set[Triple], subject: str) -> set[str]:
    """What is said of a thing."""
    return {t.predicate.value for t in found if t.subject == NamedNode(subject)}


def test_own_view_leaves_translations_out(client: FlaskClient) -> None:
    """What a rule says again in other words is for those who ask for them."""
    said = predicates(triples(client, "/doc/city/izmir.nt"), ID + "city/izmir")
    assert CG("country").value in said
    assert SCHEMA("latitude").value in said, "a source says it"
    assert SCHEMA("name").value not in said


def test_schema_view_has_schema_org_only(client: FlaskClient) -> None:
    """Enough for one who knows nothing else."""
    said = predicates(triples(client, "/doc/city/izmir.nt?_profile=schema"), ID + "city/izmir")
    assert SCHEMA("name").value in said
    assert all(p.startswith(SCHEMA) or p == RDF("type").value for p in said)


def test_org_view_has_memberships(client: FlaskClient) -> None:
    """A tenure is an org:Membership of its holder."""
    said = predicates(triples(client, f"{TENURE}.nt?_profile=org"), ID + TENURE.removeprefix("/doc/"))
    assert ORG + "member" in said
    assert CG("holder").value not in said


def test_whole_view_has_all_of_them(client: FlaskClient) -> None:
    """Whatever another view of the entity shows is in it."""
    whole = triples(client, f"{TENURE}.nt?_profile=whole")
    about = NamedNode(f"{BASE}doc/tenure/cemil-tugay-mayor-of-izmir")
    for token in ("citygraph", "schema", "org"):
        part = triples(client, f"{TENURE}.nt?_profile={token}")
        assert {t for t in part if t.subject != about} <= whole


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.token)
@pytest.mark.parametrize("form", ["ttl", "nt", "rdf", "jsonld", "trig", "nq"])
def test_every_view_is_in_every_format_and_says_which_it_is(client: FlaskClient, form: str, profile: object) -> None:
    """By token, by IRI and by header, with an ETag of its own."""
    assert profile in PROFILES
    of_one = next(p for p in PROFILES if p == profile)
    path = f"/doc/city/izmir.{form}"
    by_token = client.get(path, query_string={"_profile": of_one.token})
    by_iri = client.get(path, query_string={"_profile": of_one.iri})
    by_header = client.get(path, headers={"Accept-Profile": f"<{of_one.iri}>"})
    assert by_token.data == by_iri.data == by_header.data
    assert by_header.headers["Content-Profile"] == f"<{of_one.iri}>"
    assert f'<{of_one.iri}>; rel="profile"' in by_header.headers["Link"]
    assert "Accept-Profile" in by_header.headers["Vary"]
    default = client.get(path)
    assert (default.headers["ETag"] == by_token.headers["ETag"]) == (of_one is OWN)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("", "citygraph"),
        ("<https://schema.org/>", "schema"),
        ("<http://schema.org>", "schema"),
        ("<https://schema.org/>;q=0.3, <http://www.w3.org/ns/org#>;q=0.8", "org"),
        ("<https://schema.org/>;q=0", "citygraph"),
        ("<https://unknown.example/>", "citygraph"),
        ("<https://unknown.example/>, <https://schema.org/>;q=0.1", "schema"),
        ("schema", "citygraph"),
    ],
)
def test_best_of_the_accepted_profiles_is_given(header: str, token: str) -> None:
    """Q-values; what we do not have is passed over, for a header only states a preference."""
    assert chosen(header, None).token == token


def test_parameter_goes_before_the_header() -> None:
    """As everywhere."""
    assert chosen("<http://www.w3.org/ns/org>", "schema") is SCHEMA_ORG


def test_unknown_profile_in_the_address_is_406_with_a_list(client: FlaskClient) -> None:
    """One who names it wants just that."""
    response = client.get("/doc/city/izmir.ttl?_profile=mine")
    assert response.status_code == 406
    assert json.loads(response.data)["offered"] == [profile.token for profile in PROFILES]


@pytest.mark.parametrize("accept", ["text/turtle", "text/html", "application/json", "application/n-triples"])
def test_alt_lists_all_views_in_all_formats(client: FlaskClient, accept: str) -> None:
    """In headers whatever the body; each address in it answers with what it promises."""
    response = client.get("/doc/city/izmir?_profile=alt", headers={"Accept": accept})
    assert response.status_code == 200
    for profile in PROFILES:
        address = f"/doc/city/izmir.ttl?_profile={profile.token}"
        link = f'<{address}>; rel="alternate related"; type="text/turtle"; profile="{profile.iri}"'
        assert link in response.headers["Link"]
        assert address.encode() in response.data
        assert client.get(address).content_type.startswith("text/turtle")
    # PyLD and jsonld.js follow the one that is just an alternate (13.32).
    assert re.findall(r'<([^>]*)>; rel="alternate";', response.headers["Link"]) == [
        "/doc/city/izmir.jsonld?_profile=citygraph"
    ]
