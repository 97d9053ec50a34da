"""The stored queries: files with a head that says what they answer and which typed parameters they take.

A parameter is a variable with a VALUES block of its own, so that a query file runs anywhere as it stands:

    VALUES ?city { city:izmir }

Binding replaces what is inside the braces by a term that the RDF library wrote; text is never pasted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pyoxigraph import Literal, NamedNode

from citygraph.errors import BadData, NotFound, UsageError
from citygraph.terms import PREFIXES, XSD

_DATE_TYPES = (
    (re.compile(r"\d{4}-\d{2}-\d{2}\Z"), XSD("date")),
    (re.compile(r"\d{4}-\d{2}\Z"), XSD("gYearMonth")),
    (re.compile(r"\d{4}\Z"), XSD("gYear")),
)
_NOT_IN_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')


@dataclass(frozen=True)
class Parameter:
    """A parameter: `type` is iri, date, integer or text; `default` stands in the query's VALUES block."""

    name: str
    type: str
    default: str
    description: str = ""


@dataclass(frozen=True)
class StoredQuery:
    """A query file: its head and its text."""

    name: str
    title: str
    description: str
    text: str
    view: str = "table"
    parameters: tuple[Parameter, ...] = field(default=())

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
    text = path.read_text(encoding="utf-8")
    head = "\n".join(line[2:].removeprefix(" ") for line in text.splitlines() if line.startswith("#+"))
    try:
        values: dict[str, Any] = yaml.safe_load(head) or {}
        parameters = tuple(_parameter(key, value, text) for key, value in (values.get("parameters") or {}).items())
        return StoredQuery(name, values["title"], values["description"], text, values.get("view", "table"), parameters)
    except yaml.YAMLError as error:
        raise BadData(f"the head is not YAML: {error}", path.name) from None
    except KeyError as error:
        raise BadData(f"the head lacks {error}", path.name) from None
    except UsageError as error:
        raise BadData(str(error), path.name) from None


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


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"VALUES \?{re.escape(name)} \{{(?P<default>[^{{}}]*)\}}")


def _replace_block(text: str, name: str, block: str) -> str:
    # A function as replacement: in a string re.sub would read the term's backslashes as its own.
    return _block(name).sub(lambda _: block, text)


def _term(parameter: Parameter, value: str) -> NamedNode | Literal:
    if parameter.type == "iri":
        return NamedNode(expand(value))
    if parameter.type == "date":
        for pattern, datatype in _DATE_TYPES:
            if pattern.match(value):
                return Literal(value, datatype=datatype)
        raise UsageError(f"{parameter.name} is {value!r}: a date is YYYY-MM-DD, YYYY-MM or YYYY")
    if parameter.type == "integer":
        if not re.fullmatch(r"[+-]?\d+", value):
            raise UsageError(f"{parameter.name} is {value!r}: it must be a whole number")
        return Literal(int(value))
    return Literal(value)
