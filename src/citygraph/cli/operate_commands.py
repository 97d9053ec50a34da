"""The commands of an operator: backup and restore, push and pull, and prune."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from citygraph.backup.backup import back_up, problems
from citygraph.backup.backup_records import Backups
from citygraph.backup.restoring import restore as restore_backup
from citygraph.cli.audited import audit, audited
from citygraph.cli.console import OK, VIOLATES, FilePath, StorageAddress, TerminalProgress, command
from citygraph.errors import UsageError
from citygraph.instance import FILE
from citygraph.release.interrupted_build import remove_interrupted
from citygraph.release.releases import Releases
from citygraph.release.retention import parse_policy
from citygraph.settings import Settings
from citygraph.storage.object_folder import ObjectFolder, open_folder
from citygraph.storage.pulling import pull as pull_releases
from citygraph.storage.pushing import push as push_releases
from citygraph.storage.unused_objects import WAITING

_ADDRESS = "DIR|s3://BUCKET/PREFIX"


@click.command()
@click.argument("address", metavar=_ADDRESS, type=StorageAddress())
@click.option("--verify", is_flag=True, help="Read all backups there, and name what is damaged; copy nothing.")
@click.option("--prune", "keep", metavar="POLICY", help='Remove the backups that are not kept by "30d, 12 monthly".')
@click.pass_obj
@command
def backup(settings: Settings, address: str, verify: bool, keep: str | None) -> int:
    """Back up releases, data, own vocabulary, tokens, audit log and settings; earlier backups may be there.

    Only new content is copied; the server may keep running. Credentials for s3:// are those of AWS's tools: the
    variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and AWS_ENDPOINT_URL, or ~/.aws/credentials. Exit
    status: 0 success, 1 with --verify if something is damaged, 2 failure.
    """
    folder = open_folder(address)
    if verify and keep is not None:
        raise UsageError("--verify and --prune are two commands: run one after the other")
    if verify:
        return _verify(folder)
    if keep is not None:
        return _prune_backups(folder, keep)
    result = back_up(settings, folder, Path(os.environ.get("CITYGRAPH_CONFIG") or FILE))
    click.echo(
        f"backup {result.record.name}: {len(result.record.files):,} files, "
        f"{result.copied:,} copied ({result.copied_bytes / 1e6:,.1f} MB)"
    )
    return OK


@click.command()
@click.argument("address", metavar=_ADDRESS, type=StorageAddress())
@click.argument("target", metavar="[NEW]", required=False, type=FilePath(path_type=Path, file_okay=False))
@click.option("--backup", "name", default="", metavar="NAME", help="This backup. [default: the newest]")
@command
def restore(address: str, target: Path | None, name: str) -> int:
    """Restore a backup to the empty or new folder NEW, with each digest checked.

    Without NEW, the names of the backups are printed, the newest first.
    """
    folder = open_folder(address)
    if target is None:
        for one in Backups(folder).existing():
            click.echo(one)
        return OK
    record = restore_backup(folder, target, name)
    # In the log of the restored instance.
    restored = Settings(audit=target / Settings().audit)
    audit(restored, "restore", "restored", backup=record.name, source=address, release=record.current)
    click.echo(f"restored {record.name}: {len(record.files):,} files; current is {record.current or 'no release'}")
    click.echo(f"to serve it: cd {shlex.quote(str(target))} && citygraph serve", err=True)
    return OK


@click.command()
@click.argument("address", metavar=_ADDRESS, type=StorageAddress())
@click.option("--force", is_flag=True, help="Replace a current release there that is not known here.")
@click.pass_obj
@command
def push(settings: Settings, address: str, force: bool) -> int:
    """Publish the releases of this machine in a folder or a bucket, from which other servers get them.

    Only missing content is copied. Readers see the new current release when it is complete. The command fails, and
    changes nothing for readers, if another publisher has pushed a release that is not here. Credentials for s3:// are
    those of AWS's tools: see `citygraph backup --help`.

    \b
    citygraph push s3://city-graph/releases
    citygraph serve --follow s3://city-graph/releases      (on the other machines)
    """
    progress = TerminalProgress(Console(stderr=True))
    with audited(settings, "push", "published") as details:
        details |= {"to": address, "force": force}
        result = push_releases(Releases(settings.releases), open_folder(address, private=False), progress, force)
        details["release"] = result.release
    click.echo(f"current in {address} is {result.release}")
    return OK


@click.command()
@click.argument("address", metavar=_ADDRESS, type=StorageAddress())
@click.option("--force", is_flag=True, help="Replace a current release that was made here and is not known there.")
@click.pass_obj
@command
def pull(settings: Settings, address: str, force: bool) -> int:
    """Get the releases that `citygraph push` published, and switch to the current one when all of them are verified.

    Only missing content is read. After a failure the former release remains the current one. A running server follows
    the switch; `citygraph serve --follow` pulls automatically.
    """
    progress = TerminalProgress(Console(stderr=True))
    with audited(settings, "pull", "pulled") as details:
        details |= {"from": address, "force": force}
        result = pull_releases(Releases(settings.releases), open_folder(address, private=False), progress, force=force)
        details["release"] = result.release if result is not None else ""
    if result is not None:
        click.echo(f"current is {result.release}")
    return OK


@click.command()
@click.option("--keep", metavar="POLICY", help='What to keep, such as "30d, 12 monthly". [default: the setting keep]')
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing.")
@click.pass_obj
@command
def prune(settings: Settings, keep: str | None, dry_run: bool) -> int:
    """Remove the releases that the policy does not keep.

    The current release, pinned ones, and those that stored results cite are never removed. What an interrupted build
    has left is removed.

    \b
    citygraph prune --keep "30d, 12 monthly, cited, tagged" --dry-run
    citygraph prune --keep "5 newest"
    """
    text = settings.keep if keep is None else keep
    if not text:
        raise UsageError('nothing says what to keep: write keep = "30d, 12 monthly" in citygraph.toml, or --keep')
    policy, now = parse_policy(text), datetime.now(UTC)
    releases = Releases(settings.releases)
    removed = releases.prune(lambda history: policy.kept(history, now), dry_run)
    if removed and not dry_run:
        audit(settings, "prune", "removed", keep=text, releases=removed)
    if not dry_run:
        remove_interrupted(releases)
    for name in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'} {name}")
    click.echo(f"{len(releases.history()) - len(removed) * dry_run} release(s) kept", err=True)
    return OK


def _verify(folder: ObjectFolder) -> int:
    damaged = list(problems(folder))
    for problem in damaged:
        click.echo(problem)
    names = Backups(folder).existing()
    click.echo(f"{len(names)} backup(s), the newest of {names[0]}; {len(damaged)} problem(s)", err=True)
    if damaged:
        click.echo(
            "to repair: remove the named files, and back up again, which copies them if they still exist", err=True
        )
    return VIOLATES if damaged else OK


def _prune_backups(folder: ObjectFolder, keep: str) -> int:
    Backups(folder).existing()  # Without any, the address is wrong.
    removed, objects = Backups(folder).prune(parse_policy(keep), datetime.now(UTC), WAITING)
    for name in removed:
        click.echo(f"removed {name}")
    click.echo(
        f"{len(Backups(folder).names())} backup(s) kept; {objects.count:,} file(s) removed ({objects.size / 1e6:,.1f} "
        f"MB), {objects.waiting:,} ({objects.waiting_size / 1e6:,.1f} MB) can be removed a day after their last use",
        err=True,
    )
    return OK
