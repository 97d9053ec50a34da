"""A frozen site: handed out by servers that know nothing of it, every link leads somewhere, and data are as served."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, unquote, urldefrag, urljoin, urlsplit
from urllib.request import Request, urlopen

import pytest
from pyoxigraph import NamedNode, RdfFormat, Store, parse

from citygraph.build.feeds import LDES, STREAM, TREE
from citygraph.catalogues import LANGUAGES
from citygraph.errors import StorageFull, UsageError
from citygraph.freeze.folder import check_target, staged
from citygraph.freeze.frozen_site import FreezeOptions, freeze, index, letters, parse_forms
from citygraph.freeze.host_files import host_files
from citygraph.freeze.plan import Plan
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.settings import Settings
from citygraph.text import fold
from citygraph.web import create_app
from tests.past import three_releases
from tests.process_tree import command as command_of
from tests.process_tree import descendants
from tests.running import free_port, is_running, wait_for
from tests.test_links import read_page

SITE = "http://localhost:8000"
WEB = Path(__file__).parents[1] / "web"
PLAN = Plan(SITE, ("en", "tr"), ("html", "ttl", "png"), frozenset({"dumps/citygraph.nq.gz"}))
DOCUMENTS = ("doc/city/izmir", "doc/agreement/izmir-bremen", "doc/source/page", "dataset", "ontology")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The small world with a past."""
    root = tmp_path_factory.mktemp("releases")
    three_releases(root)
    return Settings(releases=root)


@pytest.fixture(scope="module")
def frozen(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world, frozen whole. Do not write to it."""
    folder = tmp_path_factory.mktemp("frozen") / "site"
    freeze(settings, FreezeOptions(folder, SITE), Progress())
    return folder


@contextmanager
def plainly_served(folder: Path) -> Iterator[str]:
    """A folder behind the standard library's server of files; answers its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def status(address: str) -> int:
    try:
        with urlopen(address) as response:
            response.read()
            return int(response.status)
    except OSError as error:
        return int(getattr(error, "code", 0))


def broken_links(folder: Path, served: str, root: str, site: str = SITE) -> tuple[list[str], int]:
    """The links of all pages below a folder that lead nowhere, and how many there are."""
    known: dict[str, int] = {}
    broken = []
    for page in sorted(folder.rglob("*.html")):
        if page.name == "404.html":
            continue
        here = f"{served}{root}/{page.relative_to(folder).as_posix()}"
        for href in read_page(page.read_text(encoding="utf-8")).hrefs:
            target = urldefrag(urljoin(here, href.replace(site, f"{served}{root}", 1))).url
            if urlsplit(target).scheme in ("http", "https") and urlsplit(target).netloc != urlsplit(served).netloc:
                assert "localhost" not in target, f"{page}: {target}"
                continue
            if urlsplit(target).scheme not in ("http", "https"):
                continue
            if target not in known:
                known[target] = status(target)
            if known[target] != 200:
                broken.append(f"{page.relative_to(folder)} → {href}: {known[target]}")
    return broken, len(known)


def test_every_link_of_the_frozen_site_leads_somewhere(frozen: Path) -> None:
    """From any page, on a server that hands out files and knows no more, no link is broken."""
    with plainly_served(frozen) as address:
        broken, count = broken_links(frozen, address, "")
    assert not broken, "\n".join(broken[:20])
    assert count > 150


@pytest.mark.parametrize("name", ["repo", "友好都市"])
def test_a_site_below_a_path_is_whole_too(settings: Settings, tmp_path: Path, name: str) -> None:
    """Where a host gives a project a folder (Pages), links begin with it, and letters beyond ASCII are escaped."""
    folder, root = tmp_path / name, f"/{quote(name)}"
    freeze(settings, FreezeOptions(folder, f"{SITE}/{name}", ("html", "ttl")), Progress())
    with plainly_served(tmp_path) as address:
        broken, count = broken_links(folder, address, root, f"{SITE}{root}")
    assert not broken, "\n".join(broken[:20])
    assert count > 150
    assert f"<loc>{SITE}{root}/</loc>" in (folder / "sitemap.xml").read_text(encoding="utf-8")
    # Apache escapes the targets of redirects itself.
    assert f"$ /{name}/doc/$1\n" in (folder / ".htaccess").read_text(encoding="utf-8")


def test_the_same_release_is_frozen_to_the_same_bytes(settings: Settings, frozen: Path, tmp_path: Path) -> None:
    """Nothing of the time or the number of processes is in a frozen site."""
    again = tmp_path / "again"
    freeze(settings, FreezeOptions(again, SITE, jobs=2), Progress())
    one, two = ({p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in (frozen, again))
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


@pytest.mark.parametrize("path", DOCUMENTS)
def test_data_are_what_the_application_gives(settings: Settings, frozen: Path, path: str) -> None:
    """A document's RDF is the same file as the answer of the server, and it parses."""
    client = create_app(settings, Releases(settings.releases)).test_client()
    for form, format_ in (("ttl", RdfFormat.TURTLE), ("nt", RdfFormat.N_TRIPLES), ("trig", RdfFormat.TRIG)):
        served = client.get(f"/{path}.{form}", base_url=SITE)
        data = (frozen / f"{path}.{form}").read_bytes()
        assert served.data == data
        assert any(True for _ in parse(data, format=format_))
    assert client.get(f"/{path}.jsonld", base_url=SITE).data == (frozen / f"{path}.jsonld").read_bytes()


def test_each_language_has_pages_of_its_own(frozen: Path) -> None:
    """A static host knows no ?lang=: the languages beside the first stand in folders, and stay in them."""
    english = (frozen / "doc/city/izmir/index.html").read_text(encoding="utf-8")
    turkish = (frozen / "tr/doc/city/izmir/index.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in english
    assert '<html lang="tr">' in turkish
    assert 'href="/tr/doc/city/izmir"' in english
    assert 'href="/doc/city/izmir"' in turkish
    assert 'href="/tr/doc/city/bremen"' in turkish
    assert (frozen / "doc/city/izmir.html").read_text(encoding="utf-8") == english


def test_a_page_names_its_picture_by_whole_addresses(frozen: Path) -> None:
    """Other sites follow og:image as it stands."""
    turkish = (frozen / "tr/doc/city/izmir.html").read_text(encoding="utf-8")
    assert f'<meta property="og:image" content="{SITE}/tr/preview/city/izmir.png">' in turkish
    assert (frozen / "tr/preview/city/izmir.png").read_bytes().startswith(b"\x89PNG")


def test_a_thing_leads_to_its_document(frozen: Path) -> None:
    """Where no 303 can be sent, the page of a thing names its document and goes there."""
    page = (frozen / "id/city/izmir/index.html").read_text(encoding="utf-8")
    assert '<link rel="canonical" href="/doc/city/izmir">' in page
    assert 'content="0; url=/doc/city/izmir"' in page
    assert "/id/* /doc/:splat 303" in (frozen / "_redirects").read_text()


def test_the_event_stream_is_followed_file_by_file(frozen: Path) -> None:
    """Its pages are named as the files are, so that a client finds them on any host."""
    store = Store()
    store.load(path=frozen / "feed/ldes.ttl", format=RdfFormat.TURTLE)
    nodes = {q.object.value for q in store if q.predicate.value.endswith("tree#node")}
    assert nodes
    assert all((frozen / unquote(node.removeprefix(SITE + "/"))).is_file() for node in nodes)


@pytest.mark.parametrize("site", [BASE.rstrip("/"), BASE.removesuffix("citygraph/").rstrip("/")])
def test_the_event_stream_keeps_its_iri_where_the_base_is_on_the_host(
    settings: Settings, tmp_path: Path, site: str
) -> None:
    """An IRI below the base is no page of a site at the root of the host: it was requested there, with status 404."""
    left_out = freeze(settings, FreezeOptions(tmp_path / "site", site, ("ttl",)), Progress()).omitted
    assert [reason for reason in left_out if "ldes" in reason] == []
    triples = list(parse(path=tmp_path / "site" / "feed" / "ldes.ttl"))
    assert {one.subject for one in triples if one.object == LDES("EventStream")} == {STREAM}
    nodes = [one.object.value for one in triples if one.predicate == TREE("node") and isinstance(one.object, NamedNode)]
    assert nodes
    assert all((tmp_path / "site" / unquote(node.removeprefix(f"{site}/"))).is_file() for node in nodes)


def test_what_needs_a_server_is_said_and_not_linked(frozen: Path) -> None:
    """No form is left but the search; the query editor's page says why it is not here."""
    explore = (frozen / "explore.html").read_text(encoding="utf-8")
    assert "static copy" in explore
    assert "explore?" not in explore
    for page in frozen.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        folders = ("", *(f"/{language}" for language in LANGUAGES[1:]))
        assert text.count("<form") == sum(text.count(f'action="{folder}/search/"') for folder in folders)
        assert "data-suggest" not in text
    assert "static files" in (frozen / "sparql.html").read_text(encoding="utf-8")
    assert any("SPARQL" in line for line in json.loads((frozen / "frozen.json").read_text())["left_out"])


@pytest.mark.parametrize(
    ("href", "leads"),
    [
        ("/id/city/bremen", "/tr/doc/city/bremen"),
        ("/doc/city/bremen?lang=en#ties", "/doc/city/bremen#ties"),
        ("?lang=en", "/doc/city/izmir"),
        ("?page=2", "/tr/doc/city/izmir/page-2"),
        ("?sort=name#ties", None),
        ("?history", None),
        ("/doc/city/bremen.ttl", "/doc/city/bremen.ttl"),
        ("/doc/city/bremen.rdf", None),
        ("/feed", "/feed.xml"),
        ("/dumps/citygraph.nq.gz", "/dumps/citygraph.nq.gz"),
        ("/dumps/other.gz", None),
        ("/queries/partners?format=csv", "/queries/partners.csv"),
        ("/queries/partners?city=x&format=csv", None),
        ("/sparql?query=x", None),
        ("/releases/2026/doc/city/izmir", None),
        ("/releases/a..b", "/tr/releases/a..b"),
        ("/releases/a..b.rdfp", "/releases/a..b.rdfp"),
        ("/releases/a..b.trig", "/releases/a..b.trig"),
        ("/releases/a..b.trig?part=added", None),
        ("https://www.wikidata.org/wiki/Q1", "https://www.wikidata.org/wiki/Q1"),
        (f"{SITE}/preview/city/izmir.png?lang=tr", f"{SITE}/tr/preview/city/izmir.png"),
        ("#ties", "#ties"),
    ],
)
def test_a_link_leads_to_a_file_or_nowhere(href: str, leads: str | None) -> None:
    """What a Turkish page's links become."""
    found = PLAN.target(href, "doc/city/izmir", "tr")
    assert (found.href if found else None) == leads


def test_the_browser_folds_as_the_server_does(izmir: Release, tmp_path: Path) -> None:
    """Izmir, izmir, İZMİR and ızmır find İzmir, by any of its names: the same fold, the same ranks.

    So does its identifier, of this site or of Wikidata, and finds nothing else.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is missing")
    texts = ["izmir", "Izmir", "İZMİR", "ızmır", "Smyrna", "Измир", "L’Aquila  Ə", "ĞÜŞ-ıi", "Баку", "o'", "San José"]
    identifiers = ["Q35997", "wd:Q35997", "https://www.wikidata.org/wiki/Q35997", "city:izmir", "city/izmir"]
    identifiers += ["q35997", f"{BASE}id/city/izmir", f"{BASE}doc/city/izmir?lang=tr", "/doc/city/izmir.html"]
    identifiers += ["q35997/", "city/izmir/", "city:izmir/", "https://m.wikidata.org/wiki/Q35997?uselang=tr#P190"]
    texts += [*identifiers, "Q1", "city/", "no/name"]
    (tmp_path / "index.json").write_bytes(index(izmir.open_store()))
    script = f"""
import {{ readFileSync }} from "node:fs";
import {{ find, fold }} from {json.dumps((WEB / "src/frozen-search.js").as_uri())};
const index = JSON.parse(readFileSync({json.dumps(str(tmp_path / "index.json"))}, "utf-8"));
const texts = {json.dumps(texts)};
const paths = texts.map((text) => find(index, text).map((hit) => hit.path));
console.log(JSON.stringify([texts.map((text) => fold(text, index.letters)), paths]));
"""
    (tmp_path / "ask.mjs").write_text(script, encoding="utf-8")
    said = subprocess.run([node, str(tmp_path / "ask.mjs")], capture_output=True, text=True, check=True)
    folds, paths = json.loads(said.stdout)
    assert folds == [fold(text) for text in texts]
    assert [found[0] for found in paths[:6]] == ["city/izmir"] * 6
    assert paths[-len(identifiers) - 3 : -3] == [["city/izmir"]] * len(identifiers)
    assert ["city/izmir"] not in paths[-3:]


def test_the_table_of_letters_is_the_fold() -> None:
    """Letter by letter it gives what text.fold gives of a whole name."""
    name = "Gəncə–Şəki (Łódź) Қостанай"
    table = letters([name])
    by_letter = "".join(table.get(letter, letter) for letter in name).lower()
    assert fold(by_letter) == fold(name)


def test_a_folder_that_freeze_did_not_make_is_kept(settings: Settings, frozen: Path, tmp_path: Path) -> None:
    """What somebody has written is not replaced unasked, and the working folder never."""
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        freeze(settings, FreezeOptions(tmp_path), Progress())
    assert (tmp_path / "thesis.txt").read_text() == "mine"
    check_target(tmp_path, True, ())
    check_target(frozen, False, ())
    with pytest.raises(UsageError, match="of its own"):
        check_target(Path.cwd().parent, True, (Path.cwd(),))


def test_a_folder_that_cannot_be_replaced_is_refused_before_the_first_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The volume of a container is empty and writable, and no rename moves it; a file contains no folder."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="file is not a folder"):
        check_target(tmp_path / "file" / "site", True, ())
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path)
    with pytest.raises(UsageError, match="is a mount point"):
        check_target(tmp_path, True, ())
    check_target(tmp_path / "site", False, ())


def test_a_full_disk_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    """The message names the folder, which the operating system's does not."""
    (tmp_path / "site").mkdir()
    with pytest.raises(StorageFull, match="site: nothing was changed"), staged(tmp_path / "site"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert [path.name for path in tmp_path.iterdir()] == ["site"]


# Freezes, and kills itself when it has written a page.
_KILLED = """
import os, signal
from citygraph.cli.main import main
from citygraph.freeze.page_writer import PageWriter

keep = PageWriter._keep

def keep_and_die(writer, names, data):
    keep(writer, names, data)
    if names[0].startswith("doc/"):
        os.kill(os.getpid(), signal.SIGKILL)

PageWriter._keep = keep_and_die
main()
"""


def test_a_killed_freeze_leaves_no_half_site(settings: Settings, tmp_path: Path) -> None:
    """DIR appears when it is whole; the next run takes away what a killed one left."""
    folder = tmp_path / "site"
    arguments = ["--releases", str(settings.releases), "freeze", str(folder), "--only", "html,ttl"]
    killed = subprocess.run([sys.executable, "-c", _KILLED, *arguments], stdout=subprocess.DEVNULL, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not folder.exists()
    assert list(tmp_path.glob(".site.freezing-*/doc"))
    command = [sys.executable, "-m", "citygraph.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    assert "Left out" in done.stdout


@pytest.mark.parametrize("path", ["open%20data", "a@b", "a//b", "a$b", "%FF"])
def test_a_path_of_which_no_host_configuration_is_sure_is_refused(
    settings: Settings, tmp_path: Path, path: str
) -> None:
    """Its links would lead elsewhere."""
    with pytest.raises(UsageError, match=r"has other signs|empty part"):
        freeze(settings, FreezeOptions(tmp_path / "site", f"{SITE}/{path}"), Progress())
    assert not (tmp_path / "site").exists()


def test_only_known_forms_are_taken() -> None:
    """A form that there is not is a slip."""
    assert parse_forms("html, ttl") == ("html", "ttl")
    with pytest.raises(UsageError, match="docx"):
        parse_forms("html,docx")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_with_the_snippet_answers_as_the_server_does(frozen: Path, tmp_path: Path) -> None:
    """303 from a thing, Turtle to who accepts it, types of RDF, our page for what is not there."""
    port = free_port()
    folders = "".join(f"{name}_temp_path {tmp_path}/{name};\n" for name in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))  # fmt: skip
    (tmp_path / "mime.types").write_text("types { text/html html; text/css css; text/javascript js; }")
    (tmp_path / "site.conf").write_text((frozen / "nginx.conf").read_text())
    # Its workers must read what only we may.
    user = "user root; " if os.geteuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(
        f"{user}daemon off; error_log {tmp_path}/error.log; pid {tmp_path}/pid; events {{}}\n"
        f"http {{ access_log off; {folders} server {{ listen 127.0.0.1:{port}; root {frozen}; include site.conf; }} }}"
    )
    process = subprocess.Popen([str(shutil.which("nginx")), "-c", str(tmp_path / "nginx.conf"), "-p", str(tmp_path)],
                               stderr=subprocess.DEVNULL)  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: status(f"{address}/") == 200)
        with urlopen(f"{address}/id/city/izmir") as page:
            assert page.url == f"{address}/doc/city/izmir"
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
            assert "frame-ancestors" in page.headers["Content-Security-Policy"]
        with urlopen(Request(f"{address}/doc/city/izmir", headers={"Accept": "text/turtle"})) as data:
            assert data.headers["Content-Type"].startswith("text/turtle")
        assert status(f"{address}/doc/city/nowhere") == 404
        # A path that is decoded ends neither the header nor the path of the address.
        assert status(f"{address}/id/a%0dX-Header:1") == status(f"{address}/id/a%3fb") == 404
        broken, _ = broken_links(frozen, address, "")
        assert not broken
    finally:
        process.terminate()
        process.wait()


def test_a_dot_in_the_path_of_a_site_is_a_dot() -> None:
    """Patterns of Apache and nginx match addresses of this site alone."""
    files = host_files("/v1.2", {"id/city/a": "doc/city/b"}, ("id/city/c.d",))
    patterns = re.findall(rb"\^(\S+)", files[".htaccess"] + files["nginx.conf"])
    assert len(patterns) == 5 + 2, "Each has a pattern, and two are for the header Accept."
    assert [pattern for pattern in patterns if b"v1.2" in pattern] == []
    assert sum(pattern.startswith(rb"/v1\.2/") for pattern in patterns) == 5
    assert rb"RedirectMatch 410 ^/v1\.2/id/city/c\.d$" in files[".htaccess"]


@pytest.mark.parametrize("path", ["id/a b", "id/a;b", 'id/a"', "id/a\nb", "id/$a", "id/a{", "id/a#", "id/a\\"])
def test_a_withdrawn_path_cannot_make_the_files_of_hosts_invalid(path: str) -> None:
    """A path with characters that have a meaning in a configuration is left out."""
    plain = host_files("", {"id/x": "doc/y"}, ("id/z",))
    assert host_files("", {"id/x": "doc/y", path: "doc/y", "id/v": path}, ("id/z", path)) == plain


def test_names_beyond_ascii_are_files_and_addresses(frozen: Path) -> None:
    """A host decodes the percent signs of an address: files have the names as they are."""
    del frozen
    plan = Plan(SITE, ("en",), ("html",))
    found = plan.target(f"/doc/city/{quote('İzmir')}", "", "en")
    assert found is not None
    assert found.page == "doc/city/İzmir"
    assert plan.page_files("doc/city/İzmir", "en") == ("doc/city/İzmir/index.html", "doc/city/İzmir.html")


def test_processes_that_render_end_with_their_parent(built: tuple[Releases, Release, Report], tmp_path: Path) -> None:
    """A freeze that is killed leaves no process behind, which would write on into the folder (13.24)."""
    command = [sys.executable, "-m", "citygraph.cli", "--releases", str(built[0].root), "freeze", "--jobs", "2"]
    process = subprocess.Popen([*command, str(tmp_path / "site")], stderr=subprocess.DEVNULL)
    renderers: list[int] = []
    try:
        # The second process may be started when the first one has written pages.
        wait_for(lambda: len(_renderers(process.pid)) == 2)
        renderers = _renderers(process.pid)
        wait_for(lambda: any(path.suffix == ".html" for path in tmp_path.rglob("*")))
        # Stopped: they cannot end by themselves.
        for renderer in renderers:
            os.kill(renderer, signal.SIGSTOP)
        process.kill()
        process.wait()
        wait_for(lambda: not any(map(is_running, renderers)))
    finally:
        process.kill()
        for renderer in filter(is_running, renderers):
            os.kill(renderer, signal.SIGKILL)


def _renderers(pid: int) -> list[int]:
    """Returns the processes of a pool below a process."""
    return [child for child in descendants(pid) if b"spawn_main" in command_of(child)]
