"""The languages of the interface: English in the code, every other one a gettext catalogue in `locale/`."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

_FOLDER = Path(__file__).parents[1] / "locale"
_FIRST = ("en", "tr")

# A language is one file: locale/az.po is all that makes Azerbaijani one.
LANGUAGES = (*_FIRST, *sorted({path.stem for path in _FOLDER.glob("*.po")} - set(_FIRST)))


def catalogue_file(language: str) -> Path:
    """Where the translations into a language stand."""
    return _FOLDER / f"{language}.po"


@cache
def translations(language: str) -> NullTranslations:
    """The translations into a language of LANGUAGES, read once a process."""
    if language == LANGUAGES[0]:
        return NullTranslations()
    with catalogue_file(language).open("rb") as file:
        catalogue = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def locale_of(language: str) -> Locale:
    """How a language writes dates and numbers."""
    return Locale.parse("en_GB" if language == "en" else language)


def own_name(language: str) -> str:
    """What a language calls itself: "Türkçe"."""
    name = Locale.parse(language).get_language_name(language) or language
    return name[:1].upper() + name[1:]
