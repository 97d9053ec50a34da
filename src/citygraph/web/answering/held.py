"""The current release's store in memory: read once, then kept current by the patches of commits."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Protocol

from pyoxigraph import RdfFormat, Store

from citygraph.products.lines import apply_patch, patched
from citygraph.release import Release

log = logging.getLogger(__name__)

_LONGEST_CHAIN = 50  # commits, beyond which a release is read anew


class Holder(Protocol):
    """An open release that may have a copy of its store in memory to read from."""

    release: Release
    store: Store

    def read_from(self, store: Store) -> None:
        """Read from this store from now on: its own, or a copy."""
        ...


class Held:
    """At most one store in memory, of the release that was asked for last; what reads it is told apart by request."""

    def __init__(self) -> None:
        self._readers: set[object] = set()
        self._change = threading.Condition()
        self._wanted: Holder | None = None
        self._busy = False
        # What is in memory; only the thread at work touches it.
        self._kept: tuple[Holder, Store] | None = None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """While a request is answered: a store that it may be reading does not change meanwhile."""
        reader = object()
        with self._change:
            self._readers.add(reader)
        try:
            yield
        finally:
            with self._change:
                self._readers.discard(reader)
                self._change.notify_all()

    def want(self, holder: Holder) -> None:
        """Have this release's store in memory soon, behind the requests for it."""
        with self._change:
            self._wanted = holder
            if self._busy:
                return
            self._busy = True
        threading.Thread(target=self._work, name="held", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._change:
                holder, self._wanted = self._wanted, None
                if holder is None:
                    self._busy = False
                    return
            try:
                self._hold(holder)
            except Exception:
                # It is read from the disk then, which is slower and no less right.
                log.exception("%s could not be read into memory", holder.release.id)
                self._kept = None

    def _hold(self, holder: Holder) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept[0].read_from(kept[0].store)
            self._let_readers_end()
        way = _way(kept[0].release.path.name, holder.release.path) if kept is not None else None
        if kept is not None and way is not None:
            store = kept[1]
            for folder in way:
                apply_patch(folder, store)
        else:
            store = _in_memory(holder.store)
        holder.read_from(store)
        self._kept = holder, store

    def _let_readers_end(self) -> None:
        """Wait for the requests that began before now: one of them may hold the store."""
        with self._change:
            before = set(self._readers)
            self._change.wait_for(lambda: not before & self._readers)


def _way(held: str, wanted: Path) -> list[Path] | None:
    """The releases by whose patches one leads to the other; None if there are none."""
    way: list[Path] = []
    for folder, parent in islice(patched(wanted), _LONGEST_CHAIN):
        way.insert(0, folder)
        if parent == held:
            return way
    return None


def _in_memory(store: Store) -> Store:
    """A copy, from which an entity is looked up several times faster than from the disk."""
    copy = Store()
    with tempfile.TemporaryFile(prefix="citygraph-") as file:
        store.dump(file, RdfFormat.N_QUADS)
        file.seek(0)
        copy.bulk_load(file, RdfFormat.N_QUADS, lenient=True)
    return copy
