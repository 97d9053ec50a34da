"""The sheets as CSV files described by CSV on the Web and by a Data Package, made from the table model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from citygraph.instance import current_instance
from citygraph.rdf.terms import ID, SOURCE, WD
from citygraph.saving import replace_text
from citygraph.sheets.choices import Choices
from citygraph.sheets.table_model import Sheet, SheetColumn, TableModel, expanded
from citygraph.text import csv_line, guarded_cell

CSVW, PACKAGE = "csv-metadata.json", "datapackage.json"
_SEPARATOR = "; "
_DATE = r"-?[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?"
_IDENTIFIER = r"[a-z]+/[a-z0-9]+(-[a-z0-9]+)*"
# The form of the cells of each kind in an export: the pattern, the type of CSV on the Web and that of the Data Package.
_TYPES: Mapping[str, tuple[str, Any, str]] = {
    "date": (_DATE, {"base": "string", "format": _DATE}, "string"),
    "number": (r"-?[0-9]+", "integer", "integer"),
    "decimal": (r"-?[0-9]+(\.[0-9]+)?", "decimal", "number"),
    "yes_no": ("true|false", "boolean", "boolean"),
    "url": (r"https?://\S+", "anyURI", "string"),
    "qid": (r"Q[1-9][0-9]*", {"base": "string", "format": r"Q[1-9][0-9]*"}, "string"),
    "identifier": (_IDENTIFIER, {"base": "string", "format": _IDENTIFIER}, "string"),
}
# In a template a person may write these in other forms, such as 24.04.1996 or yes.
_FREE = frozenset({"date", "yes_no"})

SheetTexts = Sequence[Mapping[SheetColumn, str]]


def write_csv_files(
    folder: Path, model: TableModel, choices: Choices, rows: Mapping[str, SheetTexts] | None = None
) -> list[Path]:
    """Writes a CSV file for each sheet and both descriptions, and returns the paths; without rows, the template."""
    texts = {f"{sheet.key}.csv": _csv(sheet, model, (rows or {}).get(sheet.key, ())) for sheet in model.sheets}
    tables = _Tables(model, choices, rows)
    for name, values in ((CSVW, tables.csv_on_the_web()), (PACKAGE, tables.data_package())):
        texts[name] = json.dumps(values, ensure_ascii=False, indent=2) + "\n"
    for name, text in texts.items():
        replace_text(folder / name, text)
    return [folder / name for name in texts]


def _csv(sheet: Sheet, model: TableModel, rows: SheetTexts) -> str:
    titles = [column.title(model.languages[0]) for column in sheet.columns]
    lines = [[guarded_cell(row.get(column, "")) for column in sheet.columns] for row in rows]
    return "".join(csv_line(line) for line in (titles, *lines))


class _Tables:
    """The descriptions of all sheets; a type or a key is stated only if all rows have it."""

    def __init__(self, model: TableModel, choices: Choices, rows: Mapping[str, SheetTexts] | None) -> None:
        self._model, self._choices = model, choices
        self._is_template = rows is None
        self._rows = rows or {}
        self._language = model.languages[0]

    def csv_on_the_web(self) -> dict[str, Any]:
        """Returns the metadata by the Metadata Vocabulary for Tabular Data."""
        return {
            "@context": ["http://www.w3.org/ns/csvw", {"@language": self._language}],
            "dc:title": current_instance().title_in(self._language),
            "dc:license": {"@id": current_instance().licence},
            "dialect": {"encoding": "utf-8", "delimiter": ",", "header": True},
            "tables": [self._csvw_table(sheet) for sheet in self._model.sheets],
        }

    def data_package(self) -> dict[str, Any]:
        """Returns the metadata by version 1 of the Data Package."""
        return {
            "profile": "tabular-data-package",
            "name": "citygraph-sheets",
            "title": current_instance().title_in(self._language),
            "licenses": [{"title": current_instance().licence_name, "path": current_instance().licence}],
            "resources": [self._resource(sheet) for sheet in self._model.sheets],
        }

    def _csvw_table(self, sheet: Sheet) -> dict[str, Any]:
        schema: dict[str, Any] = {"columns": [self._csvw_column(sheet, column) for column in sheet.columns]}
        if sheet.key == "sources":
            schema |= {"primaryKey": "key", "aboutUrl": f"{SOURCE}{{key}}"}
        else:
            schema |= {"aboutUrl": f"{ID}{{+id}}"}
            if self._has_sources(sheet):
                reference = {"resource": "sources.csv", "columnReference": "key"}
                schema["foreignKeys"] = [{"columnReference": "source", "reference": reference}]
        return {"url": f"{sheet.key}.csv", "dc:title": sheet.title(self._language), "tableSchema": schema}

    def _csvw_column(self, sheet: Sheet, column: SheetColumn) -> dict[str, Any]:
        is_typed = self._is_typed(sheet, column)
        about_main = bool(column.property) and column.node == sheet.main
        described: dict[str, Any] = {
            "name": _name(column),
            "titles": column.title(self._language),
            "datatype": _TYPES[column.kind][1] if is_typed else "string",
            "required": self._is_required(sheet, column),
            "null": [""],
        }
        if guidance := column.guidance(self._language):
            described["dc:description"] = guidance
        if column.many:
            described["separator"] = _SEPARATOR
        # The language of a title is that of its row.
        if (tag := column.tag(self._language)) and not column.language_from:
            described["lang"] = tag
        value = self._value_url(sheet, column)
        if about_main and (value or column.kind not in ("class", "concept", "entity", "qid")):
            described["propertyUrl"] = expanded(column.property).value
            described |= {"valueUrl": value} if value else {}
        else:
            described["suppressOutput"] = True
        return described

    def _value_url(self, sheet: Sheet, column: SheetColumn) -> str:
        """Returns the pattern of the IRI that a cell names, if all of the cells are identifiers."""
        if column.kind == "qid" and self._is_typed(sheet, column):
            return f"{WD}{{{_name(column)}}}"
        if column.kind == "entity" and not self._is_template and self._all_match(sheet, column, _IDENTIFIER):
            return f"{ID}{{+{_name(column)}}}"
        return ""

    def _resource(self, sheet: Sheet) -> dict[str, Any]:
        schema: dict[str, Any] = {"fields": [self._field(sheet, column) for column in sheet.columns]}
        key = sheet.column("key").title(self._language) if sheet.key == "sources" else ""
        if key:
            schema["primaryKey"] = key
        elif self._has_sources(sheet):
            fields = self._model.sheet("sources").column("key").title(self._language)
            reference = {"resource": "sources", "fields": fields}
            schema["foreignKeys"] = [{"fields": sheet.column("source").title(self._language), "reference": reference}]
        return {
            "profile": "tabular-data-resource",
            "name": sheet.key,
            "path": f"{sheet.key}.csv",
            "title": sheet.title(self._language),
            "format": "csv",
            "mediatype": "text/csv",
            "encoding": "utf-8",
            "dialect": {"delimiter": ",", "header": True},
            "schema": schema,
        }

    def _field(self, sheet: Sheet, column: SheetColumn) -> dict[str, Any]:
        is_typed = self._is_typed(sheet, column) and not column.many
        pattern, _, type_ = _TYPES[column.kind] if is_typed else ("", None, "string")
        field: dict[str, Any] = {"name": column.title(self._language), "type": type_}
        if guidance := column.guidance(self._language):
            field["description"] = guidance
        if column.property:
            field["rdfType"] = expanded(column.property).value
        constraints: dict[str, Any] = {"required": True} if self._is_required(sheet, column) else {}
        if pattern and type_ == "string":
            constraints["pattern"] = pattern
        if column.kind in ("class", "concept") and not column.many:
            offered = self._choices.of(column, self._language)
            if self._is_template or all(text in offered for text in self._texts(sheet, column)):
                constraints["enum"] = offered
        return {**field, **({"constraints": constraints} if constraints else {})}

    def _is_required(self, sheet: Sheet, column: SheetColumn) -> bool:
        """Returns whether every row needs the value: rows about a known entity need no name."""
        return column.required and all(row.get(column) for row in self._rows.get(sheet.key, ()))

    def _is_typed(self, sheet: Sheet, column: SheetColumn) -> bool:
        if column.kind not in _TYPES or (self._is_template and column.kind in _FREE):
            return False
        return self._all_match(sheet, column, _TYPES[column.kind][0])

    def _all_match(self, sheet: Sheet, column: SheetColumn, pattern: str) -> bool:
        texts: Iterable[str] = self._texts(sheet, column)
        parts = (part for text in texts for part in (text.split(_SEPARATOR) if column.many else (text,)))
        return all(re.fullmatch(pattern, part) for part in parts)

    def _texts(self, sheet: Sheet, column: SheetColumn) -> Iterator[str]:
        return (row[column] for row in self._rows.get(sheet.key, ()) if row.get(column))

    def _has_sources(self, sheet: Sheet) -> bool:
        """Returns whether each row's source has its own row."""
        keys = set(self._texts(self._model.sheet("sources"), self._model.sheet("sources").column("key")))
        return self._is_template or keys.issuperset(self._texts(sheet, sheet.column("source")))


def _name(column: SheetColumn) -> str:
    """Returns the name of a column: a part of an address, in which a tag such as de-CH is de_CH."""
    return f"{column.key} {column.language}".strip().replace(" ", "_").replace("-", "_")
