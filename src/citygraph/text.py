"""Text functions: NFC, the search fold, Turkish sort keys, slugs, language tags, and safe cells for spreadsheets."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from io import StringIO

from anyascii import anyascii

# Letters in the order of the Turkish alphabet with Azerbaijani ə, x, q and w where readers look for them;
# other letters sort by their base letter.
_ALPHABET = "aâbcçdeəfgğhıiîjklmnoöpqrsştuûüvwxyz"
_PLACE = {letter: place for place, letter in enumerate(_ALPHABET)}
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
# Control and format characters, unpaired surrogates, and spaces and separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_SPACES = re.compile(r"[\W_]+")
# Text that a spreadsheet would read as a formula; a ' in front makes it text (OWASP, CSV injection).
# Leading apostrophes are part of the pattern, so that the removal of one always restores the value.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
# Wikidata's tag for a name that is the same in most languages (ISO 639-2: multiple languages).
ALL_LANGUAGES = "mul"
_FIGURES = re.compile(r"[-+]?[0-9][-+0-9.,:;TZeE ]*")


def nfc(text: str) -> str:
    """Returns the text in Unicode normal form C, in which all text is stored and compared."""
    return unicodedata.normalize("NFC", text)


def without_mark(text: str) -> str:
    """Returns the text without the byte order mark that some editors write in front."""
    return text.removeprefix("\ufeff")


def visible(text: str) -> str:
    """Returns the text for a message: a character that cannot be seen, such as U+FEFF, is replaced by its name."""
    return "".join(f"U+{ord(c):04X}" if unicodedata.category(c) in _UNSEEN and c not in " \n" else c for c in text)


def lower(text: str) -> str:
    """Returns the text in lower case by Turkish rules: İ becomes i, I becomes ı."""
    # `str.lower` would leave a combining dot after the i of İ.
    return nfc(text).replace("İ", "i").replace("I", "ı").lower()


def fold(text: str) -> str:
    """Returns the search form: letters without marks, in lower case, words joined by single spaces.

    All of Izmir, izmir, İZMİR and ızmır fold to "izmir"; other scripts are transliterated, so that
    Баку folds to "baku".
    """
    ascii_text = anyascii(nfc(text)).lower()
    return _SPACES.sub(" ", ascii_text.replace("'", "")).strip()


def slug(label: str) -> str:
    """Returns the last segment of an identifier: the English label in ASCII, lower case, hyphenated.

    >>> slug("İzmir Metropolitan Municipality")
    'izmir-metropolitan-municipality'
    """
    return _NOT_SLUG.sub("-", fold(label)).strip("-")


@lru_cache(20_000)
def collation_key(text: str) -> tuple[tuple[int, int], ...]:
    """Returns a sort key in the order of the Turkish alphabet, without regard to case: ç after c, ı before i."""
    return tuple(_place_of(letter) for letter in lower(text))


def _place_of(letter: str) -> tuple[int, int]:
    place = _PLACE.get(letter)
    if place is not None:
        return place, 0
    base = unicodedata.normalize("NFD", letter)[0]
    # Spaces, digits and punctuation come before letters, foreign letters after their base letter.
    return (_PLACE[base], ord(letter)) if base in _PLACE else (-1 if ord(letter) < 0x80 else 100, ord(letter))


def matches_language(tag: str, language: str) -> bool:
    """Returns whether a language tag is in a basic language range: en-GB is in "en" (RFC 4647, section 3.3.1)."""
    tag, language = tag.lower(), language.lower()
    return tag == language or tag.startswith(f"{language}-") or (language == "*" and tag != "")


def best_tag(tags: Iterable[str], *languages: str) -> str | None:
    """Returns the tag for the first language that has one: the language itself, else the first variant by alphabet."""
    by_name = sorted(tags, key=str.lower)
    return next((tag for language in languages for tag in by_name if matches_language(tag, language)), None)


def guarded(text: str) -> str:
    """Returns free text as a cell that no spreadsheet executes; the removal of one apostrophe restores it."""
    return f"'{text}" if _FORMULA.match(text) else text


def guarded_cell(text: str) -> str:
    """Returns a value of any kind as a safe cell; the sign of a number, date or pair of coordinates stays as it is."""
    return text if _FIGURES.fullmatch(text) else guarded(text)


def csv_line(cells: Iterable[object], delimiter: str = ",") -> str:
    """Returns cells as a line of CSV that ends with a line feed."""
    # A writer whose line end is "\n" puts no quotes around a carriage return, at which readers would end the row.
    out = StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n") + "\n"
