"""Clients in Python: SPARQL, RDF, tables, archives and feeds, each as its documentation uses it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from citygraph.client import Graph
from citygraph.release.releases import Release
from tests.clients.conftest import installed, triples
from tests.running import Running

REPOSITORY = Path(__file__).parents[2]
CITY = "<https://w3id.org/citygraph/ontology#City>"
SELECT = f"SELECT * {{ ?city a {CITY} }} LIMIT 7"
CONSTRUCT = f"CONSTRUCT WHERE {{ ?city a {CITY} }} LIMIT 7"
DOCUMENT = "/doc/city/izmir"
RDF_PAGES = (DOCUMENT, "/dataset", "/ontology", "/releases", "/feed/ldes")
TABLES = (
    *("agreement-dates", "agreement-parties", "agreements", "cities", "events"),
    *("organisations", "people", "populations", "sources", "tenures"),
)


def rows(site: Running, table: str) -> int:
    """Returns the number of rows of a table."""
    return len(list(csv.reader(io.StringIO(site.get(f"/tables/{table}.csv").body.decode())))) - 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sparqlwrapper_reads_results(site: Running, method: str) -> None:
    """JSON, XML and CSV, by both methods."""
    client = installed("SPARQLWrapper").SPARQLWrapper(f"{site.url}/sparql")
    client.setMethod(method)
    client.setQuery(SELECT)
    client.setReturnFormat("json")
    assert len(client.query().convert()["results"]["bindings"]) == 7
    client.setReturnFormat("xml")
    assert len(client.query().convert().getElementsByTagName("result")) == 7
    client.setReturnFormat("csv")
    assert client.query().convert().count(b"\n") == 8


@pytest.mark.parametrize("format_", ["xml", "rdf+xml", "rdf", "json-ld", "turtle", "n3"])
def test_sparqlwrapper_reads_graphs(site: Running, format_: str) -> None:
    """Each of its formats."""
    client = installed("SPARQLWrapper").SPARQLWrapper(f"{site.url}/sparql", returnFormat=format_)
    client.setQuery(CONSTRUCT)
    result = client.query().convert()
    graph = installed("rdflib").Graph().parse(result, format="turtle") if isinstance(result, bytes) else result
    assert len(graph) == 7


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
def test_the_store_of_rdflib_reads_the_endpoint(site: Running, method: str) -> None:
    """Patterns of triples, SELECT, CONSTRUCT and ASK."""
    rdflib = installed("rdflib")
    store = installed("rdflib.plugins.stores.sparqlstore").SPARQLStore(f"{site.url}/sparql", method=method)
    graph = rdflib.Graph(store)
    izmir = rdflib.URIRef("https://w3id.org/citygraph/id/city/izmir")
    assert (izmir, rdflib.RDF.type, rdflib.URIRef(CITY.strip("<>"))) in graph
    assert len(list(graph.triples((izmir, None, None)))) > 20
    assert len(list(graph.query(SELECT))) == 7
    assert len(graph.query(CONSTRUCT).graph) == 7
    assert graph.query(f"ASK {{ ?city a {CITY} }}").askAnswer


@pytest.mark.parametrize(
    "format_", [None, "nquads", "ntriples", "text/turtle", "nt", "turtle", "xml", "json-ld", "trig", "n3"]
)
@pytest.mark.parametrize("path", RDF_PAGES)
def test_rdflib_parses_an_address_in_each_format(site: Running, format_: str | None, path: str) -> None:
    """Whatever it accepts, it uses the parser of the format (13.36)."""
    dataset = installed("rdflib").Dataset(default_union=True)
    dataset.parse(site.url + path, format=format_)
    statements = {(s, p, o) for s, p, o, _ in dataset.quads()}
    # Its terms are normalised, so that two forms of a number are one.
    assert triples(site, path) - 5 <= len(statements) <= triples(site, path)


@pytest.mark.parametrize("path", [f"{DOCUMENT}.jsonld", DOCUMENT, f"{DOCUMENT}.html", "/", "/ontology.html"])
def test_pyld_loads_documents(site: Running, path: str) -> None:
    """From a page it follows the one alternate that is JSON-LD (13.32)."""
    dataset = installed("pyld").jsonld.to_rdf(site.url + path, {})
    page = "/dataset" if path == "/" else path.removesuffix(".jsonld").removesuffix(".html")
    assert len(dataset["@default"]) == triples(site, page)


def test_wikibaseintegrator_queries_the_endpoint(site: Running) -> None:
    """It sends the query in the address of a POST without a body (13.33)."""
    config = installed("wikibaseintegrator.wbi_config").config
    config["USER_AGENT"] = "citygraph tests"
    helpers = installed("wikibaseintegrator.wbi_helpers")
    results = helpers.execute_sparql_query(SELECT, endpoint=f"{site.url}/sparql", max_retries=1)
    assert len(results["results"]["bindings"]) == 7


@pytest.mark.parametrize("table", TABLES)
def test_pandas_reads_every_table(site: Running, table: str) -> None:
    """CSV and Parquet have equal columns and rows."""
    pandas = installed("pandas")
    installed("pyarrow")
    text = pandas.read_csv(f"{site.url}/tables/{table}.csv", keep_default_na=False, na_values=[""])
    binary = pandas.read_parquet(f"{site.url}/tables/{table}.parquet")
    assert list(text.columns) == list(binary.columns)
    assert len(text) == len(binary) == rows(site, table)


@pytest.mark.parametrize("table", TABLES)
def test_polars_reads_every_table(site: Running, table: str) -> None:
    """It requests the last 256 KiB of a Parquet file, which is shorter (13.34)."""
    polars = installed("polars")
    assert polars.read_csv(f"{site.url}/tables/{table}.csv", infer_schema_length=None).height == rows(site, table)
    assert polars.read_parquet(f"{site.url}/tables/{table}.parquet").height == rows(site, table)
    scanned = polars.scan_parquet(f"{site.url}/tables/{table}.parquet").unique().collect()
    assert scanned.height == rows(site, table)


def test_polars_reads_results(site: Running) -> None:
    """It reads CSV only from addresses that support ranges (13.34)."""
    polars = installed("polars")
    query = urlencode({"query": SELECT, "format": "csv"})
    assert polars.read_csv(f"{site.url}/sparql?{query}").height == 7
    assert polars.read_csv(f"{site.url}/queries/partners?format=csv").height > 20
    assert polars.read_csv(f"{site.url}/explore.csv", infer_schema_length=None).height > 20


def test_signposting_finds_the_links_of_a_document(site: Running) -> None:
    """Identifier, metadata, licence and linksets of level 2."""
    links = installed("signposting").find_signposting_http(f"{site.url}{DOCUMENT}")
    assert links.citeAs.target == "https://w3id.org/citygraph/id/city/izmir"
    assert {str(link.type) for link in links.describedBy} == {"text/turtle", "application/ld+json"}
    assert links.license.target == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert {str(link.type) for link in links.linksets} == {"application/linkset", "application/linkset+json"}


def test_memento_client_finds_the_release_of_a_day(site: Running, izmir: Release) -> None:
    """By the TimeGate: the client does not recognise a document that is its own."""
    client = installed("memento_client").MementoClient(f"{site.url}/timegate/", check_native_timegate=False)
    found = client.get_memento_info(f"{site.url}{DOCUMENT}", datetime.now(UTC).replace(tzinfo=None))
    closest = found["mementos"]["closest"]
    assert (closest["uri"], closest["http_status_code"]) == ([f"{site.url}/releases/{izmir.id}{DOCUMENT}"], 200)


def test_feedparser_reads_the_feed_that_pages_link(site: Running, izmir: Release) -> None:
    """The link is found in the page (13.37)."""
    feedparser = installed("feedparser")
    links = feedparser.parse(site.url, request_headers={"Accept": "text/html"}).feed.links
    (href,) = [link.href for link in links if link.get("type") == "application/atom+xml"]
    feed = feedparser.parse(href)
    assert (feed.bozo, feed.version) == (False, "atom10")
    assert [entry.id.rpartition("/")[2] for entry in feed.entries] == [izmir.id]


def test_frictionless_validates_the_package(site: Running) -> None:
    """Each table, cell by cell."""
    report = installed("frictionless").validate(f"{site.url}/tables/datapackage.json")
    assert report.valid, report.flatten(["title", "message"])
    assert report.stats["tasks"] == len(TABLES)


def test_csvw_validates_the_tables(site: Running) -> None:
    """CSV on the Web, with the rows."""
    package = installed("csvw").CSVW(f"{site.url}/tables/csv-metadata.json")
    assert package.is_valid
    assert [len(list(table)) for table in package.tables] == [rows(site, table) for table in TABLES]


@pytest.mark.parametrize("command", ["export", "template"])
def test_frictionless_and_csvw_validate_sheets_as_csv_files(command: str, tmp_path: Path) -> None:
    """Bremen's sheets with their rows, and the empty ones (14 §2)."""
    folder = tmp_path / "bremen"
    shutil.copytree(REPOSITORY / "examples" / "bremen", folder, ignore=shutil.ignore_patterns("var", "site"))
    own = {name: value for name, value in os.environ.items() if not name.startswith("CITYGRAPH_")}
    arguments = [sys.executable, "-m", "citygraph.cli", "sheets", command, "csv"]
    subprocess.run(arguments, cwd=folder, env={**own, "PYTHONPATH": str(REPOSITORY / "src")}, check=True)
    report = installed("frictionless").validate(str(folder / "csv" / "datapackage.json"))
    assert report.valid, report.flatten(["title", "message"])
    package = installed("csvw").CSVW(str(folder / "csv" / "csv-metadata.json"))
    assert package.is_valid
    assert (sum(len(list(table)) for table in package.tables) > 0) is (command == "export")


def test_mlcroissant_validates_the_metadata_and_loads_each_table(site: Running) -> None:
    """Without a warning, and with the checksums of the files (13.37)."""
    dataset = installed("mlcroissant").Dataset(f"{site.url}/croissant.json")
    assert dataset.metadata.issues.errors == set()
    assert dataset.metadata.issues.warnings == set()
    loaded = {records.id: len(list(dataset.records(records.id))) for records in dataset.metadata.record_sets}
    assert loaded == {table: rows(site, table) for table in TABLES}


@pytest.mark.parametrize("query", ["", "&city=city/bremen", "&from=city/bremen&to=city/baku"])
def test_networkx_reads_the_network(site: Running, query: str) -> None:
    """With the defaults of its function (13.27)."""
    network: dict[str, Any] = json.loads(site.get(f"/network?format=json{query}").body)
    graph = installed("networkx").node_link_graph(network)
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (len(network["nodes"]), len(network["edges"]))
    assert graph.nodes["https://w3id.org/citygraph/id/city/izmir"]["label"] == "İzmir"


def test_gdal_and_polars_read_results_at_their_addresses(site: Running) -> None:
    """GeoPackage and GeoJSON by geopandas, Parquet by polars: in parts, and without a copy (17)."""
    geopandas, polars = installed("geopandas"), installed("polars")
    rows = polars.read_parquet(f"{site.url}/queries/partners.parquet")
    assert rows["lat"].dtype == polars.Float64
    for extension in ("gpkg", "geojson"):
        places = geopandas.read_file(f"{site.url}/queries/partners.{extension}")
        assert (len(places), set(places.geom_type.dropna())) == (len(rows), {"Point"})


def test_our_own_client_reads_every_stored_query(site: Running) -> None:
    """Each with all its rows, as Arrow, pandas and polars; places in geopandas (17)."""
    pandas, polars = installed("pandas"), installed("polars")
    graph = Graph(site.url, language="tr")
    names = [query["name"] for query in json.loads(site.get("/queries.json").body)["queries"]]
    for name in names:
        table = graph.run(name)
        expected = len(list(csv.reader(io.StringIO(site.get(f"/queries/{name}?format=csv&lang=tr").body.decode())))) - 1
        frames = table.pandas(), table.polars(), table.pandas(dates="period")
        assert isinstance(frames[0], pandas.DataFrame)
        assert isinstance(frames[1], polars.DataFrame)
        assert {len(frame) for frame in frames} == {table.arrow().num_rows} == {len(table)} == {expected}, name
    installed("geopandas")
    assert graph.run("partners").geopandas().geometry.notna().sum() > 30
