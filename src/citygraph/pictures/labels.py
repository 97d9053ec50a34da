"""Names on a picture: each where nothing else stands, the weightier first; a name that finds no room is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

_LETTER = 6.3  # the mean width of a letter at 12 units, generously
_HEIGHT = 14.0
_GAP = 3.0
_AROUND = 16  # directions that are tried with a leader line
_LEADERS = (22.0, 34.0, 48.0, 64.0)  # and how far out


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two have room in common."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def is_within(self, other: Box) -> bool:
        """Whether it lies in the other, whole."""
        return (
            self.left >= other.left and self.right <= other.right
            and self.top >= other.top and self.bottom <= other.bottom
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a name stands: the point of its baseline, its anchor there, and where its leader line ends if any."""

    x: float
    y: float
    anchor: str  # "start", "middle" or "end"
    leader: tuple[float, float] | None = None


def place(
    marks: Sequence[tuple[float, float, float, str]], frame: Box, taken: Iterable[Box] = ()
) -> list[Placed | None]:
    """A place for the name of each mark (x, y, radius of the mark, name), or None; the first marks choose first.

    No name meets another, a mark, or what is `taken`, and all stand within the frame.
    """
    grid = _Grid([*taken, *(Box(x - r, y - r, x + r, y + r) for x, y, r, _ in marks)])
    found: list[Placed | None] = []
    for x, y, r, name in marks:
        placed = None
        for box, candidate in _candidates(x, y, r, name) if name else ():
            if box.is_within(frame) and grid.is_free(box):
                grid.add(box)
                placed = candidate
                break
        found.append(placed)
    return found


def width(text: str) -> float:
    """How wide a name is, about, at the size of names on maps."""
    return len(text) * _LETTER


class _Grid:
    """Boxes, found by where they are."""

    _CELL = 40.0

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._cells: dict[tuple[int, int], list[Box]] = {}
        for box in boxes:
            self.add(box)

    def add(self, box: Box) -> None:
        for cell in self._cells_of(box):
            self._cells.setdefault(cell, []).append(box)

    def is_free(self, box: Box) -> bool:
        return not any(box.meets(other) for cell in self._cells_of(box) for other in self._cells.get(cell, ()))

    def _cells_of(self, box: Box) -> Iterator[tuple[int, int]]:
        for column in range(int(box.left // self._CELL), int(box.right // self._CELL) + 1):
            for row in range(int(box.top // self._CELL), int(box.bottom // self._CELL) + 1):
                yield column, row


def _candidates(x: float, y: float, r: float, name: str) -> Iterator[tuple[Box, Placed]]:
    w, h, off = width(name), _HEIGHT, r + _GAP
    yield _right(x + off, y, w, h)
    yield _left(x - off, y, w, h)
    yield _centred(x, y - off - h / 2, w, h)
    yield _centred(x, y + off + h / 2, w, h)
    for dx, dy in ((off, -h / 2 - 1), (off, h / 2 + 1)):
        yield _right(x + dx, y + dy, w, h)
        yield _left(x - dx, y + dy, w, h)
    for far in _LEADERS:
        for step in range(_AROUND):
            angle = step * 2 * pi / _AROUND
            px, py = x + far * cos(angle), y + far * sin(angle)
            box, placed = _right(px, py, w, h) if cos(angle) >= 0 else _left(px, py, w, h)
            yield box, Placed(placed.x, placed.y, placed.anchor, (px, py))


def _right(x: float, y: float, w: float, h: float) -> tuple[Box, Placed]:
    return Box(x, y - h / 2, x + w, y + h / 2), Placed(x, y + h / 3.5, "start")


def _left(x: float, y: float, w: float, h: float) -> tuple[Box, Placed]:
    return Box(x - w, y - h / 2, x, y + h / 2), Placed(x, y + h / 3.5, "end")


def _centred(x: float, y: float, w: float, h: float) -> tuple[Box, Placed]:
    return Box(x - w / 2, y - h / 2, x + w / 2, y + h / 2), Placed(x, y + h / 3.5, "middle")
