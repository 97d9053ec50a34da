"""The results of the shapes as problems of cells, in the words of the sheet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pyoxigraph import NamedNode, Quad

from citygraph.catalogues import N_, translated
from citygraph.rdf.terms import RDFS, SH, split_iri
from citygraph.report import ValidationResult
from citygraph.sheets.cell_problems import ERROR, WARNING, CellAddress, CellProblem, CellRule
from citygraph.sheets.choices import Choices
from citygraph.sheets.merging import MergedSources, SheetRows
from citygraph.sheets.rows import SheetRow
from citygraph.sheets.slots import source_of
from citygraph.sheets.table_model import Sheet, SheetColumn, expanded

# A value that a shape requires, and one that it recommends.
ADD = CellRule("value-missing", "The column {column} is empty.", "Write it into the column {column}.")
FILL_IN = CellRule(
    "value-missing",
    "The column {column} is empty.",
    "Write it into the column {column} if it is known.",
    WARNING,
)
ELSEWHERE = CellRule(
    "violation-elsewhere",
    "With these rows a build would find a violation outside them, at {place}: {message}",
    "Change the rows, or correct what is there. {remedy}",
)
# A property in the remedy of a shape, and the language of the text that it is to have.
_PROPERTY = re.compile(r'\b([a-z]+:[A-Za-z]\w*)\b(?: "…"@([a-z-]+))?')
# Terms of the ontology that the user of a sheet does not know: classes, and properties without a column.
_CLASS = re.compile(r"(?:cg|schema):[A-Z]\w*")
# A value as Turtle has it.
_TYPED = re.compile(r'"([^"]*)"\^\^xsd:\w+')
_UNKNOWN = re.compile(r"(?:cg|schema|dcterms|skos|rdfs|owl|geo|rdf):[a-z]\w*")
_NO_COLUMN = N_(
    "No sheet has a column for {terms}. A source that states it is written as a Turtle file in data/, instead of in "
    "spreadsheets."
)
_SAME = N_("Correct the text that is wrong, so that these cells have the same.")
_PREFIXED_NAME = re.compile(r"(?<![\w:])[a-z]+:[A-Za-z]\w*")
_LABEL = RDFS("label")


def properties_of_shapes(quads: Iterable[Quad]) -> dict[str, frozenset[NamedNode]]:
    """Returns the properties that the SPARQL constraint of each shape names, by the IRI of the shape."""
    shapes: dict[object, str] = {}
    queries: dict[object, str] = {}
    for quad in quads:
        if quad.predicate == SH("sparql") and isinstance(quad.subject, NamedNode):
            shapes[quad.object] = quad.subject.value
        elif quad.predicate == SH("select"):
            queries[quad.subject] = str(getattr(quad.object, "value", ""))
    return {
        shape: frozenset(expanded(name) for name in _PREFIXED_NAME.findall(queries[node]))
        for node, shape in shapes.items()
        if node in queries
    }


class ShapeResults:
    """Places results at cells: that of the statement, the empty one of a missing value, or a row about the entity.

    `start` is the cell of violations that are not of a row, `properties` has those that the query of a shape names.
    `choices` has the names of classes, `sheets` the columns for which a property of a remedy is looked up.
    """

    def __init__(
        self,
        merged: MergedSources,
        rows: SheetRows,
        first_language: str,
        reader: str,
        start: CellAddress,
        properties: Mapping[str, frozenset[NamedNode]],
        choices: Choices,
        sheets: Sequence[Sheet],
    ) -> None:
        self._merged, self._rows, self._start, self._properties = merged, rows, start, properties
        self._first, self._reader = first_language, reader
        self._choices, self._sheets = choices, sheets
        self._placed = {one.quad: one.address for one in merged.statements}
        self._by_subject = {one.quad.subject: one.address for one in reversed(merged.statements)}
        self._by_iri = {str(getattr(term, "value", "")): address for term, address in self._by_subject.items()}
        self._about: dict[object, list[Quad]] = {}
        for quad in self._placed:
            self._about.setdefault(quad.subject, []).append(quad)
        self._names: dict[object, str] = {
            quad.subject: str(getattr(quad.object, "value", ""))
            for quad in reversed(merged.after)
            if quad.predicate == _LABEL
        }
        self._texts = {
            CellAddress(row.address.file, row.address.sheet, row.address.row, row.places[column]): cell.text
            for row, _ in rows.about.values()
            for column, cell in row.cells.items()
            if column in row.places
        }
        self._by_source = {NamedNode(key.source): address for key, address in rows.keys.items()}

    def problems(self, results: Iterable[ValidationResult], file: str) -> Iterator[CellProblem]:
        """Yields the results about the statements of a file, of which each is on the line of its number.

        Violations of other statements are problems too, because they prevent the build after an import.
        """
        for result in results:
            if result.place is None or not result.place.file.endswith(file):
                if result.severity == "violation":
                    yield self._elsewhere(result)
            else:
                quad = self._read_by_shape(result, self._merged.after[result.place.line - 1])
                row, node = self._rows.about.get((NamedNode(result.focus_node), source_of(quad)), (None, ""))
                # A recommendation for which the sheet has no column cannot be followed.
                if row is None or result.severity == "violation" or self._has_column(row, node, result.path):
                    yield from self._problem(result, quad, row, node)

    def _problem(self, result: ValidationResult, quad: Quad, row: SheetRow | None, node: str) -> Iterator[CellProblem]:
        address = self._placed.get(quad) or self._by_subject.get(quad.subject)
        if address is None and result.severity == "violation":
            address = self._by_source.get(source_of(quad), next(iter(self._by_source.values()), self._start))
        if address is None:
            return
        name = result.shape.rpartition("#")[2]
        severity = ERROR if result.severity == "violation" else WARNING
        message, _ = self._in_columns(result.message(self._reader), row.sheet if row else None)
        message, remedy = _quoted(message), result.remedy(self._reader)
        missing = self._missing(result, row, node) if row else None
        if row and missing:
            column, place = missing
            rule = CellRule(name, message, (ADD if severity == ERROR else FILL_IN).remedy, severity)
            yield CellProblem(rule, place, "", {"column": column.title(self._first)})
            return
        if severity == ERROR and (others := self._others(quad, address, row)):
            cells = translated(N_("also in {cells}"), self._reader).format(cells=others)
            message = f"{message} ({_quoted(cells)})"
            if row and not self._has_columns(remedy, row.sheet):
                # Its advice is for entities of another sheet.
                remedy = translated(_SAME, self._reader)
        remedy = self.in_columns(remedy, row.sheet if row else None)
        yield CellProblem(CellRule(name, message, _quoted(remedy), severity), address, self._value(quad, address))

    def _others(self, quad: Quad, address: CellAddress, row: SheetRow | None) -> str:
        """Returns the other cells with a value of the same property, of which the source can state only one."""
        columns = [one for one in row.sheet.columns if one.property and not one.many] if row else []
        if row and quad.predicate not in {expanded(name) for one in columns for name in (one.property, *one.also)}:
            return ""
        same = (one for one in self._about.get(quad.subject, ()) if _is_instead(one, quad))
        places = dict.fromkeys(self._placed[one] for one in same if self._placed[one] != address)
        return ", ".join(
            place.name if (place.file, place.sheet) == (address.file, address.sheet) else str(place) for place in places
        )

    def _read_by_shape(self, result: ValidationResult, quad: Quad) -> Quad:
        """Returns a statement about the focus node that the query of the shape reads, instead of one that it does not.

        The result of a query has no path, so that its place may be that of any statement, such as the name.
        """
        properties = self._properties.get(result.shape, frozenset())
        if result.path or not properties or quad.predicate in properties:
            return quad
        focus = NamedNode(result.focus_node)
        stated = [one for one in self._about.get(focus, ()) if one.predicate in properties]
        return next((one for one in stated if source_of(one) == source_of(quad)), stated[0] if stated else quad)

    def _value(self, quad: Quad, address: CellAddress) -> str:
        """Returns the value of a statement as the sheet has it: the text of the cell or a name, never an IRI."""
        if not isinstance(quad.object, NamedNode):
            return str(getattr(quad.object, "value", quad.object))
        if text := self._texts.get(address):
            return text
        # A cell that is left empty means the home city, and the sheet itself gives a type.
        return self._names.get(quad.object) or ":".join(filter(None, split_iri(quad.object.value)))

    def _elsewhere(self, result: ValidationResult) -> CellProblem:
        """Returns a violation of statements that are not of the sheets, at a row about its entity if there is one."""
        # Results about the whole graph have the entity as their value.
        entity = ":".join(filter(None, split_iri(result.value.strip("<>") or result.focus_node)))
        values = {
            "place": str(result.place or entity),
            "message": result.message(self._reader),
            "remedy": result.remedy(self._reader),
        }
        address = self._by_iri.get(result.focus_node, self._start)
        return CellProblem(ELSEWHERE, address, entity, values)

    def _missing(self, result: ValidationResult, row: SheetRow, node: str) -> tuple[SheetColumn, CellAddress] | None:
        """Returns the empty cell, with its column, for the value that a shape requires; None if no column is for it."""
        if result.value or not result.path:
            return None
        language = result.shape.rpartition("-")[2] if "-" in result.shape.rpartition("#")[2] else ""
        if self._is_stated(result, language):
            return None
        for column in row.sheet.columns:
            is_stated = column.node == node and column.property and expanded(column.property).value == result.path
            if (
                is_stated
                and column not in row.cells
                and column.tag(self._first) == (language or column.tag(self._first))
            ):
                place = row.places.get(column, 0)
                return column, CellAddress(row.address.file, row.address.sheet, row.address.row, place)
        return None

    def _is_stated(self, result: ValidationResult, language: str) -> bool:
        """Returns whether there is a value, in the language if one is given, such as that of another cell."""
        stated = self._about.get(NamedNode(result.focus_node), ())
        values = [one.object for one in stated if one.predicate.value == result.path]
        return any(not language or getattr(value, "language", None) == language for value in values)

    def _has_column(self, row: SheetRow, node: str, path: str) -> bool:
        return not path or any(
            column.node == node and column.property and expanded(column.property).value == path
            for column in row.sheet.columns
        )

    def in_columns(self, text: str, sheet: Sheet | None) -> str:
        """Returns a remedy with the titles of columns instead of properties, and the names of classes.

        A column of another sheet has the title of that sheet. Properties without a column are named at the end.
        """
        remedy, without = self._in_columns(text, sheet)
        if without:
            remedy += " " + translated(_NO_COLUMN, self._reader).format(terms=", ".join(without))
        return remedy

    def _in_columns(self, text: str, sheet: Sheet | None) -> tuple[str, list[str]]:
        """Returns a text in the words of the sheets, and the properties in it for which no sheet has a column."""
        others = [one for one in self._sheets if one != sheet]
        without: dict[str, None] = {}

        def title(match: re.Match[str]) -> str:
            term, language = match.groups()
            if own := self._titles(sheet, term, language) if sheet else "":
                return own
            if _CLASS.fullmatch(term):
                return self._choices.label(expanded(term).value, self._reader)
            for other in others:
                if titles := self._titles(other, term, language):
                    return f"{titles} ({other.title(self._first)})"
            if _UNKNOWN.fullmatch(term):
                without[term] = None
            return match[0]

        return _PROPERTY.sub(title, _TYPED.sub(r"\1", text)), list(without)

    def _has_columns(self, text: str, sheet: Sheet) -> bool:
        """Returns whether a sheet has columns for all properties in a remedy, without which it cannot be followed."""
        terms = [match.groups() for match in _PROPERTY.finditer(text) if _UNKNOWN.fullmatch(match[1])]
        return all(self._titles(sheet, term, language) for term, language in terms)

    def _titles(self, sheet: Sheet, term: str, language: str | None) -> str:
        """Returns the titles of the columns that state a property, "" if there are none."""
        columns = {
            one.key: one
            for one in reversed(sheet.columns)
            if (one.property == term or term in one.also) and (not language or one.tag(self._first) == language)
        }
        return "/".join(one.title(self._first) for one in reversed(columns.values()))


def _is_instead(one: Quad, quad: Quad) -> bool:
    """Returns whether a statement has another value of the same property, from the same source and in its language."""
    of_both = ((each.predicate, each.graph_name, getattr(each.object, "language", None)) for each in (one, quad))
    return len(set(of_both)) == 1 and one.object != quad.object


def _quoted(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
