"""What an instance adds to the vocabulary: its own classes, properties, shapes, rules and stored queries."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from pyoxigraph import Literal, NamedNode

from citygraph.build.build import build
from citygraph.errors import Violations
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE, ID, PREFIXES
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.source.files import Sources, sources_of
from citygraph.web import create_app
from tests.inprocess import InProcess
from tests.small import write_files

OWN = "https://harbours.example/vocabulary#"
_PREFIXES = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in {**PREFIXES, "own": OWN}.items())
_FILES = {
    "ontology/harbours.ttl": """
own:Harbour a owl:Class ; rdfs:label "harbour"@en , "liman"@tr ; skos:definition "Where ships lie."@en ;
  rdfs:subClassOf cg:Place .
own:berths a owl:DatatypeProperty ; rdfs:label "berths"@en , "rıhtım"@tr ;
  rdfs:domain own:Harbour ; rdfs:range xsd:integer .
own:lights a owl:DatatypeProperty ; rdfs:label "lights"@en , "fener"@tr ; rdfs:range xsd:integer .
own:colour a owl:DatatypeProperty ; rdfs:label "colour"@en , "renk"@tr ; rdfs:range xsd:string .
own:isLarge a owl:DatatypeProperty ; rdfs:label "is large"@en , "büyük mü"@tr ; rdfs:range xsd:boolean .
""",
    "ontology/shapes/harbours.ttl": """
own:HarbourShape a sh:NodeShape ; sh:targetClass own:Harbour ; sh:property own:HarbourBerths .
own:HarbourBerths a sh:PropertyShape ; sh:path own:berths ; sh:minInclusive 1 ;
  sh:message "A harbour has at least one berth."@en ; cg:remedy "Count the berths."@en .
""",
    "ontology/shapes/lights.ttl": """
own:LightShape a sh:NodeShape ; sh:targetClass own:Harbour ;
  sh:property [ sh:path own:lights ; sh:maxInclusive 9 ; sh:message "A harbour has at most nine lights."@en ] ,
    [ sh:path own:colour ; sh:in ( "red" "green" ) ; sh:message "A light is red or green."@en ] .
[] a sh:NodeShape ; sh:targetSubjectsOf own:lights ; sh:property [ sh:path own:colour ; sh:minCount 1 ;
  sh:message "A light has a colour."@en ] .
""",
    "ontology/rules/50-large-harbours.rq": f"""#+ title: Large harbours
#+ description: A harbour with ten berths or more is large.
PREFIX own: <{OWN}>
CONSTRUCT {{ ?harbour own:isLarge true }}
WHERE {{ ?harbour a own:Harbour ; own:berths ?berths . FILTER(?berths >= 10) }}
""",
    "queries/harbours.rq": f"""#+ title: Harbours with their berths
#+ description: A row for each harbour.
#+ view: table
PREFIX own: <{OWN}>
SELECT ?harbour ?berths WHERE {{ ?harbour a own:Harbour ; own:berths ?berths }}
""",
}
_DATA = """
GRAPH source:register {
  city:izmir-harbour a own:Harbour ; rdfs:label "Harbour of İzmir"@en , "İzmir Limanı"@tr ; FACTS .
}
"""


def sources(folder: Path, facts: str) -> tuple[Settings, Sources]:
    """An instance with the files of an own vocabulary, and a harbour."""
    own = write_files(folder)
    register = own.data / "register.trig"
    text = register.read_text(encoding="utf-8") + _DATA.replace("FACTS", facts)
    register.write_text(f"@prefix own: <{OWN}> .\n{text}", encoding="utf-8")
    for name, content in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((_PREFIXES if path.suffix == ".ttl" else "") + content, encoding="utf-8")
    settings = Settings(data=own.data, ontology=folder / "ontology", queries=folder / "queries")
    return settings, sources_of(settings)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[FlaskClient, Release]:
    """The site of the instance, and its release."""
    folder = tmp_path_factory.mktemp("own")
    settings, own = sources(folder, "own:berths 12")
    releases = Releases(folder / "releases")
    release, _ = build(own, releases, Progress())
    engines = InProcess(list(release.open_store()), release.id)
    return create_app(settings, releases, engines).test_client(), release


def page(site: tuple[FlaskClient, Release], address: str) -> str:
    """The text of a page in English."""
    reply = site[0].get(address, headers={"Accept": "text/html", "Accept-Language": "en"})
    assert reply.status_code == 200
    return reply.text


def test_own_terms_are_documented_next_to_those_of_citygraph(site: tuple[FlaskClient, Release]) -> None:
    """With their own IRIs, labels, definitions, domains and ranges (14 §1)."""
    text = page(site, "/ontology")
    assert f"<code>{OWN}Harbour</code>" in text
    assert f"<code>{OWN}berths</code>" in text
    assert "Where ships lie." in text
    assert "<code>cg:City</code>" in text


def test_own_shapes_are_documented_next_to_those_of_citygraph(site: tuple[FlaskClient, Release]) -> None:
    """With their messages and remedies (14 §1)."""
    text = page(site, "/ontology/shapes")
    assert f"{OWN}HarbourShape" in text
    assert "A harbour has at least one berth." in text


def test_an_own_rule_runs_after_those_of_citygraph(site: tuple[FlaskClient, Release]) -> None:
    """An own class has its superclasses, and an own rule adds its statements (14 §1)."""
    store, harbour = site[1].open_store(), NamedNode(f"{ID}city/izmir-harbour")
    values = {quad.object for quad in store.quads_for_pattern(harbour, NamedNode(f"{OWN}isLarge"), None, None)}
    assert values == {Literal(True)}
    assert "ontology/rules/50-large-harbours.rq" in site[1].manifest.files


def test_an_own_query_is_listed_and_answered(site: tuple[FlaskClient, Release]) -> None:
    """As the stored queries of the package are (14 §1)."""
    assert "Harbours with their berths" in page(site, "/queries")
    rows = site[0].get("/queries/harbours?format=csv").text.splitlines()
    assert rows[1:] == [f"{ID}city/izmir-harbour,12"]


def test_an_own_query_is_in_the_description_of_the_dataset(site: tuple[FlaskClient, Release]) -> None:
    """(17) As a data service of the catalogue, like those of the package."""
    described = site[0].get("/dataset?format=nt").text
    for name in ("harbours", "partners"):
        assert f"<{BASE}queries/{name}> <http://www.w3.org/ns/dcat#endpointURL> <{BASE}queries/{name}>" in described
    assert '"Harbours with their berths"@en' in described
    assert f"<{BASE}queries/tables/cities>" not in described


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ("own:berths 0", "A harbour has at least one berth."),
        ('own:berths 2 ; own:isLarge "no"', "datatype"),
        ("own:berth 2", "vocabulary#berth>"),
        ('own:berths 2 ; own:lights 12 ; own:colour "red"', "A harbour has at most nine lights."),
        ('own:berths 2 ; own:lights 2 ; own:colour "blue"', "A light is red or green."),
        ("own:berths 2 ; own:lights 2", "A light has a colour."),
    ],
)
def test_own_shapes_and_ranges_prevent_a_release(facts: str, message: str, tmp_path: Path) -> None:
    """A violation of an own shape, a value that is none of the property's, and a misspelt property (14 §1).

    Shapes without an IRI are shapes like others.
    """
    _, own = sources(tmp_path, facts)
    with pytest.raises(Violations) as refusal:
        build(own, Releases(tmp_path / "releases"), Progress())
    assert any(message in result.message("en") for result in refusal.value.report.violations)
