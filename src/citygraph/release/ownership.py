"""Who may write to which graph: a graph is made by the server, owned by a file, or owned by the API."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from pyoxigraph import DefaultGraph, NamedNode, Quad

from citygraph.errors import Conflict, Forbidden, WrongGraph
from citygraph.rdf.delta import Graph
from citygraph.rdf.terms import CATALOG_GRAPH, DERIVED_GRAPH, ONTOLOGY_GRAPH, SHAPES_GRAPH
from citygraph.release.releases import Manifest, Release

_MADE = {
    DERIVED_GRAPH: "it is what the rules derive from the other graphs",
    ONTOLOGY_GRAPH: "it is made from the files in ontology/",
    SHAPES_GRAPH: "it is made from the files in ontology/shapes/",
    CATALOG_GRAPH: "it describes the other graphs, and is kept in data/catalog.ttl",
}


def permission(manifest: Manifest, prefixes: Collection[str]) -> Callable[[Graph], None]:
    """What is asked for each graph before it is changed, by somebody who may write where a name begins so.

    It raises Forbidden for the default graph, for graphs that the server makes and for those beyond the prefixes,
    Conflict for a graph that a file owns.
    """

    def may_change(graph: Graph) -> None:
        if isinstance(graph, DefaultGraph):
            raise Forbidden(
                "the default graph is derived: it is the merge of the named graphs; write to one of those",
                construct="the default graph",
            )
        if graph in _MADE:
            raise Forbidden(f"{graph} is not to be written: {_MADE[graph]}", construct=graph.value)
        if owner := manifest.owners.get(graph.value):
            raise Conflict(f"{graph} is kept in the file {owner}: change it there and build, or write to another graph")
        within(prefixes)(graph)

    return may_change


def within(prefixes: Collection[str]) -> Callable[[Graph], None]:
    """The same for a server that is open: only the prefixes count."""

    def may_change(graph: Graph) -> None:
        name = "" if isinstance(graph, DefaultGraph) else graph.value
        if not any(name.startswith(prefix) for prefix in prefixes):
            raise Forbidden(f"this token may not write to {graph}", construct=name, allowed=tuple(prefixes))

    return may_change


def only(name: str, may_change: Callable[[Graph], None]) -> Callable[[Graph], None]:
    """The same for an update that was sent to one graph. It raises WrongGraph for every other."""

    def may_change_it(graph: Graph) -> None:
        if graph != NamedNode(name):
            raise WrongGraph(f"the update was sent to <{name}> and would change {graph}: send it to /update")
        may_change(graph)

    return may_change_it


def api_graphs(manifest: Manifest) -> list[str]:
    """The graphs that the API owns, by name: neither a file's nor made by the server."""
    made = {graph.value for graph in _MADE}
    return sorted(graph for graph in manifest.graphs if graph not in made and graph not in manifest.owners)


def carried_forward(parent: Release, owners: Collection[str]) -> Iterator[Quad]:
    """What a build takes over from the release before it: the graphs that the API owns and no file fills now."""
    store = parent.open_store()
    for graph in api_graphs(parent.manifest):
        if graph not in owners:
            yield from store.quads_for_pattern(None, None, None, NamedNode(graph))
