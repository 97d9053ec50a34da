"""Mappings: how a person's own spreadsheet, with other titles and values, fills a sheet of the template."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from citygraph.errors import UsageError
from citygraph.sheets.cell_names import Names
from citygraph.sheets.cell_problems import Translate
from citygraph.sheets.choices import Choices
from citygraph.sheets.dates import read_date
from citygraph.sheets.rows import titles_of
from citygraph.sheets.table_model import Sheet, SheetColumn, TableModel
from citygraph.sheets.workbook import Grid, Workbook
from citygraph.source.reading import read_text
from citygraph.text import fold, slug, wikidata_item

_HEADER_ROWS = 20
_MOST = 0.6  # the part of a column's cells that must look like a value for a proposal by values
_DISTINCT = 12  # values of a column that are proposed for translation
_KEYS = ("sheet", "columns", "values", "constants", "date_order")


@dataclass(frozen=True)
class SheetMapping:
    """A mapping of one sheet: titles to column keys ("" is ignored), values by column key, and constants.

    A column with a language has the key and the language, such as "name de". `constants` fill columns that the
    spreadsheet does not have.
    """

    sheet: str
    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    date_order: str = ""


def read_mapping(path: Path, model: TableModel) -> SheetMapping:
    """Reads a mapping. Raises UsageError for an unknown sheet, column or key, with the nearest name."""
    try:
        values = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from None
    _require(values, _KEYS, f"{path}")
    sheets = {sheet.key: sheet for sheet in model.sheets}
    _require([values.get("sheet", "")], sheets, f"{path}: sheet")
    mapping = SheetMapping(**values)
    keys = _by_key(sheets[mapping.sheet])
    for name, used in (
        ("columns", mapping.columns.values()),
        ("values", mapping.values),
        ("constants", mapping.constants),
    ):
        _require([key for key in used if key], keys, f"{path} [{name}]")
    if mapping.date_order not in ("", "dmy", "mdy"):
        raise UsageError(f"{path}: date_order is dmy or mdy")
    return mapping


def mapped(workbooks: Iterable[Workbook], mapping: SheetMapping, model: TableModel) -> list[Workbook]:
    """Returns the workbooks, in which the sheets with the mapping's titles get those of the template.

    Raises UsageError if no sheet has the titles.
    """
    sheet = model.sheet(mapping.sheet)
    changed = [
        replace(workbook, grids=tuple(_mapped_grid(grid, mapping, sheet) for grid in workbook.grids))
        for workbook in workbooks
    ]
    if not any(grid.sheet for workbook in changed for grid in workbook.grids):
        raise UsageError(f"no sheet has the columns of the mapping: {', '.join(mapping.columns)}")
    return changed


def propose_mapping(workbook: Workbook, model: TableModel, choices: Choices, names: Names, translate: Translate) -> str:
    """Returns a mapping for the largest sheet of a workbook as TOML with comments, for a person to correct."""
    grid = max(workbook.grids, key=lambda one: sum(bool(text) for row in one.rows for text in row), default=None)
    header = _header_of(grid, ()) if grid else None
    if grid is None or header is None:
        raise UsageError(f"{workbook.path} has no filled cell")
    columns = {title: _cells(grid, header, place) for place, title in enumerate(grid.rows[header]) if title}
    guesses = {sheet.key: _guesses(columns, sheet, choices, names, model.languages) for sheet in model.sheets}
    best = max(model.sheets, key=lambda sheet: sum(bool(key) for key in guesses[sheet.key].values()))
    return "\n".join(_lines(best, columns, guesses[best.key], choices, model.languages[0], translate)) + "\n"


def _mapped_grid(grid: Grid, mapping: SheetMapping, sheet: Sheet) -> Grid:
    header = _header_of(grid, mapping.columns)
    if header is None or not set(mapping.columns) <= set(grid.rows[header]):
        return grid
    keys = _by_key(sheet)
    places = {place: mapping.columns.get(title) for place, title in enumerate(grid.rows[header])}
    values = {key: {fold(text): value for text, value in table.items()} for key, table in mapping.values.items()}
    missing = [key for key in mapping.constants if key not in places.values()]
    rows = []
    for number, row in enumerate(grid.rows[header:]):
        # A title that the mapping does not name stays, and is reported as unknown.
        cells = [_mapped_cell(text, places.get(place), number == 0, keys, values) for place, text in enumerate(row)]
        filled = any(cells)
        added = (keys[key].titles["en"] if number == 0 else mapping.constants[key] if filled else "" for key in missing)
        rows.append((*cells, *added))
    return replace(grid, rows=tuple(rows), lines=grid.lines[header:], sheet=sheet.key)


def _mapped_cell(
    text: str,
    key: str | None,
    is_title: bool,
    keys: Mapping[str, SheetColumn],
    values: Mapping[str, Mapping[str, str]],
) -> str:
    if key is None:
        return text
    if not key:
        return ""
    return keys[key].titles["en"] if is_title else values.get(key, {}).get(fold(text)) or text


def _header_of(grid: Grid, titles: Mapping[str, str] | Sequence[str]) -> int | None:
    """Returns the row with the most of these titles, or without titles the first of the fullest rows."""
    counts = [sum(text in titles if titles else bool(text) for text in row) for row in grid.rows[:_HEADER_ROWS]]
    return counts.index(max(counts)) if any(counts) else None


def _cells(grid: Grid, header: int, place: int) -> list[str]:
    return [row[place] for row in grid.rows[header + 1 :] if place < len(row) and row[place]]


def _by_key(sheet: Sheet) -> dict[str, SheetColumn]:
    return {f"{column.key} {column.language}".strip(): column for column in sheet.columns}


def _guesses(
    columns: Mapping[str, list[str]], sheet: Sheet, choices: Choices, names: Names, languages: tuple[str, ...]
) -> dict[str, str]:
    """Returns the likely key of each title, each key once: by title first, then by the values."""
    keys = _by_key(sheet)
    by_title = {
        title: key for key, column in keys.items() for title in titles_of(column) | set(map(fold, column.synonyms))
    }
    guesses: dict[str, str] = {}
    for title in columns:
        nearest = get_close_matches(fold(title), by_title, 1, 0.85)
        key = by_title[nearest[0]] if nearest else ""
        guesses[title] = key if key not in guesses.values() else ""
    for title, cells in columns.items():
        if not guesses[title]:
            fitting = (
                key
                for key, column in keys.items()
                if key not in guesses.values() and _fits(cells, column, choices, names, languages)
            )
            guesses[title] = next(fitting, "")
    return _with_required(guesses, keys)


def _with_required(guesses: Mapping[str, str], keys: Mapping[str, SheetColumn]) -> dict[str, str]:
    """Returns the guesses, in which a column with a default cedes its title to a required one of its property."""
    missing = [key for key, column in keys.items() if column.required and key not in guesses.values()]
    ceded = {
        key: other
        for key, column in keys.items()
        for other in missing
        if column.default and keys[other].property == column.property
    }
    return {title: ceded.get(key, key) for title, key in guesses.items()}


def _fits(
    cells: Sequence[str], column: SheetColumn, choices: Choices, names: Names, languages: tuple[str, ...]
) -> bool:
    """Returns whether most cells look like values of a column."""
    tests = {
        "date": lambda text: read_date(text, "dmy", languages).literal is not None,
        "qid": lambda text: wikidata_item(text) is not None,
        "url": lambda text: text.startswith(("http://", "https://")),
        "class": lambda text: choices.class_of(text, column.classes) is not None,
        "concept": lambda text: choices.concept_of(text, (column.scheme,)) is not None,
        "entity": lambda text: bool(names.find(text, column.classes)),
    }
    test = tests.get(column.kind)
    return test is not None and bool(cells) and sum(map(test, cells)) >= _MOST * len(cells)


def _lines(
    sheet: Sheet,
    columns: Mapping[str, list[str]],
    guesses: Mapping[str, str],
    choices: Choices,
    language: str,
    translate: Translate,
) -> Iterator[str]:
    keys = _by_key(sheet)
    how = translate("How this spreadsheet fills the graph. Correct it, then: {command}")
    yield f"# {how.format(command='citygraph sheets check FILE --mapping THIS')}"
    # The names that a mapping uses are the same in every language.
    sheets, names = translate("Sheets"), translate("Columns")
    yield f"# {sheets}: agreements, places, people, organisations, events, sources"
    yield f"sheet = {_quoted(sheet.key)}"
    orders = translate("How 03/04/1996 is read: {orders}, or an empty text to have such dates reported.")
    yield f"# {orders.format(orders='dmy, mdy')}"
    yield 'date_order = ""'
    yield ""
    meaning = translate("Title of your column = column of the template. An empty text leaves the column out.")
    yield f"# {meaning}"
    yield f"# {names}: {', '.join(keys)}"
    yield "[columns]"
    for title, cells in columns.items():
        example = f"  # {cells[0][:40]}" if cells else "  # empty"
        yield f"{_quoted(title)} = {_quoted(guesses[title])}{example.splitlines()[0]}"
    for key, column in keys.items():
        titles = [title for title, guess in guesses.items() if guess == key]
        if titles and column.kind in ("class", "concept", "source"):
            yield from _values(key, column, columns[titles[0]], choices, language, translate)
    yield ""
    constants = translate("Values for all rows, for columns that your sheet does not have.")
    yield f"# {constants}"
    yield "[constants]"
    for key, column in keys.items():
        if column.kind == "source" or (column.required and key not in guesses.values()):
            yield f"# {key} = {_quoted(choices.example_of(column, language))}"


def _values(
    key: str, column: SheetColumn, cells: Sequence[str], choices: Choices, language: str, translate: Translate
) -> Iterator[str]:
    """Yields the table of values that are not choices of a column, or no short names, the most frequent first."""
    find = choices.class_of if column.kind == "class" else choices.concept_of
    domain = column.classes if column.kind == "class" else (column.scheme,)
    counted = [text for text, _ in Counter(cells).most_common()]
    if column.kind == "source":
        unknown = [text for text in counted if slug(text) != text]
        hints = [
            translate("The short name of each document, for which the sheet of the sources has a row."),
            translate("If your list itself is the source: leave this column out above, and name it below instead."),
        ]
    else:
        unknown = [text for text in counted if find(text, domain) is None]
        name = translate("Choices")
        hints = [f"{name}: {', '.join(choices.of(column, language))}"]
    if unknown:
        yield ""
        yield from (f"# {hint}" for hint in hints)
        yield f"[values.{key}]"
        for text in unknown[:_DISTINCT]:
            yield f"{_quoted(text)} = {_quoted('')}"


def _quoted(text: str) -> str:
    # JSON's escapes are those of TOML's basic strings.
    return json.dumps(text, ensure_ascii=False)


def _require(
    names: Sequence[str] | Mapping[str, object], valid: Sequence[str] | Mapping[str, object], where: str
) -> None:
    for name in names:
        if name not in valid:
            nearest = get_close_matches(str(name), valid, 1, 0.5)
            if nearest:
                raise UsageError(f"{where}: {name!r} is unknown; did you mean {nearest[0]!r}?")
            raise UsageError(f"{where}: {name!r} is unknown; there are {', '.join(valid)}")
