"""The tables of a release: each stored query below queries/tables as CSV and as Parquet."""

from __future__ import annotations

import csv
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from pyoxigraph import Literal, NamedNode, QuerySolution, QuerySolutions, Store

from citygraph.build.dependencies import Unbounded
from citygraph.build.key_parts import KeyParts
from citygraph.build.key_reads import key_reads
from citygraph.catalogues import ENGLISH, N_, for_instance, translated
from citygraph.errors import BadData, QuerySyntaxError
from citygraph.instance import current_instance
from citygraph.rdf.partial_dates import period_of
from citygraph.release.outputs import OutputFile, table_files
from citygraph.source.queries import Column, StoredQuery, load_queries
from citygraph.sparql.evaluate import evaluate_trusted
from citygraph.sparql.normal_form import ordering_variables
from citygraph.text import best_tag, guarded

if TYPE_CHECKING:
    from arro3.core import DataType, Field, RecordBatch, Schema

_FOLDER = "tables/"
SEPARATOR = "; "
# A day as year, month and day, which a table derives from a partial date.
DAY = "day"
_DATES = 1 << 14  # cells of dates whose days are kept: some 5 MB
_FIRST, _LAST = N_("{column}: first day"), N_("{column}: last day")
_ON_FIRST = N_("The first day of the date next to it: of a year 1 January, of a month the 1st.")
_ON_LAST = N_("The last day of the date next to it: of a year 31 December, of a month its last day.")
# Rows are read and written in batches, so that the terms of a large table are not all in memory at once.
_BATCH = 10_000
_WITH_VALUE = (Literal, NamedNode)
# Arrow's types by name, and what reads a value. The library is imported when tables are written: pages need it not.
_TYPES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "integer": ("int64", int),
    "number": ("float64", float),
    "boolean": ("bool", lambda text: text in ("true", "1")),
}


@dataclass(frozen=True)
class Table:
    """A written table: its query and its number of rows."""

    query: StoredQuery
    rows: int

    @property
    def name(self) -> str:
        """The name of its files without extension."""
        return table_name(self.query)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of its files."""
        return columns_of(self.query.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that identify a row."""
        return self.query.key or (self.query.columns[0].name,)

    @property
    def csv(self) -> OutputFile:
        """The CSV file."""
        return offers_of(self.query)[0]

    @property
    def parquet(self) -> OutputFile:
        """The Parquet file."""
        return offers_of(self.query)[1]


def table_queries(folders: Iterable[Path]) -> list[StoredQuery]:
    """Returns the stored queries that define tables, by name. Raises BadData if one does not describe its columns."""
    queries = load_queries(*folders).values()
    tables = [query for query in queries if query.name.startswith(_FOLDER)]
    for query in tables:
        if not query.columns:
            raise BadData("the head of a table needs `columns`", f"{query.name}.rq")
        if bare := [column.name for column in query.columns if not column.description]:
            raise BadData(f"the column {bare[0]!r} of a table needs a description", f"{query.name}.rq")
        if unknown := set(query.key) - {column.name for column in query.columns}:
            raise BadData(f"the key {min(unknown)!r} is not a column", f"{query.name}.rq")
    return tables


def unordered_tables(queries: Iterable[StoredQuery]) -> Iterator[str]:
    """Yields a sentence for each table that is not ordered by its key, so that equal data may give other files."""
    for query in queries:
        try:
            ordered = ordering_variables(query.text)
        except QuerySyntaxError:
            # Writing the table reports the error.
            continue
        if missing := [name for name in Table(query, 0).key if name not in ordered]:
            yield (
                f"{query.name}.rq is not ordered by {', '.join(f'?{name}' for name in missing)} of its key: "
                "rows that are equal otherwise may have another order in each build"
            )


def table_name(query: StoredQuery) -> str:
    """Returns the name of a table: that of its query without the folder."""
    return query.name.removeprefix(_FOLDER)


def offers_of(query: StoredQuery) -> tuple[OutputFile, OutputFile]:
    """Returns the files of a table: CSV and Parquet."""
    return table_files(table_name(query), query.titles)


def write_tables(
    open_store: Callable[[], Store], queries: Iterable[StoredQuery], release: Path, parts: KeyParts | None = None
) -> list[Table]:
    """Writes the tables into the release's folder.

    With `parts`, the store is opened only for a query that cannot be evaluated for some of its keys at a time. Raises
    BadData if a query does not parse, is not a SELECT, or its columns are not those of its head.
    """
    (release / _FOLDER).mkdir(exist_ok=True)
    tables = []
    for query in queries:
        with closing(_rows(open_store, query, parts)) as rows:
            tables.append(_write_table(rows, query, release))
    return tables


def is_text(column: Column) -> bool:
    """Returns whether the cells are strings: a cell with several values cannot be a number."""
    return column.several or column.type not in _TYPES


def _rows(open_store: Callable[[], Store], query: StoredQuery, parts: KeyParts | None) -> Generator[QuerySolution]:
    """Yields the result of a query. Raises BadData."""
    if parts:
        try:
            yield from parts.rows(key_reads(query.text), partial(_select, query=query))
        except Unbounded:
            pass
        else:
            return
    yield from _select(open_store(), query)


def _write_table(solutions: Iterable[QuerySolution], query: StoredQuery, release: Path) -> Table:
    csv_offer, parquet_offer = offers_of(query)
    batches: list[RecordBatch] = []
    columns = columns_of(query.columns)
    from arro3.core import Schema

    schema = Schema([_field(column) for column in columns])
    rows = 0
    # RFC 4180: commas, CRLF, doubled quotes. No byte order mark: R and many CSV readers take it for part of a name.
    with (release / csv_offer.path).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(column.name for column in columns)
        for batch in _batches(solutions, query.columns):
            rows += len(batch)
            writer.writerows(map(_cells(columns), batch))
            batches.append(_columnar(batch, columns, f"{query.name}.rq", schema))
    with (release / parquet_offer.path).open("wb") as binary:
        _write_parquet(batches, schema, binary)
    return Table(query, rows)


def _select(store: Store, query: StoredQuery) -> QuerySolutions:
    file = f"{query.name}.rq"
    try:
        solutions = evaluate_trusted(store, query.text)
    except QuerySyntaxError as error:
        raise BadData(str(error), file, error.line) from None
    if not isinstance(solutions, QuerySolutions):
        raise BadData("a table must be a SELECT query", file)
    # The order counts too: it is that of the columns in the files.
    selected = [variable.value for variable in solutions.variables]
    if selected != [column.name for column in query.columns]:
        raise BadData(f"the query selects {', '.join(selected)}: its head must describe exactly these columns", file)
    return solutions


def _batches(solutions: Iterable[QuerySolution], columns: Sequence[Column]) -> Iterator[list[list[str | None]]]:
    # Without a function for each of a million cells.
    rows = (
        cells_of([term.value if isinstance(term, _WITH_VALUE) else None for term in solution], columns)
        for solution in solutions
    )
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _cells(columns: Sequence[Column]) -> Callable[[list[str | None]], list[str | None]]:
    """Returns a function that writes a row as CSV. Only free text can be a formula: numbers keep their minus sign."""
    free = [number for number, column in enumerate(columns) if column.type == "text"]

    def cells(row: list[str | None]) -> list[str | None]:
        written = row.copy()  # the library writes None as an empty cell
        for number in free:
            if text := row[number]:
                written[number] = guarded(text)
        return written

    return cells


def _field(column: Column) -> Field:
    from arro3.core import Field

    about = {**by_key("title", column.title), **by_key("description", column.description)}
    return Field(column.name, _kind(column), nullable=True, metadata=about)


def _kind(column: Column) -> DataType:
    from arro3.core import DataType

    kind: DataType = getattr(DataType, "string" if is_text(column) else _TYPES[column.type][0])()
    return kind


def by_key(name: str, texts: Mapping[str, str]) -> dict[str, str]:
    """Returns texts of the instance under keys: `name` for the first language, and with the tag for the others."""
    texts = for_instance(texts)
    main = main_tag(texts)
    return {name if tag == main else f"{name}_{tag}": text for tag, text in texts.items()}


def main_tag(texts: Mapping[str, str]) -> str | None:
    """Returns the first language of the instance that has a text, else English, else any."""
    return best_tag(texts, *current_instance().languages, ENGLISH) or next(iter(texts), None)


def _columnar(rows: list[list[str | None]], columns: Sequence[Column], file: str, schema: Schema) -> RecordBatch:
    from arro3.core import Array, RecordBatch

    arrays = []
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        if is_text(column):
            arrays.append(Array(values, _kind(column)))
            continue
        read = _TYPES[column.type][1]
        try:
            arrays.append(Array([None if value is None else read(value) for value in values], _kind(column)))
        except ValueError as error:
            raise BadData(f"the column {column.name!r} is of type {column.type}: {error}", file) from None
    return RecordBatch.from_arrays(arrays, schema=schema)


def _write_parquet(batches: list[RecordBatch], schema: Schema, file: IO[bytes]) -> None:
    from arro3.core import Table as Arrow
    from arro3.io import write_parquet

    write_parquet(Arrow.from_batches(batches, schema=schema), file, compression="snappy")


def columns_of(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Returns the columns of the files of a table: a partial date is three columns."""
    return tuple(
        one for column in columns for one in ((column, *_days(column)) if column.type == "date" else (column,))
    )


def cells_of(row: Sequence[str | None], columns: Sequence[Column]) -> list[str | None]:
    """Returns the cells of a row of the query's result for the columns of the files."""
    cells: list[str | None] = []
    for value, column in zip(row, columns, strict=True):
        cells.append(value)
        if column.type == "date":
            cells += _first_and_last(value) if value else (None, None)
    return cells


# Most agreements have the dates of many others.
@lru_cache(_DATES)
def _first_and_last(dates: str) -> tuple[str, str] | tuple[None, None]:
    """Returns the first days and the last days of the dates of a cell."""
    # A date that does not exist has none.
    days = [(period[0], period[1]) for period in map(period_of, dates.split(SEPARATOR)) if period]
    if not days:
        return None, None
    return SEPARATOR.join(first for first, _ in days), SEPARATOR.join(last for _, last in days)


def _days(column: Column) -> tuple[Column, Column]:
    base = column.name.removesuffix("_date")
    return (
        _day(f"{base}_first_day", column, _FIRST, _ON_FIRST),
        _day(f"{base}_last_day", column, _LAST, _ON_LAST),
    )


def _day(name: str, of: Column, title: str, about: str) -> Column:
    titles = {language: translated(title, language).format(column=text) for language, text in of.title.items()}
    return Column(name, DAY, titles, _in_each(about, of.title), of.several)


def _in_each(text: str, languages: Mapping[str, str]) -> dict[str, str]:
    return {language: translated(text, language) for language in languages}
