"""The made-up world on disk: a release for citygraph and native oxigraph, N-Triples for those who read a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TypeVar

from pyoxigraph import DefaultGraph, NamedNode, Quad, RdfFormat, Store, Triple

from bench import generator, names
from bench.generator import World, merged, quads
from citygraph.build.catalog import describe, graph_counts
from citygraph.errors import NotFound
from citygraph.index.facts import StoredQuads
from citygraph.index.names import write_index
from citygraph.rdf.nquads import SortedLines
from citygraph.rdf.terms import CATALOG_GRAPH, DERIVED_GRAPH, ID, PREFIXES
from citygraph.release.releases import Manifest, Release, Releases
from citygraph.source.files import Sources
from citygraph.source.rules import Rule, read_rules
from citygraph.sparql.statistics import Statistics, counted, write_statistics

# The environment variable that tells rdflib-endpoint which file to hold.
TRIPLES = "BENCH_TRIPLES"
# What the names of entities and items begin with.
_OWN = re.compile(rf"^(?:{re.escape(ID)}[a-z]+/|{re.escape(PREFIXES['wd'])}Q)")
T = TypeVar("T")
# Without names agreements and tenures break the shapes; without ties no place has partners.
NEEDED = ("03-twinned-with.rq", "04-agreement-labels.rq", "05-tenure-labels.rq")


def find_or_write(folder: Path, world: World) -> Release:
    """The release of this world in `folder`, written now unless it is there from a run before."""
    releases = Releases(folder / f"{world.size}-{world.seed}")
    try:
        current = releases.current()
    except NotFound:
        return write(releases, world)
    return current if current.manifest.digest == digest(world) else write(releases, world)


def write(releases: Releases, world: World) -> Release:
    """Publish the world as the current release; nothing is validated."""
    with releases.stage() as staged:
        store = staged.open()
        store.bulk_extend(merged(quads(world)))
        store.optimize()
        write_index(StoredQuads(store), staged.path / "search.sqlite")
        _count(store, staged.path)
        graphs = graph_counts(store)
        total = len(store)
        manifest = Manifest(
            digest=digest(world),
            quads=total,
            triples=total - sum(graphs.values()),
            graphs=graphs,
            message=f"generated: {world.size} cities, seed {world.seed}",
        )
        del store  # the staged release must hold the last reference, so that publishing closes the store
        return staged.publish(manifest)


def find_or_write_empty(folder: Path, world: World, copies: int = 1) -> Release:
    """A release without statements and with the digest of a world, which is in a SPARQL store alone, in copies."""
    releases = Releases(folder / "empty")
    try:
        return releases.current()
    except NotFound:
        pass
    with releases.stage() as staged:
        write_index(StoredQuads(staged.open()), staged.path / "search.sqlite")
        _count(staged.open(), staged.path)
        message = f"without statements: {world.size} cities, {copies} times"
        return staged.publish(Manifest(digest=digest(world), message=message))


def copied(statements: Callable[[], Iterable[Quad]], copies: int) -> Iterator[Quad]:
    """The statements of a world, then of others like it, whose entities and items have names of their own."""
    yield from statements()
    for number in range(2, copies + 1):
        for quad in statements():
            # The sources are the same in each world.
            if quad.graph_name != CATALOG_GRAPH:
                subject, value = _renamed(quad.subject, number), _renamed(quad.object, number)
                yield Quad(subject, quad.predicate, value, quad.graph_name)


def _renamed(term: T, number: int) -> T:
    if not isinstance(term, NamedNode):
        return term
    return type(term)(_OWN.sub(rf"\g<0>{number}", term.value))


def distinct(statements: Iterable[Quad]) -> Iterator[Quad]:
    """Yields the triples of a world, each once: the generator yields all statements about a subject together."""
    subject, said = None, set[Triple]()
    for quad in statements:
        if quad.subject != subject:
            subject = quad.subject
            said.clear()
        if quad.triple not in said:
            said.add(quad.triple)
            yield quad


def find_or_write_described(folder: Path, world: World, sources: Sources) -> Release:
    """Returns the world as after a build: with ontology and shapes, derived statements, and its description."""
    rules = read_rules(sources.rule_files())
    releases = Releases(folder / f"described-{world.size}-{world.seed}-{len(rules)}")
    try:
        return releases.current()
    except NotFound:
        pass
    with releases.stage() as staged:
        store = staged.open()
        files = (*sources.ontology_files(), *sources.shape_files())
        stated = (quad for quad in quads(world) if quad.graph_name != DERIVED_GRAPH)
        store.bulk_extend(chain((quad for file in files for quad in file.read()), merged(stated)))
        _conclude(store, rules)
        catalog = [quad for file in sources.data_files() if file.graph == CATALOG_GRAPH for quad in file.read()]
        store.extend(merged(catalog))
        store.optimize()
        describe(store)
        write_index(StoredQuads(store), staged.path / "search.sqlite")
        _count(store, staged.path)
        counts = graph_counts(store)
        triples_ = len(store) - sum(counts.values())
        message = f"generated: {world.size} cities, seed {world.seed}"
        manifest = Manifest(
            digest=digest(world), quads=sum(counts.values()), triples=triples_, graphs=counts, message=message
        )
        del store
        return staged.publish(manifest)


def _count(store: Store, release: Path) -> None:
    """Write the statistics of the default graph, as a build does while it writes the dumps."""
    statistics, lines = Statistics(), SortedLines(release)
    for quad in store.quads_for_pattern(None, None, None, DefaultGraph()):
        lines.add([f"{quad.triple} .\n"])
    for _ in counted(lines, statistics):
        pass
    lines.close()
    write_statistics(statistics, release)


def _conclude(store: Store, rules: Iterable[Rule]) -> None:
    """Run the rules on a store on the disk. (A result that somebody keeps would keep the store open.)"""
    for rule in rules:
        result = store.query(rule.text, prefixes=dict(PREFIXES))
        triples = (Quad(triple.subject, triple.predicate, triple.object) for triple in result)  # type: ignore[union-attr]
        new = [quad for quad in triples if quad not in store]
        store.bulk_extend(chain(new, (Quad(q.subject, q.predicate, q.object, DERIVED_GRAPH) for q in new)))


def rules_of(folder: Path, ontology: Path, wanted: Sequence[str]) -> Path:
    """The ontology with these rules only; with none named, with all."""
    kept = folder / f"ontology-{len(wanted) or 'all'}"
    for path in ontology.rglob("*"):
        if path.is_file() and (path.parent.name != "rules" or not wanted or path.name in wanted):
            target = kept / path.relative_to(ontology)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return kept


def write_default_graph(release: Release) -> Path:
    """Writes the release's default graph as N-Triples next to the release; it is kept for the next run.

    The queries need only the default graph, and a peer that holds it in memory has less to load.
    """
    path = release.path.parent / f"{release.id}.nt"
    if not path.exists():
        partial = path.with_suffix(".partial")
        release.open_store().dump(str(partial), format=RdfFormat.N_TRIPLES, from_graph=DefaultGraph())
        partial.rename(path)
    return path


def digest(world: World) -> str:
    """Returns a cheap name of the world's quads, made from their parameters and the code."""
    code = b"".join(Path(str(module.__file__)).read_bytes() for module in (generator, names))
    return sha256(code + f"{world.size} {world.seed}".encode()).hexdigest()
