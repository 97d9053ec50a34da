"""The build of a release from files: load, derive, describe, validate, index, publish."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from pyoxigraph import Literal, NamedNode, Quad, Store

from citygraph import __version__
from citygraph.build.catalog import describe, graph_counts
from citygraph.build.graph_rules import GraphRules, with_graph_rules
from citygraph.build.locations import locate
from citygraph.build.products import Products, table_outputs, write_products
from citygraph.build.query_packs import check_heads, check_runs
from citygraph.build.store_writing import StoreWriting
from citygraph.build.validation import Validation, validate
from citygraph.errors import BadData, Conflict, Violations
from citygraph.index.names import write_index
from citygraph.progress import Progress
from citygraph.rdf.terms import COMMON_GRAPHS, DERIVED_GRAPH, ONTOLOGY_GRAPH, OWL, SHAPES_GRAPH
from citygraph.release.disk_room import require_room_for_build
from citygraph.release.format_version import FORMAT
from citygraph.release.ownership import api_graphs, carried_forward
from citygraph.release.releases import Manifest, Release, Releases
from citygraph.report import REPORT, Report, order, report_of
from citygraph.settings import Settings
from citygraph.source.files import SourceFile, Sources, extra_files
from citygraph.source.rules import derive_by_rule, read_rules

# How many times as large N-Quads are unpacked, roughly.
_PACKED = 15
_ONTOLOGY_VERSION = OWL("versionInfo")


@dataclass
class Loaded:
    """The result of loading: the owner of each graph, and the file of triples to validate."""

    merged: Path  # N-Triples of the data, exactly as written in the files
    owners: dict[str, str] = field(default_factory=dict)
    statements: int = 0
    files: int = 0


def build(
    sources: Sources,
    releases: Releases,
    progress: Progress,
    override_rollback: bool = False,
    notice: Callable[[str], None] = lambda _: None,
    most_in_memory: int = Settings.build_memory,
) -> tuple[Release, Report]:
    """Builds a release from the files in data/ and ontology/, and publishes it.

    Raises BadData for a file that cannot be read, Violations for data that violates the shapes, Conflict if another
    release was published meanwhile, or if the files have content that a rollback undid, unless `override_rollback`,
    StorageFull if the disk has too little room.
    In each case nothing has changed. `notice` receives a sentence for each file that takes over a graph of the API
    without all of its statements. With more data than `most_in_memory` bytes, the release is made on the disk, which
    takes longer and less memory.
    """
    size = _size(sources)
    require_room_for_build(releases, size)
    in_memory = size <= most_in_memory
    # The writing process ends before the folder is removed.
    with releases.stage(in_memory=in_memory) as staged, ExitStack() as stack:
        check_heads(sources)
        if staged.parent and not override_rollback:
            _refuse_undone(staged.parent.manifest, sources)
        store = staged.open()
        loaded = _assemble(sources, sources.all_files(), store, staged.path, progress, staged.parent)
        writing = stack.enter_context(StoreWriting(store, staged.path / "store")) if in_memory else None
        # Validation takes longest: meanwhile, what needs only the statements is made of them.
        validation = stack.enter_context(Validation(sources))
        validation.start(loaded.merged, with_places=True)
        by_graph = locate(_judged_by_graph(sources, store), sources.data_files())
        with progress.step("index") as step:
            step.result = f"{write_index(store, staged.path / 'search.sqlite')} names"

        judge = cache(partial(_judge, validation.report, by_graph, progress, refuse=True))
        products = write_products(store, staged.path, sources.query_folders, staged.parent, judge, progress)
        report = judge()
        for sentence in _lost(staged.parent, loaded, store) if staged.parent else ():
            notice(sentence)
        _write_report(staged.path, report)
        # Not part of the release: only validation needs it.
        loaded.merged.unlink()
        with progress.step("publish") as step:
            manifest = _manifest(sources, store, loaded, report, products)
            if writing:
                writing.wait()
            else:
                store.flush()
            check_runs(sources, staged.path / "store")
            del store  # the staged release must hold the last reference, so that publishing closes the store
            release = staged.publish(manifest)
            step.result = release.id
        return release, report


def _refuse_undone(current: Manifest, sources: Sources) -> None:
    """Raises Conflict if files still have content that a rollback undid, which a build would publish again."""
    digests = sources.digests() if current.undone else {}
    again = [name for name, undone in current.undone.items() if digests.get(name, "") in undone]
    if again:
        missing = {name: " (deleted)" for name in again if name not in digests}
        names = ", ".join(name + missing.get(name, "") for name in again)
        raise Conflict(
            f"a rollback undid what {len(again)} file(s) still have: {names}. Restore or change them; or publish them "
            "again with `citygraph build --override-rollback`"
        )


def _lost(parent: Release, loaded: Loaded, store: Store) -> Iterator[str]:
    """Yields a sentence for each graph of the API that a file fills now, if it lacks statements of the graph."""
    for graph in api_graphs(parent.manifest):
        if owner := loaded.owners.get(graph):
            quads = parent.open_store().quads_for_pattern(None, None, None, NamedNode(graph))
            if lacking := sum(quad not in store for quad in quads):
                yield (
                    f"{owner} fills <{graph}> from now on, without {lacking} statement(s) that were written through "
                    f"the API: they are in `citygraph export {graph} --release {parent.id}`"
                )


def check(
    sources: Sources,
    extra: Iterable[Path],
    progress: Progress,
    current: Release | None = None,
    notice: Callable[[str], None] = lambda _: None,
) -> Report:
    """Validates what a build would make of the files and of others that are not in the graph yet; publishes nothing.

    `current` is the release whose API graphs the build would keep. With `extra` files, the report has every violation,
    because each prevents a build, but only the warnings about these files; `notice` receives a sentence for each file
    that a build would not accept in data/ as it is. Raises what `build` raises, except Conflict.
    """
    own = sources.all_files()
    check_heads(sources)
    named = extra_files(extra)
    # A file that is part of the data already is read once.
    by_path = {file.path.resolve(): file for file in own}
    added = [file for file in named if file.path.resolve() not in by_path]
    with TemporaryDirectory(prefix="citygraph-") as folder:
        store = Store()
        loaded = _assemble(sources, [*own, *added], store, Path(folder), progress, current)
        report = _judge(partial(validate, sources, loaded.merged), _judged_by_graph(sources, store), progress)
    # The added files first, because a fault is more probably there than in the data.
    report = locate(report, [*added, *sources.data_files()])
    if not named:
        return report
    for file in added:
        _notice_outside(file, notice)
    return _about(report, [by_path.get(file.path.resolve(), file) for file in named])


def _notice_outside(file: SourceFile, notice: Callable[[str], None]) -> None:
    if outside := sum(quad.graph_name == file.graph for quad in file.read()):
        notice(
            f"{file.name}: {outside} statement(s) are in no graph: publish them with `citygraph load --graph`, "
            "or write them inside GRAPH source:… { } in a TriG file of data/"
        )


def _about(report: Report, files: list[SourceFile]) -> Report:
    """Returns all violations of a report, and its warnings about these files."""
    names, terms = {file.name for file in files}, {term for file in files for term in _terms(file)}
    about = (
        result
        for result in report.results
        if result.severity == "violation"
        or (result.place is not None and result.place.file in names)
        or not terms.isdisjoint((result.focus_node, result.value.strip("<>")))
    )
    return Report(tuple(about), report.turtle)


def _terms(file: SourceFile) -> Iterator[str]:
    """Yields the IRIs of the subjects and graphs of a file."""
    for quad in file.read():
        yield from (term.value for term in (quad.subject, quad.graph_name) if isinstance(term, NamedNode))


def _assemble(
    sources: Sources,
    files: list[SourceFile],
    store: Store,
    folder: Path,
    progress: Progress,
    parent: Release | None = None,
) -> Loaded:
    """Loads the files, and adds what follows from them: derived triples and the description."""
    with progress.step("load") as step:
        loaded = _load(files, store, folder)
        carried = _carry(parent, loaded, store) if parent else 0
        step.result = f"{loaded.files} files, {loaded.statements} statements" + (f", {carried} kept" if carried else "")
    with progress.step("derive") as step:
        derived = 0
        for quads in derive_by_rule(read_rules(sources.rule_files()), store):
            store.extend(quads)
            _append(quads, loaded.merged)
            derived += len(quads)
        step.result = f"{derived} triples"
    with progress.step("describe") as step:
        description = describe(store, table_outputs(sources.query_folders))
        _append(description, loaded.merged)
        step.result = f"{len(description)} statements"
    return loaded


def _judged_by_graph(sources: Sources, store: Store) -> Report:
    """Returns the report of the rules about who states what."""
    return report_of(tuple(GraphRules(file.path for file in sources.shape_files()).check(store)))


def _judge(by_engines: Callable[[], Report], by_graph: Report, progress: Progress, refuse: bool = False) -> Report:
    """Returns the whole report. Raises Violations, with `refuse`, if the data do not conform."""
    with progress.step("validate") as step:
        merged = with_graph_rules(by_engines(), by_graph.results)
        report = Report(tuple(sorted(merged.results, key=order)), merged.turtle)
        step.result = f"{len(report.violations)} violations, {len(report.warnings)} warnings"
    if refuse and not report.conforms:
        raise Violations(report)
    return report


def _size(sources: Sources) -> int:
    """Returns the bytes of the data files, unpacked; of packed ones it is an estimate."""
    paths = [file.path for file in sources.data_files()]
    return sum(path.stat().st_size * (_PACKED if path.suffix == ".gz" else 1) for path in paths)


def _load(files: list[SourceFile], store: Store, folder: Path) -> Loaded:
    """Loads the named graphs, and writes the data's triples as they are in the files to a separate file.

    The store normalises literals ("01" to "1"), so the shapes must see what was read, not what was stored.
    """
    loaded = Loaded(folder / "merged.nt")
    with ExitStack() as stack:
        merged = stack.enter_context(loaded.merged.open("w", encoding="utf-8"))
        # One bulk load for all files, because each load writes separate files to the disk.
        store.bulk_extend(chain.from_iterable(_noting(file, loaded, merged) for file in files))
        loaded.files = len(files)
    return loaded


def _carry(parent: Release, loaded: Loaded, store: Store) -> int:
    """Copies the graphs that the API owns from the parent release, and returns their number of statements."""
    quads = list(carried_forward(parent, loaded.owners))
    for graph in api_graphs(parent.manifest):
        store.add_graph(NamedNode(graph))  # an empty graph has no quads that would create it
    store.extend(quads)
    store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    _append(quads, loaded.merged)
    return len(quads)


def _noting(file: SourceFile, loaded: Loaded, merged: IO[str]) -> Iterator[Quad]:
    for quad in file.read():
        loaded.statements += 1
        graph = quad.graph_name
        if isinstance(graph, NamedNode) and graph not in (ONTOLOGY_GRAPH, SHAPES_GRAPH):
            # The file of a document describes the document itself, and has the names that the document lacks.
            owner = loaded.owners.setdefault(graph.value, file.name)
            if owner != file.name and graph not in COMMON_GRAPHS:
                reason = f"the graph {graph.value} is filled by {owner} already: one file owns a graph"
                raise BadData(reason, file.name, file.line_of(quad))
            if graph == DERIVED_GRAPH:
                reason = "graph/derived is made by the rules: no file may fill it"
                raise BadData(reason, file.name, file.line_of(quad))
            merged.write(f"{quad.triple} .\n")
            # The default graph is the merge of the data graphs; a store holds a triple once.
            yield Quad(quad.subject, quad.predicate, quad.object)
        yield quad


def _append(quads: Iterable[Quad], merged: Path) -> None:
    """Appends derived statements and the description to the triples to validate."""
    with merged.open("a", encoding="utf-8") as file:
        file.writelines(f"{quad.triple} .\n" for quad in quads)


def _write_report(folder: Path, report: Report) -> None:
    (folder / REPORT).write_text(report.turtle, encoding="utf-8")


def _manifest(sources: Sources, store: Store, loaded: Loaded, report: Report, products: Products) -> Manifest:
    counts = graph_counts(store)
    versions = store.quads_for_pattern(None, _ONTOLOGY_VERSION, None, ONTOLOGY_GRAPH)
    return Manifest(
        digest=products.digest.hex,
        digest_total=f"{products.digest.total:x}",
        inputs=sources.fingerprint(__version__),
        quads=sum(counts.values()),
        triples=len(store) - sum(counts.values()),
        graphs=counts,
        owners=dict(sorted(loaded.owners.items())),
        files=sources.digests(),
        added=products.changes.added,
        removed=products.changes.removed,
        warnings=len(report.warnings),
        ontology_version=next((q.object.value for q in versions if isinstance(q.object, Literal)), ""),
        software_version=__version__,
        format=FORMAT,
        outputs=products.outputs,
    )
