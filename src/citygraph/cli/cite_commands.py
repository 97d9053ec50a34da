"""Commands for cited results: cite a query, table or document; verify, list and remove records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import click

from citygraph import __version__
from citygraph.cli.console import LANG, OK, VIOLATES, FilePath, command, print_json, read_input, shortened
from citygraph.cli.query_runs import pair, resolved
from citygraph.errors import NotFound, UsageError
from citygraph.graph.examples import examples_in
from citygraph.graph.history import Timeline
from citygraph.graph.labels import Labels
from citygraph.instance import current_instance
from citygraph.rdf.formats import Kind
from citygraph.rdf.partial_dates import present_day
from citygraph.release.cited_result import CitableQuery, CitedResult, read_record
from citygraph.release.releases import Release, Releases
from citygraph.release.result_store import ResultStore, release_of
from citygraph.settings import Settings
from citygraph.source.citable import citable_document, citable_query, citable_text, table_name
from citygraph.source.files import sources_of
from citygraph.source.queries import load_queries
from citygraph.source.query_parameters import expand
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.sparql.result_rows import ResultRows, read_rows
from citygraph.web.time.citation_forms import FORMS
from citygraph.web.time.citations import citation_of, title_of

_RECORD = "record"


@click.group(invoke_without_command=True)
@click.option("--query", "subject", metavar="QUERY", help="What to cite: a file, a stored query, a table, an entity.")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter of a stored query.")
@click.option("--release", "release_name", help="Cite this release, by name or digest, instead of the current one.")
@click.option("--format", "form", type=click.Choice([*FORMS, _RECORD]), default="text", show_default=True)
@click.option("--store/--no-store", default=True, show_default=True, help="Whether to store the result.")
@LANG
@click.pass_context
def cite(context: click.Context, /, **options: object) -> None:
    """Cite the result of QUERY: store it with the digest of its release, and print the citation.

    \b
    citygraph cite --query partners -p city=city:baku
    citygraph cite --query tables/cities --format bibtex
    citygraph cite --query city:izmir
    citygraph cite --query my.rq --format record > result.json
    citygraph cite verify result.json
    """
    if context.invoked_subcommand is None:
        context.invoke(_cite, settings=context.obj, **options)


@command
def _cite(
    settings: Settings,
    subject: str | None,
    params: tuple[str, ...],
    release_name: str | None,
    form: str,
    store: bool,
    lang: str,
) -> int:
    if subject is None:
        raise UsageError("--query says what is cited: a file, a stored query, a table such as tables/cities, an entity")
    releases = Releases(settings.releases)
    release = _release(releases, release_name)
    query = _query(settings, release, subject, dict(map(pair, params)), lang)
    record = _record(settings, query, release)
    if store:
        record = ResultStore(releases, settings.stored_results_size).store(record)
    click.echo(record.as_json() if form == _RECORD else _cited(settings, record, release, form, lang), nl=False)
    click.echo(f"{record.id}{'' if store else ' (not stored)'}", err=True)
    return OK


@cite.command()
@click.argument("file", type=FilePath(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
@click.pass_obj
@command
def verify(settings: Settings, file: Path, as_json: bool) -> int:
    """Compute the result of the record in FILE again, and compare its digest.

    Exit status: 0 the result is the same, 1 it differs, 2 the release is not on this machine or the command failed.
    """
    record = _record_in(file)
    release = release_of(record, Releases(settings.releases).history())
    if release is None:
        raise NotFound(f"no release here has the digest {record.release}: build the same data, or copy the release")
    rows = _rows(settings, record.query, release)
    is_same = rows.digest == record.result
    if as_json:
        print_json({"id": record.id, "release": release.id, "same": is_same, "result": rows.digest})
    elif is_same:
        click.echo(f"the same: {len(rows.cells)} row(s), SHA-256 {rows.digest}, on {release.id}")
    else:
        click.echo(f"different: {len(rows.cells)} row(s), SHA-256 {rows.digest}, on {release.id}")
        click.echo(f"cited:     {record.rows} row(s), SHA-256 {record.result}, by {record.software}")
    return OK if is_same else VIOLATES


def _record_in(file: Path) -> CitedResult:
    """Returns the record in a file. Raises UsageError, which names the file."""
    text = read_input(file)
    try:
        return read_record(text)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None


@cite.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
@LANG
@click.pass_obj
@command
def list_results(settings: Settings, as_json: bool, lang: str) -> int:
    """List the stored results. Their releases are never pruned."""
    releases = Releases(settings.releases)
    history = releases.history()
    for record in ResultStore(releases).records():
        release = release_of(record, history)
        title = _title(record, release, lang)
        if as_json:
            print_json({"id": record.id, "title": title, "stored": record.stored, "release": record.release})
        else:
            click.echo(f"{record.id}  {record.stored[:10]}  {record.rows:6} row(s)  {title}")
    return OK


@cite.command()
@click.argument("result_id")
@click.pass_obj
@command
def remove(settings: Settings, result_id: str) -> int:
    """Remove the stored result RESULT_ID. Its address is 404 then, and its release may be pruned."""
    ResultStore(Releases(settings.releases)).remove(result_id)
    click.echo(f"removed {result_id}", err=True)
    return OK


def _query(
    settings: Settings, release: Release, subject: str, values: Mapping[str, str], language: str
) -> CitableQuery:
    """Returns the cited query: a file takes precedence over a stored query, a stored query over an entity."""
    day, base = present_day(), settings.base
    if subject == "-" or Path(subject).is_file():
        if values:
            raise UsageError("only stored queries have parameters")
        return citable_text(read_input(Path(subject)), day, base)
    examples = examples_in(release.open_store(), current_instance())
    queries = load_queries(*sources_of(settings).query_folders, examples=examples, language=language)
    if stored := queries.get(subject) or queries.get(table_name(subject)):
        return citable_query(stored, resolved(stored, release, values), day, base)
    try:
        iri = expand(subject)
    except UsageError:
        raise NotFound(f"{subject!r} is no file, no stored query, no table and no entity") from None
    return citable_document(iri, day, base)


def _record(settings: Settings, query: CitableQuery, release: Release) -> CitedResult:
    rows = _rows(settings, query.normal, release)
    if query.about and not rows.cells:
        raise NotFound(f"release {release.id} has no statements about {query.about}")
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return query.record(rows, release.id, release.manifest.digest, now, f"citygraph {__version__}")


def _rows(settings: Settings, text: str, release: Release) -> ResultRows:
    out = BytesIO()
    result = evaluate(release.open_store(), Query(text, formats=("json", "nt"), base=settings.base))
    result.write(out)
    return read_rows(out.getvalue(), Kind.GRAPH if result.kind is Kind.GRAPH else Kind.SOLUTIONS)


def _cited(settings: Settings, record: CitedResult, release: Release, form: str, language: str) -> str:
    title = _title(record, release, language)
    cited = citation_of(record, release, settings.base, title, present_day(), language)
    return FORMS[form][1](cited)


def _title(record: CitedResult, release: Release | None, language: str) -> str:
    labels = Labels(release.open_store()) if release else None
    return title_of(record, language, lambda iri: labels.best(iri, language).text if labels else shortened(iri))


def _release(releases: Releases, name: str | None) -> Release:
    if not name:
        return releases.current()
    return Timeline(releases).with_digest(name) or releases.get(name)
