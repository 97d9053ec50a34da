"""The page of an organisation: its posts and who held them on a line of years, what it took part in, did and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from pyoxigraph import NamedNode

from citygraph.describe import Description
from citygraph.pictures.axis import Lane
from citygraph.terms import CG
from citygraph.text import collation_key
from citygraph.web.kinds.deeds import TOLD_OF, attendances, deeds
from citygraph.web.kinds.ground import Ground, Layout, text_of
from citygraph.web.kinds.particulars import particulars
from citygraph.web.kinds.tenures import Tenure, bar_of, read_tenures, years
from citygraph.web.pages.values import Text

_TOLD_OF = TOLD_OF | {CG("of").value}
_PARTICULARS = ("jurisdiction", "seat", "abbreviation", "foundingDate")


@dataclass(frozen=True, slots=True)
class Post:
    """A post of the organisation with those who held it; `heads` if its role leads the organisation."""

    name: Text
    heads: bool
    tenures: tuple[Tenure, ...]


def organisation(ground: Ground, description: Description) -> Layout:
    """The layout of an organisation; seven queries."""
    node = NamedNode(description.iri)
    said = ground.ask("organisation-tenures", organisation=node)
    shown = ground.ask("organisation-tenure-events", organisation=node)
    posts = _posts(ground, node, read_tenures(ground, said, shown))
    events = attendances(ground, node, {})
    told = frozenset(CG(name).value for name in _PARTICULARS)
    values = {
        "particulars": particulars(ground, description, _PARTICULARS),
        "posts": posts,
        "line": _line(ground, ground.registrar.link(description.iri).text, posts),
        "events": events,
        "occasions": deeds(ground, node, events),
    }
    return Layout("kinds/organisation.html", values, told, _TOLD_OF)


def _posts(ground: Ground, node: NamedNode, tenures: Sequence[Tenure]) -> tuple[Post, ...]:
    """The posts, those at the head first."""
    heading = {text_of(row.get("role")) for row in ground.ask_once("heading-roles")}
    heads: dict[str, bool] = {}
    for row in ground.ask("organisation-posts", organisation=node):
        post = text_of(row.get("post"))
        heads[post] = heads.get(post, False) or text_of(row.get("role")) in heading
    found = (
        Post(ground.registrar.link(iri), at_head, tuple(one for one in tenures if one.post_iri == iri))
        for iri, at_head in heads.items()
    )
    return tuple(sorted(found, key=lambda post: (not post.heads, not post.tenures, collation_key(post.name.text))))


def _line(ground: Ground, name: str, posts: Sequence[Post]) -> tuple[Markup, Markup] | None:
    """A lane for each post."""
    lanes = []
    for post in posts:
        bars = tuple(bar for tenure in post.tenures if (bar := bar_of(ground, tenure, tenure.holder)))
        lanes.append(Lane(post.name.text, bars, post.name.language, post.name.href))
    return years(ground, lanes, ground.words("Who held the posts of {name}", name=name))
