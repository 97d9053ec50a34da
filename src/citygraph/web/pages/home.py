"""The home page: the home place of the instance, its ties, coming anniversaries and the latest changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from pyoxigraph import Literal, NamedNode

from citygraph.graph.description import has_statements
from citygraph.rdf.partial_dates import chronological, in_year, is_past, year_part
from citygraph.rdf.terms import CG
from citygraph.release.changes import things_changed
from citygraph.release.releases import Release
from citygraph.web.kinds.page_context import Bindings, PageContext, text_of
from citygraph.web.kinds.ties import Point, Tie, point_of, read_ties
from citygraph.web.view.values import Text

_MOST_COMING = 8  # anniversaries of a year
_RELEASES = 3
_LOOKED_THROUGH = 20  # releases, for those that changed something
_THINGS = 6


@dataclass(frozen=True)
class Anniversary:
    """A round anniversary; `date` is as precise as the date it commemorates. `of` is "act", "protocol" or "start"."""

    tie: Tie
    date: str
    ordinal: int
    of: str
    is_past: bool


@dataclass(frozen=True)
class Year:
    """The anniversaries of a year, as many as a page shows, and their total number."""

    year: int
    anniversaries: tuple[Anniversary, ...]
    total: int


@dataclass(frozen=True)
class News:
    """The changes of a release: some of the changed entities, each with the kind of change."""

    release: Release
    things: tuple[tuple[str, Text], ...]
    more: bool


@dataclass(frozen=True)
class Home:
    """The content of the home page."""

    hub: str
    point: Point | None
    ties: tuple[Tie, ...]
    documents: int
    coming: tuple[Year, ...]
    news: tuple[News, ...]

    @property
    def partners(self) -> int:
        """The number of partners, without those of ties that are not in force."""
        return len({partner.iri for tie in self._present for partner in tie.partners})

    @property
    def countries(self) -> int:
        """The number of countries of the partners."""
        return len({country.href for tie in self._present for partner in tie.partners for country in partner.countries})

    @property
    def _present(self) -> tuple[Tie, ...]:
        return tuple(tie for tie in self.ties if tie.in_force)

    @property
    def first_year(self) -> str:
        """The year of the oldest council act."""
        return year_part(min((tie.acts[0] for tie in self.ties if tie.acts), key=chronological, default=""))


def read_home(context: PageContext, releases: Iterable[Release]) -> Home:
    """Returns the home page of a release; `releases` are it and those before it, the newest first."""
    # A release without agreements has no such place: its home page shows the news only.
    hub = context.opened.home
    point: Point | None = None
    ties: tuple[Tie, ...] = ()
    coming: tuple[Year, ...] = ()
    if hub:
        point = point_of(context.opened.things.facts(hub))
        ties = read_ties(context, hub, point)
        coming = tuple(_coming(context, hub, ties))
    counted = next((int(text_of(row.get("number"))) for row in context.ask_once("documents")), 0)
    return Home(hub, point, ties, counted, coming, tuple(islice(_news(context, releases), _RELEASES)))


def _coming(context: PageContext, hub: str, ties: tuple[Tie, ...]) -> Iterator[Year]:
    this = int(context.today[:4])
    # A tie that is not in force has no anniversaries to come.
    by_iri = {tie.agreement: tie for tie in ties if tie.in_force}
    rows = context.ask("place-anniversaries", place=NamedNode(hub), year=Literal(this))
    anniversaries = [
        _anniversary(row, by_iri, context.today) for row in rows if text_of(row.get("agreement")) in by_iri
    ]
    for year in (this, this + 1):
        of_year = [one for one in anniversaries if one.date.startswith(str(year))]
        # The roundest are shown: forty years rather than thirty-five.
        listed = sorted(of_year, key=lambda one: (one.is_past, bool(one.ordinal % 10 and one.ordinal % 25)))
        yield Year(year, tuple(sorted(listed[:_MOST_COMING], key=lambda one: one.date)), len(of_year))


def _anniversary(row: Bindings, ties: dict[str, Tie], today: str) -> Anniversary:
    lexical, ordinal = text_of(row.get("date")), int(float(text_of(row.get("ordinal"))))
    day = in_year(lexical, int(year_part(lexical)) + ordinal)
    of = {"councilActDate": "act", "startDate": "start"}.get(text_of(row.get("property")).removeprefix(CG), "protocol")
    return Anniversary(ties[text_of(row.get("agreement"))], day, ordinal, of, is_past(day, today))


def _news(context: PageContext, releases: Iterable[Release]) -> Iterator[News]:
    """Yields the releases that changed something. The first release counts as news without changes."""
    for release in islice(releases, _LOOKED_THROUGH):
        manifest = release.manifest
        if manifest.parent is None:
            yield News(release, (), more=False)
        elif manifest.added or manifest.removed:
            # One more than shown, to know whether there are more.
            changes = list(islice(things_changed(release), _THINGS + 1))
            things = tuple((change.kind, _changed(context, change.iri)) for change in changes[:_THINGS])
            yield News(release, things, len(changes) > _THINGS)


def _changed(context: PageContext, iri: str) -> Text:
    """Returns the link to a changed entity, or to its history if the release shown does not have it."""
    link = context.table.link(iri)
    if has_statements(context.opened.quick, iri):
        return link
    document = context.addresses.document(iri).removeprefix(context.addresses.base)
    return link._replace(href=f"{context.addresses.path(document)}?history")
