"""Completions for the query editor: the prefixes, and the classes and properties of the data with their counts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from pyoxigraph import Literal, NamedNode, Store

from citygraph.graph.vocabulary import Vocabulary, VocabularyTerm
from citygraph.instance import VOCABULARY
from citygraph.rdf.terms import CATALOG_GRAPH, CG, PREFIXES, RDFS, SKOS, VOID, split_iri
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.negotiation import reader_language
from citygraph.web.http.replies import FOR_EVER, FRESH, JSON, reply
from citygraph.web.view.release_cache import OpenRelease, ReleaseCache

_TEXTS = (SKOS("definition").value, RDFS("comment").value)
# A term of another vocabulary is offered if the data use it.
_MOST = 400


@dataclass(frozen=True)
class Term:
    """A class or property: its name in a query, its label for a reader, and its number of uses in the data."""

    name: str
    iri: str
    label: str
    about: str
    count: int


@dataclass(frozen=True)
class Completions:
    """All that is offered, the most used first."""

    classes: tuple[Term, ...]
    properties: tuple[Term, ...]


class CompletionList:
    """The completions at /sparql/vocabulary; those of the last releases and languages are kept."""

    def __init__(self, releases: ReleaseCache) -> None:
        self._releases = releases
        self._completions = lru_cache(16)(
            lambda release_id, language: completions_of(releases.get(release_id), language)
        )

    def vocabulary(self, request: Request) -> Reply:
        """Returns prefixes, classes and properties as JSON."""
        language = reader_language(request)
        completions: Completions = self._completions(self._releases.of_request(request).release.id, language)
        body: dict[str, Any] = {"prefixes": PREFIXES, **asdict(completions)}
        text = json.dumps(body, ensure_ascii=False) + "\n"
        return reply(request, text, JSON, language, FOR_EVER if request.release else FRESH)


def completions_of(opened: OpenRelease, language: str) -> Completions:
    """Returns the classes and properties of a release, with names in a language."""
    classes = _counts(opened.store, "class", "entities")
    properties = _counts(opened.store, "property", "triples")
    vocabulary = opened.vocabulary
    return Completions(
        _terms(vocabulary, language, classes, (term.iri for term in vocabulary.classes)),
        _terms(vocabulary, language, properties, (term.iri for term in vocabulary.properties)),
    )


def shortened(iri: str) -> str:
    """Returns the IRI as written in a query: as a prefixed name if that needs no escapes."""
    prefix, local = split_iri(iri)
    plain = local.replace("-", "").replace("_", "")
    return f"{prefix}:{local}" if prefix and plain.isalnum() and not local.startswith("-") else f"<{iri}>"


def _terms(vocabulary: Vocabulary, language: str, counts: dict[str, int], others: Iterable[str]) -> tuple[Term, ...]:
    """Returns the used terms and the unused ones of the ontology; our own terms come first."""
    own = {iri for iri in others if iri.startswith(VOCABULARY)}
    terms = [_term(vocabulary.get(iri), iri, language, counts.get(iri, 0)) for iri in {*counts, *own}]
    return tuple(sorted(terms, key=lambda t: (not t.iri.startswith(CG), -t.count, t.name))[:_MOST])


def _term(term: VocabularyTerm | None, iri: str, language: str, count: int) -> Term:
    label = term.label(language).text if term else ""
    about = term.text(language, *_TEXTS) if term else None
    return Term(shortened(iri), iri, label, about.text if about else "", count)


def _counts(store: Store, kind: str, counted: str) -> dict[str, int]:
    """Returns the number of uses of each class or property, from the VoID description of the dataset."""
    counts: dict[str, int] = {}
    for quad in store.quads_for_pattern(None, VOID(kind), None, CATALOG_GRAPH):
        for number in store.quads_for_pattern(quad.subject, VOID(counted), None, CATALOG_GRAPH):
            if isinstance(quad.object, NamedNode) and isinstance(number.object, Literal):
                # The parts of the dataset have counts of their own: that of the whole is the largest.
                counts[quad.object.value] = max(counts.get(quad.object.value, 0), int(number.object.value))
    return counts
