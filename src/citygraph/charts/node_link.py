"""Networks of entities: each connected part has a box; springs place the nodes, always in the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, sin, sqrt

from markupsafe import Markup

from citygraph.charts.bars import fitted
from citygraph.charts.label_placement import Box, LabelPosition, place_labels
from citygraph.charts.svg import Caption, element, line, linked, path, picture

MOST_NODES = 150
_WIDTH = 720.0
_ROUNDS = 120
_TURN = 2.39996  # radians: the golden angle, of a spiral without overlaps
_NAME_ROOM = 170.0

XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class NetworkNode:
    """An entity; `kind` is the number of its column."""

    id: str
    name: str
    kind: int = 0
    href: str = ""
    language: str = ""


def node_link(
    nodes: Sequence[NetworkNode], links: Sequence[tuple[str, str]], caption: Caption, name: str = "network"
) -> Markup:
    """Returns the drawing of nodes and the links between their ids. Raises ValueError without links."""
    if not links:
        raise ValueError("a network needs at least one link")
    at, edges, height = _packed([node.id for node in nodes], links)
    lines = [element("path", class_="link", d=path([at[one], at[other]])) for one, other in links]
    degrees = Counter(id_ for link in links for id_ in set(link))
    # Nodes with the most links choose the positions of their names first.
    shown = sorted((node for node in nodes if node.id in at), key=lambda node: -degrees[node.id])
    rooms = {id_: max(_NAME_ROOM, edges[id_] - x - 16) for id_, (x, _) in at.items()}
    spots = [(*at[node.id], _radius(degrees[node.id]), fitted(node.name, rooms[node.id])) for node in shown]
    names = place_labels(spots, Box(0, 0, _WIDTH, height))
    marks = [_node(node, spot, place) for node, spot, place in zip(shown, spots, names, strict=True)]
    group = element("g", *lines, aria_hidden="true")
    return picture(name, "node-link", caption, (0, 0, _WIDTH, height), [group, *marks], role="group")


def _radius(degree: int) -> float:
    return min(9.0, 4 + sqrt(degree))


def _node(node: NetworkNode, spot: tuple[float, float, float, str], place: LabelPosition | None) -> Markup:
    """Returns a node with its name; a name without room is in the title only."""
    x, y, radius, name = spot
    content = [element("circle", class_="mark", cx=x, cy=y, r=radius)]
    if place and place.leader:
        content.append(line("leader", (x, y), place.leader))
    if place:
        at = {"x": place.x, "y": place.y, "text_anchor": place.anchor}
        content.append(element("text", name, class_="name", lang=node.language, **at))
    return linked(node.href, node.name, *content, language=node.language, class_=f"node kind-{node.kind % 4}")


def _packed(ids: Sequence[str], links: Sequence[tuple[str, str]]) -> tuple[dict[str, XY], dict[str, float], float]:
    """Returns positions, each connected part in a box, the boxes row by row; the right edges; the height of all."""
    left = top = tallest = 0.0
    at: dict[str, XY] = {}
    edges: dict[str, float] = {}
    for part in _parts(ids, links):
        width, height = min(_WIDTH, 292 + len(part) * 16.0), min(640.0, 56 + len(part) * 30.0)
        if left + width > _WIDTH:
            left, top, tallest = 0.0, top + tallest, 0.0
        inside = [link for link in links if link[0] in part]
        at |= {id_: (x + left, y + top) for id_, (x, y) in _placed(part, inside, width, height).items()}
        left, tallest = left + width, max(tallest, height)
        edges |= dict.fromkeys(part, left)
    return at, edges, top + tallest


def _parts(ids: Sequence[str], links: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Returns the connected parts with a link, the largest first."""
    part_of: dict[str, list[str]] = {}
    for one, other in links:
        mine, others = part_of.setdefault(one, [one]), part_of.setdefault(other, [other])
        if mine is not others:
            mine += others
            part_of |= dict.fromkeys(others, mine)
    distinct = {id(part): part for id_ in ids if (part := part_of.get(id_))}
    return sorted(distinct.values(), key=len, reverse=True)


def _placed(part: Sequence[str], links: Sequence[tuple[str, str]], width: float, height: float) -> dict[str, XY]:
    """Returns positions by springs and repulsion (Fruchterman and Reingold), from a spiral, without chance."""
    ideal = sqrt(width * height / len(part)) * 0.5
    reach = min(width, height) * 0.4
    radii = [sqrt((place + 0.5) / len(part)) * reach for place in range(len(part))]
    points = [complex(r * cos(place * _TURN), r * sin(place * _TURN)) for place, r in enumerate(radii)]
    index = {id_: place for place, id_ in enumerate(part)}
    pairs = [(index[one], index[other]) for one, other in links]
    for round_ in range(_ROUNDS):
        warmth = width / 10 * (1 - round_ / _ROUNDS) ** 1.5 + 0.5
        points = [
            _moved(point, force, warmth) for point, force in zip(points, _forces(points, pairs, ideal), strict=True)
        ]
    return dict(zip(part, _stretched(points, width, height), strict=True))


def _forces(points: Sequence[complex], pairs: Sequence[tuple[int, int]], ideal: float) -> list[complex]:
    forces = [-point * 0.02 for point in points]
    for one, here in enumerate(points):
        for other in range(one):
            apart = here - points[other]
            distance = max(hypot(apart.real, apart.imag * 1.6), 0.1)
            push = complex(apart.real, apart.imag * 1.6) * (ideal / distance) ** 2 * 0.5 / max(distance / ideal, 0.2)
            forces[one] += push / 10
            forces[other] -= push / 10
    for one, other in pairs:
        pull = (points[one] - points[other]) * abs(points[one] - points[other]) / ideal * 0.05
        forces[one] -= pull
        forces[other] += pull
    return forces


def _moved(point: complex, force: complex, warmth: float) -> complex:
    length = abs(force) or 1.0
    return point + force / length * min(length, warmth)


def _stretched(points: Sequence[complex], width: float, height: float) -> Iterator[XY]:
    """Yields positions inside the box, one below the other, over its whole width except the names."""
    low, high = min(point.real for point in points), max(point.real for point in points)
    room = max(40.0, width - _NAME_ROOM) - 14
    ranks: Mapping[int, int] = {
        place: rank for rank, place in enumerate(sorted(range(len(points)), key=lambda i: points[i].imag))
    }
    for place, point in enumerate(points):
        x = 14 + (point.real - low) / ((high - low) or 1.0) * room
        yield x, 24 + (height - 48) * ranks[place] / max(1, len(points) - 1)
