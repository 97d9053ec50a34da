"""Cited results: storing one, its page and files, and the same query on the graph of today."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from http import HTTPStatus
from urllib.parse import urlencode

from citygraph import __version__
from citygraph.audit_log import AuditLog
from citygraph.catalogues import LANGUAGES, interface_language
from citygraph.errors import Conflict, Forbidden, NotFound, TooLarge, Unauthorized, UsageError
from citygraph.instance import current_instance
from citygraph.rdf.formats import Kind, of_kind
from citygraph.release.cited_result import CitableQuery, CitedResult
from citygraph.release.releases import Release
from citygraph.release.result_store import ResultStore, release_of
from citygraph.source.citable import citable_document, citable_query, citable_text, table_name
from citygraph.source.files import query_folders_of
from citygraph.source.instance_languages import language_name
from citygraph.source.queries import StoredQuery, find_query
from citygraph.source.query_parameters import expand, with_entities
from citygraph.sparql.normal_form import readable
from citygraph.sparql.protocol import Query
from citygraph.sparql.result_rows import ChangedRow, ResultRows, Term, compare, read_rows
from citygraph.web.http.addresses import Addresses, addresses_of, client_address
from citygraph.web.http.bodies import BodyReceiver
from citygraph.web.http.messages import FOR_EVER, NO_STORE, RELEASE, Reply, Request
from citygraph.web.http.negotiation import AcceptedFormats, accepted_formats
from citygraph.web.http.problems import problem_of
from citygraph.web.http.replies import HTML, JSON, Variant, chosen, reply
from citygraph.web.sparql.endpoint import SparqlEndpoint
from citygraph.web.sparql.query_result import named_result
from citygraph.web.sparql.result_view import MOST, ResultCell, ResultView, link_to, read_answer, result_cell
from citygraph.web.sparql.update import origin_of
from citygraph.web.time.citation_forms import as_text
from citygraph.web.time.citations import Citations, forms_of
from citygraph.web.time.release_site import ReleaseSite
from citygraph.web.time.result_access import ResultAccess, is_elsewhere
from citygraph.web.time.result_requests import BODY_LIMIT, ResultRequest, is_with_values, parse_result_request
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import Lookups, OpenRelease
from citygraph.web.view.snippets import snippets_of

_CHANGES_SHOWN = 200  # of each kind, on the page


class StoredResults:
    """The views of stored results. `today` is the day that replaces NOW() in a query."""

    def __init__(
        self,
        site: ReleaseSite,
        citations: Citations,
        endpoint: SparqlEndpoint,
        access: ResultAccess,
        bodies: BodyReceiver,
        lookups: Lookups,
        today: Callable[[], date],
    ) -> None:
        self._site = site
        self._lookups = lookups
        self._citations = citations
        self._endpoint = endpoint
        self._access = access
        self._bodies = bodies
        self._today = today
        self._store = ResultStore(site.releases, site.settings.stored_results_size)

    def store(self, request: Request) -> Reply:
        """Stores the result of a query, and returns its record; a form is redirected to its page.

        Raises what the parser, the engine and the store raise, Conflict if the result is not the expected one.
        """
        body = self._bodies.receive(request.environ, BODY_LIMIT)
        wanted = parse_result_request(request.environ.get("CONTENT_TYPE") or "", body, self._site.settings)
        release = self._release(wanted.release)
        query = self._query(wanted, release)
        record_id = query.id_on(release.manifest.digest)
        if wanted.id and wanted.id != record_id:
            raise UsageError(f"this query on this release has the identifier {record_id}, not {wanted.id[:40]!r}")
        if self._store.has(record_id):
            return self._stored(request, wanted, self._store.get(record_id), HTTPStatus.OK)
        try:
            who = self._access.admit(request, wanted.token)
        except (Unauthorized, Forbidden) as error:
            if not wanted.is_form:
                raise
            return self._refused(request, wanted, query, release, error)
        rows = self._rows(request, query.normal, release)
        if query.about and not rows.cells:
            raise NotFound(f"release {release.id} has no statements about {query.about}")
        if wanted.result and wanted.result != rows.digest:
            raise Conflict(f"the result has the digest {rows.digest} on this server, not {wanted.result[:64]}")
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        software = f"citygraph {__version__}"
        record = self._store.store(query.record(rows, release.id, release.manifest.digest, now, software))
        self._audit(request, who or "-", record)
        return self._stored(request, wanted, record, HTTPStatus.CREATED)

    def one(self, request: Request, name: str) -> Reply:
        """Returns the page of a stored result, or its rows in one format, by extension, ?format= or Accept.

        Raises NotFound, NotAcceptable.
        """
        result_id, _, extension = name.partition(".")
        record = self._store.get(result_id)
        accepted = _accepted(request, extension)
        if accepted.html:
            return self._page(request, record)
        rows = self._stable_rows(request, record, self._release_of(record))
        format_ = accepted.of_kind(record.kind)
        variant = Variant(format_.name, accepted.content_type(format_))
        answer = reply(request, rows.written(format_, self._about(request, record)), variant, cache=FOR_EVER)
        answer.headers += [("X-Citygraph-Rows", str(record.rows)), ("X-Citygraph-Release", record.release_id)]
        self._link(answer, request, record)
        return answer

    def record(self, request: Request, name: str) -> Reply:
        """Returns the record of a stored result, from which any server with the same data can compute it again."""
        record = self._store.get(name)
        answer = reply(request, record.as_json(), JSON, cache=FOR_EVER)
        answer.set("Content-Disposition", f'attachment; filename="citygraph-result-{record.id[:12]}.json"')
        return answer

    def again(self, request: Request, name: str) -> Reply:
        """Returns how the result of the same query on the current release differs, as a page or JSON."""
        record = self._store.get(name)
        offer = chosen(request, (HTML, JSON))
        then, now = self._release_of(record), self._site.releases.current()
        changes = compare(self._rows(request, record.query, then), self._rows(request, record.query, now))
        if offer is JSON:
            releases = {"id": record.id, "release": record.release, "now": now.manifest.digest, "now_id": now.id}
            value = json.dumps(releases | changes.members(), ensure_ascii=False, indent=1)
            return reply(request, value + "\n", JSON)
        reader = self._site.reader(request)
        link = link_to(reader, self._site.cache.current().gone)

        def cells(row: tuple[Term, ...]) -> list[ResultCell | None]:
            return [result_cell(term, link) for term in row]

        page = self._site.pages.page(
            "result-again.html",
            reader,
            now,
            record=record,
            cited=self._citations.of(request, record),
            headings=self._headings(record, changes.columns, reader.translations.language),
            changes=changes,
            most=_CHANGES_SHOWN,
            cells=cells,
            changed_cells=lambda row: _changed_cells(row, cells),
        )
        return reply(request, page, HTML, reader.translations.language)

    def _page(self, request: Request, record: CitedResult) -> Reply:
        reader = self._site.reader(request)
        release = release_of(record, self._site.timeline.releases())
        result, formats, is_verified = None, list(of_kind(record.kind)), True
        if release is not None:
            rows = self._stable_rows(request, record, release)
            is_verified, formats = rows.digest == record.result, rows.first(MOST).formats()
            opened = self._site.cache.get(release.id)
            # Links in the result lead to the entities as they were in its release.
            there = replace(reader, addresses=Addresses(reader.addresses.base, self._root_of(reader, release)))
            shown = replace(read_answer(_as_answer(rows, release), there, opened.gone), count=len(rows.cells))
            result = self._headed(shown, record, opened, reader.translations.language)
        cited = self._citations.of(request, record)
        page = self._site.pages.page(
            "stored-result.html",
            reader,
            self._site.releases.current(),
            record=record,
            cited=cited,
            forms=[form for form in forms_of(cited) if form[0] != "cff"],
            result=result,
            labels_language=self._labels_language(record, reader.translations.language),
            is_elsewhere=is_elsewhere(request, self._site.settings),
            is_verified=is_verified,
            source=release,
            query=readable(record.query),
            programs=snippets_of(readable(record.query), self._root(request), release.id) if release else (),
            formats=formats,
            address=reader.addresses.path(f"results/{record.id}"),
            workbench=self._workbench(reader, release, record.query),
        )
        # The result of a release never changes; the reader's language, and the day of access, do.
        return reply(request, page, HTML, reader.translations.language, "no-cache")

    def _query_of(self, record: CitedResult, language: str) -> StoredQuery | None:
        try:
            return self._stored_query(record.name, language) if record.name else None
        except NotFound:
            return None  # it was removed from the pack, or is one of another machine's

    def _headings(self, record: CitedResult, columns: Iterable[str], language: str) -> Mapping[str, str]:
        """Returns the headings of columns in a language; of a reader's own query, the variables."""
        query = self._query_of(record, language)
        if query is None:
            return {}
        # The label of an entity has the heading of the entity.
        return {name: query.heading(name.removesuffix("Label") or name, language) for name in columns}

    def _headed(self, result: ResultView, record: CitedResult, opened: OpenRelease, language: str) -> ResultView:
        """Returns a result with the headings and fixed words of its stored query, if it is of one."""
        query = self._query_of(record, language)
        if query is None or result.truth is not None:
            return result
        return named_result(result, query, opened, language).view

    def _about(self, request: Request, record: CitedResult) -> tuple[tuple[str, str], ...]:
        """Returns what describes the result in a file."""
        cited = self._citations.of(request, record)
        return (
            *(("title", cited.title), ("publisher", cited.publisher), ("licence", current_instance().licence)),
            *(("citation", as_text(cited).strip()), ("release", cited.release), ("digest", cited.digest)),
            *(("result", record.result), ("issued", cited.issued.isoformat())),
        )

    def _refused(
        self, request: Request, wanted: ResultRequest, query: CitableQuery, release: Release, error: Exception
    ) -> Reply:
        """Returns the page of a reader who may not store results: how to cite without it, and a field for a token."""
        reader = self._site.reader(request)
        problem = problem_of(error)
        page = self._site.pages.page(
            "result-refused.html",
            reader,
            release,
            problem=problem,
            fields=wanted.fields,
            needs_token=isinstance(error, Unauthorized),
            pinned=self._workbench(reader, release, query.normal),
            result_id=query.id_on(release.manifest.digest),
            query=readable(query.normal),
        )
        answer = reply(request, page, HTML, reader.translations.language, NO_STORE)
        return replace(answer, status=problem.type.status, headers=[*answer.headers, *problem.headers])

    def _query(self, wanted: ResultRequest, release: Release) -> CitableQuery:
        """Returns the query to cite. Raises NotFound for an unknown name, UsageError, QuerySyntaxError."""
        day, base = self._today(), self._site.settings.base
        if wanted.document:
            return citable_document(self._thing(wanted.document), day, base)
        if wanted.query:
            query = citable_text(wanted.query, day, base, wanted.names)
            if wanted.about and citable_document(wanted.about, day, base).normal == query.normal:
                return replace(query, about=wanted.about)
            return self._titled(query, wanted.name) if wanted.name else query
        stored = self._stored_query(wanted.name or table_name(wanted.table), interface_language(wanted.language))
        values = with_entities(stored.parameters, wanted.values, partial(self._lookups.of, release))
        return citable_query(stored, values, day, base)

    def _titled(self, query: CitableQuery, name: str) -> CitableQuery:
        """Returns a query with the title of the stored query of this name, if it is that query in any language."""
        stored = self._in_its_language(query, name, self._today(), ("", *LANGUAGES))
        return replace(query, name=stored.name, title=stored.titles) if stored else query

    def _in_its_language(
        self, query: CitableQuery, name: str, day: date, languages: Iterable[str]
    ) -> StoredQuery | None:
        """Returns the stored query of this name in the first of the languages in which it is the query."""
        for language in languages:
            stored = self._stored_query(name, language)
            if is_with_values(query, citable_query(stored, {}, day, self._site.settings.base)):
                return stored
        return None

    def _labels_language(self, record: CitedResult, reader: str) -> str:
        """Returns the name of the language of a stored query's labels; "" if it is the reader's."""
        if self._query_of(record, reader) is None:
            return ""
        query, day = CitableQuery(record.query, record.parameters), date.fromisoformat(record.stored[:10])
        found = self._in_its_language(query, record.name, day, (reader, "", *LANGUAGES))
        used = (found.language or current_instance().languages[0]) if found else reader
        return "" if used == reader else language_name(used, reader)

    def _stored_query(self, name: str, language: str) -> StoredQuery:
        examples = self._site.cache.current().examples
        return find_query(query_folders_of(self._site.settings), name, examples, language)

    def _thing(self, path: str) -> str:
        """Returns the IRI of a document's entity: of its path, with doc/ or without, its IRI or prefixed name."""
        path = path.removeprefix("/")
        if path.startswith("id/"):
            path = "doc/" + path.removeprefix("id/")
        if (thing := self._site.thing(path)) or ":" in path:
            return thing or expand(path)
        return (self._site.thing(f"doc/{path}") if "/" in path else "") or expand(path)

    def _release(self, name: str) -> Release:
        """Returns the release of this name or digest, by default the current one. Raises NotFound."""
        if not name:
            return self._site.releases.current()
        release = self._site.timeline.with_digest(name) or self._site.timeline.get(name)
        if release is None:
            raise NotFound(
                f"there is no release {name[:80]} on this server: a result can be computed wherever its release is"
            )
        return release

    def _release_of(self, record: CitedResult) -> Release:
        release = release_of(record, self._site.timeline.releases())
        if release is None:
            raise NotFound(
                f"the release with the digest {record.release} is not on this server: a result can be computed "
                "wherever its release is"
            )
        return release

    def _rows(self, request: Request, text: str, release: Release) -> ResultRows:
        """Returns the whole result of a query on a release. Raises TooLarge, and what the endpoint raises."""
        pinned = Request({**request.environ, RELEASE: release.id})
        answer = self._endpoint.ask(pinned, Query(text, base=self._site.settings.base))
        limit = self._site.settings.cited_result_limit
        try:
            body = answer.body
            size = len(body) if isinstance(body, bytes) else int(answer.header("Content-Length") or "0")
            if size > limit:
                raise TooLarge(f"the result has {size} bytes: cite the part that you need, by a narrower query", limit)
            is_graph = answer.header("Content-Type").startswith("application/n-triples")
            return read_rows(answer.whole_body(), Kind.GRAPH if is_graph else Kind.SOLUTIONS)
        finally:
            close = getattr(answer.body, "close", None)
            if close is not None:
                close()

    def _stable_rows(self, request: Request, record: CitedResult, release: Release) -> ResultRows:
        return self._rows(request, record.query, release).sorted_within(record.order)

    def _stored(self, request: Request, wanted: ResultRequest, record: CitedResult, status: HTTPStatus) -> Reply:
        """Returns the reply to a request that stored a result, or found it stored."""
        addresses = self._site.reader(request).addresses
        where = addresses.path(f"results/{record.id}")
        if wanted.is_form and accepted_formats(request.header("Accept")).html:
            language = f"?{urlencode({'lang': wanted.language})}" if wanted.language else ""
            return Reply(HTTPStatus.SEE_OTHER, [("Location", where + language), ("Cache-Control", NO_STORE)])
        answer = reply(request, record.as_json(), JSON, cache=NO_STORE)
        answer.set("Location", where)
        self._link(answer, request, record)
        return replace(answer, status=status)

    def _link(self, answer: Reply, request: Request, record: CitedResult) -> None:
        """Adds the links by which programs find the citation (FAIR Signposting)."""
        path = self._site.reader(request).addresses.path
        answer.append("Link", f'<{self._site.settings.base}results/{record.id}>; rel="cite-as"')
        answer.append("Link", f'<{path(f"results/{record.id}/record")}>; rel="describedby"; type="application/json"')

    def _workbench(self, reader: PageRequest, release: Release | None, query: str) -> str:
        return f"{self._root_of(reader, release)}/sparql?{urlencode({'query': readable(query)})}" if release else ""

    def _root(self, request: Request) -> str:
        settings = self._site.settings
        return addresses_of(request, settings.base, settings.trusted_proxies)[1]

    def _root_of(self, reader: PageRequest, release: Release) -> str:
        return f"{reader.addresses.root}/releases/{release.id}"

    def _audit(self, request: Request, who: str, record: CitedResult) -> None:
        settings = self._site.settings
        client = client_address(request.environ, settings.trusted_proxies)
        AuditLog(settings).write(who, "store result", "stored", **origin_of(request, client), result=record.id)


def _accepted(request: Request, extension: str) -> AcceptedFormats:
    name = extension or request.args.get("format") or request.args.get("output")
    return accepted_formats(request.header("Accept"), name)


def _as_answer(rows: ResultRows, release: Release) -> Reply:
    """Returns the first rows as the endpoint's reply, which a page can show."""
    content_type = "application/n-triples" if rows.kind is Kind.GRAPH else "application/sparql-results+json"
    headers = [("Content-Type", content_type), ("X-Citygraph-Release", release.id)]
    return Reply(200, headers, rows.first(MOST).as_json())


def _changed_cells(
    row: ChangedRow, cells: Callable[[tuple[Term, ...]], list[ResultCell | None]]
) -> list[tuple[ResultCell | None, ResultCell | None, bool]]:
    """Returns for each column the cell before, the cell now, and whether they differ."""
    differing = set(row.differing)
    return [
        (before, after, place in differing)
        for place, (before, after) in enumerate(zip(cells(row.before), cells(row.after), strict=True))
    ]
