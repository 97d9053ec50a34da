"""How a thing and what its page links to stand on the day that is looked at."""

from __future__ import annotations

from collections.abc import Mapping

from pyoxigraph import NamedNode

from citygraph.describe import Description
from citygraph.terms import CG
from citygraph.web.kinds.ground import Ground
from citygraph.web.kinds.standing import standing
from citygraph.web.kinds.ties import Facts, facts

_STARTS = tuple(CG(name).value for name in ("councilActDate", "protocolDate", "startDate", "foundingDate"))
_END, _SHOWN = CG("endDate").value, CG("attestedOn").value


def standings_beside(ground: Ground, description: Description) -> Mapping[str, str]:
    """How the things stand that a page links to, as far as one is not so on the day; one query, none without a day."""
    if not ground.at:
        return {}
    beside = facts(ground.ask("dated-beside", entity=NamedNode(description.iri)), "thing")
    return {iri: said for iri, dates in beside.items() if (said := _standing(ground, iri, dates))}


def standing_of(ground: Ground, description: Description) -> str:
    """How the thing itself stands."""
    dates = {
        predicate: tuple(value.term.value for value in description.values(predicate))
        for predicate in (*_STARTS, _END, _SHOWN)
    }
    return _standing(ground, description.iri, dates)


def _standing(ground: Ground, iri: str, dates: Facts) -> str:
    starts = [date for name in _STARTS for date in dates.get(name, ())]
    # What happened has happened: an event that is over is no less so.
    happened = iri.startswith(f"{ground.addresses.base}id/event/")
    ends, shown = ((), ()) if happened else (dates.get(_END, ()), dates.get(_SHOWN, ()))
    return standing(ground, starts, ends, shown)
