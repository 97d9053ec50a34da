"""The history of an entity at ?history: which statement came and went with which release, and which source made it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import Flask, Response, request
from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from citygraph.graph.history import Lifetime
from citygraph.rdf.terms import PREFIXES, RDF, XSD, Namespace
from citygraph.release.releases import Release
from citygraph.web.http.messages import not_known
from citygraph.web.http.replies import GRAPHS, HTML, JSON, Offer, chosen, reply, split
from citygraph.web.time.release_differences import linked, named, valued, written_as
from citygraph.web.time.release_site import Past
from citygraph.web.view.statement_table import Registrar
from citygraph.web.view.values import Text

_PROV = Namespace(PREFIXES["prov"])
_OFFERS = (JSON, HTML, *GRAPHS)


@dataclass(frozen=True)
class Event:
    """A statement that came or went, as the page tells it."""

    sign: str
    name: Text
    value: Text
    source: Text


class Histories:
    """What answers for ?history at every document; `mount` puts it in front of the documents."""

    def __init__(self, past: Past) -> None:
        self._past = past

    def mount(self, app: Flask) -> None:
        """Ask here before the documents are asked."""
        app.before_request(self.answer)

    def answer(self) -> Response | None:
        """The history, if that is asked for. Raises NotFound if no release says anything of the thing."""
        if "history" not in request.args or request.method == "OPTIONS":
            return None
        path, extension = split(request.path.strip("/"), _OFFERS)
        iri = self._past.thing(path)
        if not iri:
            return None
        offer = chosen(request, _OFFERS, extension)
        lifetimes = self._past.timeline.of(iri, self._past.opened(request.environ).release)
        if not lifetimes:
            raise not_known(path)
        if offer is HTML:
            reader = self._past.reader(request)
            return reply(request, self._page(iri, path, lifetimes), offer, reader.words.language)
        if offer is JSON:
            return reply(request, _as_json(iri, lifetimes), offer)
        return self._as_rdf(iri, lifetimes, offer)

    def _page(self, iri: str, path: str, lifetimes: list[Lifetime]) -> str:
        reader = self._past.reader(request)
        opened = self._past.opened(request.environ)
        registrar = Registrar(opened, reader.words, reader.addresses)
        events = [(one.since, "+", one) for one in lifetimes]
        events += [(one.until, "−", one) for one in lifetimes if one.until is not None]
        place = {release.id: number for number, release in enumerate(self._past.timeline.releases())}
        events.sort(key=lambda event: (place[event[0].id], event[1]), reverse=True)
        told = []
        for release, group in groupby(events, key=lambda event: event[0]):
            lines = [
                Event(sign, named(one.quad.predicate.value, registrar, reader), valued(one.quad, registrar, reader),
                      linked(one.quad.graph_name, registrar))
                for _, sign, one in group
            ]  # fmt: skip
            told.append((release, lines))
        title = registrar.link(iri)
        return self._past.pages.page("history.html", reader, opened.release, title=title, told=told, path=path,
                                     first=self._past.timeline.releases()[0], iri=iri)  # fmt: skip

    def _as_rdf(self, iri: str, lifetimes: list[Lifetime], offer: Offer) -> Response:
        document = Addressed(self._past.settings.base, iri)
        quads = [quad for place, one in enumerate(reversed(lifetimes), 1) for quad in document.statement(place, one)]
        return reply(request, written_as(quads, offer), offer)


@dataclass(frozen=True)
class Addressed:
    """The history as RDF: a statement is a prov:Entity that a release generated and another may have invalidated."""

    base: str
    iri: str

    def statement(self, place: int, one: Lifetime) -> list[Quad]:
        """The reified statement with its times."""
        path = self.iri.removeprefix(self.base).removeprefix("id/")
        say = NamedNode(f"{self.base}doc/{path}?history#{place}")
        quads = [
            Quad(say, RDF("type"), RDF("Statement")),
            Quad(say, RDF("type"), _PROV("Entity")),
            Quad(say, RDF("subject"), _plain(one.quad.subject)),
            Quad(say, RDF("predicate"), one.quad.predicate),
            Quad(say, RDF("object"), _plain(one.quad.object)),
            Quad(say, _PROV("wasDerivedFrom"), NamedNode(one.source)),
            Quad(say, _PROV("generatedAtTime"), _time(one.since)),
            Quad(say, _PROV("wasGeneratedBy"), self._publication(one.since)),
        ]
        if one.until is not None:
            quads.append(Quad(say, _PROV("invalidatedAtTime"), _time(one.until)))
            quads.append(Quad(say, _PROV("wasInvalidatedBy"), self._publication(one.until)))
        return quads

    def _publication(self, release: Release) -> NamedNode:
        return NamedNode(f"{self.base}releases/{release.id}#publication")


def _as_json(iri: str, lifetimes: list[Lifetime]) -> str:
    told = {"entity": iri, "statements": [_statement(one) for one in lifetimes]}
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def _statement(one: Lifetime) -> dict[str, Any]:
    return {
        "subject": str(getattr(one.quad.subject, "value", one.quad.subject)),
        "property": one.quad.predicate.value,
        "value": _value(one.quad.object),
        "source": one.source,
        "since": _moment(one.since),
        "until": _moment(one.until) if one.until is not None else None,
    }


def _value(term: NamedNode | BlankNode | Literal | Triple) -> dict[str, str]:
    """A term as SPARQL results have it in JSON."""
    if isinstance(term, Literal):
        about = {"xml:lang": term.language} if term.language else {"datatype": term.datatype.value}
        return {"type": "literal", "value": term.value, **about}
    return {"type": "uri" if isinstance(term, NamedNode) else "bnode", "value": str(getattr(term, "value", term))}


def _moment(release: Release) -> dict[str, str]:
    return {"release": release.id, "at": release.manifest.created}


def _time(release: Release) -> Literal:
    return Literal(release.manifest.created, datatype=XSD("dateTime"))


def _plain(term: NamedNode | BlankNode | Literal | Triple) -> NamedNode | BlankNode | Literal:
    return Literal(str(term)) if isinstance(term, Triple) else term
