"""Shapes, rules and queries of the package, written for the languages of any instance."""

from __future__ import annotations

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.instance import Instance
from citygraph.rdf.terms import CG, ID, RDF, RDFS
from citygraph.source.instance_languages import language_name, with_languages, with_translations
from citygraph.source.rules import Rule, derive
from tests.conftest import REPOSITORY

_PARAGRAPHS = 'one "FIRST_LANGUAGE"\n\nshapes:X-FURTHER_LANGUAGE\nFURTHER_LANGUAGE_NAME_EN\n\nlast "EACH_LANGUAGE"'


def test_a_paragraph_about_a_further_language_is_repeated_for_each() -> None:
    """Further copies are at the end, so that errors name the lines of the file (14 §1)."""
    text = with_languages(_PARAGRAPHS, Instance(languages=("de", "en", "fr")))
    assert text.split("\n\n") == [
        'one "de"', "shapes:X-en\nEnglish", 'last "de" "en" "fr"', "shapes:X-fr\nFrench",
    ]  # fmt: skip


def test_an_instance_with_one_language_recommends_no_other() -> None:
    """The lines keep their numbers (14 §1)."""
    text = with_languages(_PARAGRAPHS, Instance(languages=("de",)))
    assert "shapes:X" not in text
    assert text.splitlines().index('last "de"') == _PARAGRAPHS.splitlines().index('last "EACH_LANGUAGE"')


@pytest.mark.parametrize(("language", "reader", "name"), [("de", "en", "German"), ("de", "tr", "Almanca")])
def test_messages_name_the_language(language: str, reader: str, name: str) -> None:
    """As its readers call it (14 §1)."""
    assert language_name(language, reader) == name


def test_an_unregistered_language_is_named_by_its_tag() -> None:
    """A private tag is a valid language of an instance (14 §1)."""
    assert language_name("x-plain", "en") == "x-plain"


def test_the_shapes_require_the_first_language_and_recommend_the_others() -> None:
    """Each further language has a shape of its own (14 §1)."""
    text = with_languages(
        (REPOSITORY / "ontology/shapes/recommended.ttl").read_text("utf-8"), Instance(languages=("de", "en", "fr"))
    )
    messages = {
        (quad.subject.value.partition("#")[2], quad.object.value)
        for quad in parse(text, RdfFormat.TURTLE)
        if isinstance(quad.subject, NamedNode) and isinstance(quad.object, Literal) and quad.object.language == "en"
    }
    assert {text for name, text in messages if name.startswith("RecommendedLabel-") and text.startswith("The")} == {
        "The entity has no English label.", "The entity has no French label.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("languages", "labels"),
    [
        (("de", "en"), {"Städtepartnerschaft Bremen–Danzig", "Bremen–Danzig sister-city agreement"}),
        (("de-CH",), {"Städtepartnerschaft Bremen–Danzig"}),
        (("az", "tr"), {"Bremen–Qdansk qardaşlaşmış şəhərlər sazişi", "Bremen–Qdansk kardeş şehir anlaşması"}),
        (("fr",), {"Brême–Dantzig"}),
    ],
)
def test_agreements_get_labels_in_each_language_of_the_instance(languages: tuple[str, ...], labels: set[str]) -> None:
    """A party without a name in a language appears with that of the first (14 §1)."""
    names = {"bremen": {"de-CH": "Bremen", "de": "Bremen", "fr": "Brême", "az": "Bremen"}}
    names["danzig"] = {"de-CH": "Danzig", "de": "Danzig", "fr": "Dantzig", "az": "Qdansk"}
    agreement = ID("agreement/bremen-danzig")
    store = Store()
    store.extend(Quad(agreement, RDF("type"), CG(kind)) for kind in ("Agreement", "SisterCityAgreement"))
    for city, by_language in names.items():
        store.add(Quad(agreement, CG("party"), ID(f"city/{city}")))
        for language, name in by_language.items():
            store.add(Quad(ID(f"city/{city}"), RDFS("label"), Literal(name, language=language)))
    text = (REPOSITORY / "ontology/rules/04-agreement-labels.rq").read_text("utf-8")
    derived = derive([Rule("04", with_languages(with_translations(text), Instance(languages=languages)))], store)
    assert {quad.object.value for quad in derived} == labels  # type: ignore[union-attr]


def test_tables_name_classes_and_concepts_in_a_language_of_the_vocabulary() -> None:
    """In the first language of the instance if it has a catalogue, else in English (14 §1)."""
    assert with_languages('"VOCABULARY_LANGUAGE"', Instance(languages=("fr",))) == '"en"'
    assert with_languages('"VOCABULARY_LANGUAGE"', Instance(languages=("de-CH",))) == '"de"'
