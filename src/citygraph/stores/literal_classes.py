"""Classes of literals with the same treatment by stores: a store that changes one literal of a class may change all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Store, Triple

from citygraph.rdf.terms import XSD
from citygraph.stores.comparisons import UNKNOWN, kind_of_datatype

Term = NamedNode | BlankNode | Literal | Triple

TEXT = "text"
BLANK_NODE, QUOTED, DOT_SEGMENT = "blank node", "quoted triple", "IRI with a segment that begins with a dot"
# Terms that are never loaded: stores rename blank nodes, and some normalise such IRIs.
NEVER_LOADED = frozenset({BLANK_NODE, QUOTED, DOT_SEGMENT})
_STRING = XSD("string")
_XSD = _STRING.value.removesuffix("string")
_ZONED = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")
_DATES = frozenset({"date", "dateTime", "time", "gYear", "gYearMonth", "gMonthDay", "gDay", "gMonth"})
# More than this is not in 32 bits, or in the digits of a double.
_DIGITS = {"integer": 9, "decimal": 15}
_LONG_TEXT = 4000
_SAMPLES = 5


def literal_class(literal: Literal) -> str:
    """Returns the class of a literal, such as "gYear" or "date with a zone"."""
    if literal.language or literal.datatype == _STRING:
        return "long text" if len(literal.value) > _LONG_TEXT else TEXT
    name = literal.datatype.value.removeprefix(_XSD)
    value = literal.value
    if name in _DATES:
        if (value.startswith("-") and name[0] != "g") or value[:2] == "-0":
            return f"{name} before Christ"
        return f"{name} with a zone" if _ZONED.search(value) and name != "dateTime" else name
    digits = _DIGITS.get(name)
    if digits and sum(map(str.isdigit, value)) > digits:
        return f"{name} of more than {digits} digits"
    return name


def class_of(quad: Quad) -> str:
    """Returns the class of a statement's difficult literal; "" if it has none."""
    if isinstance(quad.object, BlankNode) or isinstance(quad.subject, BlankNode):
        # Its identity would be lost between two updates, and between two graphs.
        return BLANK_NODE
    if any("/." in term.value for term in (quad.subject, quad.predicate, quad.object) if isinstance(term, NamedNode)):
        return DOT_SEGMENT
    if isinstance(quad.object, Literal):
        return literal_class(quad.object)
    return QUOTED if isinstance(quad.object, Triple) else ""


@dataclass
class LiteralSurvey:
    """The classes of literals of a release: the predicates that have them, and some literals of each."""

    predicates: dict[str, set[str]] = field(default_factory=dict)
    samples: dict[str, list[Literal]] = field(default_factory=dict)
    _kinds: dict[str, set[str]] = field(default_factory=dict)

    def uniform(self) -> tuple[tuple[str, str], ...]:
        """Returns the predicates whose values are all of one kind, with the kind (`comparisons`)."""
        one = ((predicate, next(iter(kinds))) for predicate, kinds in self._kinds.items() if len(kinds) == 1)
        return tuple(sorted((predicate, kind) for predicate, kind in one if kind != UNKNOWN))

    def add(self, quads: Iterable[Quad]) -> int:
        """Adds statements, and returns their number."""
        # By predicate and class, so that a sample has literals of several predicates.
        seen: set[tuple[str, str]] = set()
        number = 0
        for quad in quads:
            number += 1
            name = class_of(quad)
            predicate = quad.predicate.value
            if (predicate, name) in seen:
                continue
            seen.add((predicate, name))
            self._kinds.setdefault(predicate, set()).add(_kind(quad.object))
            if name:
                self.predicates.setdefault(name, set()).add(predicate)
                samples = self.samples.setdefault(name, [])
                if len(samples) < _SAMPLES and isinstance(quad.object, Literal):
                    samples.append(quad.object)
        return number


def _kind(value: Term) -> str:
    if not isinstance(value, Literal) or value.language:
        return UNKNOWN
    return kind_of_datatype(value.datatype.value.removeprefix(_XSD))


def canonical(literals: Iterable[Literal]) -> list[Literal]:
    """Returns literals as the engines store them, so that equal values are equal terms."""
    store, name = Store(), NamedNode("urn:x")
    result = []
    for literal in literals:
        store.add(Quad(name, name, literal))
        result += [quad.object for quad in store if isinstance(quad.object, Literal)]
        store.clear()
    return result
