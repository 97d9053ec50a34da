"""What search engines and FAIR testers read in a page: the thing, or the dataset, in schema.org's JSON-LD."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup
from pyoxigraph import Literal, NamedNode

from citygraph.graph.description import Description, Term
from citygraph.graph.labels import Labels
from citygraph.rdf.terms import DATASET, DCAT, DCTERMS, LICENSE, RDF, SCHEMA, VOID
from citygraph.web.documents.representation import DocumentRequest
from citygraph.web.documents.signposts import CREATOR, GRAPH_FORMATS, Signposts
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import OpenRelease

_CONTEXT = "https://schema.org/"
_TYPE = RDF("type").value
_MOST = 50  # values of a property, for a page is no place for a list without end


def of(description: Description, opened: OpenRelease, document: str, reader: PageRequest) -> Markup:
    """An entity as schema.org's words tell it, and the page as what tells of it."""
    labels = opened.labels
    types = [v.iri.removeprefix(SCHEMA) for v in description.values(_TYPE) if v.iri.startswith(SCHEMA)]
    thing: dict[str, Any] = {"@type": _plain(types or ["Thing"]), "@id": description.iri, **_names(description, labels)}
    for statements in description.statements:
        if statements.predicate.startswith(SCHEMA) and statements.predicate != SCHEMA("name").value:
            terms = (value.term for value in statements.values[:_MOST])
            thing[statements.predicate.removeprefix(SCHEMA)] = _values(terms, labels, reader.translations.language)
    thing["subjectOf"] = _page(document, opened, reader.translations.language)
    return block({"@context": _CONTEXT, **thing})


def terms(iri: str, name: str, opened: OpenRelease, language: str) -> Markup:
    """The ontology or the shapes: a set of terms."""
    value = {"@context": _CONTEXT, "@type": "DefinedTermSet", "@id": iri, "name": name, "url": iri}
    return block({**value, "license": LICENSE.value, "subjectOf": _page(iri, opened, language)})


def dataset(description: Description | None, opened: OpenRelease, asked: DocumentRequest) -> Markup:
    """The dataset as the catalog describes it, for the landing page."""
    language = asked.form.language
    value: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "Dataset",
        "@id": DATASET.value,
        "identifier": DATASET.value,
        "url": f"{asked.root}/",
        "name": "citygraph",
        "license": LICENSE.value,
        "isAccessibleForFree": True,
        "version": opened.release.id,
        "dateModified": opened.release.manifest.created,
        "inLanguage": ["en", "tr"],
    }
    if description:
        value.update(_told(description, opened.labels, language))
    value["distribution"] = [
        {"@type": "DataDownload", "encodingFormat": type_, "contentUrl": href}
        for href, type_ in _distributions(description, asked)
    ]
    value["includedInDataCatalog"] = {"@type": "DataCatalog", "@id": asked.addresses.base, "name": "citygraph"}
    return block(value)


def signposts_of_dataset(description: Description | None, asked: DocumentRequest) -> Signposts:
    """The typed links of the landing page."""
    authors = tuple(v.iri for v in description.values(CREATOR) if v.iri) if description else ()
    types = (SCHEMA("Dataset").value, DCAT("Dataset").value)
    items = _distributions(description, asked)
    return Signposts(asked.addresses, "dataset", DATASET.value, types, authors, items)


def block(value: dict[str, Any]) -> Markup:
    """A block of data for a page: nothing in it can end the block or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    safe = (
        text.replace("<", "\\u003c").replace("&", "\\u0026").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    )
    return Markup(safe)  # noqa: S704 - there is no < left in it


def _told(description: Description, labels: Labels, language: str) -> dict[str, Any]:
    """What the catalog says of the dataset."""

    def texts(property_: str) -> list[str]:
        found = [v.term for v in description.values(property_) if isinstance(v.term, Literal)]
        mine = [t.value for t in found if t.language == language] or [t.value for t in found if t.language == "en"]
        return mine or [t.value for t in found]

    told: dict[str, Any] = {}
    for name, property_ in (("name", DCTERMS("title").value), ("description", DCTERMS("description").value)):
        if found := texts(property_):
            told[name] = found[0]
    if keywords := texts(DCAT("keyword").value):
        told["keywords"] = keywords
    for name, property_ in (("creator", CREATOR), ("publisher", DCTERMS("publisher").value)):
        iris = [v.iri for v in description.values(property_) if v.iri]
        if iris:
            told[name] = [
                {"@type": "Organization", "@id": iri, "name": labels.best(iri, language).text, "url": iri}
                for iri in iris
            ]
    places = [v.iri for v in description.values(DCTERMS("spatial").value) if v.iri]
    if places:
        told["spatialCoverage"] = [
            {"@type": "Place", "@id": iri, "name": labels.best(iri, language).text} for iri in places
        ]
    return told


def _distributions(description: Description | None, asked: DocumentRequest) -> tuple[tuple[str, str], ...]:
    """Whole downloads where the catalog names some, and the description of the dataset in every form."""
    dumps = [v.iri for v in description.values(VOID("dataDump").value)] if description else []
    host = asked.root
    described = [(f"{host}/dataset.{f.extension}", f.media_type) for f in GRAPH_FORMATS]
    return (*((dump, "application/octet-stream") for dump in dumps if dump), *described)


def _page(document: str, opened: OpenRelease, language: str) -> dict[str, Any]:
    return {
        "@type": "WebPage",
        "@id": document,
        "inLanguage": language,
        "license": LICENSE.value,
        "dateModified": opened.release.manifest.created,
        "isPartOf": {"@type": "Dataset", "@id": DATASET.value, "name": "citygraph", "license": LICENSE.value},
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
