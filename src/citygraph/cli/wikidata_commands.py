"""The commands for Wikidata: pull, import, compare, write corrections for a person to send, check links."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
from pyoxigraph import NamedNode, Quad
from rich.console import Console

from citygraph.build.export import export_quads
from citygraph.cli import console
from citygraph.cli.console import OK, TIME, VIOLATES, Days, FilePath, PastTime, command
from citygraph.errors import UsageError
from citygraph.rdf.partial_dates import present_day
from citygraph.rdf.terms import GRAPH, QUALITY_GRAPH
from citygraph.release.releases import Releases
from citygraph.saving import replace_text
from citygraph.settings import Settings
from citygraph.source.files import sources_of
from citygraph.text import language_problem
from citygraph.wikidata import differences, quickstatements
from citygraph.wikidata.client import Client, over_http
from citygraph.wikidata.compare import ComparisonResult, compare, compare_imported
from citygraph.wikidata.differences import ComparedStatement, Outcome
from citygraph.wikidata.dump import LocalEngine, import_dump
from citygraph.wikidata.dump_fetcher import DumpFetcher
from citygraph.wikidata.edits import KINDS, plan_edits
from citygraph.wikidata.links import check_links, write_links
from citygraph.wikidata.pull import ItemFetcher, Scope, pull
from citygraph.wikidata.quickstatements import PER_BATCH, batches, to_csv, to_v1
from citygraph.wikidata.saved_comparison import more_of, read_saved, saved_text
from citygraph.wikidata.source_file import WrittenSource
from citygraph.wikidata.spark import SparkEngine, spark_session
from citygraph.wikidata.world import LANGUAGES

_CITY = click.option(
    "--city", "cities", multiple=True, metavar="Q…", help="A city, with its partners. Can be repeated."
)
_COUNTRY = click.option("--country", default="", metavar="Q…", help="All cities of a country that have partners.")
# Notices of one kind that are printed: an import of the world has thousands.
_EXAMPLES = 50
_ALL = click.option("--all", "everything", is_flag=True, help="All cities of the world that have partners.")
_FORM = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json", "trig"]), default="table", show_default=True
)
_STATE = click.Choice([state.value for state in Outcome])
_AGE = click.option("--max-age", type=Days(), metavar="DAYS", help="Repeat requests whose cached responses are older.")
_REFRESH = click.option("--refresh", is_flag=True, help="Repeat all requests.")
_IMPORTED = click.option(
    "--imported", is_flag=True, help="Compare with the dump imported into the release, without requests."
)
_DUMP = click.option("--dump", default="", metavar="DUMP", help="Compare with a dump, without requests.")
_RETRIEVED = click.option(
    "--retrieved", type=PastTime(), metavar="TIME", help="Time of the dump: 2026-11-16T00:00:00Z."
)
_WORKERS = click.option(
    "--workers", type=click.IntRange(min=0), default=0, help="Processes that read a dump. [default: one for each core]"
)
_SAVED = click.option("--saved", type=FilePath(path_type=Path), help="Use a saved comparison, without requests.")


def _compared_with(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that choose the side of Wikidata: a saved comparison, a dump or requests."""
    for option in reversed((_SAVED, _IMPORTED, _DUMP, _RETRIEVED, _WORKERS, _AGE, _REFRESH)):
        function = option(function)
    return function


@click.group()
def wikidata() -> None:
    """Import sister cities from Wikidata, compare them with ours, and write corrections."""


@wikidata.command("pull")
@_CITY
@_COUNTRY
@_ALL
@click.option("--into", type=FilePath(path_type=Path), help="Folder to write to. [default: data/sources]")
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
    """Write Wikidata's statements about places and their partners as a source for `citygraph build`.

    An interrupted pull continues when it is started again.
    """
    if not everything and not cities and not country:
        raise UsageError("name --city Q…, --country Q… or --all")
    if everything and (cities or country):
        raise UsageError("--all goes with neither --city nor --country")
    now = datetime.now(UTC)
    client = _client(settings, now, **age)
    into = into or settings.data / "sources"
    result = pull(
        Scope(cities, country),
        client,
        lambda: _quads(settings),
        into,
        today=present_day().isoformat(),
        languages=_tags(languages),
        progress=_note,
    )
    _note(f"{result.requests} requests, {result.cached} answers from {settings.wikidata_cache}")
    return _print_source(result.source, settings)


@wikidata.command("import-dump")
@click.argument("dump")
@click.option(
    "--retrieved",
    required=True,
    type=PastTime(),
    metavar="TIME",
    help="Time of the dump, such as 2026-11-16T00:00:00Z.",
)
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True)
@click.option("--master", default="", help="Master of Spark, such as local[4]. [default: Spark's own setting]")
@_WORKERS
@click.option("--sha256", default="", help="Digest of the dump, where it is not a file on this machine.")
@click.option("--into", type=FilePath(path_type=Path), help="Folder to write to. [default: data/sources]")
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
    """Write the statements of DUMP (.json, .gz, .bz2, .zst) about all twinned places of the world as a source."""
    runner = SparkEngine(spark_session(master)) if engine == "spark" else LocalEngine(workers, _note)
    into = into or settings.data / "sources"
    source = import_dump(dump, lambda: _quads(settings), into, retrieved=retrieved, engine=runner, sha256=sha256)
    return _print_source(source, settings)


def _tags(languages: str) -> tuple[str, ...]:
    """Returns the languages of an option. Raises UsageError for one that does not exist, which would have no names."""
    tags = tuple(tag.strip() for tag in languages.split(","))
    if problem := next(filter(None, map(language_problem, tags)), ""):
        raise UsageError(f"--languages: {problem}")
    return tags


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
    help="Save the comparison as JSON, by default where the site shows it (/wikidata).",
)
@_compared_with
@click.pass_obj
@command
def wikidata_diff(
    settings: Settings, form: str, states: tuple[str, ...], save: str | None, saved: Path | None, **scope: Any
) -> int:
    """Compare the current release with Wikidata, statement by statement, with the sources of both sides.

    Without --city, --country or --all: all our places with a sister city and a Wikidata item.
    """
    if saved is not None:
        _refuse_scope(scope)
        text = console.read_input(saved)
    else:
        text = saved_text(_compare(settings, **scope), Releases(settings.releases).current_id())
    changes, retrieved = differences.from_json_text(text, str(saved))
    if save is not None:
        replace_text(Path(save) if save else settings.wikidata_comparison, text)
    selected = [change for change in changes if not states or change.state.value in states]
    _print_changes(selected, form, retrieved, GRAPH("wikidata-comparison"), more_of(text))
    counted = ", ".join(f"{count} {state}" for state, count in differences.counts(selected).items())
    _note(f"{len(selected)} finding(s){': ' if counted else ''}{counted}; Wikidata as of {retrieved or 'never'}")
    return OK


@wikidata.command("quickstatements")
@_CITY
@_COUNTRY
@_ALL
@click.option("--format", "form", type=click.Choice(["v1", "csv"]), default="v1", show_default=True)
@click.option("--only", multiple=True, type=click.Choice(list(KINDS)), help="Only edits of these kinds.")
@click.option("--limit", type=click.IntRange(min=1), default=None, help="Maximum number of edits.")
@click.option("--batch", type=click.IntRange(min=1), default=PER_BATCH, show_default=True, help="Edits per batch.")
@click.option("--into", type=FilePath(path_type=Path), help="Folder for one file per batch. [default: print all]")
@_compared_with
@click.pass_obj
@command
def wikidata_quickstatements(
    settings: Settings,
    form: str,
    only: tuple[str, ...],
    limit: int | None,
    batch: int,
    into: Path | None,
    saved: Path | None,
    **scope: Any,
) -> int:
    """Write statements that Wikidata lacks as commands for QuickStatements, with dates and references.

    Nothing is sent: a person reviews and pastes the text. Items whose label, country or coordinates do not fit
    get no command; the summary on standard error lists them with reasons.
    """
    comparison = _compare(settings, **scope) if saved is None else _saved(settings, saved, scope)
    edits = plan_edits(comparison.findings, comparison.ours, comparison.theirs, comparison.documents, only, limit or 0)
    groups = batches(edits.edits, batch)
    write = to_v1 if form == "v1" else to_csv
    summary = quickstatements.summary(edits, groups)
    if into is None:
        click.echo("\n".join(write(one) for one in groups), nl=False)
    else:
        for one in groups:
            replace_text(into / f"{one.name}.{'txt' if form == 'v1' else 'csv'}", write(one))
        replace_text(into / "summary.txt", summary)
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
    """Check each of our links to Wikidata: the item exists, is not a redirect, and has a suitable class.

    The dated result goes into the data quality graph, which `citygraph build` publishes.
    Exit status: 0 all links are right, 1 some are not.
    """
    now = datetime.now(UTC)
    findings = check_links(_quads(settings), _client(settings, now, **age), _note)
    # The table has only problems; the other formats have every checked link.
    wrong = [finding for finding in findings if finding.state != Outcome.AGREES]
    _print_changes(wrong if form == "table" else findings, form, now.strftime(TIME), QUALITY_GRAPH)
    if write:
        _note(str(write_links(findings, present_day().isoformat(), settings.data)))
    _note(f"{len(findings)} link(s), {len(wrong)} to look at")
    return VIOLATES if wrong else OK


def _compare(
    settings: Settings,
    cities: tuple[str, ...],
    country: str,
    everything: bool,
    imported: bool,
    dump: str,
    retrieved: str | None,
    workers: int,
    **age: Any,
) -> ComparisonResult:
    if everything and (cities or country):
        raise UsageError("--all goes with neither --city nor --country")
    if bool(dump) != bool(retrieved):
        raise UsageError("--dump DUMP and --retrieved TIME, the time of the dump, go together")
    scope = Scope(cities, country) if everything or cities or country else None
    now = datetime.now(UTC)
    store = Releases(settings.releases).current().open_store()
    quads = store.quads_for_pattern(None, None, None, None)
    if imported:
        if dump:
            raise UsageError("--imported and --dump exclude each other")
        return compare_imported(quads, scope)
    if dump and retrieved:
        engine = LocalEngine(workers, _note)
        today = retrieved[:10]
        return compare(quads, lambda items: DumpFetcher(dump, engine, items, retrieved, _note), scope, today=today)
    client = _client(settings, now, **age)
    return compare(quads, lambda items: ItemFetcher(client, items, _note), scope, today=present_day().isoformat())


def _saved(settings: Settings, saved: Path, scope: dict[str, Any]) -> ComparisonResult:
    _refuse_scope(scope)
    text, release = console.read_input(saved), Releases(settings.releases).current()
    comparison = read_saved(text, str(saved), release.open_store().quads_for_pattern(None, None, None, None))
    compared = more_of(text).get("release")
    if compared != release.id:
        _note(f"{saved} compares release {compared}; the current one is {release.id}: compare again if it differs")
    return comparison


def _refuse_scope(scope: dict[str, Any]) -> None:
    if any(scope.values()):
        raise UsageError("--saved has its own cities: it goes with no option that chooses or requests others")


def _print_changes(
    changes: list[ComparedStatement],
    form: str,
    retrieved: str,
    graph: NamedNode,
    more: dict[str, Any] | None = None,
) -> None:
    if form == "csv":
        click.echo(differences.to_csv(changes), nl=False)
    elif form == "json":
        click.echo(differences.to_json_text(changes, retrieved, more), nl=False)
    elif form == "trig":
        click.echo(export_quads(graph, differences.to_quads(changes, graph, retrieved[:10])), nl=False)
    else:
        columns = ["finding", "entity", "statement", "ours", "theirs", "note"]
        rows = [
            [r.state, f"{r.name} ({r.qid or '–'})", f"{r.statement} {r.value}".rstrip(), r.ours, r.theirs, r.detail]
            for r in differences.rows(changes)
        ]
        if not any(row[-1] for row in rows):
            columns, rows = columns[:-1], [row[:-1] for row in rows]
        # Otherwise a narrow terminal would cut the finding, and missing-here would look like missing-there.
        console.print_solutions(Console(), columns, rows, uncut=1)


def _client(settings: Settings, now: datetime, max_age: timedelta | None, refresh: bool) -> Client:
    # Cached responses from before this time are requested again.
    oldest = now if refresh else now - max_age if max_age is not None else None
    return Client(
        settings.wikidata_endpoint,
        over_http(settings.wikidata_endpoint, settings.wikidata_contact),
        settings.wikidata_cache,
        newer_than=oldest.strftime(TIME) if oldest else "",
        notice=_note,
    )


def _quads(settings: Settings) -> Iterator[Quad]:
    return (quad for file in sources_of(settings).data_files() for quad in file.read())


def _note(text: str) -> None:
    # Standard output is for results.
    click.echo(text, err=True)


def _print_source(source: WrittenSource, settings: Settings) -> int:
    by_kind: dict[str, list[str]] = {}
    for notice in source.notices:
        by_kind.setdefault(notice.kind, []).append(notice.detail)
    for kind, details in by_kind.items():
        for detail in details[:_EXAMPLES]:
            _note(f"{kind}: {detail}")
        if len(details) > _EXAMPLES:
            _note(f"{kind}: {len(details)} in all")
    for file in sources_of(settings).data_files():
        is_other = file.path.resolve() != source.path.resolve()
        if is_other and any(quad.graph_name == source.graph for quad in file.read()):
            _note(f"{file.name} fills <{source.graph.value}> too, which a build refuses: remove one of the two files")
    click.echo(f"{source.path}: {source.statements} statements")
    return OK
