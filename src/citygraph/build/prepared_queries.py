"""An rdflib SPARQL processor that parses each text once: parsing takes rdflib longer than evaluating.

pySHACL evaluates the query of a shape anew for each focus node. validation.py registers `Prepared` as rdflib's plugin
in place of its own processor, and imports this module only then, because rdflib's parser takes long to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from rdflib.plugins.sparql import prepareQuery
from rdflib.plugins.sparql.processor import SPARQLProcessor
from rdflib.plugins.sparql.sparql import Query


class Prepared(SPARQLProcessor):
    """A SPARQL processor that caches parsed queries."""

    def query(  # type: ignore[override]  # as above it, where rdflib leaves Processor's own signature too
        self,
        strOrQuery: str | Query,  # noqa: N803 - rdflib calls it so
        initBindings: Mapping[str, Any] | None = None,  # noqa: N803
        initNs: Mapping[str, Any] | None = None,  # noqa: N803
        base: str | None = None,
        DEBUG: bool = False,  # noqa: N803
    ) -> Mapping[str, Any]:
        """Evaluates a query, and parses it only if its text with these prefixes is new."""
        query = strOrQuery
        if isinstance(query, str):
            query = _parsed(query, tuple(sorted((initNs or {}).items())), base)
        return super().query(query, initBindings, initNs, base, DEBUG)


# As many as all shapes have queries, a few times over.
@lru_cache(256)
def _parsed(text: str, prefixes: tuple[tuple[str, Any], ...], base: str | None) -> Query:
    return prepareQuery(text, dict(prefixes), base)
