"""Stored queries: files with a head that describes the query and its typed parameters.

A parameter is a variable with its own VALUES block, so that the file is a valid query everywhere:

    VALUES ?city { city:izmir }

Binding replaces the content of the braces by a term that the RDF library has serialised, never by text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pyoxigraph import Literal, NamedNode

from citygraph.catalogues import ENGLISH
from citygraph.errors import BadData, NotFound, UsageError
from citygraph.graph.examples import configured_examples, with_examples
from citygraph.instance import current_instance
from citygraph.rdf.formats import Kind
from citygraph.rdf.partial_dates import date_literal, period_of
from citygraph.rdf.terms import PREFIXES
from citygraph.source.instance_languages import translations_of
from citygraph.source.reading import read_packaged_text
from citygraph.text import best_tag

COLUMN_TYPES = ("iri", "text", "date", "integer", "number", "boolean")
_NOT_IN_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')
# Every engine supports integers of 18 digits.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LITERAL = re.compile(r'"(?P<text>[^"\\]*)"(?:\^\^\S+)?')
_KIND = re.compile(r"^\s*(SELECT|ASK|CONSTRUCT|DESCRIBE)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """A parameter: `type` is iri, date, integer or text; `default` is the content of its VALUES block."""

    name: str
    type: str
    default: str
    description: str = ""

    def description_in(self, language: str) -> tuple[str, str]:
        """Returns the description in a language, else in English, with the language of the text."""
        return _text_in(translations_of(self.description), language) if self.description else ("", ENGLISH)

    @property
    def example(self) -> str:
        """The default as `bind` accepts it; empty unless it is a single term without escapes."""
        if self.type in ("text", "date"):
            literal = _LITERAL.fullmatch(self.default)
            return literal["text"] if literal else ""
        return self.default if len(self.default.split()) == 1 else ""


@dataclass(frozen=True)
class Column:
    """A column of a table: `type` is one of COLUMN_TYPES; `several` values in a cell are joined with "; "."""

    name: str
    type: str
    title: Mapping[str, str]  # by language
    description: Mapping[str, str]
    several: bool = False


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
        return _text_in(self.titles, language)

    def description_in(self, language: str) -> tuple[str, str]:
        """Returns the description in a language, else in English, with the language of the text."""
        return _text_in(self.descriptions, language)

    def bind(self, values: Mapping[str, str]) -> str:
        """Returns the text of the query with these values in place of the defaults.

        Raises UsageError for an unknown parameter or a value that is not of its type.
        """
        parameters = {parameter.name: parameter for parameter in self.parameters}
        text = self.text
        for name, value in values.items():
            if name not in parameters:
                raise UsageError(f"{self.name} has no parameter {name!r}; it has: {', '.join(parameters) or 'none'}")
            block = f"VALUES ?{name} {{ {_term(parameters[name], value)} }}"
            text = _replace_block(text, name, block)
        return text


def load_queries(*folders: Path, examples: Mapping[str, str] | None = None) -> dict[str, StoredQuery]:
    """Reads all stored queries below the folders, by name (the path without `.rq`); of two with one name, the last.

    `examples` are the defaults of parameters, as `examples_in` returns them. Raises BadData for an invalid head.
    """
    paths = [(folder, path) for folder in folders for path in sorted(folder.rglob("*.rq"))]
    names = [path.relative_to(folder).with_suffix("").as_posix() for folder, path in paths]
    queries = [read_query(path, name, examples) for (_, path), name in zip(paths, names, strict=True)]
    return {query.name: query for query in queries}


def find_query(folders: Iterable[Path], name: str, examples: Mapping[str, str] | None = None) -> StoredQuery:
    """Returns the stored query of that name. Raises NotFound with a list of the existing ones."""
    queries = load_queries(*folders, examples=examples)
    if name not in queries:
        raise NotFound(f"no stored query {name!r}; there are: {', '.join(queries) or 'none'}")
    return queries[name]


def read_query(path: Path, name: str, examples: Mapping[str, str] | None = None) -> StoredQuery:
    """Reads a query file. Raises BadData if its head is not YAML or a parameter has no VALUES block."""
    if examples is None:
        examples = configured_examples(current_instance())
    return _read(with_examples(read_packaged_text(path), examples), name, path.name)


# Every page that lists stored queries reads their files again; their heads are parsed only if a text has changed.
@lru_cache(256)
def _read(text: str, name: str, file: str) -> StoredQuery:
    head = "\n".join(line[2:].removeprefix(" ") for line in text.splitlines() if line.startswith("#+"))
    try:
        values: dict[str, Any] = yaml.safe_load(head) or {}
        parameters = tuple(_parameter(key, value, text) for key, value in (values.get("parameters") or {}).items())
        columns = tuple(_column(key, value) for key, value in (values.get("columns") or {}).items())
        title, description, view = values["title"], values["description"], values.get("view", "table")
        return StoredQuery(name, title, description, text, view, parameters, columns, values.get("turkish") or {})
    except yaml.YAMLError as error:
        raise BadData(f"the head is not YAML: {error}", file) from None
    except KeyError as error:
        raise BadData(f"the head lacks {error}", file) from None
    except UsageError as error:
        raise BadData(str(error), file) from None


def expand(name: str) -> str:
    """Returns the IRI of a prefixed name such as `city:izmir`, or an IRI as it is. Raises UsageError for other text."""
    name = name.removeprefix("<").removesuffix(">")
    prefix, colon, local = name.partition(":")
    iri = PREFIXES[prefix] + local if prefix in PREFIXES else name
    if not colon or _NOT_IN_IRI.search(iri):
        raise UsageError(f"{name!r} is neither an IRI nor a prefixed name")
    return iri


def _parameter(name: str, value: Any, text: str) -> Parameter:
    values = {"type": value} if isinstance(value, str) else dict(value)
    block = _block(name).search(text)
    if block is None:
        raise UsageError(f"the parameter {name!r} has no line VALUES ?{name} {{ … }}")
    if values.get("type") not in {"iri", "date", "integer", "text"}:
        raise UsageError(f"the parameter {name!r} must be of type iri, date, integer or text")
    return Parameter(name, values["type"], block["default"].strip(), values.get("description", ""))


def _column(name: str, value: Mapping[str, Any]) -> Column:
    if value.get("type") not in COLUMN_TYPES:
        raise UsageError(f"the column {name!r} must be of type {', '.join(COLUMN_TYPES)}")
    title, description = (_in_languages(value[part]["en"], value[part]) for part in ("title", "description"))
    return Column(name, value["type"], title, description, bool(value.get("several")))


def _in_languages(english: str, others: Mapping[str, str]) -> dict[str, str]:
    """Returns a text of a head by language: as the catalogues translate it, and as the head has it."""
    return translations_of(english) | {language: text.strip() for language, text in others.items() if text}


def _text_in(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    tag = best_tag(texts, language, ENGLISH) or ENGLISH
    return texts[tag], tag


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"VALUES \?{re.escape(name)} \{{(?P<default>[^{{}}]*)\}}")


def _replace_block(text: str, name: str, block: str) -> str:
    # A function as replacement, because re.sub would interpret backslashes of the term in a string.
    return _block(name).sub(lambda _: block, text)


def _term(parameter: Parameter, value: str) -> NamedNode | Literal:
    """Returns the value as a term. Raises UsageError, which names the parameter."""
    if parameter.type == "iri":
        return _iri(parameter, value)
    if parameter.type == "date":
        return _date(parameter, value)
    if parameter.type == "integer":
        if not _INTEGER.fullmatch(value):
            raise _bad(parameter, value, "it must be a whole number")
        return Literal(int(value))
    return Literal(value)


def _iri(parameter: Parameter, value: str) -> NamedNode:
    try:
        return NamedNode(expand(value))
    except (UsageError, ValueError):  # pyoxigraph raises ValueError for an invalid IRI
        raise _bad(parameter, value, "it must be an IRI or a prefixed name such as city:izmir") from None


def _date(parameter: Parameter, value: str) -> Literal:
    literal, period = date_literal(value), period_of(value)
    if literal is None or period is None:
        raise _bad(parameter, value, "a date is YYYY-MM-DD, YYYY-MM or YYYY")
    try:
        date.fromisoformat(period[0])
    except ValueError:
        raise _bad(parameter, value, "there is no such day") from None
    return literal


def _bad(parameter: Parameter, value: str, why: str) -> UsageError:
    return UsageError(f"{parameter.name} is {value[:80]!r}: {why}")
