"""The rules that may have derived a triple: whether it can be used without change, or must be derived again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyoxigraph import Quad

from citygraph.build.dependencies import QueryPatterns
from citygraph.build.patterns import CachedQuads, Pattern, Variable


@dataclass(frozen=True)
class _RulePattern:
    """A pattern of the rule with this number, and the patterns of the rule that must match with it."""

    rule: int
    pattern: Pattern
    required: tuple[Pattern, ...]

    def is_possible(self, store: CachedQuads, quad: Quad) -> bool:
        """Returns whether the rule may read or derive the triple by this pattern."""
        binding = self.pattern.bind(quad, {})
        if binding is None:
            return False
        return all(next(one.matches(store, binding), None) is not None for one in self.required)


class RuleOrder:
    """The rules in order, with the patterns that each reads and derives."""

    def __init__(self, queries: Sequence[QueryPatterns]) -> None:
        self._heads: dict[object, list[_RulePattern]] = {}
        self._reads: dict[object, list[_RulePattern]] = {}
        for number, query in enumerate(queries):
            for head in query.template:
                if not _is_about_created(head, query):
                    _add(self._heads, number, head, query)
            for pattern in query.patterns:
                if pattern.graph is None:
                    _add(self._reads, number, pattern, query)

    def stage_of(self, store: CachedQuads, quad: Quad) -> int | None:
        """Returns the number of a rule after which a derived triple can be added, so that the other rules see it.

        A rule that comes before does not see the triple, neither then nor in a run of all rules. None if that is not
        certain of every rule that reads it. The subject must not be a node that a rule created.
        """
        producers = set(_possible(self._heads, store, quad))
        if not producers:
            return None
        first, last = min(producers), max(producers)
        if first < last and any(first < reader <= last for reader in _possible(self._reads, store, quad)):
            return None
        return last


def _add(patterns: dict[object, list[_RulePattern]], number: int, pattern: Pattern, query: QueryPatterns) -> None:
    names = pattern.variables()
    required = (one for one in query.required if one.variables() & names and one != pattern)
    key = None if isinstance(pattern.predicate, Variable) else pattern.predicate
    patterns.setdefault(key, []).append(_RulePattern(number, pattern, tuple(required)))


def _possible(patterns: dict[object, list[_RulePattern]], store: CachedQuads, quad: Quad) -> Iterator[int]:
    for key in (quad.predicate, None):
        for one in patterns.get(key, ()):
            if one.is_possible(store, quad):
                yield one.rule


def _is_about_created(head: Pattern, query: QueryPatterns) -> bool:
    """Returns whether a triple of the template is about a node that the rule creates, and another one leads to it."""
    subject = head.subject
    if not isinstance(subject, Variable) or subject.name not in query.new_terms:
        return False
    return any(other.object == subject and not isinstance(other.predicate, Variable) for other in query.template)
