"""Behind a real nginx: on another host, below a path, and with identifiers that are of neither."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyoxigraph import RdfFormat, parse

from citygraph.rdf.terms import BASE, ID, SD
from citygraph.web.http.addresses import public_root
from tests.proxy import NGINX, nginx
from tests.running import Reply, Running, serving
from tests.world import publish, small_world

pytestmark = pytest.mark.skipif(NGINX is None, reason="NGINX IS NOT INSTALLED: nothing is tested behind a proxy")
HOST = "data.example"
# How the site is mounted: the path in front.
MOUNTS = ("", "/graph")


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world."""
    root = tmp_path_factory.mktemp("world")
    publish(small_world(), root)
    return root


@pytest.fixture(scope="module")
def site(releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """nginx in front of a server that trusts it."""
    with (
        serving(releases, workers=1, trusted_proxies=1) as server,
        nginx(server.port, tmp_path_factory.mktemp("nginx")) as proxy,
    ):
        yield proxy


def ask(site: Running, path: str, **headers: str) -> Reply:
    """What a client of the public host gets."""
    return site.get(path, "GET", b"", Host=HOST, **headers)


@pytest.mark.parametrize("mount", MOUNTS)
def test_redirections_stay_below_the_mount(site: Running, mount: str) -> None:
    """303, and 301 for another spelling; by path alone, so on whatever host the client is."""
    assert ask(site, f"{mount}/id/city/izmir").headers["location"].removeprefix(f"https://{HOST}") == (
        f"{mount}/doc/city/izmir"
    )
    assert ask(site, f"{mount}/doc/city/izmir/").headers["location"].endswith(f"{mount}/doc/city/izmir")


@pytest.mark.parametrize("mount", MOUNTS)
def test_links_of_headers_lead_where_they_say(site: Running, mount: str) -> None:
    """Every link to this host is below the mount and answers; canonical and cite-as are the lasting names."""
    reply = ask(site, f"{mount}/doc/city/izmir.ttl")
    found = re.findall(r'<([^>]*)>; rel="([^"]*)"', reply.headers["link"])
    local = [target for target, _ in found if target.startswith("/")]
    assert local
    assert all(target.startswith(f"{mount}/") for target in local)
    for target in local:
        assert ask(site, target).status == 200, target
    assert (BASE + "doc/city/izmir", "canonical") in found
    assert (ID + "city/izmir", "cite-as") in found
    assert reply.headers["content-location"] == f"{mount}/doc/city/izmir.ttl"


@pytest.mark.parametrize("mount", MOUNTS)
@pytest.mark.parametrize("path", ["/", "/doc/city/izmir", "/source/page", "/ontology", "/id/city/none"])
def test_links_of_pages_stay_below_the_mount(site: Running, mount: str, path: str) -> None:
    """Styles, forms, entities, the way home; the other mount would not find them."""
    page = ask(site, mount + path, Accept="text/html").body.decode()
    assert "<h1" in page
    addresses = [a for a in re.findall(r'(?:href|src)="(/[^"]*)"', page) if not a.startswith("//")]
    assert addresses
    assert [a for a in addresses if not a.startswith(f"{mount}/")] == []


@pytest.mark.parametrize("mount", MOUNTS)
def test_context_of_json_ld_is_at_the_public_address(site: Running, mount: str) -> None:
    """With the scheme and host that the client uses; what it describes keeps its name."""
    document = json.loads(ask(site, f"{mount}/doc/city/izmir.jsonld").body)
    assert document["@context"][0] == f"https://{HOST}{mount}/context.jsonld"
    assert ask(site, f"{mount}/context.jsonld").status == 200
    assert document["@context"][1]["@base"] == BASE


@pytest.mark.parametrize("mount", MOUNTS)
def test_service_description_names_the_public_endpoint(site: Running, mount: str) -> None:
    """SD2: the endpoint as clients reach it."""
    reply = ask(site, f"{mount}/sparql", Accept="text/turtle")
    endpoints = {q.object.value for q in parse(reply.body, RdfFormat.TURTLE) if q.predicate == SD("endpoint")}
    assert endpoints == {f"https://{HOST}{mount}/sparql"}


@pytest.mark.parametrize("mount", MOUNTS)
def test_identifiers_are_the_same_everywhere(site: Running, mount: str) -> None:
    """The triples of a document do not know where it was asked for."""
    body = ask(site, f"{mount}/doc/city/izmir.nt").body
    assert body == ask(site, "/doc/city/izmir.nt").body
    assert HOST.encode() not in body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/id/city/izmir", 303),
        ("/id/city/%C4%B0zmir", 404),
        ("/id/city/iz%2Fmir", 404),
        ("/id/city/%25C4%25B0zmir", 404),
        ("/id/city/I%CC%87zmir", 404),
        ("/id/city/izmir/", 301),
    ],
)
def test_spellings_survive_the_proxy(site: Running, path: str, status: int) -> None:
    """What is decoded once is decoded once, with nginx in between or not."""
    assert ask(site, path).status == status


def test_only_a_trusted_proxy_says_where_the_site_is(releases: Path, site: Running) -> None:
    """A client that says it itself is not believed, neither directly nor through the proxy."""
    spoof = {"X_Forwarded_Host": "evil.example", "X_Forwarded_Prefix": "/evil", "X_Forwarded_Proto": "ftp"}
    through = json.loads(ask(site, "/doc/city/izmir.jsonld", **spoof).body)["@context"][0]
    assert through == f"https://{HOST}/context.jsonld"
    with serving(releases, workers=1) as server:
        direct = json.loads(server.get("/doc/city/izmir.jsonld", "GET", b"", Host=HOST, **spoof).body)["@context"][0]
        assert direct == f"http://{HOST}/context.jsonld"
        assert server.get("/id/city/izmir", "GET", b"", Host=HOST, **spoof).headers["location"] == "/doc/city/izmir"


@pytest.mark.parametrize(
    ("prefix", "root"),
    [
        ("/%E5%8F%8B", "/%E5%8F%8B"),
        ("/%e5%8f%8b", "/%e5%8f%8b"),
        ("/友".encode().decode("latin-1"), "/%E5%8F%8B"),
        ('/"><script>', ""),
        ("/a//b", ""),
        ("/a b", ""),
        ("/%zz", ""),
    ],
)
def test_a_prefix_beyond_ascii_is_escaped(prefix: str, root: str) -> None:
    """As a proxy sends it, and as its bytes. One with other signs is ignored."""
    environ = {"HTTP_HOST": HOST, "HTTP_X_FORWARDED_PREFIX": prefix}
    assert public_root(environ, 1) == f"http://{HOST}{root}"


def test_the_path_of_a_mounted_application_is_escaped() -> None:
    """WSGI decodes it."""
    environ = {"HTTP_HOST": HOST, "SCRIPT_NAME": "/友".encode().decode("latin-1")}
    assert public_root(environ, 0) == f"http://{HOST}/%E5%8F%8B"
