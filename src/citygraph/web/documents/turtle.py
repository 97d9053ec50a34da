"""A document in Turtle, written as a person would: prefixed names, one subject after the other."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pyoxigraph import BlankNode, Literal, NamedNode

from citygraph.describe import Description, Statements, Term
from citygraph.terms import PREFIXES, RDF, XSD

_TYPE = RDF("type").value
_STRING = XSD("string").value
_LOCAL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?")
# Literals that Turtle has without quotes, in the form in which the store keeps them.
_BARE = {
    XSD("integer").value: re.compile(r"[+-]?[0-9]+"),
    XSD("decimal").value: re.compile(r"[+-]?[0-9]*\.[0-9]+"),
    XSD("boolean").value: re.compile(r"true|false"),
}
_BY_NAMESPACE = {namespace: name for name, namespace in PREFIXES.items()}
_REMEMBERED = 100_000


class Turtle:
    """Writes documents; what an IRI is called is remembered, for the same ones come again and again."""

    def __init__(self) -> None:
        self._names: dict[str, tuple[str, str]] = {}

    def write(self, description: Description, iri: str, said: Iterable[Statements]) -> bytes:
        """The description and what the document of this IRI says of itself, with the prefixes that they need."""
        used: dict[str, None] = {}
        lines: list[str] = []
        self._subject(description.iri, description.statements, used, lines)
        for node in description.nodes:
            self._subject(node.iri, node.statements, used, lines)
        thing = self._name(description.iri, used)
        for link in description.incoming:
            verb = self._verb(link.predicate, used)
            lines.extend(f"{self._term(value.term, used)} {verb} {thing} ." for value in link.values)
        for named, labels in description.labels.items():
            # All labels of a thing are values of one property.
            texts = ", ".join([str(label.literal) for label in labels])
            lines.append(f"{self._name(named, used)} {self._verb(labels[0].predicate.value, used)} {texts} .")
        self._subject(iri, said, used, lines)
        head = "".join([f"@prefix {name}: <{PREFIXES[name]}> .\n" for name in PREFIXES if name in used])
        return "\n".join([head, *lines, ""]).encode()

    def _subject(self, iri: str, statements: Iterable[Statements], used: dict[str, None], lines: list[str]) -> None:
        parts = []
        for of_one in statements:
            values = [self._term(value.term, used) for value in of_one.values]
            parts.append(f"{self._verb(of_one.predicate, used)} {', '.join(values)}")
        if parts:
            lines.append(f"{self._name(iri, used)} " + " ;\n    ".join(parts) + " .")

    def _verb(self, predicate: str, used: dict[str, None]) -> str:
        return "a" if predicate == _TYPE else self._name(predicate, used)

    def _term(self, term: Term, used: dict[str, None]) -> str:
        if isinstance(term, NamedNode):
            return self._name(term.value, used)
        if isinstance(term, BlankNode) or term.language:
            return str(term)
        datatype = term.datatype.value
        if datatype == _STRING:
            return str(term)
        text = term.value
        bare = _BARE.get(datatype)
        if bare and bare.fullmatch(text):
            return text
        return f"{Literal(text)}^^{self._name(datatype, used)}"

    def _name(self, iri: str, used: dict[str, None]) -> str:
        known = self._names.get(iri)
        if known is None:
            if len(self._names) >= _REMEMBERED:
                self._names.clear()
            known = self._names[iri] = _shortened(iri)
        if known[0]:
            used[known[0]] = None
        return known[1]


def _shortened(iri: str) -> tuple[str, str]:
    """The prefix and the prefixed name of an IRI; without one the IRI in angle brackets."""
    path, hash_, fragment = iri.partition("#")
    cut = len(path) + 1 if hash_ and path + "#" in _BY_NAMESPACE else path.rfind("/") + 1
    prefix, local = _BY_NAMESPACE.get(iri[:cut], ""), iri[cut:]
    name, hash_, fragment = local.partition("#")
    parts = [name, fragment] if hash_ else [name]
    if prefix and all(_LOCAL.fullmatch(part) for part in parts):
        return prefix, f"{prefix}:" + "\\#".join(parts)
    return "", str(NamedNode(iri))
