"""The outlines of the land, as far as the front end was built: read once a process."""

from __future__ import annotations

from functools import cache

from citygraph.pictures.outlines import read_land
from citygraph.pictures.projection import Ring
from citygraph.web.answering.assets import BUILT, STATIC


@cache
def land() -> tuple[Ring, ...]:
    """The rings of the land; none where Node did not build the front end: maps then show rings and rays alone."""
    try:
        return read_land(STATIC / BUILT / "world" / "land-110m.json")
    except OSError:
        return ()
