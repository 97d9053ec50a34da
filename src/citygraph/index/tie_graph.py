"""The graph of ties, and its parts that are small enough to draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

# A drawing with more places than these cannot be read.
MOST_NEAR, MOST_FAR = 48, 72  # places on the first and the second hop
MOST_WHOLE = 120  # places of the whole graph


@dataclass(frozen=True)
class TieGraph:
    """The graph of ties: for each place its neighbours, with the agreements."""

    neighbours: Mapping[str, Mapping[str, list[str]]]

    def of(self, iri: str) -> Mapping[str, list[str]]:
        """Returns the partners of a place, each with the agreements that link them."""
        return self.neighbours.get(iri, {})

    def shortest_path(self, start: str, end: str) -> list[str]:
        """Returns the places on a shortest path, including both ends; empty if there is no path.

        Of several the first by the order of neighbours.
        """
        if start == end or end not in self.neighbours:
            return [start] if start == end else []
        # Breadth-first search: the predecessor of each place that was reached.
        previous = {start: ""}
        ring = [start]
        while ring and end not in previous:
            reached: list[str] = []
            for place in ring:
                for other in self.of(place):
                    if other not in previous:
                        previous[other] = place
                        reached.append(other)
            ring = reached
        path = [end] if end in previous else []
        while path and path[-1] != start:
            path.append(previous[path[-1]])
        return path[::-1]

    def path_count(self, start: str, end: str) -> int:
        """Returns the number of shortest paths."""
        counts = {start: 1}
        ring, visited = [start], {start}
        while ring and end not in counts:
            reached: dict[str, int] = {}
            for place in ring:
                for other in self.of(place):
                    if other not in visited:
                        reached[other] = reached.get(other, 0) + counts[place]
            counts.update(reached)
            visited |= reached.keys()
            ring = list(reached)
        return counts.get(end, 0)


@dataclass(frozen=True)
class TieEdge:
    """Two places and the agreements that link them."""

    one: str
    other: str
    agreements: tuple[str, ...]


@dataclass(frozen=True)
class Subgraph:
    """Places by their distance from the centre, the ties between them, and the omitted places by distance."""

    hops: tuple[tuple[str, ...], ...]
    ties: tuple[TieEdge, ...]
    omitted: tuple[tuple[str, ...], ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The places that are shown."""
        return tuple(place for hop in self.hops for place in hop)

    @property
    def count(self) -> int:
        """The number of places, shown or omitted."""
        return len(self.places) + sum(len(hop) for hop in self.omitted)


def neighbourhood(ties: TieGraph, place: str) -> Subgraph:
    """Returns a place, its partners and theirs; of many, those with the most ties."""
    near = _by_ties(ties, ties.of(place))
    nearest = near[:MOST_NEAR]
    beyond = {other for one in near for other in ties.of(one)} - {place, *near}
    # A partner of a partner needs a tie to a place that is shown.
    reached = {other for one in nearest for other in ties.of(one)} & beyond
    far = _by_ties(ties, reached)[:MOST_FAR]
    hops = ((place,), tuple(nearest), tuple(far))
    omitted = (tuple(near[MOST_NEAR:]), tuple(_by_ties(ties, beyond - set(far))))
    return Subgraph(hops, _among(ties, [place, *nearest, *far]), omitted)


def path_between(ties: TieGraph, start: str, end: str) -> Subgraph:
    """Returns the places of a shortest path in their order; no hop if there is no path."""
    path = ties.shortest_path(start, end)
    return Subgraph(tuple((place,) for place in path), tuple(_tie(ties, one, other) for one, other in pairwise(path)))


def whole_graph(ties: TieGraph) -> Subgraph:
    """Returns all places, or those with the most ties and the omitted others."""
    places = _by_ties(ties, ties.neighbours)
    first = places[:MOST_WHOLE]
    return Subgraph((tuple(first),), _among(ties, first), (tuple(places[MOST_WHOLE:]),))


def _by_ties(ties: TieGraph, places: Iterable[str]) -> list[str]:
    return sorted(places, key=lambda place: (-len(ties.of(place)), place))


def _among(ties: TieGraph, places: list[str]) -> tuple[TieEdge, ...]:
    order = {place: number for number, place in enumerate(places)}
    pairs = ((one, other) for one in places for other in ties.of(one) if order.get(other, -1) > order[one])
    return tuple(_tie(ties, one, other) for one, other in pairs)


def _tie(ties: TieGraph, one: str, other: str) -> TieEdge:
    return TieEdge(one, other, tuple(ties.of(one)[other]))
