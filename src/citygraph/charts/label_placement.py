"""Label placement: positions for names that overlap nothing. Important names choose first; others may be left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import cos, pi, sin
from typing import NamedTuple

_LETTER = 6.3  # the mean width of a letter at a size of 12 units, on the generous side
_HEIGHT = 14.0
_GAP = 3.0
_AROUND = 16  # directions that are tried with a leader line
_LEADERS = (22.0, 34.0, 48.0, 64.0)  # and how far out
_DIRECTIONS = tuple((cos(step * 2 * pi / _AROUND), sin(step * 2 * pi / _AROUND)) for step in range(_AROUND))


class Box(NamedTuple):
    """A rectangle of the drawing."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Returns whether the two overlap."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def is_within(self, other: Box) -> bool:
        """Returns whether it lies completely inside the other."""
        return (
            self.left >= other.left
            and self.right <= other.right
            and self.top >= other.top
            and self.bottom <= other.bottom
        )


class LabelPosition(NamedTuple):
    """The position of a name: a point of its baseline, the text anchor, and the end of its leader line if any."""

    x: float
    y: float
    anchor: str  # "start", "middle" or "end"
    leader: tuple[float, float] | None = None


def place_labels(
    marks: Sequence[tuple[float, float, float, str]], frame: Box, occupied: Iterable[Box] = ()
) -> list[LabelPosition | None]:
    """Returns a position for the name of each mark (x, y, radius of the mark, name), or None; the first marks choose
    first.

    No name overlaps another, a mark, or an `occupied` box, and all lie within the frame.
    """
    # A grid, because comparing each candidate with every other name is quadratic.
    grid = _Grid([*occupied, *(Box(x - r, y - r, x + r, y + r) for x, y, r, _ in marks)])
    positions: list[LabelPosition | None] = []
    for x, y, r, name in marks:
        position = None
        for box, candidate in _candidates(x, y, r, name) if name else ():
            if box.is_within(frame) and grid.is_free(box):
                grid.add(box)
                position = candidate
                break
        positions.append(position)
    return positions


def width(text: str) -> float:
    """Returns the approximate width of a name at the size of names on maps."""
    return len(text) * _LETTER


class _Grid:
    """A spatial index of boxes."""

    _CELL = 40.0

    def __init__(self, boxes: Iterable[Box]) -> None:
        self._cells: dict[tuple[int, int], list[Box]] = {}
        for box in boxes:
            self.add(box)

    def add(self, box: Box) -> None:
        for cell in self._cells_of(box):
            self._cells.setdefault(cell, []).append(box)

    def is_free(self, box: Box) -> bool:
        left, top, right, bottom = box
        for cell in self._cells_of(box):
            # Unpacked, because a crowded map compares a hundred thousand pairs.
            for other_left, other_top, other_right, other_bottom in self._cells.get(cell, ()):
                if left < other_right and other_left < right and top < other_bottom and other_top < bottom:
                    return False
        return True

    def _cells_of(self, box: Box) -> list[tuple[int, int]]:
        columns = range(int(box.left // self._CELL), int(box.right // self._CELL) + 1)
        rows = range(int(box.top // self._CELL), int(box.bottom // self._CELL) + 1)
        return [(column, row) for column in columns for row in rows]


def _candidates(x: float, y: float, r: float, name: str) -> Iterator[tuple[Box, LabelPosition]]:
    w, h, off = width(name), _HEIGHT, r + _GAP
    # Next to the mark first, then above and below, then diagonally, and with a leader line last.
    yield _right(x + off, y, w, h)
    yield _left(x - off, y, w, h)
    yield _centred(x, y - off - h / 2, w, h)
    yield _centred(x, y + off + h / 2, w, h)
    for dx, dy in ((off, -h / 2 - 1), (off, h / 2 + 1)):
        yield _right(x + dx, y + dy, w, h)
        yield _left(x - dx, y + dy, w, h)
    for far in _LEADERS:
        for east, south in _DIRECTIONS:
            px, py = x + far * east, y + far * south
            box, position = _right(px, py, w, h) if east >= 0 else _left(px, py, w, h)
            yield box, LabelPosition(position.x, position.y, position.anchor, (px, py))


def _right(x: float, y: float, w: float, h: float) -> tuple[Box, LabelPosition]:
    return Box(x, y - h / 2, x + w, y + h / 2), LabelPosition(x, y + h / 3.5, "start")


def _left(x: float, y: float, w: float, h: float) -> tuple[Box, LabelPosition]:
    return Box(x - w, y - h / 2, x, y + h / 2), LabelPosition(x, y + h / 3.5, "end")


def _centred(x: float, y: float, w: float, h: float) -> tuple[Box, LabelPosition]:
    return Box(x - w / 2, y - h / 2, x + w / 2, y + h / 2), LabelPosition(x, y + h / 3.5, "middle")
