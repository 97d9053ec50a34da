"""Parts of the graph of ties that can be read as a picture: around a place, between two, and the whole or its core."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from citygraph.index.entities import Ties

MOST_NEAR, MOST_FAR = 48, 72  # places on the first and the second ring
MOST_WHOLE = 120  # places of a whole


@dataclass(frozen=True)
class Tie:
    """Two places and the agreements that bind them."""

    one: str
    other: str
    agreements: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """Places by their ring around the middle, the ties between them, and the places that were left out, by ring."""

    rings: tuple[tuple[str, ...], ...]
    ties: tuple[Tie, ...]
    left: tuple[tuple[str, ...], ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The places that are shown."""
        return tuple(place for ring in self.rings for place in ring)

    @property
    def count(self) -> int:
        """How many places there are, shown or not."""
        return len(self.places) + sum(len(ring) for ring in self.left)


def around(ties: Ties, place: str) -> Part:
    """A place, its partners and theirs; of many those that are bound to most."""
    near = _by_ties(ties, ties.of(place))
    shown = near[:MOST_NEAR]
    beyond = {other for one in near for other in ties.of(one)} - {place, *near}
    # Only what hangs on a partner that is shown can be shown.
    reached = {other for one in shown for other in ties.of(one)} & beyond
    far = _by_ties(ties, reached)[:MOST_FAR]
    rings = ((place,), tuple(shown), tuple(far))
    left = (tuple(near[MOST_NEAR:]), tuple(_by_ties(ties, beyond - set(far))))
    return Part(rings, _among(ties, [place, *shown, *far]), left)


def between(ties: Ties, start: str, end: str) -> Part:
    """The places on a shortest way, in its order; no ring at all if there is no way."""
    way = ties.shortest(start, end)
    return Part(
        tuple((place,) for place in way),
        tuple(_tie(ties, one, other) for one, other in pairwise(way)),
    )


def whole(ties: Ties) -> Part:
    """All places, or those that are bound to most, and how many more there are."""
    places = _by_ties(ties, ties.neighbours)
    shown = places[:MOST_WHOLE]
    return Part((tuple(shown),), _among(ties, shown), (tuple(places[MOST_WHOLE:]),))


def _by_ties(ties: Ties, places: Iterable[str]) -> list[str]:
    return sorted(places, key=lambda place: (-len(ties.of(place)), place))


def _among(ties: Ties, places: list[str]) -> tuple[Tie, ...]:
    order = {place: number for number, place in enumerate(places)}
    pairs = ((one, other) for one in places for other in ties.of(one) if order.get(other, -1) > order[one])
    return tuple(_tie(ties, one, other) for one, other in pairs)


def _tie(ties: Ties, one: str, other: str) -> Tie:
    return Tie(one, other, tuple(ties.of(one)[other]))
