"""Reconciliation: ranked candidates for a name and its facts, each with a score from 0 to 100 and its features.

The score starts with the name: 100 for the label of the entity in search form, 98 for an alias, at most 88 for another
spelling. An agreeing fact closes part of the gap to 100; a contradicting fact takes points away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from citygraph.geo import kilometres
from citygraph.index.spelling import forms, qualified, similarity
from citygraph.rdf.partial_dates import overlap
from citygraph.text import fold

LIMIT = 5
LONGEST_NAME = 500  # letters

ALIAS = 0.98
OTHER_SPELLING = 0.88  # the most for a name that differs in search form
QUALIFIED = 0.94  # "Aiken (South Carolina)" for "Aiken", when nothing confirms the text in parentheses
# A match needs a score, a distance to the next candidate, and a name or score that is (nearly) certain.
_GOOD, _AHEAD, _CERTAIN = 90.0, 10.0, 97.0
_ENOUGH = 85.0  # a candidate of this score makes the slower search for other spellings needless
_MIN_SCORE = 40.0

# For each fact, the part of the gap to 100 that agreement closes, and the points that a contradiction costs.
_TYPE = (0.0, 30.0)
_COUNTRY = (0.3, 25.0)
_DATE = (0.2, 20.0)
_QID = (0.9, 60.0)
_NEAR, _FAR, _FARTHER = 25.0, 100.0, 500.0  # km


@dataclass(frozen=True, slots=True)
class IndexedEntity:
    """An entity in the index; `names` are the folded names by which it was found, with True for a label.

    `first` and `last` are its earliest and latest known date.
    """

    iri: str
    label: str
    second_label: str = ""
    types: tuple[str, ...] = ()
    country: str = ""
    latitude: float | None = None
    longitude: float | None = None
    first: str = ""
    last: str = ""
    qids: tuple[str, ...] = ()
    names: tuple[tuple[str, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """A query: a name, and facts about the entity.

    `types` are local names of classes. A candidate must have "any" or "all" of them, or "should" have one, by `strict`.
    `countries` are names, identifiers or QIDs. `dates` are intervals of ISO dates, which may be partial, each with the
    local name of its property, or "" for any date.
    """

    text: str = ""
    types: tuple[str, ...] = ()
    strict: str = "any"
    countries: tuple[str, ...] = ()
    point: tuple[float, float] | None = None
    qids: tuple[str, ...] = ()
    dates: tuple[tuple[str, tuple[str, str]], ...] = ()
    limit: int = LIMIT


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible entity, with its score and features."""

    entity: IndexedEntity
    score: float
    features: tuple[tuple[str, float | bool], ...]
    match: bool = False


class Finder(Protocol):
    """The interface of a search for entities, such as the index of a release."""

    def identified(self, identifiers: Iterable[str]) -> list[IndexedEntity]:
        """Returns the entities with these IRIs, identifiers or QIDs, with all their names."""

    def named(self, folded: Sequence[str]) -> list[IndexedEntity]:
        """Returns the entities with one of these folded names, or with a longer name that starts with the first."""

    def spelled_like(self, folded: str) -> list[IndexedEntity]:
        """Returns the entities with a name of a similar spelling, or with these words in it."""

    def countries(self, text: str) -> frozenset[str]:
        """Returns the IRIs of the countries with this name, identifier or QID."""

    def dates(self, entity: str, property_: str) -> list[str]:
        """Returns the dates of an entity with a property, by its local name."""


def reconcile(question: Question, finder: Finder) -> list[Candidate]:
    """Returns the candidates for a question, the best first; at most one of them is a match."""
    identified = finder.identified([question.text]) if question.text else []
    if identified:
        return [_identified(entity, question, len(identified) == 1) for entity in identified[: question.limit]]
    judge = _Judge(question, finder)
    candidates = judge.all(finder.identified(question.qids) if question.qids else [])
    if question.text:
        whole, *parts = forms(question.text) or ("",)
        candidates = judge.all(finder.named((whole, *parts)), candidates)
        if whole and (not candidates or max(c.score for c in candidates) < _ENOUGH):
            candidates = judge.all(finder.spelled_like(fold(qualified(question.text)[0]) or whole), candidates)
    # Equal scores are ordered by length of label and by IRI, so that every run returns the same order.
    ranked = sorted(candidates, key=lambda c: (-c.score, len(c.entity.label), c.entity.iri))
    return _with_match(ranked)[: question.limit]


def _identified(entity: IndexedEntity, question: Question, is_unique: bool) -> Candidate:
    """Returns the candidate with the queried identifier. It needs no required type, but another type is no match."""
    has_type = _has_type(entity, question)
    features = (("id", True), *((("type", has_type),) if has_type is not None else ()))
    return Candidate(entity, 100.0, features, is_unique and has_type is not False)


def _has_type(entity: IndexedEntity, question: Question) -> bool | None:
    """Returns whether an entity has the queried types; None without any."""
    if not question.types:
        return None
    return (all if question.strict == "all" else any)(type_ in entity.types for type_ in question.types)


def _with_match(ranked: list[Candidate]) -> list[Candidate]:
    """Marks the match: only the first candidate can be one, if it is well ahead of the second."""
    if not ranked:
        return ranked
    best, second = ranked[0], ranked[1].score if len(ranked) > 1 else 0.0
    is_contradicted = any(value is False for _, value in best.features)
    name = max(float(value) for id_, value in best.features if id_ in ("name", "alias", "qid"))
    good = best.score >= _GOOD and not is_contradicted and (name >= _CERTAIN or best.score >= _CERTAIN)
    return [replace(best, match=good and best.score - second >= _AHEAD), *ranked[1:]]


class _Judge:
    """The scorer of candidates for one question."""

    def __init__(self, question: Question, finder: Finder) -> None:
        self._question = question
        self._finder = finder
        self._whole = fold(question.text)
        core, qualifier = qualified(question.text)
        self._core = fold(core)
        # A qualifier that is the name of a country counts as a given country.
        self._qualifying = finder.countries(qualifier) if qualifier else frozenset()
        countries = [finder.countries(text) for text in question.countries]
        self._countries = frozenset().union(*countries)
        # A country that the graph does not know may be any country: then no other one contradicts.
        self._knows_countries = all(countries)

    def all(self, entities: list[IndexedEntity], before: list[Candidate] | None = None) -> list[Candidate]:
        """Returns the candidates with a sufficient score, together with the candidates before; each entity once."""
        by_iri = {candidate.entity.iri: candidate for candidate in before or ()}
        for entity in entities:
            candidate = self.one(entity)
            if candidate and candidate.score > by_iri.get(entity.iri, _NO_CANDIDATE).score:
                by_iri[entity.iri] = candidate
        return list(by_iri.values())

    def one(self, entity: IndexedEntity) -> Candidate | None:
        """Returns the candidate; None if it lacks a required type or its score is too low."""
        has_type = _has_type(entity, self._question)
        if has_type is False and self._question.strict != "should":
            return None
        name, alias = self._name(entity)
        facts = [*self._qid(entity), *self._country(entity), *self._distance(entity), *self._date(entity)]
        if has_type is not None:
            facts.append(("type", has_type, *_TYPE))
        # Without a name, the facts alone decide, from the middle of the scale.
        score = max(name, alias * ALIAS) * 100 if self._question.text else 50.0
        for _, value, closes, _ in facts:
            score += (100 - score) * closes if _agrees(value) else 0.0
        score -= sum(costs for _, value, _, costs in facts if not _agrees(value))
        if score < _MIN_SCORE and ("qid", True) not in ((id_, value) for id_, value, _, _ in facts):
            return None
        named = [("name", round(name * 100, 1)), ("alias", round(alias * 100, 1))] if self._question.text else []
        features = (*named, *((id_, value) for id_, value, _, _ in facts))
        return Candidate(entity, round(min(max(score, 0.0), 100.0), 1), features)

    def _name(self, entity: IndexedEntity) -> tuple[float, float]:
        """Returns the similarity of the best label and of the best alias."""
        best = {True: 0.0, False: 0.0}
        for folded, preferred in entity.names:
            best[preferred] = max(best[preferred], self._similarity(folded, entity.country))
        return best[True], best[False]

    def _similarity(self, folded: str, country: str) -> float:
        if folded == self._whole:
            return 1.0
        if folded == self._core:
            return 1.0 if country and country in self._qualifying else QUALIFIED
        return OTHER_SPELLING * max(similarity(self._whole, folded), similarity(self._core, folded))

    def _country(self, entity: IndexedEntity) -> list[_Fact]:
        countries = self._countries or self._qualifying
        if not countries or not entity.country:
            return []
        agrees = entity.country in countries
        return [("country", agrees, *_COUNTRY)] if agrees or self._knows_countries else []

    def _distance(self, entity: IndexedEntity) -> list[_Fact]:
        point = self._question.point
        if point is None or entity.latitude is None or entity.longitude is None:
            return []
        far = kilometres(*point, entity.latitude, entity.longitude)
        closes = max(0.0, 1 - far / _NEAR) * 0.5
        costs = 0.0 if far <= _FAR else 25.0 if far <= _FARTHER else 40.0
        return [("distance", round(far, 1), closes if far <= _NEAR else 0.0, 0.0), *_too_far(costs)]

    def _date(self, entity: IndexedEntity) -> list[_Fact]:
        if not self._question.dates or not (entity.first or entity.last):
            return []
        agreements = [self._agrees(entity, property_, interval) for property_, interval in self._question.dates]
        decided = [agrees for agrees in agreements if agrees is not None]
        return [("date", any(decided), *_DATE)] if decided else []

    def _agrees(self, entity: IndexedEntity, property_: str, interval: tuple[str, str]) -> bool | None:
        """Returns whether a date agrees with those of the entity; None if the graph has no date to compare."""
        dates = self._finder.dates(entity.iri, property_) if property_ else []
        if dates:
            return any(overlap((date, date), interval) for date in dates)
        if overlap((entity.first, entity.last), interval):
            return True
        # Other dates of the entity do not contradict a date that the graph does not have.
        return None if property_ or not _is_bounded(entity) else False

    def _qid(self, entity: IndexedEntity) -> list[_Fact]:
        qids = self._question.qids
        return [("qid", not set(qids).isdisjoint(entity.qids), *_QID)] if qids and entity.qids else []


# A feature's identifier and value, the part of the gap that agreement closes, and the points that disagreement costs.
_Fact = tuple[str, float | bool, float, float]
_NO_CANDIDATE = Candidate(IndexedEntity("", ""), -1.0, ())


def _is_bounded(entity: IndexedEntity) -> bool:
    """Returns whether a date outside an entity's time contradicts it.

    A person lives before and after the known terms of office, and one attested day does not exclude others.
    """
    return "Person" not in entity.types and not ("Tenure" in entity.types and entity.first == entity.last)


def _too_far(costs: float) -> list[_Fact]:
    return [("near", False, 0.0, costs)] if costs else []


def _agrees(value: float | bool) -> bool:
    return value is not False
