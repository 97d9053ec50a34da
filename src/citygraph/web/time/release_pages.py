"""Pages of releases: the list, each release, and the differences between two."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.build.dataset import provenance
from citygraph.catalogues import N_, of_instance
from citygraph.errors import Gone, MethodNotAllowed, NotFound
from citygraph.rdf.terms import DATASET, DCAT, DCTERMS, LICENSE, OWL, PROV, RDF, VOID, XSD
from citygraph.release.releases import Release
from citygraph.web.http.messages import Reply, Request, redirection
from citygraph.web.http.replies import FOR_EVER, GRAPHS, HTML, JSON, check_parameters, chosen, reply
from citygraph.web.time.release_differences import OFFERS as DIFFERENCE_OFFERS
from citygraph.web.time.release_differences import counts, difference_page, rdf_patch, trig, written_as
from citygraph.web.time.release_site import ReleaseSite

_OFFERS = (GRAPHS[0], HTML, JSON, *GRAPHS[1:])
WRITES = ("update", "graphs")
READING = ("GET", "HEAD", "OPTIONS")


class ReleasePages:
    """The views of releases and of their differences."""

    def __init__(self, site: ReleaseSite) -> None:
        self._site = site

    def every(self, request: Request, extension: str = "") -> Reply:
        """Returns all releases, the newest first."""
        offer = chosen(request, _OFFERS, extension)
        releases = tuple(reversed(self._site.timeline.releases()))
        current = self._site.opened(request.environ).release
        if offer is HTML:
            reader = self._site.reader(request)
            page = self._site.pages.page("releases.html", reader, current, releases=releases)
            return reply(request, page, offer, reader.translations.language)
        if offer is JSON:
            root = self._site.root(request.environ)
            listed = [_as_json(release, current, root) for release in releases]
            return reply(request, _dump({"current": current.id, "releases": listed}), offer)
        return reply(request, written_as(self._series(releases, current), offer), offer)

    def one(self, request: Request, name: str) -> Reply:
        """Returns a release, a redirection to the one that a digest names, or the difference of two."""
        name, extension = _split(name)
        if ".." in name:
            return self._difference(request, name, extension)
        if (cited := self._site.timeline.with_digest(name)) is not None:
            return self._redirection(request, f"releases/{cited.id}" + (f".{extension}" if extension else ""), 302)
        release = self._get(name)
        offer = chosen(request, _OFFERS, extension)
        current = self._site.opened(request.environ).release
        if offer is HTML:
            reader = self._site.reader(request)
            newer = next((r for r in self._site.timeline.releases() if r.manifest.parent == release.id), None)
            parent = self._site.timeline.get(release.manifest.parent or "")
            page = self._site.pages.page("release.html", reader, current, one=release, newer=newer, parent=parent)
            return reply(request, page, offer, reader.translations.language)
        if offer is JSON:
            return reply(request, _dump(_as_json(release, current, self._site.root(request.environ))), offer)
        return reply(request, written_as(self._one(release), offer), offer)

    def below(self, request: Request, name: str, rest: str) -> Reply:
        """Returns a redirection to the site itself for an address that a release does not have.

        The digest of a release instead of its name redirects to the address below its name.
        Raises MethodNotAllowed for a write, Gone for a release that is no longer kept, NotFound for an unknown one.
        """
        cited = self._site.timeline.with_digest(name)
        if cited is None:
            self._get(name)
        first = rest.partition("/")[0].partition(".")[0]
        if first in WRITES or request.method not in READING:
            raise MethodNotAllowed("a release never changes: write to the site itself", READING)
        if cited is not None:
            return self._redirection(request, f"releases/{cited.id}/{rest}", 302)
        return self._redirection(request, rest, 301)

    def _redirection(self, request: Request, path: str, status: int) -> Reply:
        query = request.query_string.decode("ascii", "replace")
        target = self._site.reader(request).addresses.path(path) + (f"?{query}" if query else "")
        return redirection(target, status)

    def _get(self, name: str) -> Release:
        release = self._site.timeline.get(name)
        if release is None and self._site.timeline.is_pruned(name):
            # A pruned release has no manifest any more, but its children still name it.
            children = tuple(self._site.iri(r) for r in self._site.timeline.releases() if r.manifest.parent == name)
            raise Gone(f"the release {name} is no longer kept", children)
        if release is None:
            raise NotFound(f"there is no release {name}")
        return release

    def _difference(self, request: Request, name: str, extension: str) -> Reply:
        older, _, newer = name.partition("..")
        if not (older and newer):
            raise NotFound("differences are between two releases, as in /releases/OLDER..NEWER")
        check_parameters(request, "page", "part")
        offer = chosen(request, DIFFERENCE_OFFERS, extension)
        changes = self._site.timeline.between(self._get(older), self._get(newer))
        iri = f"{self._site.settings.base}releases/{name}"
        # Releases never change, so neither does a difference of two.
        if offer is HTML:
            reader = self._site.reader(request)
            page = difference_page(self._site, changes, reader, request.args.get("page", "1"))
            return reply(request, page, offer, reader.translations.language, FOR_EVER)
        if offer is JSON:
            return reply(request, _dump(counts(changes)), offer, cache=FOR_EVER)
        if offer.name == "trig":
            return reply(request, trig(changes, iri, request.args.get("part", "")), offer, cache=FOR_EVER)
        return reply(request, rdf_patch(changes), offer, cache=FOR_EVER)

    def _series(self, releases: Iterable[Release], current: Release) -> Iterable[Quad]:
        yield Quad(DATASET, RDF("type"), DCAT("DatasetSeries"))
        yield Quad(DATASET, DCAT("hasCurrentVersion"), NamedNode(self._site.iri(current)))
        for release in releases:
            yield Quad(DATASET, DCAT("hasVersion"), NamedNode(self._site.iri(release)))
            yield from self._one(release)

    def _one(self, release: Release) -> Iterable[Quad]:
        manifest = release.manifest
        subject = NamedNode(self._site.iri(release))
        yield Quad(subject, RDF("type"), DCAT("Dataset"))
        yield Quad(subject, RDF("type"), PROV("Entity"))
        for title in of_instance(N_("{name}, release {release}"), release=release.id):
            yield Quad(subject, DCTERMS("title"), title)
        yield Quad(subject, DCAT("isVersionOf"), DATASET)
        yield Quad(subject, DCTERMS("identifier"), Literal(release.id))
        yield Quad(subject, DCAT("version"), Literal(release.id))
        yield Quad(subject, DCTERMS("issued"), Literal(manifest.created, datatype=XSD("dateTime")))
        yield Quad(subject, DCTERMS("license"), LICENSE)
        yield Quad(subject, VOID("triples"), Literal(manifest.triples))
        yield Quad(subject, VOID("sparqlEndpoint"), NamedNode(f"{subject.value}/sparql"))
        yield from (Quad(*triple) for triple in provenance(manifest))
        if manifest.ontology_version:
            yield Quad(subject, OWL("versionInfo"), Literal(manifest.ontology_version))
        if manifest.parent:
            parent = NamedNode(f"{self._site.settings.base}releases/{manifest.parent}")
            yield Quad(subject, DCAT("previousVersion"), parent)


def _split(name: str) -> tuple[str, str]:
    """Returns the name of a release or of a difference (`a..b`) without its extension, and the extension."""
    stem, _, extension = name.rpartition(".")
    # Releases have no dot in their names.
    return (stem, extension) if stem and not stem.endswith(".") else (name, "")


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
