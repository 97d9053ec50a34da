"""The similarity of spellings, and the keys by which similar names are found without comparing all."""

from __future__ import annotations

import re
from itertools import chain
from zlib import crc32

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import token_sort_ratio

from citygraph.text import fold

SHORTEST, LONGEST = 4, 24  # letters of the names that are found with one wrong letter
_LEAST_SOUNDS = 3
_SAME_SOUND = 0.8
# Text in parentheses or after a comma distinguishes namesakes: "Man (Elfenbeinküste)", "Aiken, South Carolina".
_QUALIFIED = re.compile(r"\s*(?P<core>[^(),]*[^(),\s])\s*(?:\((?P<inside>[^()]+)\)|,\s*(?P<after>.+?))\s*")
# Latin spellings of one sound, the longest first: German, English, French and Turkish ways to write it.
_SPELLINGS = "tsch:x dsch:x sch:s tch:x dzh:x ch:h kh:h sh:s zh:s ph:f th:t ck:k qu:k gh:g dj:x c:k q:k w:v ou: z:s"
_SOUNDS = [pair.split(":") for pair in _SPELLINGS.split()]
_SILENT = str.maketrans("", "", "aeiouyj ")
_DOUBLE = re.compile(r"(.)\1+")


def keys(folded: str) -> frozenset[int]:
    """Returns hash keys of a name. Two names share a key if they differ by one letter or sound alike.

    Long names have no keys. Deleting each letter in turn covers every insertion, deletion, substitution and swap of
    neighbours without an alphabet (the idea of SymSpell). Collisions are harmless, because the names are compared
    afterwards.
    """
    numbers: set[int] = set()
    if SHORTEST <= len(folded) <= LONGEST:
        # Each checksum continues that of the letters before the one that is left out. (Folded names are in ASCII.)
        letters, before = folded.encode(), 0
        for place in range(len(letters)):
            numbers.add(crc32(letters[place + 1 :], before))
            before = crc32(letters[place : place + 1], before)
        numbers.add(before)
    sounds = skeleton(folded) if len(folded) <= LONGEST else ""
    if len(sounds) >= _LEAST_SOUNDS:
        numbers.add(crc32(f"~{sounds}".encode()))
    return frozenset(numbers)


def skeleton(folded: str) -> str:
    """Returns the consonants by their sound, so that "kharkiv" and "charkiw" are equal."""
    for letters, sound in _SOUNDS:
        folded = folded.replace(letters, sound)
    folded = _DOUBLE.sub(r"\1", folded)
    return (folded[:1] + folded[1:].translate(_SILENT)).removesuffix("h")


def similarity(one: str, other: str) -> float:
    """Returns the similarity of two folded names from 0 to 1: by edits, by words in any order, or by sound."""
    if one == other:
        return 1.0
    score = OSA.normalized_similarity(one, other)
    if " " in one or " " in other:
        score = max(score, token_sort_ratio(one, other) / 100)
        score = max(score, _contained(one, other))
    if score < _SAME_SOUND and len(sounds := skeleton(one)) >= _LEAST_SOUNDS and sounds == skeleton(other):
        score = _SAME_SOUND
    return score


def qualified(text: str) -> tuple[str, str]:
    """Returns a name without its qualifier, and the qualifier, which is empty if there is none."""
    match = _QUALIFIED.fullmatch(text)
    return (match["core"], match["inside"] or match["after"]) if match else (text, "")


def forms(text: str) -> tuple[str, ...]:
    """Returns the folded name and its parts that may be a name of the same entity: "san pablo" of "San Pablo City"."""
    whole, core = fold(text), fold(qualified(text)[0])
    words = whole.split()[:8]
    runs = chain(
        (" ".join(words[:end]) for end in range(len(words) - 1, 0, -1)),
        (" ".join(words[start:]) for start in range(1, len(words))),
    )
    return tuple(dict.fromkeys(form for form in (whole, core, *runs) if len(form) > 1 or form == whole))


def _contained(one: str, other: str) -> float:
    """Returns the share of the shorter name in the longer one, if it is its beginning or end by whole words."""
    short, long = sorted((one, other), key=len)
    if short and (long.startswith(f"{short} ") or long.endswith(f" {short}")):
        return 0.6 + 0.4 * len(short) / len(long)
    return 0.0
