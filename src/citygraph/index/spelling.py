"""How near two spellings of a name are, and under which keys near ones are found without comparing with all."""

from __future__ import annotations

import re
from itertools import chain
from zlib import crc32

from rapidfuzz.distance import OSA
from rapidfuzz.fuzz import token_sort_ratio

from citygraph.text import fold

SHORTEST, LONGEST = 4, 24  # letters of names that are found with a letter wrong
_LEAST_SOUNDS = 3
_SAME_SOUND = 0.8
# What stands in parentheses, or after a comma, tells namesakes apart: "Man (Elfenbeinküste)", "Aiken, South Carolina".
_QUALIFIED = re.compile(r"\s*(?P<core>[^(),]*[^(),\s])\s*(?:\((?P<inside>[^()]+)\)|,\s*(?P<after>.+?))\s*")
# Latin spellings of one sound, the longest first: German, English, French and Turkish ways to write it.
_SOUNDS = (
    ("tsch", "x"), ("dsch", "x"), ("sch", "s"), ("tch", "x"), ("dzh", "x"), ("ch", "h"), ("kh", "h"), ("sh", "s"),
    ("zh", "s"), ("ph", "f"), ("th", "t"), ("ck", "k"), ("qu", "k"), ("gh", "g"), ("dj", "x"), ("c", "k"), ("q", "k"),
    ("w", "v"), ("ou", ""), ("z", "s"),
)  # fmt: skip
_SILENT = str.maketrans("", "", "aeiouyj ")
_DOUBLE = re.compile(r"(.)\1+")


def keys(folded: str) -> frozenset[int]:
    """Numbers of which two names share one if they differ in one letter, or sound alike; none for long names.

    Deleting each letter in turn finds every insertion, deletion, substitution and swap of neighbours without trying
    an alphabet (SymSpell's idea). That numbers of different names may be equal does no harm: names are compared after.
    """
    found = set()
    if SHORTEST <= len(folded) <= LONGEST:
        found = {_number(folded[:place] + folded[place + 1 :]) for place in range(len(folded))} | {_number(folded)}
    sounds = skeleton(folded) if len(folded) <= LONGEST else ""
    if len(sounds) >= _LEAST_SOUNDS:
        found.add(_number(f"~{sounds}"))
    return frozenset(found)


def skeleton(folded: str) -> str:
    """The consonants as they sound, so that "kharkiv" and "charkiw" are one."""
    for letters, sound in _SOUNDS:
        folded = folded.replace(letters, sound)
    folded = _DOUBLE.sub(r"\1", folded)
    return (folded[:1] + folded[1:].translate(_SILENT)).removesuffix("h")


def similarity(one: str, other: str) -> float:
    """How near two folded names are, from 0 to 1: by edits, by words in any order, or by sound."""
    if one == other:
        return 1.0
    near = OSA.normalized_similarity(one, other)
    if " " in one or " " in other:
        near = max(near, token_sort_ratio(one, other) / 100)
        near = max(near, _contained(one, other))
    if near < _SAME_SOUND and len(sounds := skeleton(one)) >= _LEAST_SOUNDS and sounds == skeleton(other):
        near = _SAME_SOUND
    return near


def qualified(text: str) -> tuple[str, str]:
    """A name without what tells it from its namesakes, and that; the second is empty if there is none."""
    match = _QUALIFIED.fullmatch(text)
    return (match["core"], match["inside"] or match["after"]) if match else (text, "")


def forms(text: str) -> tuple[str, ...]:
    """The folded name, then its parts that may be a name of the same thing: "San Pablo City" is also "san pablo"."""
    whole, core = fold(text), fold(qualified(text)[0])
    words = whole.split()[:8]
    runs = chain(
        (" ".join(words[:end]) for end in range(len(words) - 1, 0, -1)),
        (" ".join(words[start:]) for start in range(1, len(words))),
    )
    return tuple(dict.fromkeys(form for form in (whole, core, *runs) if len(form) > 1 or form == whole))


def _contained(one: str, other: str) -> float:
    """How much of the longer name the shorter is, if it is its beginning or end by whole words."""
    short, long = sorted((one, other), key=len)
    if short and (long.startswith(f"{short} ") or long.endswith(f" {short}")):
        return 0.6 + 0.4 * len(short) / len(long)
    return 0.0


def _number(text: str) -> int:
    return crc32(text.encode())
