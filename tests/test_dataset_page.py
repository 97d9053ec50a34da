"""The document of the dataset: the same as VoID says, in every form, and a page that people can read."""

from __future__ import annotations

import json
import re

import pytest
from flask.testing import FlaskClient
from pyoxigraph import RdfFormat, Triple, parse

from citygraph.build.dataset import dataset_description
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app

FORMS = {"ttl": RdfFormat.TURTLE, "nt": RdfFormat.N_TRIPLES, "rdf": RdfFormat.RDF_XML, "trig": RdfFormat.TRIG,
         "nq": RdfFormat.N_QUADS}  # fmt: skip


@pytest.fixture(scope="module")
def client(izmir: Release) -> FlaskClient:
    """Somebody who asks the site of İzmir."""
    return create_app(Settings(), Releases(izmir.path.parent)).test_client()


def said(client: FlaskClient, form: str) -> set[Triple]:
    """The triples of a form."""
    return {quad.triple for quad in parse(client.get(f"/dataset.{form}").data, format=FORMS[form])}


@pytest.mark.parametrize("form", FORMS)
def test_document_says_all_that_the_release_knows(client: FlaskClient, izmir: Release, form: str) -> None:
    """Versions, sizes, checksums and quality stand in every RDF form, beside what the graph says."""
    assert set(dataset_description(izmir)) <= said(client, form)


def test_every_form_says_the_same(client: FlaskClient) -> None:
    """Whatever the form, the same triples."""
    assert len({frozenset(said(client, form)) for form in FORMS}) == 1


def test_json_ld_reads_whole(client: FlaskClient, izmir: Release) -> None:
    """The version and the checksums, nested where they belong."""
    text = client.get("/dataset.jsonld").text
    assert izmir.id in text
    assert str(izmir.manifest.outputs["dumps/citygraph.nq.gz"]["sha256"]) in text
    assert json.loads(text)["@context"]


def test_page_has_files_and_quality(client: FlaskClient, izmir: Release) -> None:
    """Tables with sizes, checksums and shares, in the reader's language; each anchor once."""
    page = client.get("/dataset?lang=en", headers={"Accept": "text/html"}).text
    assert re.search(r'<tr id="dumps-citygraph-nq-gz"><th scope="row"><a href="/dumps/citygraph.nq.gz">', page)
    assert str(izmir.manifest.outputs["dumps/citygraph.nq.gz"]["sha256"])[:12] in page
    assert '<li id="quality-coordinates-City">' in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    turkish = client.get("/dataset?lang=tr", headers={"Accept": "text/html"}).text
    assert ">Nitelik</h2>" in turkish


@pytest.mark.parametrize("language", ["tr", "az", "de"])
@pytest.mark.parametrize(
    "path", ["/dataset", "/source/izmir-sister-cities", "/doc/event/german-turkish-economic-day-2020"]
)
def test_properties_of_other_vocabularies_are_named_in_the_language(
    client: FlaskClient, path: str, language: str
) -> None:
    """Not by the ends of their IRIs, such as `hasURL`, in any language."""

    def names(reader: str) -> set[str]:
        page = client.get(f"{path}?lang={reader}", headers={"Accept": "text/html"}).text
        return {re.sub(r"<[^>]+>", "", name).strip() for name in re.findall(r"<dt\b[^>]*>(.*?)</dt>", page, re.DOTALL)}

    english = names("en")
    assert not {name for name in english if re.search("[a-z][A-Z]", name)}
    # The same words in every language.
    assert english & names(language) <= {"SHA-256", "status"}


def test_page_tells_search_engines_of_a_dataset(client: FlaskClient) -> None:
    """The block for search engines has schema.org's type, with licence and downloads (13.37)."""
    page = client.get("/dataset", headers={"Accept": "text/html"}).text
    (block,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    described = json.loads(block)
    assert described["@type"] == "Dataset"
    assert described["license"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    types = {one["contentUrl"].rpartition("/")[2]: one["encodingFormat"] for one in described["distribution"]}
    assert types["citygraph.nq"] == "application/n-quads"
    assert types["citygraph.nq.gz"] == "application/gzip"
    assert types["dataset.ttl"] == "text/turtle"


def test_other_views_show_only_theirs(client: FlaskClient) -> None:
    """What a profile leaves out is not added."""
    view = client.get("/dataset.nt?_profile=schema").text
    assert "dqv#" not in view
