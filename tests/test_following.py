"""A server that follows a publisher: whole releases, one for each answer, the former one if a new one is bad."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from citygraph.audit_log import read_lines
from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.errors import NotFound
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.storage.exchange_state import read_exchange_state
from citygraph.storage.following import Follower
from citygraph.storage.object_folder import open_folder
from citygraph.storage.pushing import push
from citygraph.storage.release_pointer import RELEASES, read_pointer
from citygraph.web.application import create_app
from citygraph.web.view.release_cache import ReleaseCache
from tests.process_tree import command, descendants, environment
from tests.running import Reply, serving, wait_for
from tests.small import build_small, publish_name

HEADER = "X-Citygraph-Release"


@pytest.fixture
def publisher(tmp_path: Path) -> Releases:
    """A machine with the small graph, published in a folder."""
    (tmp_path / "publisher").mkdir()
    build_small(tmp_path / "publisher")
    releases = Releases(tmp_path / "publisher" / "releases")
    publish(releases, tmp_path)
    return releases


def publish(releases: Releases, folder: Path) -> None:
    push(releases, open_folder(folder / "published", private=False), Progress())


def named(reply: Reply) -> str:
    """The release that an answer names."""
    return {name.lower(): value for name, value in reply.headers.items()}.get(HEADER.lower(), "")


def test_a_follower_keeps_what_it_has_and_says_why(publisher: Releases, tmp_path: Path) -> None:
    """(18) A release that is not right, or storage that is away: the former one, and since when."""
    audit = tmp_path / "audit.jsonl"
    settings = Settings(releases=tmp_path / "reader", follow=str(tmp_path / "published"), audit=audit)
    follower, reader = Follower(settings), Releases(tmp_path / "reader")
    assert "not looked for yet" in read_exchange_state(settings.releases, "following").problem
    follower.look()
    first = publisher.current_id()
    assert (reader.current_id(), read_exchange_state(settings.releases, "following").problem) == (first, "")
    publish_name(publisher, 1)
    publish(publisher, tmp_path)
    folder = open_folder(tmp_path / "published")
    record = folder.read_record(RELEASES, publisher.current_id())
    folder.remove_record(RELEASES, publisher.current_id())
    for _ in range(2):
        follower.look()
        state = read_exchange_state(settings.releases, "following")
        assert (reader.current_id(), state.release) == (first, first)
        assert "missing, although the pointer names it" in state.problem
        assert state.since
    (tmp_path / "published").rename(tmp_path / "away")
    follower.look()
    assert "no release in" in read_exchange_state(settings.releases, "following").problem
    assert reader.current_id() == first
    (tmp_path / "away").rename(tmp_path / "published")
    folder.write_record(RELEASES, publisher.current_id(), record)
    follower.look()
    state = read_exchange_state(settings.releases, "following")
    assert (reader.current_id(), state.problem, state.since) == (publisher.current_id(), "", "")
    *_, line = list(read_lines(audit))
    assert (line["action"], line["outcome"], line["release"]) == ("pull", "pulled", reader.current_id())


def test_a_served_follower_switches_and_takes_no_changes(publisher: Releases, tmp_path: Path) -> None:
    """(18) It gets its first release by itself, each answer names its own, and writing is refused with the reason."""
    settings = {
        "follow": tmp_path / "published",
        "follow_interval": 0.2,
        "workers": 1,
        "engines": 1,
        "metrics_token": "t",
    }
    with serving(tmp_path / "reader", tmp_path / "log", **settings) as site:
        first = publisher.current_id()
        # The release is served a moment before the state of following is noted.
        wait_for(lambda: json.loads(site.get("/ready").body)["parts"].get("following") == "ok")
        wait_for(lambda: site.get("/ready").status == 200)
        assert b"citygraph_follow_up 1.0" in site.get("/metrics", Authorization="Bearer t").body
        for path in ("/", "/doc/city/izmir.ttl", "/sparql?query=ASK{}", "/releases", "/search?q=izmir", "/nowhere"):
            assert named(site.get(path)) == first, path
        for path, method, body in (("/update", "POST", b"INSERT DATA {}"), ("/graphs?default", "PUT", b"")):
            refused = site.get(path, method, body, Content_Type="application/sparql-update", Authorization="Bearer x")
            assert (refused.status, "only reads" in json.loads(refused.body)["detail"]) == (403, True)
        second = publish_name(publisher, 1)
        publish(publisher, tmp_path)
        wait_for(lambda: named(site.get("/doc/city/izmir.ttl")) == second)
        assert b"name 1" in site.get("/doc/city/izmir.ttl").body
        names = site.get("/sparql?query=SELECT*{GRAPH+graph:notes{?city+skos:altLabel+?n}}", Accept="text/csv")
        assert (named(names), b"name 1" in names.body) == (second, True), names
        (tmp_path / "published" / "current").write_text("cut")
        wait_for(lambda: json.loads(site.get("/ready").body)["degraded"] == ["following"])
        assert site.get("/ready").status == 200
        assert b"citygraph_follow_up 0.0" in site.get("/metrics", Authorization="Bearer t").body
        old = site.get(f"/releases/{first}/doc/city/izmir.ttl")
        assert (old.status, named(old), b"name 1" in old.body) == (200, first, False)


def test_a_server_pushes_what_is_committed_and_tries_again(
    publisher: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18 Several servers) Each release goes to `push_to` by itself; what prevents it is in /ready and /metrics.

    Only the process that pushes has the credentials.
    """
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-bucket")
    lead(tmp_path, "folder").mkdir()
    target = tmp_path / "elsewhere" / "published"
    token = Tokens(tmp_path / "tokens.json").make(TokenHolder("curator"))
    files = {"audit": tmp_path / "audit.jsonl", "tokens": tmp_path / "tokens.json"}
    settings = {"push_to": target, "workers": 1, "engines": 1, "metrics_token": "t", **files}
    headers = {"Authorization": f"Bearer {token}", "Content_Type": "application/sparql-update"}
    with serving(publisher.root, tmp_path / "log", **settings) as site:

        def is_pushed() -> bool:
            try:
                pointer = read_pointer(open_folder(target)) if target.is_dir() else None
            except NotFound:  # the pointer is written last
                return False
            return pointer is not None and pointer[0].release == publisher.current_id()

        wait_for(is_pushed)
        wait_for(lambda: len(list(descendants(site.process.pid))) > 4)
        processes = {site.process.pid, *descendants(site.process.pid)}
        with_credentials = [pid for pid in processes if b"of-the-bucket" in environment(pid)]
        assert with_credentials
        assert all(b"citygraph.storage.automatic_push" in command(pid) for pid in with_credentials)
        wait_for(lambda: json.loads(site.get("/ready").body)["parts"]["pushing"] == "ok")
        lead(tmp_path, "file").write_text("in the way")
        update = b"INSERT DATA { GRAPH graph:notes { <urn:x-push:1> a <urn:x-push:Number> } }"
        assert site.get("/update", "POST", update, **headers).status == 200
        wait_for(lambda: json.loads(site.get("/ready").body)["degraded"] == ["pushing"])
        assert b"citygraph_push_up 0.0" in site.get("/metrics", Authorization="Bearer t").body
        lead(tmp_path, "folder")
        wait_for(is_pushed)
        wait_for(lambda: b"citygraph_push_up 1.0" in site.get("/metrics", Authorization="Bearer t").body)
    pushes = [line for line in read_lines(tmp_path / "audit.jsonl") if line["action"] == "push"]
    assert [line["release"] for line in pushes][-1] == publisher.current_id()


def lead(folder: Path, name: str) -> Path:
    """Has `elsewhere` lead to this path, in one step: it is written to meanwhile."""
    (folder / "link").symlink_to(folder / name)
    (folder / "link").rename(folder / "elsewhere")
    return folder / name


def test_an_answer_is_made_from_one_release(publisher: Releases) -> None:
    """(18) What is published while an answer is made belongs to the next one, in this thread alone."""
    seen: list[str] = []
    with ReleaseCache(publisher, BASE).reading() as first:
        second = publish_name(publisher, 1)
        assert publisher.current_id() == publisher.current().id == first
        thread = threading.Thread(target=lambda: seen.append(publisher.current_id()))
        thread.start()
        thread.join()
    assert (seen, publisher.current_id()) == ([second], second)


def test_the_validator_of_every_answer_changes_with_the_release(publisher: Releases) -> None:
    """(18) After a 304 a cache keeps the headers of its first answer: links of another release must not stay in it."""
    client = create_app(Settings(releases=publisher.root), publisher).test_client()
    paths = ("/doc/city/izmir", "/doc/city/izmir.ttl", "/search?q=izmir", "/about", "/dataset", "/sitemap.xml")
    before = {path: client.get(path) for path in paths}
    second = publish_name(publisher, 1)
    for path, first in before.items():
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.headers[HEADER]) == (200, second), path
        assert client.get(path, headers={"If-None-Match": again.headers["ETag"]}).status_code == 304, path
