"""The indexes that the threads of this process hold open: one connection per thread and release."""

from __future__ import annotations

import threading
from collections import OrderedDict

from citygraph.reconciliation.lookup import Lookup
from citygraph.release import Release

_HELD = 2  # by each thread; a file is opened again in no time


class Lookups:
    """Indexes by release, for the thread that asks."""

    def __init__(self) -> None:
        self._local = threading.local()

    def of(self, release: Release) -> Lookup:
        """The index of a release. Raises NotFound if it has none that can be read."""
        held: OrderedDict[str, Lookup] | None = getattr(self._local, "held", None)
        if held is None:
            held = self._local.held = OrderedDict()
        found = held.get(release.id)
        if found is None:
            found = held[release.id] = Lookup(release.path / "search.sqlite")
        held.move_to_end(release.id)
        while len(held) > _HELD:
            held.popitem(last=False)[1].close()
        return found
