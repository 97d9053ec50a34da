"""One table of the formats we read and write: name, media types, extension, what they can carry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pyoxigraph import Literal, Quad, QueryResultsFormat, RdfFormat, Triple

from citygraph.rdf.terms import RDF


class Kind(StrEnum):
    """What a format can carry."""

    GRAPH = "graph"  # triples: CONSTRUCT, DESCRIBE, documents, files
    SOLUTIONS = "solutions"  # a table: SELECT
    BOOLEAN = "boolean"  # ASK


@dataclass(frozen=True)
class Format:
    """A format: `name` is the value of `?format=`, the first media type is the one we answer with."""

    name: str
    label: str
    media_types: tuple[str, ...]
    extension: str
    kinds: frozenset[Kind]
    rdf: RdfFormat | None = None
    results: QueryResultsFormat | None = None
    text: bool = True
    iri: str | None = None  # the format's name in http://www.w3.org/ns/formats/
    served_as: str = ""  # the value of Content-Type, where it is not that of the media type

    @property
    def media_type(self) -> str:
        """The media type we answer with, without parameters."""
        return self.media_types[0]

    @property
    def content_type(self) -> str:
        """The value of Content-Type: the charset is said where the media type's default is not UTF-8."""
        if self.served_as:
            return self.served_as
        return f"{self.media_type}; charset=utf-8" if self.media_type.startswith("text/") else self.media_type


_GRAPH = frozenset({Kind.GRAPH})
_RESULTS = frozenset({Kind.SOLUTIONS, Kind.BOOLEAN})
_TABLE = frozenset({Kind.SOLUTIONS})

# The first of a kind is what `*/*` gets.
FORMATS: tuple[Format, ...] = (
    Format("json", "SPARQL Results JSON", ("application/sparql-results+json", "application/json"), "srj", _RESULTS,
           results=QueryResultsFormat.JSON, iri="SPARQL_Results_JSON"),
    Format("xml", "SPARQL Results XML", ("application/sparql-results+xml", "application/xml", "text/xml"), "srx",
           _RESULTS, results=QueryResultsFormat.XML, iri="SPARQL_Results_XML"),
    Format("csv", "CSV", ("text/csv",), "csv", _RESULTS, results=QueryResultsFormat.CSV, iri="SPARQL_Results_CSV"),
    Format("tsv", "TSV", ("text/tab-separated-values",), "tsv", _RESULTS, results=QueryResultsFormat.TSV,
           iri="SPARQL_Results_TSV"),
    Format("sheet", "CSV for spreadsheets", ("application/x-spreadsheet+csv",), "csv", _TABLE,
           served_as="text/csv; charset=utf-8; header=present"),
    Format("md", "Markdown table", ("text/markdown",), "md", _TABLE),
    Format("ttl", "Turtle", ("text/turtle", "application/x-turtle"), "ttl", _GRAPH, rdf=RdfFormat.TURTLE,
           iri="Turtle"),
    Format("nt", "N-Triples", ("application/n-triples", "text/plain"), "nt", _GRAPH, rdf=RdfFormat.N_TRIPLES,
           iri="N-Triples"),
    Format("rdf", "RDF/XML", ("application/rdf+xml",), "rdf", _GRAPH, rdf=RdfFormat.RDF_XML, iri="RDF_XML"),
    Format("jsonld", "JSON-LD", ("application/ld+json",), "jsonld", _GRAPH, rdf=RdfFormat.JSON_LD, iri="JSON-LD"),
    Format("trig", "TriG", ("application/trig", "application/x-trig"), "trig", _GRAPH, rdf=RdfFormat.TRIG,
           iri="TriG"),
    Format("nq", "N-Quads", ("application/n-quads", "text/x-nquads"), "nq", _GRAPH, rdf=RdfFormat.N_QUADS,
           iri="N-Quads"),
)  # fmt: skip

BY_NAME: dict[str, Format] = {format_.name: format_ for format_ in FORMATS}
# Other names that users of other endpoints type in ?format=.
ALIASES: dict[str, str] = {
    "turtle": "ttl", "n3": "ttl", "ntriples": "nt", "n-triples": "nt", "rdfxml": "rdf", "rdf+xml": "rdf",
    "rdf/xml": "rdf", "json-ld": "jsonld", "nquads": "nq", "n-quads": "nq", "markdown": "md", "srj": "json",
    "srx": "xml", "sparql-json": "json", "sparql-xml": "xml",
}  # fmt: skip


def of_kind(kind: Kind) -> tuple[Format, ...]:
    """The formats that can carry `kind`, in order of our preference."""
    return tuple(format_ for format_ in FORMATS if kind in format_.kinds)


def named(name: str, among: Iterable[Format]) -> Format | None:
    """The format with this short name or media type (as in `?format=`), if it is among those offered."""
    wanted = name.strip().casefold()
    wanted = ALIASES.get(wanted, wanted)
    for format_ in among:
        # "json" asked of a graph means JSON-LD, "xml" RDF/XML: nobody asks for results of a CONSTRUCT.
        if wanted == format_.name or wanted in format_.media_types:
            return format_
    graph_names = {"json": "jsonld", "application/json": "jsonld", "xml": "rdf", "application/xml": "rdf"}
    if wanted in graph_names:
        return next((f for f in among if f.name == graph_names[wanted]), None)
    return None


def by_extension(name: str) -> Format | None:
    """The RDF format of a file by the end of its name (`.gz` aside), or None."""
    suffix = name.removesuffix(".gz").rpartition(".")[2]
    return next((f for f in FORMATS if f.rdf is not None and f.extension == suffix), None)


def by_media_type(media_type: str) -> Format | None:
    """The RDF format of a body by its Content-Type (parameters aside), or None."""
    bare = media_type.partition(";")[0].strip().casefold()
    return next((f for f in FORMATS if f.rdf is not None and bare in f.media_types), None)


# What XML 1.0 has no way to write (2.2, Characters).
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# RDF/XML writes a property as the name of an element, which its IRI must end with (RDF/XML, 8).
_NAMED = re.compile(r"[^\W\d][\w.-]*\Z")
_OF_LANGUAGES = (RDF("langString"), RDF("dirLangString"))


def why_not(quad: Quad) -> str:
    """Why a statement can be neither judged by the shapes nor given to everybody; empty if it can."""
    value = quad.object
    if not _NAMED.search(quad.predicate.value):
        return f"the property {quad.predicate} of {quad.subject} ends with no name, so that RDF/XML cannot write it"
    if isinstance(value, Triple):
        return f"a value of {quad.subject} is a triple: values are IRIs and literals here"
    if not isinstance(value, Literal):
        return ""
    if value.direction is not None:
        return f"a text of {quad.subject} has a base direction, which RDF 1.1 does not know: {_shown(value)}"
    if value.datatype in _OF_LANGUAGES and not value.language:
        return f"a text of {quad.subject} is of a language without saying which: {_shown(value)}"
    if found := _UNWRITABLE.search(value.value):
        return f"a value of {quad.subject} has the character U+{ord(found[0]):04X}, which XML cannot write"
    return ""


def _shown(value: Literal) -> str:
    return str(value)[:80]
