"""The table model: the sheets and columns of a workbook, and the statements that their cells make."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyoxigraph import NamedNode

from citygraph.errors import BadData
from citygraph.instance import packaged_folder
from citygraph.rdf.terms import PREFIXES
from citygraph.source.instance_languages import translations_of
from citygraph.source.reading import read_text

# The kind of a column that distinguishes nodes whose IRIs are else the same, such as the terms of a mayor.
SUFFIX = "suffix"
# Kinds of columns; `cell_statements.py` turns the cells of each into terms.
KINDS = frozenset(
    {
        "text",
        "label",
        "key",
        "identifier",
        "date",
        "number",
        "decimal",
        "yes_no",
        "url",
        "qid",
        "language",
        "entity",
        "class",
        "concept",
        "source",
        SUFFIX,
    }
)


_GUIDANCE = {
    "required": {"en": "Required.", "tr": "Zorunlu.", "de": "Pflichtfeld."},
    "many": {
        "en": "Several values: separate them by semicolons.",
        "tr": "Birden çok değeri noktalı virgülle ayırın.",
        "de": "Mehrere Werte durch Semikolon trennen.",
    },
    "date": {
        "en": "A day, a month or a year: 24.04.1996, 1996-04 or 1996.",
        "tr": "Gün, ay veya yıl: 24.04.1996, 1996-04 veya 1996.",
        "de": "Tag, Monat oder Jahr: 24.04.1996, 1996-04 oder 1996.",
    },
    "day": {
        "en": "A day: 24.04.1996 or 1996-04-24.",
        "tr": "Gün: 24.04.1996 veya 1996-04-24.",
        "de": "Ein Tag: 24.04.1996 oder 1996-04-24.",
    },
}


@dataclass(frozen=True)
class SheetColumn:
    """A column: its title by language, the kind of its cells, and the property that a cell states of a node.

    `also` are further properties with the same values. `language` is set if the column holds texts in one language of
    the instance. `classes` are the classes of an entity, or the choices of a class; `scheme` is the concept scheme of a
    concept. `language_from` are the keys of columns of which the first filled one has the language of the texts.
    """

    key: str
    titles: Mapping[str, str] = field(compare=False)
    kind: str
    node: str
    property: str = ""
    also: tuple[str, ...] = ()
    former: tuple[str, ...] = ()  # titles in templates of earlier versions
    synonyms: tuple[str, ...] = ()  # titles in spreadsheets of others, for the proposal of a mapping
    helps: Mapping[str, str] = field(default_factory=dict, compare=False)
    classes: tuple[str, ...] = ()
    scheme: str = ""
    required: bool = False
    many: bool = False
    plain: bool = False  # a text without language
    whole_day: bool = False  # a date of which the shapes refuse a month or a year
    default: str = ""
    example: str = ""
    language: str = ""
    language_from: tuple[str, ...] = ()

    def tag(self, first: str) -> str:
        """Returns the language of the texts in lower case, or nothing; `first` is that of the instance."""
        has_language = self.kind in ("text", "label") and not self.plain
        return (self.language or first).lower() if has_language else ""

    def title(self, language: str) -> str:
        """Returns the title in a language, else in English."""
        return self.titles.get(language) or self.titles["en"]

    def guidance(self, language: str) -> str:
        """Returns how to fill the column, in a language or else in English: its help, and whether it is required."""
        date = "day" if self.whole_day else "date"
        kinds = (("required", self.required), ("many", self.many), (date, self.kind == "date"))
        texts = [self.helps.get(language) or self.helps.get("en", "")]
        guidance = (_translated(_GUIDANCE[name]) for name, applies in kinds if applies)
        texts += [by_language.get(language, by_language["en"]) for by_language in guidance]
        return " ".join(text for text in texts if text)


@dataclass(frozen=True)
class SheetNode:
    """A node that a row describes: the pattern of its IRI below `id/`, its class, and its links to other nodes.

    In a pattern, {…} is the slug of a column's value or the IRI of another node, and [-{…}] that of a suffix if there
    is one. `entity` names the column whose entity this node is, instead of a pattern. The node exists only if the row
    has a value in each column of `needs`. `links` are pairs of a property and the key of the node that is its value.
    `label` has a pattern for each language.
    """

    key: str
    iri: str = ""
    class_: str = ""
    entity: str = ""
    graph: str = ""
    label: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A sheet of the template: one row describes the node `main` and those linked with it."""

    key: str
    titles: Mapping[str, str]
    main: str
    nodes: Mapping[str, SheetNode]
    columns: tuple[SheetColumn, ...]

    def title(self, language: str) -> str:
        """Returns the title in a language, else in English."""
        return self.titles.get(language) or self.titles["en"]

    def column(self, key: str) -> SheetColumn:
        """Returns the first column of that key. Raises KeyError."""
        return next(column for column in self.columns if column.key == key)


@dataclass(frozen=True)
class TableModel:
    """The sheets, for the languages of an instance in their order."""

    sheets: tuple[Sheet, ...]
    languages: tuple[str, ...]

    def sheet(self, key: str) -> Sheet:
        """Returns the sheet of that key. Raises KeyError."""
        return next(sheet for sheet in self.sheets if sheet.key == key)


# Each sheet except that of the sources ends with the source of the row.
_SOURCE = {
    "key": "source",
    "synonyms": ["Fundstelle", "Beleg", "Nachweis", "Dokument", "Document", "Reference", "Belge", "Dayanak"],
    "title": {"en": "Source", "tr": "Kaynak", "de": "Quelle"},
    "help": {
        "en": "The short name of a source in the sheet Sources.",
        "tr": "Kaynaklar sayfasındaki bir kaynağın kısa adı.",
        "de": "Der Kurzname einer Quelle im Blatt Quellen.",
    },
    "kind": "source",
    "required": True,
    "example": "town-twinning-page",
}


# The last column of these sheets: a row with an identifier is about that entity, whatever its name.
_IDENTIFIER = {
    "key": "id",
    "title": {"en": "Identifier", "tr": "Tanımlayıcı", "de": "Kennung"},
    "help": {
        "en": "Leave empty for new entities, such as city/bremen for known ones.",
        "tr": "Yeni varlıklarda boş bırakın; bilinenlerde örneğin city/bremen.",
        "de": "Bei Neuem leer lassen; bei Bekanntem zum Beispiel city/bremen.",
    },
    "kind": "identifier",
}


def expanded(name: str) -> NamedNode:
    """Returns the IRI of a prefixed name; another text is an IRI already."""
    prefix, colon, local = name.partition(":")
    return NamedNode(PREFIXES[prefix] + local if colon and prefix in PREFIXES else name)


def linking_nodes(sheet: Sheet) -> Iterator[str]:
    """Yields the keys of the nodes that link to the main one, such as a tenure: each has a row of its own."""
    for key, node in sheet.nodes.items():
        if any(target == sheet.main for _, target in node.links):
            yield key


def read_model(ontology: Path, languages: tuple[str, ...]) -> TableModel:
    """Reads `sheets.toml` of the ontology folder, for the languages of an instance; the first is required on labels.

    Raises BadData for a file that does not describe sheets.
    """
    path = ontology / "sheets.toml"
    try:
        content = _translated(tomllib.loads(read_text(path)))
        return TableModel(tuple(_sheet(sheet, languages) for sheet in content["sheet"]), languages)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise BadData(f"the table model is invalid: {error}", str(path)) from error


def _translated(value: Any) -> Any:
    """Returns a value of the file, in which each text by language is in the languages of the catalogues too."""
    if isinstance(value, list):
        return list(map(_translated, value))
    if not isinstance(value, dict):
        return value
    english = value.get("en")
    return (
        translations_of(english) | value if isinstance(english, str) else {k: _translated(v) for k, v in value.items()}
    )


def columns_as_markdown() -> str:
    """Returns the tables of columns in docs/spreadsheets.md."""
    # The name of the language is replaced by each language of an instance.
    model = read_model(packaged_folder("ontology"), ("language",))
    lines: list[str] = []
    for sheet in model.sheets:
        lines += ["", f"### {sheet.title('en')} · {sheet.title('de')} · {sheet.title('tr')}", ""]
        lines += ["| column | key | kind | what to write | states |", "|---|---|---|---|---|"]
        for column in sheet.columns:
            name = " · ".join(dict.fromkeys(column.title(language) for language in ("en", "de", "tr")))
            key = f"{column.key} {column.language}".strip()
            states = f"`{column.property}`" if column.property else ""
            lines.append(f"| {name} | `{key}` | {column.kind} | {column.guidance('en')} | {states} |")
    return "\n".join(lines[1:])


def _sheet(values: Mapping[str, Any], languages: tuple[str, ...]) -> Sheet:
    main = values["main"]
    nodes = {key: _node(key, node) for key, node in values["nodes"].items()}
    rows = [
        *values["columns"],
        *([] if values["key"] == "sources" else [_translated(_SOURCE), _translated(_IDENTIFIER)]),
    ]
    columns = tuple(column for row in rows for column in _columns(row, main, languages))
    return Sheet(values["key"], values["title"], main, nodes, columns)


def _node(key: str, values: Mapping[str, Any]) -> SheetNode:
    links = tuple((link["property"], link["to"]) for link in values.get("links", ()))
    return SheetNode(
        key,
        values.get("iri", ""),
        values.get("class", ""),
        values.get("entity", ""),
        values.get("graph", ""),
        values.get("label", {}),
        tuple(values.get("needs", ())),
        links,
    )


def _columns(values: Mapping[str, Any], main: str, languages: tuple[str, ...]) -> Iterator[SheetColumn]:
    """Yields a column, or one for each language, of which only the first is required."""
    attributes = dict(values)
    titles, helps = attributes.pop("title"), attributes.pop("help", {})
    per_language = attributes.pop("per_language", False)
    for name in ("classes", "also", "former", "synonyms", "language_from"):
        attributes[name] = tuple(attributes.get(name, ()))
    column = SheetColumn(titles=titles, helps=helps, node=attributes.pop("node", main), **attributes)
    if column.kind not in KINDS:
        raise KeyError(column.kind)
    if not per_language:
        yield column
        return
    for place, language in enumerate(languages):
        marked = {tag: f"{title} ({language})" for tag, title in titles.items()}
        yield SheetColumn(
            **{**column.__dict__, "titles": marked, "language": language, "required": column.required and place == 0}
        )
