"""The key facts of an entity, which its page shows first: some properties in a fixed order."""

from __future__ import annotations

from collections.abc import Iterable

from citygraph.graph.description import Description
from citygraph.rdf.terms import CG
from citygraph.web.kinds.page_context import PageContext
from citygraph.web.view.cells import Cell, PropertyRow


def key_facts(context: PageContext, description: Description, names: Iterable[str]) -> tuple[PropertyRow, ...]:
    """Returns the rows of these properties, as far as the entity has them."""
    rows = (row_of(context, description, CG(name).value) for name in names)
    return tuple(row for row in rows if row)


def row_of(context: PageContext, description: Description, predicate: str) -> PropertyRow | None:
    """Returns the row of one property as the statement table shows it, or None."""
    # The statement table itself makes the row, so that sources are numbered in one sequence.
    others = frozenset(s.predicate for s in description.statements) - {predicate}
    return next(iter(context.table.rows(description, others)), None)


def cells_of(context: PageContext, description: Description, predicate: str) -> tuple[Cell, ...]:
    """Returns the values of one property with their sources."""
    row = row_of(context, description, predicate)
    return row.cells if row else ()
