"""The check of workbooks, which is also the first half of their import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import NamedNode, Quad

from citygraph.build.build import check
from citygraph.matching.lookup import Lookup
from citygraph.progress import Progress
from citygraph.rdf.terms import CATALOG_GRAPH, SOURCE
from citygraph.release.releases import Release
from citygraph.report import ValidationResult
from citygraph.sheets.cell_names import Names
from citygraph.sheets.cell_problems import ERROR, WARNING, CellProblem, CellRule
from citygraph.sheets.cell_statements import CellStatement, RowReader, SheetContext
from citygraph.sheets.choices import Choices
from citygraph.sheets.rows import read_rows
from citygraph.sheets.sheet_mapping import SheetMapping, mapped
from citygraph.sheets.table_model import TableModel
from citygraph.sheets.workbook import Workbook, read_workbook
from citygraph.source.files import Sources

SOURCE_OF_FILE = CellRule(
    "source-file",
    "The graph of the source {value} is kept in the file {file}.",
    "Change it there, or give the rows a source of their own.",
)
SOURCE_FORBIDDEN = CellRule(
    "source-forbidden",
    "The token is not for writing to the graph of the source {value}.",
    "Name another source, or ask the operator for a token for this one.",
)

FOLDER = "sheets"  # below data/: the files that imports write
_STATEMENTS = "sheets.nq"


@dataclass(frozen=True)
class CheckedSheets:
    """The statements of workbooks, the problems of their cells, notes on what was passed over, and the workbooks."""

    statements: tuple[CellStatement, ...]
    problems: tuple[CellProblem, ...]
    notes: tuple[str, ...] = ()
    workbooks: tuple[Workbook, ...] = ()

    @property
    def errors(self) -> list[CellProblem]:
        """The problems that prevent an import."""
        return [problem for problem in self.problems if problem.rule.severity == ERROR]


@dataclass(frozen=True)
class Checker:
    """Checks workbooks for an instance: its model, its folders, its current release if there is one, its home place.

    `language` is that of the messages of the shapes. With `by_commit` the graphs of all files are refused, not only
    those of files that were written by hand, and so are graphs whose IRIs begin with none of the `prefixes`.
    """

    model: TableModel
    sources: Sources
    release: Release | None
    home: str = ""
    language: str = "en"
    date_order: str = ""
    encoding: str = ""
    mapping: SheetMapping | None = None
    by_commit: bool = False
    prefixes: tuple[str, ...] = ("",)

    def check(self, paths: Iterable[Path], progress: Progress) -> CheckedSheets:
        """Reads the files, makes their statements, and validates these with the whole graph as a build would.

        Raises UsageError for a file that cannot be read, NotFound if the release has no index that this version can
        read, and what a build raises.
        """
        titles = [title for sheet in self.model.sheets for column in sheet.columns for title in column.titles.values()]
        titles += self.mapping.columns if self.mapping else ()
        with progress.step("read") as step:
            workbooks = [read_workbook(path, titles, self.encoding) for path in paths]
            if self.mapping:
                workbooks = mapped(workbooks, self.mapping, self.model)
            context = self._context()
            rows, problems = read_rows(workbooks, self.model, context.choices)
            step.result = f"{len(workbooks)} file(s), {len(rows)} rows"
        with progress.step("understand") as step:
            reader = RowReader(context)
            statements = tuple(dict.fromkeys(reader.statements(rows)))
            step.result = f"{len(statements)} statements"
        unreadable = [problem for workbook in workbooks for problem in workbook.problems]
        faulty = {problem.address for problem in unreadable if problem.rule.severity == ERROR}
        # What a wrong cell is not, such as a date, would be a second error about it.
        more = [
            problem
            for problem in (*problems, *reader.problems, *self._refused(statements))
            if problem.address not in faulty
        ]
        problems = [*unreadable, *more]
        # Shapes would complain about the values that are missing because of these errors.
        if not any(problem.rule.severity == ERROR for problem in problems):
            problems += self._validated(statements, progress)
        notes = tuple(note for workbook in workbooks for note in workbook.notes)
        return CheckedSheets(statements, tuple(problems), notes, tuple(workbooks))

    def _context(self) -> SheetContext:
        order = self.date_order or (self.mapping.date_order if self.mapping else "")
        finder = None
        known: frozenset[str] = frozenset()
        if self.release is not None:
            finder = Lookup(self.release.path / "search.sqlite")
            graphs = self.release.manifest.graphs
            known = frozenset(graph.removeprefix(SOURCE) for graph in graphs if graph.startswith(SOURCE))
        return SheetContext(self.model, choices_of(self.sources), Names(finder), self.home, order, known)

    def _refused(self, statements: Iterable[CellStatement]) -> Iterator[CellProblem]:
        """Yields a problem for each source whose graph an import must not change, at its first statement."""
        owners = self.release.manifest.owners if self.release is not None else {}
        first: dict[str, CellStatement] = {}
        for statement in statements:
            first.setdefault(source_of(statement.quad).value, statement)
        for graph, statement in first.items():
            owner, name = owners.get(graph, ""), graph.rpartition("/")[2]
            if owner and (self.by_commit or Path(owner).parent.name != FOLDER):
                yield CellProblem(SOURCE_OF_FILE, statement.address, name, {"file": owner})
            elif not graph.startswith(self.prefixes):
                yield CellProblem(SOURCE_FORBIDDEN, statement.address, name)

    def kept_descriptions(self, statements: Iterable[CellStatement]) -> Iterator[Quad]:
        """Yields the descriptions of sources that a commit keeps: those of graphs about which no row says anything."""
        if self.release is None or not self.by_commit:
            return
        sources = {source_of(statement.quad) for statement in statements}
        described = {statement.quad.subject for statement in statements}
        store = self.release.open_store()
        for source in sorted(sources - described, key=str):
            yield from store.quads_for_pattern(source, None, None, source)

    def _validated(self, statements: Sequence[CellStatement], progress: Progress) -> list[CellProblem]:
        with TemporaryDirectory(prefix="citygraph-sheets-") as folder:
            path = Path(folder) / _STATEMENTS
            # A statement a line: the line of a result is the place of the statement.
            quads = [*(statement.quad for statement in statements), *self.kept_descriptions(statements)]
            path.write_text("".join(f"{quad} .\n" for quad in quads), encoding="utf-8")
            report = check(self._without_import(statements), [path], progress, self.release)
        return [
            self._problem(result, statements)
            for result in report.results
            if result.place is not None
            and result.place.file.endswith(_STATEMENTS)
            and result.place.line <= len(statements)
        ]

    def _without_import(self, statements: Sequence[CellStatement]) -> Sources:
        """Returns the folders without the files of an earlier import of the same sources, which this one replaces."""
        return replace(self.sources, left_out=frozenset(files_of(self.sources.data, statements)))

    def _problem(self, result: ValidationResult, statements: Sequence[CellStatement]) -> CellProblem:
        assert result.place is not None  # noqa: S101 - the caller has selected the results with a place
        statement = statements[result.place.line - 1]
        name = result.shape.rpartition("#")[2]
        severity = ERROR if result.severity == "violation" else WARNING
        texts = (result.message(self.language), result.remedy(self.language))
        message, remedy = (text.replace("{", "{{").replace("}", "}}") for text in texts)
        return CellProblem(CellRule(name, message, remedy, severity), statement.address, _value(statement))


def choices_of(sources: Sources) -> Choices:
    """Returns the choices of drop-downs, from the ontology of an instance."""
    return Choices(quad for file in sources.ontology_files() for quad in file.read())


def files_of(data: Path, statements: Iterable[CellStatement]) -> list[Path]:
    """Returns the files that an import of these statements writes, by name: one for each source."""
    return sorted({file_of(data, statement.quad) for statement in statements})


def file_of(data: Path, quad: Quad) -> Path:
    """Returns the file of a statement's source, which has the description of the source in the catalogue too."""
    return data / FOLDER / f"{source_of(quad).value.rpartition('/')[2]}.trig"


def source_of(quad: Quad) -> NamedNode:
    """Returns the source of a statement: its graph, or its subject in the catalogue."""
    source = quad.subject if quad.graph_name == CATALOG_GRAPH else quad.graph_name
    assert isinstance(source, NamedNode)  # noqa: S101 - the table model has no other statements
    return source


def _value(statement: CellStatement) -> str:
    return str(getattr(statement.quad.object, "value", statement.quad.object))
