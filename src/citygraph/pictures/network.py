"""Cities and their agreements as a graph: nodes that repel, edges that pull; or rings about one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin, sqrt, tau

from markupsafe import Markup

from citygraph.pictures.labels import Box, Placed, place
from citygraph.pictures.map import shape
from citygraph.pictures.svg import Caption, element, linked, path, picture

_ROUNDS = 120
_SIZE = 400.0
_RADII = (0.0, 170.0, 350.0, 390.0)  # by how many ties away
_GOLDEN = pi * (3 - sqrt(5))
_MARK = 5.0

XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Node:
    """A node: `kind` is "city", "area", "county" or "country"; `ties` is how many it has in all."""

    id: str
    name: str
    language: str = ""
    href: str = ""
    kind: str = "city"
    told: str = ""
    ties: int = 1
    on_path: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """A tie of two nodes: `state` is "signed", "act" or "undated"."""

    source: str
    target: str
    told: str = ""
    href: str = ""
    state: str = "signed"
    on_path: bool = False


def network(
    nodes: Sequence[Node], edges: Sequence[Edge], caption: Caption, centre: str = "", name: str = "network"
) -> Markup:
    """The graph. With a `centre` (the id of a node) the others stand in rings by how many ties they are away.

    The same graph gives the same picture. Up to about 150 nodes are readable.
    """
    ids = [node.id for node in nodes]
    known = [edge for edge in edges if edge.source in ids and edge.target in ids]
    at = _in_rings(ids, known, centre) if centre in ids else _pulled(ids, known)
    spots = _names(nodes, at)
    return picture(
        name, "network", caption, (-_SIZE - 60, -_SIZE - 20, 2 * _SIZE + 120, 2 * _SIZE + 40),
        [*(_edge(edge, at) for edge in known), *(_node(node, at[node.id], spots[node.id], centre) for node in nodes)],
        role="group",
    )  # fmt: skip


def _names(nodes: Sequence[Node], at: Mapping[str, XY]) -> dict[str, Placed | None]:
    order = sorted(nodes, key=lambda node: (not node.on_path, -node.ties, node.id))
    marks = [(*at[node.id], _MARK, node.name) for node in order]
    placed = place(marks, Box(-_SIZE - 60, -_SIZE - 20, _SIZE + 60, _SIZE + 20))
    return {node.id: spot for node, spot in zip(order, placed, strict=True)}


def _edge(edge: Edge, at: Mapping[str, XY]) -> Markup:
    line = element("path", class_="edge", d=path([at[edge.source], at[edge.target]]))
    return linked(edge.href, edge.told, line, class_=f"tie {edge.state}{' on-path' if edge.on_path else ''}",
                  tabindex="-1" if edge.href and not edge.on_path else None)  # fmt: skip


def _node(node: Node, at: XY, spot: Placed | None, centre: str) -> Markup:
    x, y = at
    parts = [
        element("circle", class_="centre", cx=x, cy=y, r=7.0) if node.id == centre else shape(node.kind, x, y, _MARK)
    ]
    if spot and spot.leader:
        parts.append(element("path", class_="leader", d=path([at, spot.leader])))
    if spot:
        parts.append(element("text", node.name, class_="name", x=spot.x, y=spot.y, text_anchor=spot.anchor,
                             lang=node.language))  # fmt: skip
    kind = "here" if node.id == centre else "node"
    return linked(node.href, node.told or node.name, *parts, language=node.language,
                  class_=f"{kind}{' on-path' if node.on_path else ''}")  # fmt: skip


def _pulled(ids: Sequence[str], edges: Sequence[Edge]) -> dict[str, XY]:
    """The layout of Fruchterman and Reingold, begun on a spiral so that it is the same each time."""
    number = {id_: i for i, id_ in enumerate(ids)}
    count = max(len(ids), 1)
    place_of = [(_SIZE * sqrt((i + 0.5) / count) * cos(i * _GOLDEN), _SIZE * sqrt((i + 0.5) / count) * sin(i * _GOLDEN))
                for i in range(count)]  # fmt: skip
    pairs = [(number[edge.source], number[edge.target]) for edge in edges if edge.source != edge.target]
    ideal = 1.5 * _SIZE / sqrt(count)
    for step in range(_ROUNDS):
        place_of = _round(place_of, pairs, ideal, _SIZE / 8 * (1 - step / _ROUNDS))
    return dict(zip(ids, _fitted(place_of), strict=False))


def _round(place_of: list[XY], pairs: Sequence[tuple[int, int]], ideal: float, most: float) -> list[XY]:
    push = [[-x * 0.02, -y * 0.02] for x, y in place_of]  # towards the middle, so that parts stay together
    for i, (x, y) in enumerate(place_of):
        for j in range(i):
            dx, dy = x - place_of[j][0], y - place_of[j][1]
            force = ideal * ideal / (dx * dx + dy * dy + 1.0)
            push[i][0] += dx * force
            push[i][1] += dy * force
            push[j][0] -= dx * force
            push[j][1] -= dy * force
    for i, j in pairs:
        dx, dy = place_of[i][0] - place_of[j][0], place_of[i][1] - place_of[j][1]
        force = hypot(dx, dy) / ideal
        push[i][0] -= dx * force
        push[i][1] -= dy * force
        push[j][0] += dx * force
        push[j][1] += dy * force
    return [_moved(at, by, most) for at, by in zip(place_of, push, strict=True)]


def _moved(at: XY, by: Sequence[float], most: float) -> XY:
    far = hypot(by[0], by[1])
    share = min(far, most) / far if far else 0.0
    return at[0] + by[0] * share, at[1] + by[1] * share


def _fitted(place_of: list[XY]) -> list[XY]:
    """The same, as large as the frame allows."""
    left, right = min(x for x, _ in place_of), max(x for x, _ in place_of)
    top, bottom = min(y for _, y in place_of), max(y for _, y in place_of)
    scale = 2 * _SIZE * 0.94 / max(right - left, bottom - top, 1.0)
    return [((x - (left + right) / 2) * scale, (y - (top + bottom) / 2) * scale) for x, y in place_of]


def _in_rings(ids: Sequence[str], edges: Sequence[Edge], centre: str) -> dict[str, XY]:
    """Rings by distance; each node of the outer ring stands by the one that it is reached from."""
    depth, parent = _reached(ids, edges, centre)
    at = {centre: (0.0, 0.0)}
    first = sorted((i for i in ids if depth.get(i) == 1), key=lambda i: -sum(1 for p in parent.values() if p == i))
    children = {one: [i for i in ids if parent.get(i) == one] for one in first}
    share = {one: 1 + len(children[one]) for one in first}
    turn = -pi / 2
    for one in first:
        width = tau * share[one] / max(sum(share.values()), 1)
        at[one] = _polar(_RADII[1], turn + width / 2)
        for number, child in enumerate(children[one]):
            at[child] = _polar(_RADII[2], turn + width * (number + 0.5) / len(children[one]))
        turn += width
    left = [i for i in ids if i not in at]
    at.update({i: _polar(_RADII[3], tau * number / len(left)) for number, i in enumerate(left)})
    return at


def _reached(ids: Sequence[str], edges: Sequence[Edge], centre: str) -> tuple[dict[str, int], dict[str, str]]:
    """How many ties away each node is, and over which it is reached."""
    neighbours: dict[str, list[str]] = {i: [] for i in ids}
    for edge in edges:
        neighbours[edge.source].append(edge.target)
        neighbours[edge.target].append(edge.source)
    depth, parent, ring = {centre: 0}, dict[str, str](), [centre]
    while ring:
        beyond = []
        for one in ring:
            for other in neighbours[one]:
                if other not in depth:
                    depth[other], parent[other] = depth[one] + 1, one
                    beyond.append(other)
        ring = beyond
    return depth, parent


def _polar(radius: float, angle: float) -> XY:
    return radius * cos(angle), radius * sin(angle)
