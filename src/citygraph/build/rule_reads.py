"""The triples that a rule reads for each value of its key: a variable of its template that every solution binds.

The result of a CONSTRUCT query is the union of what its solutions give. So a rule can be evaluated for some of its keys
at a time, as the tables are.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pyoxigraph import Literal

from citygraph.build.dependencies import Unbounded
from citygraph.build.key_parts import KEY, KeyPart, KeyReads
from citygraph.build.key_reads import algebra, reads_of
from citygraph.build.query_algebra import conjuncts, part_of, variables_in, words

# No node has this name.
_PROBE = "urn:x:first of a range"


def rule_reads(text: str) -> KeyReads:
    """Returns what a CONSTRUCT query reads for each value of one of its variables. Raises Unbounded."""
    query = algebra(text, "ConstructQuery")
    found = []
    for name in dict.fromkeys(_names(part_of(query, "template") or ())):
        with suppress(Unbounded):
            found.append(reads_of(query.p, name))
    # With any predicate, all lines of the graph would be read: an excerpt has only those of nodes that others require.
    found = [one for one in found if all(predicate for step in one.steps for predicate, _ in step.keys)]
    if not found:
        raise Unbounded("no variable of the template is a key")
    # Most properties have fewer triples with the same subject than with the same object.
    reads = min(found, key=lambda one: any(step.end == "object" for step in one.anchors))
    _check_filter(text, reads.key)
    return reads


def is_about_keys(reads: KeyReads) -> bool:
    """Returns whether all triples that are read for a key have it as their subject."""
    return all(step.end == "subject" and step.slot == KEY and not step.is_named for step in reads.steps)


def in_range(text: str, part: KeyPart) -> str:
    """Returns a query with only the solutions whose key is in a range."""
    return _filtered(text, part.key, part.first, part.end)


def _names(template: Any) -> Iterator[str]:
    """Yields the variables of a template: those of subjects first, because most patterns are about these."""
    for place in (0, 2):
        yield from variables_in([triple[place] for triple in template])


def _filtered(text: str, key: str, first: str, end: str | None) -> str:
    """Returns a query with a filter at the end of its outermost group; the IRIs have the order of their code points."""
    conditions = [f"STR(?{key}) >= {Literal(first)}", *([f"STR(?{key}) < {Literal(end)}"] if end else [])]
    place = max(words(text).rfind("}"), 0)
    return f"{text[:place]}\nFILTER({' && '.join(conditions)})\n{text[place:]}"


def _check_filter(text: str, key: str) -> None:
    """Raises Unbounded if the last brace does not end the group whose solutions make the result."""
    outermost = algebra(_filtered(text, key, _PROBE, None), "ConstructQuery").p.p
    conditions = conjuncts(outermost.expr) if outermost.name == "Filter" else ()
    if _PROBE not in [str(getattr(condition, "other", "")) for condition in conditions]:
        raise Unbounded("the place of a filter is not known")
