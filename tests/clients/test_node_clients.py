"""Clients in JavaScript: Comunica, fetch-sparql-endpoint, jsonld.js, ldes-client and graphology."""

from __future__ import annotations

import gzip
import json

import pytest

from citygraph.release.releases import Release
from tests.clients.conftest import Node, triples
from tests.running import Running

ALL = "SELECT * { ?s ?p ?o }"
CITIES = "?city a <https://w3id.org/citygraph/ontology#City>"
DOCUMENT = "/doc/city/izmir"


@pytest.mark.parametrize("path", [DOCUMENT, "/dataset", "/ontology", "/releases", "/source/izmir-sister-cities"])
def test_comunica_finds_the_triples_of_documents(site: Running, node: Node, path: str) -> None:
    """It prefers N-Quads, and matches the default graph (13.31)."""
    assert len(node("comunica", site.url + path, ALL)) == triples(site, path)


def test_comunica_queries_the_endpoint_with_our_functions(site: Running, node: Node) -> None:
    """Only a service that describes them gets them; otherwise there are no solutions (13.35)."""
    query = f"""PREFIX cg: <https://w3id.org/citygraph/ontology#>
        SELECT ?folded {{ {CITIES} ; rdfs:label ?name FILTER(cg:fold(STR(?name)) = "izmir" && LANG(?name) = "tr")
        BIND(cg:fold(STR(?name)) AS ?folded) }}"""
    query = f"PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> {query}"
    assert node("comunica", f"{site.url}/sparql", query) == [{"folded": "izmir"}]


def test_fetch_sparql_endpoint_reads_all_kinds_of_results(site: Running, node: Node) -> None:
    """SELECT, ASK and CONSTRUCT."""
    select, construct = f"SELECT * {{ {CITIES} }} LIMIT 7", f"CONSTRUCT WHERE {{ {CITIES} }} LIMIT 7"
    results = node("fetch-sparql-endpoint", f"{site.url}/sparql", select, f"ASK {{ {CITIES} }}", construct)
    assert results == {"solutions": 7, "answer": True, "triples": 7}


@pytest.mark.parametrize("path", [f"{DOCUMENT}.jsonld", DOCUMENT, f"{DOCUMENT}.html", "/ontology.html", "/dataset"])
def test_jsonld_js_loads_documents(site: Running, node: Node, path: str) -> None:
    """From a page it follows the one alternate that is JSON-LD (13.32)."""
    assert node("jsonld", site.url + path) == triples(site, path.removesuffix(".jsonld").removesuffix(".html"))


def test_ldes_client_replicates_the_event_stream(site: Running, node: Node, izmir: Release) -> None:
    """Each change is a member, once."""
    members = node("ldes-client", f"{site.url}/feed/ldes")
    changes = gzip.decompress((izmir.path / "changes" / "things.tsv.gz").read_bytes()).splitlines()
    assert len(members) == len(set(members)) == len(changes)


@pytest.mark.parametrize("extension", ["gexf", "graphml"])
def test_graphology_reads_the_network(site: Running, node: Node, extension: str) -> None:
    """All nodes and edges, each attribute with its type (17)."""
    network = json.loads(site.get("/network.json").body)
    read = node("graphology", f"{site.url}/network.{extension}")
    assert (read["nodes"], read["edges"]) == (len(network["nodes"]), len(network["edges"]))
    first = network["nodes"][0]
    assert read["node"] == {name: first[name] for name in ("label", "country", "continent", "lat", "lon")}
    assert read["edge"]["agreement"] == network["edges"][0]["agreement"]
