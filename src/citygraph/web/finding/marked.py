"""A name with what was looked for in it marked, whatever letters it was typed with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup, escape

from citygraph.text import fold, nfc

_JOINING = "'’ʼ`"  # they part no words: Xi'an is found as xian


@dataclass(frozen=True)
class Marked:
    """A name in pieces: each with whether it was looked for."""

    pieces: tuple[tuple[str, bool], ...]

    def __html__(self) -> Markup:
        """The name for a page."""
        parts = (f"<mark>{escape(text)}</mark>" if is_it else str(escape(text)) for text, is_it in self.pieces)
        return Markup("".join(parts))  # noqa: S704 - escaped above


def marked(name: str, query: str) -> Marked:
    """The words of `name` marked as far as they begin like words of `query`, in the search form of both."""
    name = nfc(name)
    flags = [False] * len(name)
    words = fold(query).split()
    for start, end in _words(name):
        length = max((_reach(name[start:end], word) for word in words), default=0)
        flags[start : start + length] = [True] * length
    runs = groupby(zip(name, flags, strict=True), key=lambda pair: pair[1])
    return Marked(tuple(("".join(letter for letter, _ in run), is_it) for is_it, run in runs))


def begins(name: str, query: str) -> bool:
    """Whether each word of `query` is the beginning of a word of `name`, in the search form of both."""
    words = fold(name).split()
    return all(any(word.startswith(wanted) for word in words) for wanted in fold(query).split())


def _words(name: str) -> Iterator[tuple[int, int]]:
    start = 0
    for place, letter in enumerate(name + " "):
        if not fold(letter) and letter not in _JOINING:
            if place > start:
                yield start, place
            start = place + 1


def _reach(text: str, word: str) -> int:
    """How many letters of a word of the name the word that was looked for covers; none if it begins otherwise."""
    return next((length for length in range(1, len(text) + 1) if fold(text[:length]).startswith(word)), 0)
