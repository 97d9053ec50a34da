"""Releases and backups in a folder or a bucket: one layout, complete or absent, whoever else writes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from citygraph.backup.backup import back_up, problems
from citygraph.backup.backup_records import Backups
from citygraph.backup.restoring import restore
from citygraph.cli.main import main
from citygraph.errors import BadData, Conflict, Forbidden, NotFound, StorageFull, Upstream, UsageError
from citygraph.progress import Progress
from citygraph.release.disk_room import DiskRoom
from citygraph.release.releases import Release, Releases
from citygraph.release.retention import parse_policy
from citygraph.settings import Settings
from citygraph.storage.object_folder import ObjectFolder, key_of, open_folder, stored_files
from citygraph.storage.pulling import PulledReleases, pull
from citygraph.storage.pushing import PushedReleases, push
from citygraph.storage.release_pointer import RELEASES, read_pointer, replace_pointer
from tests.buckets import BUCKET, SECRET, bucket_server, variables
from tests.faulty_proxy import Fault, faulty_proxy
from tests.small import build_small, publish_name


@pytest.fixture(scope="module", autouse=True)
def _what_is_there_is_kept() -> Iterator[None]:
    """What other tests made is not looked through for garbage before each test here."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="module")
def bucket() -> Iterator[int]:
    """The port of an S3-compatible server. Take a prefix of your own."""
    with bucket_server() as port:
        yield port


@pytest.fixture(params=["folder", "bucket"])
def address(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new place for objects: a folder, or a prefix in a bucket."""
    if request.param == "folder":
        return str(tmp_path / "objects")
    return bucket_address(request.getfixturevalue("bucket"), monkeypatch)


def bucket_address(port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in variables(port).items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid4().hex}"


@pytest.fixture
def publisher(tmp_path: Path) -> Releases:
    """A machine with the small graph."""
    (tmp_path / "publisher").mkdir()
    build_small(tmp_path / "publisher")
    # A result of the store may only be released by the thread that made it, not by one of the bucket's.
    gc.collect()
    return Releases(tmp_path / "publisher" / "releases")


@pytest.fixture
def reader(tmp_path: Path) -> Releases:
    """A machine without a release."""
    return Releases(tmp_path / "reader" / "releases")


def pushed(releases: Releases, address: str, force: bool = False) -> PushedReleases:
    return push(releases, open_folder(address, private=False), Progress(), force)


def pulled(releases: Releases, address: str, tag: str = "", force: bool = False) -> PulledReleases | None:
    return pull(releases, open_folder(address), Progress(), tag, force)


def same(one: Release, other: Release) -> bool:
    """Whether two releases have the same statements and files."""
    paths = [sorted(path.relative_to(release.path) for path in release.path.rglob("*")) for release in (one, other)]
    names = [[path for path in some if not path.name.startswith("LOG")] for some in paths]
    return names[0] == names[1] and all(
        (one.path / path).read_bytes() == (other.path / path).read_bytes()
        for path in names[0]
        if (one.path / path).is_file()
    )


def command(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def damage(folder: ObjectFolder, release: str, ending: str, content: bytes | None) -> None:
    """Replaces the object of a file of a release, or removes it."""
    files = stored_files(folder.read_record(RELEASES, release)["files"])
    file = next(one for one in files if one.path.endswith(ending))
    if content is None:
        folder.remove_object(file.sha256)
    else:
        folder.store.put(key_of(file.sha256), [content])


def test_a_release_comes_to_another_machine_and_later_ones_share_its_files(
    publisher: Releases, reader: Releases, address: str
) -> None:
    """(18) Byte for byte; what is there already is neither copied nor read again, and nothing is done twice."""
    publisher.pin(publisher.current_id(), "cited in a report")
    first = pushed(publisher, address)
    got = pulled(reader, address)
    assert got is not None
    assert (got.release, got.new) == (publisher.current_id(), 1)
    assert same(reader.current(), publisher.current())
    assert reader.pins() == publisher.pins()
    assert pushed(publisher, address).copied == 0
    # The pointer is the same: it is not even read.
    assert pulled(reader, address, got.tag) is None
    publish_name(publisher, 1)
    second, then = pushed(publisher, address), pulled(reader, address, got.tag)
    assert then is not None
    assert second.copied_bytes < first.copied_bytes / 3
    assert then.size < got.size / 3
    assert reader.current_id() == second.release == publisher.current_id()
    assert same(reader.current(), publisher.current())
    assert len(reader.current().open_store()) == len(publisher.current().open_store())


def test_a_damaged_object_changes_nothing_here(publisher: Releases, reader: Releases, address: str) -> None:
    """(18) Cut, another one, or missing: the former release stays, nothing is left, and object and file are named."""
    pushed(publisher, address)
    pulled(reader, address)
    former, release = reader.current_id(), publish_name(publisher, 1)
    pushed(publisher, address)
    folder = open_folder(address)
    good = (publisher.current().path / "manifest.json").read_bytes()
    for content in (good[:-1], good + b" ", b"another content", b"", None):
        damage(folder, release, "manifest.json", content)
        with pytest.raises(BadData, match=r"(damaged|missing).*manifest\.json"):
            pulled(reader, address)
        assert reader.current_id() == former
        assert [path for path in reader.root.iterdir() if release in path.name or "staging" in path.name] == []
    damage(folder, release, "manifest.json", good)
    assert pulled(reader, address) is not None
    assert reader.current_id() == release


def test_a_copy_that_is_not_finished_is_not_a_release(publisher: Releases, reader: Releases, address: str) -> None:
    """(18) A pointer whose record is missing, or is another one than it says, is refused."""
    pushed(publisher, address)
    pulled(reader, address)
    former, release = reader.current_id(), publish_name(publisher, 1)
    pushed(publisher, address)
    folder = open_folder(address)
    record = folder.read_record(RELEASES, release)
    folder.remove_record(RELEASES, release)
    with pytest.raises(BadData, match="missing, although the pointer names it"):
        pulled(reader, address)
    folder.write_record(RELEASES, release, {**record, "files": record["files"][1:]})
    with pytest.raises(BadData, match="another content than expected"):
        pulled(reader, address)
    assert reader.current_id() == former


def test_of_two_who_publish_one_is_refused_and_reads_who_was_faster(
    publisher: Releases, tmp_path: Path, address: str
) -> None:
    """(18) The pointer is replaced only by who has seen the one before; nobody's release is lost unseen."""
    pushed(publisher, address)
    other = Releases(tmp_path / "other" / "releases")
    pulled(other, address)
    mine, theirs = publish_name(publisher, 1), publish_name(other, 2)
    pushed(other, address)
    with pytest.raises(Conflict, match=f"not known here: {theirs}, pushed by .*other/releases at"):
        pushed(publisher, address)
    # Between the look at the pointer and its replacement.
    folder = open_folder(address)
    seen = read_pointer(folder)
    assert seen is not None
    pushed(publisher, address, force=True)
    with pytest.raises(Conflict, match=f"was faster: the current release there is now {mine}, pushed by"):
        replace_pointer(folder, seen[0], seen[1])
    with pytest.raises(Conflict, match="was faster"):
        replace_pointer(folder, seen[0], "")


def test_many_who_publish_at_once_leave_one_pointer_that_is_whole(
    publisher: Releases, tmp_path: Path, bucket: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) Conditional writes of a bucket: of eight at once exactly one creates it, and one replaces it."""
    address = bucket_address(bucket, monkeypatch)
    pushed(publisher, address)
    pointer, tag = read_pointer(open_folder(address)) or (None, "")
    assert pointer is not None
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        try:
            replace_pointer(open_folder(address), replace(pointer, publisher=f"writer {number}"), tag)
            outcomes.append(f"writer {number}")
        except Conflict:
            outcomes.append("")

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    now = read_pointer(open_folder(address))
    assert now is not None
    assert [one for one in outcomes if one] == [now[0].publisher]


def test_pruned_releases_leave_the_folder_and_the_readers(
    publisher: Releases, reader: Releases, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) What the publisher no longer keeps is removed from readers, but not while somebody may read it."""
    first = publisher.current_id()
    pushed(publisher, address)
    publish_name(publisher, 1)
    pushed(publisher, address)
    pulled(reader, address)
    publisher.prune(1)
    pushed(publisher, address)
    pulled(reader, address)
    assert open_folder(address).names(RELEASES) == [publisher.current_id()]
    assert len(reader.history()) == 2
    monkeypatch.setattr("citygraph.release.receiving.IN_USE", timedelta(0))
    pulled(reader, address)
    assert [one.id for one in reader.history()] == [publisher.current_id()]
    assert first not in [path.stem for path in (reader.root / ".received").iterdir()]


def test_a_release_made_here_is_not_replaced_unseen(publisher: Releases, tmp_path: Path, address: str) -> None:
    """(18) pull says what to do; --force replaces it, and it stays among the releases."""
    pushed(publisher, address)
    (tmp_path / "own").mkdir()
    own = build_small(tmp_path / "own")
    releases = Releases(tmp_path / "own" / "releases")
    (releases.root / own.id).rename(releases.root / f"{own.id}-2")
    (releases.root / "current").unlink()
    (releases.root / "current").symlink_to(f"{own.id}-2")
    with pytest.raises(Conflict, match=r"made here and is not there.*pull --force"):
        pulled(releases, address)
    assert pulled(releases, address, force=True) is not None
    assert (releases.current_id(), (releases.root / f"{own.id}-2").is_dir()) == (publisher.current_id(), True)


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    publisher: Releases, reader: Releases, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) With both figures."""
    pushed(publisher, address)
    monkeypatch.setattr("citygraph.release.disk_room.disk_room", lambda _: DiskRoom(1_000_000, 0))
    with pytest.raises(StorageFull, match=r"needs [\d.]+ MB of disk, and 1\.0 MB are free: nothing was changed"):
        pulled(reader, address)
    assert not [path for path in reader.root.glob("*") if not path.name.startswith((".received", ".lock"))]


def test_the_commands_say_what_is_wrong(
    publisher: Releases, tmp_path: Path, bucket: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) A bucket that is away, refuses or is not there, an empty one, and addresses that are none; no secrets."""
    address = bucket_address(bucket, monkeypatch)
    releases = ("--releases", str(publisher.root))
    done = command(*releases, "push", address)
    assert (done.exit_code, f"current in {address} is {publisher.current_id()}" in done.output) == (0, True)
    assert "release(s)" in done.output
    new = ("--releases", str(tmp_path / "new"))
    assert command(*new, "pull", address).exit_code == 0
    for wrong, text in (
        (f"{address}-other", "no release in"),
        ("s3://no-such-bucket/x", "no bucket no-such-bucket"),
        ("gs://bucket/x", "neither a folder nor s3://"),
        (f"s3://key:{SECRET}@bucket/x", "must not have credentials"),
    ):
        done = command(*new, "pull", wrong)
        assert (done.exit_code, text in done.output) == (2, True), done.output
        assert SECRET not in done.output
    with faulty_proxy(bucket) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        proxy.faults.append(Fault(status=403, body=b"<Error><Code>AccessDenied</Code></Error>"))
        done = command(*new, "pull", address)
        assert (done.exit_code, "refuses access: check the credentials" in done.output) == (2, True), done.output
    monkeypatch.setattr("citygraph.storage.bucket_store._RETRIES", 1)
    done = command(*releases, "push", address)
    assert (done.exit_code, f"{address} cannot be reached" in done.output) == (2, True), done.output
    assert SECRET not in done.output
    with pytest.raises(Upstream):
        open_folder(address).names(RELEASES)


def test_what_fails_for_a_moment_is_tried_again(
    publisher: Releases, reader: Releases, bucket: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) Errors of the server, dropped connections and cut answers, in the middle of a pull."""
    address = bucket_address(bucket, monkeypatch)
    pushed(publisher, address)
    with faulty_proxy(bucket) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        for fault in (Fault(status=503), Fault(drops=True), Fault(keep=10), Fault(status=500), Fault(hangs=0.2)):
            proxy.faults += [Fault(), fault]
        assert pulled(reader, address) is not None
        assert proxy.faults == []
    assert same(reader.current(), publisher.current())


def test_credentials_come_from_the_file_of_other_tools(
    tmp_path: Path, bucket: int, publisher: Releases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) A profile of ~/.aws/credentials, if no variable has them; no store shows them."""
    address = bucket_address(bucket, monkeypatch)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "credentials").write_text(f"[city]\naws_access_key_id = key\naws_secret_access_key = {SECRET}\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "city")
    pushed(publisher, address)
    folder = open_folder(address)
    assert SECRET not in repr(vars(folder.store))
    assert folder.names(RELEASES) == [publisher.current_id()]


def test_a_backup_in_a_bucket_is_verified_restored_and_pruned(
    publisher: Releases, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) By the same layout; of old backups a policy keeps some, and their objects go when nothing needs them."""
    monkeypatch.chdir(publisher.root.parent)
    settings = Settings(releases=Path("releases"))
    first = back_up(settings, open_folder(address))
    (Path("data") / "register.trig").write_text("# new\n")
    second = back_up(settings, open_folder(address))
    assert (second.copied, command("backup", "--verify", address).exit_code) == (1, 0)
    restore(open_folder(address), tmp_path / "new", first.record.name)
    assert same(Releases(tmp_path / "new" / "releases").current(), publisher.current())
    backups, now = Backups(open_folder(address)), datetime.now(UTC)
    removed, objects = backups.prune(parse_policy("1 newest"), now, timedelta(days=1))
    assert (removed, objects.count, objects.waiting) == ([first.record.name], 0, 1)
    assert backups.names() == [second.record.name]
    # A day later; meanwhile another backup may have needed the object again.
    removed, objects = backups.prune(parse_policy("1 newest"), now + timedelta(days=2), timedelta(days=1))
    assert (removed, objects.count, objects.waiting) == ([], 1, 0)
    assert list(problems(open_folder(address))) == []
    done = command("backup", "--prune", "30d", address)
    assert (done.exit_code, "1 backup(s) kept" in done.output) == (0, True), done.output


def test_a_damaged_record_keeps_all_objects(
    publisher: Releases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(18) What a backup needs is unknown then: nothing is removed, and the record is named."""
    monkeypatch.chdir(publisher.root.parent)
    folder = open_folder(tmp_path / "backups")
    name = back_up(Settings(releases=Path("releases")), folder).record.name
    back_up(Settings(releases=Path("releases")), folder)
    (tmp_path / "backups" / "backups" / f"{name}.json").write_text("{}")
    there = set(folder.objects())
    with pytest.raises(BadData, match=name):
        Backups(folder).prune(parse_policy("10 newest"), datetime.now(UTC) + timedelta(days=3), timedelta(days=1))
    assert set(folder.objects()) == there


def test_without_its_package_a_bucket_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """(18) A folder needs no package."""
    monkeypatch.setitem(__import__("sys").modules, "obstore.store", None)
    with pytest.raises(UsageError, match=r"pip install 'citygraph\[s3\]'"):
        open_folder("s3://bucket/x")
    with pytest.raises(NotFound):
        read_pointer(open_folder("/nowhere"))
    assert issubclass(Forbidden, Exception)
