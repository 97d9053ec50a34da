"""What a page says first of a thing, in large: some of its properties in an order of their own."""

from __future__ import annotations

from collections.abc import Iterable

from citygraph.graph.description import Description
from citygraph.rdf.terms import CG
from citygraph.web.kinds.page_context import PageContext
from citygraph.web.view.cells import Cell, PropertyRow


def key_facts(context: PageContext, description: Description, names: Iterable[str]) -> tuple[PropertyRow, ...]:
    """The rows of the register of these properties, those that the thing has."""
    rows = (row_of(context, description, CG(name).value) for name in names)
    return tuple(row for row in rows if row)


def row_of(context: PageContext, description: Description, predicate: str) -> PropertyRow | None:
    """One property as the register shows it, or None."""
    others = frozenset(s.predicate for s in description.statements) - {predicate}
    return next(iter(context.table.rows(description, others)), None)


def cells_of(context: PageContext, description: Description, predicate: str) -> tuple[Cell, ...]:
    """The values of one property, with who says so."""
    row = row_of(context, description, predicate)
    return row.cells if row else ()
