"""Text as Turkish needs it: NFC, the search fold, sorting keys and slugs."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

# Letters in the order of the Turkish alphabet with Azerbaijani ə, x, q and w where readers look for them;
# other letters sort by their base letter.
_ALPHABET = "aâbcçdeəfgğhıiîjklmnoöpqrsştuûüvwxyz"
_PLACE = {letter: place for place, letter in enumerate(_ALPHABET)}
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
_SPACES = re.compile(r"[\W_]+")
# What a spreadsheet would read as a formula; a ' in front makes it text (OWASP, CSV injection). Apostrophes that
# stand there already are counted, so that taking one away always gives the value back.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_FIGURES = re.compile(r"[-+]?[0-9][-+0-9.,:;TZeE ]*")


def nfc(text: str) -> str:
    """The text in Unicode normal form C, in which everything is stored and compared."""
    return unicodedata.normalize("NFC", text)


def lower(text: str) -> str:
    """Lower case by Turkish rules: İ becomes i, I becomes ı. (`str.lower` leaves a combining dot after i.)"""
    return nfc(text).replace("İ", "i").replace("I", "ı").lower()


def fold(text: str) -> str:
    """The search form: letters without marks, in lower case, words joined by single spaces.

    All of Izmir, izmir, İZMİR and ızmır fold to "izmir"; other scripts are transliterated, so that
    Баку folds to "baku".
    """
    ascii_text = anyascii(nfc(text)).lower()
    return _SPACES.sub(" ", ascii_text.replace("'", "")).strip()


def slug(label: str) -> str:
    """The last segment of an identifier: the English label in ASCII, lower case, hyphenated.

    >>> slug("İzmir Metropolitan Municipality")
    'izmir-metropolitan-municipality'
    """
    return _NOT_SLUG.sub("-", fold(label)).strip("-")


@lru_cache(20_000)
def collation_key(text: str) -> tuple[tuple[int, int], ...]:
    """A key that sorts as a Turkish reader expects: ç after c, ı before i, case aside."""
    return tuple(_place_of(letter) for letter in lower(text))


def _place_of(letter: str) -> tuple[int, int]:
    place = _PLACE.get(letter)
    if place is not None:
        return place, 0
    base = unicodedata.normalize("NFD", letter)[0]
    # Spaces, digits and punctuation come before letters, foreign letters after their base letter.
    return (_PLACE[base], ord(letter)) if base in _PLACE else (-1 if ord(letter) < 0x80 else 100, ord(letter))


def guarded(text: str) -> str:
    """Free text as a cell that no spreadsheet runs; taking one apostrophe away gives it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def guarded_cell(text: str) -> str:
    """The same of a value of any kind: a number's minus sign, a date's, or a pair's of coordinates stays as it is."""
    return text if _FIGURES.fullmatch(text) else guarded(text)
