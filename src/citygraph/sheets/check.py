"""The check of workbooks, which is also the first half of their import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pyoxigraph import NamedNode, Quad, RdfFormat, parse

from citygraph.build.build import check
from citygraph.matching.lookup import Lookup
from citygraph.progress import Progress
from citygraph.rdf.terms import CATALOG_GRAPH, SOURCE
from citygraph.release.ownership import api_graphs
from citygraph.release.releases import Release
from citygraph.sheets.cell_names import UNKNOWN_NAME, Names
from citygraph.sheets.cell_problems import ERROR, NOTE, CellAddress, CellProblem, CellRule
from citygraph.sheets.cell_statements import CellStatement, RowReader, SheetContext
from citygraph.sheets.choices import Choices
from citygraph.sheets.export_state import ExportState, read_state
from citygraph.sheets.gazetteer import NATURAL_EARTH
from citygraph.sheets.later_changes import LaterChanges
from citygraph.sheets.merging import ChangedBy, MergedSources, Merger, SheetRows
from citygraph.sheets.place_facts import GazetteerFacts, PlaceFacts, without_lost_places
from citygraph.sheets.rows import SheetRow, read_rows
from citygraph.sheets.shape_results import ShapeResults, properties_of_shapes
from citygraph.sheets.sheet_mapping import SheetMapping, mapped
from citygraph.sheets.slots import normalised, source_of
from citygraph.sheets.table_model import TableModel
from citygraph.sheets.workbook import Workbook, read_workbook
from citygraph.source.files import Sources
from citygraph.source.reading import check_file

SOURCE_OF_FILE = CellRule(
    "source-file",
    "The graph of the source {value} is kept in the file {file}.",
    "Change it there, or give the rows a source of their own.",
)
SOURCE_OF_IMPORT = CellRule(
    "source-imported",
    "The source {value} was imported on the server, into the file {file}.",
    "Import it there with `citygraph sheets import`. To go on in the browser, the operator runs "
    "`citygraph sheets export`, deletes the file, and runs `citygraph build`; then upload the export.",
)
SOURCE_RESERVED = CellRule(
    "source-reserved",
    "The short name {value} belongs to the gazetteer, which fills its graph.",
    "Give the rows a source of another short name, such as the document that has them.",
)
NO_RELEASE = CellRule(
    "release-missing",
    "There is no release yet, so that only the names in these files are known.",
    "If the names are those of other files, run `citygraph build` first.",
    NOTE,
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
    """The statements of workbooks, the problems of their cells, notes on ignored content, and the workbooks.

    `before` and `after` are all statements of the sources that the import touches.
    """

    statements: tuple[CellStatement, ...]
    problems: tuple[CellProblem, ...]
    notes: tuple[str, ...] = ()
    workbooks: tuple[Workbook, ...] = ()
    before: tuple[Quad, ...] = ()
    after: tuple[Quad, ...] = ()

    @property
    def errors(self) -> list[CellProblem]:
        """The problems that prevent an import."""
        return [problem for problem in self.problems if problem.rule.severity == ERROR]


@dataclass(frozen=True)
class Checker:
    """Checks workbooks for an instance: its model, its folders, its current release if there is one, its home place.

    `language` is that of the messages of the shapes. With `by_commit` the graphs of all files are refused, not only
    those of files that were written by hand, and so are graphs whose IRIs begin with none of the `prefixes`; a source
    is described in its own graph, for the catalogue is made of files. With `complete` the files have all that their
    sources say. With `gazetteer` coordinates and countries that cities lack are taken from it.
    `read` reads a file, such as within limits.
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
    complete: bool = False
    gazetteer: bool = True
    read: Callable[[Path, Sequence[str], str], Workbook] = read_workbook

    def check(self, paths: Iterable[Path], progress: Progress) -> CheckedSheets:
        """Reads the files, makes their statements, and validates these with the whole graph as a build would.

        Raises UsageError for an unreadable file, NotFound if the release has no index for this version, and what a
        build raises.
        """
        columns = [column for sheet in self.model.sheets for column in sheet.columns]
        titles = [title for column in columns for title in (*column.titles.values(), *column.former)]
        titles += self.mapping.columns if self.mapping else ()
        with progress.step("read") as step:
            workbooks = [self._workbook(path, titles) for path in paths]
            if self.mapping:
                workbooks = mapped(workbooks, self.mapping, self.model)
            context = self._context()
            rows, problems = read_rows(workbooks, self.model, context.choices)
            step.result = f"{len(workbooks)} file(s), {len(rows)} rows"
        with progress.step("interpret") as step:
            reader = RowReader(context)
            sheet_rows = self._sheet_rows(reader, rows)
            facts = self._facts(sheet_rows, context)
            step.result = f"{len(sheet_rows.statements)} statements"
        problems = self._of_cells(workbooks, (*problems, *reader.problems, *self._refused(sheet_rows.statements)))
        notes = tuple(note for workbook in workbooks for note in workbook.notes)
        if any(problem.rule.severity == ERROR for problem in problems):
            # Shapes would complain about the values that are missing because of these errors, and rows would be missed.
            return CheckedSheets(sheet_rows.statements, tuple(problems), notes, tuple(workbooks))
        problems += facts.problems
        merged = self._merged(facts.added_to(sheet_rows), workbooks)
        problems += merged.problems
        if not any(problem.rule.severity == ERROR for problem in merged.problems):
            problems += self._validated(merged, sheet_rows, workbooks, context.choices, progress)
        sheets = (merged.statements, tuple(problems), notes, tuple(workbooks))
        return CheckedSheets(*sheets, merged.before, merged.after)

    def _of_cells(self, workbooks: Iterable[Workbook], found: Iterable[CellProblem]) -> list[CellProblem]:
        """Returns the problems of reading the files, and those found in other cells."""
        unreadable = [problem for workbook in workbooks for problem in workbook.problems]
        faulty = {problem.address for problem in unreadable if problem.rule.severity == ERROR}
        # A wrong cell has one error: that its value is not a date, for example, would be a second one.
        more = [problem for problem in found if problem.address not in faulty]
        unknown = [problem for problem in more if problem.rule.name == UNKNOWN_NAME.name]
        without_release = [CellProblem(NO_RELEASE, unknown[0].address)] if self.release is None and unknown else []
        return [*unreadable, *more, *without_release]

    def _sheet_rows(self, reader: RowReader, rows: Sequence[SheetRow]) -> SheetRows:
        statements = dict.fromkeys(map(self._as_committed, reader.statements(rows)))
        return SheetRows(tuple(statements), tuple(reader.deletions), reader.keys, reader.about)

    def _facts(self, sheet_rows: SheetRows, context: SheetContext) -> GazetteerFacts:
        """Returns the gazetteer's facts about the rows, unless its graph is closed."""
        if not self.gazetteer:
            return GazetteerFacts()
        reason = self._closed_gazetteer()
        facts = PlaceFacts(sheet_rows, context.names, self.release, self.model.languages).facts(reason)
        return replace(facts, statements=list(map(self._as_committed, facts.statements)))

    def _closed_gazetteer(self) -> str:
        """Returns why the graph of the gazetteer cannot be changed: the file or graph, empty if it can."""
        owners = self.release.manifest.owners if self.release is not None else {}
        owner = owners.get(NATURAL_EARTH.value, "")
        if owner and (self.by_commit or Path(owner).parent.name != FOLDER):
            return owner
        return "" if NATURAL_EARTH.value.startswith(self.prefixes) else NATURAL_EARTH.value

    def _as_committed(self, statement: CellStatement) -> CellStatement:
        """Returns a statement as a commit makes it: in the graph of its source, in the form in which a store has it."""
        if not self.by_commit:
            return statement
        quad = statement.quad
        stored = Quad(quad.subject, quad.predicate, normalised(quad.object), source_of(quad))
        return CellStatement(stored, statement.address)

    def _merged(self, sheet_rows: SheetRows, workbooks: Iterable[Workbook]) -> MergedSources:
        states = {str(one.path): read_state(one.state) for one in workbooks if one.state}
        merger = Merger(states, self._changed_by(states.values()), self.complete, frozenset({NATURAL_EARTH.value}))
        sources = merger.sources(sheet_rows) | (set() if self._closed_gazetteer() else {NATURAL_EARTH.value})
        merged = merger.merge(sheet_rows, self.current_statements(sources))
        return replace(merged, after=without_lost_places(merged.after, self.release, sources))

    def written_sources(self) -> frozenset[str]:
        """Returns the sources that were written through the API, by IRI."""
        graphs = api_graphs(self.release.manifest) if self.release is not None else ()
        return frozenset(graph for graph in graphs if graph.startswith(SOURCE))

    def current_statements(self, sources: Iterable[str]) -> Iterator[Quad]:
        """Yields the current statements of the sources: from the release for a commit, else from the imported files."""
        of_api = self.written_sources()
        for source in sorted(sources):
            path = self.sources.data / FOLDER / file_name(source)
            if not self.by_commit and path.is_file():
                yield from parse(path=str(path), format=RdfFormat.TRIG)
            elif self.release is not None and (self.by_commit or source in of_api):
                for quad in self.release.open_store().quads_for_pattern(None, None, None, NamedNode(source)):
                    # In files the catalogue describes the sources.
                    is_moved = not self.by_commit and quad.subject == quad.graph_name
                    graph = CATALOG_GRAPH if is_moved else quad.graph_name
                    yield Quad(quad.subject, quad.predicate, quad.object, graph)

    def _changed_by(self, states: Iterable[ExportState]) -> ChangedBy:
        if self.release is None:
            return lambda _: "–"
        oldest = min((state.release for state in states), default="")
        return LaterChanges(self.release, oldest).by

    def _workbook(self, path: Path, titles: Sequence[str]) -> Workbook:
        check_file(path)
        return self.read(path, titles, self.encoding)

    def _context(self) -> SheetContext:
        order = self.date_order or (self.mapping.date_order if self.mapping else "")
        finder = None
        sources: frozenset[str] = frozenset()
        if self.release is not None:
            finder = Lookup(self.release.path / "search.sqlite")
            graphs = self.release.manifest.graphs
            sources = frozenset(graph.removeprefix(SOURCE) for graph in graphs if graph.startswith(SOURCE))
        return SheetContext(self.model, choices_of(self.sources), Names(finder), self.home, order, sources)

    def _refused(self, statements: Iterable[CellStatement]) -> Iterator[CellProblem]:
        """Yields a problem for each source whose graph an import must not change, at its first statement."""
        owners = self.release.manifest.owners if self.release is not None else {}
        first: dict[str, CellStatement] = {}
        for statement in statements:
            first.setdefault(source_of(statement.quad).value, statement)
        for graph, statement in first.items():
            owner, name = owners.get(graph, ""), graph.rpartition("/")[2]
            if owner and (self.by_commit or Path(owner).parent.name != FOLDER):
                rule = SOURCE_OF_IMPORT if Path(owner).parent.name == FOLDER else SOURCE_OF_FILE
                yield CellProblem(rule, statement.address, name, {"file": owner})
            elif graph == NATURAL_EARTH.value:
                yield CellProblem(SOURCE_RESERVED, statement.address, name)
            elif not graph.startswith(self.prefixes):
                yield CellProblem(SOURCE_FORBIDDEN, statement.address, name)

    def _validated(
        self,
        merged: MergedSources,
        sheet_rows: SheetRows,
        workbooks: Sequence[Workbook],
        choices: Choices,
        progress: Progress,
    ) -> list[CellProblem]:
        """Returns the results of the shapes, each at the cell of its statement, or of a row about the same entity."""
        with TemporaryDirectory(prefix="citygraph-sheets-") as folder:
            path = Path(folder) / _STATEMENTS
            # A statement a line: the line of a result is the place of the statement.
            path.write_text("".join(f"{quad} .\n" for quad in merged.after), encoding="utf-8")
            report = check(self._without_sources(merged), [path], progress, self.release)
        start = CellAddress(str(workbooks[0].path), next((grid.name for grid in workbooks[0].grids), ""), 1, 0)
        shapes = properties_of_shapes(quad for file in self.sources.shape_files() for quad in file.read())
        results = ShapeResults(
            merged, sheet_rows, self.model.languages[0], self.language, start, shapes, choices, self.model.sheets
        )
        return list(results.problems(report.results, _STATEMENTS))

    def _without_sources(self, merged: MergedSources) -> Sources:
        """Returns the folders without the files of an earlier import of the same sources, which this one replaces."""
        quads = (*merged.before, *merged.after)
        return replace(self.sources, left_out=frozenset(file_of(self.sources.data, quad) for quad in quads))


def choices_of(sources: Sources) -> Choices:
    """Returns the choices of drop-downs, from the ontology of an instance."""
    return Choices(quad for file in sources.ontology_files() for quad in file.read())


def file_of(data: Path, quad: Quad) -> Path:
    """Returns the file of a statement's source, which has the description of the source in the catalogue too."""
    return data / FOLDER / file_name(source_of(quad).value)


def file_name(source: str) -> str:
    """Returns the name of the file that an import writes for a source."""
    return f"{source.rpartition('/')[2]}.trig"
