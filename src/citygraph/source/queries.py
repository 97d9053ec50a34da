"""The stored queries: files with a head that says what they answer and which typed parameters they take.

A parameter is a variable with a VALUES block of its own, so that a query file runs anywhere as it stands:

    VALUES ?city { city:izmir }

Binding replaces what is inside the braces by a term that the RDF library wrote; text is never pasted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pyoxigraph import Literal, NamedNode

from citygraph.errors import BadData, NotFound, UsageError
from citygraph.rdf.formats import Kind
from citygraph.rdf.terms import PREFIXES, XSD

_DATE_TYPES = (
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), XSD("date")),
    (re.compile(r"[0-9]{4}-[0-9]{2}"), XSD("gYearMonth")),
    (re.compile(r"[0-9]{4}"), XSD("gYear")),
)
COLUMN_TYPES = ("iri", "text", "date", "integer", "number", "boolean")
_NOT_IN_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')
# So many digits are an integer to every engine.
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LITERAL = re.compile(r'"(?P<text>[^"\\]*)"(?:\^\^\S+)?')
_KIND = re.compile(r"^\s*(SELECT|ASK|CONSTRUCT|DESCRIBE)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """A parameter: `type` is iri, date, integer or text; `default` stands in the query's VALUES block."""

    name: str
    type: str
    default: str
    description: str = ""

    @property
    def example(self) -> str:
        """The default as `bind` takes it; empty if it is no single term without escapes."""
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
    """A query file: its head and its text."""

    name: str
    title: str
    description: str
    text: str
    view: str = "table"
    parameters: tuple[Parameter, ...] = field(default=())
    columns: tuple[Column, ...] = field(default=())
    turkish: Mapping[str, str] = field(default_factory=dict)  # title and description

    @property
    def kind(self) -> Kind:
        """What it answers with."""
        found = _KIND.search(self.text)
        word = found[1].upper() if found else "SELECT"
        return {"SELECT": Kind.SOLUTIONS, "ASK": Kind.BOOLEAN}.get(word, Kind.GRAPH)

    def title_in(self, language: str) -> tuple[str, str]:
        """The title in a language, else in English, and the language that it is in."""
        return self._said("title", self.title, language)

    def description_in(self, language: str) -> tuple[str, str]:
        """The description in a language, else in English, and the language that it is in."""
        return self._said("description", self.description, language)

    def bind(self, values: Mapping[str, str]) -> str:
        """The query's text with these parameters in place of the defaults.

        Raises UsageError for an unknown parameter or a value that is not of its type.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        text = self.text
        for name, value in values.items():
            if name not in known:
                raise UsageError(f"{self.name} has no parameter {name!r}; it has: {', '.join(known) or 'none'}")
            block = f"VALUES ?{name} {{ {_term(known[name], value)} }}"
            text = _replace_block(text, name, block)
        return text

    def _said(self, part: str, english: str, language: str) -> tuple[str, str]:
        turkish = self.turkish.get(part, "") if language == "tr" else ""
        return (turkish, "tr") if turkish else (english.strip(), "en")


def load_queries(folder: Path) -> dict[str, StoredQuery]:
    """All stored queries below a folder, by name (the file's path without `.rq`). Raises BadData for a bad head."""
    paths = sorted(folder.rglob("*.rq"))
    queries = [read_query(path, path.relative_to(folder).with_suffix("").as_posix()) for path in paths]
    return {query.name: query for query in queries}


def find_query(folder: Path, name: str) -> StoredQuery:
    """The stored query of that name. Raises NotFound, naming those that there are."""
    queries = load_queries(folder)
    if name not in queries:
        raise NotFound(f"no stored query {name!r}; there are: {', '.join(queries) or 'none'}")
    return queries[name]


def read_query(path: Path, name: str) -> StoredQuery:
    """One query file. Raises BadData if its head is not YAML or a parameter has no VALUES block."""
    return _read(path.read_text(encoding="utf-8"), name, path.name)


# Every page that names a stored query reads their files again; a head is read as YAML only where the text is new.
@lru_cache(256)
def _read(text: str, name: str, file: str) -> StoredQuery:
    head = "\n".join(line[2:].removeprefix(" ") for line in text.splitlines() if line.startswith("#+"))
    try:
        values: dict[str, Any] = yaml.safe_load(head) or {}
        parameters = tuple(_parameter(key, value, text) for key, value in (values.get("parameters") or {}).items())
        columns = tuple(_column(key, value) for key, value in (values.get("columns") or {}).items())
        return StoredQuery(
            name, values["title"], values["description"], text, values.get("view", "table"), parameters, columns,
            values.get("turkish") or {},
        )  # fmt: skip
    except yaml.YAMLError as error:
        raise BadData(f"the head is not YAML: {error}", file) from None
    except KeyError as error:
        raise BadData(f"the head lacks {error}", file) from None
    except UsageError as error:
        raise BadData(str(error), file) from None


def expand(name: str) -> str:
    """A whole IRI for a prefixed name such as `city:izmir`; a whole IRI stays. Raises UsageError."""
    name = name.removeprefix("<").removesuffix(">")
    prefix, colon, local = name.partition(":")
    iri = PREFIXES[prefix] + local if prefix in PREFIXES else name
    if not colon or _NOT_IN_IRI.search(iri):
        raise UsageError(f"{name!r} is no IRI and no prefixed name")
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
    said = {part: {language: value[part][language] for language in ("en", "tr")} for part in ("title", "description")}
    return Column(name, value["type"], said["title"], said["description"], bool(value.get("several")))


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"VALUES \?{re.escape(name)} \{{(?P<default>[^{{}}]*)\}}")


def _replace_block(text: str, name: str, block: str) -> str:
    # A function as replacement: in a string re.sub would read the term's backslashes as its own.
    return _block(name).sub(lambda _: block, text)


def _term(parameter: Parameter, value: str) -> NamedNode | Literal:
    """The value as a term. Raises UsageError, naming the parameter."""
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
    except (UsageError, ValueError):  # the latter is the library's
        raise _bad(parameter, value, "it must be an IRI or a prefixed name such as city:izmir") from None


def _date(parameter: Parameter, value: str) -> Literal:
    for pattern, datatype in _DATE_TYPES:
        if pattern.fullmatch(value):
            try:
                date.fromisoformat(value + "0000-01-01"[len(value) :])
            except ValueError:
                raise _bad(parameter, value, "there is no such day") from None
            return Literal(value, datatype=datatype)
    raise _bad(parameter, value, "a date is YYYY-MM-DD, YYYY-MM or YYYY")


def _bad(parameter: Parameter, value: str, why: str) -> UsageError:
    return UsageError(f"{parameter.name} is {value[:80]!r}: {why}")
