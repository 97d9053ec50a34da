"""The history of an entity at ?history: when each statement was added and removed, and from which source."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

from citygraph.graph.history import Lifetime
from citygraph.rdf.terms import PREFIXES, RDF, XSD, Namespace
from citygraph.release.releases import Release
from citygraph.web.http.messages import Reply, Request, not_known
from citygraph.web.http.replies import GRAPHS, HTML, JSON, Variant, chosen, reply, split
from citygraph.web.time.release_differences import ChangedStatement, property_text, term_text, value_text, written_as
from citygraph.web.time.release_site import ReleaseSite
from citygraph.web.view.statement_table import StatementTable

_PROV = Namespace(PREFIXES["prov"])
_OFFERS = (JSON, HTML, *GRAPHS)


class EntityHistories:
    """The view of ?history, which every document has."""

    def __init__(self, site: ReleaseSite) -> None:
        self._site = site

    def answer(self, request: Request) -> Reply | None:
        """Returns the history, or None if the address describes no thing. Raises NotFound without any statement."""
        path, extension = split(request.path.strip("/"), _OFFERS)
        opened = self._site.opened(request.environ)
        iri = self._site.thing(path, opened.base)
        if not iri:
            return None
        offer = chosen(request, _OFFERS, extension)
        lifetimes = self._site.timeline.of(iri, opened.release)
        if not lifetimes:
            raise not_known(path)
        if offer is HTML:
            reader = self._site.reader(request)
            return reply(request, self._page(request, iri, path, lifetimes), offer, reader.translations.language)
        if offer is JSON:
            return reply(request, _as_json(iri, lifetimes), offer)
        return self._as_rdf(request, iri, lifetimes, offer)

    def _page(self, request: Request, iri: str, path: str, lifetimes: list[Lifetime]) -> str:
        reader = self._site.reader(request)
        opened = self._site.opened(request.environ)
        table = StatementTable(opened, reader.translations, reader.addresses)
        events = [(one.since, "+", one) for one in lifetimes]
        events += [(one.until, "−", one) for one in lifetimes if one.until is not None]
        releases = self._site.timeline.releases()
        position = {release.id: number for number, release in enumerate(releases)}
        # The newest release first. Ids of releases have no order, so their position counts.
        events.sort(key=lambda event: (position[event[0].id], event[1]), reverse=True)
        groups = []
        for release, group in groupby(events, key=lambda event: event[0]):
            statements = [
                ChangedStatement(
                    sign,
                    property_text(lifetime.quad.predicate.value, table, reader),
                    value_text(lifetime.quad, table, reader),
                    term_text(lifetime.quad.graph_name, table),
                )
                for _, sign, lifetime in group
            ]
            groups.append((release, statements))
        return self._site.pages.page(
            "history.html",
            reader,
            opened.release,
            title=table.link(iri),
            groups=groups,
            path=path,
            first=releases[0],
            iri=iri,
        )

    def _as_rdf(self, request: Request, iri: str, lifetimes: list[Lifetime], offer: Variant) -> Reply:
        document = HistoryDocument(self._site.opened(request.environ).base, iri)
        quads = [quad for place, one in enumerate(reversed(lifetimes), 1) for quad in document.quads(place, one)]
        return reply(request, written_as(quads, offer), offer)


@dataclass(frozen=True)
class HistoryDocument:
    """The history as RDF: a statement is a prov:Entity that one release generated and another may have invalidated."""

    base: str
    iri: str

    def quads(self, place: int, one: Lifetime) -> list[Quad]:
        """Returns the reified statement with its times."""
        path = self.iri.removeprefix(self.base).removeprefix("id/")
        statement = NamedNode(f"{self.base}doc/{path}?history#{place}")
        quads = [
            Quad(statement, RDF("type"), RDF("Statement")),
            Quad(statement, RDF("type"), _PROV("Entity")),
            Quad(statement, RDF("subject"), _plain(one.quad.subject)),
            Quad(statement, RDF("predicate"), one.quad.predicate),
            Quad(statement, RDF("object"), _plain(one.quad.object)),
            Quad(statement, _PROV("wasDerivedFrom"), NamedNode(one.source)),
            Quad(statement, _PROV("generatedAtTime"), _time(one.since)),
            Quad(statement, _PROV("wasGeneratedBy"), self._publication(one.since)),
        ]
        if one.until is not None:
            quads.append(Quad(statement, _PROV("invalidatedAtTime"), _time(one.until)))
            quads.append(Quad(statement, _PROV("wasInvalidatedBy"), self._publication(one.until)))
        return quads

    def _publication(self, release: Release) -> NamedNode:
        return NamedNode(f"{self.base}releases/{release.id}#publication")


def _as_json(iri: str, lifetimes: list[Lifetime]) -> str:
    history = {"entity": iri, "statements": [_statement(one) for one in lifetimes]}
    return json.dumps(history, ensure_ascii=False, indent=1) + "\n"


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
    """Returns a term in the form of the SPARQL 1.1 results in JSON."""
    if isinstance(term, Literal):
        tag = {"xml:lang": term.language} if term.language else {"datatype": term.datatype.value}
        return {"type": "literal", "value": term.value, **tag}
    return {"type": "uri" if isinstance(term, NamedNode) else "bnode", "value": str(getattr(term, "value", term))}


def _moment(release: Release) -> dict[str, str]:
    return {"release": release.id, "at": release.manifest.created}


def _time(release: Release) -> Literal:
    return Literal(release.manifest.created, datatype=XSD("dateTime"))


def _plain(term: NamedNode | BlankNode | Literal | Triple) -> NamedNode | BlankNode | Literal:
    return Literal(str(term)) if isinstance(term, Triple) else term
