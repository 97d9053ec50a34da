"""A bound for the number of bindings that a query has while it is evaluated, from its text and a release's statistics.

**What is bounded**: SELECT and ASK over triple patterns whose predicates are IRIs or variables, VALUES of a variable,
OPTIONAL with a single pattern, FILTER with functions that take time in proportion to their arguments, DISTINCT, ORDER
BY a variable, LIMIT and OFFSET. All else has no bound: paths, EXISTS, MINUS, UNION, GRAPH, FROM, BIND, aggregates,
subqueries, functions of ours.

**Why the bound holds**: the engine (oxigraph 0.5, `sparopt/src/optimizer.rs`) begins with the pattern that has the
lowest number in its table of costs, `_COSTS` here, and goes on with the cheapest one that shares a variable with those
before. For each binding it looks such a pattern up by an index. A pattern without such a variable begins anew, and its
bindings are multiplied. An OPTIONAL with a single pattern that shares a variable which is surely bound is looked up in
the same way. So the number of bindings after each pattern is at most that before it times the highest number of triples
that the pattern can match with the terms that are known by then, which the statistics have. Where the costs of patterns
differ by at most 1, every order counts. A FILTER only removes bindings; its time is bounded by its length and that of
the terms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple, cast

from citygraph.rdf.terms import PREFIXES
from citygraph.sparql.lookup_form import NAMES, FormPattern, QueryForm, read_form
from citygraph.sparql.statistics import FanOut, Statistics

# A binding takes some 10 µs at most, from the disk.
MOST_BINDINGS = 10_000
# Matches of the first patterns that are counted, because for many this takes longer than to ask an engine.
_MOST_COUNTED = 200
# If only so few matches of the first pattern are allowed, those of the next one are counted too.
_FEW, _MOST_PATTERNS_COUNTED = 20, 2
# Bytes of the terms of all bindings.
MOST_BYTES = 16 * 1024 * 1024

_LONGEST_TEXT = 4096
_KEPT = 1024  # forms
_ABSOLUTE = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*+:[^\x00-\x20<>\"{}|^`\\]*+>")
_OURS = frozenset(PREFIXES)
# Costs of a pattern by whether subject, predicate and object are known (sparopt, estimate_triple_pattern_size).
_COSTS = {
    (True, True, True): 1,
    (True, True, False): 10,
    (True, False, True): 2,
    (True, False, False): 100,
    (False, True, True): 1_000,
    (False, False, True): 10_000,
    (False, True, False): 1_000_000,
    (False, False, False): 1_000_000_000,
}
# Some versions of the engine add 1 for patterns with rdf:type.
_TOLERANCE = 1


class Bound(NamedTuple):
    """A query is bounded if its first patterns have at most `most` bindings; without a pattern, it is in any case.

    The bindings are those of the first pattern, and of the first two together. The patterns are as in SPARQL, with
    numbers in place of `iris`. `prefixes` are those of ours that the text uses without a declaration.
    """

    most: int = 0
    first: tuple[tuple[int | str, ...], ...] = ()
    iris: tuple[str, ...] = ()
    prefixes: frozenset[str] = frozenset()

    def excess_query(self) -> str:
        """Returns a query that is true if the first patterns have more bindings."""
        first = [
            " ".join([part if isinstance(part, str) else f"<{self.iris[part]}>" for part in pattern])
            for pattern in self.first
        ]
        groups = (" . ".join(first[:number]) for number in range(1, len(first) + 1))
        counted = " UNION ".join(f"{{ {group} }}" for group in groups)
        # The engine skips matches without reading their terms, which takes half the time of iterating over quads.
        return f"ASK {{ SELECT * {{ {counted} }} LIMIT 1 OFFSET {self.most} }}"


class _FormBound(NamedTuple):
    """A bound for all texts of a form with the same predicates: as above, with the places of the IRIs in a text."""

    most: int = 0
    first: tuple[tuple[int | str, ...], ...] = ()
    places: tuple[int, ...] = ()
    prefixes: Mapping[str, str] = PREFIXES
    declared: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()  # of ours, by the names of the form


class QueryBounds:
    """The bounds of query texts by the statistics of a release."""

    def __init__(self, statistics: Statistics) -> None:
        self._statistics = statistics
        self._forms: dict[str, QueryForm | None] = {}
        self._bound = lru_cache(_KEPT)(self._bound_of_form)

    def of(self, text: str, part: int = 1) -> Bound | None:
        """Returns the bound of a query, or None if it may exceed that part of MOST_BINDINGS."""
        if len(text) > _LONGEST_TEXT:
            return None
        parts = NAMES.split(text)
        names = parts[2::3]
        # Lists, because generators take twice as long.
        form = self._form("\0".join([*parts[1::3], *[name[:1] for name in names]]), text)
        if form is None:
            return None
        bound = self._bound(form, tuple([names[place] for place in form.names]), part)
        if bound is None:
            return None
        prefixes = bound.used
        if form.prefixed:
            prefixes |= _used([names[place] for place in form.prefixed]) - bound.declared
        if not bound.first:
            return Bound(prefixes=prefixes)
        iris = [_iri(names[place], bound.prefixes) for place in bound.places]
        # An IRI that is relative or has escapes.
        return None if None in iris else Bound(bound.most, bound.first, tuple(cast("list[str]", iris)), prefixes)

    def _form(self, key: str, text: str) -> QueryForm | None:
        """Returns the form of a text; the key is the same for all texts of the form."""
        try:
            return self._forms[key]
        except KeyError:
            if len(self._forms) >= _KEPT:
                self._forms.clear()
            form = self._forms[key] = read_form(text)
            return form

    def _bound_of_form(self, form: QueryForm, names: tuple[str, ...], part: int) -> _FormBound | None:
        by_place = dict(zip(form.names, names, strict=True))
        prefixes = {**PREFIXES, **{by_place[at][:-1]: by_place[at + 1][1:-1] for at in form.prefixes}}
        predicates = {place: _iri(name, prefixes) for place, name in by_place.items()}
        patterns, optional = (
            [_with_predicate(pattern, predicates) for pattern in some] for some in (form.patterns, form.optional)
        )
        # An IRI that is not absolute, or has escapes.
        if any(pattern.predicate == "" for pattern in (*patterns, *optional)):
            return None
        bound = _Orders(patterns, optional, self._statistics).bound(part)
        declared = frozenset(by_place[at][:-1] for at in form.prefixes)
        used = _used(by_place.values()) - declared
        return bound._replace(prefixes=prefixes, declared=declared, used=used) if bound is not None else None


def _used(names: Iterable[str]) -> frozenset[str]:
    """Returns those of our prefixes with which names begin."""
    return _OURS.intersection([name.partition(":")[0] for name in names])


def _with_predicate(pattern: FormPattern, iris: Mapping[int, str | None]) -> FormPattern:
    return pattern._replace(predicate=iris[pattern.predicate] or "") if isinstance(pattern.predicate, int) else pattern


class _Orders:
    """The orders in which the engine may evaluate patterns, and the numbers of bindings in them."""

    def __init__(self, patterns: list[FormPattern], optional: list[FormPattern], statistics: Statistics) -> None:
        self._patterns = patterns
        self._optional = optional
        self._statistics = statistics
        self._following: dict[frozenset[int], int] = {}

    def bound(self, part: int) -> _FormBound | None:
        """Returns the bound of these patterns, or None if they may exceed that part of MOST_BINDINGS."""
        entries = self._next(frozenset())
        size = sum(self._numbers(pattern).longest for pattern in (*self._patterns, *self._optional))
        most = min(MOST_BINDINGS, MOST_BYTES // max(1, size)) // part
        allowed = {entry: most // (1 + self._bindings_after(frozenset({entry}))) for entry in entries}
        if all(self._matches(self._patterns[entry], frozenset()) <= most for entry, most in allowed.items()):
            return _FormBound()
        # Of one pattern if that suffices, because to count the bindings of two takes longer.
        bounds = sorted(self._counted(entries, most), key=lambda bound: min(bound.most, _FEW))
        return bounds[-1] if bounds and bounds[-1].most else None

    def _counted(self, entries: list[int], most: int) -> list[_FormBound]:
        """Returns the bounds by counted bindings of the first two patterns, and then of the first one."""
        bounds: list[_FormBound] = []
        counted: list[int] = []
        while len(entries) == 1 and len(counted) < _MOST_PATTERNS_COUNTED and _is_countable(self._patterns[entries[0]]):
            counted.append(entries[0])
            if self._patterns[counted[0]].ends == (None, None):
                break
            places = tuple(end for place in counted for end in self._patterns[place].ends if end is not None)
            first = tuple(_parts(self._patterns[place], places) for place in counted)
            done = frozenset(counted)
            bounds.insert(0, _FormBound(min(most // (1 + self._bindings_after(done)), _MOST_COUNTED), first, places))
            entries = self._next(done)
        return bounds

    def _bindings_after(self, done: frozenset[int]) -> int:
        """Returns how many bindings follow at most from one in which these patterns have matched."""
        if done not in self._following:
            known = self._variables(done)
            if len(done) == len(self._patterns):
                self._following[done] = self._bindings_of_optional(known)
            else:
                self._following[done] = max(
                    self._matches(self._patterns[place], known) * (1 + self._bindings_after(done | {place}))
                    for place in self._next(done)
                )
        return self._following[done]

    def _bindings_of_optional(self, known: frozenset[str]) -> int:
        # A variable of an earlier OPTIONAL may be unbound, and is not among the known ones.
        bindings, rows = 0, 1
        for pattern in self._optional:
            rows *= max(1, self._matches(pattern, known))
            bindings += rows
        return bindings

    def _next(self, done: frozenset[int]) -> list[int]:
        """Returns the patterns of which the engine may choose any as the next one."""
        known = self._variables(done)
        rest = [place for place in range(len(self._patterns)) if place not in done]
        connected = [place for place in rest if self._patterns[place].variables & known]
        costs = {place: _cost(self._patterns[place], known) for place in connected or rest}
        return [place for place, cost in costs.items() if cost <= min(costs.values()) + _TOLERANCE]

    def _variables(self, done: frozenset[int]) -> frozenset[str]:
        return frozenset[str]().union(*(self._patterns[place].variables for place in done))

    def _numbers(self, pattern: FormPattern) -> FanOut:
        if pattern.rows:
            return FanOut(longest=_LONGEST_TEXT)
        return self._statistics.of(pattern.predicate) if isinstance(pattern.predicate, str) else self._statistics.total

    def _matches(self, pattern: FormPattern, known: frozenset[str]) -> int:
        """Returns how many matches a pattern has at most with these variables known, or rows a VALUES."""
        if pattern.rows:
            return pattern.rows
        numbers = self._numbers(pattern)
        subject, _, object_ = (not term or term in known for term in pattern.terms)
        if pattern.predicate is None:
            return numbers.objects if subject else numbers.triples
        if subject:
            return 1 if object_ else numbers.objects
        return numbers.subjects if object_ else numbers.triples


def _is_countable(pattern: FormPattern) -> bool:
    """Returns whether each end of a pattern is a variable or an IRI."""
    is_plain = all(bool(term) == (end is None) for term, end in zip(pattern.terms[::2], pattern.ends, strict=True))
    return is_plain and not pattern.rows


def _parts(pattern: FormPattern, places: tuple[int, ...]) -> tuple[int | str, ...]:
    """Returns subject, predicate and object in SPARQL; of an IRI that may differ, its number among these places."""
    # The variables may have any names in the text, and blank nodes are variables too.
    subject, predicate, object_ = (f"?{term.encode().hex()}" for term in pattern.terms)
    if isinstance(pattern.predicate, str):
        predicate = f"<{pattern.predicate}>"
    start, end = (place if place is None else places.index(place) for place in pattern.ends)
    return subject if start is None else start, predicate, object_ if end is None else end


def _cost(pattern: FormPattern, known: frozenset[str]) -> int:
    if pattern.rows:
        return pattern.rows
    subject, predicate, object_ = (not term or term in known for term in pattern.terms)
    return _COSTS[subject, predicate, object_]


def _iri(name: str, prefixes: Mapping[str, str]) -> str | None:
    """Returns the IRI of a name, or None if it is relative or has escapes."""
    if name[0] == "<":
        return name[1:-1] if _ABSOLUTE.fullmatch(name) else None
    prefix, _, local = name.partition(":")
    start = prefixes.get(prefix)
    return f"{start}{local}" if start and "\\" not in name else None
