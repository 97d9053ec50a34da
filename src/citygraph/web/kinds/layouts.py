"""Which layout a thing's page has, by what the thing is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from citygraph.describe import Description
from citygraph.terms import RDF
from citygraph.web.kinds.ground import Ground, Layout

Make = Callable[[Ground, Description], Layout]

# By class, the narrower before the wider: the first that the thing is of decides.
_LAYOUTS: Mapping[str, Make] = {}


def layout_of(ground: Ground, description: Description) -> Layout | None:
    """The layout of a thing's page, or None where its kind has none of its own."""
    types = {value.iri for value in description.values(RDF("type").value)}
    make = next((make for class_, make in _LAYOUTS.items() if class_ in types), None)
    return make(ground, description) if make else None
