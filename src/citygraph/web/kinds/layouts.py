"""The choice of a page layout by the class of an entity, and validity on the requested date."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyoxigraph import NamedNode

from citygraph.graph.description import Description
from citygraph.graph.things import Facts
from citygraph.rdf.terms import CG, RDF
from citygraph.web.kinds.agents import organisation, person, post, tenure
from citygraph.web.kinds.agreements import agreement
from citygraph.web.kinds.countries import country
from citygraph.web.kinds.events import event
from citygraph.web.kinds.page_context import (
    ATTESTED_DURING,
    CURRENT_STATE,
    VALID_DURING,
    Layout,
    PageContext,
    not_yet,
    validity,
)
from citygraph.web.kinds.places import place
from citygraph.web.kinds.ties import facts_by_subject
from citygraph.web.view.release_cache import OpenRelease

Make = Callable[[PageContext, Description], Layout]
_TYPE = RDF("type").value

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
_PAGED = (place, country)


def layout_of(context: PageContext, description: Description) -> Layout | None:
    """Returns the layout of an entity's page, or None if its class has none of its own.

    The further pages of an entity have the next part of its table, if the layout has one with pages.
    """
    make = _make_of(context.opened, description.iri)
    return make(context, description) if make and (description.page == 1 or make in _PAGED) else None


def needs_only_lookups(opened: OpenRelease, iri: str) -> bool:
    """Returns whether the page of a thing needs only lookups, because it is of a kind that runs no queries."""
    return _make_of(opened, iri) in (place, None)


def _make_of(opened: OpenRelease, iri: str) -> Make | None:
    # Subclasses have the layout of their superclass.
    above = opened.vocabulary.broader_classes
    types = {class_ for type_ in opened.things.facts(iri).get(_TYPE, ()) for class_ in above(type_)}
    return next((make for class_, make in _LAYOUTS.items() if class_ in types), None)


_STARTS = tuple(CG(name).value for name in ("startDate", "foundingDate"))


def validity_of_links(context: PageContext, description: Description) -> Mapping[str, str]:
    """Returns the validity of linked entities on the requested date, without those that are valid.

    One query; none without a date.
    """
    if not context.at:
        return {}
    beside = facts_by_subject(context.ask("dated-beside", entity=NamedNode(description.iri)), "thing")
    return {iri: validity for iri, dates in beside.items() if (validity := _validity(context, dates))}


def validity_of_entity(context: PageContext, description: Description) -> str:
    """Returns the validity of the entity itself on the requested date, "" if it is valid."""
    # The dates are in the description already: no query is needed.
    dates = {
        predicate: tuple(value.term.value for value in description.values(predicate))
        for predicate in (*_STARTS, VALID_DURING, ATTESTED_DURING, CURRENT_STATE)
    }
    return _validity(context, dates)


def _validity(context: PageContext, dates: Facts) -> str:
    if dates.get(VALID_DURING) or dates.get(ATTESTED_DURING):
        return validity(context, dates)
    # A past event remains an event: only its start can make it "not yet" valid.
    return not_yet(context, [date for name in _STARTS for date in dates.get(name, ())])
