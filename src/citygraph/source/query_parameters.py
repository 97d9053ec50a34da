"""Parameters of stored queries: their types and bounds, and their values as terms, also from the name of an entity."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from typing import Any

from pyoxigraph import Literal, NamedNode

from citygraph.catalogues import ENGLISH
from citygraph.errors import UsageError
from citygraph.matching.name_resolution import resolve_name
from citygraph.matching.score import Finder
from citygraph.rdf.partial_dates import date_literal, period_of
from citygraph.rdf.terms import BASE, PREFIXES
from citygraph.source.instance_languages import text_in, translations_of
from citygraph.text import nfc

PARAMETER_TYPES = ("iri", "date", "integer", "text", "language", "choice")
_KEYS = ("type", "description", "class", "choices", "minimum", "maximum", "partial")
_NOT_IN_IRI = re.compile(r'[\x00-\x20<>"{}|^`\\]')
# Every engine supports integers of 18 digits.
# Parameters of the address of every query, which no query may have.
ADDRESS_PARAMETERS = frozenset({"format", "output", "lang", "run", "timeout", "limit", "after"})
_NO_ENTITY = "it must be the name or identifier of an entity, such as Baku or city:baku, or an IRI"
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_LITERAL = re.compile(r'"(?P<text>[^"\\]*)"(?:\^\^\S+)?')
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_DAY = len("2026-01-31")


@dataclass(frozen=True)
class Parameter:
    """A parameter: `type` is one of PARAMETER_TYPES; `default` is the content of its VALUES block.

    `classes` are the local names of the classes of its entities, `choices` the values with their English labels,
    `minimum` and `maximum` the bounds of a number. A date that is not `partial` must be a day.
    """

    name: str
    type: str
    default: str
    description: str = ""
    classes: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    minimum: int | None = None
    maximum: int | None = None
    partial: bool = True

    def description_in(self, language: str) -> tuple[str, str]:
        """Returns the description in a language, else in English, with the language of the text."""
        return text_in(translations_of(self.description), language) if self.description else ("", ENGLISH)

    def choices_in(self, language: str) -> dict[str, str]:
        """Returns the values of a choice with their labels in a language."""
        return {value: text_in(translations_of(label), language)[0] for value, label in self.choices.items()}

    @property
    def example(self) -> str:
        """The default as `bind` accepts it; empty unless it is a single term without escapes."""
        if self.type in ("text", "date", "language", "choice"):
            literal = _LITERAL.fullmatch(self.default)
            return literal["text"] if literal else ""
        return self.default if len(self.default.split()) == 1 else ""


def block_of(name: str) -> re.Pattern[str]:
    """Returns the pattern of the VALUES block of a parameter."""
    return re.compile(rf"VALUES \?{re.escape(name)} \{{(?P<default>[^{{}}]*)\}}")


def read_parameter(name: str, value: Any, text: str) -> Parameter:
    """Returns a parameter as the head of a query describes it. Raises UsageError for an invalid description."""
    if name in ADDRESS_PARAMETERS:
        raise UsageError(f"a parameter may not be {name!r}: the address of every query has it; choose another name")
    values: dict[str, Any] = {"type": value} if isinstance(value, str) else dict(value)
    block = block_of(name).search(text)
    if block is None:
        raise UsageError(f"the parameter {name!r} has no line VALUES ?{name} {{ … }}")
    if values.get("type") not in PARAMETER_TYPES:
        raise UsageError(f"the parameter {name!r} must be of type {', '.join(PARAMETER_TYPES)}")
    if unknown := values.keys() - set(_KEYS):
        raise UsageError(f"the parameter {name!r} has an unknown key {min(unknown)!r}; there are {', '.join(_KEYS)}")
    if values["type"] == "choice" and not values.get("choices"):
        raise UsageError(f"the parameter {name!r} is a choice and needs `choices`")
    return Parameter(
        name,
        values["type"],
        block["default"].strip(),
        values.get("description", ""),
        tuple(class_.removeprefix("cg:") for class_ in _listed(values.get("class"))),
        labelled(values.get("choices")),
        values.get("minimum"),
        values.get("maximum"),
        values.get("partial", True),
    )


def with_entities(
    parameters: Iterable[Parameter], values: Mapping[str, str], finder: Callable[[], Finder]
) -> dict[str, str]:
    """Returns the values, with IRIs in place of names, slugs and identifiers of entities.

    IRIs and prefixed names are unchanged; the finder is opened only for other values. Raises AmbiguousName or
    UnknownName, which have candidates.
    """
    by_name = {parameter.name: parameter for parameter in parameters}
    return {name: _entity(by_name.get(name), value, finder) for name, value in values.items()}


def expand(name: str) -> str:
    """Returns the IRI of a prefixed name (`city:izmir`), or an IRI unchanged. Raises UsageError for other text."""
    name = name.removeprefix("<").removesuffix(">")
    prefix, colon, local = name.partition(":")
    iri = PREFIXES[prefix] + local if prefix in PREFIXES else name
    if not colon or _NOT_IN_IRI.search(iri):
        raise UsageError(f"{name!r} is neither an IRI nor a prefixed name")
    if prefix not in PREFIXES and not local.startswith("//") and (near := get_close_matches(prefix, PREFIXES, 1, 0.65)):
        raise UsageError(f"there is no prefix {prefix!r}: did you mean {near[0]}:{local}?")
    return iri


def term_of(parameter: Parameter, value: str) -> NamedNode | Literal:
    """Returns the value, in NFC like all data, as a term. Raises UsageError, which names the parameter."""
    if parameter.type == "iri":
        return _iri(parameter, value)
    value = nfc(value)
    if parameter.type == "date":
        return _date(parameter, value)
    if parameter.type == "integer":
        return _integer(parameter, value)
    if parameter.type == "language" and not _LANGUAGE.fullmatch(value):
        raise _bad(parameter, value, "a language is a tag such as en, tr or pt-BR")
    if parameter.type == "choice" and value not in parameter.choices:
        raise _bad(parameter, value, f"it must be one of {', '.join(parameter.choices)}")
    return Literal(value)


def labelled(value: Any) -> dict[str, str]:
    """Returns fixed values with their English labels; those in a list are their own labels."""
    pairs = value.items() if isinstance(value, dict) else [(one, one) for one in value or ()]
    return {str(key): str(label) for key, label in pairs}


def _listed(value: Any) -> list[str]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _entity(parameter: Parameter | None, value: str, finder: Callable[[], Finder]) -> str:
    if parameter is None or parameter.type != "iri" or _is_iri(value) or not value.strip():
        return value
    return resolve_name(value, parameter.classes, finder(), parameter.name).iri


def _is_iri(value: str) -> bool:
    prefix = value.partition(":")[0]
    return "://" in value or value.startswith("<") or (":" in value and prefix in PREFIXES)


def _iri(parameter: Parameter, value: str) -> NamedNode:
    try:
        iri = expand(value)
        # Identifiers of other sites may have another form, and differ from ours in it.
        return NamedNode(nfc(iri) if iri.startswith(BASE) else iri)
    except (UsageError, ValueError):  # pyoxigraph raises ValueError for an invalid IRI
        raise _bad(parameter, value, _NO_ENTITY) from None


def _integer(parameter: Parameter, value: str) -> Literal:
    if not _INTEGER.fullmatch(value):
        raise _bad(parameter, value, "it must be a whole number")
    number = int(value)
    if parameter.minimum is not None and number < parameter.minimum:
        raise _bad(parameter, value, f"the least is {parameter.minimum}")
    if parameter.maximum is not None and number > parameter.maximum:
        raise _bad(parameter, value, f"the most is {parameter.maximum}")
    return Literal(number)


def _date(parameter: Parameter, value: str) -> Literal:
    literal, period = date_literal(value), period_of(value)
    if literal is None or period is None:
        raise _bad(parameter, value, "a date is YYYY-MM-DD, YYYY-MM or YYYY")
    if not parameter.partial and len(value) < _DAY:
        raise _bad(parameter, value, "it must be a day, YYYY-MM-DD")
    try:
        date.fromisoformat(period[0])
    except ValueError:
        raise _bad(parameter, value, "there is no such day") from None
    return literal


def _bad(parameter: Parameter, value: str, why: str) -> UsageError:
    return UsageError(f"{parameter.name} is {value[:80]!r}: {why}")
