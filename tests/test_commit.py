"""A commit: applied to a copy, validated, recorded, published whole or not at all."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.build.catalog import data_graphs
from citygraph.commit.batch import commit_here
from citygraph.commit.change import Change, Commit, Conditions, GraphWrite, Payload, Update
from citygraph.commit.commit import Followup
from citygraph.commit.commit import commit as publish
from citygraph.commit.outcomes import Outcome
from citygraph.commit.rollback import rollback
from citygraph.errors import (
    BadData,
    CitygraphError,
    Conflict,
    EngineFailed,
    Forbidden,
    LimitReached,
    NotFound,
    PreconditionFailed,
    StorageFull,
    Violations,
    WrongGraph,
)
from citygraph.rdf.nquads import SetDigest
from citygraph.rdf.terms import GRAPH, ID
from citygraph.release.changes import THINGS, UPDATED, EntityChange, things_changed
from citygraph.release.ownership import api_graphs, carried_forward
from citygraph.release.releases import Manifest, Release, Releases
from citygraph.settings import Settings
from tests.committing import committed, copy_release

NOTES = GRAPH("notes").value
HELLO = 'INSERT DATA { GRAPH graph:notes { city:izmir rdfs:comment "hello"@en } }'

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def settings(izmir: Release, tmp_path: Path) -> Settings:
    """The İzmir graph, in a folder of this test's own."""
    return Settings(releases=copy_release(izmir, tmp_path / "releases").root)


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    """An empty dataset without shapes and owners."""
    with Releases(tmp_path / "open").stage() as staged:
        staged.publish(Manifest(digest="0" * 64))
    return Settings(releases=tmp_path / "open", open_writes=True)


class Commits(Protocol):
    """Commits one change."""

    def __call__(self, settings: Settings, what: Update | GraphWrite | str, **more: object) -> Outcome: ...


@pytest.fixture
def commit(consequences: Followup) -> Commits:
    """Commits as the child that does it would, which has read shapes and rules already."""

    def commits(settings: Settings, what: Update | GraphWrite | str, **more: object) -> Outcome:
        return committed([changed(what, **more)], settings, consequences)[0]

    return commits


def commit_apart(settings: Settings, what: Update | GraphWrite | str, **more: object) -> Outcome:
    """Commits in a child, which reads shapes and rules first."""
    return commit_here([changed(what, **more)], settings)[0]


def changed(what: Update | GraphWrite | str, **more: object) -> Change:
    return Change(Update(what) if isinstance(what, str) else what, **more)  # type: ignore[arg-type]


def done(outcome: Outcome) -> Commit:
    assert isinstance(outcome, Commit), repr(outcome)
    return outcome


def current(settings: Settings) -> Release:
    return Releases(settings.releases).current()


def recounted(store: Store, manifest: Manifest) -> None:
    """All that a commit keeps true from its change alone, worked out anew."""
    merge = {q.triple for graph in data_graphs(store) for q in store.quads_for_pattern(None, None, None, graph)}
    default = [q.triple for q in store.quads_for_pattern(None, None, None, DefaultGraph())]
    assert set(default) == merge
    assert len(default) == manifest.triples
    digest = SetDigest()
    counts = {}
    for graph in store.named_graphs():
        assert isinstance(graph, NamedNode)
        counts[graph.value] = digest.add(store.quads_for_pattern(None, None, None, graph))
    assert digest.hex == manifest.digest
    assert counts == manifest.graphs
    assert sum(counts.values()) == manifest.quads


def test_a_commit_is_a_release(settings: Settings) -> None:
    """It answers with address, digest and counts; author and message are in the manifest; all counts are true."""
    before = current(settings)
    made = done(commit_apart(settings, HELLO, author="ada", message="a greeting"))
    release = current(settings)
    assert (made.release, made.digest, made.added, made.removed) == (release.id, release.manifest.digest, 1, 0)
    assert release.manifest.parent == before.id
    assert release.manifest.commits[0]["author"] == "ada"
    assert release.manifest.message == "a greeting"
    recounted(release.open_store(), release.manifest)
    with gzip.open(release.path / "changes/added.nq.gz", "rt", encoding="utf-8") as added:
        assert sum("hello" in line for line in added) == 1


TRIPLE = "<<( <urn:a> <urn:b> <urn:c> )>>"
LANG_STRING = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#langString>"
UNPORTABLE: dict[str, str | GraphWrite] = {
    "triple": f"INSERT DATA {{ GRAPH graph:notes {{ city:izmir rdfs:seeAlso {TRIPLE} }} }}",
    "template": f"INSERT {{ GRAPH graph:notes {{ ?city rdfs:seeAlso {TRIPLE} }} }} WHERE {{ ?city a cg:City }}",
    "graph": GraphWrite("merge", NOTES, (Payload(f"<urn:a> <urn:b> {TRIPLE} .".encode(), "ttl"),)),
    "direction": 'INSERT DATA { GRAPH graph:notes { city:izmir rdfs:comment "x"@he--rtl } }',
    "no language": f'INSERT DATA {{ GRAPH graph:notes {{ city:izmir rdfs:comment "x"^^{LANG_STRING} }} }}',
    "control": 'INSERT DATA { GRAPH graph:notes { city:izmir rdfs:comment "a\\u0000b"@en } }',
}


@pytest.mark.parametrize("way", UNPORTABLE)
def test_what_not_every_form_can_carry_is_refused(settings: Settings, commit: Commits, way: str) -> None:
    """It is told and nothing is changed: once in, no commit about the same thing could be judged any more."""
    before = current(settings).id
    outcome = commit(settings, UNPORTABLE[way])
    assert isinstance(outcome, BadData), repr(outcome)
    assert current(settings).id == before
    done(commit(settings, HELLO))


def test_a_commit_lists_no_files_that_it_does_not_make(settings: Settings, commit: Commits) -> None:
    """Dumps and tables are made by builds: the manifest of a commit names none, and its folder has none."""
    done(commit(settings, HELLO))
    release = current(settings)
    assert release.manifest.outputs == {}
    assert not (release.path / "dumps").exists()
    assert all((release.path / name).is_file() for name in ("search.sqlite", "report.ttl", "changes/things.tsv.gz"))


def test_the_description_follows(settings: Settings, commit: Commits) -> None:
    """A new graph, new classes and properties are described as a build describes them."""
    text = """INSERT DATA { GRAPH graph:notes {
        city:izmir rdfs:comment "hello"@en ; skos:note "x"@en . <urn:x-a> a <urn:x-voc#Thing> ; <urn:x-voc#p> 1 } }"""
    first = current(settings)
    done(commit(settings, text))
    recounted(current(settings).open_store(), current(settings).manifest)
    done(commit(settings, "DROP GRAPH graph:notes"))
    again = current(settings)
    assert again.manifest.digest == first.manifest.digest
    assert again.manifest.graphs == first.manifest.graphs


def test_violations_change_nothing(settings: Settings) -> None:
    """The report has the words of the shapes; the release stays."""
    before = current(settings)
    outcome = commit_apart(settings, "INSERT DATA { GRAPH graph:notes { city:nowhere a cg:City } }")
    assert isinstance(outcome, Violations)
    assert {result.label or result.focus_node for result in outcome.report.violations}
    assert all(result.messages.keys() >= {"en", "tr"} for result in outcome.report.violations)
    assert current(settings) == before
    assert not list(settings.releases.glob(".staging-*"))


def test_a_graph_that_contradicts_itself_is_refused(settings: Settings, commit: Commits) -> None:
    """Two dates of one act in one source, whichever commit brings the second; two sources may differ (15 §1)."""
    said = "INSERT DATA { GRAPH graph:notes { agreement:izmir-bremen cg:councilActDate '1994-12-%s'^^xsd:date } }"
    assert done(commit(settings, said % "01")).added == 1
    refused = commit(settings, said % "02")
    assert isinstance(refused, Violations)
    (result,) = refused.report.violations
    assert (result.shape.partition("#")[2], result.path.partition("#")[2]) == ("OnceInSource", "councilActDate")
    assert "cg:councilActDate" in result.message("en")


def test_a_trial_run_tells_and_changes_nothing(settings: Settings, commit: Commits) -> None:
    """?dry-run validates as a commit does."""
    before = current(settings)
    made = done(commit(settings, HELLO, dry_run=True))
    assert (made.added, made.published) == (1, False)
    assert isinstance(commit(settings, "INSERT DATA { GRAPH graph:n { city:x a cg:City } }", dry_run=True), Violations)
    assert current(settings) == before


def test_what_changes_nothing_makes_no_release(settings: Settings, commit: Commits) -> None:
    """Writing again what is there is no commit."""
    done(commit(settings, HELLO))
    before = current(settings)
    assert not done(commit(settings, HELLO)).published
    assert current(settings) == before


REFUSED: list[tuple[str, type[Exception], str]] = [
    ("INSERT DATA { GRAPH source:place-register { city:izmir rdfs:comment 'x'@en } }", Conflict, "place-register"),
    ("DELETE WHERE { GRAPH ?g { city:izmir ?p ?o } }", CitygraphError, ""),
    ("DROP ALL", CitygraphError, ""),
    ("INSERT DATA { city:izmir rdfs:comment 'x'@en }", Forbidden, "derived"),
    ("INSERT DATA { GRAPH graph:derived { city:izmir rdfs:comment 'x'@en } }", Forbidden, "rules"),
    ("INSERT DATA { GRAPH graph:shapes { city:izmir rdfs:comment 'x'@en } }", Forbidden, "ontology/shapes"),
    ("INSERT DATA { GRAPH graph:ontology { city:izmir rdfs:comment 'x'@en } }", Forbidden, "ontology"),
    ("INSERT DATA { GRAPH graph:catalog { city:izmir rdfs:comment 'x'@en } }", Forbidden, "catalog"),
    ("LOAD <http://127.0.0.1:1/x.ttl> INTO GRAPH graph:notes", Forbidden, "LOAD"),
    ("LOAD <file:///etc/passwd> INTO GRAPH graph:notes", Forbidden, "LOAD"),
    ("INSERT { GRAPH graph:n { ?s ?p ?o } } WHERE { SERVICE <http://127.0.0.1:1/> { ?s ?p ?o } }", Exception, ""),
]  # fmt: skip


def test_who_owns_a_graph_is_asked(settings: Settings) -> None:
    """A file's graph is refused with the file's name, what the server makes with the reason; each by itself."""
    before = current(settings)
    outcomes = commit_here([Change(Update(text)) for text, _, _ in REFUSED], settings)
    for (text, kind, words), outcome in zip(REFUSED, outcomes, strict=True):
        assert isinstance(outcome, kind), text
        assert words in str(outcome), text
    assert current(settings) == before


def test_a_token_writes_where_it_may(settings: Settings, commit: Commits) -> None:
    """By the beginning of the graph's name; asked even where nothing would change."""
    mine = ("https://w3id.org/citygraph/graph/ada/",)
    assert isinstance(commit(settings, HELLO, prefixes=mine), Forbidden)
    assert isinstance(commit(settings, GraphWrite("merge", NOTES), prefixes=mine), Forbidden)
    done(commit(settings, HELLO.replace("graph:notes", f"<{mine[0]}one>"), prefixes=mine))


def test_preconditions_are_kept_while_others_write(settings: Settings, commit: Commits) -> None:
    """If-Match holds against the graph as it is at the commit, not as it was at the request."""
    made = done(commit(settings, GraphWrite("replace", NOTES, (turtle('city:izmir rdfs:comment "a"@en .'),))))
    assert made.created
    known = Conditions(match=(made.version,))
    done(
        commit(settings, GraphWrite("replace", NOTES, (turtle('city:izmir rdfs:comment "b"@en .'),)), conditions=known)
    )
    outcome = commit(settings, GraphWrite("drop", NOTES), conditions=known)
    assert isinstance(outcome, PreconditionFailed)
    done(commit(settings, HELLO.replace("notes", "other")))
    now = Conditions(match=(current(settings).version_of(NOTES),))
    only_new = Conditions(none_match=("*",))
    assert isinstance(commit(settings, GraphWrite("replace", NOTES), conditions=only_new), PreconditionFailed)
    done(commit(settings, GraphWrite("drop", NOTES), conditions=now))
    assert isinstance(commit(settings, GraphWrite("drop", NOTES)), NotFound)


def test_a_patch_changes_its_graph_alone(settings: Settings, commit: Commits) -> None:
    """What names no graph means the graph that it was sent to; what changes another is refused."""
    done(commit(settings, Update('INSERT DATA { city:izmir rdfs:comment "a"@en }', only=NOTES)))
    assert (
        Quad(
            NamedNode("https://w3id.org/citygraph/id/city/izmir"),
            NamedNode("http://www.w3.org/2000/01/rdf-schema#comment"),
            next(
                q.object for q in current(settings).open_store().quads_for_pattern(None, None, None, NamedNode(NOTES))
            ),
            NamedNode(NOTES),
        )
        in current(settings).open_store()
    )
    outcome = commit(settings, Update(HELLO.replace("notes", "other"), only=NOTES))
    assert isinstance(outcome, WrongGraph)


def test_blank_nodes_get_names(settings: Settings, commit: Commits) -> None:
    """Each in its own change, the same within one; and the answer says how many."""
    made = done(
        commit(settings, "INSERT DATA { GRAPH graph:n { _:a a oa:Note ; oa:to [ a oa:Note ] , _:a } }", dry_run=True)
    )
    assert made.blank_nodes == 2


def test_a_rollback_is_a_new_release_equal_to_the_old(settings: Settings, commit: Commits) -> None:
    """Nothing is taken from the history, and the dumps of equal data are the same files."""
    first = current(settings)
    dump = next(name for name in first.manifest.outputs if name.startswith("dumps/"))
    (first.path / "dumps").mkdir(exist_ok=True)
    (first.path / dump).write_bytes(b"as it was")
    done(commit(settings, HELLO))
    undone = current(settings)
    back = rollback(first.id, Releases(settings.releases))
    assert back.manifest.digest == first.manifest.digest
    assert back.manifest.number == first.manifest.number + 2
    assert back.version_of(NOTES) == first.version_of(NOTES)
    assert (back.path / dump).read_bytes() == b"as it was"
    recounted(back.open_store(), back.manifest)
    assert (back.manifest.added, back.manifest.removed) == (undone.manifest.removed, undone.manifest.added)
    assert EntityChange(UPDATED, ID + "city/izmir") in list(things_changed(back))
    done(commit(settings, HELLO))


def test_a_rollback_from_a_damaged_release_has_no_list_of_changes(settings: Settings, commit: Commits) -> None:
    """It is the remedy, so it must succeed."""
    first = current(settings)
    done(commit(settings, HELLO))
    shutil.rmtree(current(settings).store_path)
    back = rollback(first.id, Releases(settings.releases))
    assert current(settings) == back
    assert back.manifest.digest == first.manifest.digest
    assert not (back.path / THINGS).exists()


def test_a_build_takes_the_graphs_of_the_api_over(settings: Settings, commit: Commits) -> None:
    """Those that no file fills now."""
    done(commit(settings, HELLO))
    release = current(settings)
    assert api_graphs(release.manifest) == [NOTES]
    assert len(list(carried_forward(release, release.manifest.owners))) == 1
    assert not list(carried_forward(release, [NOTES]))


def test_a_batch_is_one_release_and_a_bad_one_in_it_spoils_nothing(settings: Settings, consequences: Followup) -> None:
    """Each gets its own answer."""
    texts = [HELLO.replace("hello", f"number {n}") for n in range(4)]
    texts.insert(2, "INSERT DATA { GRAPH source:place-register { city:izmir rdfs:comment 'x'@en } }")
    changes = [Change(Update(text), author=f"a{n}") for n, text in enumerate(texts)]
    outcomes = committed(changes, settings, consequences)
    assert [type(outcome) for outcome in outcomes] == [Commit, Commit, Conflict, Commit, Commit]
    assert len({outcome.release for outcome in outcomes if isinstance(outcome, Commit)}) == 1
    assert [told["author"] for told in current(settings).manifest.commits] == ["a0", "a1", "a3", "a4"]
    texts[2] = "INSERT DATA { GRAPH graph:notes { city:nowhere a cg:City } }"
    changes = [Change(Update(text.replace("number", "no."))) for text in texts]
    outcomes = committed(changes, settings, consequences)
    assert [type(outcome) for outcome in outcomes] == [Commit, Commit, Violations, Commit, Commit]


def turtle(text: str) -> Payload:
    prefixes = (
        "@prefix city: <https://w3id.org/citygraph/id/city/> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> ."
    )
    return Payload(f"{prefixes}\n{text}".encode(), "ttl")


def test_an_update_without_end_is_ended(empty: Settings) -> None:
    """By the clock."""
    values = " ".join(str(n) for n in range(300))
    cross = " ".join(f"VALUES ?v{n} {{ {values} }}" for n in range(5))
    limited = empty.with_changes(write_time_limit=1.5)
    outcome = commit_apart(limited, f"INSERT {{ GRAPH <urn:g> {{ <a:> <b:> ?v0 }} }} WHERE {{ {cross} }}")
    assert isinstance(outcome, LimitReached)
    assert outcome.kind == "time"


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_releases_that_cannot_be_written_are_named(
    empty: Settings, consequences: Followup, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """On a read-only disk, or as another user: an error with the reason, and not the end of the process."""

    def refuse(path: Path) -> None:
        raise OSError(code, os.strerror(code), str(path))

    monkeypatch.setattr("citygraph.release.releases.file_lock", refuse)
    with pytest.raises(EngineFailed, match=rf"releases cannot be written \({os.strerror(code)}\); nothing was changed"):
        publish([Change(Update("CLEAR ALL"), "me")], Releases(empty.releases), consequences, empty)


def test_a_full_disk_is_told_and_harms_nothing(empty: Settings) -> None:
    """A file that cannot grow stands in for it."""
    done(commit_apart(empty, "INSERT DATA { GRAPH <urn:g> { <a:> <b:> <c:> } }"))
    before = current(empty)
    script = (
        "import resource, signal, sys\nfrom pathlib import Path\nfrom citygraph.commit.batch import commit_here\n"
        "from citygraph.commit.change import *\nfrom citygraph.settings import Settings\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (200_000,) * 2)\n"
        "body = b''.join(b'<urn:s%d> <urn:p> \"%d\" .\\n' % (n, n) for n in range(50_000))\n"
        "change = Change(GraphWrite('replace', 'urn:h', (Payload(body, 'nt'),)))\n"
        "print(type(commit_here([change], Settings(releases=Path(sys.argv[1]), open_writes=True))[0]).__name__)"
    )
    said = subprocess.run([sys.executable, "-c", script, str(empty.releases)], capture_output=True, check=True)
    assert said.stdout.split()[-1].decode() == StorageFull.__name__, said.stderr[-2000:]
    assert current(empty) == before
    done(commit_apart(empty, "INSERT DATA { GRAPH <urn:g> { <a:> <b:> <d:> } }"))


def test_a_crash_of_the_parser_harms_nothing(empty: Settings) -> None:
    """A signal stands in for it; nothing is changed, and the next commit is taken (13.38)."""
    before = current(empty)
    cross = " ".join(f"VALUES ?v{n} {{ {' '.join(map(str, range(300)))} }}" for n in range(5))
    with ThreadPoolExecutor() as pool:
        text = f"INSERT {{ GRAPH <urn:g> {{ <a:> <b:> ?v0 }} }} WHERE {{ {cross} }}"
        outcome = pool.submit(commit_apart, empty, text)
        while not (children := committing_children()):
            time.sleep(0.01)
        os.kill(children[0], signal.SIGSEGV)
    assert isinstance(outcome.result(), BadData)
    assert "the parser crashed on this body; nothing was changed" in str(outcome.result())
    assert current(empty) == before
    done(commit_apart(empty, "INSERT DATA { GRAPH <urn:g> { <a:> <b:> <d:> } }"))


def committing_children() -> list[int]:
    """The processes that commit for this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_ours = (process / "stat").read_text().rpartition(")")[2].split()[1] == str(os.getpid())
            if is_ours and b"citygraph.commit.batch" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
    return found


def test_an_update_counts_each_alternative(empty: Settings) -> None:
    """WHERE is evaluated as the endpoint evaluates a query (13.39)."""
    done(commit_apart(empty, "INSERT DATA { GRAPH <urn:g> { <urn:a> <urn:p> 1 ; <urn:q> 1 } }"))
    count = "SELECT (COUNT(*) AS ?n) { GRAPH <urn:g> { ?s <urn:p>|<urn:q> ?o } }"
    done(commit_apart(empty, f"INSERT {{ GRAPH <urn:g> {{ <urn:n> <urn:is> ?n }} }} WHERE {{ {{ {count} }} }}"))
    (quad,) = current(empty).open_store().quads_for_pattern(NamedNode("urn:n"), None, None, NamedNode("urn:g"))
    assert quad.object == Literal(2)


def test_pinned_releases_survive_pruning(settings: Settings, commit: Commits) -> None:
    """A release that is cited is kept, whatever the number to keep."""
    releases = Releases(settings.releases)
    first = current(settings)
    releases.pin(first.id, "cited in a paper")
    names = [done(commit(settings, HELLO.replace("hello", str(n)))).release for n in range(3)]
    assert releases.prune(1) == names[1::-1]
    assert {release.id for release in releases.history()} == {first.id, names[2]}
    releases.unpin(first.id)
    assert releases.prune(1) == [first.id]
