"""The columns of a table: those of its query, and for each partial date its first and its last day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from citygraph.catalogues import N_, translated
from citygraph.rdf.partial_dates import period_of
from citygraph.source.queries import Column

SEPARATOR = "; "
# A day as year, month and day, which a table derives from a partial date.
DAY = "day"
_DATES = 1 << 14  # cells of dates whose days are kept: some 5 MB
_FIRST, _LAST = N_("{column}: first day"), N_("{column}: last day")
_ON_FIRST = N_("The first day of the date next to it: of a year 1 January, of a month the 1st.")
_ON_LAST = N_("The last day of the date next to it: of a year 31 December, of a month its last day.")


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
