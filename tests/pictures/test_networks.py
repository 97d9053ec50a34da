"""Networks of a result: names never cover each other, and those with the most links are shown first."""

from __future__ import annotations

import re

import pytest

from citygraph.charts.label_placement import Box, width
from citygraph.charts.node_link import NetworkNode, node_link
from citygraph.charts.svg import Caption

CAPTION = Caption("Network", "Links", "en")
_NAME = re.compile(r"<text [^>]*>[^<]*</text>")


def star(count: int) -> tuple[list[NetworkNode], list[tuple[str, str]]]:
    """A node in the middle with links to all others, each of which has a link to the next but one."""
    nodes = [NetworkNode(f"n{number}", f"Kraşemhisar {number}", href=f"/n{number}") for number in range(count)]
    around = [(f"n{number}", f"n{number + 2}") for number in range(1, count - 2)]
    return nodes, [*((nodes[0].id, one.id) for one in nodes[1:]), *around]


def boxes(svg: str) -> list[tuple[str, Box]]:
    """The names with their extents."""
    found = []
    for text in _NAME.findall(svg):
        at = dict(re.findall(r'([\w-]+)="([^"]*)"', text))
        name = text.partition(">")[2].removesuffix("</text>")
        x, y, long = float(at["x"]), float(at["y"]), width(name)
        left = {"start": x, "middle": x - long / 2, "end": x - long}[at["text-anchor"]]
        found.append((name, Box(left, y - 10, left + long, y + 2)))
    return found


@pytest.mark.parametrize("count", [3, 40, 150])
def test_no_name_covers_another(count: int) -> None:
    """In a dense network names are left out; each is still the title of its node."""
    svg = node_link(*star(count), CAPTION)
    placed = boxes(svg)
    overlaps = [(one, other) for one, a in placed for other, b in placed if one < other and a.meets(b)]
    assert overlaps == []
    assert svg.count("<title>Kraşemhisar ") == count
    # The node with the most links chooses first.
    assert placed[0][0] == "Kraşemhisar 0"
    assert len(placed) == count if count < 10 else len(placed) > count / 3


def test_a_long_name_fills_its_box() -> None:
    """Of a node at the left, the name may cross the whole box of its part of the network."""
    long = "Association of Ukrainian Women in the Aegean"
    nodes = [NetworkNode("a", long), NetworkNode("b", long), NetworkNode("c", "İzmir")]
    names = [name for name, _ in boxes(node_link(nodes, [("a", "c"), ("b", "c")], CAPTION))]
    assert any(len(name) > 30 for name in names)
