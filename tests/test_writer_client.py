"""Clients of a writer that dies: what was published is reported, what was not is sent again, and the log has all."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from citygraph.audit_log import AuditLog, read_lines
from citygraph.commit.change import Change, Commit, GraphWrite, Payload, Update, change_from_json
from citygraph.commit.commit import Followup
from citygraph.commit.outcomes import outcome_as_json
from citygraph.commit.writer_client import Writer, start_writer
from citygraph.engine import wire
from citygraph.engine.upkeep import complete_audit
from citygraph.engine.wire import Channel
from citygraph.errors import EngineFailed
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from tests.committing import committed
from tests.process_tree import children
from tests.small import build_small

Reaction = Callable[[Change], Commit | None]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("w")
    build_small(folder)
    return Settings(releases=folder / "releases", writer_socket=str(folder / "service.sock"), queue_wait=0.5)


@contextmanager
def writer(settings: Settings, *reactions: Reaction) -> Iterator[None]:
    """A writer that treats one change after the other so; without a reply it closes the connection, as if it died."""
    path = Path(settings.writer_socket)
    path.unlink(missing_ok=True)
    lock = os.open(path.with_name("serving"), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            for reaction in reactions:
                channel = Channel(listener.accept()[0])
                commit = reaction(change_from_json(json.loads(channel.receive(60)[1])))
                if commit is not None:
                    channel.send(wire.frame_of(wire.NOTE, outcome_as_json(commit)))
                channel.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join(60)
    os.close(lock)


def named(name: str) -> Change:
    return Change(Update(f"INSERT DATA {{ GRAPH graph:notes {{ <urn:x-w:{name}> a <urn:x-w:Number> }} }}"), "ada", name)


def test_a_change_whose_writer_dies_has_its_true_outcome(settings: Settings, consequences: Followup) -> None:
    """(18 Supervision) Published: its commit. Not published: sent again, once; then an error that says so."""

    def publish(change: Change) -> Commit:
        [outcome] = committed([change], settings, consequences)
        assert isinstance(outcome, Commit)
        return outcome

    def publish_and_die(change: Change) -> None:
        publish(change)

    def die(change: Change) -> None:
        del change

    releases, client = Releases(settings.releases), Writer(settings)
    with writer(settings, publish_and_die):
        commit = client.commit(named("one"))
    assert (commit.release, commit.added, commit.published) == (releases.current_id(), 1, True)
    with writer(settings, die, publish):
        assert client.commit(named("two")).release == releases.current_id() != commit.release
    before = releases.current_id()
    with writer(settings, die, die), pytest.raises(EngineFailed, match="nothing was changed"):
        client.commit(named("three"))
    assert releases.current_id() == before
    new = GraphWrite("merge", "https://w3id.org/citygraph/graph/new", (Payload(b"<urn:x-w:4> a <urn:x-w:N> .", "ttl"),))
    with writer(settings, publish_and_die):
        assert client.commit(Change(new)).created


def test_a_commit_without_a_line_gets_one(settings: Settings, consequences: Followup, tmp_path: Path) -> None:
    """(18 Audit) A web process was killed before it wrote the line: the upkeep writes it, once."""
    releases, audit = Releases(settings.releases), AuditLog(settings.with_changes(audit=tmp_path / "audit.jsonl"))
    since = releases.current_id()
    changes = [named("with"), named("without"), named("young")]
    for change in changes:
        committed([change], settings, consequences)
    audit.write("ada", "commit", "published", change=changes[0].id)
    assert complete_audit(releases, audit, since, wait=60) == since
    for _ in range(2):
        assert complete_audit(releases, audit, since, wait=-1) == releases.current_id()
    lines = list(read_lines(tmp_path / "audit.jsonl"))
    assert [line["change"] for line in lines] == [change.id for change in changes]
    assert (lines[1]["who"], lines[1]["message"], lines[1]["added"]) == ("ada", "without", 1)


def test_a_change_is_committed_again_after_each_of_three_kills(settings: Settings) -> None:
    """(16 §6) The process that commits it is killed; with the fourth kill its client is told, and nothing was done."""
    before = Releases(settings.releases).current_id()
    values = " ".join(map(str, range(300)))
    cross = " ".join(f"VALUES ?v{number} {{ {values} }}" for number in range(5))
    endless = Update(f"INSERT {{ GRAPH <urn:g> {{ <urn:a> <urn:b> ?v0 }} }} WHERE {{ {cross} }}")
    errors: list[str] = []

    def commit() -> None:
        try:
            Writer(process.settings).commit(Change(endless))
        except EngineFailed as error:
            errors.append(str(error))

    with start_writer(settings.with_changes(open_writes=True)) as process:
        client = threading.Thread(target=commit)
        client.start()
        killed: list[int] = []
        while client.is_alive():
            # Not the second process of a commit, which ends with the first one and may not be there yet.
            for pid in children(process.pid):
                if pid not in killed:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.01)
    assert len(killed) == 4
    assert "nothing was changed" in errors[0]
    assert Releases(settings.releases).current_id() == before


def test_a_writer_that_ends_with_its_server_is_not_restarted(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A service manager may send SIGTERM to all processes of a server: that is no failure of one of them."""
    with start_writer(settings) as process:
        keeper = threading.Thread(target=process.keep_running)
        keeper.start()
        former = process.pid
        process.expect_end()
        os.kill(former, signal.SIGTERM)
        keeper.join(60)
        assert not keeper.is_alive()
        assert (process.pid, process.is_alive()) == (former, False)
    assert caplog.messages == []
