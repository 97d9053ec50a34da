"""What two processes make of a large change is what one makes of it, and they end together."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from citygraph.commit.change import Change, Commit, Update, change_as_json
from citygraph.commit.commit import Followup
from citygraph.commit.outcomes import Outcome, outcome_from_json
from citygraph.errors import Violations
from citygraph.incremental import index_update
from citygraph.matching.lookup import Lookup
from citygraph.release.changes import ADDED, REMOVED, THINGS
from citygraph.release.releases import Release, Releases
from citygraph.report import order, read_later_reports
from citygraph.settings import Settings
from tests.committing import committed, copy_release

pytestmark = pytest.mark.timeout(300)

# Commits what is on standard input as `citygraph.commit.batch` does, every change by both processes.
SCRIPT = """
import os, signal
from citygraph.commit import batch, followup
from citygraph.incremental import index_update
followup._MOST_ALONE = index_update._FEW = 0
{more}
batch.main()
"""
KILLED = "followup.IncrementalFollowup._respond = lambda self, request: os.kill(os.getpid(), signal.SIGKILL)"
# The second process validates all parts of the affected nodes, of which the first would take some.
ALL_PARTS = """
from citygraph.incremental import partial_validation
partial_validation._MOST_IN_PART = 2
first = os.getpid()
judge, fill = followup.IncrementalFollowup._judge, followup.PartQueue.fill
followup.IncrementalFollowup._judge = lambda *values: {} if os.getpid() == first else judge(*values)
followup.PartQueue.fill = lambda self, count: fill(self, count) if count else None
"""
KILLED_AT_PARTS = ALL_PARTS + "judge = lambda *values: os.kill(os.getpid(), signal.SIGKILL)"
NAMES = """
INSERT DATA { GRAPH graph:notes {
  city:izmir skos:altLabel "Yeni İzmir"@tr ; rdfs:comment "a note"@en .
  city:bremen skos:altLabel "Bremen an der Weser"@de .
  city:newtown a cg:City ; rdfs:label "Newtown"@en ; cg:country country:germany .
  <https://w3id.org/citygraph/id/agreement/new> a cg:Agreement ; cg:party city:izmir , city:newtown ;
    rdfs:label "İzmir–Newtown"@en ; cg:startDate "1999"^^xsd:gYear .
} }
"""
MIB = 1024 * 1024
WHOLE = 1024 * MIB
# Two values by one source, where only one can be true: a rule about graphs.
TWICE = """
INSERT DATA { GRAPH graph:notes {
  city:newtown a cg:City ; rdfs:label "Newtown"@en ; cg:country country:germany ;
    cg:foundingDate "1900"^^xsd:gYear , "1901"^^xsd:gYear .
} }
"""


def settings_of(izmir: Release, folder: Path) -> Settings:
    return Settings(releases=copy_release(izmir, folder).root)


def committed_by_two(text: str, settings: Settings, more: str = "") -> Outcome | int:
    """The outcome, or with which status the process ended."""
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(more=more)],
        input=json.dumps([change_as_json(Change(Update(text), "me"))]).encode(),
        stdout=subprocess.PIPE,
        env={**os.environ, **settings.as_environment()},
        check=False,
    )
    return outcome_from_json(json.loads(process.stdout)[0]) if process.returncode == 0 else process.returncode


def findings(release: Release) -> object:
    """What commits judged and found, in one order: pySHACL's differs in each process."""
    return [(scope, sorted(results, key=order)) for scope, results in read_later_reports(release.path)]


@pytest.mark.parametrize("more", ["", ALL_PARTS], ids=["shared", "all by the second"])
def test_a_release_is_the_same(
    izmir: Release, tmp_path: Path, consequences: Followup, monkeypatch: pytest.MonkeyPatch, more: str
) -> None:
    """Statements, index, lists of changes and findings, whichever process validates which nodes (16 §6)."""
    monkeypatch.setattr(index_update, "_FEW", 0)
    mine, theirs = (settings_of(izmir, tmp_path / name) for name in ("one", "two"))
    (one,) = committed([Change(Update(NAMES), "me")], mine, consequences)
    two = committed_by_two(NAMES, theirs, more)
    assert isinstance(one, Commit)
    assert isinstance(two, Commit)
    assert (two.digest, two.warnings) == (one.digest, one.warnings)
    left, right = (Releases(settings.releases).current() for settings in (mine, theirs))
    assert set(left.open_store()) == set(right.open_store())
    assert {path.name for path in left.path.iterdir()} == {path.name for path in right.path.iterdir()}
    for name in (ADDED, REMOVED, THINGS):
        assert (left.path / name).read_bytes() == (right.path / name).read_bytes(), name
    assert findings(left) == findings(right)
    names = [[(hit.entity, hit.name) for text in ("newtown", "yeni izmir", "bremen")
              for hit in Lookup(release.path / "search.sqlite").find(text)] for release in (left, right)]  # fmt: skip
    assert names[0] == names[1]
    assert len(names[0]) > 3


def test_a_violation_changes_nothing(izmir: Release, tmp_path: Path, consequences: Followup) -> None:
    """Although the second process has written the index (16 §6)."""
    mine, theirs = (settings_of(izmir, tmp_path / name) for name in ("one", "two"))
    (one,) = committed([Change(Update(TWICE), "me")], mine, consequences)
    two = committed_by_two(TWICE, theirs)
    assert isinstance(one, Violations)
    assert isinstance(two, Violations)
    assert [result.shape for result in two.report.results] == [result.shape for result in one.report.results]
    assert len(Releases(theirs.releases).history()) == 1


def test_more_results_than_a_response_may_have_are_read(izmir: Release, tmp_path: Path, consequences: Followup) -> None:
    """They are in a file: a frame over the limit would be taken for no frame."""
    mine, theirs = (settings_of(izmir, tmp_path / name) for name in ("one", "two"))
    text = "; ".join(TWICE.replace("newtown", f"newtown-{number}") for number in range(9))
    (one,) = committed([Change(Update(text), "me")], mine, consequences)
    two = committed_by_two(text, theirs, "from citygraph.engine import wire; wire._LONGEST = 2000")
    assert isinstance(one, Violations)
    assert isinstance(two, Violations)
    assert two.report.turtle == one.report.turtle
    assert len(one.report.violations) == 9


@pytest.mark.parametrize("killed", [KILLED, KILLED_AT_PARTS], ids=["at its first request", "at its part"])
def test_both_processes_are_killed_together(izmir: Release, tmp_path: Path, killed: str) -> None:
    """Nothing is published, and nothing stays (16 §6)."""
    settings = settings_of(izmir, tmp_path / "releases")
    assert committed_by_two(NAMES, settings, killed) == -signal.SIGKILL
    releases = Releases(settings.releases)
    assert len(releases.history()) == 1
    releases.sweep()
    assert list(settings.releases.glob(".staging-*")) == []


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (f"OSError({errno.ENOSPC}, 'full')", f"OSError({errno.ENOSPC}"),
        ("ValueError('wrong')", "EngineFailed"),
        ("EnginesDisagree('both')", "EnginesDisagree('both')"),
    ],
)
def test_a_failure_of_the_second_process_is_raised_in_the_first(failure: str, error: str) -> None:
    """With its number, by which a full disk is known (16 §6)."""
    said = said_by(
        f"from citygraph.errors import EnginesDisagree\ndef respond(request): raise {failure}",
        "second.start(Path('x'))\ntry: second.result()\nexcept Exception as error: print(repr(error))",
    )
    assert error in said


def test_a_later_change_does_not_get_what_an_earlier_one_asked_for() -> None:
    """After an error in the first process, whose requests nobody reads the responses to (16 §6)."""
    said = said_by(
        "def respond(request): return {'name': request.name}",
        """
try:
    with second:
        second.start(Path('a')), second.start(Path('b'))
        raise ValueError
except ValueError:
    with second:
        second.start(Path('c'))
        print(second.result())
""",
    )
    assert said == "{'name': 'c'}\n"


def test_two_processes_share_the_memory_of_a_commit() -> None:
    """While both work, what the second one may use is taken from the first (16 §6)."""
    said = said_by(
        "import json, resource\nfrom citygraph.engine import sandbox\nsandbox.limit_memory(WHOLE)\n"
        "before = sandbox._data_size()\n"
        "def most(): return resource.getrlimit(resource.RLIMIT_DATA)[0] - before - sandbox._SLACK\n"
        "def respond(request): return {'second': most()}",
        """
alone = most()
with second:
    second.start(Path('x'))
    limits = {"alone": alone, "first": most(), **second.result()}
print(json.dumps({**limits, "after": most()}))
""",
    )
    limits = json.loads(said)
    assert limits["after"] == limits["alone"] > limits["first"]
    assert limits["first"] + limits["second"] == pytest.approx(limits["alone"], abs=16 * MIB)


def test_the_memory_is_given_back_by_a_process_that_has_ended() -> None:
    """With whatever error the commit ends; that of the process that has ended does not replace it (16 §6)."""
    said = said_by(
        "import os, resource\nfrom citygraph.engine import sandbox\nsandbox.limit_memory(WHOLE)\n"
        "def most(): return resource.getrlimit(resource.RLIMIT_DATA)[0]\n"
        "def respond(request): os._exit(0)",
        """
alone = most()
try:
    with second:
        second.start(Path('x'))
        raise ValueError
except Exception as error:
    print(type(error).__name__, most() == alone)
""",
    )
    assert said == "ValueError True\n"


def test_a_process_that_has_ended_is_reported_for_each_change() -> None:
    """Although it can be waited for only once, and although it left two requests without a response (16 §6)."""
    said = said_by(
        "import os\nfrom citygraph.errors import EngineFailed\ndef respond(request): os._exit(3)",
        """
for name in ("first", "second"):
    try:
        with second:
            second.start(Path(name)), second.start(Path(name))
            second.result()
    except EngineFailed as error:
        print(error, second.has_ended)
""",
    )
    assert said == "the second process of the commit ended with status 3; nothing was changed True\n" * 2


def said_by(before: str, after: str) -> str:
    """What a program prints whose second process answers by `respond`, which `before` defines."""
    script = (
        f"from pathlib import Path\nfrom citygraph.commit.second_process import SecondProcess\nWHOLE = {WHOLE}\n"
        f"{before}\nsecond = SecondProcess(respond, WHOLE // 4)\n{after}"
    )
    return subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout.decode()
