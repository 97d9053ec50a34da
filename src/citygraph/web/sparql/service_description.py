"""The SPARQL 1.1 Service Description of the endpoint, with the graphs of the release and the limits in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pyoxigraph import Literal, NamedNode, RdfFormat, Triple, serialize

from citygraph.rdf.formats import FORMATS as ALL_FORMATS
from citygraph.rdf.formats import Format, Kind, of_kind
from citygraph.rdf.terms import CG, DCTERMS, FORMATS, LICENSE, OWL, PREFIXES, RDF, RDFS, SD, VOID, XSD
from citygraph.release.releases import Manifest
from citygraph.settings import Settings
from citygraph.source.queries import Parameter, StoredQuery
from citygraph.sparql.functions import FUNCTIONS
from citygraph.web.http.problems import MEDIA_TYPE

_TYPE = RDF("type")
_PREFIXED = {RdfFormat.TURTLE, RdfFormat.TRIG, RdfFormat.RDF_XML, RdfFormat.JSON_LD}
_USED_PREFIXES = ("cg", "sd", "void", "dcterms", "owl", "rdf", "rdfs", "xsd")


def describe_service(endpoint: str, manifest: Manifest, settings: Settings) -> list[Triple]:
    """The description as triples without blank nodes; `endpoint` is the address as its clients see it."""
    # Comunica reads only a description whose subject is the address that it was given.
    service = NamedNode(endpoint)
    dataset = NamedNode(f"{settings.base}dataset")
    return [
        *_service(service, dataset, settings),
        *_limits(service, settings),
        *_functions(service),
        *_dataset(dataset, service, manifest),
    ]


def write_description(triples: list[Triple], format_: Format) -> bytes:
    """The triples in a format of graphs."""
    prefixes = {prefix: PREFIXES[prefix] for prefix in _USED_PREFIXES}
    chosen = prefixes if format_.rdf in _PREFIXED else None
    return serialize(triples, format=format_.rdf, prefixes=chosen) or b""


def _service(service: NamedNode, dataset: NamedNode, settings: Settings) -> Iterator[Triple]:
    yield Triple(service, _TYPE, SD("Service"))
    yield Triple(service, SD("endpoint"), service)
    yield Triple(service, DCTERMS("title"), Literal("SPARQL endpoint of citygraph", language="en"))
    yield Triple(service, DCTERMS("title"), Literal("citygraph SPARQL uç noktası", language="tr"))
    yield Triple(service, SD("supportedLanguage"), SD("SPARQL10Query"))
    yield Triple(service, SD("supportedLanguage"), SD("SPARQL11Query"))
    for format_ in ALL_FORMATS:
        if format_.iri:
            yield Triple(service, SD("resultFormat"), FORMATS(format_.iri))
    if settings.federation:
        yield Triple(service, SD("feature"), SD("BasicFederatedQuery"))
    yield Triple(service, SD("defaultDataset"), dataset)


def _limits(service: NamedNode, settings: Settings) -> Iterator[Triple]:
    """The limits that a client can meet; one that is 0 is none, and is not said."""
    limits: dict[str, float] = {
        "timeLimit": settings.time_limit,
        "memoryLimit": settings.memory_limit,
        "resultSizeLimit": settings.result_limit,
        "queryLengthLimit": settings.query_length,
        "queryDepthLimit": settings.query_depth,
        "queryBreadthLimit": settings.query_breadth,
        "clientConcurrencyLimit": settings.client_concurrency,
        "clientRateLimit": settings.client_rate,
    }
    for name, value in limits.items():
        if value:
            # With a fraction always: Turtle's `30` is an integer.
            number = Literal(value) if isinstance(value, int) else Literal(str(value), datatype=XSD("decimal"))
            yield Triple(service, CG(name), number)


def _functions(service: NamedNode) -> Iterator[Triple]:
    for function in FUNCTIONS:
        yield Triple(service, SD("extensionFunction"), function.iri)
        yield Triple(function.iri, _TYPE, SD("Function"))
        yield Triple(function.iri, RDFS("label"), Literal(function.signature, language="en"))
        yield Triple(function.iri, RDFS("comment"), Literal(function.help, language="en"))


def _dataset(dataset: NamedNode, endpoint: NamedNode, manifest: Manifest) -> Iterator[Triple]:
    default = NamedNode(f"{dataset.value}#default-graph")
    yield Triple(dataset, _TYPE, SD("Dataset"))
    yield Triple(dataset, _TYPE, VOID("Dataset"))
    yield Triple(dataset, VOID("sparqlEndpoint"), endpoint)
    yield Triple(dataset, DCTERMS("license"), LICENSE)
    yield Triple(dataset, OWL("versionInfo"), Literal(manifest.id))
    if manifest.created:
        yield Triple(dataset, DCTERMS("modified"), Literal(manifest.created, datatype=XSD("dateTime")))
    yield Triple(dataset, SD("defaultGraph"), default)
    yield Triple(default, _TYPE, SD("Graph"))
    yield Triple(default, VOID("triples"), Literal(manifest.triples))
    for graph, triples in sorted(manifest.graphs.items()):
        name = NamedNode(graph)
        yield Triple(dataset, SD("namedGraph"), name)
        yield Triple(name, _TYPE, SD("NamedGraph"))
        yield Triple(name, SD("name"), name)
        yield Triple(name, VOID("triples"), Literal(triples))


_SCHEMAS: dict[str, dict[str, Any]] = {
    "iri": {"type": "string"},
    "date": {"type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"},
    "integer": {"type": "integer"},
    "text": {"type": "string"},
}
_TYPES = {
    "iri": "An IRI, or a prefixed name such as city:izmir.",
    "date": "A day (2026-01-31), a month (2026-01) or a year (2026).",
}
_QUERY = {"name": "query", "in": "query", "required": True, "schema": {"type": "string"},
          "description": "The text of the SPARQL query."}  # fmt: skip
_ERRORS = {
    "400": "The request is invalid; the detail says what is wrong.",
    "403": "The query has a part that this server does not permit.",
    "404": "There is nothing at this address.",
    "406": "None of the accepted formats is available; those that are available are listed.",
    "410": "It was withdrawn; its document says why.",
    "413": "The request exceeds a limit of size.",
    "415": "The media type of the body is not supported; those that are supported are listed.",
    "429": "Too many requests; Retry-After says when to come again.",
    "500": "The query could not be evaluated.",
    "503": "A limit of time, memory or size was reached, or the server is busy.",
}
_OF_QUERIES = ("400", "403", "406", "413", "429", "500", "503")
_PROBLEM = {
    "type": "object",
    "description": "An error (RFC 9457); some kinds have further members.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}


def openapi(queries: Iterable[StoredQuery], root: str, version: str) -> dict[str, Any]:
    """The description; `root` is where the site stands as its reader addresses it, without a slash at the end."""
    stored = {f"/queries/{query.name}": {"get": _of_query(query)} for query in queries}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "citygraph",
            "version": version,
            "description": "A graph of city diplomacy: stored queries, SPARQL, and a document for each thing.",
            "license": {"name": "CC0 1.0", "identifier": "CC0-1.0"},
        },
        "servers": [{"url": root}],
        "paths": {"/queries": {"get": _of_list()}, **stored, "/sparql": _of_sparql(), **_of_documents()},
        "components": {
            "schemas": {"Problem": _PROBLEM, "Queries": _list_schema()},
            "responses": {f"Problem{status}": _problem(said) for status, said in _ERRORS.items()},
        },
    }


def _of_query(query: StoredQuery) -> dict[str, Any]:
    formats = of_kind(query.kind)
    return {
        "operationId": "query-" + query.name.replace("/", "-"),
        "tags": ["queries"],
        "summary": query.title,
        "description": query.description.strip(),
        "parameters": [*(_of_parameter(parameter) for parameter in query.parameters), _format(formats)],
        "responses": _responses("The result.", formats, *_OF_QUERIES),
    }


def _of_parameter(parameter: Parameter) -> dict[str, Any]:
    schema = dict(_SCHEMAS[parameter.type])
    if parameter.example:
        schema["default"] = int(parameter.example) if parameter.type == "integer" else parameter.example
    said = (parameter.description[:1].upper() + parameter.description[1:], _TYPES.get(parameter.type, ""))
    description = " ".join(text.removesuffix(".") + "." for text in said if text)
    return {"name": parameter.name, "in": "query", "required": False, "description": description, "schema": schema}


def _of_list() -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Queries"}}, "text/html": {}}
    return {
        "operationId": "queries",
        "tags": ["queries"],
        "summary": "The stored queries",
        "responses": {
            "200": {"description": "Each with its parameters and addresses.", "content": content},
            **_problems("406"),
        },
    }


def _of_sparql() -> dict[str, Any]:
    formats = tuple(dict.fromkeys(format_ for kind in Kind for format_ in of_kind(kind)))
    answer = _responses("The result of the query.", formats, *_OF_QUERIES)
    common = {"tags": ["sparql"], "responses": answer}
    # Only a body has a media type.
    of_body = {**common, "responses": {**answer, **_problems("415")}}
    form = {"type": "object", "required": ["query"], "properties": {"query": {"type": "string"}}}
    body = {
        "required": True,
        "content": {
            "application/sparql-query": {"schema": {"type": "string"}},
            "application/x-www-form-urlencoded": {"schema": form},
        },
    }
    return {
        "get": {"operationId": "sparql", "summary": "Ask a SPARQL 1.1 query", **common,
                "parameters": [_QUERY, _format(formats)]},
        "post": {"operationId": "sparql-post", "summary": "Ask a SPARQL 1.1 query in the body", **of_body,
                 "parameters": [_format(formats)], "requestBody": body},
    }  # fmt: skip


def _of_documents() -> dict[str, Any]:
    formats = of_kind(Kind.GRAPH)
    place = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
             for name, example in (("type", "city"), ("slug", "izmir"))]  # fmt: skip
    answer = _responses("What the release says of it, with its sources.", formats, "400", "404", "406")
    gone = {"301": {"description": "It is one with another thing."}, **_problems("410")}
    document = {"operationId": "document", "summary": "The document of a thing",
                "parameters": [*place, _format(formats)], "responses": {**answer, **gone}}  # fmt: skip
    led = {"303": {"description": "To its document."}, **gone, **_problems("404")}
    thing = {"operationId": "thing", "summary": "A thing by its identifier", "parameters": place, "responses": led}
    dataset = {"operationId": "dataset", "summary": "The dataset described (VoID, DCAT, DQV)",
               "parameters": [_format(formats)], "responses": answer}  # fmt: skip
    return {
        path: {"get": {"tags": ["documents"], **operation}}
        for path, operation in (
            ("/id/{type}/{slug}", thing), ("/doc/{type}/{slug}", document), ("/dataset", dataset),
        )
    }  # fmt: skip


def _format(formats: Iterable[Format]) -> dict[str, Any]:
    return {
        "name": "format",
        "in": "query",
        "required": False,
        "description": "The format; without it the Accept header decides.",
        "schema": {"type": "string", "enum": ["html", *(format_.name for format_ in formats)]},
    }


def _responses(said: str, formats: Iterable[Format], *errors: str) -> dict[str, Any]:
    content: dict[str, Any] = {format_.media_type: {} for format_ in formats}
    answers: dict[str, Any] = {
        "200": {"description": said, "content": {**content, "text/html": {}}},
        "304": {"description": "Not modified: the ETag in If-None-Match is still the one."},
    }
    return {**answers, **_problems(*errors)}


def _problems(*statuses: str) -> dict[str, Any]:
    return {status: {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def _problem(said: str) -> dict[str, Any]:
    """Returns an error: as problem details, or as a page if a page is accepted."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": said, "content": {MEDIA_TYPE: {"schema": schema}, "text/html": {}}}


def _list_schema() -> dict[str, Any]:
    text = {"type": "string"}
    parameter = dict.fromkeys(("name", "type", "default", "description"), text)
    query = {
        **dict.fromkeys(("name", "title", "description", "view"), text),
        "parameters": {"type": "array", "items": {"type": "object", "properties": parameter}},
        "addresses": {"type": "object", "additionalProperties": text},
    }
    queries = {"type": "array", "items": {"type": "object", "properties": query}}
    return {"type": "object", "required": ["queries"], "properties": {"queries": queries}}
