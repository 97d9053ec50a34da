"""The pages of a post and of a tenure: who held it, on a line of years."""

from __future__ import annotations

from collections.abc import Sequence

from pyoxigraph import NamedNode

from citygraph.describe import Description
from citygraph.pictures.axis import Lane
from citygraph.terms import CG
from citygraph.web.kinds.ground import Ground, Layout
from citygraph.web.kinds.particulars import particulars
from citygraph.web.kinds.tenures import Tenure, bar_of, read_tenures, years

_OF_POST = ("of", "role")
_OF_TENURE = ("holder", "post")
_TOLD = ("startDate", "endDate", "attestedOn", "attestedAt")


def post(ground: Ground, description: Description) -> Layout:
    """The layout of a post: its holders; two queries."""
    node = NamedNode(description.iri)
    tenures = read_tenures(ground, ground.ask("tenures", whose=node), ground.ask("tenure-events", whose=node))
    return _layout(ground, description, _OF_POST, tenures, frozenset({CG("post").value}))


def tenure(ground: Ground, description: Description) -> Layout:
    """The layout of a tenure: itself on the line; two queries."""
    node = NamedNode(description.iri)
    tenures = read_tenures(ground, ground.ask("tenures", tenure=node), ground.ask("tenure-events", tenure=node))
    return _layout(ground, description, _OF_TENURE, tenures)


def _layout(
    ground: Ground,
    description: Description,
    names: tuple[str, ...],
    tenures: Sequence[Tenure],
    told_of: frozenset[str] = frozenset(),
) -> Layout:
    bars = tuple(bar for one in tenures if (bar := bar_of(ground, one, one.holder)))
    title = ground.words("Holders of the post {name}", name=ground.registrar.link(description.iri).text)
    values = {
        "particulars": particulars(ground, description, names),
        "tenures": tenures,
        "line": years(ground, [Lane("", bars)], title),
    }
    told = frozenset(CG(name).value for name in (*names, *_TOLD))
    return Layout("kinds/post.html", values, told if tenures else frozenset(), told_of)
