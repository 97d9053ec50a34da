"""The rows of the sheets that the statements of sources would come from: the export that can be imported again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import ID, RDF, RDFS, SOURCE, WD
from citygraph.sheets.cell_values import optional_text, text_in_iri
from citygraph.sheets.choices import Choices
from citygraph.sheets.export_state import RowKey
from citygraph.sheets.table_model import SUFFIX, Sheet, SheetColumn, SheetNode, TableModel, expanded, linking_nodes

_TYPE = RDF("type")


@dataclass(frozen=True)
class ExportedSheets:
    """Rows by sheet, each a mapping from column to text; their keys; and the statements that no column can hold."""

    rows: Mapping[str, list[dict[SheetColumn, str]]]
    left: tuple[Quad, ...]
    keys: frozenset[RowKey] = frozenset()


class SourceStatements:
    """Statements by entity and graph, in both directions."""

    def __init__(self, quads: Iterable[Quad]) -> None:
        self._values: dict[tuple[NamedNode, NamedNode], dict[NamedNode, list[NamedNode | Literal]]] = {}
        self._subjects: dict[tuple[NamedNode | Literal, NamedNode, NamedNode], list[NamedNode]] = defaultdict(list)
        for quad in sorted(quads, key=str):
            subject, value, graph = quad.subject, quad.object, quad.graph_name
            if (
                isinstance(subject, NamedNode)
                and isinstance(graph, NamedNode)
                and isinstance(value, NamedNode | Literal)
            ):
                properties = self._values.setdefault((subject, graph), defaultdict(list))
                properties[quad.predicate].append(value)
                self._subjects[value, graph, quad.predicate].append(subject)

    def entities(self) -> Iterator[tuple[NamedNode, NamedNode]]:
        """Yields each entity with each graph that describes it."""
        yield from self._values

    def values(self, node: NamedNode, graph: NamedNode, property_: str) -> Sequence[NamedNode | Literal]:
        """Returns the values of a property, given as a prefixed name."""
        return self._values.get((node, graph), {}).get(expanded(property_), ())

    def subjects(self, value: NamedNode, graph: NamedNode, property_: str) -> Sequence[NamedNode]:
        """Returns the entities that have a value of a property."""
        return self._subjects.get((value, graph, expanded(property_)), ())


class SheetExporter:
    """Makes rows from the statements of source graphs."""

    def __init__(self, model: TableModel, choices: Choices, home: str = "") -> None:
        self._model = model
        self._home = home
        self._choices = choices

    def rows(self, quads: Iterable[Quad]) -> ExportedSheets:
        """Returns a row for each entity and source: several where a column has more values than a cell can hold."""
        remaining = set(quads)
        statements = SourceStatements(remaining)
        rows: dict[str, list[dict[SheetColumn, str]]] = {sheet.key: [] for sheet in self._model.sheets}
        keys: set[RowKey] = set()
        for subject, graph in statements.entities():
            sheet = self._sheet_of(statements.values(subject, graph, "rdf:type"))
            if sheet is None:
                continue
            for nodes in self._nodes(sheet, subject, graph, statements):
                columns, used = self._cells(sheet, nodes, graph, statements)
                linked = next((nodes[key].value for key in linking_nodes(sheet) if key in nodes), "")
                source = subject if sheet.key == "sources" else graph
                keys.add(RowKey(sheet.key, subject.value, linked, source.value))
                rows[sheet.key] += _split(columns)
                remaining -= used
        remaining -= self._add_of_other_sources(remaining, rows)
        return ExportedSheets(rows, tuple(sorted(remaining, key=str)), frozenset(keys))

    def _add_of_other_sources(
        self, quads: Iterable[Quad], rows: Mapping[str, list[dict[SheetColumn, str]]]
    ) -> set[Quad]:
        """Fills empty cells with values whose source has no row about the entity, and returns their statements."""
        added: set[Quad] = set()
        by_entity: dict[str, list[tuple[Sheet, dict[SheetColumn, str]]]] = defaultdict(list)
        for sheet in self._model.sheets:
            for row in rows[sheet.key]:
                for text in (text for column, text in row.items() if column.kind == "identifier"):
                    by_entity[ID + text].append((sheet, row))
        for quad in sorted(quads, key=str):
            value, graph = quad.object, quad.graph_name
            if not isinstance(value, NamedNode | Literal) or not isinstance(graph, NamedNode):
                continue
            for sheet, row in by_entity.get(getattr(quad.subject, "value", ""), ()):
                column = self._empty_column(sheet, row, quad.predicate, value)
                if column is not None:
                    row[column] = f"{self._text(column, value)} [{graph.value.removeprefix(SOURCE)}]"
                    added.add(quad)
                    break
        return added

    def _empty_column(
        self, sheet: Sheet, row: Mapping[SheetColumn, str], predicate: NamedNode, value: NamedNode | Literal
    ) -> SheetColumn | None:
        return next(
            (
                column
                for column in sheet.columns
                if column.node == sheet.main
                and column.property
                and not column.also
                and expanded(column.property) == predicate
                and column not in row
                and self._belongs(column, value, {})
            ),
            None,
        )

    def _sheet_of(self, types: Iterable[NamedNode | Literal]) -> Sheet | None:
        """Returns the sheet whose rows describe entities of these classes."""
        classes = set(types)
        for sheet in self._model.sheets:
            node = sheet.nodes[sheet.main]
            names = [node.class_] if node.class_ else sheet.column("kind").classes
            if classes & {expanded(name) for name in names}:
                return sheet
        return None

    def _cells(
        self,
        sheet: Sheet,
        nodes: Mapping[str, NamedNode],
        graph: NamedNode,
        statements: SourceStatements,
    ) -> tuple[dict[SheetColumn, list[str]], set[Quad]]:
        """Returns the texts of the columns for the nodes of a row, and the statements that they hold."""
        subject = nodes[sheet.main]
        cells: dict[SheetColumn, list[str]] = {}
        used: set[Quad] = set()
        texts: dict[str, str] = {}
        for column in sheet.columns:
            node = nodes.get(column.node)
            if column.kind == "source":
                cells[column] = [graph.value.removeprefix(SOURCE)]
            elif column.kind == "key":
                cells[column] = [subject.value.removeprefix(SOURCE)]
            elif column.kind == "identifier":
                cells[column] = [subject.value.removeprefix(ID)]
            elif node is not None and column.kind == SUFFIX:
                text = optional_text(node.value, sheet.nodes[column.node].iri, texts, subject)
                cells[column] = [text] if text else []
            elif column.property and node is not None:
                values = statements.values(node, graph, column.property)
                if column.language_from:
                    languages = self._languages(sheet, column, node, graph, statements)
                    values, language = self._in_one_language(values, languages)
                    cells[sheet.column(column.language_from[0])] = (
                        [language] if language and languages != [language] else []
                    )
                own = [value for value in values if self._belongs(column, value, cells)]
                # Of the parties, the first column takes one: the home place if it is a party.
                own = sorted(own, key=lambda value: value.value != self._home)[:1] if column.default == "home" else own
                cells[column] = [self._text(column, value) for value in own]
                if self._is_implied(sheet, column, cells):
                    cells[column] = []
                if own:
                    texts[column.key] = text_in_iri(own[0], own[0].value)
                names = (column.property, *column.also)
                used |= {Quad(node, expanded(name), value, graph) for value in own for name in names}
        used |= _of_nodes(sheet, nodes, graph, statements)
        return cells, used

    def _languages(
        self, sheet: Sheet, column: SheetColumn, node: NamedNode, graph: NamedNode, statements: SourceStatements
    ) -> list[str]:
        """Returns the languages that other columns give the texts of a column, if they are stated."""
        properties = filter(None, (sheet.column(key).property for key in column.language_from))
        return [value.value for name in properties for value in statements.values(node, graph, name)]

    def _in_one_language(
        self, values: Iterable[NamedNode | Literal], languages: Iterable[str]
    ) -> tuple[list[NamedNode | Literal], str]:
        """Returns the texts in one of these languages, else the first of the instance, else any, and that language."""
        by_tag: dict[str, list[NamedNode | Literal]] = defaultdict(list)
        for value in values:
            if isinstance(value, Literal) and value.language:
                by_tag[value.language.lower()].append(value)
        wanted = (tag for tag in (*languages, self._model.languages[0], *sorted(by_tag)) if tag.lower() in by_tag)
        language = next(wanted, "")
        return by_tag.get(language.lower(), []), language

    def _is_implied(self, sheet: Sheet, column: SheetColumn, cells: Mapping[SheetColumn, list[str]]) -> bool:
        """Returns whether an empty cell means the same text: that of another column, in the first language."""
        is_first = column.kind == "label" and column.language == self._model.languages[0]
        return is_first and bool(column.default) and cells[column] == cells.get(sheet.column(column.default))

    def _nodes(
        self,
        sheet: Sheet,
        subject: NamedNode,
        graph: NamedNode,
        statements: SourceStatements,
    ) -> Iterator[dict[str, NamedNode]]:
        """Yields the nodes of each row about an entity: a row for each node that links to it, such as a tenure."""
        linking = [
            (node.key, other)
            for node in sheet.nodes.values()
            for property_, target in node.links
            if target == sheet.main
            for other in statements.subjects(subject, graph, property_)
        ]
        for key, other in linking or [(sheet.main, subject)]:
            yield self._linked(sheet, {sheet.main: subject, key: other}, graph, statements)

    def _linked(
        self,
        sheet: Sheet,
        nodes: dict[str, NamedNode],
        graph: NamedNode,
        statements: SourceStatements,
    ) -> dict[str, NamedNode]:
        """Returns the nodes together with those that they link to."""
        subject = nodes[sheet.main]
        for node in sheet.nodes.values():
            for property_, target in node.links:
                if node.key in nodes:
                    linked = statements.values(nodes[node.key], graph, property_)
                    if target not in nodes and linked and isinstance(linked[0], NamedNode):
                        nodes[target] = linked[0]
            if node.entity and (entity := self._entity_node(sheet, node, subject, graph, statements)):
                nodes[node.key] = entity
        return nodes

    def _entity_node(
        self,
        sheet: Sheet,
        node: SheetNode,
        subject: NamedNode,
        graph: NamedNode,
        statements: SourceStatements,
    ) -> NamedNode | None:
        """Returns the entity of a column as a node; of the two parties, the second."""
        values = statements.values(subject, graph, sheet.column(node.entity).property)
        others = sorted(values, key=lambda value: value.value != self._home)[1:2]
        return next((value for value in others if isinstance(value, NamedNode)), None)

    def _belongs(self, column: SheetColumn, value: NamedNode | Literal, cells: Mapping[SheetColumn, list[str]]) -> bool:
        """Returns whether a value of the column's property is for this column and not for another one."""
        if isinstance(value, Literal):
            tag = (value.language or "").lower()
            expected = column.language or ("" if column.plain else self._model.languages[0])
            return tag == expected if column.kind in ("text", "label") and not column.language_from else True
        if column.kind == "class":
            return value in {expanded(name) for name in column.classes}
        text = self._text(column, value)
        return not any(text in texts for other, texts in cells.items() if other.property == column.property)

    def _text(self, column: SheetColumn, value: NamedNode | Literal) -> str:
        if isinstance(value, Literal):
            return value.value
        if column.kind in ("class", "concept"):
            return self._choices.label(value.value, self._model.languages[0])
        return value.value.removeprefix(WD).removeprefix(ID)


def _of_nodes(
    sheet: Sheet,
    nodes: Mapping[str, NamedNode],
    graph: NamedNode,
    statements: SourceStatements,
) -> set[Quad]:
    """Returns the statements that a row makes without a cell: classes, links between its nodes, and their labels."""
    implied: set[Quad] = set()
    for key, node in nodes.items():
        if class_ := sheet.nodes[key].class_:
            implied.add(Quad(node, _TYPE, expanded(class_), graph))
        if sheet.nodes[key].label:
            labels = statements.values(node, graph, "rdfs:label")
            implied |= {Quad(node, RDFS("label"), label, graph) for label in labels}
        for property_, target in sheet.nodes[key].links:
            if target in nodes:
                implied.add(Quad(node, expanded(property_), nodes[target], graph))
    return implied


def _split(columns: Mapping[SheetColumn, list[str]]) -> Iterator[dict[SheetColumn, str]]:
    """Yields rows: all values of a column that takes many, and one value of another one in each row."""
    several = {column: texts for column, texts in columns.items() if not column.many and len(texts) > 1}
    first = {column: "; ".join(texts) if column.many else texts[0] for column, texts in columns.items() if texts}
    yield first
    fixed = {column: text for column, text in first.items() if _is_fixed(column)}
    required = {column: text for column, text in first.items() if column.required}
    for more in list(zip_longest(*(texts[1:] for texts in several.values()))):
        values = {column: text for column, text in zip(several, more, strict=True) if text}
        yield {**required, **fixed, **values}


def _is_fixed(column: SheetColumn) -> bool:
    """Returns whether all rows of an entity have the cell: it is a part of what the other cells say."""
    is_of_text = (column.kind == "language" and not column.property) or (column.kind == "label" and column.default)
    return bool(is_of_text) or column.kind in ("source", "identifier", "key")
