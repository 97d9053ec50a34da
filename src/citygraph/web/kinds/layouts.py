"""Which layout a thing's page has, by what the thing is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from citygraph.describe import Description
from citygraph.terms import CG, RDF
from citygraph.web.kinds.agreements import agreement
from citygraph.web.kinds.countries import country
from citygraph.web.kinds.gatherings import event
from citygraph.web.kinds.ground import Ground, Layout
from citygraph.web.kinds.organisations import organisation
from citygraph.web.kinds.people import person
from citygraph.web.kinds.places import place
from citygraph.web.kinds.posts import post, tenure

Make = Callable[[Ground, Description], Layout]

# By class, the narrower before the wider: the first that the thing is of decides.
_LAYOUTS: Mapping[str, Make] = {
    CG("City").value: place,
    CG("AdministrativeArea").value: place,
    CG("Country").value: country,
    CG("Agreement").value: agreement,
    CG("Person").value: person,
    CG("Organisation").value: organisation,
    CG("Post").value: post,
    CG("Tenure").value: tenure,
    CG("Event").value: event,
}


def layout_of(ground: Ground, description: Description) -> Layout | None:
    """The layout of a thing's page, or None where its kind has none of its own."""
    above = ground.opened.vocabulary.broader_classes
    types = {class_ for value in description.values(RDF("type").value) for class_ in above(value.iri)}
    make = next((make for class_, make in _LAYOUTS.items() if class_ in types), None)
    return make(ground, description) if make else None
