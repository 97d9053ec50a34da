"""The stored queries as an API: their list, a page for each, their results, and the description of all in OpenAPI."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode

from citygraph import __version__
from citygraph.catalogues import interface_language
from citygraph.errors import CitygraphError, NotFound, UsageError
from citygraph.graph.examples import current_examples, expanded
from citygraph.instance import current_instance
from citygraph.matching.lookup import Lookup
from citygraph.rdf.formats import FORMATS, Format, named
from citygraph.rdf.terms import ID
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.source.files import query_folders_of
from citygraph.source.queries import StoredQuery, load_queries
from citygraph.source.query_parameters import ADDRESS_PARAMETERS, Parameter, expand, with_entities
from citygraph.sparql.protocol import Query, parameters_of
from citygraph.web.http.addresses import addresses_of
from citygraph.web.http.messages import NO_STORE, OUTLET, RELEASE, Reply, Request
from citygraph.web.http.negotiation import accepted_formats
from citygraph.web.http.problems import Problem, problem_of
from citygraph.web.http.replies import HTML, JSON, Variant, chosen, is_tracking, reply
from citygraph.web.sparql.endpoint import SparqlEndpoint
from citygraph.web.sparql.offered_formats import offered_formats
from citygraph.web.sparql.openapi import openapi
from citygraph.web.sparql.query_form import FormContext, fields_of
from citygraph.web.sparql.query_result import named_result
from citygraph.web.sparql.result_pages import RowPager, requested_page
from citygraph.web.sparql.result_picture import ResultPicture, draw_result
from citygraph.web.sparql.result_view import ResultView, read_answer
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import Lookups, ReleaseCache
from citygraph.web.view.snippets import QueryCall, call_snippets_of, form_of
from citygraph.web.view.templates import Templates
from citygraph.web.view.values import AlternateForm

OPENAPI = Variant("json", "application/vnd.oai.openapi+json;version=3.1")
# Quality measurements are for the build, so the other queries are listed first.
_GROUPS = ("", "tables", "quality")


@dataclass(frozen=True)
class ShownResult:
    """A result as a page shows it: a table, and a picture unless the query's head names none."""

    view: ResultView
    picture: ResultPicture | None


class Queries:
    """Endpoints of the stored queries: list, page, result and OpenAPI description."""

    def __init__(
        self,
        settings: Settings,
        releases: Releases,
        cache: ReleaseCache,
        lookups: Lookups,
        endpoint: SparqlEndpoint | None,
    ) -> None:
        self._settings = settings
        self._lookups = lookups
        self._loaded: dict[str, Mapping[str, StoredQuery]] = {}
        self._releases = releases
        self._cache = cache
        self._endpoint = endpoint
        self._pages = Templates()

    def all(self, request: Request, extension: str = "") -> Reply:
        """Returns the list of stored queries with their parameters and addresses, as a page or JSON."""
        offer = chosen(request, (JSON, HTML), extension)
        reader = self._reader(request)
        if offer is JSON:
            queries = [self._as_json(query, reader) for query in self._queries.values()]
            answer = reply(request, json.dumps({"queries": queries}, ensure_ascii=False, indent=1) + "\n", JSON)
        else:
            groups = [(group, [q for q in self._queries.values() if _group(q) == group]) for group in _GROUPS]
            page = self._pages.page("queries.html", reader, self._release(request), groups=groups)
            answer = reply(request, page, HTML, reader.translations.language)
        return self._linked(answer, reader)

    def one(self, request: Request, name: str) -> Reply:
        """Returns a query's page or, for a program, its result. Raises NotFound, UsageError for a bad parameter."""
        arguments, own = _parameters(request)
        name, extension = self._split(name)
        format_ = own.get("format") or own.get("output") or extension
        reader = self._reader(request)
        is_page = accepted_formats(request.headers.get("Accept", ""), format_).html
        # Programs get labels in the first language of the instance, whatever their Accept-Language is.
        language = reader.translations.language if is_page else interface_language(own.get("lang", ""))
        query = self._in(language).get(name)
        if query is None:
            raise NotFound(f"no stored query {name[:80]!r}; all are listed at /queries")
        if not is_page:
            text = query.bind(with_entities(query.parameters, arguments, partial(self._lookup, request)))
            result = partial(self._result, request, format_=format_, timeout=own.get("timeout", ""))
            page = requested_page(own, text)
            if page is None:
                return self._linked(result(text), reader)
            # Whether there is a next page is known when the rows have been counted, so that they are not sent before.
            request.environ.pop(OUTLET, None)
            pager = RowPager(self._releases, result, partial(self._ask, request))
            root = reader.addresses.root.partition("/releases/")[0]
            answer = pager.reply(page, text, self._release(request), root + request.path, {**arguments, **own})
            return self._linked(answer, reader)
        return self._linked(self._form(request, query, arguments, reader, runs=bool(arguments) or "run" in own), reader)

    def file(self, request: Request, name: str, format_name: str) -> Reply:
        """Returns the result of a query with its defaults in a format. Raises NotFound."""
        return self._result(request, self._in("")[name].text, format_name, "")

    def _split(self, name: str) -> tuple[str, str]:
        """Returns the name of a query, and the format if the address ends with one."""
        stem, _, extension = name.rpartition(".")
        if name not in self._queries and stem in self._queries and (extension == "html" or named(extension, FORMATS)):
            return stem, extension
        return name, ""

    def _form(
        self, request: Request, query: StoredQuery, arguments: Mapping[str, str], reader: PageRequest, *, runs: bool
    ) -> Reply:
        """Returns the page with the form, and the result or the error.

        The bare address is for reading about the query. Each form sends `run`, and links may send values alone.
        """
        text, shown, problem, refused = query.text, None, None, {}
        try:
            refused = self._refused(request, query, arguments)
            values = with_entities(query.parameters, arguments, partial(self._lookup, request))
            text = query.bind(values)
            shown = self._shown_result(request, query, text, values, reader) if runs else None
        except CitygraphError as error:
            problem = problem_of(error)
        page = self._page(request, query, text, arguments, reader, shown, problem, refused)
        if problem is None:
            return reply(request, page, HTML, reader.translations.language)
        answer = reply(request, page, HTML, reader.translations.language, NO_STORE)
        return replace(answer, status=problem.type.status, headers=[*answer.headers, *problem.headers])

    def described(self, request: Request) -> Reply:
        """Returns the description of the API as OpenAPI 3.1."""
        _, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        description = openapi(self._queries.values(), root, __version__, self._home)
        return reply(request, json.dumps(description, ensure_ascii=False, indent=1) + "\n", OPENAPI)

    @cached_property
    def _examples(self) -> Mapping[str, str]:
        return current_examples(self._releases, current_instance())

    @property
    def _home(self) -> str:
        """The path of the home place, such as city/izmir."""
        return expanded(self._examples.get("city:HOME_PLACE", "city:example")).removeprefix(ID)

    @property
    def _queries(self) -> Mapping[str, StoredQuery]:
        return self._in("")

    def _in(self, language: str) -> Mapping[str, StoredQuery]:
        """Returns the queries with labels in a language; "" is the first one of the instance.

        The files are read once: restart the server when its queries change.
        """
        queries = self._loaded.get(language)
        if queries is None:
            folders = query_folders_of(self._settings)
            queries = self._loaded[language] = load_queries(*folders, examples=self._examples, language=language)
        return queries

    def _lookup(self, request: Request) -> Lookup:
        return self._lookups.of(self._release(request))

    def _refused(self, request: Request, query: StoredQuery, arguments: Mapping[str, str]) -> dict[str, CitygraphError]:
        """Returns the errors of the parameters whose value is not of their type, or names no entity."""
        errors: dict[str, CitygraphError] = {}
        for name, value in arguments.items():
            try:
                query.bind(with_entities(query.parameters, {name: value}, partial(self._lookup, request)))
            except UsageError as error:
                errors[name] = error
        return errors

    def _result(self, request: Request, text: str, format_: str | None, timeout: str) -> Reply:
        """Returns the endpoint's own reply to the query, with its limits, validators and errors."""
        if self._endpoint is None:
            raise NotFound("no queries are answered here: this server runs without engines")
        parameters = {"query": text, "format": format_ or "", "timeout": timeout}
        return self._endpoint.answer(Request({**request.environ, "QUERY_STRING": urlencode(parameters)}))

    def _ask(self, request: Request, text: str) -> Reply:
        """Returns the endpoint's reply to a query in a format that a page can read."""
        if self._endpoint is None:
            raise NotFound("no queries are answered here: this server runs without engines")
        return self._endpoint.ask(request, Query(text, base=self._settings.base))

    def _shown_result(
        self, request: Request, query: StoredQuery, text: str, values: Mapping[str, str], reader: PageRequest
    ) -> ShownResult | None:
        """Returns the result as picture and table, or None on a server without engines."""
        if self._endpoint is None:
            return None
        response = self._ask(request, text)
        opened = self._cache.of_request(request)
        result = read_answer(response, reader, opened.gone)
        named = named_result(result, query, opened, reader.translations.language)
        picture = draw_result(named, query, opened, reader.translations, _place_of(query, values))
        return ShownResult(named.view, picture)

    def _page(
        self,
        request: Request,
        query: StoredQuery,
        text: str,
        arguments: Mapping[str, str],
        reader: PageRequest,
        shown: ShownResult | None,
        problem: Problem | None,
        refused: Mapping[str, CitygraphError],
    ) -> str:
        here = reader.addresses.path(f"queries/{query.name}")
        _, root = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        opened = self._cache.of_request(request)
        body = "\n".join(line for line in text.splitlines() if not line.startswith("#+")).strip()
        language = reader.translations.language
        values = {name: value for name, value in arguments.items() if name not in refused}
        call = QueryCall(query.name, values, form_of(query.text), language)
        sent = {**arguments, **({} if language == current_instance().languages[0] else {"lang": language})}
        return self._pages.page(
            "query.html",
            reader,
            opened.release,
            query=query,
            text=body,
            programs=call_snippets_of(call, root, opened.release.id),
            fields=fields_of(query, arguments, refused, FormContext(opened, self._lookup(request), reader, here)),
            results=[
                AlternateForm(one.label, f"{here}?{urlencode({**sent, 'format': one.name})}", one.media_type)
                for one in _formats(query)
            ],
            formats=_formats(query),
            result=shown.view if shown else None,
            picture=shown.picture if shown else None,
            problem=problem,
            citable={
                "name": query.name,
                **{f"${name}": value for name, value in arguments.items()},
                "release": shown.view.release if shown else "",
            },
            address=here,
            workbench=f"{reader.addresses.path('sparql')}?{urlencode({'query': text})}",
        )

    def _as_json(self, query: StoredQuery, reader: PageRequest) -> dict[str, Any]:
        here = reader.addresses.path(f"queries/{query.name}")
        language = reader.translations.language
        return {
            "name": query.name,
            "title": query.title_in(language)[0],
            "description": query.description_in(language)[0],
            "parameters": [
                {
                    "name": p.name,
                    "type": p.type,
                    "default": p.example or p.default,
                    "description": p.description_in(language)[0],
                    **_bounds(p, language),
                }
                for p in query.parameters
            ],
            "view": query.view,
            "addresses": {name: f"{here}?format={name}" for name in ("html", *(f.name for f in _formats(query)))},
        }

    def _release(self, request: Request) -> Release:
        return self._releases.get(request.environ.get(RELEASE) or self._releases.current_id())

    def _reader(self, request: Request) -> PageRequest:
        return page_request_of(request, self._settings)

    def _linked(self, answer: Reply, reader: PageRequest) -> Reply:
        """Returns the response with a link to the description of the API (RFC 8631)."""
        where = reader.addresses.path("openapi.json")
        answer.append("Link", f'<{where}>; rel="service-desc"; type="{OPENAPI.media_type}"')
        return answer


def _place_of(query: StoredQuery, values: Mapping[str, str]) -> str:
    """Returns the IRI of the place that the query is about, or ""."""
    for parameter in query.parameters:
        if parameter.type == "iri" and "City" in parameter.classes:
            return expand(values.get(parameter.name, parameter.example))
    return ""


def _bounds(parameter: Parameter, language: str) -> dict[str, Any]:
    """Returns the members that only some parameters have: classes, choices, minimum and maximum."""
    members = {
        "classes": [f"cg:{name}" for name in parameter.classes],
        "choices": parameter.choices_in(language),
        "minimum": parameter.minimum,
        "maximum": parameter.maximum,
    }
    return {name: value for name, value in members.items() if value not in ([], {}, None)}


def _group(query: StoredQuery) -> str:
    folder, slash, _ = query.name.partition("/")
    return folder if slash and folder in _GROUPS else ""


def _formats(query: StoredQuery) -> tuple[Format, ...]:
    """Returns the formats for the results of a query."""
    return offered_formats(query.text, query.kind)


def _parameters(request: Request) -> tuple[dict[str, str], dict[str, str]]:
    """Returns the values of the query's parameters, and of ADDRESS_PARAMETERS. Raises UsageError for a duplicate."""
    arguments: dict[str, str] = {}
    own: dict[str, str] = {}
    for name, value in parameters_of(request.environ.get("QUERY_STRING") or "", "the address"):
        if is_tracking(name):
            continue
        into = own if name in ADDRESS_PARAMETERS else arguments
        if name in into:
            raise UsageError(f"the parameter {name[:80]!r} occurs twice in the address")
        into[name] = value
    return arguments, own
