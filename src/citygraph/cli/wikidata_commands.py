"""The commands about Wikidata: pull, import, compare, write corrections for a person to send, check the links."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from pyoxigraph import NamedNode, Quad
from rich.console import Console

from citygraph.build.export import export_quads
from citygraph.cli import console
from citygraph.cli.console import OK, VIOLATES, command
from citygraph.errors import UsageError
from citygraph.rdf.terms import GRAPH, QUALITY_GRAPH
from citygraph.release.releases import Releases
from citygraph.settings import Settings
from citygraph.source.files import Sources
from citygraph.wikidata import differences, quickstatements
from citygraph.wikidata.client import Client, over_http
from citygraph.wikidata.compare import Comparison, compare
from citygraph.wikidata.differences import Change, State
from citygraph.wikidata.dump import LocalEngine, import_dump
from citygraph.wikidata.edits import KINDS, edits_of
from citygraph.wikidata.links import check_links, write_links
from citygraph.wikidata.pull import Scope, pull
from citygraph.wikidata.quickstatements import PER_BATCH, batches, to_csv, to_v1
from citygraph.wikidata.source_file import Written
from citygraph.wikidata.spark import SparkEngine, spark_session
from citygraph.wikidata.world import LANGUAGES

_CITY = click.option(
    "--city", "cities", multiple=True, metavar="Q…", help="A city, with its partners. Can be repeated."
)
_COUNTRY = click.option("--country", default="", metavar="Q…", help="All cities of a country that have partners.")
_ALL = click.option("--all", "everything", is_flag=True, help="All cities of the world that have partners.")
_FORM = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "trig"]), default="table", show_default=True
)
_STATE = click.Choice([state.value for state in State])
_AGE = click.option("--max-age", type=float, metavar="DAYS", help="Ask again what was answered longer ago.")
_REFRESH = click.option("--refresh", is_flag=True, help="Ask everything again.")


@click.group()
def wikidata() -> None:
    """Read what Wikidata says of sister cities, compare it with ours, and write what it lacks."""


@wikidata.command("pull")
@_CITY
@_COUNTRY
@_ALL
@click.option("--into", type=click.Path(path_type=Path), help="Folder to write to. [default: data/sources]")
@click.option("--languages", default=",".join(LANGUAGES), show_default=True, help="Languages of the names.")
@_AGE
@_REFRESH
@click.pass_obj
@command
def wikidata_pull(
    settings: Settings,
    cities: tuple[str, ...],
    country: str,
    everything: bool,
    into: Path | None,
    languages: str,
    **age: Any,
) -> int:
    """Write what Wikidata says of places and their partners as a source that `citygraph build` reads.

    A pull that was killed goes on where it was when it is started again.
    """
    if not everything and not cities and not country:
        raise UsageError("name --city Q…, --country Q… or --all")
    if everything and (cities or country):
        raise UsageError("--all goes with neither --city nor --country")
    now = datetime.now(UTC)
    client = _client(settings, now, **age)
    into = into or settings.data / "sources"
    result = pull(Scope(cities, country), client, lambda: _quads(settings), into, today=now.date().isoformat(),
                  languages=tuple(languages.split(",")), tell=_tell)  # fmt: skip
    _tell(f"{result.asked} requests, {result.found} answers from {settings.wikidata_cache}")
    return _say_written(result.written)


@wikidata.command("import-dump")
@click.argument("dump")
@click.option("--retrieved", required=True, metavar="TIME", help="When it was made, such as 2026-11-16T00:00:00Z.")
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True)
@click.option("--master", default="", help="Master of Spark, such as local[4]. [default: Spark's own setting]")
@click.option("--workers", type=click.IntRange(min=0), default=0, help="Processes. [default: one for each core]")
@click.option("--sha256", default="", help="Digest of the dump, where it is not a file on this machine.")
@click.option("--into", type=click.Path(path_type=Path), help="Folder to write to. [default: data/sources]")
@click.pass_obj
@command
def wikidata_import_dump(
    settings: Settings,
    dump: str,
    retrieved: str,
    engine: str,
    master: str,
    workers: int,
    sha256: str,
    into: Path | None,
) -> int:
    """Write what DUMP (.json, .gz, .bz2, .zst) says of all twinned places of the world as a source."""
    runner = SparkEngine(spark_session(master)) if engine == "spark" else LocalEngine(workers, _tell)
    into = into or settings.data / "sources"
    return _say_written(
        import_dump(dump, lambda: _quads(settings), into, retrieved=retrieved, engine=runner, sha256=sha256)
    )


@wikidata.command("diff")
@_CITY
@_COUNTRY
@_ALL
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "trig"]), default="table", show_default=True
)
@click.option("--state", "states", multiple=True, type=_STATE, help="Only these findings.")
@click.option(
    "--save",
    is_flag=False,
    flag_value="",
    metavar="[FILE]",
    help="Keep the comparison as JSON, by default where the site shows it (/wikidata).",
)
@click.option("--saved", type=click.Path(path_type=Path), help="Show a comparison that was kept; ask nobody.")
@_AGE
@_REFRESH
@click.pass_obj
@command
def wikidata_diff(
    settings: Settings, form: str, states: tuple[str, ...], save: str | None, saved: Path | None, **asked: Any
) -> int:
    """Compare the current release with Wikidata, statement by statement, with the sources of both sides.

    Without --city, --country or --all: all our places that have a sister city and an item there.
    """
    if saved is not None:
        changes, retrieved = differences.from_json_text(_text(saved), str(saved))
    else:
        found = _compare(settings, **asked)
        changes, retrieved = found.changes, found.retrieved
    if save is not None:
        kept = Path(save) if save else settings.wikidata_comparison
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(differences.to_json_text(changes, retrieved), encoding="utf-8")
    shown = [change for change in changes if not states or change.state.value in states]
    _print_changes(shown, form, retrieved, GRAPH("wikidata-comparison"))
    counted = ", ".join(f"{count} {state}" for state, count in differences.counts(shown).items())
    _tell(f"{len(shown)} finding(s){': ' if counted else ''}{counted}; Wikidata as of {retrieved or 'never'}")
    return OK


@wikidata.command("quickstatements")
@_CITY
@_COUNTRY
@_ALL
@click.option("--format", "form", type=click.Choice(["v1", "csv"]), default="v1", show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(KINDS)), help="Only edits of these kinds.")
@click.option("--limit", type=click.IntRange(min=1), default=None, help="No more edits than this.")
@click.option("--batch", type=click.IntRange(min=1), default=PER_BATCH, show_default=True, help="Edits in a batch.")
@click.option("--into", type=click.Path(path_type=Path), help="Folder for a file per batch. [default: all printed]")
@_AGE
@_REFRESH
@click.pass_obj
@command
def wikidata_quickstatements(
    settings: Settings, form: str, only: tuple[str, ...], limit: int | None, batch: int, into: Path | None, **asked: Any
) -> int:
    """Write what Wikidata lacks as commands for QuickStatements, each with dates and references.

    Nothing is sent: a person reviews the text and pastes it. Items that do not fit by label, country and
    coordinates get no command; the summary, on standard error, says which and why.
    """
    found = _compare(settings, **asked)
    edits = edits_of(found.changes, found.ours, found.theirs, found.documents, only, limit or 0)
    made = batches(edits.edits, batch)
    write = to_v1 if form == "v1" else to_csv
    summary = quickstatements.summary(edits, made)
    if into is None:
        click.echo("\n".join(write(one) for one in made), nl=False)
    else:
        into.mkdir(parents=True, exist_ok=True)
        for one in made:
            (into / f"{one.name}.{'txt' if form == 'v1' else 'csv'}").write_text(write(one), encoding="utf-8")
        (into / "summary.txt").write_text(summary, encoding="utf-8")
    click.echo(summary, err=True, nl=False)
    return OK


@wikidata.command("check")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "trig"]), default="table", show_default=True
)
@click.option("--write/--no-write", default=True, help="Whether to write data/quality/wikidata-links.trig.")
@_AGE
@_REFRESH
@click.pass_obj
@command
def wikidata_check(settings: Settings, form: str, write: bool, **age: Any) -> int:
    """Follow every link of ours to Wikidata: does the item live, is it no redirect, is its class a fitting one?

    The result goes, with the day, into the graph of data quality, which `citygraph build` publishes.
    Exit status: 0 all links are right, 1 some are not.
    """
    now = datetime.now(UTC)
    findings = check_links(_quads(settings), _client(settings, now, **age), _tell)
    wrong = [finding for finding in findings if finding.state != State.AGREES]
    _print_changes(wrong if form == "table" else findings, form, now.strftime("%Y-%m-%dT%H:%M:%SZ"), QUALITY_GRAPH)
    if write:
        _tell(str(write_links(findings, now.date().isoformat(), settings.data)))
    _tell(f"{len(findings)} link(s), {len(wrong)} to look at")
    return VIOLATES if wrong else OK


def _compare(
    settings: Settings, cities: tuple[str, ...], country: str, everything: bool, max_age: float | None, refresh: bool
) -> Comparison:
    if everything and (cities or country):
        raise UsageError("--all goes with neither --city nor --country")
    scope = Scope(cities, country) if everything or cities or country else None
    now = datetime.now(UTC)
    store = Releases(settings.releases).current().open_store()
    client = _client(settings, now, max_age, refresh)
    return compare(store.quads_for_pattern(None, None, None, None), client, scope, today=now.date().isoformat(),
                   tell=_tell)  # fmt: skip


def _print_changes(changes: list[Change], form: str, retrieved: str, graph: NamedNode) -> None:
    if form == "csv":
        click.echo(differences.to_csv(changes), nl=False)
    elif form == "json":
        click.echo(differences.to_json_text(changes, retrieved), nl=False)
    elif form == "trig":
        click.echo(export_quads(graph, differences.to_quads(changes, graph, retrieved[:10])), nl=False)
    else:
        columns = ["finding", "entity", "statement", "of", "ours", "theirs", "note"]
        rows = [[r.state, f"{r.name} ({r.qid or '–'})", r.statement, r.value, r.ours, r.theirs, r.detail]
                for r in differences.rows(changes)]  # fmt: skip
        console.print_solutions(Console(), columns, rows)


def _text(path: Path) -> str:
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    return path.read_text(encoding="utf-8")


def _client(settings: Settings, now: datetime, max_age: float | None, refresh: bool) -> Client:
    oldest = now if refresh else now - timedelta(days=max_age) if max_age is not None else None
    return Client(
        settings.wikidata_endpoint,
        over_http(settings.wikidata_endpoint, settings.wikidata_contact),
        settings.wikidata_cache,
        newer_than=oldest.strftime("%Y-%m-%dT%H:%M:%SZ") if oldest else "",
    )


def _quads(settings: Settings) -> Iterator[Quad]:
    return (quad for file in Sources(settings.data, settings.ontology).data_files() for quad in file.read())


def _tell(text: str) -> None:
    click.echo(text, err=True)


def _say_written(written: Written) -> int:
    for finding in written.findings:
        _tell(f"{finding.kind}: {finding.detail}")
    click.echo(f"{written.path}: {written.statements} statements")
    return OK
