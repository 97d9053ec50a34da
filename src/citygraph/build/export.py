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
from citygraph.errors import Conflict, NotFound
from citygraph.rdf.terms import BASE, CATALOG_GRAPH, COMMON_GRAPHS, PREFIXES, RDF, split_iri
from citygraph.release.outputs import OutputFile
from citygraph.release.ownership import api_graphs
from citygraph.release.releases import Manifest, Release
from citygraph.saving import replace_text
from citygraph.source.files import SourceFile, Sources

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
    lines += ["", f"GRAPH {_term_text(graph)} {{"] if in_block else []
    for subject, about in groupby(sorted(quads, key=_order), key=lambda quad: quad.subject):
        lines += ["", *_block(_term_text(subject), list(about))]
    return "\n".join([*lines, *(["}"] if in_block else []), ""])


def _block(subject: str, quads: list[Quad]) -> list[str]:
    lines = [f"    {subject}"]
    for number, quad in enumerate(quads, 1):
        end = " ." if number == len(quads) else " ;"
        predicate = "a" if quad.predicate == _TYPE else _term_text(quad.predicate)
        lines.append(f"        {predicate} {_term_text(quad.object)}{end}")
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


def _term_text(term: object) -> str:
    if isinstance(term, NamedNode):
        prefix = _prefix_of(term)
        return f"{prefix}:{term.value.removeprefix(PREFIXES[prefix])}" if prefix else str(term)
    if isinstance(term, Literal) and not term.language and _prefix_of(term.datatype) == "xsd":
        quoted = str(Literal(term.value))
        return quoted if term.datatype.value.endswith("#string") else f"{quoted}^^{_term_text(term.datatype)}"
    if isinstance(term, DefaultGraph):
        return "DEFAULT"
    return str(term)


_PLAIN = re.compile(f"{re.escape(BASE)}(?:graph|source)/([A-Za-z0-9][A-Za-z0-9_-]*)")
_ODD = re.compile(r"[^A-Za-z0-9_-]+")


def adoptable(manifest: Manifest) -> list[str]:
    """Returns the graphs that files can hold, sorted: those that files own, and those of the API."""
    return sorted({*manifest.owners, *api_graphs(manifest)})


def adopt(
    graphs: Iterable[str],
    release: Release,
    folder: Path,
    tables: Collection[OutputFile] = (),
    owners: Collection[str] = (),
) -> list[Path]:
    """Writes graphs of a release into files of a folder such as data/, and returns the paths of the written files.

    A graph that a file of the folder fills goes into that file. Such a file is written only if its statements differ
    and an earlier export wrote it; a file with a graph of `owners`, the graphs that files own now, never is. Raises
    Conflict for a file that would have to be changed nevertheless, NotFound for a graph that no file can hold.
    Nothing is written in these cases.
    """
    target = _TargetFolder(folder, release, tables, owners)
    texts: dict[Path, str] = {}
    for path in dict.fromkeys([target.path_of(graph) for graph in graphs]):
        text = target.new_text(path)
        if text:  # a graph may be empty, which a file cannot express
            texts[path] = text
    # All texts are ready before the first file is changed.
    for path, text in texts.items():
        replace_text(path, text)
    return list(texts)


class _TargetFolder:
    """A folder to export to: its files, and the graphs that each file fills or will hold."""

    def __init__(self, folder: Path, release: Release, tables: Collection[OutputFile], owners: Collection[str]) -> None:
        self._folder = folder
        self._release = release
        self._store = release.open_store()
        self._tables = tables
        self._owners = {*owners, *release.manifest.owners}
        # The name of the folder is part of the names of its files, also for "." and "data/".
        self._files = {file.path: file for file in Sources(folder.resolve(), folder).data_files()}
        self._graphs = {path: self._filled(file) for path, file in self._files.items()}
        self._paths = {graph: path for path, graphs in self._graphs.items() for graph in graphs}

    def path_of(self, graph: str) -> Path:
        """Returns the file that fills a graph, or the file to write for it."""
        if graph not in self._paths:
            name, together = _file_of(graph, _files(self._release.manifest))
            path = self._folder.resolve() / name
            if path in self._files and graph not in self._owners:
                path = path.with_name(_hashed_name(graph))
            if path in self._files:
                raise Conflict(
                    f"{path} is there already and does not hold <{graph}>: rename it, or choose a new folder"
                )
            self._graphs[path] = [one for one in together if one not in self._paths]
            self._paths.update(dict.fromkeys(self._graphs[path], path))
        return self._paths[graph]

    def new_text(self, path: Path) -> str:
        """Returns the text to write to a file; "" if it needs no change. Raises Conflict if it must not be changed."""
        graphs = [NamedNode(graph) for graph in self._graphs[path]]
        contents = [(graph, quads_of(graph, self._store, self._tables)) for graph in graphs]
        new = _text(contents, path)
        file = self._files.get(path)
        if file is None:
            return new
        if self._is_of_release(file):
            return ""
        # In a store, because a release has literals as a store normalises them.
        stored = Store()
        stored.extend(file.read())
        if set(stored) == {quad for _, quads in contents for quad in quads}:
            return ""
        owned = [graph.value for graph in graphs if graph.value in self._owners]
        own = [(graph, list(stored.quads_for_pattern(None, None, None, graph))) for graph in graphs]
        if owned or path.read_bytes() != _text(own, path).encode():
            raise Conflict(
                f"{path} has other statements than release {self._release.id}, and is not a file that an export wrote: "
                "nothing was written; build it, or move it away"
            )
        return new

    def _filled(self, file: SourceFile) -> list[str]:
        if self._is_of_release(file):
            return sorted(graph for graph, owner in self._release.manifest.owners.items() if owner == file.name)
        if file.graph is None and not file.format.supports_datasets:
            return []  # its statements would be in no graph, which a build reports
        return sorted({quad.graph_name.value for quad in file.read() if isinstance(quad.graph_name, NamedNode)})

    def _is_of_release(self, file: SourceFile) -> bool:
        return self._release.manifest.files.get(file.name) == file.sha256()


def _text(contents: Iterable[tuple[NamedNode, list[Quad]]], path: Path) -> str:
    return "\n".join(export_quads(graph, quads, path.suffix != ".ttl") for graph, quads in contents if quads)


def quads_of(graph: NamedNode, store: Store, tables: Collection[OutputFile]) -> list[Quad]:
    """Returns the quads to write for a graph; for the catalogue, only those that the build does not compute."""
    quads = list(store.quads_for_pattern(None, None, None, graph))
    if graph != CATALOG_GRAPH:
        return quads
    computed = set(described(store, list(tables)))
    return [quad for quad in quads if quad not in computed]


def _files(manifest: Manifest) -> dict[str, list[str]]:
    """Returns the graphs by name of the file that will hold them."""
    files: dict[str, list[str]] = defaultdict(list)
    for graph, owner in sorted(manifest.owners.items()):
        name = _in_folder(owner)
        if NamedNode(graph) in COMMON_GRAPHS and PurePosixPath(name).stem != graph.rpartition("/")[2]:
            # Its statements are in several files, of which the owner is only the first.
            name = _new_name(graph, ())
        files[name].append(graph)
    for graph in api_graphs(manifest):
        files[_new_name(graph, files)].append(graph)
    return files


def _file_of(graph: str, files: dict[str, list[str]]) -> tuple[str, list[str]]:
    """Returns the file that will hold a graph, and all graphs in it."""
    for name, graphs in files.items():
        if graph in graphs:
            return name, graphs
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
    return _hashed_name(graph)


def _hashed_name(graph: str) -> str:
    # The hash keeps names apart whose readable parts are equal.
    tail = _ODD.sub("-", graph.rpartition("/")[2])[:40].strip("-")
    return f"{tail or 'graph'}-{hashlib.sha256(graph.encode()).hexdigest()[:8]}.trig"
