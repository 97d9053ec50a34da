"""The commands of an operator: backup, restore and prune."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

from citygraph.backup.backup import back_up, problems
from citygraph.backup.object_folder import ObjectFolder
from citygraph.backup.restoring import restore as restore_backup
from citygraph.cli.console import OK, VIOLATES, command
from citygraph.errors import UsageError
from citygraph.instance import FILE
from citygraph.release.releases import Releases
from citygraph.release.retention import parse_policy
from citygraph.settings import Settings

_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.option("--verify", is_flag=True, help="Read all backups in DIR, and name what is damaged; copy nothing.")
@click.pass_obj
@command
def backup(settings: Settings, folder: Path, verify: bool) -> int:
    """Back up releases, data, own vocabulary, tokens, audit log and settings to DIR, which may have earlier backups.

    Only what is new since then is copied; the server may go on. Exit status: 0 done, 1 with --verify: something is
    damaged, 2 the command failed.
    """
    if verify:
        return _verify(ObjectFolder(folder))
    result = back_up(settings, folder, Path(os.environ.get("CITYGRAPH_CONFIG") or FILE))
    click.echo(
        f"backup {result.record.name}: {len(result.record.files):,} files, "
        f"{result.copied:,} copied ({result.copied_bytes / 1e6:,.1f} MB)"
    )
    return OK


@click.command()
@click.argument("folder", metavar="DIR", type=_FOLDER)
@click.argument("target", metavar="[NEW]", required=False, type=_FOLDER)
@click.option("--backup", "name", default="", metavar="NAME", help="This backup. [default: the newest]")
@command
def restore(folder: Path, target: Path | None, name: str) -> int:
    """Restore a backup in DIR to the empty or new folder NEW, with each digest checked.

    Without NEW, the names of the backups are printed, the newest first.
    """
    if target is None:
        for one in ObjectFolder(folder).names():
            click.echo(one)
        return OK
    record = restore_backup(folder, target, name)
    click.echo(f"restored {record.name}: {len(record.files):,} files; current is {record.current or 'no release'}")
    click.echo(f"to serve it: cd {target} && citygraph serve", err=True)
    return OK


@click.command()
@click.option("--keep", metavar="POLICY", help='What to keep, such as "30d, 12 monthly". [default: the setting keep]')
@click.option("--dry-run", is_flag=True, help="Print what would be removed, and remove nothing.")
@click.pass_obj
@command
def prune(settings: Settings, keep: str | None, dry_run: bool) -> int:
    """Remove the releases that the policy does not keep.

    The current release, pinned ones, and those that stored results cite are never removed.

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
    for name in removed:
        click.echo(f"{'would remove' if dry_run else 'removed'} {name}")
    click.echo(f"{len(releases.history()) - len(removed) * dry_run} release(s) kept", err=True)
    return OK


def _verify(folder: ObjectFolder) -> int:
    damaged = list(problems(folder))
    for problem in damaged:
        click.echo(problem)
    # Raises NotFound if there is none.
    newest = folder.names()[0] if folder.names() else folder.record().name
    click.echo(f"{len(folder.names())} backup(s), the newest of {newest}; {len(damaged)} problem(s)", err=True)
    if damaged:
        click.echo(
            "to repair: remove the named files, and back up again, which copies them if they still exist", err=True
        )
    return VIOLATES if damaged else OK
