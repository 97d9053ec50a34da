"""The languages of the instance in the files of the package: shapes, rules and stored queries are written for any.

In a file, FIRST_LANGUAGE is the tag of the instance's first language and FIRST_LANGUAGE_NAME_EN its name in English;
SECOND_LANGUAGE is that of the second one (without one, English or Turkish), which has a column in each table. A
paragraph (between blank lines) with FURTHER_LANGUAGE is repeated for each further language. "EACH_LANGUAGE", with its
quotation marks, is the list of all. VOCABULARY_LANGUAGE is the first language if it has a catalogue, else English.
READER_LANGUAGE and READER_VOCABULARY_LANGUAGE are these two for the reader of a result: in a stored query they have the
language in which the result is requested, else the first language.

English texts in the files are translated by the catalogues: a literal of Turtle gets one in each language that its
statement does not have, and a row of VALUES that begins with "EACH_TRANSLATION" becomes one for each language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product

from citygraph.catalogues import ENGLISH, FILES, catalogue_languages, texts_in_context
from citygraph.instance import Instance, current_instance
from citygraph.rdf.terms import with_instance_base
from citygraph.text import best_tag, matches_language

# In the name of a variable or column a tag such as de-CH is de_CH.
_WORD = re.compile(r"(_?)(FIRST|SECOND|FURTHER|READER_VOCABULARY|READER|VOCABULARY)_LANGUAGE(?:_NAME_([A-Z]{2})\b)?")
_FURTHER = "FURTHER_LANGUAGE"
_EACH = '"EACH_LANGUAGE"'
_TEXT = r'"((?:[^"\\\n]|\\.)*)"'
_LITERAL = re.compile(rf"{_TEXT}@([A-Za-z]+(?:-[A-Za-z0-9]+)*)")
_LITERALS = re.compile(rf"{_LITERAL.pattern}(?:\s*,\s*{_LITERAL.pattern})*")
# The last value of the row is the text.
_ROW = re.compile(rf'\("EACH_TRANSLATION"(?P<values>[^()\n]*?) *{_TEXT}\)')


def with_translations(text: str) -> str:
    """Returns the text of a file with its English texts in each language; its lines keep their numbers."""
    return _LITERALS.sub(_translated_literals, _ROW.sub(_translated_rows, text))


def translations_of(text: str) -> dict[str, str]:
    """Returns an English text of a file by language, as the instance reads it."""
    whole = " ".join(text.split())
    by_language = ((language, _texts_as_read(language).get(whole, "")) for language in catalogue_languages())
    return {
        language: whole if language == ENGLISH else other
        for language, other in by_language
        if other or language == ENGLISH
    }


def text_in(texts: Mapping[str, str], language: str) -> tuple[str, str]:
    """Returns the text in a language, else in English, with the language of the text."""
    tag = best_tag(texts, language, ENGLISH) or ENGLISH
    return texts[tag], tag


def with_languages(text: str, instance: Instance, reader: str = "") -> str:
    """Returns a text of the package for the languages of an instance; its lines keep their numbers.

    `reader` is the language of a reader, if it is not the first language.
    """
    if "_LANGUAGE" not in text:
        return text
    first, *further = instance.languages
    tags = {"FIRST": first, "SECOND": instance.second_language, "VOCABULARY": _of_vocabulary(first)}
    tags |= {"READER": reader or first, "READER_VOCABULARY": _of_vocabulary(reader or first)}
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
    """Returns the name of a language in the reader's language (German, Almanca), or its tag without a name."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language, sep="-").get_display_name(reader) or language
    except (UnknownLocaleError, ValueError):
        return language


@cache
def month_names(language: str) -> Mapping[int, frozenset[str]]:
    """Returns the names of each month, 1 to 12, in a language: in all cases that dates have, and abbreviated."""
    return _names_in_dates(language, "months", ("wide", "abbreviated"))


@cache
def weekday_names(language: str) -> Mapping[int, frozenset[str]]:
    """Returns the names of each day of the week, from Monday (0) to Sunday (6), in a language."""
    return _names_in_dates(language, "days", ("wide",))


def _names_in_dates(language: str, kind: str, widths: Iterable[str]) -> Mapping[int, frozenset[str]]:
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return {}
    names: dict[int, set[str]] = {}
    # In a date many languages have another case than in a calendar: Απριλίου, Απρίλιος.
    for context, width in product(("format", "stand-alone"), widths):
        for number, name in getattr(locale, kind)[context][width].items():
            names.setdefault(number, set()).add(name)
    return {number: frozenset(some) for number, some in names.items()}


@cache
def _texts_as_read(language: str) -> Mapping[str, str]:
    """Returns the translations of texts in files, both with base and languages of the instance."""
    instance = current_instance()

    def read(text: str) -> str:
        return with_languages(with_instance_base(text), instance)

    return {read(english): read(text) for english, text in texts_in_context(language, FILES).items()}


def _translated_literals(literals: re.Match[str]) -> str:
    """Returns a list of literals with the translations of those in English."""
    own = _LITERAL.findall(literals[0])
    added = (
        f" , {_quoted(text)}@{language}"
        for english, tag in own
        if tag == ENGLISH
        for language in catalogue_languages()
        if not any(matches_language(other, language) for _, other in own)
        if (text := _translated(english, language))
    )
    return literals[0] + "".join(added)


def _translated_rows(row: re.Match[str]) -> str:
    *_, english = row.groups()
    texts = {tag: english if tag == ENGLISH else _translated(english, tag) for tag in catalogue_languages()}
    return " ".join(f'("{tag}"{row["values"]} {_quoted(text)})' for tag, text in texts.items() if text)


def _translated(escaped: str, language: str) -> str:
    return texts_in_context(language, FILES).get(escaped.replace('\\"', '"').replace("\\\\", "\\"), "")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _of_vocabulary(language: str) -> str:
    return next((tag for tag in catalogue_languages() if matches_language(language, tag)), ENGLISH)


def _filled(text: str, tags: Mapping[str, str]) -> str:
    def fill(word: re.Match[str]) -> str:
        language = tags[word[2]]
        if word[3]:
            return word[1] + language_name(language, word[3].lower())
        return f"_{language.replace('-', '_')}" if word[1] else language

    return _WORD.sub(fill, text)
