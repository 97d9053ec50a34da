"""The commands about the SPARQL store behind the publisher (docs/stores.md)."""

from __future__ import annotations

from dataclasses import asdict

import click
from rich.console import Console

from citygraph.cli.console import OK, VIOLATES, JsonProgress, TerminalProgress, command, print_json
from citygraph.errors import UsageError
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.stores.inspection import inspect
from citygraph.stores.store_loading import StoreLoader
from citygraph.stores.store_service import QueryRefused, StoreService, addresses_of
from citygraph.stores.store_state import LoadedRelease, loaded_releases


@click.group()
def store() -> None:
    """The SPARQL store that answers /sparql: load a release, show what it has, remove releases."""


@store.command("load")
@click.argument("release_id", metavar="[RELEASE]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@click.pass_obj
@command
def load_store(settings: Settings, release_id: str | None, as_json: bool) -> int:
    """Load a release, by default the current one, into the store; remove earlier ones from it.

    A load that was broken off goes on where it was. Queries use the release when it is complete and verified.
    """
    releases = Releases(settings.releases)
    release = releases.get(release_id) if release_id else releases.current()
    progress = JsonProgress() if as_json else TerminalProgress(Console())
    service = _service(settings)
    try:
        loaded = StoreLoader(service, settings.base, progress).load(release)
    except QueryRefused as error:
        raise UsageError(f"the store refuses: {error}") from None
    finally:
        if isinstance(progress, TerminalProgress):
            progress.stop()
    if as_json:
        print_json(asdict(loaded))
    else:
        click.echo(f"the store has {release.id}")
    return OK


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
    """Prints what is found in a store. Returns the exit status."""
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


def _service(settings: Settings) -> StoreService:
    if not settings.store:
        raise UsageError('there is no store: set store = "https://…" in [server] of citygraph.toml (docs/stores.md)')
    return StoreService(addresses_of(settings))


def _loaded(service: StoreService) -> list[LoadedRelease]:
    try:
        return loaded_releases(service)
    except QueryRefused as error:
        raise UsageError(f"the store refuses: {error}") from None
