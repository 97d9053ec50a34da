"""The values of a row's cells, and the IRIs of its nodes that are made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pyoxigraph import Literal, NamedNode

from citygraph.rdf.terms import BASE, ID
from citygraph.sheets.cell_problems import CellAddress
from citygraph.text import slug

IDENTIFIER = re.compile(r"[a-z]+/[a-z0-9]+(?:-[a-z0-9]+)*")
# The value of a column in a pattern, and a part that is left out if its column is empty.
_KEY = re.compile(r"\{(\w+)\}")
_OPTIONAL = re.compile(r"\[-\{(\w+)\}\]")


@dataclass(frozen=True)
class CellValue:
    """A value of a cell: the term, its search text, and the short name of its source."""

    term: NamedNode | Literal
    text: str
    source: str
    address: CellAddress


def node_iri(
    pattern: str, texts: Mapping[str, str], main: NamedNode, nodes: Mapping[str, NamedNode], source: str
) -> str:
    """Returns the IRI that a pattern makes of the texts of columns, by key: slugs of their values.

    Without a name, such as in a row with an identifier, the entity of the row gives it. The text of an optional part
    may be the whole identifier.
    """
    for key in _OPTIONAL.findall(pattern):
        if _is_whole(texts.get(key, ""), pattern):
            return ID + texts[key]

    def filled(match: re.Match[str]) -> str:
        key = match[1]
        if key in nodes:
            return nodes[key].value
        if key == "source":
            return slug(source)
        return slug(texts[key]) if key in texts else main.value.rpartition("/")[2]

    with_parts = _OPTIONAL.sub(lambda part: f"-{{{part[1]}}}" if texts.get(part[1]) else "", pattern)
    text = _KEY.sub(filled, with_parts)
    return text if text.startswith(BASE) else ID + text


def _is_whole(text: str, pattern: str) -> bool:
    """Returns whether a text is an identifier of the type that a pattern makes."""
    return IDENTIFIER.fullmatch(text) is not None and text.partition("/")[0] == pattern.partition("/")[0]


def optional_text(iri: str, pattern: str, texts: Mapping[str, str], main: NamedNode) -> str:
    """Returns the text of the optional part with which `node_iri` makes an IRI: nothing, its end, or all of it."""
    without = node_iri(_OPTIONAL.sub("", pattern), texts, main, {}, "")
    if iri == without:
        return ""
    return iri.removeprefix(f"{without}-") if iri.startswith(f"{without}-") else iri.removeprefix(ID)


def text_in_iri(value: NamedNode | Literal, text: str) -> str:
    """Returns the text of a value in a pattern: the last part of an IRI, or else the text of the cell."""
    return value.value.rpartition("/")[2] if isinstance(value, NamedNode) else text
