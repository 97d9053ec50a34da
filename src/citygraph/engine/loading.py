"""An in-memory loader of releases, for a process that will fork and therefore must not open the store on disk."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
from pathlib import Path
from typing import Any

from pyoxigraph import NamedNode, RdfFormat, Store

from citygraph.parent import die_with_parent

log = logging.getLogger(__name__)


def load_into_memory(release: Path) -> Store:
    """Returns a copy of the release's store in memory. Raises OSError or SyntaxError if it cannot be read."""
    start = time.monotonic()
    store = _read(release) or _read(release)
    if store is None:
        raise OSError(f"the process that reads {release.name} was killed twice")
    have_graphs(store, release)
    log.info("%s: %d quads in memory after %.1f s", release.name, len(store), time.monotonic() - start)
    return store


def _read(release: Path) -> Store | None:
    """Returns a copy of the release's store in memory, or None if the process that reads it was killed."""
    parent = os.getpid()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        # A child opens the store on disk, because RocksDB starts threads, which the forks of its parent would not copy.
        die_with_parent(parent)
        os.close(reading)
        _dump(release, writing)
    os.close(writing)
    store = Store()
    try:
        store.bulk_load(path=f"/dev/fd/{reading}", format=RdfFormat.N_QUADS, lenient=True)
    except SyntaxError:
        # The process may have been killed in the middle of a line.
        if os.waitpid(pid, 0)[1] == signal.SIGKILL:
            return None
        raise
    finally:
        os.close(reading)
    status = os.waitpid(pid, 0)[1]
    if status == signal.SIGKILL:
        return None
    if status != 0:
        raise OSError(f"the store of {release.name} cannot be read")
    return store


def have_graphs(store: Store, release: Path) -> None:
    """Adds and removes named graphs until the store has exactly those of the release, including empty ones."""
    # N-Quads cannot express an empty graph, so the manifest is the source of the graph names.
    graphs = {NamedNode(name) for name in _manifest(release).get("graphs", {})}
    for graph in set(store.named_graphs()) - graphs if graphs else ():
        store.remove_graph(graph)
    for graph in graphs:
        store.add_graph(graph)


def _dump(release: Path, writing: int) -> None:
    """Writes the store's quads to a pipe, then exits the process."""
    status = 1
    try:
        with os.fdopen(writing, "wb") as pipe:
            Store.read_only(str(release / "store")).dump(pipe, RdfFormat.N_QUADS)
        status = 0
    except BaseException:
        log.exception("%s cannot be read", release.name)
    finally:
        # Not sys.exit(), which would run the cleanup of the parent's stack in this child.
        os._exit(status)


def _manifest(release: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    except OSError:
        return {}
    return manifest
