"""SPARQL as rdflib answers it, but each text is parsed once: to parse takes rdflib longer than to answer.

pySHACL asks the query of a shape anew for each focus node. `Prepared` takes the place of rdflib's own processor
where it is registered as rdflib's plugin (`validation.py`); bindings and answers are what they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.sparql.sparql import Query


class Prepared(SPARQLProcessor):
    """A processor of queries that remembers what it parsed."""

    def query(  # type: ignore[override]  # as above it, where rdflib leaves Processor's own signature too
        self,
        strOrQuery: str | Query,  # noqa: N803 - rdflib calls it so
        initBindings: Mapping[str, Any] | None = None,  # noqa: N803
        initNs: Mapping[str, Any] | None = None,  # noqa: N803
        base: str | None = None,
        DEBUG: bool = False,  # noqa: N803
    ) -> Mapping[str, Any]:
        """Answer a query, parsing it where its text with these prefixes is new."""
        query = strOrQuery
        if isinstance(query, str):
            query = _parsed(query, tuple(sorted((initNs or {}).items())), base)
        return super().query(query, initBindings, initNs, base, DEBUG)


# As many as all shapes have queries, a few times over.
@lru_cache(256)
def _parsed(text: str, prefixes: tuple[tuple[str, Any], ...], base: str | None) -> Query:
    return prepareQuery(text, dict(prefixes), base)
