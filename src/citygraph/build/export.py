"""Export of graphs as canonical TriG: sorted, one statement per line, so that two exports differ only where the data
does.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import groupby
from pathlib import Path, PurePosixPath

from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.build.catalog import described
from citygraph.errors import NotFound
from citygraph.rdf.terms import BASE, CATALOG_GRAPH, PREFIXES, RDF, split_iri
from citygraph.release.outputs import OutputFile
from citygraph.release.ownership import api_graphs
from citygraph.release.releases import Manifest, Release

_TYPE = RDF("type")
# Characters of local names that need no escapes in Turtle. Other IRIs are written in full.
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def export(store: Store, graph: NamedNode) -> str:
    """Returns the graph as TriG text that ends with a newline. Raises NotFound if the store has no such graph."""
    quads = list(store.quads_for_pattern(None, None, None, graph))
    if not quads:
        raise NotFound(f"no graph <{graph.value}> in this release")
    return export_quads(graph, quads)


def export_quads(graph: NamedNode, statements: Iterable[Quad], in_block: bool = True) -> str:
    """Returns the quads of one graph as TriG text; without the graph block it is Turtle."""
    quads = list(statements)
    lines = [f"@prefix {name}: <{iri}> ." for name, iri in sorted(_used_prefixes(quads).items())]
    lines += ["", f"GRAPH {_written(graph)} {{"] if in_block else []
    for subject, about in groupby(sorted(quads, key=_order), key=lambda quad: quad.subject):
        lines += ["", *_block(_written(subject), list(about))]
    return "\n".join([*lines, *(["}"] if in_block else []), ""])


def _block(subject: str, quads: list[Quad]) -> list[str]:
    lines = [f"    {subject}"]
    for number, quad in enumerate(quads, 1):
        end = " ." if number == len(quads) else " ;"
        predicate = "a" if quad.predicate == _TYPE else _written(quad.predicate)
        lines.append(f"        {predicate} {_written(quad.object)}{end}")
    return lines


def _order(quad: Quad) -> tuple[str, bool, str, str]:
    return (str(quad.subject), quad.predicate != _TYPE, quad.predicate.value, str(quad.object))


def _used_prefixes(quads: Iterable[Quad]) -> dict[str, str]:
    used: dict[str, str] = {}
    for quad in quads:
        for term in (quad.subject, quad.predicate, quad.object, quad.graph_name):
            node = term.datatype if isinstance(term, Literal) else term
            prefix = _prefix_of(node) if isinstance(node, NamedNode) else None
            if prefix:
                used[prefix] = PREFIXES[prefix]
    return used


def _prefix_of(node: NamedNode) -> str | None:
    prefix, local = split_iri(node.value)
    return prefix if prefix and _LOCAL.issuperset(local) and local[0] not in "-0123456789" else None


def _written(term: object) -> str:
    if isinstance(term, NamedNode):
        prefix = _prefix_of(term)
        return f"{prefix}:{term.value.removeprefix(PREFIXES[prefix])}" if prefix else str(term)
    if isinstance(term, Literal) and not term.language and _prefix_of(term.datatype) == "xsd":
        quoted = str(Literal(term.value))
        return quoted if term.datatype.value.endswith("#string") else f"{quoted}^^{_written(term.datatype)}"
    if isinstance(term, DefaultGraph):
        return "DEFAULT"
    return str(term)


_PLAIN = re.compile(f"{re.escape(BASE)}(?:graph|source)/([A-Za-z0-9][A-Za-z0-9_-]*)")
_ODD = re.compile(r"[^A-Za-z0-9_-]+")


def adoptable(manifest: Manifest) -> list[str]:
    """Returns the graphs that files can hold, sorted: those that files own, and those of the API."""
    return sorted({*manifest.owners, *api_graphs(manifest)})


def adopt(graphs: Iterable[str], release: Release, folder: Path, tables: Collection[OutputFile] = ()) -> list[Path]:
    """Writes graphs into the files of a folder such as data/, and returns their paths.

    A file is written with all graphs that it owns. Raises NotFound for a graph that the release does not have.
    """
    store, files = release.open_store(), _files(release.manifest)
    written = []
    for name in sorted({_file_of(graph, files) for graph in graphs}):
        contents = [(NamedNode(graph), quads_of(NamedNode(graph), store, tables)) for graph in files[name]]
        path = folder / name
        texts = [export_quads(graph, quads, in_block=path.suffix != ".ttl") for graph, quads in contents if quads]
        if texts:  # a graph may be empty, which a file cannot express
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(texts), encoding="utf-8")
            written.append(path)
    return written


def quads_of(graph: NamedNode, store: Store, tables: Collection[OutputFile]) -> list[Quad]:
    """Returns the quads to write for a graph. Those of the catalogue that the build computes are left out."""
    quads = list(store.quads_for_pattern(None, None, None, graph))
    if graph != CATALOG_GRAPH:
        return quads
    computed = set(described(store, list(tables)))
    return [quad for quad in quads if quad not in computed]


def _files(manifest: Manifest) -> dict[str, list[str]]:
    """Returns the graphs by name of the file that will hold them."""
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
    """Returns the name of a file relative to its folder, whose name may have changed; exported files are not
    compressed.
    """
    inside = PurePosixPath(*PurePosixPath(owner).parts[1:])
    return str(inside if inside.suffix in {".trig", ".ttl"} else PurePosixPath(str(inside).split(".")[0] + ".trig"))


def _new_name(graph: str, used: Collection[str]) -> str:
    """Returns a file name that depends only on the graph's IRI and cannot leave the folder: clients choose IRIs."""
    plain = _PLAIN.fullmatch(graph)
    # IRIs of our own scheme give readable file names.
    if plain and f"{plain[1]}.trig" not in used:
        return f"{plain[1]}.trig"
    # The hash keeps names apart whose readable parts are equal.
    tail = _ODD.sub("-", graph.rpartition("/")[2])[:40].strip("-")
    return f"{tail or 'graph'}-{hashlib.sha256(graph.encode()).hexdigest()[:8]}.trig"
