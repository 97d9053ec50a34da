"""The files that people edit: their list, the graph that each fills, and the line of each statement."""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from pyoxigraph import (
    BlankNode,
    CanonicalizationAlgorithm,
    Dataset,
    DefaultGraph,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
)

from citygraph import __version__
from citygraph.catalogues import catalogue_files
from citygraph.errors import BadData, NotFound, UsageError
from citygraph.instance import VOCABULARY, packaged_folder
from citygraph.rdf.formats import by_extension, unsupported_reason
from citygraph.rdf.nquads import as_line
from citygraph.rdf.partial_dates import present_day
from citygraph.rdf.terms import BASE, CATALOG_GRAPH, ONTOLOGY_GRAPH, SH, SHAPES_GRAPH
from citygraph.release.format_version import FORMAT
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.source.reading import (
    check_file,
    files_below,
    opened_file,
    query_files_below,
    read_packaged_text,
    read_quads,
)
from citygraph.source.statement_lines import LINE_FORMATS, PLAIN, read_lines_about

Term = NamedNode | BlankNode | Literal | Triple

_NAMED_LISTS = {ONTOLOGY_GRAPH, SHAPES_GRAPH}
_TARGETS = {SH(f"target{kind}") for kind in ("Class", "Node", "ObjectsOf", "SubjectsOf")}


@dataclass(frozen=True)
class SourceFile:
    """A file of RDF: `name` is its readable path, `graph` the graph of its triples if the file names none itself."""

    path: Path
    name: str
    format: RdfFormat
    graph: NamedNode | None

    def read(self) -> Iterator[Quad]:
        """Yields the quads as written in the file. Raises BadData with file, line and column.

        In ontology and shapes, where lists need blank nodes, these are replaced by IRIs (RDF 1.1, 3.5).
        """
        quads = (quad for _, quad in self.read_with_lines())
        # The IRIs depend on the statements alone, so that equal files give equal IRIs, under any base.
        yield from _skolemised(quads, self.path.stem) if self.graph in _NAMED_LISTS else quads

    def shapes_text(self) -> str:
        """Returns the text of a file of shapes for the validation engines, in which every shape has an IRI.

        Each engine names a shape without an IRI in its own way, so that their results could not be compared.
        """
        text = read_packaged_text(self.path)
        try:
            if not any(map(_has_anonymous_shape, parse(text, self.format))):
                return text
        except SyntaxError:
            # The engines report it.
            return text
        return "".join(f"{quad.triple} .\n" for quad in self.read())

    def read_lines(self) -> Iterator[tuple[str, Quad | None]]:
        """Yields the statements as lines of canonical N-Quads, each with its quad. Raises BadData as `read` does.

        There is no quad for a line that differs from an earlier one of a data graph only in IRIs and texts that need no
        check: most lines of large files are read in a quarter of the time.
        """
        if self.format != RdfFormat.N_QUADS or self.graph in _NAMED_LISTS:
            yield from ((as_line(quad), quad) for quad in self.read())
            return
        try:
            yield from self._read_plain_lines()
        except (BadData, SyntaxError, ValueError, OSError, EOFError, zlib.error):
            # Reading the file as a whole raises the error with its place.
            for _ in self.read():
                pass
            raise

    def _read_plain_lines(self) -> Iterator[tuple[str, Quad | None]]:
        forms: set[tuple[bytes, ...]] = set()
        form = ("property", "type", "graph")
        with opened_file(self.path) as stream:
            for number, line in enumerate(stream, 1):
                match = PLAIN.fullmatch(line)
                if match and match.group(*form) in forms:
                    yield line.decode(), None
                    continue
                for quad in parse(line.removeprefix(codecs.BOM_UTF8) if number == 1 else line, self.format):
                    in_graph = self._in_its_graph(quad, number, is_known=False)
                    written = as_line(in_graph)
                    yield written, in_graph
                    if match and written.encode() == line and in_graph.graph_name not in _NAMED_LISTS:
                        forms.add(match.group(*form))

    def read_with_lines(self, is_known: bool = False) -> Iterator[tuple[int, Quad]]:
        """Yields the quads, each with the line on which it ends. Raises BadData as `read` does.

        With `is_known`, the statements have been read before, and need no check.
        """
        opener = partial(_for_instance if self.graph in _NAMED_LISTS else opened_file, self.path)
        for line, quad in read_quads(opener, self.format, self.name, f"file:///{quote(self.name)}"):
            yield line, self._in_its_graph(quad, line, is_known)

    def read_about(self, names: Collection[str]) -> Iterator[tuple[int, Quad]]:
        """Yields quads of a file that has been read before, each with its line, as `read_lines_about` does."""
        if self.format not in LINE_FORMATS or self.graph in _NAMED_LISTS:
            yield from self.read_with_lines(is_known=True)
            return
        with opened_file(self.path) as stream:
            for line, quad in read_lines_about(stream, self.format, names):
                yield line, self._in_its_graph(quad, line, is_known=True)

    def line_of(self, quad: Quad) -> int | None:
        """Returns the first line on which the file has this quad."""
        return next((line for line, one in self.read_with_lines() if one == quad), None)

    def sha256(self) -> str:
        """Returns the SHA-256 of the file's bytes, in hexadecimal."""
        return _sha256(self.path)

    def _in_its_graph(self, quad: Quad, line: int, is_known: bool) -> Quad:
        # Refused on input, so that every published statement can be written in every format.
        if not is_known and (reason := unsupported_reason(quad)):
            raise BadData(reason, self.name, line)
        if not isinstance(quad.graph_name, DefaultGraph):
            return quad
        if self.graph is None:
            raise BadData(
                f"the statement about {quad.subject} is in no graph: in data/ every statement belongs to a "
                "source, so write it inside GRAPH source:… { } in a TriG file",
                self.name,
                line,
            )
        return Quad(quad.subject, quad.predicate, quad.object, self.graph)


@dataclass(frozen=True)
class Sources:
    """The folders that a build reads: data, vocabulary, stored queries, and the instance's additions to the last two.

    The tables/ and quality/ of the queries are evaluated for each release.
    """

    data: Path
    ontology: Path
    queries: Path | None = None
    own_ontology: Path | None = None
    own_queries: Path | None = None
    left_out: frozenset[Path] = frozenset()  # data files that are not read

    def today(self) -> date:
        """Returns the present day where the instance is."""
        return present_day()

    @property
    def ontology_folders(self) -> tuple[Path, ...]:
        """The folders of the vocabulary, that of the package first."""
        return (self.ontology, self.own_ontology) if self.own_ontology else (self.ontology,)

    @property
    def query_folders(self) -> tuple[Path, ...]:
        """The folders of the stored queries, that of the package first."""
        return tuple(folder for folder in (self.queries, self.own_queries) if folder)

    def data_files(self) -> list[SourceFile]:
        """Returns the data files by name. Only catalog.ttl may be Turtle, which has no graph names."""
        return [
            _source_file(path, self.data, _data_graph(path, self.data))
            for path in _rdf_files(self.data)
            if path not in self.left_out
        ]

    def ontology_files(self) -> list[SourceFile]:
        """Returns the files of ontology, alignments and concept schemes, which fill graph/ontology."""
        return [
            _source_file(path, folder, ONTOLOGY_GRAPH)
            for folder in self.ontology_folders
            for path in sorted([*_files_in(folder, ".ttl"), *_files_in(folder / "alignments", ".ttl")])
        ]

    def shape_files(self) -> list[SourceFile]:
        """Returns the SHACL files, which fill graph/shapes."""
        return [
            _source_file(path, folder, SHAPES_GRAPH)
            for folder in self.ontology_folders
            for path in _files_in(folder / "shapes", ".ttl")
        ]

    def rule_files(self) -> list[Path]:
        """Returns the files of the CONSTRUCT rules, in the order in which they run."""
        paths = (path for folder in self.ontology_folders for path in _files_in(folder / "rules", ".rq"))
        return sorted(paths, key=lambda path: path.name)

    def query_files(self) -> list[Path]:
        """Returns the stored queries whose results are part of a release, and all of the instance, which it checks."""
        evaluated = (folder / name for folder in self.query_folders for name in ("tables", "quality"))
        own = query_files_below(self.own_queries) if self.own_queries else ()
        return sorted({*own, *(path for folder in evaluated for path in _files_in(folder, ".rq"))})

    def all_files(self) -> list[SourceFile]:
        """Returns all files of RDF in the order of loading. Raises UsageError if a folder has none."""
        groups = (self.ontology_files(), self.shape_files(), self.data_files())
        for files, folder in zip(groups, (self.ontology, self.ontology / "shapes", self.data), strict=True):
            if not files:
                raise UsageError(
                    f"no RDF files in {folder}/: run this in the folder of an instance, which `citygraph init` makes"
                )
        return [file for files in groups for file in files]

    def digests(self) -> dict[str, str]:
        """Returns the SHA-256 of all inputs of a release, by readable name."""
        files = {file.name: file.sha256() for file in self.all_files()}
        folders = (*self.ontology_folders, *self.query_folders)
        paths = (*self.rule_files(), *self.query_files())
        queries = {_name(path, _folder_of(path, folders)): _sha256(path) for path in paths}
        return dict(sorted({**files, **queries}.items()))

    def fingerprint(self, version: str) -> str:
        """Returns a hash of all inputs of a release: bytes and names of the files, and the version of the software."""
        digest = hashlib.sha256(version.encode())
        paths = [file.path for file in self.all_files()] + self.rule_files() + self.query_files()
        for path in (*paths, *catalogue_files()):
            digest.update(f"\0{path.name}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def sources_of(settings: Settings) -> Sources:
    """Returns the folders under these settings.

    An ontology folder that contains the vocabulary itself, as in a checkout of citygraph, replaces that of the package;
    any other one adds to it. Raises UsageError for a folder that a setting names, and that does not exist.
    """
    require_folders(settings, "ontology", "queries")
    return _existing_sources(settings)


def query_folders_of(settings: Settings) -> tuple[Path, ...]:
    """Returns the folders of the stored queries, without one that was removed after the start of a server."""
    return _existing_sources(settings).query_folders


def _existing_sources(settings: Settings) -> Sources:
    if (settings.ontology / "citygraph.ttl").is_file():
        return Sources(settings.data, settings.ontology, settings.queries)
    ontology, queries = (folder if folder.is_dir() else None for folder in (settings.ontology, settings.queries))
    return Sources(settings.data, packaged_folder("ontology"), packaged_folder("queries"), ontology, queries)


def require_folders(settings: Settings, *names: str) -> None:
    """Raises UsageError for a folder that a setting names, and that does not exist. The usual ones are optional."""
    usual = Settings()
    for name in names:
        folder: Path = getattr(settings, name)
        if folder != getattr(usual, name) and not folder.is_dir():
            raise UsageError(f"the setting {name} is {str(folder)!r}: it must be a folder that exists")


def extra_files(paths: Iterable[Path]) -> list[SourceFile]:
    """Returns files that are not in the graph yet; triples without a graph get one named after their file.

    Raises UsageError if a file is missing or does not have the extension of an RDF format.
    """
    files = []
    for path in paths:
        check_file(path)
        files.append(_source_file(path, path.parent, NamedNode(path.resolve().as_uri()), name=str(path)))
    return files


def _for_instance(path: Path) -> IO[bytes]:
    return BytesIO(read_packaged_text(path).encode())


def _has_anonymous_shape(quad: Quad) -> bool:
    is_nested = quad.predicate == SH("property") and isinstance(quad.object, BlankNode)
    return is_nested or (quad.predicate in _TARGETS and isinstance(quad.subject, BlankNode))


def _skolemised(quads: Iterable[Quad], name: str) -> list[Quad]:
    # The canonical labels of RDFC-1.0 do not depend on order or on labels in the file, but on IRIs.
    own: dict[Term, Term] = {}
    if BASE != VOCABULARY:
        quads = (_renamed(quad, lambda term: _at_vocabulary(term, own)) for quad in quads)
    dataset = Dataset(quads)
    dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
    renamed = (_renamed(quad, lambda term: own.get(term, term)) for quad in dataset) if own else dataset
    return [
        Quad(_named(quad.subject, name), quad.predicate, _named(quad.object, name), quad.graph_name)
        if isinstance(quad.subject, BlankNode) or isinstance(quad.object, BlankNode)
        else quad
        for quad in sorted(renamed, key=str)
    ]


def _at_vocabulary(term: Term, own: dict[Term, Term]) -> Term:
    """Returns a term with the base of the vocabulary instead of that of the instance; `own` gets the way back."""
    if isinstance(term, BlankNode | Triple) or BASE not in term.value:
        return term
    text = term.value.replace(BASE, VOCABULARY)
    common: Term
    if isinstance(term, Literal):
        common = Literal(text, language=term.language, datatype=None if term.language else term.datatype)
    else:
        common = NamedNode(text)
    own[common] = term
    return common


def _renamed(quad: Quad, rename: Callable[[Any], Any]) -> Quad:
    return Quad(rename(quad.subject), quad.predicate, rename(quad.object), rename(quad.graph_name))


def _named(term: Term, name: str) -> Any:
    return NamedNode(f"{BASE}.well-known/genid/{name}-{term.value}") if isinstance(term, BlankNode) else term


def _rdf_files(folder: Path) -> list[Path]:
    return files_below(folder, lambda name: by_extension(name) is not None)


def _files_in(folder: Path, suffix: str) -> list[Path]:
    return files_below(folder, lambda name: name.endswith(suffix), recursive=False)


def _data_graph(path: Path, folder: Path) -> NamedNode | None:
    return CATALOG_GRAPH if path == folder / "catalog.ttl" else None


def _folder_of(path: Path, folders: Iterable[Path]) -> Path:
    return next(folder for folder in folders if path.is_relative_to(folder))


def _name(path: Path, folder: Path) -> str:
    return f"{folder.name}/{path.relative_to(folder).as_posix()}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _source_file(path: Path, folder: Path, graph: NamedNode | None, name: str | None = None) -> SourceFile:
    format_ = by_extension(path.name)
    if format_ is None or format_.rdf is None:
        raise UsageError(f"{path}: not an RDF format; .ttl, .trig, .nt, .nq, .rdf and .jsonld are supported")
    named = name or _name(path, folder)
    return SourceFile(path, named, format_.rdf, graph)


def is_current(sources: Sources, releases: Releases) -> Release | None:
    """Returns the current release if it was built from these files by this version, else None."""
    try:
        current = releases.current()
    except NotFound:
        return None
    same = current.manifest.format == FORMAT and current.manifest.inputs == sources.fingerprint(__version__)
    return current if same else None
