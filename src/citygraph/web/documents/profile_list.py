"""The list of the profiles and formats of a document, at ?_profile=alt (Content Negotiation by Profile, W3C)."""

from __future__ import annotations

import json

from pyoxigraph import Literal, NamedNode, Triple, serialize

from citygraph.catalogues import LANGUAGES
from citygraph.rdf.formats import Kind, of_kind
from citygraph.rdf.terms import DCTERMS, RDF, RDFS, Namespace
from citygraph.web.documents.profiles import OWN, PROFILES
from citygraph.web.documents.representation import DocumentSelection
from citygraph.web.http.messages import Reply
from citygraph.web.view.translations import Translations

_ALTR = Namespace("http://www.w3.org/ns/dx/connegp/altr#")
_PROF = Namespace("http://www.w3.org/ns/dx/prof/")
_FORMATS = of_kind(Kind.GRAPH)
_ROW = '<tr><th scope="row"><a href="{iri}">{title}</a> <code>{token}</code></th><td>{links}</td></tr>'


def profile_list(selection: DocumentSelection, address: str, iri: str) -> Reply:
    """Returns the list as page, RDF or JSON, and in Link; `address` is the path of the document, `iri` its IRI."""
    links = [f'<{selection.addresses.iri(iri.removeprefix(selection.addresses.base))}>; rel="canonical"']
    for profile in PROFILES:
        for format_ in _FORMATS:
            href = f"{address}.{format_.extension}?_profile={profile.token}"
            # As in the header of a document: clients of JSON-LD fail if several links are just alternates.
            rel = "alternate" if profile is OWN and format_.name == "jsonld" else "alternate related"
            links.append(f'<{href}>; rel="{rel}"; type="{format_.media_type}"; profile="{profile.iri}"')
    headers = [("Link", ", ".join(links)), ("Vary", "Accept, Accept-Language"), ("Cache-Control", "public, max-age=60")]
    if selection.form.is_page:
        return Reply(200, [*headers, ("Content-Type", selection.form.content_type)], _page(selection, address))
    if selection.form.is_linkset or selection.form.name == "jsonld":
        body = json.dumps(_as_json(address, iri), ensure_ascii=False, indent=1).encode()
        return Reply(200, [*headers, ("Content-Type", "application/json")], body)
    prefixes: dict[str, str] = {"altr": _ALTR, "prof": _PROF, "dcterms": DCTERMS, "rdfs": RDFS}
    body = serialize(_triples(address, iri, selection.root), format=selection.form.format.rdf, prefixes=prefixes) or b""
    return Reply(200, [*headers, ("Content-Type", selection.form.content_type)], body)


def _page(selection: DocumentSelection, address: str) -> bytes:
    translate = Translations(selection.form.language)
    title = translate("Views of this document")
    rows = []
    for profile in PROFILES:
        addresses = ((f"{address}.{f.extension}?_profile={profile.token}", f.label) for f in _FORMATS)
        links = ", ".join(f'<a href="{href}">{label}</a>' for href, label in addresses)
        rows.append(_ROW.format(iri=profile.iri, title=translate(profile.title), token=profile.token, links=links))
    style = selection.addresses.path("static/citygraph.css")
    return f"""<!doctype html>
<html lang="{translate.language}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="stylesheet" href="{style}"></head>
<body><main><h1>{title}</h1>
<p><a href="{address}">{address}</a></p>
<table>{"".join(rows)}</table>
</main></body>
</html>
""".encode()


def _as_json(address: str, iri: str) -> dict[str, object]:
    return {
        "resource": iri,
        "default": OWN.token,
        "profiles": [
            {
                "token": p.token,
                "uri": p.iri,
                "title": {language: Translations(language)(p.title) for language in LANGUAGES},
                "representations": [
                    {"href": f"{address}.{f.extension}?_profile={p.token}", "type": f.media_type} for f in _FORMATS
                ],
            }
            for p in PROFILES
        ],
    }


def _triples(address: str, iri: str, root: str) -> list[Triple]:
    host = root.removesuffix(address.rpartition("/doc/")[0])
    document = NamedNode(iri)
    triples = []
    for profile in PROFILES:
        as_profile = NamedNode(profile.iri)
        triples.append(Triple(as_profile, RDF("type"), _PROF("Profile")))
        triples.append(Triple(as_profile, _PROF("hasToken"), Literal(profile.token)))
        for language in LANGUAGES:
            title = Literal(Translations(language)(profile.title), language=language)
            triples.append(Triple(as_profile, DCTERMS("title"), title))
        for format_ in _FORMATS:
            form = NamedNode(f"{host}{address}.{format_.extension}?_profile={profile.token}")
            relation = "hasDefaultRepresentation" if profile is OWN and format_.name == "ttl" else "hasRepresentation"
            triples += [
                Triple(document, _ALTR(relation), form),
                Triple(form, RDF("type"), _ALTR("Representation")),
                Triple(form, DCTERMS("conformsTo"), as_profile),
                Triple(form, DCTERMS("format"), Literal(format_.media_type)),
            ]
    return triples
