"""The description of the API in OpenAPI 3.1, from the route table and the stored queries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from citygraph.instance import current_instance
from citygraph.rdf.formats import Format, Kind, of_kind
from citygraph.source.queries import StoredQuery
from citygraph.source.query_parameters import Parameter
from citygraph.web.http.problems import MEDIA_TYPE
from citygraph.web.http.routes import SECTIONS

_VARIABLE = re.compile(r"\{(\w+)\}")
_SCHEMAS: dict[str, dict[str, Any]] = {
    "iri": {"type": "string"},
    "date": {"type": "string", "pattern": "^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$"},
    "integer": {"type": "integer"},
    "text": {"type": "string"},
    "language": {"type": "string", "pattern": "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$"},
    "choice": {"type": "string"},
}
_TYPES = {
    "iri": "The name of an entity, an identifier such as city/name, an IRI, or a prefixed name such as {example}.",
    "date": "A day (2026-01-31), a month (2026-01) or a year (2026).",
}
_QUERY = {
    "name": "query",
    "in": "query",
    "required": True,
    "schema": {"type": "string"},
    "description": "The text of the SPARQL query.",
}
_TIMEOUT: dict[str, Any] = {
    "name": "timeout",
    "in": "query",
    "required": False,
    "description": "The client's own time limit in seconds; it lowers the server's.",
    "schema": {"type": "number", "exclusiveMinimum": 0},
}
_LANG = {
    "name": "lang",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "The language of the labels in the result; without it the first language of the site.",
}
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


def openapi(queries: Iterable[StoredQuery], root: str, version: str, home: str) -> dict[str, Any]:
    """Returns the description; `root` is the address of the site as its reader sees it, without a slash at the end.

    Stored queries, SPARQL and documents are described in detail, all other addresses by their line of the route table.
    `home` is the path of the home place, which is the example of a thing.
    """
    in_detail = {"/queries": {"get": _of_list()}, "/sparql": _of_sparql(), **_of_documents(home)}
    stored = {f"/queries/{query.name}": {"get": _of_query(query)} for query in queries}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": current_instance().title_in("en"),
            "version": version,
            "description": "A graph of city diplomacy: stored queries, SPARQL, and a document for each thing.",
            "license": _licence(),
        },
        "servers": [{"url": root}],
        "paths": {**_of_routes(), **in_detail, **stored},
        "components": {
            "schemas": {"Problem": _PROBLEM, "Queries": _list_schema()},
            "responses": {f"Problem{status}": _problem(about) for status, about in _ERRORS.items()},
        },
    }


def _of_routes() -> dict[str, dict[str, Any]]:
    """Returns the addresses of the route table, with a summary, their parameters and the errors of every address."""
    paths: dict[str, dict[str, Any]] = {}
    for section in SECTIONS:
        for route in section.routes:
            for method in route.methods:
                operation = {
                    "operationId": re.sub(r"\W+", "-", f"{method.lower()}{route.address}").strip("-"),
                    "tags": [section.heading.lower()],
                    "summary": route.about,
                    "parameters": [_in_path(name) for name in _VARIABLE.findall(route.address)],
                    "responses": {"2XX": {"description": route.about}, **_problems("404", "406", "500")},
                }
                paths.setdefault(route.address, {})[method.lower()] = operation
    return paths


def _in_path(name: str, example: str = "") -> dict[str, Any]:
    parameter = {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    return {**parameter, "example": example} if example else parameter


def _licence() -> dict[str, str]:
    instance = current_instance()
    # An identifier excludes an address.
    named = {"identifier": instance.licence_id} if instance.licence_id else {"url": instance.licence}
    return {"name": instance.licence_name, **named}


def _of_query(query: StoredQuery) -> dict[str, Any]:
    formats = of_kind(query.kind)
    return {
        "operationId": "query-" + query.name.replace("/", "-"),
        "tags": ["queries"],
        "summary": query.title,
        "description": query.description.strip(),
        "parameters": [*map(_of_parameter, query.parameters), _format(formats), _LANG, _TIMEOUT],
        "responses": _responses("The result.", formats, *_OF_QUERIES),
    }


def _of_parameter(parameter: Parameter) -> dict[str, Any]:
    schema = dict(_SCHEMAS[parameter.type])
    bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum, "enum": list(parameter.choices) or None}
    schema |= {name: value for name, value in bounds.items() if value is not None}
    if parameter.example:
        schema["default"] = int(parameter.example) if parameter.type == "integer" else parameter.example
    sentences = (
        parameter.description[:1].upper() + parameter.description[1:],
        _TYPES.get(parameter.type, "").format(example=parameter.example or "cg:City"),
    )
    description = " ".join(text.removesuffix(".") + "." for text in sentences if text)
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
    get = {"operationId": "sparql", "summary": "A SPARQL 1.1 query", "parameters": [_QUERY, _format(formats), _TIMEOUT]}
    post = {"operationId": "sparql-post", "summary": "A SPARQL 1.1 query in the body", "requestBody": body}
    return {"get": {**get, **common}, "post": {**post, **of_body, "parameters": [_format(formats), _TIMEOUT]}}


def _of_documents(home: str) -> dict[str, Any]:
    formats = of_kind(Kind.GRAPH)
    place = [_in_path(name, example) for name, example in zip(("type", "slug"), home.split("/"), strict=True)]
    content = _responses("The statements of the release, with their sources.", formats, "400", "404", "406")
    gone = {"301": {"description": "It was merged with another entity."}, **_problems("410")}
    to_document = {"303": {"description": "To its document."}, **gone, **_problems("404")}
    by_format = [*place, _format(formats)]
    operations = (
        ("/id/{type}/{slug}", "thing", "An entity by its identifier", place, to_document),
        (
            "/doc/{type}/{slug}",
            "document",
            "The document of an entity",
            by_format,
            {**content, **gone},
        ),
        ("/dataset", "dataset", "The dataset described (VoID, DCAT, DQV)", [_format(formats)], content),
    )
    return {
        path: {
            "get": {
                "tags": ["documents"],
                "operationId": name,
                "summary": summary,
                "parameters": parameters,
                "responses": responses,
            }
        }
        for path, name, summary, parameters, responses in operations
    }


def _format(formats: Iterable[Format]) -> dict[str, Any]:
    return {
        "name": "format",
        "in": "query",
        "required": False,
        "description": "The format; without it the Accept header decides.",
        "schema": {"type": "string", "enum": ["html", *(format_.name for format_ in formats)]},
    }


def _responses(about: str, formats: Iterable[Format], *errors: str) -> dict[str, Any]:
    content: dict[str, Any] = {format_.media_type: {} for format_ in formats}
    successes: dict[str, Any] = {
        "200": {"description": about, "content": {**content, "text/html": {}}},
        "304": {"description": "Not modified: the ETag in If-None-Match is still the one."},
    }
    return {**successes, **_problems(*errors)}


def _problems(*statuses: str) -> dict[str, Any]:
    return {status: {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def _problem(about: str) -> dict[str, Any]:
    """Returns an error: as problem details, or as a page if a page is accepted."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": about, "content": {MEDIA_TYPE: {"schema": schema}, "text/html": {}}}


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
