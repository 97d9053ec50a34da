"""What a page says first of a thing, in large: some of its properties in an order of their own."""

from __future__ import annotations

from collections.abc import Iterable

from citygraph.graph.description import Description
from citygraph.rdf.terms import CG
from citygraph.web.kinds.page_context import Ground
from citygraph.web.view.cells import Cell, Row


def particulars(ground: Ground, description: Description, names: Iterable[str]) -> tuple[Row, ...]:
    """The rows of the register of these properties, those that the thing has."""
    rows = (row_of(ground, description, CG(name).value) for name in names)
    return tuple(row for row in rows if row)


def row_of(ground: Ground, description: Description, predicate: str) -> Row | None:
    """One property as the register shows it, or None."""
    others = frozenset(s.predicate for s in description.statements) - {predicate}
    return next(iter(ground.registrar.rows(description, others)), None)


def cells_of(ground: Ground, description: Description, predicate: str) -> tuple[Cell, ...]:
    """The values of one property, with who says so."""
    row = row_of(ground, description, predicate)
    return row.cells if row else ()
