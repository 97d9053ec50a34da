"""The file of a pull for `citygraph build`: sorted N-Quads, which include the description of the source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from tempfile import gettempdir

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.catalogues import N_, templates
from citygraph.instance import CC0, current_instance
from citygraph.rdf.nquads import SortedLines, as_line, batched
from citygraph.rdf.terms import CG, DCTERMS, ID, RDF, RDFS, SOURCE, XSD
from citygraph.saving import replacement
from citygraph.wikidata.model import Notice

_WIKIDATA = ID + "organisation/wikidata"


@dataclass(frozen=True)
class SourceDescription:
    """The description of a source: `of` is the name of its subject, "" for the world, `about` its entities.

    `retrieved` is ISO 8601 in UTC, `sha256` the digest of the responses or of the dump.
    """

    slug: str
    of: str
    about: tuple[str, ...]
    retrieved: str
    sha256: str
    languages: tuple[str, ...]

    @property
    def graph(self) -> NamedNode:
        """The IRI of the source, which is also its graph."""
        return SOURCE(self.slug)


@dataclass(frozen=True)
class WrittenSource:
    """A written source file: the number of its statements, and notices for the user."""

    path: Path
    graph: NamedNode
    statements: int
    notices: tuple[Notice, ...]


def write_source(
    folder: Path, description: SourceDescription, quads: Iterable[Quad | Notice], notices: Iterable[Notice] = ()
) -> WrittenSource:
    """Writes the quads and the description of their source to `folder`, as one file for `citygraph build`.

    The text depends on the statements only, not on their order. After an error the old file is unchanged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{description.slug}.nq"
    all_notices = set(notices)
    count = 0
    with replacement(path) as file, closing(SortedLines(Path(gettempdir()))) as lines:
        # SortedLines moves lines to the disk between calls of `add` only.
        for batch in batched(_lines(chain(describe(description), quads), all_notices)):
            lines.add(batch)
        for count, line in enumerate(lines, 1):  # noqa: B007 - the count outlives the loop
            file.write(line)
    return WrittenSource(path, description.graph, count, tuple(sorted(all_notices)))


def describe(description: SourceDescription) -> Iterator[Quad]:
    """Yields the description of the source as of any document: titles, publisher, licence, date, digest."""
    graph = description.graph
    title = N_("Wikidata: sister cities of {name}") if description.of else N_("Wikidata: sister cities of the world")

    def quad(subject: NamedNode, predicate: NamedNode, value: NamedNode | Literal) -> Quad:
        return Quad(subject, predicate, value, graph)

    yield quad(graph, RDF("type"), CG("Source"))
    for predicate in (RDFS("label"), DCTERMS("title")):
        for language, template in _named(title).items():
            yield quad(graph, predicate, Literal(template.format(name=description.of), language=language))
    yield quad(graph, DCTERMS("publisher"), NamedNode(_WIKIDATA))
    yield quad(graph, DCTERMS("license"), NamedNode(CC0))
    for language in description.languages:
        yield quad(graph, DCTERMS("language"), Literal(language))
    yield quad(graph, CG("readOn"), Literal(description.retrieved[:10], datatype=XSD("date")))
    yield quad(graph, CG("retrieved"), Literal(description.retrieved, datatype=XSD("dateTime")))
    yield quad(graph, CG("sha256"), Literal(description.sha256))
    for iri in description.about:
        yield quad(graph, CG("about"), NamedNode(iri))
    yield quad(NamedNode(_WIKIDATA), RDF("type"), CG("Organisation"))
    for language, name in _named(N_("Wikidata")).items():
        yield quad(NamedNode(_WIKIDATA), RDFS("label"), Literal(name, language=language))


def _named(text: str) -> dict[str, str]:
    """Returns a text by language; also in the first language of the instance, which is required on labels."""
    return {current_instance().languages[0]: text} | templates(text)


def _lines(quads: Iterable[Quad | Notice], notices: set[Notice]) -> Iterator[str]:
    """Yields the quads as lines, and adds the notices among them to a set."""
    for one in quads:
        if isinstance(one, Notice):
            notices.add(one)
        else:
            yield as_line(one)
