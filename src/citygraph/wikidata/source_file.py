"""A pull as a file that `citygraph build` reads: sorted N-Quads, with the description of the source among them."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CG, DCTERMS, ID, RDF, RDFS, SOURCE, XSD
from citygraph.wikidata.model import Finding

_LINES_IN_MEMORY = 200_000
_CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
_WIKIDATA = ID + "organisation/wikidata"


@dataclass(frozen=True)
class Description:
    """What is told of the source: `of` names what it is about in English and Turkish, `about` are its entities.

    `retrieved` is ISO 8601 in UTC, `sha256` the digest of what was read.
    """

    slug: str
    of: tuple[str, str]
    about: tuple[str, ...]
    retrieved: str
    sha256: str
    languages: tuple[str, ...]

    @property
    def graph(self) -> NamedNode:
        """The source, which is also the graph of what it says."""
        return SOURCE(self.slug)


@dataclass(frozen=True)
class Written:
    """A source file: how many statements it holds, and what a person should know of them."""

    path: Path
    graph: NamedNode
    statements: int
    findings: tuple[Finding, ...]


def write_source(
    folder: Path, description: Description, said: Iterable[Quad | Finding], findings: Iterable[Finding] = ()
) -> Written:
    """Write what was said and the description of its source to `folder`, as one file that a build can read.

    The text depends on the statements alone, whatever their order. Whole or not at all: an error in between
    leaves the old file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{description.slug}.nq"
    part = path.with_suffix(".part")
    told: set[Finding] = set(findings)
    with part.open("w", encoding="utf-8", newline="\n") as file:
        lines = _lines([*describe(description)], told)
        count = 0
        for line in sorted_lines(_chain(lines, _lines(said, told))):
            file.write(line)
            count += 1
    part.replace(path)
    return Written(path, description.graph, count, tuple(sorted(told)))


def describe(description: Description) -> Iterator[Quad]:
    """The source as the catalogue describes a document: titles, publisher, licence, date, digest."""
    graph = description.graph
    english, turkish = description.of

    def say(subject: NamedNode, predicate: NamedNode, value: NamedNode | Literal) -> Quad:
        return Quad(subject, predicate, value, graph)

    yield say(graph, RDF("type"), CG("Source"))
    for predicate in (RDFS("label"), DCTERMS("title")):
        yield say(graph, predicate, Literal(f"Wikidata: sister cities of {english}", language="en"))
        yield say(graph, predicate, Literal(f"Vikiveri: kardeş şehirler, {turkish}", language="tr"))
    yield say(graph, DCTERMS("publisher"), NamedNode(_WIKIDATA))
    yield say(graph, DCTERMS("license"), NamedNode(_CC0))
    for language in description.languages:
        yield say(graph, DCTERMS("language"), Literal(language))
    yield say(graph, CG("readOn"), Literal(description.retrieved[:10], datatype=XSD("date")))
    yield say(graph, CG("retrieved"), Literal(description.retrieved, datatype=XSD("dateTime")))
    yield say(graph, CG("sha256"), Literal(description.sha256))
    for iri in description.about:
        yield say(graph, CG("about"), NamedNode(iri))
    yield say(NamedNode(_WIKIDATA), RDF("type"), CG("Organisation"))
    yield say(NamedNode(_WIKIDATA), RDFS("label"), Literal("Wikidata", language="en"))
    yield say(NamedNode(_WIKIDATA), RDFS("label"), Literal("Vikiveri", language="tr"))


def sorted_lines(lines: Iterable[str], in_memory: int = _LINES_IN_MEMORY) -> Iterator[str]:
    """The lines in order, each once; more than `in_memory` of them are sorted by way of the disk."""
    lines = iter(lines)
    with ExitStack() as stack:
        runs: list[Iterable[str]] = []
        while batch := list(islice(lines, in_memory)):
            run = sorted(set(batch))
            if len(batch) < in_memory and not runs:
                runs.append(run)
                break
            file: IO[str] = stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline="\n"))
            file.writelines(run)
            file.seek(0)
            runs.append(file)
        yield from (line for line, _ in groupby(heapq.merge(*runs)))


def _lines(said: Iterable[Quad | Finding], findings: set[Finding]) -> Iterator[str]:
    for one in said:
        if isinstance(one, Finding):
            findings.add(one)
        else:
            yield f"{one} .\n"


def _chain(*parts: Iterable[str]) -> Iterator[str]:
    for part in parts:
        yield from part
