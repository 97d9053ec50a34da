"""Stored queries: files with a head that describes the query and its typed parameters.

A parameter is a variable with its own VALUES block, so that the file is a valid query everywhere:

    VALUES ?city { city:izmir }

Binding replaces the content of the braces by a term that the RDF library has serialised, never by text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from citygraph.catalogues import ENGLISH
from citygraph.errors import BadData, NotFound, UsageError
from citygraph.graph.examples import configured_examples, with_examples
from citygraph.instance import current_instance
from citygraph.rdf.formats import Kind
from citygraph.source.instance_languages import text_in, translations_of
from citygraph.source.query_parameters import Parameter, block_of, labelled, read_parameter, term_of
from citygraph.source.reading import query_files_below, read_packaged_text

COLUMN_TYPES = ("iri", "text", "date", "integer", "number", "boolean")
# Not after abbreviations such as "z. B." and ordinal numbers.
_SENTENCE_END = re.compile(r"(?<=[^\W\d_]{2}[.!?])\s+|(?<=\)[.!?])\s+")
_KIND = re.compile(r"^\s*(SELECT|ASK|CONSTRUCT|DESCRIBE)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Column:
    """A column of a result: `type` is one of COLUMN_TYPES; `several` values in a cell are joined with "; ".

    `words` are the fixed values that it may have, with their English texts, which pages translate.
    """

    name: str
    type: str
    title: Mapping[str, str]  # by language
    description: Mapping[str, str]
    several: bool = False
    words: Mapping[str, str] = field(default_factory=dict)

    def words_in(self, language: str) -> dict[str, str]:
        """Returns the fixed values with their texts in a language."""
        return {value: text_in(translations_of(text), language)[0] for value, text in self.words.items()}


@dataclass(frozen=True)
class StoredQuery:
    """A stored query: its head and its text."""

    name: str
    title: str
    description: str
    text: str
    view: str = "table"
    parameters: tuple[Parameter, ...] = field(default=())
    columns: tuple[Column, ...] = field(default=())
    turkish: Mapping[str, str] = field(default_factory=dict)  # title and description
    language: str = ""  # of the labels in its result; "" is the first of the instance
    # The columns that its picture uses as name of a row, value, group (by) and series; those left out are found.
    picture: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()  # the columns that identify a row of a table; the first one if it is empty

    @property
    def titles(self) -> dict[str, str]:
        """The title by language."""
        return _in_languages(self.title, {"tr": self.turkish.get("title", "")})

    @property
    def descriptions(self) -> dict[str, str]:
        """The description by language."""
        return _in_languages(self.description, {"tr": self.turkish.get("description", "")})

    @property
    def kind(self) -> Kind:
        """The kind of its result."""
        match = _KIND.search(self.text)
        word = match[1].upper() if match else "SELECT"
        return {"SELECT": Kind.SOLUTIONS, "ASK": Kind.BOOLEAN}.get(word, Kind.GRAPH)

    def title_in(self, language: str) -> tuple[str, str]:
        """Returns the title in a language, else in English, with the language of the text."""
        return text_in(self.titles, language)

    def description_in(self, language: str) -> tuple[str, str]:
        """Returns the description in a language, else in English, with the language of the text."""
        return text_in(self.descriptions, language)

    def summary_in(self, language: str) -> tuple[str, str]:
        """Returns the first sentence of the description in a language, with the language of the text."""
        text, used = self.description_in(language)
        return _SENTENCE_END.split(" ".join(text.split()), maxsplit=1)[0], used

    def heading(self, name: str, language: str) -> str:
        """Returns the heading of a column of the result in a language: by the head, else from the variable's name."""
        column = next((column for column in self.columns if column.name == name), None)
        if column is not None:
            return text_in(column.title, language)[0]
        words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()
        return words[:1].upper() + words[1:]

    def bind(self, values: Mapping[str, str]) -> str:
        """Returns the text of the query with these values in place of the defaults.

        Raises UsageError for an unknown parameter or a value that is not of its type.
        """
        parameters = {parameter.name: parameter for parameter in self.parameters}
        text = self.text
        for name, value in values.items():
            if name not in parameters:
                raise UsageError(f"{self.name} has no parameter {name!r}; it has: {', '.join(parameters) or 'none'}")
            block = f"VALUES ?{name} {{ {term_of(parameters[name], value)} }}"
            text = _replace_block(text, name, block)
        return text


def load_queries(
    *folders: Path, examples: Mapping[str, str] | None = None, language: str = ""
) -> dict[str, StoredQuery]:
    """Reads all stored queries below the folders, by name (the path without `.rq`); of two with one name, the last.

    `examples` are the defaults of parameters, as `examples_in` returns them; `language` is that of the labels in the
    results. Raises BadData for an invalid head.
    """
    paths = [(folder, path) for folder in folders for path in query_files_below(folder)]
    names = [path.relative_to(folder).with_suffix("").as_posix() for folder, path in paths]
    queries = [read_query(path, name, examples, language) for (_, path), name in zip(paths, names, strict=True)]
    return {query.name: query for query in queries}


def find_query(
    folders: Iterable[Path], name: str, examples: Mapping[str, str] | None = None, language: str = ""
) -> StoredQuery:
    """Returns the stored query of that name. Raises NotFound with the nearest names, or else all of them."""
    queries = load_queries(*folders, examples=examples, language=language)
    if name in queries:
        return queries[name]
    if nearest := similar_names(name, queries):
        raise NotFound(f"no stored query {name!r}; similar names: {', '.join(nearest)}")
    raise NotFound(f"no stored query {name[:80]!r}; there are: {', '.join(queries) or 'none'}")


def similar_names(name: str, names: Iterable[str]) -> list[str]:
    """Returns the name if it is one of these, else up to three of them that are similar to it or end like it."""
    known = list(names)
    if name in known:
        return [name]
    endings = get_close_matches(name.rpartition("/")[2], {one.rpartition("/")[2] for one in known}, 3)
    of_endings = [one for ending in endings for one in known if one.rpartition("/")[2] == ending]
    return get_close_matches(name, known, 3) or of_endings[:3]


def read_query(path: Path, name: str, examples: Mapping[str, str] | None = None, language: str = "") -> StoredQuery:
    """Reads a query file. Raises BadData if its head is not YAML or a parameter has no VALUES block."""
    if examples is None:
        examples = configured_examples(current_instance())
    return replace(
        _read(with_examples(read_packaged_text(path, language), examples), name, path.name), language=language
    )


# Every page that lists stored queries reads their files again; their heads are parsed only if a text has changed.
@lru_cache(1024)
def _read(text: str, name: str, file: str) -> StoredQuery:
    head = "\n".join(line[2:].removeprefix(" ") for line in text.splitlines() if line.startswith("#+"))
    try:
        values: dict[str, Any] = yaml.safe_load(head) or {}
        parameters = tuple(read_parameter(key, value, text) for key, value in (values.get("parameters") or {}).items())
        columns = tuple(_column(key, value) for key, value in (values.get("columns") or {}).items())
        title, description, view = values["title"], values["description"], values.get("view", "table")
        turkish, picture = (values.get(key) or {} for key in ("turkish", "picture"))
        return StoredQuery(
            name,
            title,
            description,
            text,
            view,
            parameters,
            columns,
            turkish,
            "",
            picture,
            tuple(values.get("key") or ()),
        )
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise BadData(f"the head is not YAML: {error}", file, _head_line(text, mark.line) if mark else None) from None
    except KeyError as error:
        raise BadData(f"the head lacks {error}", file, 1) from None
    except UsageError as error:
        named = re.search(r"'(\w+)'", str(error))
        raise BadData(str(error), file, line_of_key(text, named[1]) if named else None) from None


def line_of_key(text: str, key: str) -> int | None:
    """Returns the line of the head of a query with this key."""
    pattern = re.compile(rf"#\+(?:.*\W)?{re.escape(key)}\s*:")
    return next((place for place, line in enumerate(text.splitlines(), 1) if pattern.match(line)), None)


def _head_line(text: str, place: int) -> int | None:
    """Returns the line in the file of a line of the head, counted from 0."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if line.startswith("#+")]
    return lines[min(place, len(lines) - 1)] if lines else None


def _column(name: str, value: Any) -> Column:
    """Returns a column; the short form has only its title, in English."""
    values = {"title": value} if isinstance(value, str) else dict(value)
    if values.get("type", "text") not in COLUMN_TYPES:
        raise UsageError(f"the column {name!r} must be of type {', '.join(COLUMN_TYPES)}")
    title, description = (_column_text(values.get(part)) for part in ("title", "description"))
    words = labelled(values.get("words"))
    return Column(name, values.get("type", "text"), title, description, bool(values.get("several")), words)


def _column_text(value: Any) -> dict[str, str]:
    """Returns a text by language; a plain one is in English, and the catalogues translate it."""
    texts = {ENGLISH: value} if isinstance(value, str) else value
    return _in_languages(texts[ENGLISH], texts) if texts else {}


def _in_languages(english: str, others: Mapping[str, str]) -> dict[str, str]:
    """Returns a text of a head by language: as the catalogues translate it, and as the head has it."""
    return translations_of(english) | {language: text.strip() for language, text in others.items() if text}


def _replace_block(text: str, name: str, block: str) -> str:
    # A function as replacement, because re.sub would interpret backslashes of the term in a string.
    return block_of(name).sub(lambda _: block, text)
