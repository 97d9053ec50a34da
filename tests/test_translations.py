"""The languages of the interface: every text of the code in every catalogue, and nothing else in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from citygraph.catalogues import ERROR, FILES, LANGUAGES, catalogue_file, texts_in_context
from citygraph.web.http.negotiation import own_name
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import date, number

_PACKAGE = Path(__file__).parents[1] / "src" / "citygraph"
_KEYWORDS = {
    "_": None,
    "translate": None,
    "translations": None,
    "_translations": None,
    "words": None,
    "N_": None,
    "ProblemType": (3,),
    "Route": (4,),
    "Section": (1,),
    "count": (1, 2),
    "counted": (1, 2),
    "CellRule": (2,),
}
# The remedy of a rule: a second run, for two texts of one call are taken for singular and plural.
_REMEDIES = {"CellRule": (3,)}
_METHODS = [
    ("web/static/**", "ignore"),
    ("web/**.py", "python"),
    ("freeze/**.py", "python"),
    ("sheets/**.py", "python"),
    ("cli/**.py", "python"),
    ("wikidata/**.py", "python"),
    ("build/**.py", "python"),
    ("release/**.py", "python"),
    ("web/templates/**.html", "jinja2"),
]
TRANSLATED = LANGUAGES[1:]


@pytest.fixture(scope="module")
def said() -> frozenset[str]:
    """All texts of the interface, as the code has them."""
    return frozenset(_texts())


def _texts() -> Iterator[str]:
    for keywords in (_KEYWORDS, _REMEDIES):
        for _, _, message, _, _ in extract_from_dir(_PACKAGE, _METHODS, keywords=keywords):
            yield message if isinstance(message, str) else message[0]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_translated(language: str, said: frozenset[str]) -> None:
    """No text of the interface is missing from a catalogue or empty in it."""
    with catalogue_file(language).open("rb") as file:
        known = {_key(m.id) for m in read_po(file, locale=language) if m.id and all(_strings(m.string)) and not m.fuzzy}
    assert sorted(said - known) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_catalogues_are_well_formed(language: str) -> None:
    """A line that is no part of a text, such as the mark of a conflict, is an error."""
    with catalogue_file(language).open("rb") as file:
        assert read_po(file, locale=language, abort_invalid=True)


@pytest.mark.parametrize("language", TRANSLATED)
def test_texts_in_a_context_are_those_that_babel_reads(language: str) -> None:
    """Each once: of two entries for a text the readers would take different ones (16 §6)."""
    with catalogue_file(language).open("rb") as file:
        messages = [message for message in read_po(file) if message.string]
    for context in (ERROR, FILES):
        texts = {str(message.id): str(message.string) for message in messages if message.context == context}
        assert texts == texts_in_context(language, context)
        assert texts


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_catalogue_holds_what_nobody_says(language: str, said: frozenset[str]) -> None:
    """A text that is no longer in the code is taken out of the catalogues."""
    with catalogue_file(language).open("rb") as file:
        # The texts of errors have a test of their own.
        known = {_key(m.id) for m in read_po(file, locale=language) if m.id and m.context not in (ERROR, FILES)}
    assert sorted(known - said) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_name_the_same_values(language: str) -> None:
    """A translation has the fields of the English text, and no other."""
    with catalogue_file(language).open("rb") as file:
        for message in read_po(file, locale=language):
            fields = {name for text in _strings(message.id) for name in _fields(text)}
            for text in _strings(message.string) if message.id else ():
                assert _fields(text) <= fields, message.id


def test_each_language_has_its_own_name_dates_and_numbers() -> None:
    """Names, dates and numbers are written as the language writes them."""
    assert [own_name(language) for language in ("en", "tr", "az", "de")] == [
        "English",
        "Türkçe",
        "Azərbaycan",
        "Deutsch",
    ]
    assert date("1991-09", Translations("tr")) == "Eylül 1991"
    assert date("1996-04-24", Translations("en")) == "24 April 1996"
    assert number("600000.5", Translations("tr")) == "600.000,5"


def test_what_is_no_language_of_ours_is_english() -> None:
    """A reader whose language there is no catalogue for reads English."""
    assert Translations("xx").language == "en"
    assert not re.search("[çğış]", Translations("xx")("Sources"))


def _key(message: object) -> str:
    return str(message[0]) if isinstance(message, list | tuple) else str(message)


def _strings(message: object) -> tuple[str, ...]:
    return tuple(map(str, message)) if isinstance(message, list | tuple) else (str(message),)


def _fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_pages_have_the_title_of_the_instance() -> None:
    """A template that names the site citygraph would do so on the site of every city."""
    templates = sorted((_PACKAGE / "web" / "templates").rglob("*.html"))
    wrong = [path.name for path in templates if re.search(r'· citygraph|_\("citygraph"\)', path.read_text("utf-8"))]
    assert templates
    assert wrong == []
