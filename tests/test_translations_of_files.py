"""The texts of ontology, shapes, rules and stored queries in every language, from the catalogues alone."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any

import pytest
import yaml
from pyoxigraph import Literal, NamedNode, RdfFormat, Store, parse

from citygraph.catalogues import ENGLISH, FILES, LANGUAGES, texts_in_context
from citygraph.rdf.terms import DCTERMS, RDFS, SKOS
from citygraph.source.instance_languages import translations_of, with_translations
from citygraph.source.queries import load_queries, read_query
from citygraph.source.reading import read_packaged_text
from tests.conftest import REPOSITORY

_ONTOLOGY, _QUERIES = REPOSITORY / "ontology", REPOSITORY / "queries"
# Turkish is written in the files, except for templates.
_TRANSLATED = [language for language in LANGUAGES if language not in (ENGLISH, "tr")]
# Whose catalogues have the names of terms, and messages and definitions in English only.
_NAMES_ONLY = ("az",)
_NAMES = frozenset((RDFS("label"), SKOS("prefLabel"), DCTERMS("title")))
_ROW = re.compile(r'\("EACH_TRANSLATION"[^()\n]*"([^"\n]*)"\)')


@cache
def _texts() -> frozenset[str]:
    """All English texts of the files, as a catalogue names them."""
    texts = (text for _, text in _literals())
    return frozenset(" ".join(text.split()) for text in (*texts, *_templates(), *_heads()))


@cache
def _names() -> frozenset[str]:
    """The English names of terms, and the templates of names."""
    return frozenset((*(text for predicate, text in _literals() if predicate in _NAMES), *_templates()))


def _literals() -> Iterator[tuple[NamedNode, str]]:
    for path in (*_ONTOLOGY.glob("*.ttl"), *_ONTOLOGY.glob("alignments/*.ttl"), *_ONTOLOGY.glob("shapes/*.ttl")):
        for quad in parse(path=str(path), format=RdfFormat.TURTLE):
            if isinstance(quad.object, Literal) and quad.object.language == ENGLISH:
                yield quad.predicate, quad.object.value


def _templates() -> Iterator[str]:
    for path in (*_ONTOLOGY.glob("rules/*.rq"), *_QUERIES.rglob("*.rq")):
        yield from _ROW.findall(path.read_text("utf-8"))


def _sheets(language: str) -> Iterator[str]:
    """Yields the texts of the table model that it does not have in a language itself."""

    def texts(value: object) -> Iterator[str]:
        if isinstance(value, list):
            yield from chain.from_iterable(map(texts, value))
        elif isinstance(value, dict) and isinstance(value.get(ENGLISH), str):
            yield from () if language in value else (value[ENGLISH],)
        elif isinstance(value, dict):
            yield from chain.from_iterable(map(texts, value.values()))

    yield from texts(tomllib.loads((_ONTOLOGY / "sheets.toml").read_text("utf-8")))


def _heads() -> Iterator[str]:
    for path in _QUERIES.rglob("*.rq"):
        lines = (line[2:].removeprefix(" ") for line in path.read_text("utf-8").splitlines() if line.startswith("#+"))
        head = yaml.safe_load("\n".join(lines))
        yield from (head["title"], head["description"])
        for one in head.get("parameters", {}).values():
            yield from ([one["description"]] if "description" in one else [])
            yield from _labels(one.get("choices"))
        for column in head.get("columns", {}).values():
            parts: dict[str, Any] = {"title": column} if isinstance(column, str) else column
            texts = (parts[part] for part in ("title", "description") if part in parts)
            yield from (text if isinstance(text, str) else text[ENGLISH] for text in texts)
            yield from _labels(parts.get("words"))


def _labels(values: dict[str, str] | list[str] | None) -> list[str]:
    """Returns the English labels of fixed values; those in a list are their own labels."""
    return list(values.values() if isinstance(values, dict) else values or ())


@pytest.mark.parametrize("language", _TRANSLATED)
def test_every_text_of_the_files_is_translated(language: str) -> None:
    """No label, definition, message, remedy or title is missing from a catalogue, and no name from any (14 §1)."""
    assert len(_texts()) > 1_000
    needed = (_names() if language in _NAMES_ONLY else _texts()) | set(_sheets(language))
    assert sorted(needed - texts_in_context(language, FILES).keys()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_catalogue_has_texts_that_no_file_has(language: str) -> None:
    """A text that is no longer in a file is taken out of the catalogues (14 §1)."""
    assert sorted(texts_in_context(language, FILES).keys() - _texts() - set(_sheets(language))) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_values_and_terms_of_the_text(language: str) -> None:
    """Fields such as {?value}, and names of the ontology such as cg:party (14 §1)."""
    names = re.compile(r"\{[^{}]*\}|\b[a-z]+:[A-Za-z]\w*|(?:FIRST|FURTHER)_LANGUAGE\b")
    different = [
        english
        for english, text in texts_in_context(language, FILES).items()
        if set(names.findall(english)) != set(names.findall(text))
    ]
    assert different == []


def test_a_literal_is_translated_unless_its_statement_has_the_language() -> None:
    """The lines of a file keep their numbers, and its own translations come first (14 §1)."""
    text = 'city:a rdfs:label "place"@en ,\n  "yer"@tr ;\n rdfs:comment "place"@en , "Stelle"@de-CH .\n'
    translated = with_translations(text).splitlines()
    assert '"Ort"@de' in translated[1]
    assert '"Ort"@de' not in translated[2]
    assert len(translated) == len(text.splitlines())


def test_shapes_and_ontology_have_their_texts_in_german() -> None:
    """The catalogue gives every message, remedy and label a German one, with the names of the instance (14 §1)."""
    store = Store()
    for path in (*_ONTOLOGY.glob("*.ttl"), *_ONTOLOGY.glob("shapes/*.ttl")):
        store.extend(parse(read_packaged_text(path), RdfFormat.TURTLE))
    german = "?s ?p ?german FILTER(LANG(?german) = 'de')"
    assert not store.query(f"ASK {{ ?s ?p ?text FILTER(LANG(?text) = 'en') FILTER NOT EXISTS {{ {german} }} }}")
    assert store.query("ASK { ?shape ?p 'Der Entität fehlt eine Bezeichnung auf Englisch.'@de }")


def test_stored_queries_are_described_in_german() -> None:
    """Title, description, parameters and columns, else in English (14 §1)."""
    query = read_query(_QUERIES / "tables" / "cities.rq", "tables/cities")
    assert query.title_in("de") == ("Tabelle der Städte, Provinzen und Kreise", "de")
    assert query.columns[1].title["de"] == "Name (Englisch)"
    assert query.description_in("fr")[1] == ENGLISH
    anniversaries = read_query(_QUERIES / "anniversaries.rq", "anniversaries")
    assert anniversaries.parameters[1].description_in("de") == ("das Jahr, in das der Jahrestag fällt", "de")


def test_every_stored_query_has_a_title_and_a_description_in_turkish() -> None:
    """From its head or from the catalogue, those of the quality measurements among them."""
    queries = load_queries(_QUERIES).values()
    assert [query.name for query in queries if query.description_in("tr")[1] != "tr"] == []
    assert [query.name for query in queries if query.title_in("tr")[1] != "tr"] == []


def test_a_text_that_no_catalogue_has_is_in_english() -> None:
    """An instance may have its own shapes and queries (14 §1)."""
    assert translations_of("Something  of one city\n") == {ENGLISH: "Something of one city"}
