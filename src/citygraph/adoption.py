"""The graphs of a release as the files of which a build makes it again: each in the file that owns it, or in a new one.

So what was written over HTTP can be adopted into data/, reviewed, and kept there.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from pathlib import Path, PurePosixPath

from pyoxigraph import NamedNode, Quad, Store

from citygraph.errors import NotFound
from citygraph.export import export_quads
from citygraph.products.catalog import described
from citygraph.products.offers import Offer
from citygraph.release import Manifest, Release
from citygraph.terms import BASE, CATALOG_GRAPH
from citygraph.writing.ownership import api_graphs

_PLAIN = re.compile(f"{re.escape(BASE)}(?:graph|source)/([A-Za-z0-9][A-Za-z0-9_-]*)")
_ODD = re.compile(r"[^A-Za-z0-9_-]+")


def adoptable(manifest: Manifest) -> list[str]:
    """The graphs that files can hold, by name: those that files own, and those of the API."""
    return sorted({*manifest.owners, *api_graphs(manifest)})


def adopt(graphs: Iterable[str], release: Release, folder: Path, tables: Collection[Offer] = ()) -> list[Path]:
    """Write graphs into the files of a folder such as data/; answers which.

    A file is written whole: with all graphs that it owns. Raises NotFound for a graph that the release has not.
    """
    store, files = release.open_store(), _files(release.manifest)
    written = []
    for name in sorted({_file_of(graph, files) for graph in graphs}):
        found = [(NamedNode(graph), quads_of(NamedNode(graph), store, tables)) for graph in files[name]]
        path = folder / name
        texts = [export_quads(graph, quads, in_block=path.suffix != ".ttl") for graph, quads in found if quads]
        if texts:  # a graph may be empty, but no file can say that
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(texts), encoding="utf-8")
            written.append(path)
    return written


def quads_of(graph: NamedNode, store: Store, tables: Collection[Offer]) -> list[Quad]:
    """What a file has to say for a graph. Of the catalogue it is what the server does not say anyway."""
    quads = list(store.quads_for_pattern(None, None, None, graph))
    if graph != CATALOG_GRAPH:
        return quads
    made = set(described(store, list(tables)))
    return [quad for quad in quads if quad not in made]


def _files(manifest: Manifest) -> dict[str, list[str]]:
    """The graphs by the name of the file that is to hold them."""
    files: dict[str, list[str]] = defaultdict(list)
    for graph, owner in sorted(manifest.owners.items()):
        files[_in_folder(owner)].append(graph)
    for graph in api_graphs(manifest):
        files[_new_name(graph, files)].append(graph)
    return files


def _file_of(graph: str, files: dict[str, list[str]]) -> str:
    for name, graphs in files.items():
        if graph in graphs:
            return name
    raise NotFound(f"no graph <{graph}> in this release that a file could hold")


def _in_folder(owner: str) -> str:
    """The name of a file in its folder, which may be called otherwise now; what is written is not packed."""
    inside = PurePosixPath(*PurePosixPath(owner).parts[1:])
    return str(inside if inside.suffix in {".trig", ".ttl"} else PurePosixPath(str(inside).split(".")[0] + ".trig"))


def _new_name(graph: str, taken: Collection[str]) -> str:
    """A name that depends on the graph's alone, and leads nowhere else: graphs have any name that clients like."""
    plain = _PLAIN.fullmatch(graph)
    if plain and f"{plain[1]}.trig" not in taken:
        return f"{plain[1]}.trig"
    tail = _ODD.sub("-", graph.rpartition("/")[2])[:40].strip("-")
    return f"{tail or 'graph'}-{hashlib.sha256(graph.encode()).hexdigest()[:8]}.trig"
