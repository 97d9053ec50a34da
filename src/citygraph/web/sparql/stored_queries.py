"""The stored queries as an API: their list, a page for each, their results, and the description of all in OpenAPI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Request, Response, request
from werkzeug.test import run_wsgi_app

from citygraph import __version__
from citygraph.errors import NotFound, UsageError
from citygraph.rdf.formats import BY_NAME, Format, of_kind
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.source.queries import StoredQuery, load_queries
from citygraph.sparql.protocol import parameters_of
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.messages import RELEASE
from citygraph.web.http.negotiation import wanted
from citygraph.web.http.replies import HTML, JSON, Offer, chosen, reply
from citygraph.web.sparql.endpoint import PATH, SparqlEndpoint
from citygraph.web.sparql.service_description import openapi
from citygraph.web.view.page_request import Reader, reader_of
from citygraph.web.view.templates import Templates

OPENAPI = Offer("json", "application/vnd.oai.openapi+json;version=3.1")
# What belongs to the address of a query and is none of its parameters.
_OWN = ("format", "output", "lang")
# Measurements are asked by the build; people find the others first.
_GROUPS = ("", "tables", "quality")


def mount_queries(app: Flask, settings: Settings, releases: Releases, endpoint: SparqlEndpoint | None) -> None:
    """Add /queries and /openapi.json to the site; `endpoint` answers the queries, if there are engines."""
    app.register_blueprint(Queries(settings, releases, endpoint).blueprint())


class Queries:
    """What answers for the stored queries."""

    def __init__(self, settings: Settings, releases: Releases, endpoint: SparqlEndpoint | None) -> None:
        self._settings = settings
        self._releases = releases
        self._endpoint = endpoint
        self._pages = Templates()

    def blueprint(self) -> Blueprint:
        """The addresses."""
        blueprint = Blueprint("queries", __name__)
        blueprint.add_url_rule("/queries", "all", self.all, methods=["GET"])
        blueprint.add_url_rule("/queries.<extension>", "all-as", self.all, methods=["GET"])
        blueprint.add_url_rule("/queries/<path:name>", "one", self.one, methods=["GET"])
        blueprint.add_url_rule("/openapi.json", "openapi", self.described, methods=["GET"])
        return blueprint

    def all(self, extension: str = "") -> Response:
        """Every stored query with its parameters and addresses."""
        offer = chosen(request, (JSON, HTML), extension)
        reader = self._reader(request)
        if offer is JSON:
            queries = [self._as_json(query, reader) for query in self._queries.values()]
            answer = reply(request, json.dumps({"queries": queries}, ensure_ascii=False, indent=1) + "\n", JSON)
        else:
            groups = [(group, [q for q in self._queries.values() if _group(q) == group]) for group in _GROUPS]
            page = self._pages.page("queries.html", reader, self._release(), groups=groups)
            answer = reply(request, page, HTML, reader.words.language)
        return self._linked(answer, reader)

    def one(self, name: str) -> Response:
        """A query's page or, to a program, its result. Raises NotFound, UsageError for a bad parameter."""
        query = self._queries.get(name)
        if query is None:
            raise NotFound(f"no stored query {name[:80]!r}; all are listed at /queries")
        given, own = _parameters(request)
        text = query.bind(given)
        format_ = own.get("format") or own.get("output")
        reader = self._reader(request)
        if not wanted(request.headers.get("Accept", ""), format_).html:
            return self._linked(self._result(text, format_), reader)
        page = self._page(query, text, given, reader)
        return self._linked(reply(request, page, HTML, reader.words.language), reader)

    def described(self) -> Response:
        """All that a program may ask here, as OpenAPI 3.1."""
        _, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        description = openapi(self._queries.values(), root, __version__)
        return reply(request, json.dumps(description, ensure_ascii=False, indent=1) + "\n", OPENAPI)

    @cached_property
    def _queries(self) -> Mapping[str, StoredQuery]:
        """The files are read once: a server is started anew when its queries change."""
        return load_queries(self._settings.queries)

    def _result(self, text: str, format_: str | None) -> Response:
        """The endpoint's own answer to the text: with its limits, its validators and its problems."""
        if self._endpoint is None:
            raise NotFound("no queries are answered here: this server runs without engines")
        asked = {"query": text, **({"format": format_} if format_ else {})}
        environ = {**request.environ, "QUERY_STRING": urlencode(asked)}
        return Response(*run_wsgi_app(self._endpoint, environ))

    def _page(self, query: StoredQuery, text: str, given: Mapping[str, str], reader: Reader) -> str:
        here = reader.addresses.path(f"queries/{query.name}")
        formats = _formats(query)
        return self._pages.page(
            "query.html",
            reader,
            self._release(),
            query=query,
            text="\n".join(line for line in text.splitlines() if not line.startswith("#+")).strip(),
            fields=[(p, given.get(p.name, p.example)) for p in query.parameters],
            results=[(f.label, f"{here}?{urlencode({**given, 'format': f.name})}") for f in formats],
            formats=formats,
            address=here,
            workbench=f"{reader.addresses.path(PATH[1:])}?{urlencode({'query': text})}",
        )

    def _as_json(self, query: StoredQuery, reader: Reader) -> dict[str, Any]:
        here = reader.addresses.path(f"queries/{query.name}")
        language = reader.words.language
        return {
            "name": query.name,
            "title": query.title_in(language)[0],
            "description": query.description_in(language)[0],
            "parameters": [
                {"name": p.name, "type": p.type, "default": p.example or p.default, "description": p.description}
                for p in query.parameters
            ],
            "view": query.view,
            "addresses": {name: f"{here}?format={name}" for name in ("html", *(f.name for f in _formats(query)))},
        }

    def _release(self) -> Release:
        return self._releases.get(request.environ.get(RELEASE) or self._releases.current_id())

    def _reader(self, asking: Request) -> Reader:
        return reader_of(asking, self._settings)

    def _linked(self, response: Response, reader: Reader) -> Response:
        """The response with a link to the description of the API (RFC 8631)."""
        where = reader.addresses.path("openapi.json")
        response.headers.add("Link", f'<{where}>; rel="service-desc"; type="{OPENAPI.media_type}"')
        return response


def _group(query: StoredQuery) -> str:
    folder, slash, _ = query.name.partition("/")
    return folder if slash and folder in _GROUPS else ""


def _formats(query: StoredQuery) -> tuple[Format, ...]:
    """The formats that carry what a query answers with."""
    return tuple(BY_NAME[format_.name] for format_ in of_kind(query.kind))


def _parameters(asked: Request) -> tuple[dict[str, str], dict[str, str]]:
    """The values of the query's parameters, and what is of the address itself. Raises UsageError for a double."""
    given: dict[str, str] = {}
    own: dict[str, str] = {}
    for name, value in parameters_of(asked.environ.get("QUERY_STRING") or "", "the address"):
        into = own if name in _OWN else given
        if name in into:
            raise UsageError(f"the parameter {name[:80]!r} stands twice in the address")
        into[name] = value
    return given, own
