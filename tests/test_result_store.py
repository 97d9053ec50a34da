"""The stored results on disk: whole or absent, within their limit, and their releases kept."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from citygraph.errors import BadData, NotFound, StorageFull, TooLarge, UsageError
from citygraph.rdf.formats import Kind
from citygraph.release import result_store
from citygraph.release.cited_result import CitableQuery, CitedResult, read_record
from citygraph.release.releases import Release, Releases
from citygraph.release.result_store import ResultStore, cited_releases, protected
from citygraph.source.citable import citable_text
from citygraph.sparql.result_rows import read_rows
from tests.past import three_releases

ROWS = read_rows(b'{"head": {"vars": ["x"]}, "results": {"bindings": []}}', Kind.SOLUTIONS)
NOW = "2026-03-02T10:00:00Z"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three releases, to be copied."""
    root = tmp_path_factory.mktemp("results") / "releases"
    three_releases(root)
    return root


@pytest.fixture
def releases(made: Path, tmp_path: Path) -> Releases:
    """A copy of the folder."""
    shutil.copytree(made, tmp_path / "releases", symlinks=True)
    return Releases(tmp_path / "releases")


@pytest.fixture
def three(releases: Releases) -> tuple[Release, ...]:
    """Its three releases; the last is the current one."""
    return tuple(reversed(releases.history()))


def cited(release: Release, text: str = "SELECT ?x { ?x a cg:City }") -> CitedResult:
    """The record of a query on a release."""
    query = citable_text(text, date(2026, 3, 2))
    return query.record(ROWS, release.id, release.manifest.digest, NOW, "citygraph")


def test_identifier_follows_from_query_parameters_and_data() -> None:
    """It is known: another machine, or another version, must not have another one (17, Citation)."""
    text = "SELECT ?x { VALUES ?city { city:izmir } ?x cg:party ?city }"
    query = citable_text(text, date(2026, 3, 2), parameters=["city"])
    izmir = "<https://w3id.org/citygraph/id/city/izmir>"
    normal = f"SELECT ?x {{ VALUES ?city {{ {izmir} }} ?x <https://w3id.org/citygraph/ontology#party> ?city }}"
    lines = f"citygraph-result-1\n{normal}\n?city {izmir}\n{'0' * 64}\n"
    assert query.id_on("0" * 64) == hashlib.sha256(lines.encode()).hexdigest()[:32]
    assert query.id_on("1" * 64) != query.id_on("0" * 64)
    assert CitableQuery(query.normal).id_on("0" * 64) != query.id_on("0" * 64)


def test_record_is_stored_once(releases: Releases, three: tuple[Release, ...]) -> None:
    """The first stays, and is read as it was written (17, Citation)."""
    store = ResultStore(releases)
    record = cited(three[0])
    assert store.store(record) == record
    assert store.store(replace(record, stored="2027-01-01T00:00:00Z")).stored == NOW
    assert store.get(record.id) == record
    assert list(store.records()) == [record]
    assert read_record(record.as_json()) == record
    store.remove(record.id)
    with pytest.raises(NotFound, match="POST /results"):
        store.get(record.id)


@pytest.mark.parametrize("name", ["../manifest", "0" * 31, "", ".results"])
def test_other_names_are_not_found(releases: Releases, name: str) -> None:
    """A name leads to no other file."""
    with pytest.raises(NotFound):
        ResultStore(releases).get(name)


def test_cited_release_is_never_pruned(releases: Releases, three: tuple[Release, ...]) -> None:
    """Until its last result is removed (17, Citation)."""
    store = ResultStore(releases)
    record = store.store(cited(three[0]))
    assert cited_releases(releases) == {three[0].id: (record.id,)}
    assert protected(releases) == {three[0].id: "cited by 1 stored result(s)"}
    assert releases.prune(1) == [three[1].id]
    store.remove(record.id)
    assert releases.prune(1) == [three[0].id]
    with pytest.raises(NotFound):
        store.store(record)


def test_release_with_the_same_data_is_as_good(releases: Releases, three: tuple[Release, ...]) -> None:
    """A record from another machine names a release that is not here: its digest counts (17, Citation)."""
    store = ResultStore(releases)
    store.store(replace(cited(three[0]), release_id=three[1].id))
    assert list(cited_releases(releases)) == [three[0].id]


def test_unreadable_record_stops_pruning(releases: Releases, three: tuple[Release, ...]) -> None:
    """Nobody knows which release it needs: the error names the file."""
    record = ResultStore(releases).store(cited(three[0]))
    path = releases.root / ".results" / f"{record.id}.json"
    path.write_text(path.read_text().replace(record.release, "f" * 64))
    with pytest.raises(BadData, match=f"{record.id}.json"):
        releases.prune(1)
    assert len(releases.history()) == 3


def test_limit_is_of_all_results(releases: Releases, three: tuple[Release, ...]) -> None:
    """At least a block of the disk each; what is stored already can be stored again (17, Citation)."""
    store = ResultStore(releases, 2 * 4096)
    records = [cited(three[0], f"ASK {{ ?x{number} a cg:City }}") for number in range(3)]
    store.store(records[0])
    store.store(records[1])
    with pytest.raises(StorageFull, match="CITYGRAPH_STORED_RESULTS_SIZE"):
        store.store(records[2])
    assert store.store(records[1]) == records[1]
    assert not store.has(records[2].id)


def test_long_query_is_refused(releases: Releases, three: tuple[Release, ...]) -> None:
    """A record is small."""
    values = " ".join(map(str, range(20_000)))
    with pytest.raises(TooLarge):
        ResultStore(releases).store(cited(three[0], f"ASK {{ VALUES ?x {{ {values} }} }}"))


def test_failed_write_leaves_nothing(
    releases: Releases, three: tuple[Release, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is said, and no part of a record stays (17, Citation)."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    store, record = ResultStore(releases), cited(three[0])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageFull, match="No space left"):
            store.store(record)
    assert list((releases.root / ".results").iterdir()) == []
    assert store.store(record) == record


def test_kill_during_a_write_leaves_no_record(releases: Releases, three: tuple[Release, ...]) -> None:
    """What was written so far has another name, and goes with the next result (17, Citation)."""
    record = cited(three[0])
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from citygraph.release.cited_result import read_record\n"
        "from citygraph.release.releases import Releases\n"
        "from citygraph.release.result_store import ResultStore\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "ResultStore(Releases(Path(sys.argv[1]))).store(read_record(sys.stdin.read()))\n"
    )
    command = [sys.executable, "-c", program, str(releases.root)]
    killed = subprocess.run(command, input=record.as_json().encode(), check=False)
    assert killed.returncode == -signal.SIGKILL
    folder = releases.root / ".results"
    assert [path.suffix for path in folder.iterdir()] == [".part"]
    store = ResultStore(releases)
    assert not store.has(record.id)
    assert list(store.records()) == []
    store.store(record)
    assert [path.name for path in folder.iterdir()] == [f"{record.id}.json"]


def test_record_that_contradicts_itself_is_refused(three: tuple[Release, ...]) -> None:
    """Whoever changes the query, a parameter or the release gets another identifier (17, Citation)."""
    record = cited(three[0])
    for changed in (
        replace(record, query=record.query.replace("City", "Country")),
        replace(record, release="0" * 64),
        replace(record, id="0" * 32),
        replace(record, parameters={"x": "1"}),
        replace(record, result="none"),
    ):
        with pytest.raises(UsageError):
            read_record(changed.as_json())
    for text in ("", "[]", "{}", '{"kind": "solutions", "columns": []}'):
        with pytest.raises(UsageError, match="not the record of a cited result"):
            read_record(text)
    assert result_store.LONGEST == 65536
