"""Every release at an address of its own, with the whole site below it; and what changed from one to another."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, redirect, request
from pyoxigraph import Literal, NamedNode, Quad, Triple

from citygraph.build.dataset import provenance
from citygraph.errors import Gone, MethodNotAllowed, NotFound
from citygraph.graph.document import LICENSE
from citygraph.rdf.terms import DATASET, DCAT, DCTERMS, OWL, PROV, RDF, VOID, XSD
from citygraph.release.releases import Release
from citygraph.web.http.replies import FOR_EVER, GRAPHS, HTML, JSON, chosen, reply, split
from citygraph.web.time.release_differences import OFFERS as DIFFERENCE_OFFERS
from citygraph.web.time.release_differences import counts, difference_page, rdf_patch, trig, written_as
from citygraph.web.time.release_site import Past

_OFFERS = (GRAPHS[0], HTML, JSON, *GRAPHS[1:])
WRITES = ("update", "graphs")
READING = ("GET", "HEAD", "OPTIONS")


class ReleasePages:
    """The list of releases, each release, and the differences; `blueprint` mounts it."""

    def __init__(self, past: Past) -> None:
        self._past = past

    def blueprint(self) -> Blueprint:
        """The addresses."""
        blueprint = Blueprint("releases", __name__)
        for name, rule, view in (
            ("list", "/releases", self.every),
            ("list-as", "/releases.<extension>", self.every),
            ("one", "/releases/<name>", self.one),
        ):
            blueprint.add_url_rule(rule, name, view, methods=["GET"])
        # What comes here has not been sent on to the site as of that release (time.py).
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
        blueprint.add_url_rule("/releases/<name>/<path:rest>", "below", self.below, methods=methods)
        return blueprint

    def every(self, extension: str = "") -> Response:
        """All releases, the newest first."""
        offer = chosen(request, _OFFERS, extension)
        releases = tuple(reversed(self._past.timeline.releases()))
        current = self._past.opened(request.environ).release
        if offer is HTML:
            reader = self._past.reader(request)
            return reply(request, self._past.pages.page("releases.html", reader, current, releases=releases), offer,
                         reader.words.language)  # fmt: skip
        if offer is JSON:
            root = self._past.root(request.environ)
            listed = [_as_json(release, current, root) for release in releases]
            return reply(request, _dump({"current": current.id, "releases": listed}), offer)
        return reply(request, written_as(self._series(releases, current), offer), offer)

    def one(self, name: str) -> Response:
        """A release, or what changed from one to another."""
        name, extension = split(name, (*_OFFERS, *DIFFERENCE_OFFERS))
        if ".." in name:
            return self._difference(name, extension)
        release = self._get(name)
        offer = chosen(request, _OFFERS, extension)
        current = self._past.opened(request.environ).release
        if offer is HTML:
            reader = self._past.reader(request)
            newer = next((r for r in self._past.timeline.releases() if r.manifest.parent == release.id), None)
            page = self._past.pages.page(
                "release.html", reader, current, one=release, newer=newer,
                parent=self._past.timeline.get(release.manifest.parent or ""))  # fmt: skip
            return reply(request, page, offer, reader.words.language)
        if offer is JSON:
            return reply(request, _dump(_as_json(release, current, self._past.root(request.environ))), offer)
        return reply(request, written_as(self._one(release), offer), offer)

    def below(self, name: str, rest: str) -> Response:
        """An address that no release has.

        Raises MethodNotAllowed for a write, Gone or NotFound for a release that is not kept or never was.
        """
        self._get(name)
        first = rest.partition("/")[0].partition(".")[0]
        if first in WRITES or request.method not in READING:
            raise MethodNotAllowed("a release never changes: write to the site itself", READING)
        query = request.query_string.decode("ascii", "replace")
        target = self._past.reader(request).addresses.path(rest) + (f"?{query}" if query else "")
        return redirect(target, 301)  # type: ignore[return-value]

    def _get(self, name: str) -> Release:
        release = self._past.timeline.get(name)
        if release is None and self._past.timeline.is_pruned(name):
            raise Gone(f"the release {name} is no longer kept", tuple(
                self._past.iri(r) for r in self._past.timeline.releases() if r.manifest.parent == name))  # fmt: skip
        if release is None:
            raise NotFound(f"there is no release {name}")
        return release

    def _difference(self, name: str, extension: str) -> Response:
        older, _, newer = name.partition("..")
        offer = chosen(request, DIFFERENCE_OFFERS, extension)
        changes = self._past.timeline.between(self._get(older), self._get(newer))
        iri = f"{self._past.settings.base}releases/{name}"
        # Two releases never change, and so neither does what lies between them.
        if offer is HTML:
            reader = self._past.reader(request)
            page = difference_page(self._past, changes, reader, request.args.get("page", "1"))
            return reply(request, page, offer, reader.words.language, FOR_EVER)
        if offer is JSON:
            return reply(request, _dump(counts(changes)), offer, cache=FOR_EVER)
        if offer.name == "trig":
            return reply(request, trig(changes, iri, request.args.get("part", "")), offer, cache=FOR_EVER)
        return reply(request, rdf_patch(changes), offer, cache=FOR_EVER)

    def _series(self, releases: Iterable[Release], current: Release) -> Iterable[Quad]:
        yield Quad(DATASET, RDF("type"), DCAT("DatasetSeries"))
        yield Quad(DATASET, DCAT("hasCurrentVersion"), NamedNode(self._past.iri(current)))
        for release in releases:
            yield Quad(DATASET, DCAT("hasVersion"), NamedNode(self._past.iri(release)))
            yield from self._one(release)

    def _one(self, release: Release) -> Iterable[Quad]:
        manifest = release.manifest
        say = NamedNode(self._past.iri(release))
        yield Quad(say, RDF("type"), DCAT("Dataset"))
        yield Quad(say, RDF("type"), PROV("Entity"))
        yield Quad(say, DCTERMS("title"), Literal(f"citygraph, release {release.id}", language="en"))
        yield Quad(say, DCTERMS("title"), Literal(f"citygraph, {release.id} sürümü", language="tr"))
        yield Quad(say, DCAT("isVersionOf"), DATASET)
        yield Quad(say, DCTERMS("identifier"), Literal(release.id))
        yield Quad(say, DCAT("version"), Literal(release.id))
        yield Quad(say, DCTERMS("issued"), Literal(manifest.created, datatype=XSD("dateTime")))
        yield Quad(say, DCTERMS("license"), LICENSE)
        yield Quad(say, VOID("triples"), Literal(manifest.triples))
        yield Quad(say, VOID("sparqlEndpoint"), NamedNode(f"{say.value}/sparql"))
        yield from map(_unnamed, provenance(manifest))
        if manifest.ontology_version:
            yield Quad(say, OWL("versionInfo"), Literal(manifest.ontology_version))
        if manifest.parent:
            parent = NamedNode(f"{self._past.settings.base}releases/{manifest.parent}")
            yield Quad(say, DCAT("previousVersion"), parent)


def _unnamed(triple: Triple) -> Quad:
    return Quad(triple.subject, triple.predicate, triple.object)


def _as_json(release: Release, current: Release, root: str) -> dict[str, Any]:
    manifest = release.manifest
    return {
        "id": release.id,
        "url": f"{root}/releases/{release.id}",
        "current": release.id == current.id,
        "created": manifest.created,
        "parent": manifest.parent,
        "changes": f"{root}/releases/{manifest.parent}..{release.id}" if manifest.parent else None,
        "digest": manifest.digest,
        "quads": manifest.quads,
        "triples": manifest.triples,
        "added": manifest.added,
        "removed": manifest.removed,
        "message": manifest.message,
        "commits": manifest.commits,
        "ontology_version": manifest.ontology_version,
        "software_version": manifest.software_version,
        "graphs": manifest.graphs,
    }


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
