"""Citable queries: a query text, a stored query with its parameters, a table, a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from citygraph.rdf.terms import BASE
from citygraph.release.cited_result import CitableQuery
from citygraph.source.queries import StoredQuery, read_query
from citygraph.sparql.normal_form import normal_form, values_in

# The folder of the stored queries that make the tables.
TABLES = "tables/"
_OF_DOCUMENT = Path(__file__).with_name("statements_of_document.rq")
_ENTITY = "entity"


def citable_text(text: str, day: date, base: str = BASE, parameters: Iterable[str] = ()) -> CitableQuery:
    """Returns the citable form of a query. `parameters` are variables with a VALUES block; `day` replaces NOW().

    Raises QuerySyntaxError, UsageError for a query that cannot be cited or lacks the block of a parameter.
    """
    normal = normal_form(text, day, base)
    return CitableQuery(normal, values_in(normal, parameters))


def citable_query(stored: StoredQuery, values: Mapping[str, str], day: date, base: str = BASE) -> CitableQuery:
    """Returns the citable form of a stored query with these values. Raises what `citable_text` and `bind` raise."""
    query = citable_text(stored.bind(values), day, base, (parameter.name for parameter in stored.parameters))
    return CitableQuery(query.normal, query.parameters, stored.name, title=stored.titles)


def citable_document(iri: str, day: date, base: str = BASE, title: Mapping[str, str] | None = None) -> CitableQuery:
    """Returns the citable form of the document about an entity. Raises UsageError if it is not an IRI."""
    stored = read_query(_OF_DOCUMENT, "document", {})
    query = citable_query(stored, {_ENTITY: f"<{iri}>"}, day, base)
    return CitableQuery(query.normal, query.parameters, about=iri, title=title or {})


def table_name(path: str) -> str:
    """Returns the name of the stored query that makes a table file, such as cities.csv."""
    return TABLES + path.removeprefix(TABLES).partition(".")[0]
