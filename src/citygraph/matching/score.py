"""Reconciliation: a name and its facts in, ranked candidates out, each score from 0 to 100 explained by its features.

The score begins with the name: 100 when it is the entity's label in search form, 98 when it is an alias, and at most
88 when the spelling differs. A fact that agrees closes part of the gap to 100; one that disagrees takes points away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from citygraph.geo import kilometres
from citygraph.index.spelling import forms, qualified, similarity
from citygraph.text import fold

LIMIT = 5

ALIAS = 0.98
OTHER_SPELLING = 0.88  # what a name that is not the same in search form has at most
QUALIFIED = 0.94  # "Aiken (South Carolina)" for "Aiken", when nothing confirms what stands in parentheses
_GOOD, _AHEAD, _CERTAIN = 90.0, 10.0, 97.0
_ENOUGH = 85.0  # a candidate of this score makes a search for other spellings needless
_WORTH_SHOWING = 40.0

# Of each fact: what part of the gap to 100 agreement closes, and the points that disagreement costs.
_TYPE = (0.0, 30.0)
_COUNTRY = (0.3, 25.0)
_DATE = (0.2, 20.0)
_QID = (0.9, 60.0)
_NEAR, _FAR, _FARTHER = 25.0, 100.0, 500.0  # km


@dataclass(frozen=True, slots=True)
class Known:
    """An entity as the index knows it; `names` are the folded names by which it was found, True for a label.

    `first` and `last` are the ends of the time in which its dates lie, as far as they are known.
    """

    iri: str
    label: str
    label_tr: str = ""
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
    """What is looked for: a name, and what is known of it.

    `types` are local names of classes; `strict` says whether a candidate must have "any" or "all" of them, or
    "should". `countries` are names, identifiers or QIDs, `dates` intervals of ISO dates that may be partial.
    """

    text: str = ""
    types: tuple[str, ...] = ()
    strict: str = "any"
    countries: tuple[str, ...] = ()
    point: tuple[float, float] | None = None
    qids: tuple[str, ...] = ()
    dates: tuple[tuple[str, str], ...] = ()
    limit: int = LIMIT


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entity that may be meant, how sure that is, and why."""

    known: Known
    score: float
    features: tuple[tuple[str, float | bool], ...]
    match: bool = False


class Finder(Protocol):
    """What finds entities: the index of a release."""

    def identified(self, identifiers: Iterable[str]) -> list[Known]:
        """The entities with these IRIs, identifiers or QIDs, with all their names."""

    def named(self, folded: Sequence[str]) -> list[Known]:
        """The entities that have one of these folded names, or a longer one that begins with the first."""

    def spelled_like(self, folded: str) -> list[Known]:
        """The entities with a name that is spelled nearly so, or that has these words."""

    def countries(self, text: str) -> frozenset[str]:
        """The IRIs of the countries of this name, identifier or QID."""


def reconcile(question: Question, finder: Finder) -> list[Candidate]:
    """The candidates for a question, the best first; at most one of them is a match."""
    own = finder.identified([question.text]) if question.text else []
    if own:
        return [Candidate(known, 100.0, (("id", True),), len(own) == 1) for known in own[: question.limit]]
    judge = _Judge(question, finder)
    candidates = judge.all(finder.identified(question.qids) if question.qids else [])
    if question.text:
        whole, *parts = forms(question.text) or ("",)
        candidates = judge.all(finder.named((whole, *parts)), candidates)
        if whole and (not candidates or max(c.score for c in candidates) < _ENOUGH):
            candidates = judge.all(finder.spelled_like(fold(qualified(question.text)[0]) or whole), candidates)
    # Among equals the one with the shorter label, then by IRI: an order, and always the same.
    ranked = sorted(candidates, key=lambda c: (-c.score, len(c.known.label), c.known.iri))
    return _decided(ranked)[: question.limit]


def overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two intervals of ISO dates, which may be partial or open (empty), have a day in common."""
    return _starts(one[0]) <= _ends(other[1]) and _starts(other[0]) <= _ends(one[1])


def _decided(ranked: list[Candidate]) -> list[Candidate]:
    """The same with the match marked: only the first can be one, and only when it is well ahead of the second."""
    if not ranked:
        return ranked
    best, second = ranked[0], ranked[1].score if len(ranked) > 1 else 0.0
    against = any(value is False for _, value in best.features)
    name = max(float(value) for id_, value in best.features if id_ in ("name", "alias", "qid"))
    good = best.score >= _GOOD and not against and (name >= _CERTAIN or best.score >= _CERTAIN)
    return [replace(best, match=good and best.score - second >= _AHEAD), *ranked[1:]]


class _Judge:
    """Weighs candidates for one question."""

    def __init__(self, question: Question, finder: Finder) -> None:
        self._question = question
        self._whole = fold(question.text)
        core, qualifier = qualified(question.text)
        self._core = fold(core)
        # A qualifier that is the name of a country is as good as a country that was given.
        self._qualifying = finder.countries(qualifier) if qualifier else frozenset()
        self._countries = frozenset().union(*(finder.countries(text) for text in question.countries))

    def all(self, found: list[Known], before: list[Candidate] | None = None) -> list[Candidate]:
        """The candidates among what was found that are worth showing, and those before; each entity once."""
        by_iri = {candidate.known.iri: candidate for candidate in before or ()}
        for known in found:
            candidate = self.one(known)
            if candidate and candidate.score > by_iri.get(known.iri, _NOBODY).score:
                by_iri[known.iri] = candidate
        return list(by_iri.values())

    def one(self, known: Known) -> Candidate | None:
        """The candidate, or nothing if it lacks a type that it must have or is too far from the name."""
        has_type = self._type(known)
        if has_type is False and self._question.strict != "should":
            return None
        name, alias = self._name(known)
        facts = [*self._qid(known), *self._country(known), *self._distance(known), *self._date(known)]
        if has_type is not None:
            facts.append(("type", has_type, *_TYPE))
        score = max(name, alias * ALIAS) * 100 if self._question.text else 50.0
        for _, value, closes, _ in facts:
            score += (100 - score) * closes if _agrees(value) else 0.0
        score -= sum(costs for _, value, _, costs in facts if not _agrees(value))
        if score < _WORTH_SHOWING and ("qid", True) not in ((id_, value) for id_, value, _, _ in facts):
            return None
        named = [("name", round(name * 100, 1)), ("alias", round(alias * 100, 1))] if self._question.text else []
        features = (*named, *((id_, value) for id_, value, _, _ in facts))
        return Candidate(known, round(min(max(score, 0.0), 100.0), 1), features)

    def _name(self, known: Known) -> tuple[float, float]:
        """How near the best label and the best alias are."""
        best = {True: 0.0, False: 0.0}
        for folded, preferred in known.names:
            best[preferred] = max(best[preferred], self._similarity(folded, known.country))
        return best[True], best[False]

    def _similarity(self, folded: str, country: str) -> float:
        if folded == self._whole:
            return 1.0
        if folded == self._core:
            return 1.0 if country and country in self._qualifying else QUALIFIED
        return OTHER_SPELLING * max(similarity(self._whole, folded), similarity(self._core, folded))

    def _type(self, known: Known) -> bool | None:
        wanted = self._question.types
        if not wanted:
            return None
        return (all if self._question.strict == "all" else any)(type_ in known.types for type_ in wanted)

    def _country(self, known: Known) -> list[_Fact]:
        wanted = self._countries or self._qualifying
        return [("country", known.country in wanted, *_COUNTRY)] if wanted and known.country else []

    def _distance(self, known: Known) -> list[_Fact]:
        point = self._question.point
        if point is None or known.latitude is None or known.longitude is None:
            return []
        far = kilometres(*point, known.latitude, known.longitude)
        closes = max(0.0, 1 - far / _NEAR) * 0.5
        costs = 0.0 if far <= _FAR else 25.0 if far <= _FARTHER else 40.0
        return [("distance", round(far, 1), closes if far <= _NEAR else 0.0, 0.0), *_too_far(costs)]

    def _date(self, known: Known) -> list[_Fact]:
        if not self._question.dates or not (known.first or known.last):
            return []
        own = (known.first, known.last)
        return [("date", any(overlap(own, asked) for asked in self._question.dates), *_DATE)]

    def _qid(self, known: Known) -> list[_Fact]:
        asked = self._question.qids
        return [("qid", not set(asked).isdisjoint(known.qids), *_QID)] if asked and known.qids else []


# A feature's identifier and value, what its agreement closes of the gap, and what its disagreement costs.
_Fact = tuple[str, float | bool, float, float]
_NOBODY = Candidate(Known("", ""), -1.0, ())


def _too_far(costs: float) -> list[_Fact]:
    return [("near", False, 0.0, costs)] if costs else []


def _agrees(value: float | bool) -> bool:
    return value is not False


def _starts(date: str) -> str:
    return date + "0000-01-01"[len(date) :]


def _ends(date: str) -> str:
    return date + "9999-12-31"[len(date) :]
