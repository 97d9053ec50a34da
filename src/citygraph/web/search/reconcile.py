"""/reconcile: the W3C Entity Reconciliation API 0.2 over a release, for OpenRefine and others that match names."""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge

from citygraph import __version__
from citygraph.errors import NotFound, TooLarge, UnsupportedMedia, UsageError
from citygraph.index.facts import ENTITY
from citygraph.matching.lookup import Lookup
from citygraph.matching.score import Candidate, IndexedEntity, reconcile
from citygraph.rdf.terms import CG
from citygraph.settings import Settings
from citygraph.web.http.addresses import public_root
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.negotiation import reader_language
from citygraph.web.http.replies import HTML, JSON, Variant, reply
from citygraph.web.search.reconcile_properties import DEFAULT_TYPES, Extension, Schema, settings_of_properties
from citygraph.web.search.reconcile_questions import read_batch, read_question
from citygraph.web.view.page_request import PageRequest, page_request_of
from citygraph.web.view.release_cache import Lookups, OpenRelease, Shelf
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Translations

KINDS = ("entity", "type", "property")
FEATURES = ("name", "alias", "type", "country", "distance", "near", "date", "qid", "id")
PREVIEW_WIDTH, PREVIEW_HEIGHT = 400, 200
_SUGGESTED = 10
_NAMES = 12  # on a card
_MOST_SKIPPED = 1000
_LARGEST = 8 * 1024 * 1024  # bytes of a form
_SCHEMAS = 16
_FORM = "application/x-www-form-urlencoded"
_SCRIPT = Variant("js", "application/javascript; charset=utf-8")
_CALLBACK = re.compile(r"[A-Za-z_$][\w$]{0,127}(?:\.[A-Za-z_$][\w$]{0,127}){0,4}", re.ASCII)
# A client shows the card in a frame of its own page (section 5 of the specification).
_FRAMED = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *"


class Reconciliation:
    """The service; what is made of a release's ontology is kept for a while."""

    def __init__(self, settings: Settings, shelf: Shelf, lookups: Lookups, pages: Templates) -> None:
        self._settings = settings
        self._shelf = shelf
        self._lookups = lookups
        self._pages = pages
        self._schemas: OrderedDict[tuple[str, str], Schema] = OrderedDict()

    def endpoint(self, request: Request) -> Reply:
        """The manifest; or the candidates for queries; or the values of properties."""
        given = _parameters(request)
        opened, language = self._shelf.current(), reader_language(request)
        schema = self._schema(opened, language)
        if "extend" in given:
            return _answer(request, Extension(opened, schema, language).answer(given["extend"]))
        if "queries" in given:
            questions = read_batch(given["queries"], self._settings.reconcile_batch, schema.type_id)
            lookup = self._lookups.of(opened.release)
            answers = {
                id_: {"result": [self._candidate(one, opened, schema, language) for one in reconcile(question, lookup)]}
                for id_, question in questions.items()
            }
            return _answer(request, answers)
        if "query" in given:
            return self._single(request, given["query"], opened, schema, language)
        if request.method == "POST":
            raise UsageError("a form must have the element queries, or extend")
        return _answer(request, self._manifest(request, Translations(language)))

    def suggest(self, request: Request, kind: str) -> Reply:
        """What begins as the client types: entities, types or properties."""
        prefix, cursor = request.args.get("prefix", ""), _cursor(request)
        opened, language = self._shelf.current(), reader_language(request)
        schema = self._schema(opened, language)
        if kind == "entity":
            kept = [schema.type_id(type_) for type_ in request.args.getlist("type")]
            found = self._entities(prefix, cursor, self._lookups.of(opened.release), kept)
            return _answer(request, {"result": [self._suggestion(known, opened, schema, language) for known in found]})
        if kind not in KINDS:
            raise NotFound(f"there is nothing to suggest for {kind[:80]!r}: only for {', '.join(KINDS)}")
        chosen = schema.suggested(kind, prefix)[cursor : cursor + _SUGGESTED]
        return _answer(request, {"result": [_without_empty(id=one.id, name=one.name, description=one.description)
                                   for one in chosen]})  # fmt: skip

    def flyout(self, request: Request, kind: str) -> Reply:
        """The card of an entity, a type or a property, to show beside a suggestion."""
        id_ = request.args.get("id", "")
        opened, language = self._shelf.current(), reader_language(request)
        schema = self._schema(opened, language)
        if kind == "entity":
            html = self._pages.page(
                "card.html", self._reader(request), None, **self._card(request, id_, opened, schema, language)
            )
        else:
            one = schema.types.get(schema.type_id(id_)) if kind == "type" else schema.property(id_)
            if one is None or kind not in KINDS:
                raise NotFound(f"there is no {kind[:80]} {id_[:80]!r}")
            html = self._pages.page(
                "flyout.html", self._reader(request), None, name=one.name, description=one.description
            )
        return _answer(request, {"id": id_, "html": html})

    def preview(self, request: Request) -> Reply:
        """The card of an entity as a page for a frame."""
        opened, language = self._shelf.current(), reader_language(request)
        card = self._card(request, request.args.get("id", ""), opened, self._schema(opened, language), language)
        page = self._pages.page("preview.html", self._reader(request), None, **card)
        answer = reply(request, page, HTML, language)
        answer.set("Content-Security-Policy", _FRAMED)
        return answer

    def proposals(self, request: Request) -> Reply:
        """The properties that are worth fetching for entities of a type."""
        opened, language = self._shelf.current(), reader_language(request)
        type_, limit = request.args.get("type", ""), request.args.get("limit", "")
        if limit and not limit.isdecimal():
            raise UsageError("limit must be a whole number")
        found = self._schema(opened, language).of_type(type_)
        answer: dict[str, Any] = {"properties": [{"id": one.id, "name": one.name} for one in found]}
        if limit:
            answer["limit"] = int(limit)
            answer["properties"] = answer["properties"][: int(limit) or None]
        return _answer(request, {**answer, "type": type_})

    def features(self, request: Request) -> Reply:
        """How a score is made: what each feature means, for people."""
        reader = self._reader(request)
        release = self._shelf.current().release
        page = self._pages.page("features.html", reader, release, features=FEATURES)
        return reply(request, page, HTML, reader.translations.language)

    def _single(self, request: Request, query: str, opened: OpenRelease, schema: Schema, language: str) -> Reply:
        """One query without a batch, as clients of version 0.1 ask."""
        plain = {"query": query}
        if query.lstrip().startswith("{"):
            try:
                plain = json.loads(query)
            except ValueError:
                raise UsageError("the parameter query is not JSON") from None
        question = read_question(plain, schema.type_id)
        found = reconcile(question, self._lookups.of(opened.release))
        return _answer(request, {"result": [self._candidate(one, opened, schema, language) for one in found]})

    def _manifest(self, request: Request, words: Translations) -> dict[str, Any]:
        root = public_root(request.environ, self._settings.trusted_proxies)
        schema = self._schema(self._shelf.current(), words.language)
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
            "name": f"citygraph ({words.language})",
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

    def _candidate(self, one: Candidate, opened: OpenRelease, schema: Schema, language: str) -> dict[str, Any]:
        types = schema.specific(one.entity.types)
        return {
            "id": _id(one.entity),
            "name": _name(one.entity, language),
            "description": _description(one.entity, opened, schema, language),
            "score": one.score,
            "match": one.match,
            "features": [{"id": id_, "value": value} for id_, value in one.features],
            "type": [{"id": type_.id, "name": type_.name} for type_ in types],
        }

    def _suggestion(self, known: IndexedEntity, opened: OpenRelease, schema: Schema, language: str) -> dict[str, Any]:
        return {
            "id": _id(known),
            "name": _name(known, language),
            "description": _description(known, opened, schema, language),
            "notable": [{"id": type_.id, "name": type_.name} for type_ in schema.specific(known.types)],
        }

    def _entities(self, prefix: str, cursor: int, lookup: Lookup, types: list[str]) -> list[IndexedEntity]:
        """The entities whose names begin so, of these types if any are given; one named by its identifier first."""
        own = lookup.identified([prefix]) if prefix else []
        hits = lookup.find(prefix, limit=cursor + _SUGGESTED * (5 if types else 1))
        iris = [known.iri for known in own] + [hit.entity for hit in hits]
        by_iri = {known.iri: known for known in (*own, *lookup.identified(iris))}
        found = [by_iri[iri] for iri in dict.fromkeys(iris) if iri in by_iri]
        kept = [known for known in found if not types or not set(types).isdisjoint(known.types)]
        return kept[cursor : cursor + _SUGGESTED]

    def _card(self, request: Request, id_: str, opened: OpenRelease, schema: Schema, language: str) -> dict[str, Any]:
        lookup = self._lookups.of(opened.release)
        found = lookup.identified([id_]) if id_ else []
        if not found:
            raise NotFound(f"there is no entity {id_[:80]!r}")
        known = found[0]
        root = public_root(request.environ, self._settings.trusted_proxies)
        return {
            "known": known,
            "title": _name(known, language),
            "description": _description(known, opened, schema, language),
            "names": [name for name in lookup.names_of(known.iri) if name != _name(known, language)][:_NAMES],
            "href": f"{root}/id/{_id(known)}",
        }

    def _schema(self, opened: OpenRelease, language: str) -> Schema:
        key = opened.release.id, language
        found = self._schemas.get(key)
        if found is None:
            found = self._schemas[key] = Schema(opened.vocabulary, language)
            while len(self._schemas) > _SCHEMAS:
                self._schemas.popitem(last=False)
        return found

    def _reader(self, request: Request) -> PageRequest:
        return page_request_of(request, self._settings)


def _parameters(asked: Request) -> dict[str, str]:
    """The parameters, of a form too. Raises UnsupportedMedia for a body that is no form, TooLarge for a huge one."""
    if asked.method != "POST":
        return asked.args.to_dict()
    if asked.mimetype not in (_FORM, "multipart/form-data"):
        raise UnsupportedMedia(f"a body of type {asked.mimetype or 'unknown'} is not read here", (_FORM,))
    asked.max_content_length = asked.max_form_memory_size = _LARGEST
    try:
        return {**asked.args.to_dict(), **asked.form.to_dict()}
    except RequestEntityTooLarge:
        raise TooLarge(f"a form may have {_LARGEST} bytes", _LARGEST) from None


def _answer(request: Request, value: dict[str, Any]) -> Reply:
    """A value as JSON; as a script that calls a function for old clients, which cannot read from another site.

    Raises UsageError if the function has no name of one.
    """
    callback = request.args.get("callback")
    cache = "no-store" if request.method == "POST" else "public, max-age=60"
    text = json.dumps(value, ensure_ascii=False)
    if callback is None:
        return reply(request, text, JSON, cache=cache)
    if not _CALLBACK.fullmatch(callback):
        raise UsageError("callback must be the name of a function")
    # The comment in front keeps the answer from being taken for another kind of file; two line separators of
    # JSON end a line in older JavaScript.
    safe = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return reply(request, f"/**/{callback}({safe});", _SCRIPT, cache=cache)


def _cursor(asked: Request) -> int:
    text = asked.args.get("cursor") or "0"
    if not text.isdecimal() or int(text) > _MOST_SKIPPED:
        raise UsageError(f"cursor must be a whole number up to {_MOST_SKIPPED}")
    return int(text)


def _id(known: IndexedEntity) -> str:
    return known.iri.partition(ENTITY)[2]


def _name(known: IndexedEntity, language: str) -> str:
    return known.label_tr if language == "tr" and known.label_tr else known.label


def _description(known: IndexedEntity, opened: OpenRelease, schema: Schema, language: str) -> str:
    """What kind of thing it is, and in which country."""
    kinds = [type_.name for type_ in schema.specific(known.types)[:1]]
    if known.country and known.country != known.iri:
        kinds.append(opened.labels.best(known.country, language).text)
    return ", ".join(kinds)


def _without_empty(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
