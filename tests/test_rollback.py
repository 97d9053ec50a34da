"""A rollback lasts: a build does not publish again what it undid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from citygraph.build.build import build
from citygraph.cli.main import main
from citygraph.commit.rollback import rollback
from citygraph.errors import Conflict
from citygraph.progress import Progress
from citygraph.release.releases import Release, Releases
from citygraph.source.files import Sources, is_current
from tests.small import REPOSITORY, build_small

Build = Callable[..., Release]
REGISTER = "data/register.trig"


@pytest.fixture
def first(tmp_path: Path) -> Release:
    """The small graph, in a folder of this test's own."""
    return build_small(tmp_path)


@pytest.fixture
def sources(first: Release) -> Sources:
    """Its files."""
    return Sources(first.path.parents[1] / "data", REPOSITORY / "ontology", REPOSITORY / "queries")


@pytest.fixture
def releases(first: Release) -> Releases:
    """Its releases."""
    return Releases(first.path.parent)


@pytest.fixture
def built(sources: Sources, releases: Releases) -> Build:
    """Builds the files."""

    def make(override_rollback: bool = False) -> Release:
        return build(sources, releases, Progress(), override_rollback)[0]

    return make


def edited(sources: Sources, old: str, new: str) -> None:
    path = sources.data / "register.trig"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def test_a_build_does_not_undo_a_rollback(sources: Sources, first: Release, releases: Releases, built: Build) -> None:
    """Files with content that was undone are a conflict, also beside another edit; the flag publishes them (13.22)."""
    edited(sources, '"1996-04-24"', '"1997-04-24"')
    (sources.data / "more.trig").write_text("# nothing yet\n", encoding="utf-8")
    wrong = built()
    back = rollback(first.id, releases)
    assert set(back.manifest.undone) == {"data/register.trig", "data/more.trig"}
    catalog = sources.data / "catalog.ttl"
    catalog.write_text(catalog.read_text(encoding="utf-8") + "# another edit\n", encoding="utf-8")
    with pytest.raises(Conflict, match=r"2 file\(s\) still have: data/more\.trig, data/register\.trig\."):
        built()
    assert releases.current_id() == back.id
    again = built(override_rollback=True)
    assert (again.manifest.digest, again.manifest.undone) == (wrong.manifest.digest, {})
    # Back and forth: only what the last rollback undid counts.
    assert rollback(first.id, releases).manifest.undone[REGISTER] == [wrong.manifest.files[REGISTER]]
    assert rollback(wrong.id, releases).manifest.undone[REGISTER] == [first.manifest.files[REGISTER]]


def test_files_that_were_restored_or_changed_build(
    sources: Sources, first: Release, releases: Releases, built: Build
) -> None:
    """Nothing is left of what was undone (13.22)."""
    edited(sources, '"1996-04-24"', '"1997-04-24"')
    built()
    back = rollback(first.id, releases)
    edited(sources, '"1997-04-24"', '"1996-04-24"')
    assert is_current(sources, releases) == back
    edited(sources, '"1996-04-24"', '"1998-04-24"')
    assert built().manifest.undone == {}


def test_a_deletion_that_was_undone_is_a_conflict(sources: Sources, releases: Releases, built: Build) -> None:
    """The file is named (13.22)."""
    more = sources.data / "more.trig"
    more.write_text("# nothing yet\n", encoding="utf-8")
    with_more = built()
    more.unlink()
    built()
    rollback(with_more.id, releases)
    with pytest.raises(Conflict, match=r"1 file\(s\) still have: data/more\.trig \(deleted\)"):
        built()


def run(sources: Sources, releases: Releases, *arguments: str) -> Result:
    folders = ("--data", sources.data, "--ontology", sources.ontology, "--releases", releases.root)
    return CliRunner().invoke(main, [*map(str, folders), *arguments])


def test_the_commands_report_the_conflict(sources: Sources, first: Release, releases: Releases, built: Build) -> None:
    """The rollback names the files, the build fails with one line and the flag (13.22)."""
    edited(sources, '"1996-04-24"', '"1997-04-24"')
    built()
    done = run(sources, releases, "rollback", first.id)
    assert "undone for the next build: data/register.trig" in done.stderr
    change = sources.data.parent / "change.ru"
    change.write_text("INSERT DATA { GRAPH graph:notes { city:izmir cg:note 'a'@en , 'a'@tr } }", encoding="utf-8")
    # A commit after the rollback does not change what it undid.
    assert run(sources, releases, "update", str(change)).exit_code == 0
    for options in ((), ("--force",)):
        failed = run(sources, releases, "build", "-q", *options)
        assert (failed.exit_code, failed.stderr.count("\n")) == (2, 1)
        assert "--override-rollback" in failed.stderr
    assert run(sources, releases, "build", "-q", "--override-rollback").exit_code == 0
