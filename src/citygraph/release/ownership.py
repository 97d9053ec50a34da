"""Ownership of graphs: each is made by the server, owned by a file, or owned by the API.

A check is a function that is called for each graph before it is changed, and raises if it must not be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, parse

from citygraph.errors import Conflict, Forbidden, UsageError, WrongGraph
from citygraph.rdf.delta import Graph
from citygraph.rdf.terms import BASE, CATALOG_GRAPH, DERIVED_GRAPH, ONTOLOGY_GRAPH, SHAPES_GRAPH, base_pattern
from citygraph.release.releases import Manifest, Release

GraphCheck = Callable[[Graph], None]

# Graphs that the server makes, each with the reason for which it cannot be written to.
_MADE_BY_SERVER = {
    DERIVED_GRAPH: "it has the statements that rules derive from the other graphs",
    ONTOLOGY_GRAPH: "it is made from the files in ontology/",
    SHAPES_GRAPH: "it is made from the files in ontology/shapes/",
    CATALOG_GRAPH: "it describes the other graphs, and is kept in data/catalog.ttl",
}


def owner_check(manifest: Manifest, prefixes: Collection[str]) -> GraphCheck:
    """Returns the check for an author who may write to graphs whose IRIs begin with one of the prefixes.

    It raises Forbidden for the default graph, for graphs that the server makes and for graphs outside the prefixes,
    Conflict for a graph that a file owns.
    """

    def check(graph: Graph) -> None:
        if isinstance(graph, DefaultGraph):
            raise Forbidden(
                "the default graph is derived: it is the merge of the named graphs; write to one of those",
                construct="the default graph",
            )
        if graph in _MADE_BY_SERVER:
            raise Forbidden(f"{graph} cannot be written to: {_MADE_BY_SERVER[graph]}", construct=graph.value)
        if owner := manifest.owners.get(graph.value):
            raise Conflict(f"{graph} is kept in the file {owner}: change it there and build, or write to another graph")
        prefix_check(prefixes)(graph)

    return check


def prefix_check(prefixes: Collection[str]) -> GraphCheck:
    """Returns the check of a server with open writes: it raises Forbidden for a graph outside the prefixes."""

    def check(graph: Graph) -> None:
        name = "" if isinstance(graph, DefaultGraph) else graph.value
        if not any(name.startswith(prefix) for prefix in prefixes):
            raise Forbidden(f"this token may not write to {graph}", construct=name, allowed=tuple(prefixes))

    return check


def single_graph_check(name: str, other_check: GraphCheck) -> GraphCheck:
    """Returns the check for an update that was sent to one graph: it raises WrongGraph for every other."""

    def check(graph: Graph) -> None:
        if graph != NamedNode(name):
            raise WrongGraph(f"the update was sent to <{name}> and would change {graph}: send it to /update")
        other_check(graph)

    return check


def base_of(manifest: Manifest) -> str:
    """Returns the base of a release. It is another one than that of the instance from `citygraph rebase` to a build."""
    ontology = ONTOLOGY_GRAPH.value.removeprefix(BASE)
    if ONTOLOGY_GRAPH.value in manifest.graphs:
        return BASE
    return next((graph.removesuffix(ontology) for graph in manifest.graphs if graph.endswith(f"/{ontology}")), BASE)


def base_problem(release: Release) -> str:
    """Returns a sentence about a release with another base than that of the instance, else an empty string."""
    if (base := base_of(release.manifest)) == BASE:
        return ""
    return (
        f"the release {release.id} has the base {base}, and the instance has the base {BASE}: "
        "make a release with `citygraph build`"
    )


def require_base(release: Release) -> None:
    """Raises UsageError for a release with another base than that of the instance."""
    if problem := base_problem(release):
        raise UsageError(problem)


def api_graphs(manifest: Manifest) -> list[str]:
    """Returns the IRIs of the graphs that the API owns, sorted: those that neither a file nor the server makes."""
    base = base_of(manifest)
    of_server = {base + graph.value.removeprefix(BASE) for graph in _MADE_BY_SERVER}
    return sorted(graph for graph in manifest.graphs if graph not in of_server and graph not in manifest.owners)


def carried_graphs(manifest: Manifest) -> dict[str, str]:
    """Returns the IRIs of the graphs that the API owns, each with its IRI under the base of the instance."""
    pattern = base_pattern(base_of(manifest), BASE)
    return {graph: pattern.sub(BASE, graph) for graph in api_graphs(manifest)}


def carried_forward(parent: Release, owners: Collection[str]) -> Iterator[Quad]:
    """Yields the quads that a build takes over from its parent: of graphs that the API owns and no file fills now.

    They get the base of the instance, as the files got it from `citygraph rebase`.
    """
    for graph, name in carried_graphs(parent.manifest).items():
        # A graph that was exported into a file belongs to the file from then on.
        if name not in owners:
            yield from carried_quads(parent, graph)


def carried_quads(parent: Release, graph: str) -> Iterable[Quad]:
    """Returns the quads of a graph of the parent, with the base of the instance."""
    quads = parent.open_store().quads_for_pattern(None, None, None, NamedNode(graph))
    if (base := base_of(parent.manifest)) == BASE:
        return quads
    pattern = base_pattern(base, BASE)
    text = "".join(f"{quad} .\n" for quad in quads)
    return parse(pattern.sub(BASE, text).encode(), RdfFormat.N_QUADS)
