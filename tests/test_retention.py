"""Pruning by a policy: what it keeps, what it never removes, and when it runs by itself."""

from __future__ import annotations

import json
import os
import time
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from citygraph.cli.main import main
from citygraph.errors import StorageFull, UsageError
from citygraph.release.disk_room import DiskRoom, low_room, require_room_for_build, require_room_for_commit
from citygraph.release.releases import Manifest, Release, Releases
from citygraph.release.retention import KeepPolicy, parse_policy, prune_by_setting

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def releases_of(root: Path, times: list[datetime]) -> Releases:
    """Releases of these times, the newest first; the newest is the current one."""
    for number, one in enumerate(reversed(times), 1):
        name = f"{one:%Y-%m-%dT%H%M%SZ}-{number:012x}"
        (root / name).mkdir(parents=True)
        manifest = {"id": name, "created": f"{one:%Y-%m-%dT%H:%M:%SZ}", "number": number, "digest": f"{number:012x}"}
        (root / name / "manifest.json").write_text(json.dumps(manifest))
    (root / "current").symlink_to(name)
    return Releases(root)


@pytest.mark.parametrize(
    ("text", "policy"),
    [("30d, 12 monthly, cited, tagged", KeepPolicy(30, 0, {"monthly": 12})),
     ("5 newest", KeepPolicy(0, 5, {})),
     ("7 days,4 weekly", KeepPolicy(7, 0, {"weekly": 4}))],
)  # fmt: skip
def test_a_policy_is_read(text: str, policy: KeepPolicy) -> None:
    """(18) Days, the newest, and the last of each of some periods."""
    assert parse_policy(text) == policy


@pytest.mark.parametrize("text", ["30", "12 fortnightly", "30d; 12 monthly", "", "cited", "0d"])
def test_a_policy_that_is_not_understood_removes_nothing(text: str, tmp_path: Path) -> None:
    """(18) Neither a misspelt policy nor one that keeps nothing is guessed at."""
    with pytest.raises(UsageError, match="keep"):
        parse_policy(text)
    releases = releases_of(tmp_path, [NOW, NOW - timedelta(days=400)])
    done = CliRunner().invoke(main, ["--releases", str(tmp_path), "prune", "--keep", text])
    assert (done.exit_code, len(releases.history())) == (2, 2)


def test_the_last_release_of_each_period_is_kept(tmp_path: Path) -> None:
    """(18) 30d, 12 monthly: all of a month, then the last of each month, as far as twelve months with releases go."""
    times = [NOW - timedelta(days=10 * number) for number in range(60)]
    history = releases_of(tmp_path, times).history()
    kept = parse_policy("30d, 12 monthly").kept(history, NOW)
    dates = [one.id[:10] for one in history if one.id in kept]
    assert dates[:4] == ["2026-11-29", "2026-11-19", "2026-11-09", "2026-10-30"]
    assert dates[4:] == ["2026-09-30", "2026-08-31", "2026-07-22", "2026-06-22", "2026-05-23", "2026-04-23",
                         "2026-03-24", "2026-02-22", "2026-01-23", "2025-12-24"]  # fmt: skip


def test_pruning_says_what_it_removes_and_keeps_pinned_releases(tmp_path: Path) -> None:
    """(18) --dry-run removes nothing; the current release and pinned ones stay under every policy."""
    releases = releases_of(tmp_path, [NOW - timedelta(days=500 + number) for number in range(4)])
    names = [one.id for one in releases.history()]
    releases.pin(names[2], "in a thesis")
    arguments = ["--releases", str(tmp_path), "prune", "--keep", "30d, cited, tagged"]
    done = CliRunner().invoke(main, [*arguments, "--dry-run"])
    assert done.stdout.splitlines() == [f"would remove {names[1]}", f"would remove {names[3]}"]
    assert len(releases.history()) == 4
    done = CliRunner().invoke(main, arguments)
    assert done.stdout.splitlines() == [f"removed {names[1]}", f"removed {names[3]}"]
    assert [one.id for one in releases.history()] == [names[0], names[2]]
    assert not list(tmp_path.glob(".staging-*"))


def test_pruning_by_itself_needs_the_setting(tmp_path: Path) -> None:
    """(18) Without the setting nothing is removed; with it at most once an hour, and nothing just superseded."""
    now = datetime.now(UTC)
    ages = [timedelta(seconds=1), timedelta(days=1), timedelta(days=2), timedelta(days=3)]
    releases = releases_of(tmp_path, [now - age for age in ages])
    names = [one.id for one in releases.history()]
    assert prune_by_setting(releases, "") == []
    # The second was current until a second ago: servers may still answer from it.
    assert prune_by_setting(releases, "1 newest") == names[2:]
    assert prune_by_setting(releases, "1 newest") == []
    os.utime(tmp_path / ".pruned", (time.time() - 7200,) * 2)
    assert prune_by_setting(releases, "1 newest") == []
    assert [one.id for one in releases.history()] == names[:2]


def test_a_folder_that_is_pruned_needs_a_policy(tmp_path: Path) -> None:
    """(18) Without one the command says where to write it."""
    releases_of(tmp_path, [NOW])
    done = CliRunner().invoke(main, ["--releases", str(tmp_path), "prune"])
    assert (done.exit_code, "citygraph.toml" in done.stderr) == (2, True)


def published(root: Path) -> tuple[Releases, Release]:
    releases = Releases(root)
    with releases.stage() as staged:
        (staged.path / "dump.nq").write_bytes(b"x" * 3_000_000)
        return releases, staged.publish(Manifest(digest="1" * 12))


def test_room_for_the_lines_of_a_build_is_needed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(16 §5) A build removes them at its end: 1 kB for each statement of the release before."""
    releases = Releases(tmp_path)
    with releases.stage() as staged:
        staged.publish(Manifest(digest="1" * 12, quads=10_000))
    monkeypatch.setattr("citygraph.release.disk_room.disk_room", lambda _: DiskRoom(8_000_000, 0))
    with pytest.raises(StorageFull, match=r"about 10\.\d MB of disk, and 8\.0 MB are free"):
        require_room_for_build(releases, 1)
    assert "a build needs about 10." in low_room(releases)
    require_room_for_build(releases, 1, left=3_000_000)


def test_too_little_room_is_said_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(18) With figures: what is needed, and what is free."""
    releases, _ = published(tmp_path)
    status = namedtuple("status", ["f_bavail", "f_frsize", "f_blocks", "f_bfree"], defaults=(1, 1))
    monkeypatch.setattr(os, "statvfs", lambda _: status(100 * 1_000_000 // 4096, 4096))
    require_room_for_build(releases, 1)
    require_room_for_commit(releases, 1_000_000)
    assert low_room(releases) == ""
    monkeypatch.setattr(os, "statvfs", lambda _: status(5 * 1_000_000 // 4096, 4096))
    require_room_for_build(releases, 1)
    assert "5.0 MB are free" in low_room(releases)
    with pytest.raises(StorageFull, match=r"at least 20128 kB of disk, and 49\d\d kB are free: nothing was changed"):
        require_room_for_commit(releases, 10_000_000)
    monkeypatch.setattr(os, "statvfs", lambda _: status(1_000_000 // 4096, 4096))
    with pytest.raises(StorageFull, match=r"about 3\.\d MB of disk, and 1\.0 MB are free"):
        require_room_for_build(releases, 1)
    # Without a release the need is estimated from the data.
    with pytest.raises(StorageFull, match=r"about 34\.8 MB"):
        require_room_for_build(Releases(tmp_path / "new"), 1_000_000)
