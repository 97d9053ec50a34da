"""What the search in the browser reads: every name of every thing in its search form, and how letters are folded."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator

from pyoxigraph import DefaultGraph, NamedNode, Store

from citygraph.reconciliation.facts import ENTITY
from citygraph.search import names
from citygraph.terms import CG
from citygraph.text import fold, nfc

# Letters that somebody may type although no name has them: Latin, Greek, Cyrillic, and what stands between words.
_TYPED = ((0x80, 0x250), (0x370, 0x530), (0x1E00, 0x2000), (0x2010, 0x2050))


def index(store: Store) -> bytes:
    """The index as JSON: `things` are path, country (a path or ""), and names with language, rank and search form."""
    found: dict[str, list[tuple[int, str, str, str]]] = {}
    for entity, text, language, preferred, folded in names(store):
        found.setdefault(entity, []).append((-preferred, language, text, folded))
    countries = dict(_countries(store))
    things = [
        [_path(entity), countries.get(entity, ""), [[text, language, -rank, "" if folded == text else folded]
                                                     for rank, language, text, folded in sorted(set(said))]]
        for entity, said in sorted(found.items()) if "#" not in entity
    ]  # fmt: skip
    texts = (text for said in found.values() for _, _, text, _ in said)
    value = {"version": 1, "letters": letters(texts), "things": things}
    return (json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def letters(texts: Iterable[str]) -> dict[str, str]:
    """What becomes of each letter beyond ASCII in `text.fold`, which goes letter by letter: the browser's own table."""
    known = {chr(code) for begin, end in _TYPED for code in range(begin, end)}
    for text in texts:
        if not text.isascii():
            known.update(letter for letter in nfc(text) if letter >= "\x80")
    # A letter folds with its neighbours only through NFC, which the browser does first, and through spaces.
    return {letter: _alone(letter) for letter in sorted(known) if unicodedata.normalize("NFC", letter) == letter}


def _alone(letter: str) -> str:
    """The form of a letter between two others, with its spaces."""
    return fold(f"x{letter}x")[1:-1]


def _countries(store: Store) -> Iterator[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for quad in store.quads_for_pattern(None, CG("country"), None, DefaultGraph()):
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, NamedNode):
            found.setdefault(quad.subject.value, []).append(_path(quad.object.value))
    return ((entity, min(paths)) for entity, paths in found.items())


def _path(iri: str) -> str:
    return iri.partition(ENTITY)[2]
