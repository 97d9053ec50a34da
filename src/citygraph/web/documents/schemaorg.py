"""The schema.org JSON-LD block of a page: the entity or the dataset, for search engines and FAIR testers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup
from pyoxigraph import Literal, NamedNode

from citygraph.graph.description import Description, Term
from citygraph.graph.labels import Labels, is_in
from citygraph.instance import current_instance
from citygraph.rdf.terms import CG, DATASET, DCAT, DCTERMS, LICENSE, RDF, SCHEMA, SD, SKOS, VOID
from citygraph.release.outputs import DUMPS
from citygraph.web.documents.representation import DocumentSelection
from citygraph.web.documents.signposts import CREATOR, GRAPH_FORMATS, Signposts
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import OpenRelease

_CONTEXT = "https://schema.org/"
_TYPE = RDF("type").value
# The types of schema.org for classes without their own.
_TYPES = {CG("Source").value: "CreativeWork", SD("NamedGraph").value: "Dataset", SKOS("Concept").value: "DefinedTerm"}
_DUMP_TYPES = {dump.address: dump.content_type for dump in DUMPS}
_MOST = 50  # values of a property: a country has thousands of cities, and each reader would load them


def of(description: Description, opened: OpenRelease, document: str, reader: PageRequest) -> Markup:
    """Returns an entity in the schema.org vocabulary, with the page as its subjectOf."""
    labels = opened.labels
    types = [v.iri.removeprefix(SCHEMA) for v in description.values(_TYPE) if v.iri.startswith(SCHEMA)]
    types = types or [_TYPES[v.iri] for v in description.values(_TYPE) if v.iri in _TYPES][:1] or ["Thing"]
    thing: dict[str, Any] = {"@type": _plain(types), "@id": description.iri, **_names(description, labels)}
    for statements in description.statements:
        if statements.predicate.startswith(SCHEMA) and statements.predicate != SCHEMA + "name":
            terms = (value.term for value in statements.values[:_MOST])
            thing[statements.predicate.removeprefix(SCHEMA)] = _values(terms, labels, reader.translations.language)
    thing["subjectOf"] = _page(document, opened, reader.translations.language)
    return block({"@context": _CONTEXT, **thing})


def terms(iri: str, name: str, opened: OpenRelease, language: str) -> Markup:
    """Returns the ontology or the shapes as a set of defined terms."""
    value = {"@context": _CONTEXT, "@type": "DefinedTermSet", "@id": iri, "name": name, "url": iri}
    return block({**value, "license": LICENSE.value, "subjectOf": _page(iri, opened, language)})


def dataset(description: Description | None, opened: OpenRelease, selection: DocumentSelection) -> Markup:
    """Returns the dataset as the catalog describes it, for the landing page."""
    language = selection.form.language
    value: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "Dataset",
        "@id": DATASET.value,
        "identifier": DATASET.value,
        "url": f"{selection.root}/",
        "name": current_instance().title_in(language),
        "license": LICENSE.value,
        "isAccessibleForFree": True,
        "version": opened.release.id,
        "dateModified": opened.release.manifest.created,
        "inLanguage": list(current_instance().languages),
    }
    if description:
        value.update(_catalog(description, opened.labels, language))
    value["distribution"] = [
        {"@type": "DataDownload", "encodingFormat": type_, "contentUrl": href}
        for href, type_ in _distributions(description, selection)
    ]
    value["includedInDataCatalog"] = {"@type": "DataCatalog", "@id": selection.addresses.base, "name": value["name"]}
    return block(value)


def signposts_of_dataset(description: Description | None, selection: DocumentSelection) -> Signposts:
    """Returns the typed links of the landing page."""
    authors = tuple(v.iri for v in description.values(CREATOR) if v.iri) if description else ()
    types = (SCHEMA("Dataset").value, DCAT("Dataset").value)
    items = _distributions(description, selection)
    return Signposts(selection.addresses, "dataset", DATASET.value, types, authors, items)


def block(value: dict[str, Any]) -> Markup:
    """Returns a block of data for a page, escaped so that nothing in it ends the block or begins a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    safe = (
        text.replace("<", "\\u003c").replace("&", "\\u0026").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )
    return Markup(safe)  # noqa: S704 - every < is escaped


def _catalog(description: Description, labels: Labels, language: str) -> dict[str, Any]:
    """Returns title, description, keywords, creators, publisher and places from the catalog."""

    def texts(property_: str) -> list[str]:
        literals = [v.term for v in description.values(property_) if isinstance(v.term, Literal)]
        in_order = ([t.value for t in literals if is_in(t, one)] for one in (language, "en"))
        return next(filter(None, in_order), [t.value for t in literals])

    members: dict[str, Any] = {}
    for name, property_ in (("name", DCTERMS("title").value), ("description", DCTERMS("description").value)):
        if values := texts(property_):
            members[name] = values[0]
    if keywords := texts(DCAT("keyword").value):
        members["keywords"] = keywords
    for name, property_ in (("creator", CREATOR), ("publisher", DCTERMS("publisher").value)):
        iris = [v.iri for v in description.values(property_) if v.iri]
        if iris:
            members[name] = [
                {"@type": "Organization", "@id": iri, "name": labels.best(iri, language).text, "url": iri}
                for iri in iris
            ]
    places = [v.iri for v in description.values(DCTERMS("spatial").value) if v.iri]
    if places:
        members["spatialCoverage"] = [
            {"@type": "Place", "@id": iri, "name": labels.best(iri, language).text} for iri in places
        ]
    return members


def _distributions(description: Description | None, selection: DocumentSelection) -> tuple[tuple[str, str], ...]:
    """Returns the dumps that the catalog names, and the description of the dataset in every format."""
    dumps = [v.iri for v in description.values(VOID("dataDump").value)] if description else []
    host = selection.root
    descriptions = [(f"{host}/dataset.{f.extension}", f.media_type) for f in GRAPH_FORMATS]
    return (*((dump, _DUMP_TYPES.get(dump, "application/octet-stream")) for dump in dumps if dump), *descriptions)


def _page(document: str, opened: OpenRelease, language: str) -> dict[str, Any]:
    return {
        "@type": "WebPage",
        "@id": document,
        "inLanguage": language,
        "license": LICENSE.value,
        "dateModified": opened.release.manifest.created,
        "isPartOf": {
            "@type": "Dataset",
            "@id": DATASET.value,
            "name": current_instance().title_in(language),
            "license": LICENSE.value,
        },
    }


def _names(description: Description, labels: Labels) -> dict[str, Any]:
    stated = labels.of(description.iri)
    texts = dict.fromkeys((s.literal.value, s.literal.language or "") for s in stated)
    named = [{"@value": text, "@language": language} if language else text for text, language in texts]
    return {"name": _plain(named)} if named else {}


def _values(terms: Iterable[Term], labels: Labels, language: str) -> Any:
    return _plain([_value(term, labels, language) for term in terms])


def _value(term: Term, labels: Labels, language: str) -> Any:
    if isinstance(term, NamedNode):
        label = labels.best(term.value, language) if labels.of(term.value) else None
        return {"@id": term.value, "name": label.text} if label else {"@id": term.value}
    if isinstance(term, Literal) and term.language:
        return {"@value": term.value, "@language": term.language}
    return term.value


def _plain(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values
