"""The languages of the instance in the files of the package: shapes, rules and stored queries are written for any.

In a file, FIRST_LANGUAGE is the tag of the instance's first language and FIRST_LANGUAGE_NAME_EN its name in English.
A paragraph (between blank lines) with FURTHER_LANGUAGE is repeated for each further language. "EACH_LANGUAGE", with
its quotation marks, is the list of all.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from babel import Locale, UnknownLocaleError

_WORD = re.compile(r"(FIRST|FURTHER)_LANGUAGE(?:_NAME_([A-Z]{2})\b)?")
_FURTHER = "FURTHER_LANGUAGE"
_EACH = '"EACH_LANGUAGE"'


def with_languages(text: str, languages: Sequence[str]) -> str:
    """Returns a text of the package for these languages; its lines keep their numbers."""
    if "_LANGUAGE" not in text:
        return text
    first, *further = languages
    paragraphs, repeated = [], []
    for paragraph in text.split("\n\n"):
        if _FURTHER not in paragraph:
            paragraphs.append(_filled(paragraph, first, ""))
            continue
        copies = [_filled(paragraph, first, language) for language in further] or ["\n" * paragraph.count("\n")]
        paragraphs.append(copies[0])
        # At the end, where they move no line.
        repeated += copies[1:]
    text = "\n\n".join([*paragraphs, *repeated])
    return text.replace(_EACH, " ".join(f'"{language}"' for language in languages))


@cache
def language_name(language: str, reader: str) -> str:
    """Returns the name of a language in the reader's language, or its tag if there is none: German, Almanca."""
    try:
        return Locale.parse(language, sep="-").get_display_name(reader) or language
    except (UnknownLocaleError, ValueError):
        return language


def _filled(text: str, first: str, further: str) -> str:
    def fill(word: re.Match[str]) -> str:
        language = first if word[1] == "FIRST" else further
        return language_name(language, word[2].lower()) if word[2] else language

    return _WORD.sub(fill, text)
