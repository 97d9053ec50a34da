"""Backups: incremental copies by content, made while commits go on, verified, and brought back."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from citygraph.backup.backup import BackupResult, back_up, problems
from citygraph.backup.backup_records import BackupRecord, Backups
from citygraph.backup.restoring import restore as restore_from
from citygraph.cli.main import main
from citygraph.commit.change import Change, Commit, Update
from citygraph.commit.commit import Followup
from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.errors import BadData, Conflict, UsageError
from citygraph.rdf.nquads import SetDigest
from citygraph.release.changes import DELETIONS
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.storage.object_folder import ObjectFolder, open_folder
from tests.committing import committed
from tests.small import REPOSITORY, build_small

_NAME = 'INSERT DATA {{ GRAPH graph:notes {{ city:izmir skos:altLabel "{}"@tr }} }}'


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that an operator would miss. Do not write to it."""
    folder = tmp_path_factory.mktemp("instance")
    build_small(folder)
    (folder / "citygraph.toml").write_text('timezone = "Europe/Istanbul"\n')
    (folder / "ontology").mkdir()
    (folder / "ontology" / "own.ttl").write_text("# our own terms\n")
    (folder / "sheets").mkdir()
    (folder / "sheets" / "partners.xlsx").write_bytes(b"a workbook")
    (folder / "var").mkdir()
    (folder / "releases").rename(folder / "var" / "releases")
    (folder / "var" / "releases" / DELETIONS).write_text("https://w3id.org/citygraph/id/city/atlantis\n")
    Tokens(folder / "var" / "tokens.json").make(TokenHolder("press-office"))
    for name in ("audit.jsonl", "audit.jsonl.1"):
        (folder / "var" / name).write_text('{"who": "press-office"}\n')
    return folder


@pytest.fixture
def instance(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, as the working folder."""
    folder = tmp_path / "instance"
    shutil.copytree(original, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def files_of(folder: Path) -> dict[str, tuple[str, int]]:
    """Digest and mode of each file of an instance, without locks and the store's log for its developers."""
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mode)
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("lock", "LOG", ".writing", ".patterns.json"))
        and not path.is_relative_to(folder / "var" / "releases" / "current")
    }  # fmt: skip


def assert_whole(release: Release) -> None:
    """The store has the digest of the manifest."""
    store, digest = release.open_store(), SetDigest()
    for graph in store.named_graphs():
        digest.add(store.quads_for_pattern(None, None, None, graph))
    assert digest.hex == release.manifest.digest


def backed_up(root: Path) -> BackupResult:
    return back_up(Settings(), open_folder(root))


def restore(root: Path, target: Path, name: str = "") -> BackupRecord:
    return restore_from(open_folder(root), target, name)


def write(number: int, consequences: Followup) -> str:
    """The name of the release with one more name of İzmir."""
    settings = Settings(ontology=REPOSITORY / "ontology", queries=REPOSITORY / "queries")
    outcome = committed([Change(Update(_NAME.format(number)), "me")], settings, consequences)[0]
    assert isinstance(outcome, Commit)
    return outcome.release


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_restored_folder_is_the_one_that_was_backed_up(instance: Path, tmp_path: Path) -> None:
    """(18) Releases, data, own vocabulary, tokens, audit log and settings, by digest; and it can be queried."""
    done = command("backup", str(tmp_path / "backups"))
    assert (done.exit_code, done.output.count("backup 20")) == (0, 1), done.output
    done = command("restore", str(tmp_path / "backups"), str(tmp_path / "new"))
    assert done.exit_code == 0, done.output
    # The audit log goes on with the restore itself.
    log, restored = ((folder / "var" / "audit.jsonl").read_text() for folder in (instance, tmp_path / "new"))
    assert restored.startswith(log)
    assert [json.loads(line)["action"] for line in restored.removeprefix(log).splitlines()] == ["restore"]
    (tmp_path / "new" / "var" / "audit.jsonl").write_text(log)
    assert files_of(tmp_path / "new") == files_of(instance)
    named = {"citygraph.toml", "ontology/own.ttl", "data/register.trig", "var/tokens.json", "var/audit.jsonl.1"}
    assert named | {"var/releases/.deleted"} <= set(files_of(tmp_path / "new"))
    there, here = Releases(tmp_path / "new" / "var" / "releases"), Releases(Path("var/releases"))
    assert there.current().manifest == here.current().manifest
    assert_whole(there.current())


def test_a_backup_copies_what_is_new(instance: Path, tmp_path: Path, consequences: Followup) -> None:
    """(18) A second backup copies nothing, one after a commit only what the commit wrote; each can be restored."""
    first = backed_up(tmp_path / "backups")
    assert backed_up(tmp_path / "backups").copied == 0
    release = write(1, consequences)
    third = backed_up(tmp_path / "backups")
    assert third.record.current == release != first.record.current
    assert 0 < third.copied_bytes < first.copied_bytes / 3
    restored = restore(tmp_path / "backups", tmp_path / "old", first.record.name)
    assert Releases(tmp_path / "old" / restored.releases).current_id() == first.record.current
    restore(tmp_path / "backups", tmp_path / "new")
    # The files that releases share are shared again.
    assert len([one for one in (tmp_path / "new").rglob("*.sst") if one.stat().st_nlink > 1]) > 4
    for one in Releases(tmp_path / "new" / "var" / "releases").history():
        assert_whole(one)


def test_a_restore_needs_an_empty_folder(instance: Path, tmp_path: Path) -> None:
    """(18) What is in a folder is not overwritten."""
    backed_up(tmp_path / "backups")
    with pytest.raises(UsageError, match="not an empty folder"):
        restore(tmp_path / "backups", instance)
    missing = command("restore", str(tmp_path / "none"), str(tmp_path / "new"))
    assert (missing.exit_code, "there is no backup in " in missing.output) == (2, True)
    assert not (tmp_path / "new").exists()


def test_a_damaged_object_is_named(instance: Path, tmp_path: Path) -> None:
    """(18) --verify names the object and its file; a restore of it has no current release; a backup repairs."""
    result = backed_up(tmp_path / "backups")
    assert command("backup", "--verify", str(tmp_path / "backups")).exit_code == 0
    file = max((one for one in result.record.files if one.path.endswith(".sst")), key=lambda one: one.size)
    path = tmp_path / "backups" / "objects" / file.sha256[:2] / file.sha256[2:]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    done = command("backup", "--verify", str(tmp_path / "backups"))
    assert done.exit_code == 1
    assert f"{path}: damaged" in done.output
    assert file.path in done.output
    with pytest.raises(BadData, match="damaged"):
        restore(tmp_path / "backups", tmp_path / "new")
    assert not (tmp_path / "new" / "var" / "releases" / "current").exists()
    with pytest.raises(UsageError, match="did not finish"):
        restore(tmp_path / "backups", tmp_path / "new")
    path.unlink()
    assert "missing" in next(iter(problems(open_folder(tmp_path / "backups"))))
    assert backed_up(tmp_path / "backups").copied == 1
    assert not list(problems(open_folder(tmp_path / "backups")))


def test_a_damaged_record_is_named(instance: Path, tmp_path: Path) -> None:
    """(18) The record of a backup has its own digest; other backups stay usable."""
    first, second = backed_up(tmp_path / "backups"), backed_up(tmp_path / "backups")
    path = tmp_path / "backups" / "backups" / f"{second.record.name}.json"
    path.write_text(path.read_text().replace("register.trig", "registry.trig"))
    assert [problem for problem in problems(open_folder(tmp_path / "backups")) if str(path) in problem]
    assert backed_up(tmp_path / "backups").copied == 0
    assert restore(tmp_path / "backups", tmp_path / "new", first.record.name).name == first.record.name


# Kills itself while it writes its twentieth object.
_KILLED = """
import os, signal
from citygraph.cli.main import main
from citygraph.storage.folder_store import FolderStore

put, keys = FolderStore.put, []

def half(content):
    yield next(content := iter(content))[:10]
    os.kill(os.getpid(), signal.SIGKILL)

def put_or_die(self, key, content):
    keys.append(key)
    put(self, key, half(content) if len(keys) == 20 else content)

FolderStore.put = put_or_die
main()
"""


def test_a_killed_backup_leaves_no_backup_and_is_repeated(instance: Path, tmp_path: Path) -> None:
    """(18) Killed midway: no record, whole objects only; the next goes on from there."""
    root = tmp_path / "backups"
    killed = subprocess.run([sys.executable, "-c", _KILLED, "backup", str(root)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(root.rglob("*.part"))
    kept = list(root.glob("objects/??/*"))
    assert Backups(open_folder(root)).names() == []
    assert [hashlib.sha256(one.read_bytes()).hexdigest() for one in kept] == [
        one.parent.name + one.name for one in kept
    ]
    result = backed_up(root)
    assert result.copied <= len(result.record.files) - len(kept)
    assert not list(root.rglob("*.part"))
    restore(root, tmp_path / "new")
    assert files_of(tmp_path / "new") == files_of(instance)


def test_commits_go_on_during_a_backup(instance: Path, tmp_path: Path, consequences: Followup) -> None:
    """(18) Each backup made meanwhile has a release as it was published, with all of its ancestors."""
    done = threading.Event()
    results = []

    def repeat() -> None:
        while not done.is_set():
            results.append(backed_up(tmp_path / "backups"))

    thread = threading.Thread(target=repeat)
    thread.start()
    published = [write(number, consequences) for number in range(3)]
    done.set()
    thread.join()
    results.append(backed_up(tmp_path / "backups"))
    assert results[-1].record.current == published[-1]
    for number, name in enumerate({result.record.name for result in results[-3:]}):
        restored = restore(tmp_path / "backups", tmp_path / f"new-{number}", name)
        releases = Releases(tmp_path / f"new-{number}" / "var" / "releases")
        assert releases.current_id() == restored.current
        assert_whole(releases.current())
        history = releases.history()
        assert [one.manifest.parent for one in history] == [*(one.id for one in history[1:]), None]


def test_a_release_that_is_pruned_meanwhile_is_left_out(
    instance: Path, tmp_path: Path, consequences: Followup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) Whole releases or none: pruning does not break a backup that reads the same folder."""
    write(1, consequences)
    releases, add = Releases(Path("var/releases")), ObjectFolder.add
    oldest = releases.history()[-1].id

    def pruned_first(self: ObjectFolder, file: object) -> tuple[str, int, bool]:
        if oldest in str(getattr(file, "name", "")):
            releases.prune(1)
        return add(self, file)  # type: ignore[arg-type]

    monkeypatch.setattr(ObjectFolder, "add", pruned_first)
    record = backed_up(tmp_path / "backups").record
    assert record.current == releases.current_id()
    assert not [file for file in record.files if oldest in file.path]


def test_one_backup_at_a_time_and_none_into_what_is_copied(instance: Path, tmp_path: Path) -> None:
    """(18) Two backups into one folder exclude each other; a backup of a backup would grow without end."""
    with open_folder(tmp_path / "backups").writing(), pytest.raises(Conflict, match="another backup"):
        backed_up(tmp_path / "backups")
    with pytest.raises(UsageError, match="inside of data"):
        backed_up(instance / "data" / "backups")


def test_folders_elsewhere_are_restored_at_their_defaults(instance: Path, tmp_path: Path) -> None:
    """(18) Absolute paths of settings do not lead a restore out of its folder."""
    shutil.move(instance / "data", tmp_path / "elsewhere")
    settings = replace(Settings(), data=tmp_path / "elsewhere", releases=(instance / "var" / "releases"))
    back_up(settings, open_folder(tmp_path / "backups"))
    restore(tmp_path / "backups", tmp_path / "new")
    assert (tmp_path / "new" / "data" / "register.trig").is_file()
    assert Releases(tmp_path / "new" / "var" / "releases").current_id() == Releases(settings.releases).current_id()


def test_an_empty_folder_is_neither_backed_up_nor_has_backups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong working folder or address is an error, in a nightly job too."""
    monkeypatch.chdir(tmp_path)
    made = command("backup", "copies")
    assert (made.exit_code, f"nothing to back up in {tmp_path}" in made.output) == (2, True)
    for arguments in (
        ["restore"],
        ["restore", "--", "copies", "new"],
        ["backup", "--verify"],
        ["backup", "--prune", "9d"],
    ):
        result = command(*arguments, *([] if "copies" in arguments else ["copies"]))
        assert (result.exit_code, "there is no backup in copies" in result.output) == (2, True)
    assert not any(tmp_path.iterdir())


def test_the_command_after_a_restore_can_be_pasted(instance: Path, tmp_path: Path) -> None:
    """A folder with a space in its name is quoted."""
    assert command("backup", str(tmp_path / "copies")).exit_code == 0
    result = command("restore", str(tmp_path / "copies"), str(tmp_path / "geri yük"))
    assert f"cd '{tmp_path}/geri yük' && citygraph serve" in result.output
