"""The commands for spreadsheets: template, check, import, export, undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from citygraph.build.build import build
from citygraph.cli.audited import audited, prune_audited
from citygraph.cli.console import LANG, OK, VIOLATES, FilePath, JsonProgress, TerminalProgress, command, print_json
from citygraph.errors import NotFound, UsageError
from citygraph.instance import Instance, current_instance
from citygraph.matching.lookup import Lookup
from citygraph.progress import Progress
from citygraph.rdf.terms import ID
from citygraph.release.ownership import require_base
from citygraph.release.releases import Release, Releases
from citygraph.saving import replace_text
from citygraph.settings import Settings
from citygraph.sheets.cell_names import Names
from citygraph.sheets.cell_problems import ERROR, NOTE, WARNING, CellProblem, Translate, grouped
from citygraph.sheets.check import CheckedSheets, Checker, choices_of
from citygraph.sheets.export_rows import SheetExporter
from citygraph.sheets.export_state import state_lines, state_of
from citygraph.sheets.importing import SheetDifference, imported, preview, undoing_import, undone_on_error, write_import
from citygraph.sheets.limited_reading import LimitedReader
from citygraph.sheets.problem_report import (
    as_members,
    difference_html,
    difference_members,
    report_html,
    report_page,
    severity_name,
)
from citygraph.sheets.problem_workbook import write_problem_workbook
from citygraph.sheets.sheet_mapping import propose_mapping, read_mapping
from citygraph.sheets.table_metadata import write_csv_files
from citygraph.sheets.table_model import read_model
from citygraph.sheets.xlsx_files import write_rows, write_template
from citygraph.source.files import is_current, sources_of
from citygraph.source.reading import check_file
from citygraph.web.view.translations import Translations

_COLOURS = {ERROR: "red", WARNING: "yellow", NOTE: "cyan"}
_MAX_PROBLEMS, _MAX_CHANGES = 3, 20  # problems of a rule, and statements, on the terminal
_SIGNS = {"added": "+", "changed": "~", "removed": "-"}
_FILES = click.argument("files", nargs=-1, required=True, type=FilePath(path_type=Path))
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON lines, for machines.")
_ENCODING = click.option("--encoding", default="", help="Encoding of CSV files that are not UTF-8, such as cp1254.")
_ORDER = click.option("--date-order", type=click.Choice(["dmy", "mdy"]), help="How dates like 03/04/1996 are read.")
_HTML = click.option("--html", type=FilePath(path_type=Path), help="Write the report to a web page as well.")
_NEW_FILE = click.argument("file", type=FilePath(path_type=Path))
_FORCE = click.option("--force", is_flag=True, help="Replace an existing file.")
_WORKBOOK = click.option(
    "--workbook",
    type=FilePath(path_type=Path),
    help="Write a copy, FILE.xlsx, with marked cells and a list of the problems.",
)

_COMPLETE = click.option(
    "--complete", is_flag=True, help="The files have all that their sources say: remove what has no row in them."
)
_GAZETTEER = click.option(
    "--gazetteer/--no-gazetteer",
    default=True,
    help="Take coordinates and countries that cities lack from Natural Earth.",
)
_MAPPING = click.option(
    "--mapping",
    type=FilePath(path_type=Path, exists=True, dir_okay=False),
    help="How a spreadsheet with other columns fills the graph: a file that `citygraph sheets map` proposed.",
)


@dataclass(frozen=True)
class _CheckOptions:
    """The options of a check, which an import has too."""

    files: tuple[Path, ...]
    as_json: bool
    encoding: str
    date_order: str | None
    lang: str
    html: Path | None
    workbook: Path | None
    mapping: Path | None
    complete: bool
    gazetteer: bool


def _checking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options of a check."""
    for option in (_GAZETTEER, _COMPLETE, _MAPPING, _WORKBOOK, _HTML, LANG, _ORDER, _ENCODING, _JSON, _FILES):
        function = option(function)
    return function


@click.group()
def sheets() -> None:
    """Maintain the graph in spreadsheets: XLSX, ODS, CSV."""


@sheets.command()
@_checking
@click.pass_obj
@command
def check(settings: Settings, **options: Any) -> int:
    """Check FILES as an import would, and print all problems.

    Exit status: 0 an import would succeed, 1 there are errors, 2 a file cannot be read.
    """
    chosen = _CheckOptions(**options)
    return VIOLATES if _reported(settings, chosen, _progress(chosen.as_json)).errors else OK


@sheets.command("import")
@_checking
@click.pass_obj
@command
def import_(settings: Settings, **options: Any) -> int:
    """Import FILES into data/sheets/, one file for each source, and build a release.

    Statements of the sources stay, unless a cell has another value or the sign –.
    With any error nothing is imported, and if the build fails, the files are as they were. Exit status: 0 imported,
    1 there are errors, 2 the command failed.
    """
    chosen = _CheckOptions(**options)
    progress = _progress(chosen.as_json)
    checked = _reported(settings, chosen, progress)
    if checked.errors:
        return VIOLATES
    translate = Translations(chosen.lang)
    with undone_on_error(settings.releases.parent):
        written = write_import(checked, sources_of(settings), settings.releases.parent, _current(settings))
        release = _published(settings, progress)
    prune_audited(settings)
    for path in written:
        click.echo(translate("written: {file}", file=path), err=True)
    if release is None:
        click.echo(translate("The graph has all of these statements already: there is nothing to publish."), err=True)
    elif written:
        click.echo(translate("published {release}; to undo: citygraph sheets undo", release=release.id), err=True)
    else:
        # The last import, which an undo would take back, is an earlier one.
        click.echo(translate("published {release}", release=release.id), err=True)
    return OK


@sheets.command()
@_NEW_FILE
@_FORCE
@LANG
@click.pass_obj
@command
def export(settings: Settings, file: Path, force: bool, lang: str) -> int:
    """Write imported data, and data written by the API, to the workbook FILE.xlsx; importing it again changes nothing.

    Without .xlsx, FILE is a folder: it gets a CSV file for each sheet, with their descriptions as CSV on the Web and as
    a Data Package. Statements that no column can hold are listed on standard error and are not changed.
    """
    _require_new(file, force)
    sources, instance = sources_of(settings), current_instance()
    model, choices = read_model(sources.ontology, instance.languages), choices_of(sources)
    release = _current(settings)
    quads = imported(Checker(model, sources, release))
    exported = SheetExporter(model, choices, _home(instance)).rows(quads)
    state = state_of(release.id if release else "", exported.keys, quads)
    if _is_folder(file):
        write_csv_files(file, model, choices, exported.rows)
    else:
        write_rows(file, model, choices, exported.rows, state_lines(state))
    translate = Translations(lang)
    for quad in exported.left:
        click.echo(translate("no column for: {statement}", statement=quad), err=True)
    count = sum(map(len, exported.rows.values()))
    click.echo(translate("{file}: {count} rows", file=file, count=count), err=True)
    return OK


@sheets.command()
@_NEW_FILE
@_FORCE
@click.pass_obj
@command
def template(settings: Settings, file: Path, force: bool) -> int:
    """Write an empty workbook, FILE.xlsx: a sheet for each kind of entity, with titles, help, example, drop-downs.

    Without .xlsx, FILE is a folder: it gets an empty CSV file for each sheet, with their descriptions as CSV on the Web
    and as a Data Package.
    """
    _require_new(file, force)
    sources = sources_of(settings)
    model, choices = read_model(sources.ontology, current_instance().languages), choices_of(sources)
    if _is_folder(file):
        write_csv_files(file, model, choices)
    else:
        write_template(file, model, choices)
    click.echo(str(file), err=True)
    return OK


@sheets.command("map")
@click.argument("file", type=FilePath(path_type=Path))
@click.option("-o", "--output", type=FilePath(path_type=Path), help="File to write, instead of standard output.")
@LANG
@_ENCODING
@click.pass_obj
@command
def map_(settings: Settings, file: Path, output: Path | None, encoding: str, lang: str) -> int:
    """Propose a mapping for FILE, a spreadsheet with other columns: edit it, then use it with check and import."""
    check_file(file)
    sources = sources_of(settings)
    model = read_model(sources.ontology, current_instance().languages)
    release = _current(settings)
    names = Names(Lookup(release.path / "search.sqlite") if release else None)
    workbook = _reader(settings).read(file, (), encoding)
    text = propose_mapping(workbook, model, choices_of(sources), names, Translations(lang))
    if output is None:
        click.echo(text, nl=False)
    elif output.exists():
        raise UsageError(f"{output} exists: it may have been edited; name another file")
    else:
        replace_text(output, text)
    return OK


@sheets.command()
@LANG
@click.pass_obj
@command
def undo(settings: Settings, lang: str) -> int:
    """Undo the last import: restore the files in data/sheets/, and build a release. If that fails, nothing changes."""
    translate = Translations(lang)
    with undoing_import(settings.releases.parent) as paths:
        release = _published(settings, _progress(False))
    prune_audited(settings)
    for path in paths:
        click.echo(translate("restored: {file}", file=path), err=True)
    if release:
        click.echo(translate("published {release}", release=release.id), err=True)
    return OK


def _published(settings: Settings, progress: Progress) -> Release | None:
    """Publishes a release of the files, with a line in the audit log; returns None if the current one is that."""
    sources, releases = sources_of(settings), Releases(settings.releases)
    if is_current(sources, releases):
        return None
    with audited(settings, "build", "published") as details:
        release, _ = build(
            sources, releases, progress, notice=partial(click.echo, err=True), most_in_memory=settings.build_memory
        )
        details["release"] = release.id
    return release


def _is_folder(file: Path) -> bool:
    """Returns whether the name is that of a folder for CSV files. Raises UsageError for a file of another kind."""
    if file.suffix and file.suffix.lower() != ".xlsx":
        raise UsageError(f"{file}: write FILE.xlsx, or the name of a folder for CSV files")
    return not file.suffix


def _require_reports(chosen: _CheckOptions) -> None:
    """Raises UsageError for the names of reports that cannot be written, before a check that may take long."""
    for path in (chosen.html, chosen.workbook):
        if path and path.resolve() in {file.resolve() for file in chosen.files}:
            raise UsageError(f"{path} is one of the files to check: choose another name for the report")
        if path and path.is_dir():
            raise UsageError(f"{path} is a folder: choose another name for the report")
    if chosen.workbook and chosen.workbook.suffix.lower() != ".xlsx":
        raise UsageError(f"{chosen.workbook}: the name of a workbook ends with .xlsx")


def _require_new(file: Path, force: bool) -> None:
    is_empty_folder = _is_folder(file) and file.is_dir() and not any(file.iterdir())
    if file.exists() and not is_empty_folder and not force:
        raise UsageError(f"{file} exists: --force replaces it")


def _reported(settings: Settings, chosen: _CheckOptions, progress: Progress) -> CheckedSheets:
    """Checks the files and writes the report wherever it is wanted. Raises UsageError before it replaces an input."""
    _require_reports(chosen)
    instance, sources = current_instance(), sources_of(settings)
    model, home = read_model(sources.ontology, instance.languages), _home(instance)
    order = chosen.date_order or ""
    mapping = read_mapping(chosen.mapping, model) if chosen.mapping else None
    checker = Checker(
        model,
        sources,
        _current(settings),
        home,
        chosen.lang,
        order,
        chosen.encoding,
        mapping,
        complete=chosen.complete,
        gazetteer=chosen.gazetteer,
        read=_reader(settings).read,
    )
    translate = Translations(chosen.lang)
    checked = checker.check(chosen.files, progress)
    checked = replace(checked, notes=tuple(translate.error(note) or note for note in checked.notes))
    difference = preview(checked)
    if chosen.html:
        replace_text(chosen.html, _html(checked, difference, chosen, translate))
    if chosen.workbook:
        write_problem_workbook(chosen.workbook, checked.workbooks, checked.problems, translate)
    _print(checked, difference, chosen.as_json, chosen.lang)
    return checked


def _html(checked: CheckedSheets, difference: SheetDifference, chosen: _CheckOptions, translate: Translate) -> str:
    addresses = {statement.quad: statement.address for statement in checked.statements}
    fragments = [report_html(checked, translate)]
    if not checked.errors:
        fragments.append(difference_html(difference, addresses.get, translate))
    return report_page((path.name for path in chosen.files), chosen.lang, fragments, translate)


def _home(instance: Instance) -> str:
    return "" if instance.home == "auto" else ID + instance.home


def _current(settings: Settings) -> Release | None:
    """Returns the current release, or None before the first build. Raises UsageError after a move to another base.

    Its index would give names the identifiers of the old base, so that every entity of the files would be a new one.
    """
    try:
        release = Releases(settings.releases).current()
    except NotFound:
        return None
    require_base(release)
    return release


def _reader(settings: Settings) -> LimitedReader:
    return LimitedReader(settings.write_memory_limit, settings.write_time_limit)


def _progress(as_json: bool) -> Progress:
    return JsonProgress() if as_json else TerminalProgress(Console(stderr=True))


def _cell_of(problem: CellProblem, before: CellProblem) -> str:
    """Returns the address of a cell, with its sheet if that is not the sheet of the problem before it."""
    here, there = problem.address, before.address
    return here.name if (here.file, here.sheet) == (there.file, there.sheet) else str(here)


def _print(checked: CheckedSheets, difference: SheetDifference, as_json: bool, lang: str) -> None:
    translate = Translations(lang)
    addresses = {statement.quad: statement.address for statement in checked.statements}
    changes = [] if checked.errors else list(difference_members(difference, addresses.get))
    if as_json:
        for problem in checked.problems:
            print_json(as_members(problem, translate))
        for members in changes:
            print_json(members)
        print_json({"errors": len(checked.errors), "added": len(difference.added), "removed": len(difference.removed)})
        return
    out = Console(highlight=False, soft_wrap=True)
    name = translate("note")
    for note in checked.notes:
        out.print(f"[cyan]{name}[/] {escape(note)}")
    for rule, problems in grouped(checked.problems):
        colour = _COLOURS[rule.severity]
        out.print(f"[{colour}]{severity_name(rule, translate)}[/] [bold]{rule.name}[/] ({len(problems)})")
        for problem in problems[:_MAX_PROBLEMS]:
            out.print(f"    {escape(str(problem.address))}: {escape(problem.message(translate))}")
            out.print(f"        {escape(problem.remedy(translate))}")
        if len(problems) > _MAX_PROBLEMS:
            pairs = pairwise(problems[_MAX_PROBLEMS - 1 : _MAX_PROBLEMS + 20])
            rest = ", ".join(_cell_of(problem, before) for before, problem in pairs)
            also = translate("also in {cells}", cells=rest)
            out.print(f"    {also}{' …' if len(problems) > _MAX_PROBLEMS + 20 else ''}")
    warnings = sum(problem.rule.severity == WARNING for problem in checked.problems)
    counts = ((translate("Errors: {number}"), len(checked.errors)), (translate("Warnings: {number}"), warnings))
    out.print(" · ".join(text.format(number=number) for text, number in counts))
    totals = ((translate("Added"), difference.added), (translate("Removed"), difference.removed))
    out.print(" · ".join(f"{name}: {len(quads)}" for name, quads in totals))
    for members in changes[:_MAX_CHANGES]:
        old = f"{members['old']} → " if "old" in members else ""
        place = " · ".join(text for text in (members["source"], members["cell"]) if text)
        sign, what = _SIGNS[members["change"]], f"{members['subject']} {members['property']}"
        out.print(escape(f"    {sign} {what} {old}{members['value']}  ({place})"))
    if len(changes) > _MAX_CHANGES:
        out.print(f"    … {len(changes) - _MAX_CHANGES}")
