"""The commands that write: each is a commit with a message, and can be told apart and taken back."""

from __future__ import annotations

import gzip
import json
import time
from pathlib import Path

import pytest

from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.release.releases import Releases
from tests.commands import run
from tests.small import build_small

_SAYS = "<https://w3id.org/citygraph/id/city/izmir> <https://w3id.org/citygraph/ontology#note>"
NOTE = f'{_SAYS} "A note."@en , "Bir not."@tr .'
GRAPH = "https://w3id.org/citygraph/graph/notes"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The releases of a small graph, to be written to; its files are those of the commands."""
    build_small(tmp_path)
    monkeypatch.setenv("CITYGRAPH_DATA", str(tmp_path / "data"))
    return tmp_path / "releases"


def test_load_diff_and_rollback(root: Path, tmp_path: Path) -> None:
    """What is loaded is served; the difference names it; a rollback is a new release equal to the old."""
    first = Releases(root).current()
    (tmp_path / "note.ttl").write_text(NOTE)
    done = run("load", str(tmp_path / "note.ttl"), "--graph", GRAPH, "-m", "a test", releases=root)
    assert done.returncode == 0, done.stderr
    second = Releases(root).current()
    assert second.manifest.parent == first.id
    counts = json.loads(run("diff", first.id, second.id, "--json", releases=root).stdout)
    assert counts["graphs"][GRAPH] == {"added": 2, "removed": 0}
    assert f"+ {NOTE.split(' , ')[0]} <{GRAPH}> ." in run("diff", first.id, second.id, releases=root).stdout
    time.sleep(1.1)  # a release's name has a second's resolution
    assert run("rollback", first.id, releases=root).returncode == 0
    third = Releases(root).current()
    assert third.manifest.digest == first.manifest.digest
    assert third.id != first.id


def test_a_build_keeps_what_the_api_owns(root: Path, tmp_path: Path) -> None:
    """Graphs that no file fills are carried forward, into the default graph too."""
    (tmp_path / "note.ttl").write_text(NOTE)
    assert run("load", str(tmp_path / "note.ttl"), "--graph", GRAPH, releases=root).returncode == 0
    time.sleep(1.1)
    done = run("build", "--force", releases=root)
    assert done.returncode == 0, done.stderr
    assert Releases(root).current().manifest.graphs[GRAPH] == 2
    asked = 'ASK { city:izmir cg:note "A note."@en }'
    assert "true" in run("query", "-", "--format", "json", releases=root, stdin=asked).stdout


@pytest.mark.parametrize("target", [None, "removed-by-hand"])
def test_a_build_without_a_current_release_is_refused(root: Path, tmp_path: Path, target: str | None) -> None:
    """Without its parent a build would drop the graphs of the API: the remedy in the error keeps them."""
    (tmp_path / "note.ttl").write_text(NOTE)
    assert run("load", str(tmp_path / "note.ttl"), "--graph", GRAPH, releases=root).returncode == 0
    newest = Releases(root).current().id
    (root / "current").unlink()
    if target:
        (root / "current").symlink_to(target)
    refused = run("build", "--force", releases=root)
    assert refused.returncode == 2
    assert f"`citygraph rollback {newest}`" in refused.stderr
    assert {release.id for release in Releases(root).history()} >= {newest}
    time.sleep(1.1)  # a release's name has a second's resolution
    assert run("rollback", newest, releases=root).returncode == 0
    done = run("build", "--force", releases=root)
    assert done.returncode == 0, done.stderr
    assert Releases(root).current().manifest.graphs[GRAPH] == 2


def test_update_says_what_would_break(root: Path) -> None:
    """A breach is exit 1 with the report in plain words, and nothing is published."""
    before = Releases(root).current_id()
    text = f"INSERT DATA {{ GRAPH <{GRAPH}> {{ city:nowhere a cg:City }} }}"
    done = run("update", "-", "--lang", "tr", releases=root, stdin=text)
    assert done.returncode == 1, done.stderr
    assert "Varlığın İngilizce adı yok." in done.stderr
    assert Releases(root).current_id() == before


def test_a_dry_run_publishes_nothing(root: Path) -> None:
    """--dry-run tells the counts and leaves the release."""
    before = Releases(root).current_id()
    text = f"INSERT DATA {{ GRAPH <{GRAPH}> {{ {NOTE} }} }}"
    done = run("update", "-", "--dry-run", releases=root, stdin=text)
    assert done.returncode == 0, done.stderr
    assert f"would publish a change of {before} (2 statements added, 0 removed)" in done.stderr
    assert Releases(root).current_id() == before


def test_a_change_is_reported_in_the_language_of_the_option(root: Path) -> None:
    """A change that the release has already is none."""
    before = Releases(root).current_id()
    text = f"DELETE DATA {{ GRAPH <{GRAPH}> {{ {NOTE} }} }}"
    done = run("update", "-", "--lang", "de", releases=root, stdin=text)
    assert done.returncode == 0, done.stderr
    assert f"in {before} ist nichts zu ändern (0 Aussagen hinzugefügt, 0 entfernt)" in done.stderr
    assert Releases(root).current_id() == before


def test_a_files_graph_is_not_written(root: Path) -> None:
    """The refusal names the file."""
    text = f"INSERT DATA {{ GRAPH source:register {{ {NOTE} }} }}"
    done = run("update", "-", releases=root, stdin=text)
    assert done.returncode == 2
    assert "data/register.trig" in done.stderr


def test_a_token_is_shown_once_and_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made, listed without its secret, revoked."""
    monkeypatch.setenv("CITYGRAPH_TOKENS", str(tmp_path / "tokens.json"))
    secret = run("token", "make", "press-office", "--graphs", "graph:notes").stdout.strip()
    assert len(secret) >= 32
    listed = run("token", "list").stdout
    assert "press-office" in listed
    assert secret not in listed + (tmp_path / "tokens.json").read_text()
    assert run("token", "revoke", "press-office").returncode == 0
    assert "press-office" not in run("token", "list").stdout


def test_a_token_for_graphs_with_an_unknown_prefix_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be valid for no graph at all."""
    monkeypatch.setenv("CITYGRAPH_TOKENS", str(tmp_path / "tokens.json"))
    refused = run("token", "make", "press-office", "--graphs", "graf:notes")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "did you mean graph:notes?" in refused.stderr


def test_the_list_of_tokens_marks_the_expired_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They can be revoked by name; a token with an end that has passed is not made."""
    monkeypatch.setenv("CITYGRAPH_TOKENS", str(tmp_path / "tokens.json"))
    Tokens(tmp_path / "tokens.json", lambda: "2020-01-01").make(TokenHolder("guest", expires="2020-01-31"))
    Tokens(tmp_path / "tokens.json").make(TokenHolder("office"))
    guest, office = run("token", "list").stdout.splitlines()
    assert "2020-01-31 (expired)" in guest
    assert "expired" not in office
    refused = run("token", "make", "other", "--expires", "2020-01-31")
    assert (refused.returncode, "has passed" in refused.stderr) == (2, True)


def test_marks_and_packed_files_are_read_by_every_command(root: Path, tmp_path: Path) -> None:
    """(13.5, 13.6) Update, load and query read what validate reads: with a byte order mark, and packed."""
    (tmp_path / "x.ru").write_text(f"\ufeffINSERT DATA {{ GRAPH <{GRAPH}> {{ {NOTE} }} }}")
    done = run("update", str(tmp_path / "x.ru"), "--dry-run", releases=root)
    assert (done.returncode, "(2 statements added" in done.stderr) == (0, True), done.stderr
    (tmp_path / "x.ttl.gz").write_bytes(gzip.compress(f"\ufeff{NOTE}".encode()))
    done = run("load", str(tmp_path / "x.ttl.gz"), "--graph", GRAPH, "--dry-run", releases=root)
    assert (done.returncode, "(2 statements added" in done.stderr) == (0, True), done.stderr
    (tmp_path / "x.rq").write_text("\ufeffASK {}")
    for query, stdin in ((str(tmp_path / "x.rq"), ""), ("-", "\ufeffASK {}")):
        done = run("query", query, "--format", "csv", releases=root, stdin=stdin)
        assert (done.returncode, done.stdout.split()) == (0, ["true"]), done.stderr


def test_load_names_the_file_and_line_of_an_error(root: Path, tmp_path: Path) -> None:
    """(13.6) Of several files, the one that cannot be read is named, with the line."""
    (tmp_path / "good.ttl").write_text(NOTE)
    (tmp_path / "bad.ttl").write_text(f"{NOTE}\n<http://a> !\n")
    done = run("load", str(tmp_path / "good.ttl"), str(tmp_path / "bad.ttl"), "--graph", GRAPH, releases=root)
    assert done.returncode == 2
    assert f"{tmp_path}/bad.ttl:2:" in done.stderr
