"""/reconcile: the W3C Entity Reconciliation API 0.2 over a release, for OpenRefine and other clients."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from io import BytesIO
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge

from citygraph import __version__
from citygraph.errors import NotFound, TooLarge, UnsupportedMedia, UsageError
from citygraph.index.facts import ENTITY
from citygraph.instance import current_instance
from citygraph.matching.lookup import Lookup
from citygraph.matching.score import Candidate, IndexedEntity, reconcile
from citygraph.rdf.terms import CG
from citygraph.settings import Settings
from citygraph.web.http.addresses import public_root
from citygraph.web.http.bodies import BodyReceiver, declared_length, has_body
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.negotiation import reader_language
from citygraph.web.http.replies import HTML, JSON, Variant, reply
from citygraph.web.search.reconcile_properties import (
    DEFAULT_TYPES,
    DataExtension,
    ReconciliationSchema,
    settings_of_properties,
)
from citygraph.web.search.reconcile_questions import read_batch, read_question
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import Lookups, OpenRelease, ReleaseCache
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Translations

KINDS = ("entity", "type", "property")
FEATURES = ("name", "alias", "type", "country", "distance", "near", "date", "qid", "id")
PREVIEW_WIDTH, PREVIEW_HEIGHT = 400, 200
_SUGGESTED = 10
_NAMES = 12  # on a card
_MOST_SKIPPED = 1000
_MOST_PROPERTIES = 10_000
_LARGEST = 8 * 1024 * 1024  # bytes of a form
_MOST_SCHEMAS = 16  # of releases and languages, in memory
_FORM = "application/x-www-form-urlencoded"
_SCRIPT = Variant("js", "application/javascript; charset=utf-8")
# The name of a callback goes into a script, which it must not extend.
_CALLBACK = re.compile(r"[A-Za-z_$][\w$]{0,127}(?:\.[A-Za-z_$][\w$]{0,127}){0,4}", re.ASCII)
# A client shows the card in a frame of its own page (section 5 of the specification).
_FRAMED = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"


class Reconciliation:
    """The views of the service; the schemas of the latest releases are cached."""

    def __init__(
        self, settings: Settings, cache: ReleaseCache, lookups: Lookups, pages: Templates, bodies: BodyReceiver
    ) -> None:
        self._settings = settings
        self._bodies = bodies
        self._cache = cache
        self._lookups = lookups
        self._pages = pages
        self._schemas: OrderedDict[tuple[str, str], ReconciliationSchema] = OrderedDict()

    def endpoint(self, request: Request) -> Reply:
        """Returns the manifest, the candidates for queries, or the values of properties."""
        parameters = _parameters(request, self._bodies)
        opened, language = self._cache.current(), reader_language(request)
        schema = self._schema(opened, language)
        if "extend" in parameters:
            return _json_reply(request, DataExtension(opened, schema, language).table(parameters["extend"]))
        if "queries" in parameters:
            questions = read_batch(parameters["queries"], self._settings.reconcile_batch, schema.type_id)
            lookup = self._lookups.of(opened.release)
            results = {
                id_: {"result": [self._candidate(one, opened, schema, language) for one in reconcile(question, lookup)]}
                for id_, question in questions.items()
            }
            return _json_reply(request, results)
        if "query" in parameters:
            return self._single(request, parameters["query"], opened, schema, language)
        if request.method == "POST":
            raise UsageError("a form must have the element queries, or extend")
        return _json_reply(request, self._manifest(request, Translations(language)))

    def suggest(self, request: Request, kind: str) -> Reply:
        """Returns the entities, types or properties whose names begin with the typed text."""
        prefix, cursor = request.args.get("prefix", ""), _cursor(request)
        opened, language = self._cache.current(), reader_language(request)
        schema = self._schema(opened, language)
        if kind == "entity":
            types = [schema.type_id(type_) for type_ in request.args.getlist("type")]
            entities = self._entities(prefix, cursor, self._lookups.of(opened.release), types)
            results = [self._suggestion(entity, opened, schema, language) for entity in entities]
            return _json_reply(request, {"result": results})
        if kind not in KINDS:
            raise NotFound(f"suggestions exist for {', '.join(KINDS)}, not for {kind[:80]!r}")
        terms = schema.suggested(kind, prefix)[cursor : cursor + _SUGGESTED]
        results = [_without_empty(id=one.id, name=one.name, description=one.description) for one in terms]
        return _json_reply(request, {"result": results})

    def flyout(self, request: Request, kind: str) -> Reply:
        """Returns the card of an entity, a type or a property, which clients show next to a suggestion."""
        id_ = request.args.get("id", "")
        opened, language = self._cache.current(), reader_language(request)
        schema = self._schema(opened, language)
        if kind == "entity":
            html = self._pages.page(
                "card.html", self._reader(request), None, **self._card(request, id_, opened, schema, language)
            )
        else:
            term = schema.types.get(schema.type_id(id_)) if kind == "type" else schema.property(id_)
            if term is None or kind not in KINDS:
                raise NotFound(f"there is no {kind[:80]} {id_[:80]!r}")
            html = self._pages.page(
                "flyout.html", self._reader(request), None, name=term.name, description=term.description
            )
        return _json_reply(request, {"id": id_, "html": html})

    def preview(self, request: Request) -> Reply:
        """Returns the card of an entity as a page for a frame."""
        opened, language = self._cache.current(), reader_language(request)
        card = self._card(request, request.args.get("id", ""), opened, self._schema(opened, language), language)
        page = self._pages.page("preview.html", self._reader(request), None, **card)
        response = reply(request, page, HTML, language)
        response.set("Content-Security-Policy", _FRAMED)
        return response

    def proposals(self, request: Request) -> Reply:
        """Returns the properties that a client may fetch for entities of a type, the most frequently filled first."""
        opened, language = self._cache.current(), reader_language(request)
        type_, limit = request.args.get("type", ""), request.args.get("limit", "")
        properties = self._schema(opened, language).proposals(type_, opened.store)
        members: dict[str, Any] = {"properties": [{"id": one.id, "name": one.name} for one in properties]}
        if limit:
            members["limit"] = _whole("limit", limit, _MOST_PROPERTIES)
            members["properties"] = members["properties"][: members["limit"] or None]
        return _json_reply(request, {**members, "type": type_})

    def features(self, request: Request) -> Reply:
        """Returns the page that explains the features of a score."""
        reader = self._reader(request)
        release = self._cache.current().release
        page = self._pages.page("features.html", reader, release, features=FEATURES)
        return reply(request, page, HTML, reader.translations.language)

    def _single(
        self, request: Request, query: str, opened: OpenRelease, schema: ReconciliationSchema, language: str
    ) -> Reply:
        """Returns the candidates for one query without a batch, which version 0.1 of the API has."""
        plain = {"query": query}
        if query.lstrip().startswith("{"):
            try:
                plain = json.loads(query)
            except ValueError:
                raise UsageError("the parameter query is not JSON") from None
        question = read_question(plain, schema.type_id)
        candidates = reconcile(question, self._lookups.of(opened.release))
        return _json_reply(request, {"result": [self._candidate(one, opened, schema, language) for one in candidates]})

    def _manifest(self, request: Request, words: Translations) -> dict[str, Any]:
        root = public_root(request.environ, self._settings.trusted_proxies)
        schema = self._schema(self._cache.current(), words.language)
        service = f"{root}/reconcile"
        suggest = {
            kind: {
                "service_url": service,
                "service_path": f"/suggest/{kind}",
                "flyout_service_url": service,
                "flyout_service_path": f"/flyout/{kind}?id=${{id}}",
            }
            for kind in KINDS
        }
        return {
            "versions": ["0.1", "0.2"],
            "name": f"{current_instance().title_in(words.language)} ({words.language})",
            "identifierSpace": f"{self._settings.base}id/",
            "schemaSpace": str(CG),
            "documentation": f"{service}/features",
            "logo": f"{root}/static/mark.svg",
            "serviceVersion": __version__,
            "defaultTypes": [
                {"id": id_, "name": schema.types[id_].name} for id_ in DEFAULT_TYPES if id_ in schema.types
            ],
            "view": {"url": f"{root}/id/{{{{id}}}}"},
            "feature_view": {"url": f"{service}/features#{{{{id}}}}"},
            "preview": {"url": f"{service}/preview?id={{{{id}}}}", "width": PREVIEW_WIDTH, "height": PREVIEW_HEIGHT},
            "suggest": suggest,
            "extend": {
                "propose_properties": {"service_url": service, "service_path": "/properties"},
                "property_settings": settings_of_properties(words),
            },
            "batchSize": self._settings.reconcile_batch,
        }

    def _candidate(
        self, one: Candidate, opened: OpenRelease, schema: ReconciliationSchema, language: str
    ) -> dict[str, Any]:
        types = schema.specific(one.entity.types)
        return {
            "id": _id(one.entity),
            "name": _name(one.entity, opened, language),
            "description": _description(one.entity, opened, schema, language),
            "score": one.score,
            "match": one.match,
            "features": [{"id": id_, "value": value} for id_, value in one.features],
            "type": [{"id": type_.id, "name": type_.name} for type_ in types],
        }

    def _suggestion(
        self, entity: IndexedEntity, opened: OpenRelease, schema: ReconciliationSchema, language: str
    ) -> dict[str, Any]:
        return {
            "id": _id(entity),
            "name": _name(entity, opened, language),
            "description": _description(entity, opened, schema, language),
            "notable": [{"id": type_.id, "name": type_.name} for type_ in schema.specific(entity.types)],
        }

    def _entities(self, prefix: str, cursor: int, lookup: Lookup, types: list[str]) -> list[IndexedEntity]:
        """Returns entities of these types whose names begin with `prefix`; first the one with it as identifier."""
        identified = lookup.identified([prefix]) if prefix else []
        # The index does not know types: more hits are read, since some have another type.
        hits = lookup.find(prefix, limit=cursor + _SUGGESTED * (5 if types else 1))
        iris = [entity.iri for entity in identified] + [hit.entity for hit in hits]
        by_iri = {entity.iri: entity for entity in (*identified, *lookup.identified(iris))}
        entities = [by_iri[iri] for iri in dict.fromkeys(iris) if iri in by_iri]
        of_types = [entity for entity in entities if not types or not set(types).isdisjoint(entity.types)]
        return of_types[cursor : cursor + _SUGGESTED]

    def _card(
        self, request: Request, id_: str, opened: OpenRelease, schema: ReconciliationSchema, language: str
    ) -> dict[str, Any]:
        lookup = self._lookups.of(opened.release)
        matches = lookup.identified([id_]) if id_ else []
        if not matches:
            raise NotFound(f"there is no entity {id_[:80]!r}")
        entity = matches[0]
        root = public_root(request.environ, self._settings.trusted_proxies)
        return {
            "entity": entity,
            "title": (title := _name(entity, opened, language)),
            "description": _description(entity, opened, schema, language),
            "names": [name for name in lookup.names_of(entity.iri) if name != title][:_NAMES],
            "href": f"{root}/id/{_id(entity)}",
        }

    def _schema(self, opened: OpenRelease, language: str) -> ReconciliationSchema:
        key = opened.release.id, language
        schema = self._schemas.get(key)
        if schema is None:
            schema = self._schemas[key] = ReconciliationSchema(opened.vocabulary, language)
            while len(self._schemas) > _MOST_SCHEMAS:
                self._schemas.popitem(last=False)
        return schema

    def _reader(self, request: Request) -> PageRequest:
        return page_request_of(request, self._settings)


def _parameters(request: Request, bodies: BodyReceiver) -> dict[str, str]:
    """Returns the parameters of the address and of a form.

    Raises UnsupportedMedia, TooLarge for a huge form, Busy if too many are being received.
    """
    if request.method != "POST" or not has_body(request.environ):
        return request.args.to_dict()
    if request.mimetype not in (_FORM, "multipart/form-data"):
        raise UnsupportedMedia(f"a body of type {request.mimetype or 'unknown'} is not supported here", (_FORM,))
    too_large = TooLarge(f"a form may have {_LARGEST} bytes", _LARGEST)
    if (declared_length(request.environ) or 0) > _LARGEST:
        raise too_large
    body = bodies.receive(request.environ, _LARGEST)
    received = {**request.environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    whole = Request(received)
    whole.max_content_length = whole.max_form_memory_size = _LARGEST
    try:
        return {**request.args.to_dict(), **whole.form.to_dict()}
    except RequestEntityTooLarge:
        raise too_large from None


def _json_reply(request: Request, value: dict[str, Any]) -> Reply:
    """Returns a value as JSON; or as JSONP, for old clients that cannot read from another site.

    Raises UsageError if the callback is not the name of a function.
    """
    callback = request.args.get("callback")
    cache = "no-store" if request.method == "POST" else "public, max-age=60"
    text = json.dumps(value, ensure_ascii=False)
    if callback is None:
        return reply(request, text, JSON, cache=cache)
    if not _CALLBACK.fullmatch(callback):
        raise UsageError("callback must be the name of a function")
    # The comment in front keeps the script from being taken for another type of file. The two separators are valid in
    # JSON, but end a line in JavaScript before ES2019.
    safe = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return reply(request, f"/**/{callback}({safe});", _SCRIPT, cache=cache)


def _cursor(request: Request) -> int:
    return _whole("cursor", request.args.get("cursor") or "0", _MOST_SKIPPED)


def _whole(name: str, text: str, most: int) -> int:
    # The length first: Python refuses to read a number of thousands of digits.
    if not text.isdecimal() or len(text) > len(str(most)) or int(text) > most:
        raise UsageError(f"{name} must be a whole number up to {most}")
    return int(text)


def _id(entity: IndexedEntity) -> str:
    return entity.iri.partition(ENTITY)[2]


def _name(entity: IndexedEntity, opened: OpenRelease, language: str) -> str:
    is_second = language == current_instance().second_language and entity.second_label
    return entity.second_label if is_second else opened.in_language(entity, language).label


def _description(entity: IndexedEntity, opened: OpenRelease, schema: ReconciliationSchema, language: str) -> str:
    """Returns the most specific type of an entity, and its country."""
    parts = [type_.name for type_ in schema.specific(entity.types)[:1]]
    if entity.country and entity.country != entity.iri:
        parts.append(opened.labels.best(entity.country, language).text)
    return ", ".join(parts)


def _without_empty(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
