"""The SPARQL 1.1 Graph Store Protocol as a WSGI callable: a graph is read and written at an address.

A graph is named by `/graphs?graph=IRI`, by `/graphs?default`, by an address below `/graphs/`, or by its own address
(`/graph/…`, `/source/…`), which a browser reads as a page and a program may write to.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import quote
from uuid import uuid4

from werkzeug.exceptions import HTTPException
from werkzeug.formparser import parse_form_data

from citygraph.commit.change import Action, Change, Conditions, GraphWrite, Payload, Update
from citygraph.errors import MethodNotAllowed, NotFound, UnsupportedMedia, UsageError
from citygraph.rdf.formats import Format, Kind, by_extension, by_media_type, of_kind
from citygraph.release.ownership import api_graphs
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query, decoded_utf8, media_type_of
from citygraph.sparql.update_protocol import UPDATE, GraphRequest, direct_graph, parse_graph
from citygraph.web.http.addresses import client_address, public_root
from citygraph.web.http.negotiation import encoding, wanted
from citygraph.web.sparql.results import FRESH, Asked, Headers, Response, Results
from citygraph.web.sparql.update import Asker, Gate, answer_commit, edge

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


PATH = "/graphs"
METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")
_WRITING = frozenset({"PUT", "POST", "DELETE", "PATCH"})
_OWN_ADDRESSES = ("/graph/", "/source/")
_MULTIPART = "multipart/form-data"
_READ = tuple(format_.media_type for format_ in of_kind(Kind.GRAPH))
_PREFLIGHT = (
    ("Allow", ", ".join(METHODS)),
    ("Access-Control-Allow-Methods", ", ".join(METHODS)),
    (
        "Access-Control-Allow-Headers",
        "Accept, Accept-Language, Authorization, Content-Encoding, Content-Type, If-Match, If-None-Match",
    ),
    ("Access-Control-Max-Age", "86400"),
)
# The format and the coding stand behind the version of the graph.
_TAG = re.compile(r'(?:W/)?"([^".]*)(?:\.[^"]*)?"|(\*)')
_PATCHES = (UPDATE,)


class GraphStore:
    """The callable. `results` answers queries, as at /sparql: a graph that is read is one."""

    def __init__(self, settings: Settings, releases: Releases, results: Results, gate: Gate) -> None:
        self._settings = settings
        self._releases = releases
        self._results = results
        self._gate = gate

    @staticmethod
    def takes(environ: WSGIEnvironment) -> bool:
        """Whether a request is for this callable."""
        path = environ.get("PATH_INFO") or ""
        if path == PATH or path.startswith(PATH + "/"):
            return True
        return environ["REQUEST_METHOD"] in _WRITING and path.startswith(_OWN_ADDRESSES)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request; an error is a problem, never a page of the server."""
        return edge(environ, start_response, self._settings.base, lambda: self._respond(environ))

    def _respond(self, environ: WSGIEnvironment) -> Response:
        method = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return "204 No Content", list(_PREFLIGHT), ()
        if method not in METHODS:
            raise MethodNotAllowed(f"{method} is not a method of this address", METHODS)
        asked = parse_graph(environ.get("QUERY_STRING") or "", self._direct(environ))
        if method in {"GET", "HEAD"}:
            release = self._releases.current()
            return self._list(release) if asked.graph is None else self._read(environ, asked, release)
        asker = self._gate.admit(environ)
        if asked.graph is None and method != "POST":
            raise MethodNotAllowed(f"{method} is for one graph: name it by ?graph=", ("GET", "HEAD", "POST", "OPTIONS"))
        return self._write(environ, asked, asker)

    def _direct(self, environ: WSGIEnvironment) -> str | None:
        """The graph whose own address is asked; the address of this site is ours, whatever the host."""
        path = environ.get("PATH_INFO") or ""
        if path in {PATH, PATH + "/"}:
            return None
        if self._settings.open_writes:
            root = public_root(environ, self._settings.trusted_proxies)
            return direct_graph(path, f"{root}/")
        return direct_graph(path, self._settings.base)

    # reading

    def _read(self, environ: WSGIEnvironment, asked: GraphRequest, release: Release) -> Response:
        graph = asked.graph or ""
        if graph and graph not in release.manifest.graphs:
            raise NotFound(f"there is no graph <{graph}>")
        accepted = wanted(environ.get("HTTP_ACCEPT") or "", asked.format)
        if accepted.html:
            accepted = wanted("", None)
        format_ = accepted.of_kind(Kind.GRAPH)
        version = release.version_of(graph) if graph else release.id
        tag = f'"{version}.{format_.name}"'
        headers: Headers = [
            ("ETag", tag),
            ("Vary", "Accept, Accept-Encoding"),
            FRESH,
            ("X-Citygraph-Release", release.id),
            ("Accept-Patch", UPDATE),
        ]
        if tag in _quoted(environ.get("HTTP_IF_NONE_MATCH")):
            return "304 Not Modified", headers, ()
        pattern = f"GRAPH <{graph}> {{ ?s ?p ?o }}" if graph else "?s ?p ?o"
        query = Query(f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {pattern} }}", formats=(format_.name,))
        client = client_address(environ, self._settings.trusted_proxies)
        coding = encoding(environ.get("HTTP_ACCEPT_ENCODING") or "")
        status, theirs, body = self._results.answer(Asked(release, query, accepted, client, coding))
        kept = [header for header in theirs if header[0] not in {name for name, _ in headers}]
        if dict(theirs).get("Content-Encoding"):
            headers[0] = ("ETag", f'"{version}.{format_.name}-{coding}"')
        return status, [*headers, *kept], body

    def _list(self, release: Release) -> Response:
        """The graphs there are, with who owns them and their addresses here."""
        manifest = release.manifest
        of_api = set(api_graphs(manifest))
        graphs = [
            {
                "graph": name,
                "quads": count,
                "owner": "api" if name in of_api else manifest.owners.get(name, "server"),
                "address": f"{PATH}?graph={quote(name, safe='')}",
            }
            for name, count in sorted(manifest.graphs.items())
        ]
        body = json.dumps({"release": release.id, "graphs": graphs}, ensure_ascii=False, indent=1).encode() + b"\n"
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), FRESH]
        return "200 OK", [*headers, ("ETag", f'"{release.id}"')], (body,)

    # writing

    def _write(self, environ: WSGIEnvironment, asked: GraphRequest, asker: Asker) -> Response:
        method = environ["REQUEST_METHOD"]
        what = self._change_of(environ, asked)
        conditions = Conditions(_tags(environ.get("HTTP_IF_MATCH")), _tags(environ.get("HTTP_IF_NONE_MATCH")))
        holder = asker.holder
        change = Change(what, holder.name, asked.message, holder.prefixes, conditions, asked.dry_run)
        commit = self._gate.commit(environ, asker, change)
        status = "201 Created" if commit.created and method in {"PUT", "POST"} else "200 OK"
        if isinstance(what, GraphWrite) and method == "POST" and not any(p.data.strip() for p in what.payloads):
            status = status if commit.created else "204 No Content"
        status, headers, body = answer_commit(commit, asked.dry_run, self._settings.base, status)
        if status.startswith("204"):
            headers, body = [header for header in headers if not header[0].startswith("Content-")], ()
        if commit.version and not asked.dry_run:
            headers.append(("ETag", f'"{commit.version}"'))
        if status.startswith("201"):
            headers.append(("Location", self._location(environ, what)))
        return status, headers, body

    def _change_of(self, environ: WSGIEnvironment, asked: GraphRequest) -> GraphWrite | Update:
        method = environ["REQUEST_METHOD"]
        graph = asked.graph
        if method == "DELETE":
            return GraphWrite("drop", graph or "")
        if method == "PATCH":
            return self._patch(environ, graph or "")
        if graph is None:
            # Created where the server likes; its address is told (Graph Store Protocol, 5.5).
            root = public_root(environ, self._settings.trusted_proxies) + "/"
            graph = f"{root if self._settings.open_writes else self._settings.base}graphs/{uuid4()}"
        action: Action = "replace" if method == "PUT" else "merge"
        return GraphWrite(action, graph, self._payloads(environ))

    def _patch(self, environ: WSGIEnvironment, graph: str) -> Update:
        if media_type_of(environ.get("CONTENT_TYPE") or "") != UPDATE:
            raise UnsupportedMedia(f"PATCH takes {UPDATE}", _PATCHES)
        text = decoded_utf8(self._gate.body(environ), "the body")
        return Update(text, only=graph, base=self._settings.base)

    def _payloads(self, environ: WSGIEnvironment) -> tuple[Payload, ...]:
        content_type = environ.get("CONTENT_TYPE") or ""
        if media_type_of(content_type) == _MULTIPART:
            if environ["REQUEST_METHOD"] != "POST":
                raise UnsupportedMedia(f"{_MULTIPART} is for POST", _READ)
            return tuple(self._parts(environ))
        format_ = by_media_type(content_type)
        if format_ is None:
            said = f"no body of type {content_type[:80]!r} is read" if content_type else "the body has no Content-Type"
            raise UnsupportedMedia(f"{said}: send one of {', '.join(_READ)}", _READ)
        return (Payload(self._gate.body(environ), format_.name),)

    def _parts(self, environ: WSGIEnvironment) -> Iterable[Payload]:
        body = self._gate.body(environ)
        whole = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        whole.pop("HTTP_CONTENT_ENCODING", None)
        try:
            parse = partial(parse_form_data, max_form_memory_size=self._settings.body_limit, max_form_parts=100)
            _, fields, files = parse(whole, silent=False)
        except (HTTPException, ValueError) as error:
            raise UsageError(f"the parts of the body cannot be told apart: {error}") from None
        if not files and not fields:
            raise UsageError("the body has no parts")
        if fields:
            raise UnsupportedMedia("each part needs the Content-Type of its triples, and a filename", _READ)
        for file in (file for named in files.listvalues() for file in named):
            yield Payload(file.read(), _format_of(file.content_type or "", file.filename or "").name)

    def _location(self, environ: WSGIEnvironment, what: GraphWrite | Update) -> str:
        graph = what.graph if isinstance(what, GraphWrite) else what.only
        root = public_root(environ, self._settings.trusted_proxies)
        for base in (self._settings.base, f"{root}/"):
            if graph.startswith(f"{base}graphs/"):
                return f"{root}/{graph.removeprefix(base)}"
        return f"{root}{PATH}?graph={quote(graph, safe='')}"


def _format_of(content_type: str, filename: str) -> Format:
    format_ = by_media_type(content_type) or by_extension(filename)
    if format_ is None:
        raise UnsupportedMedia(f"no part of type {content_type[:80]!r} is read: send one of {', '.join(_READ)}", _READ)
    return format_


def _tags(header: str | None) -> tuple[str, ...]:
    """The versions of a graph in If-Match or If-None-Match. Raises UsageError for a header that has none."""
    if header is None:
        return ()
    found = tuple(match[1] if match[1] is not None else "*" for match in _TAG.finditer(header))
    if not found:
        raise UsageError("If-Match and If-None-Match hold entity tags in quotes, or a star")
    return found


def _quoted(header: str | None) -> list[str]:
    """The entity tags of a header, without the content coding."""
    return [re.sub(r'-(?:gzip|br|zstd)"$', '"', match[0].removeprefix("W/")) for match in _TAG.finditer(header or "")]
