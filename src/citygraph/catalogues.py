"""The languages of citygraph: English in code and files, every other one a gettext catalogue in `web/locale/`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pyoxigraph import Literal

from citygraph.compiled_file import CompiledFile
from citygraph.instance import Instance, current_instance
from citygraph.text import matches_language

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

_FOLDER = Path(__file__).parent / "web" / "locale"
ENGLISH = "en"
# The contexts of a catalogue: texts of errors; texts in the files of ontology, shapes, rules, queries and sheets.
ERROR, FILES = "error", "files"
_STRINGS = r'((?:".*"\n)+)'
_IN_CONTEXT = re.compile(rf'^msgctxt "(.*)"\nmsgid {_STRINGS}msgstr {_STRINGS}', re.MULTILINE)
_ESCAPED = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@cache
def catalogue_files() -> tuple[Path, ...]:
    """Returns the catalogues by name."""
    # A language is one file: az.po is all that makes Azerbaijani one.
    return tuple(sorted(_FOLDER.glob("*.po")))


def catalogue_languages() -> tuple[str, ...]:
    """Returns English and the languages that have a catalogue."""
    return (ENGLISH, *(path.stem for path in catalogue_files()))


def interface_languages(instance: Instance) -> tuple[str, ...]:
    """Returns those of the instance, in its order, and then all others; the first is that of other readers."""
    available = catalogue_languages()
    own = [tag for language in instance.languages for tag in available if matches_language(language, tag)]
    return tuple(dict.fromkeys([*own, *available]))


LANGUAGES = interface_languages(current_instance())


def interface_language(tag: str) -> str:
    """Returns the one of LANGUAGES that a tag is a variant of, or "": lookup (RFC 4647, section 3.4)."""
    return next((own for own in LANGUAGES if matches_language(tag, own)), "")


def catalogue_file(language: str) -> Path:
    """Returns the path of the catalogue of a language."""
    return _FOLDER / f"{language}.po"


@cache
def catalogue(language: str) -> Catalog:
    """Returns the catalogue of a language, which is not English."""
    from babel.messages.pofile import read_po

    with catalogue_file(language).open("rb") as file:
        return read_po(file, locale=language)


@cache
def texts_in_context(language: str, context: str) -> Mapping[str, str]:
    """Returns the translations in a context of the catalogue, by English text; empty for English.

    Every process that reads shapes or rules needs them. Babel would take ten times as long, because it reads all texts.
    """
    if language == ENGLISH:
        return {}
    content = catalogue_file(language).read_text(encoding="utf-8") + "\n"
    messages = (message.groups() for message in _IN_CONTEXT.finditer(content))
    texts = ((_unquoted(english), _unquoted(other)) for name, english, other in messages if name == context)
    return {english: other for english, other in texts if other}


def _unquoted(lines: str) -> str:
    """Returns the text of quoted strings, one a line."""
    text = "".join(line[1:-1] for line in lines.split("\n"))
    return _ESCAPED.sub(lambda escaped: _ESCAPES.get(escaped[1], escaped[1]), text) if "\\" in text else text


def error_texts(language: str) -> Mapping[str, str]:
    """Returns the translations of the texts of errors, with {1} and {2} for values; empty for English."""
    return texts_in_context(language, ERROR)


@cache
def translations(language: str) -> NullTranslations:
    """Returns the translations into a language of LANGUAGES. They are read once per process."""
    if language == ENGLISH:
        return NullTranslations()
    path = catalogue_file(language)
    compiled = CompiledFile.of(path, path.read_text(encoding="utf-8"))
    content = compiled.read()
    if content is None:
        # It takes ten times as long as the rest of a first page in the language.
        content = _compiled(language)
        compiled.write(content)
    return GNUTranslations(BytesIO(content))


def _compiled(language: str) -> bytes:
    """Returns the catalogue of a language as an MO file."""
    from babel.messages.mofile import write_mo

    compiled = BytesIO()
    write_mo(compiled, catalogue(language))
    return compiled.getvalue()


def N_(text: str) -> str:  # noqa: N802 - the mark that gettext's tools look for
    """Marks a text for the catalogues; it is translated where it is used."""
    return text


def templates(text: str) -> dict[str, str]:
    """Returns an English text by language: in English, and in each language of the instance that has a catalogue."""
    own = ((tag, interface_language(tag)) for tag in current_instance().languages)
    return {ENGLISH: text} | {tag: translations(language).gettext(text) for tag, language in own if language}


def of_instance(text: str, /, **values: object) -> Iterator[Literal]:
    """Yields a text about the instance, with its title as {name}: in English, and in each of its languages."""
    title = current_instance().title_in
    for language, template in templates(text).items():
        yield Literal(template.format(name=title(language), **values), language=language)


def translated(text: str, language: str) -> str:
    """Returns an English text in a language, else in English."""
    return translations(interface_language(language) or ENGLISH).gettext(text)


def for_instance(texts: Mapping[str, str]) -> dict[str, str]:
    """Returns those of the texts by language that are in English or in a language of the instance."""
    languages = (*current_instance().languages, ENGLISH)
    return {tag: text for tag, text in texts.items() if any(matches_language(one, tag) for one in languages)}
