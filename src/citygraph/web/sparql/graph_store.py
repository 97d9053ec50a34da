"""The SPARQL 1.1 Graph Store Protocol: reading and writing a graph at an address.

A graph is named by `/graphs?graph=IRI`, by `/graphs?default`, by an address below `/graphs/`, or by its own address
(`/graph/…`, `/source/…`), which a browser reads as a page and a program may write to.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import quote
from uuid import uuid4

from citygraph.commit.change import Action, Change, Conditions, GraphWrite, Payload, Update
from citygraph.errors import MethodNotAllowed, NotFound, UnsupportedMedia, UsageError
from citygraph.rdf.formats import Format, Kind, by_extension, by_media_type, of_kind
from citygraph.release.ownership import api_graphs
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.sparql.protocol import Query, decoded_utf8, media_type_of
from citygraph.sparql.update_protocol import UPDATE, GraphRequest, direct_graph, parse_graph
from citygraph.web.http.addresses import addresses_of, client_address, public_root
from citygraph.web.http.bodies import parts_of
from citygraph.web.http.messages import FRESH, Reply, Request, coded_tag, is_unmodified
from citygraph.web.http.negotiation import accepted_formats, encoding
from citygraph.web.http.replies import JSON, reply
from citygraph.web.sparql.results import Headers, QueryRequest, Results
from citygraph.web.sparql.update import Principal, WriteAccess, answer_commit, unpacked

PATH = "/graphs"
_MULTIPART = "multipart/form-data"
_READ = tuple(format_.media_type for format_ in of_kind(Kind.GRAPH))
# A tag is the version of the graph, followed by the format and the content coding.
_TAG = re.compile(r'(?:W/)?"([^".]*)(?:\.[^"]*)?"|(\*)')
_PATCHES = (UPDATE,)


class GraphStore:
    """The Graph Store. Reading a graph runs a CONSTRUCT query through `results`, as /sparql does."""

    def __init__(self, settings: Settings, releases: Releases, results: Results, access: WriteAccess) -> None:
        self._settings = settings
        self._releases = releases
        self._results = results
        self._access = access

    def answer(self, request: Request) -> Reply:
        """Lists, reads or writes graphs. Raises what the access, the parsers and the writer raise."""
        operation = parse_graph(request.query, self._direct(request))
        if request.method in {"GET", "HEAD"}:
            release = self._releases.current()
            return self._list(request, release) if operation.graph is None else self._read(request, operation, release)
        principal = self._access.admit(request)
        if operation.graph is None and request.method != "POST":
            allowed = ("GET", "HEAD", "POST", "OPTIONS")
            raise MethodNotAllowed(f"{request.method} is for one graph: name it by ?graph=", allowed)
        return self._write(request, operation, principal)

    def _direct(self, request: Request) -> str | None:
        """Returns the graph whose own address is requested, or None; the public base counts, whatever the host."""
        path = str(request.environ.get("PATH_INFO") or "")
        if path in {PATH, PATH + "/"}:
            return None
        if self._settings.open_writes:
            root = public_root(request.environ, self._settings.trusted_proxies)
            return direct_graph(path, f"{root}/")
        return direct_graph(path, self._settings.base)

    # reading

    def _read(self, request: Request, operation: GraphRequest, release: Release) -> Reply:
        graph = operation.graph or ""
        if graph and graph not in release.manifest.graphs:
            raise NotFound(f"there is no graph <{graph}>")
        accepted = accepted_formats(request.header("Accept"), operation.format)
        if accepted.html:
            accepted = accepted_formats("", None)
        format_ = accepted.of_kind(Kind.GRAPH)
        version = release.version_of(graph) if graph else release.id
        tag = f"{version}.{format_.name}"
        headers: Headers = [
            ("ETag", coded_tag(tag, None)),
            ("Vary", "Accept, Accept-Encoding"),
            ("Cache-Control", FRESH),
            ("X-Citygraph-Release", release.id),
            ("Accept-Patch", UPDATE),
        ]
        if is_unmodified(request, tag):
            return Reply(304, headers)
        pattern = f"GRAPH <{graph}> {{ ?s ?p ?o }}" if graph else "?s ?p ?o"
        query = Query(f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {pattern} }}", formats=(format_.name,))
        client = client_address(request.environ, self._settings.trusted_proxies)
        coding = encoding(request.header("Accept-Encoding"))
        result = self._results.answer(QueryRequest(release, query, accepted, client, coding))
        own = {name for name, _ in headers}
        if result.header("Content-Encoding"):
            headers[0] = ("ETag", coded_tag(tag, coding))
        return Reply(result.status, [*headers, *(one for one in result.headers if one[0] not in own)], result.body)

    def _list(self, request: Request, release: Release) -> Reply:
        """Returns the list of graphs with their owners and addresses, which are those of the same release."""
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        manifest = release.manifest
        of_api = set(api_graphs(manifest))
        graphs = [
            {
                "graph": name,
                "quads": count,
                "owner": "api" if name in of_api else manifest.owners.get(name, "server"),
                "address": f"{addresses.path(PATH[1:])}?graph={quote(name, safe='')}",
            }
            for name, count in sorted(manifest.graphs.items())
        ]
        body = json.dumps({"release": release.id, "graphs": graphs}, ensure_ascii=False, indent=1) + "\n"
        return reply(request, body, JSON)

    # writing

    def _write(self, request: Request, operation: GraphRequest, principal: Principal) -> Reply:
        method = request.method
        what = self._change_of(request, operation)
        conditions = Conditions(_tags(request.header("If-Match")), _tags(request.header("If-None-Match")))
        holder = principal.holder
        change = Change(what, holder.name, operation.message, holder.prefixes, conditions, operation.dry_run)
        commit = self._access.commit(request, principal, change)
        status = HTTPStatus.CREATED if commit.created and method in {"PUT", "POST"} else HTTPStatus.OK
        is_empty = isinstance(what, GraphWrite) and not any(payload.data.strip() for payload in what.payloads)
        if method == "POST" and is_empty and not commit.created:
            status = HTTPStatus.NO_CONTENT
        answer = answer_commit(commit, request, operation.dry_run, self._settings.base, status)
        if status == HTTPStatus.NO_CONTENT:
            answer = Reply(status, [header for header in answer.headers if not header[0].startswith("Content-")])
        if commit.version and not operation.dry_run:
            answer.headers.append(("ETag", coded_tag(commit.version, None)))
        if status == HTTPStatus.CREATED:
            answer.headers.append(("Location", self._location(request, what)))
        return answer

    def _change_of(self, request: Request, operation: GraphRequest) -> GraphWrite | Update:
        method = request.method
        graph = operation.graph
        if method == "DELETE":
            return GraphWrite("drop", graph or "")
        if method == "PATCH":
            return self._patch(request, graph or "")
        if graph is None:
            # The server chooses the IRI and returns it in Location (Graph Store Protocol, 5.5).
            root = public_root(request.environ, self._settings.trusted_proxies) + "/"
            graph = f"{root if self._settings.open_writes else self._settings.base}graphs/{uuid4()}"
        action: Action = "replace" if method == "PUT" else "merge"
        return GraphWrite(action, graph, self._payloads(request))

    def _patch(self, request: Request, graph: str) -> Update:
        if media_type_of(request.environ.get("CONTENT_TYPE") or "") != UPDATE:
            raise UnsupportedMedia(f"PATCH takes {UPDATE}", _PATCHES)
        text = decoded_utf8(self._access.body(request), "the body")
        return Update(text, only=graph, base=self._settings.base)

    def _payloads(self, request: Request) -> tuple[Payload, ...]:
        content_type = request.environ.get("CONTENT_TYPE") or ""
        if media_type_of(content_type) == _MULTIPART:
            if request.method != "POST":
                raise UnsupportedMedia(f"{_MULTIPART} is for POST", _READ)
            return tuple(self._parts(request))
        format_ = by_media_type(content_type)
        if format_ is None:
            unknown = f"a body of type {content_type[:80]!r} is not read"
            raise _unsupported(unknown if content_type else "the body has no Content-Type")
        return (Payload(self._access.body(request), format_.name),)

    def _parts(self, request: Request) -> Iterable[Payload]:
        fields, files = parts_of(request.environ, self._access.body(request), self._settings.body_limit)
        if not files and not fields:
            raise UsageError("the body has no parts")
        if fields:
            raise UnsupportedMedia("each part needs the Content-Type of its triples, and a filename", _READ)
        for file in (file for named in files.listvalues() for file in named):
            yield self._part(file.read(), file.content_type or "", file.filename or "")

    def _part(self, data: bytes, content_type: str, filename: str) -> Payload:
        """Returns a part of the body, unpacked if the name of its file ends in `.gz`."""
        if filename.endswith(".gz"):
            data = unpacked(data, self._settings.body_limit)
        return Payload(data, _format_of(content_type, filename).name, filename or "body")

    def _location(self, request: Request, what: GraphWrite | Update) -> str:
        graph = what.graph if isinstance(what, GraphWrite) else what.only
        root = public_root(request.environ, self._settings.trusted_proxies)
        for base in (self._settings.base, f"{root}/"):
            if graph.startswith(f"{base}graphs/"):
                return f"{root}/{graph.removeprefix(base)}"
        return f"{root}{PATH}?graph={quote(graph, safe='')}"


def _unsupported(reason: str) -> UnsupportedMedia:
    return UnsupportedMedia(f"{reason}: send one of {', '.join(_READ)}", _READ)


def _format_of(content_type: str, filename: str) -> Format:
    format_ = by_media_type(content_type) or by_extension(filename)
    if format_ is None:
        raise _unsupported(f"a part of type {content_type[:80]!r} is not read")
    return format_


def _tags(header: str) -> tuple[str, ...]:
    """Returns the versions of a graph in If-Match or If-None-Match. Raises UsageError for a header without any."""
    if not header:
        return ()
    versions = tuple(match[1] if match[1] is not None else "*" for match in _TAG.finditer(header))
    if not versions:
        raise UsageError("If-Match and If-None-Match hold entity tags in quotes, or a star")
    return versions
