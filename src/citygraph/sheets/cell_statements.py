"""The statements that rows make, each with the cell it comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CATALOG_GRAPH, ID, RDF, RDFS, SOURCE
from citygraph.sheets.cell_names import AMBIGUOUS_NAME, UNKNOWN_NAME, UNLIKE_ANY_NAME, Names, name_for_identifier
from citygraph.sheets.cell_problems import CellAddress, CellProblem, CellRule
from citygraph.sheets.cell_terms import COUNTRY_CODE, PLAIN_TERMS, RULE_OF
from citygraph.sheets.cell_values import IDENTIFIER, CellValue, node_iri, text_in_iri
from citygraph.sheets.choices import Choices
from citygraph.sheets.dates import read_date
from citygraph.sheets.export_state import RowKey
from citygraph.sheets.rows import DELETION, RowCell, SheetRow
from citygraph.sheets.slots import Slot
from citygraph.sheets.table_model import SUFFIX, SheetColumn, SheetNode, TableModel, expanded, linking_nodes
from citygraph.sheets.terms_of_office import TermsOfOffice
from citygraph.text import ALL_LANGUAGES, best_tag, is_language_tag, language_of_country, nfc, slug

NOT_A_CHOICE = CellRule("choice", "{value} is not one of the choices.", "Choose one of {choices}.")
NO_SLUG = CellRule("name-letters", "{value} has no letters.", "Write a name with letters.")
UNKNOWN_SOURCE = CellRule(
    "source-unknown",
    "{value} is not the short name of a source.",
    "Add a row to the sheet of the sources, or write one of {sources}.",
)
NOT_AN_IDENTIFIER = CellRule(
    "identifier", "{value} is not an identifier.", "Write a type and a short name, such as city/bremen, or nothing."
)
ANOTHER_TYPE = CellRule(
    "identifier-type",
    "{value} is an identifier of another type.",
    "Begin the identifier with {type}/, or write nothing.",
)
VALUE_ALONE = CellRule(
    "value-alone",
    "{value} says something only together with {columns}, which is empty.",
    "Fill in {columns}, or empty this cell.",
)
UNCLEAR_DELETION = CellRule(
    "deletion-unclear",
    "Without the value of {column}, it is unclear what the sign {value} deletes.",
    "Leave {column} as it is. To remove the row, delete it from a workbook that was exported.",
)

_OVERRIDE = re.compile(r"(.*\S)\s*\[([a-z0-9][a-z0-9-]*)\]", re.DOTALL)
_PARTS = re.compile(r"\s*[;；؛\n]\s*")  # semicolons of Latin, Chinese and Japanese, and Arabic text


@dataclass(frozen=True)
class CellStatement:
    """A statement in the graph of its source, and the cell that makes it."""

    quad: Quad
    address: CellAddress


@dataclass(frozen=True)
class CellDeletion:
    """A property whose values a cell deletes with the sign –."""

    slot: Slot
    address: CellAddress


@dataclass(frozen=True)
class SheetContext:
    """The context in which rows are read: the model, the choices, the names and the home place."""

    model: TableModel
    choices: Choices
    names: Names
    home: str = ""  # the IRI of the home place
    date_order: str = ""
    sources: frozenset[str] = frozenset()  # short names of sources that the graph has


class RowReader:
    """Turns rows into statements; problems of their cells are collected, and statements of sound cells are kept."""

    def __init__(self, context: SheetContext) -> None:
        self._context = context
        self.problems: list[CellProblem] = []
        self.deletions: list[CellDeletion] = []
        self.keys: dict[RowKey, CellAddress] = {}
        self.about: dict[tuple[NamedNode, NamedNode], tuple[SheetRow, str]] = {}
        self._sources = set(context.sources)
        self._terms = TermsOfOffice(context.model.languages[0])

    def statements(self, rows: Sequence[SheetRow]) -> list[CellStatement]:
        """Returns the statements of all rows. Entities that rows describe are known before any row refers to them."""
        self._sources.update(cell.text for row in rows if row.sheet.key == "sources" and (cell := row.cell("key")))
        mains = {id(row): self._main(row) for row in rows if row.sheet.key != "agreements"}
        return [statement for row in rows for statement in self._of_row(row, mains.get(id(row)))]

    def _main(self, row: SheetRow) -> NamedNode | None:
        """Returns the entity that a row describes: one of the graph with its name and class, or a new one."""
        node = row.sheet.nodes[row.sheet.main]
        if row.sheet.key == "sources":
            cell = row.cell("key")
            return SOURCE(slug(cell.text)) if cell else None
        names = [cell for column, cell in row.cells.items() if column.key == "name"]
        class_ = self._class(row, node)
        iri = self._iri(row, node, class_, names)
        others = row.cell("other_names")
        texts = [self._without_source(cell.text)[0] for cell in (*names, *((others,) if others else ()))]
        parts = [part for text in texts for part in _PARTS.split(text)]
        if iri is None:
            self._context.names.withhold(parts)
            return None
        self.problems += self._context.names.shared(row, parts, iri, class_, self._country(row))
        for name in parts:
            self._context.names.add(name, iri, class_)
        self._context.names.add(iri.removeprefix(ID), iri, class_)
        return NamedNode(iri)

    def _iri(self, row: SheetRow, node: SheetNode, class_: str, names: Sequence[RowCell]) -> str | None:
        if cell := row.cell("id"):
            return self._identified(cell, _type(node, class_) if class_ else "")
        if not names or not class_:
            return None
        texts = [self._without_source(cell.text)[0] for cell in names]
        matches = self._context.names.find(texts[0], [class_], self._country(row))
        return matches[0] if len(matches) == 1 else self._new_iri(node, class_, texts, names[0].address)

    def _country(self, row: SheetRow) -> str:
        return self._without_source(cell.text)[0] if (cell := row.cell("country")) else ""

    def _identified(self, cell: RowCell, type_: str) -> str | None:
        """Returns the IRI of an identifier of this type, or of any type if it is ""; None for other text."""
        if not IDENTIFIER.fullmatch(cell.text):
            self.problems.append(CellProblem(NOT_AN_IDENTIFIER, cell.address, cell.text))
            return None
        if type_ and not cell.text.startswith(f"{type_}/"):
            self.problems.append(CellProblem(ANOTHER_TYPE, cell.address, cell.text, {"type": type_}))
            return None
        return ID + cell.text

    def _new_iri(self, node: SheetNode, class_: str, names: Sequence[str], address: CellAddress) -> str | None:
        if not slug(names[0]):
            self.problems.append(CellProblem(NO_SLUG, address, names[0]))
            return None
        pattern = node.iri.partition("/")[2]
        iri, other = (
            f"{ID}{_type(node, class_)}/{pattern.replace('{name}', slug(name))}"
            for name in (names[0], name_for_identifier(names))
        )
        return iri if iri == self._context.home else self._context.names.new_iri(iri, other, names[0])

    def _class(self, row: SheetRow, node: SheetNode) -> str:
        if node.class_:
            return node.class_
        cell = row.cell("kind")
        return (self._context.choices.class_of(cell.text, row.sheet.column("kind").classes) or "") if cell else ""

    def _of_row(self, row: SheetRow, main: NamedNode | None) -> Iterator[CellStatement]:
        values = {column: list(self._values(row, column, cell)) for column, cell in row.cells.items()}
        source_cell = row.cell("source")
        source = self._source(source_cell) if source_cell else ""
        nodes = self._nodes(row, values, main, source)
        self._note_key(row, nodes, source)
        if "tenure" in nodes:
            self.problems += self._terms.add(row, nodes["tenure"], self._graph(row, source), values)
        for column, cell_values in values.items():
            subject = nodes.get(column.node)
            self._delete(row, column, nodes, source)
            if subject is None:
                self._report_alone(row, column)
            if subject is None or not column.property:
                continue
            for value in cell_values:
                graph = self._graph(row, value.source or source)
                for name in (column.property, *column.also):
                    yield CellStatement(Quad(subject, expanded(name), value.term, graph), value.address)
        yield from self._of_nodes(row, nodes, values, source)

    def _note_key(self, row: SheetRow, nodes: Mapping[str, NamedNode], source: str) -> None:
        main = nodes.get(row.sheet.main)
        if main is not None:
            linked = next((nodes[key].value for key in linking_nodes(row.sheet) if key in nodes), "")
            graph = main if row.sheet.key == "sources" else self._graph(row, source)
            self.keys.setdefault(RowKey(row.sheet.key, main.value, linked, graph.value), row.address)
            for key, node in nodes.items():
                # A partner has a row of its own among the places.
                if key == row.sheet.main and self.about.get((node, graph), (row, ""))[1] != key:
                    self.about[node, graph] = (row, key)
                self.about.setdefault((node, graph), (row, key))

    def _report_alone(self, row: SheetRow, column: SheetColumn) -> None:
        """Reports a value about a node that the row does not have, because a needed column is empty."""
        missing = [row.sheet.column(key) for key in row.sheet.nodes[column.node].needs if not row.says(key)]
        if missing and column not in missing:
            titles = ", ".join(one.title(self._context.model.languages[0]) for one in missing)
            cell = row.cells[column]
            self.problems.append(CellProblem(VALUE_ALONE, cell.address, cell.text, {"columns": titles}))

    def _delete(self, row: SheetRow, column: SheetColumn, nodes: Mapping[str, NamedNode], source: str) -> None:
        """Records the deletion by a cell with the sign –: the values of its property, or the node that requires it."""
        cell, sheet = row.cells[column], row.sheet
        text, other = self._without_source(cell.text)
        main = nodes.get(sheet.main)
        title = column.title(self._context.model.languages[0])
        if text == DELETION and column.kind == SUFFIX:
            self.problems.append(CellProblem(UNCLEAR_DELETION, cell.address, text, {"column": title}))
        if text != DELETION or not column.property or main is None:
            return
        subject, properties = nodes.get(column.node), [column.property, *column.also]
        if column.key in sheet.nodes[column.node].needs:
            links = sheet.nodes[sheet.main].links
            subject, properties = main, [name for name, target in links if target == column.node]
            if not properties:
                self.problems.append(CellProblem(UNCLEAR_DELETION, cell.address, text, {"column": title}))
        if subject is not None:
            graph = self._graph(row, other or source)
            graph = subject if graph == CATALOG_GRAPH else graph
            tag = column.tag(self._language(row, column))
            slots = (Slot(subject, expanded(name), graph, tag) for name in properties)
            self.deletions += [CellDeletion(slot, cell.address) for slot in slots]

    def _nodes(
        self,
        row: SheetRow,
        values: Mapping[SheetColumn, list[CellValue]],
        main: NamedNode | None,
        source: str,
    ) -> dict[str, NamedNode]:
        """Returns the nodes of a row: those whose needed columns have values."""
        by_key = {column.key: cell_values for column, cell_values in values.items() if cell_values}
        if row.sheet.key == "agreements":
            identifier = row.cell("id")
            iri = self._identified(identifier, "agreement") if identifier else self._agreement(by_key)
            main = NamedNode(iri) if iri else None
        nodes = {row.sheet.main: main} if main is not None else {}
        for key, node in row.sheet.nodes.items():
            if key in nodes or not by_key.keys() >= set(node.needs):
                continue
            if node.entity:
                entity = by_key.get(node.entity)
                if entity and isinstance(entity[0].term, NamedNode):
                    nodes[key] = entity[0].term
            elif main is not None and node.iri:
                texts = {name: text_in_iri(found[0].term, found[0].text) for name, found in by_key.items()}
                nodes[key] = NamedNode(node_iri(node.iri, texts, main, nodes, source))
        return nodes

    def _agreement(self, by_key: Mapping[str, list[CellValue]]) -> str | None:
        partner = by_key.get("partner")
        if not partner:
            return None
        city = by_key.get("city")
        first = city[0].term.value if city else self._context.home
        ends = [iri.rpartition("/")[2] for iri in (first, partner[0].term.value)]
        return f"{ID}agreement/{'-'.join(ends)}"

    def _of_nodes(
        self,
        row: SheetRow,
        nodes: Mapping[str, NamedNode],
        values: Mapping[SheetColumn, list[CellValue]],
        source: str,
    ) -> Iterator[CellStatement]:
        """Yields the classes of the nodes, the links between them, and the parties that are understood."""
        graph = self._graph(row, source)
        for key, subject in nodes.items():
            node = row.sheet.nodes[key]
            if node.class_:
                yield CellStatement(Quad(subject, RDF("type"), expanded(node.class_), graph), row.address)
            for property_, target in node.links:
                if target in nodes:
                    yield CellStatement(Quad(subject, expanded(property_), nodes[target], graph), row.address)
            if node.label:
                yield from self._label(row, node, subject, values, graph)
        for column in row.sheet.columns:
            if (
                column.default
                and column not in values
                and column.node in nodes
                and (term := self._default(column, values))
            ):
                copied = _copied(column, values)
                address = copied.address if copied else row.address
                yield CellStatement(Quad(nodes[column.node], expanded(column.property), term, graph), address)

    def _default(
        self, column: SheetColumn, values: Mapping[SheetColumn, list[CellValue]]
    ) -> NamedNode | Literal | None:
        """Returns the value of an empty cell: the home place, the text of another cell, or a constant of the model."""
        if column.default == "home":
            return NamedNode(self._context.home) if self._context.home else None
        if column.kind == "label":
            copied = _copied(column, values)
            is_first = column.language == self._context.model.languages[0]
            return Literal(nfc(copied.text), language=column.language) if copied and is_first else None
        return PLAIN_TERMS[column.kind](column.default)

    def _label(
        self,
        row: SheetRow,
        node: SheetNode,
        subject: NamedNode,
        values: Mapping[SheetColumn, list[CellValue]],
        graph: NamedNode,
    ) -> Iterator[CellStatement]:
        """Yields labels that are made from those of other cells, in each language of the instance."""
        for language in self._context.model.languages:
            texts = {column.key: self._text_of(column, cell[0], language) for column, cell in values.items() if cell}
            pattern = node.label[best_tag(node.label, language, language.partition("-")[0]) or ALL_LANGUAGES]
            label = Literal(pattern.format_map(texts), language=language)
            yield CellStatement(Quad(subject, RDFS("label"), label, graph), row.address)

    def _text_of(self, column: SheetColumn, value: CellValue, language: str) -> str:
        if column.kind == "concept":
            return self._context.choices.label(value.term.value, language)
        return self._context.names.label(value.term.value) if column.kind == "entity" else value.text

    def _graph(self, row: SheetRow, source: str) -> NamedNode:
        return CATALOG_GRAPH if row.sheet.key == "sources" else SOURCE(slug(source) or "unknown")

    def _source(self, cell: RowCell) -> str:
        if cell.text not in self._sources:
            names = ", ".join(sorted(self._sources)[:10]) or "–"
            self.problems.append(CellProblem(UNKNOWN_SOURCE, cell.address, cell.text, {"sources": names}))
        return cell.text

    def _values(self, row: SheetRow, column: SheetColumn, cell: RowCell) -> Iterator[CellValue]:
        text, source = self._without_source(cell.text)
        if text == DELETION or column.kind in ("source", "key", "identifier"):
            return
        for part in _PARTS.split(text) if column.many else (text,):
            if part:
                term = self._term(row, column, nfc(part), cell.address)
                if term is not None:
                    yield CellValue(term, part, source, cell.address)

    def _without_source(self, text: str) -> tuple[str, str]:
        """Returns the text of a cell, and the short name of a source in brackets behind it, if any."""
        match = _OVERRIDE.fullmatch(text)
        return (match[1], match[2]) if match and match[2] in self._sources else (text, "")

    def _term(self, row: SheetRow, column: SheetColumn, text: str, address: CellAddress) -> NamedNode | Literal | None:
        def wrong(rule: CellRule, **values: str) -> None:
            self.problems.append(CellProblem(rule, address, text, values))

        kind = column.kind
        if kind == "date":
            reading = read_date(text, self._context.date_order, self._context.model.languages)
            if reading.rule:
                wrong(reading.rule, **reading.values)
            return reading.literal
        if kind in ("text", "label"):
            return Literal(text) if column.plain else Literal(text, language=self._language(row, column))
        if kind == "entity":
            return self._entity(row, column, text, address)
        if kind in ("class", "concept"):
            find = self._context.choices.class_of if kind == "class" else self._context.choices.concept_of
            choices = column.classes if kind == "class" else (column.scheme,)
            name = find(text, choices)
            if name is None:
                wrong(NOT_A_CHOICE, choices=self._context.choices.as_text(column, self._context.model.languages[0]))
            return expanded(name) if name else None
        term = PLAIN_TERMS[kind](text)
        if term is None and kind == "language" and (language := language_of_country(text)):
            wrong(COUNTRY_CODE, language=language)
        elif term is None:
            wrong(RULE_OF[kind])
        return term

    def _language(self, row: SheetRow, column: SheetColumn) -> str:
        """Returns the language of the texts of a column: its own, that of another cell, or the first one."""
        cells = filter(None, map(row.cell, column.language_from))
        tags = [tag for cell in cells if is_language_tag(tag := self._without_source(cell.text)[0])]
        return column.language or next(iter(tags), self._context.model.languages[0])

    def _entity(self, row: SheetRow, column: SheetColumn, text: str, address: CellAddress) -> NamedNode | None:
        names = self._context.names
        matches = names.find(text, column.classes, self._country(row) if column.key == "partner" else "")
        if len(matches) == 1:
            return NamedNode(matches[0])
        if matches:
            identifiers = ", ".join(iri.removeprefix(ID) for iri in matches[:5])
            self.problems.append(CellProblem(AMBIGUOUS_NAME, address, text, {"candidates": identifiers}))
        elif not names.is_withheld(text):
            candidates = names.candidates(text, column.classes)
            rule = UNKNOWN_NAME if candidates else UNLIKE_ANY_NAME
            self.problems.append(CellProblem(rule, address, text, {"candidates": candidates}))
        return None


def _copied(column: SheetColumn, values: Mapping[SheetColumn, list[CellValue]]) -> CellValue | None:
    return next((value for other, cells in values.items() if other.key == column.default for value in cells), None)


def _type(node: SheetNode, class_: str) -> str:
    kinds = {"cg:AdministrativeArea": "area", "cg:Country": "country"}
    return node.iri.partition("/")[0].replace("{kind}", kinds.get(class_, "city"))
