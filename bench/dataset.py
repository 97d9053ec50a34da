"""The made-up world on disk: a release for citygraph and native oxigraph, N-Triples for those who read a file."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from pyoxigraph import DefaultGraph, RdfFormat

from bench import generator, names
from bench.generator import World, merged, quads
from citygraph.errors import NotFound
from citygraph.products.catalog import graph_counts
from citygraph.release import Manifest, Release, Releases
from citygraph.search import write_index

# The environment variable that tells rdflib-endpoint which file to hold.
TRIPLES = "BENCH_TRIPLES"


def find_or_write(folder: Path, world: World) -> Release:
    """The release of this world in `folder`, written now unless it is there from a run before."""
    releases = Releases(folder / f"{world.size}-{world.seed}")
    try:
        current = releases.current()
    except NotFound:
        return write(releases, world)
    return current if current.manifest.digest == _digest(world) else write(releases, world)


def write(releases: Releases, world: World) -> Release:
    """Publish the world as the current release; nothing is validated."""
    with releases.stage() as staged:
        store = staged.open()
        store.bulk_extend(merged(quads(world)))
        store.optimize()
        write_index(store, staged.path / "search.sqlite")
        graphs = graph_counts(store)
        total = len(store)
        manifest = Manifest(
            digest=_digest(world),
            quads=total,
            triples=total - sum(graphs.values()),
            graphs=graphs,
            message=f"generated: {world.size} cities, seed {world.seed}",
        )
        del store  # the staged release must hold the last reference, so that publishing closes the store
        return staged.publish(manifest)


def write_default_graph(release: Release) -> Path:
    """The release's default graph as N-Triples, beside the release; kept for the next run.

    The default graph alone is what the mix asks, and a peer that holds it in memory has less to load.
    """
    path = release.path.parent / f"{release.id}.nt"
    if not path.exists():
        partial = path.with_suffix(".partial")
        release.open_store().dump(str(partial), format=RdfFormat.N_TRIPLES, from_graph=DefaultGraph())
        partial.rename(path)
    return path


def _digest(world: World) -> str:
    """A name for the world's quads that costs nothing: what they are made of, and by which code."""
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in (generator, names))
    return sha256(code + f"{world.size} {world.seed}".encode()).hexdigest()
