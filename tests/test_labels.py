"""What things are called."""

from __future__ import annotations

from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode, Quad, Store

from citygraph.graph.labels import Label, Labels, choose, last_segment
from citygraph.rdf.terms import BASE, ID, RDFS, SOURCE
from tests.world import small_world


@pytest.mark.parametrize(
    ("languages", "asked", "chosen"),
    [
        (["az", "en", "tr"], "tr", "tr"),
        (["az", "en", "tr"], "en", "en"),
        (["az", "en"], "tr", "en"),
        (["az", "tr"], "en", "az"),
        (["tr"], "en", "tr"),
        (["", "tr"], "en", ""),
        ([""], "tr", ""),
    ],
)
def test_label_falls_back_from_the_asked_language_to_english_to_the_local_one_to_any(
    languages: list[str], asked: str, chosen: str
) -> None:
    """The documented order: asked, en, local, any."""
    literals = [Literal(f"in {tag}", language=tag) if tag else Literal("in ") for tag in languages]
    assert choose(literals, asked) == Label(f"in {chosen}", chosen)


def test_no_label_is_none() -> None:
    """There is nothing to choose from nothing."""
    assert choose([], "en") is None


def test_what_has_no_label_is_called_by_its_last_segment() -> None:
    """The IRI's last segment stands for a missing label, without a language."""
    assert Labels(Store()).best(ID + "city/nowhere", "en") == Label("nowhere", "")


@pytest.mark.parametrize(
    ("iri", "name"),
    [(BASE + "ontology#party", "party"), (ID + "city/baku", "baku"), ("http://example.org/", "example.org")],
)
def test_last_segment_is_what_follows_the_last_hash_or_slash(iri: str, name: str) -> None:
    """A hash counts as a slash, one at the end does not count."""
    assert last_segment(iri) == name


def test_label_knows_which_graphs_give_it() -> None:
    """İzmir's English name stands in three documents."""
    store = Store()
    store.extend(small_world())
    english = next(s for s in Labels(store).of(ID + "city/izmir") if s.literal.language == "en")
    assert [source.rpartition("/")[2] for source in english.sources] == ["news", "page", "register"]


def test_concept_is_called_by_its_preferred_label() -> None:
    """A thing without rdfs:label is called by skos:prefLabel."""
    store = Store()
    store.extend(small_world())
    assert Labels(store).best(BASE + "ontology/roles/mayor", "tr").text == "belediye başkanı"


def test_memory_of_labels_is_bounded() -> None:
    """However many things are named, only so many are remembered; all are still answered."""
    store = Store()
    store.extend(small_world())
    labels = Labels(store, remembered=2)
    names = [labels.best(ID + f"city/{slug}", "tr").text for slug in ("izmir", "baku", "bremen", "izmir")]
    assert names == ["İzmir", "Bakü", "Bremen", "İzmir"]


class _LookupLog:
    """A store that records the patterns of its lookups."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.patterns: list[tuple[Any, ...]] = []

    def quads_for_pattern(self, *pattern: Any) -> Any:
        """Returns the quads of a pattern."""
        self.patterns.append(pattern)
        return self._store.quads_for_pattern(*pattern)


def test_thing_of_another_site_has_the_labels_that_the_store_has() -> None:
    """If there are no statements about it, one lookup shows so; else it is labelled like any other thing."""
    known, unknown = NamedNode("https://example.org/known"), NamedNode("https://example.org/unknown")
    store = Store()
    store.add(Quad(known, RDFS("label"), Literal("Known", language="en"), SOURCE("page")))
    for sourced in (True, False):
        log = _LookupLog(store)
        labels = Labels(log, sourced=sourced)  # type: ignore[arg-type]
        assert labels.of(unknown.value) == ()
        assert log.patterns == [(unknown, None, None, None)]
        assert [label.literal.value for label in labels.of(known.value)] == ["Known"]
