"""The build of a release from files: load, derive, describe, validate, index, publish."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, compress
from operator import not_
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph import __version__
from citygraph.build.graph_rules import GraphRules, with_graph_rules
from citygraph.build.locations import locate
from citygraph.build.products import Products, table_outputs, write_products
from citygraph.build.quality import write_quality
from citygraph.build.query_packs import check_heads, check_runs
from citygraph.build.store_writing import StoreFilling, StoreWriting
from citygraph.build.tables import table_queries, unordered_tables
from citygraph.build.validation import Validation, validate
from citygraph.errors import BadData, Conflict, Violations
from citygraph.index.names import write_index
from citygraph.instance import current_instance
from citygraph.progress import Progress
from citygraph.rdf.nquads import LineStream, batched, without_graph
from citygraph.rdf.terms import BASE, COMMON_GRAPHS, DERIVED_GRAPH, ONTOLOGY_GRAPH, OWL, SHAPES_GRAPH
from citygraph.release.disk_room import require_room_for_build
from citygraph.release.format_version import FORMAT
from citygraph.release.interrupted_build import STORE, Journal, interrupted_size, stage_build
from citygraph.release.ownership import carried_forward, carried_graphs, carried_quads
from citygraph.release.releases import Manifest, Release, Releases, Staged
from citygraph.report import REPORT, Report, order, report_of
from citygraph.settings import Settings
from citygraph.source.files import SourceFile, Sources, extra_files
from citygraph.source.rules import read_rules

# How many times as large N-Quads are unpacked, roughly.
_PACKED = 15
_MERGED = "merged.nt"
_ONTOLOGY_VERSION = OWL("versionInfo")


@dataclass
class Loaded:
    """The result of loading: the owner of each graph, and the file of triples to validate."""

    merged: Path  # N-Triples of the data, exactly as written in the files
    owners: dict[str, str] = field(default_factory=dict)
    statements: int = 0
    files: int = 0
    graphs: dict[str, int] = field(default_factory=dict)  # the number of quads in each named graph


def build(
    sources: Sources,
    releases: Releases,
    progress: Progress,
    override_rollback: bool = False,
    notice: Callable[[str], None] = lambda _: None,
    most_in_memory: int = Settings.build_memory,
    fresh: bool = False,
) -> tuple[Release, Report]:
    """Builds a release from the files in data/ and ontology/, and publishes it.

    Raises BadData for a file that cannot be read, Violations for data that violates the shapes, Conflict if another
    release was published in the meantime, or if the files have content that a rollback undid (unless
    `override_rollback`), StorageFull if the disk has too little room. In each case nothing has changed. `notice`
    receives a sentence for each file that takes over a graph of the API without all of its statements, and for each
    table without an order. With more data than `most_in_memory` bytes, rules and products read files of graphs, which
    takes longer and less memory. A build that was interrupted is continued, unless its inputs were others, or with
    `fresh`.
    """
    size = _size(sources)
    require_room_for_build(releases, size, interrupted_size(releases))
    inputs = partial(_inputs, sources)
    # The writing process ends before the folder is removed.
    with stage_build(releases, inputs, fresh, notice) as (staged, journal), ExitStack() as stack:
        check_heads(sources)
        if staged.parent and not override_rollback:
            _refuse_undone(staged.parent.manifest, sources)
        # One process reads the shapes and another writes the loaded data, while this one derives the rest.
        validation = stack.enter_context(Validation(sources))
        writing = None if STORE in journal.steps else stack.enter_context(StoreWriting(staged.store_path))
        filling = StoreFilling(staged.open(), journal.folder / _MERGED, writing, size > most_in_memory)
        stack.callback(filling.remove_files)
        staged.close()  # the store of the filling may become another one
        loaded = _assembled(sources, staged, journal, progress, filling, most_in_memory, validation.prepare)
        # Validation takes longest; products that need only the statements are made during it.
        validation.start(loaded.merged, with_places=True)
        with progress.step("index") as step:
            index = staged.path / "search.sqlite"
            facts = journal.perform("index", lambda: {"names": write_index(filling.by_predicate(), index)}, [index])
            step.result = f"{facts['names']} names"

        products = write_products(filling, journal, sources.query_folders, staged.parent, progress)
        store = filling.open_store()
        by_graph = _located_by_graph(sources, store, progress)
        lost = _lost(staged.parent, loaded, store) if staged.parent else ()
        for sentence in (*lost, *unordered_tables(table_queries(sources.query_folders))):
            notice(sentence)
        report = _judge(validation.report, by_graph, progress, refuse=True)
        write_quality(products.measurements, report, staged.path)
        _write_report(staged.path, report)
        with progress.step("publish") as step:
            manifest = _manifest(sources, store, loaded, report, products)
            del store
            filling.end()
            journal.settle()
            check_runs(sources, staged.store_path)
            release = staged.publish(manifest)
            step.result = release.id
        return release, report


def _inputs(sources: Sources, parent: Release | None) -> str:
    """Returns the digest of all that a build after this release depends on."""
    parts = (sources.fingerprint(__version__), FORMAT, current_instance(), BASE, sources.today(), parent and parent.id)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _assembled(
    sources: Sources,
    staged: Staged,
    journal: Journal,
    progress: Progress,
    filling: StoreFilling,
    most_in_memory: int,
    prepare: Callable[[Path], None],
) -> Loaded:
    """Returns the result of loading; fills the store unless an interrupted build has."""
    if STORE in journal.steps:
        return Loaded(filling.merged, **journal.steps[STORE]["facts"])
    loaded = _assemble(sources, sources.all_files(), filling, progress, staged.parent, most_in_memory, prepare)
    facts = {
        "owners": loaded.owners,
        "statements": loaded.statements,
        "files": loaded.files,
        "graphs": loaded.graphs,
    }
    paths = (staged.store_path, loaded.merged)
    if filling.writing:
        journal.complete_when(filling.writing.is_done, STORE, facts, paths)
    else:
        # Closed, so that its files do not change any more.
        filling.close()
        journal.complete(STORE, facts, paths)
        filling.store = Store.read_only(str(staged.store_path))
    return loaded


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
    for graph, name in carried_graphs(parent.manifest).items():
        owner = loaded.owners.get(name)
        if owner and (lacking := sum(quad not in store for quad in carried_quads(parent, graph))):
            yield (
                f"{owner} fills <{name}> from now on, without {lacking} statement(s) that were written through "
                f"the API: they are in `citygraph export {graph} --release {parent.id}`"
            )


def check(
    sources: Sources,
    extra: Iterable[Path],
    progress: Progress,
    current: Release | None = None,
    notice: Callable[[str], None] = lambda _: None,
) -> Report:
    """Validates the result of a build from the files and `extra` ones, without publishing it.

    `current` is the release whose API graphs the build would keep. With `extra` files, the report has every violation,
    because each prevents a build, but only the warnings about these files; `notice` receives a sentence for each file
    that a build would not accept in data/ without a change. Raises what `build` raises, except Conflict.
    """
    own = sources.all_files()
    check_heads(sources)
    named = extra_files(extra)
    # A file that is part of the data already is read once.
    by_path = {file.path.resolve(): file for file in own}
    added = [file for file in named if file.path.resolve() not in by_path]
    with TemporaryDirectory(prefix="citygraph-") as folder:
        store = Store()
        filling = StoreFilling(store, Path(folder) / _MERGED)
        loaded = _assemble(sources, [*own, *added], filling, progress, current)
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
    filling: StoreFilling,
    progress: Progress,
    parent: Release | None = None,
    most_in_memory: int = Settings.build_memory,
    prepare: Callable[[Path], None] = lambda _: None,
) -> Loaded:
    """Loads the files, and adds what follows from them: derived triples and the description.

    `prepare` gets the file of triples when it has those of the files, and when it has the derived ones.
    """
    with progress.step("load") as step:
        loaded = _load(files, filling)
        carried = _carry(parent, loaded, filling) if parent else 0
        step.result = f"{loaded.files} files, {loaded.statements} statements" + (f", {carried} kept" if carried else "")
    prepare(filling.merged)
    with progress.step("derive") as step:
        derived, day = 0, filling.year_before_newest_source()
        for rule in read_rules(sources.rule_files()):
            filling.bound_memory(most_in_memory)
            derived += sum(map(len, filling.derive(rule, day)))
        step.result = f"{derived} triples"
    prepare(filling.merged)
    with progress.step("describe") as step:
        description, loaded.graphs = filling.describe(table_outputs(sources.query_folders))
        filling.finish()
        step.result = f"{len(description)} statements"
    return loaded


def _judged_by_graph(sources: Sources, store: Store) -> Report:
    """Returns the report of the rules about who states what."""
    return report_of(tuple(GraphRules(file.path for file in sources.shape_files()).check(store)))


def _located_by_graph(sources: Sources, store: Store, progress: Progress) -> Report:
    """Returns the report of the rules about who states what, with the lines of its results in the data files."""
    with progress.step("sources") as step:
        report = locate(_judged_by_graph(sources, store), sources.data_files())
        step.result = f"{len(report.violations)} violations, {len(report.warnings)} warnings"
    return report


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


def _load(files: list[SourceFile], filling: StoreFilling) -> Loaded:
    """Loads the named graphs, and writes the data's triples with their original literals to a separate file.

    The store normalises literals ("01" to "1"), but shapes must see the original ones.
    """
    loaded, with_blank = Loaded(filling.merged, files=len(files)), list[Quad]()
    with loaded.merged.open("w", encoding="utf-8", newline="\n") as merged:
        # One bulk load for all files, because each load writes separate files to the disk.
        lines = chain.from_iterable(_noting(file, loaded, merged, filling, with_blank) for file in files)
        filling.store.bulk_load(cast("IO[bytes]", LineStream(lines)), RdfFormat.N_QUADS, lenient=True)
    # `bulk_load` would give blank nodes other labels.
    filling.store.bulk_extend(with_blank)
    if filling.is_large:
        return loaded
    # The default graph is the merge of the data graphs.
    if with_blank:
        filling.store.bulk_extend(parse(path=loaded.merged, format=RdfFormat.N_QUADS, lenient=True))
    else:
        filling.store.bulk_load(path=loaded.merged, format=RdfFormat.N_TRIPLES, lenient=True)
    return loaded


def _carry(parent: Release, loaded: Loaded, filling: StoreFilling) -> int:
    """Copies the graphs that the API owns from the parent release, and returns their number of statements."""
    quads = list(carried_forward(parent, loaded.owners))
    for graph in carried_graphs(parent.manifest).values():
        filling.store.add_graph(NamedNode(graph))  # an empty graph has no quads that would create it
    if not filling.is_large:
        filling.store.extend(quads)
        filling.store.extend(Quad(quad.subject, quad.predicate, quad.object) for quad in quads)
    filling.append(quads)
    return len(quads)


def _noting(
    file: SourceFile, loaded: Loaded, merged: IO[str], filling: StoreFilling, with_blank: list[Quad]
) -> Iterator[str]:
    """Yields the statements of a file for the store as lines, but for those `with_blank` nodes."""
    # In batches, because a function for each statement takes longer than to copy its line.
    for batch in batched(file.read_lines()):
        loaded.statements += len(batch)
        are_data = [quad is None or _is_data(quad, file, loaded) for _, quad in batch]
        triples = [without_graph(line) for line, _ in compress(batch, are_data)]
        merged.writelines(triples)
        filling.note_loaded(triples, [line for line, _ in batch])
        for line, quad in compress(batch, map(not_, are_data)) if filling.is_large else batch:
            if quad and "_:" in line:
                with_blank.append(quad)
            else:
                yield line


def _is_data(quad: Quad, file: SourceFile, loaded: Loaded) -> bool:
    """Returns whether a statement of a file is in a data graph. Raises BadData if the file must not fill the graph."""
    graph = quad.graph_name
    if not isinstance(graph, NamedNode) or graph in (ONTOLOGY_GRAPH, SHAPES_GRAPH):
        return False
    # The file of a document describes the document itself, and has the names that the document lacks.
    owner = loaded.owners.setdefault(graph.value, file.name)
    if owner != file.name and graph not in COMMON_GRAPHS:
        reason = f"the graph {graph.value} is filled by {owner} already: one file owns a graph"
        raise BadData(reason, file.name, file.line_of(quad))
    if graph == DERIVED_GRAPH:
        reason = "graph/derived is made by the rules: no file may fill it"
        raise BadData(reason, file.name, file.line_of(quad))
    return True


def _write_report(folder: Path, report: Report) -> None:
    (folder / REPORT).write_text(report.turtle, encoding="utf-8")


def _manifest(sources: Sources, store: Store, loaded: Loaded, report: Report, products: Products) -> Manifest:
    counts = loaded.graphs
    versions = store.quads_for_pattern(None, _ONTOLOGY_VERSION, None, ONTOLOGY_GRAPH)
    return Manifest(
        digest=products.digest.hex,
        digest_total=f"{products.digest.total:x}",
        inputs=sources.fingerprint(__version__),
        quads=sum(counts.values()),
        triples=products.triples,
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
