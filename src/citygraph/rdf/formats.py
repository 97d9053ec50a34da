"""The table of RDF and result formats: name, media types, extension, and kinds of results."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache

from pyoxigraph import Literal, Quad, QueryResultsFormat, RdfFormat, Triple

from citygraph.rdf.terms import RDF


class Kind(StrEnum):
    """A kind of result."""

    GRAPH = "graph"  # triples: CONSTRUCT, DESCRIBE, documents, files
    SOLUTIONS = "solutions"  # a table: SELECT
    BOOLEAN = "boolean"  # ASK


class Need(StrEnum):
    """A feature that only some tables have."""

    GEOMETRY = "geometry"
    NETWORK = "network"


def content_type_of(media_type: str) -> str:
    """Returns the value of Content-Type for UTF-8 text of a media type."""
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") else media_type


@dataclass(frozen=True)
class Format:
    """A format: `name` is the value of `?format=`; the first media type is that of responses."""

    name: str
    label: str
    media_types: tuple[str, ...]
    extension: str
    kinds: frozenset[Kind]
    rdf: RdfFormat | None = None
    results: QueryResultsFormat | None = None
    text: bool = True
    iri: str | None = None  # the format's name in http://www.w3.org/ns/formats/
    served_as: str = ""  # the value of Content-Type, if it differs from the media type
    needs: Need | None = None  # the feature that a table needs for this format

    @cached_property
    def media_type(self) -> str:
        """The media type of responses, without parameters."""
        return self.media_types[0]

    @cached_property
    def content_type(self) -> str:
        """The value of Content-Type, with a charset if the default of the media type is not UTF-8."""
        return self.served_as or content_type_of(self.media_type)


_GRAPH = frozenset({Kind.GRAPH})
_RESULTS = frozenset({Kind.SOLUTIONS, Kind.BOOLEAN})
_TABLE = frozenset({Kind.SOLUTIONS})
_Results = QueryResultsFormat


def _results(name: str, label: str, media_types: str, extension: str, results: QueryResultsFormat) -> Format:
    # The names of the W3C: SPARQL_Results_JSON and the like.
    iri = f"SPARQL_Results_{name.upper()}"
    return Format(name, label, tuple(media_types.split()), extension, _RESULTS, results=results, iri=iri)


def _graph(name: str, label: str, media_types: str, rdf: RdfFormat) -> Format:
    iri = label.replace("/", "_")
    return Format(name, label, tuple(media_types.split()), name, _GRAPH, rdf=rdf, iri=iri)


def _table(
    name: str, label: str, media_types: str, extension: str = "", needs: Need | None = None, text: bool = True
) -> Format:
    types = tuple(media_types.split())
    return Format(name, label, types, extension or name, _TABLE, text=text, needs=needs)


# The first format of each kind is the one for `*/*`.
FORMATS: tuple[Format, ...] = (
    _results("json", "SPARQL Results JSON", "application/sparql-results+json application/json", "srj", _Results.JSON),
    _results(
        "xml", "SPARQL Results XML", "application/sparql-results+xml application/xml text/xml", "srx", _Results.XML
    ),
    _results("csv", "CSV", "text/csv", "csv", _Results.CSV),
    _results("tsv", "TSV", "text/tab-separated-values", "tsv", _Results.TSV),
    Format(
        "sheet",
        "CSV for spreadsheets",
        ("application/x-spreadsheet+csv",),
        "csv",
        _TABLE,
        served_as="text/csv; charset=utf-8; header=present",
    ),
    Format("md", "Markdown table", ("text/markdown",), "md", _TABLE),
    _graph("ttl", "Turtle", "text/turtle application/x-turtle", RdfFormat.TURTLE),
    _graph("nt", "N-Triples", "application/n-triples text/plain", RdfFormat.N_TRIPLES),
    _graph("rdf", "RDF/XML", "application/rdf+xml", RdfFormat.RDF_XML),
    _graph("jsonld", "JSON-LD", "application/ld+json", RdfFormat.JSON_LD),
    _graph("trig", "TriG", "application/trig application/x-trig", RdfFormat.TRIG),
    _graph("nq", "N-Quads", "application/n-quads text/x-nquads", RdfFormat.N_QUADS),
    # Of citygraph.exports.
    _table("parquet", "Parquet", "application/vnd.apache.parquet", text=False),
    _table("xlsx", "XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", text=False),
    _table("geojson", "GeoJSON", "application/geo+json application/vnd.geo+json", needs=Need.GEOMETRY),
    _table("gpkg", "GeoPackage", "application/geopackage+sqlite3", needs=Need.GEOMETRY, text=False),
    _table("gexf", "GEXF", "application/gexf+xml", needs=Need.NETWORK),
    _table("graphml", "GraphML", "application/graphml+xml", needs=Need.NETWORK),
    _table("nodelink", "Node-link JSON", "application/vnd.citygraph.node-link+json", "json", Need.NETWORK),
    Format(
        "edges",
        "Edge list (CSV)",
        ("application/vnd.citygraph.edge-list+csv",),
        "csv",
        _TABLE,
        served_as="text/csv; charset=utf-8; header=present",
        needs=Need.NETWORK,
    ),
)

BY_NAME: dict[str, Format] = {format_.name: format_ for format_ in FORMATS}
# Names that other endpoints accept in ?format=.
ALIASES: dict[str, str] = {
    **dict.fromkeys(("turtle", "n3"), "ttl"),
    **dict.fromkeys(("ntriples", "n-triples"), "nt"),
    **dict.fromkeys(("rdfxml", "rdf+xml", "rdf/xml"), "rdf"),
    **dict.fromkeys(("nquads", "n-quads"), "nq"),
    **dict.fromkeys(("srj", "sparql-json"), "json"),
    **dict.fromkeys(("srx", "sparql-xml"), "xml"),
    "json-ld": "jsonld",
    "markdown": "md",
}


def of_kind(kind: Kind) -> tuple[Format, ...]:
    """Returns the formats for a kind of result, in order of preference."""
    return tuple(format_ for format_ in FORMATS if kind in format_.kinds)


def named(name: str, among: Iterable[Format]) -> Format | None:
    """Returns the format with this short name or media type, as in `?format=`, if it is among these, else None."""
    normal = name.strip().casefold()
    normal = ALIASES.get(normal, normal)
    for format_ in among:
        if normal == format_.name or normal in format_.media_types:
            return format_
    # For a graph, "json" can only mean JSON-LD and "xml" RDF/XML: the formats of solutions are not among these.
    graph_names = {"json": "jsonld", "application/json": "jsonld", "xml": "rdf", "application/xml": "rdf"}
    return next((f for f in among if f.name == graph_names.get(normal)), None)


def by_extension(name: str) -> Format | None:
    """Returns the RDF format of a file by its extension, before which `.gz` is ignored, or None."""
    suffix = name.removesuffix(".gz").rpartition(".")[2]
    return next((f for f in FORMATS if f.rdf is not None and f.extension == suffix), None)


def by_media_type(media_type: str) -> Format | None:
    """Returns the RDF format of a body by its Content-Type without parameters, or None."""
    bare = media_type.partition(";")[0].strip().casefold()
    return next((f for f in FORMATS if f.rdf is not None and bare in f.media_types), None)


# Characters that XML 1.0 cannot represent (section 2.2).
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# RDF/XML writes a property as the name of an element, so its IRI must end with an XML name (RDF/XML, 8).
_NAMED = re.compile(r"[^\W\d][\w.-]*\Z")
_OF_LANGUAGES = (RDF("langString"), RDF("dirLangString"))


# A few properties have most statements.
@lru_cache(4096)
def ends_with_name(property_iri: str) -> bool:
    """Returns whether RDF/XML can write a property with this IRI."""
    return _NAMED.search(property_iri) is not None


def unsupported_reason(quad: Quad) -> str:
    """Returns why a quad cannot be validated or written in every format; empty if it can."""
    value = quad.object
    if not ends_with_name(quad.predicate.value):
        return f"the property {quad.predicate} of {quad.subject} does not end with a name, so RDF/XML cannot write it"
    if isinstance(value, Triple):
        return f"a value of {quad.subject} is a triple: only IRIs and literals are supported"
    if not isinstance(value, Literal):
        return ""
    if value.direction is not None:
        return f"a text of {quad.subject} has a base direction, which RDF 1.1 does not support: {str(value)[:80]}"
    if not value.language and value.datatype in _OF_LANGUAGES:
        return f"a text of {quad.subject} has the datatype of language-tagged text but no language: {str(value)[:80]}"
    if match := _UNWRITABLE.search(value.value):
        return f"a value of {quad.subject} has the character U+{ord(match[0]):04X}, which XML cannot represent"
    return ""
