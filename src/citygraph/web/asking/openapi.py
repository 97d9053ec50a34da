"""What a program may ask of a site, in OpenAPI 3.1: made of the heads of the stored queries and the formats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from citygraph.formats import Format, Kind, of_kind
from citygraph.queries import Parameter, StoredQuery
from citygraph.web.answering.problems import MEDIA_TYPE

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
    "400": "The request is not understood; the detail names what is wrong.",
    "404": "There is no such thing here.",
    "406": "None of the accepted formats is made; the offered ones are listed.",
    "429": "Too much was asked at once; Retry-After says when to come again.",
    "503": "A limit of time, memory or size was reached, or the server is busy.",
}
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
        "responses": _responses("The result.", formats, "400", "406", "429", "503"),
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
        "responses": {"200": {"description": "Each with its parameters and addresses.", "content": content}},
    }


def _of_sparql() -> dict[str, Any]:
    formats = tuple(dict.fromkeys(format_ for kind in Kind for format_ in of_kind(kind)))
    answer = _responses("The result of the query.", formats, "400", "406", "429", "503")
    common = {"tags": ["sparql"], "responses": answer}
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
        "post": {"operationId": "sparql-post", "summary": "Ask a SPARQL 1.1 query in the body", **common,
                 "parameters": [_format(formats)], "requestBody": body},
    }  # fmt: skip


def _of_documents() -> dict[str, Any]:
    formats = of_kind(Kind.GRAPH)
    place = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": example}
             for name, example in (("type", "city"), ("slug", "izmir"))]  # fmt: skip
    answer = _responses("What the release says of it, with its sources.", formats, "404", "406")
    gone = {"301": {"description": "It is one with another thing."}, "410": {"description": "It was withdrawn."}}
    document = {"operationId": "document", "summary": "The document of a thing",
                "parameters": [*place, _format(formats)], "responses": {**answer, **gone}}  # fmt: skip
    led = {"303": {"description": "To its document."}, **gone, "404": {"$ref": "#/components/responses/Problem404"}}
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
    return {**answers, **{status: {"$ref": f"#/components/responses/Problem{status}"} for status in errors}}


def _problem(said: str) -> dict[str, Any]:
    return {"description": said, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


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
