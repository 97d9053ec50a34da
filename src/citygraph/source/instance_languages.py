"""The languages of the instance in the files of the package: shapes, rules and stored queries are written for any.

In a file, FIRST_LANGUAGE is the tag of the instance's first language and FIRST_LANGUAGE_NAME_EN its name in English;
SECOND_LANGUAGE is that of the second one (without one, English or Turkish), which has a column in each table. A
paragraph (between blank lines) with FURTHER_LANGUAGE is repeated for each further language. "EACH_LANGUAGE", with its
quotation marks, is the list of all. VOCABULARY_LANGUAGE is the first language if the ontology has it, else English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from babel import Locale, UnknownLocaleError

from citygraph.instance import Instance
from citygraph.text import matches_language

# In the name of a variable or column a tag such as de-CH is de_CH.
_WORD = re.compile(r"(_?)(FIRST|SECOND|FURTHER|VOCABULARY)_LANGUAGE(?:_NAME_([A-Z]{2})\b)?")
_FURTHER = "FURTHER_LANGUAGE"
# Those in which all classes and concepts have names.
VOCABULARY_LANGUAGES = ("en", "tr", "de")
_EACH = '"EACH_LANGUAGE"'


def with_languages(text: str, instance: Instance) -> str:
    """Returns a text of the package for the languages of an instance; its lines keep their numbers."""
    if "_LANGUAGE" not in text:
        return text
    first, *further = instance.languages
    tags = {"FIRST": first, "SECOND": instance.second_language, "VOCABULARY": _of_vocabulary(first)}
    paragraphs, repeated = [], []
    for paragraph in text.split("\n\n"):
        if _FURTHER not in paragraph:
            paragraphs.append(_filled(paragraph, tags))
            continue
        copies = [_filled(paragraph, {**tags, "FURTHER": language}) for language in further] or [
            "\n" * paragraph.count("\n")
        ]
        paragraphs.append(copies[0])
        # At the end, where they move no line.
        repeated += copies[1:]
    text = "\n\n".join([*paragraphs, *repeated])
    return text.replace(_EACH, " ".join(f'"{language}"' for language in instance.languages))


@cache
def language_name(language: str, reader: str) -> str:
    """Returns the name of a language in the reader's language, or its tag if there is none: German, Almanca."""
    try:
        return Locale.parse(language, sep="-").get_display_name(reader) or language
    except (UnknownLocaleError, ValueError):
        return language


def _of_vocabulary(language: str) -> str:
    return next((tag for tag in VOCABULARY_LANGUAGES if matches_language(language, tag)), "en")


def _filled(text: str, tags: Mapping[str, str]) -> str:
    def fill(word: re.Match[str]) -> str:
        language = tags[word[2]]
        if word[3]:
            return word[1] + language_name(language, word[3].lower())
        return f"_{language.replace('-', '_')}" if word[1] else language

    return _WORD.sub(fill, text)
