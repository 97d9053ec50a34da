"""The commands about the SPARQL store behind the publisher (docs/stores.md)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from citygraph.cli.console import OK, VIOLATES, FilePath, JsonProgress, TerminalProgress, command, print_json
from citygraph.errors import UsageError
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.stores.bulk_files import FILE_SIZE
from citygraph.stores.inspection import inspect
from citygraph.stores.store_loading import StoreLoader
from citygraph.stores.store_service import QueryRefused, StoreService, addresses_of
from citygraph.stores.store_state import LoadedRelease, loaded_releases


@click.group()
def store() -> None:
    """The SPARQL store behind /sparql: load a release, show its content, remove releases."""


@store.command("load")
@click.argument("release_id", metavar="[RELEASE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.pass_obj
@command
def load_store(settings: Settings, release_id: str | None, as_json: bool) -> int:
    """Load a release, by default the current one, into the store; remove earlier ones from it.

    An interrupted load continues from the same place. Queries use the release when it is complete and verified.
    """
    release = _release(settings, release_id)
    with _loading(settings, as_json) as loader:
        loaded = loader.load(release)
    return _print_loaded(loaded, as_json)


@store.command("write")
@click.argument("folder", type=FilePath(path_type=Path, file_okay=False))
@click.argument("release_id", metavar="[RELEASE]", required=False)
@click.option("--statements", type=click.IntRange(min=1), default=FILE_SIZE, show_default=True, help="In each file.")
@click.option("--no-default", is_flag=True, help="Leave out the default graph, which virtuoso.sh makes by itself.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.pass_obj
@command
def write_store(
    settings: Settings, folder: Path, release_id: str | None, statements: int, no_default: bool, as_json: bool
) -> int:
    """Write a release as files for the store's own bulk loader, into a new FOLDER.

    The store is inspected first. README.md in the folder explains how to load the files; then run `adopt`.
    """
    release = _release(settings, release_id)
    with _loading(settings, as_json) as loader:
        record = loader.write(release, folder, statements, not no_default)
    if as_json:
        print_json(asdict(record))
    else:
        click.echo(f"load the files as {folder / 'README.md'} says, then: citygraph store adopt {folder}")
    return OK


@store.command("adopt")
@click.argument("folder", type=FilePath(path_type=Path, exists=True, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.pass_obj
@command
def adopt_in_store(settings: Settings, folder: Path, as_json: bool) -> int:
    """Use a release whose files in FOLDER have been loaded by the store's own bulk loader.

    The number of statements of each graph and the test literals are verified; earlier releases are removed.
    """
    with _loading(settings, as_json) as loader:
        loaded = loader.adopt(folder)
    return _print_loaded(loaded, as_json)


@store.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
@command
def show_store(settings: Settings, as_json: bool) -> int:
    """List the releases in the store. Exit status: 0 the current one is among them, 1 not, 2 the command failed."""
    service = _service(settings)
    current = Releases(settings.releases).current()
    loaded = _loaded(service)
    if as_json:
        print_json({"product": service.product, "current": current.id, "loaded": [asdict(one) for one in loaded]})
    else:
        click.echo(service.product)
        for one in loaded:
            mark = "current" if one.digest == current.manifest.digest else "earlier"
            click.echo(
                f"{one.release}  {mark}; {len(one.constructs)} constructs and {len(one.predicates)} predicates "
                "are answered from the release"
            )
    return OK if any(one.digest == current.manifest.digest for one in loaded) else VIOLATES


@store.command("drop")
@click.argument("release_id", metavar="RELEASE")
@click.pass_obj
@command
def drop_from_store(settings: Settings, release_id: str) -> int:
    """Remove a release from the store, complete or not. The release itself stays."""
    service = _service(settings)
    release = Releases(settings.releases).get(release_id)
    StoreLoader(service, settings.base).remove(release)
    click.echo(f"removed {release_id} from the store")
    return OK


def inspect_store(settings: Settings, as_json: bool) -> int:
    """Prints the results of an inspection. Returns the exit status."""
    try:
        inspection = inspect(_service(settings))
    except QueryRefused as error:
        raise UsageError(f"the store refuses: {error}") from None
    if as_json:
        print_json(asdict(inspection))
        return OK
    click.echo(inspection.product)
    for one in inspection.deviations:
        click.echo(f"{one.title}\n  found: {one.evidence}\n  so: {one.remedy}")
    click.echo(f"{len(inspection.deviations)} deviations")
    return OK


def _release(settings: Settings, release_id: str | None) -> Release:
    releases = Releases(settings.releases)
    return releases.get(release_id) if release_id else releases.current()


@contextmanager
def _loading(settings: Settings, as_json: bool) -> Iterator[StoreLoader]:
    """Yields a loader that shows its progress. Raises UsageError if the store refuses a request in the block."""
    progress = JsonProgress() if as_json else TerminalProgress(Console())
    try:
        yield StoreLoader(_service(settings), settings.base, progress)
    except QueryRefused as error:
        raise UsageError(f"the store refuses: {error}") from None
    finally:
        if isinstance(progress, TerminalProgress):
            progress.stop()


def _print_loaded(loaded: LoadedRelease, as_json: bool) -> int:
    if as_json:
        print_json(asdict(loaded))
    else:
        click.echo(f"the store has {loaded.release}")
    return OK


def _service(settings: Settings) -> StoreService:
    if not settings.store:
        raise UsageError('there is no store: set store = "https://…" in [server] of citygraph.toml (docs/stores.md)')
    return StoreService(addresses_of(settings))


def _loaded(service: StoreService) -> list[LoadedRelease]:
    try:
        return loaded_releases(service)
    except QueryRefused as error:
        raise UsageError(f"the store refuses: {error}") from None
