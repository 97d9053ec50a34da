"""The 17 live metrics of F-UJI (FAIRsFAIR v0.8), as far as they can be seen from outside."""

from __future__ import annotations

from typing import Any

from citygraph.doctor.practices import PROV, bulk, described, known_vocabularies, lasting, machine_readable
from citygraph.doctor.scored_site import Check, Examination, Finding, Site, either, found, met, missing, states
from citygraph.rdf.terms import DCAT, DCTERMS, VOID

LIST = "FAIR (F-UJI 0.8)"
_CORE = ("name", "creator", "identifier", "publisher", "datePublished", "description", "keywords")
_OPEN_FORMATS = ("turtle", "n-triples", "n-quads", "trig", "rdf+xml", "ld+json", "csv", "json", "parquet")


def schema_org(site: Site) -> dict[str, Any]:
    """The schema.org Dataset in the landing page."""
    for one in site.json_ld:
        types = one.get("@type", [])
        if "Dataset" in (types if isinstance(types, list) else [types]):
            return one
    return {}


def unique(site: Site) -> Finding:
    """The dataset has an IRI that is globally unique."""
    return described(site)


def core(site: Site) -> Finding:
    """Title, creator, identifier, publisher, date, summary and keywords are there, in schema.org or Dublin Core."""
    said = schema_org(site)
    other = {
        "name": DCTERMS("title"), "creator": DCTERMS("creator"), "identifier": DCTERMS("identifier"),
        "publisher": DCTERMS("publisher"), "datePublished": DCTERMS("issued"), "description": DCTERMS("description"),
        "keywords": DCAT("keyword"),
    }  # fmt: skip
    absent = [name for name in _CORE if not said.get(name) and not site.values(other[name])]
    return missing(f"neither schema.org nor DCAT has {', '.join(absent)}") if absent else met(", ".join(_CORE))


def names_the_data(site: Site) -> Finding:
    """The metadata name the address of the data."""
    links = site.landing.links("item")
    said = schema_org(site).get("distribution")
    return met(links[0].href) if links else either(_stated(bool(said), "schema.org distribution"), bulk)(site)


def indexable(site: Site) -> Finding:
    """Search engines find schema.org's Dataset in the landing page."""
    said = schema_org(site)
    return found(str(said.get("@id") or said.get("url") or "Dataset") if said else "",
                 "the landing page holds no schema.org Dataset in JSON-LD")  # fmt: skip


def access(site: Site) -> Finding:
    """The metadata say who may have the data."""
    said = schema_org(site)
    if "isAccessibleForFree" in said or "conditionsOfAccess" in said:
        return met("schema.org isAccessibleForFree")
    return states(DCTERMS("accessRights"))(site)


def retrievable(site: Site) -> Finding:
    """Metadata and data are got by their identifiers."""
    if site.dataset is None:
        return missing("no dataset is described")
    reply = site.get(site.here(site.dataset.value))
    return found(f"{reply.url} answers {reply.status}" if reply.status == 200 else "",
                 f"{site.dataset.value} answers {reply.status}")  # fmt: skip


def protocol(site: Site) -> Finding:
    """The protocol is HTTP."""
    return met(site.url) if site.landing.status == 200 else missing(f"{site.url} answers {site.landing.status}")


def authentication(_: Site) -> Finding:
    """The protocol has a way to authenticate, which HTTP has (RFC 9110, 11)."""
    return met("HTTP has one (RFC 9110, section 11)")


def related(site: Site) -> Finding:
    """There are qualified references to things elsewhere."""
    own = site.base or site.url
    for iri in site.entities:
        for quad in site.rdf(iri).quads_for_pattern(None, None, None, None):
            value = str(getattr(quad.object, "value", ""))
            if value.startswith("http") and not value.startswith((own, "http://www.w3.org/")):
                return met(f"{iri} → {value}")
    return missing("no entity refers to anything elsewhere")


def content(site: Site) -> Finding:
    """Type, size and variables of the data are told."""
    sizes = [v for d in site.values(DCAT("distribution")) for v in site.values_of(d, DCAT("byteSize"))]
    variables = site.values(VOID("propertyPartition")) or schema_org(site).get("variableMeasured")
    if sizes and variables:
        return met(f"byteSize of {len(sizes)} distributions; partitions by property")
    return missing("no dcat:byteSize of a distribution" if variables else "no void:propertyPartition")


def community(site: Site) -> Finding:
    """The metadata follow a standard of the community: DCAT or VoID."""
    return described(site)


def recommended_format(site: Site) -> Finding:
    """The data are in an open format that lasts."""
    types = [v.value for d in site.values(DCAT("distribution")) for v in site.values_of(d, DCAT("mediaType"))]
    good = [t for t in types if any(t.endswith(name) for name in _OPEN_FORMATS)]
    return met(", ".join(sorted(set(good)))) if good else machine_readable(site)


def _stated(true: bool, evidence: str) -> Examination:
    return lambda _: met(evidence) if true else missing(f"no {evidence}")


def _licence_link(site: Site) -> Finding:
    return found("".join(link.href for link in site.landing.links("license")[:1]), "no link license")


_LICENCE = either(states(DCTERMS("license")), _licence_link)

FAIR: tuple[Check, ...] = (
    Check(LIST, "F1-01MD Globally unique identifier", unique),
    Check(LIST, "F1-02MD Persistent identifier", lasting),
    Check(LIST, "F2-01M Core descriptive elements", core),
    Check(LIST, "F3-01M Metadata includes the identifier of the data", names_the_data),
    Check(LIST, "F4-01M Indexable by search engines", indexable),
    Check(LIST, "A1-01M Access level and conditions", access),
    Check(LIST, "A1-02MD Retrievable by identifier", retrievable),
    Check(LIST, "A1.1-01MD Standard protocol", protocol),
    Check(LIST, "A1.2-01MD Protocol supports authentication", authentication),
    Check(LIST, "I1-01M Formal knowledge representation", machine_readable),
    Check(LIST, "I2-01M Registered semantic resources", known_vocabularies),
    Check(LIST, "I3-01M Qualified references to related entities", related),
    Check(LIST, "R1-01M Content of the data specified", content),
    Check(LIST, "R1.1-01M Licence", _LICENCE),
    Check(LIST, "R1.2-01M Provenance of creation", states(
        PROV("wasGeneratedBy"), PROV("wasDerivedFrom"), DCTERMS("source"), DCTERMS("provenance"), DCTERMS("creator"))),
    Check(LIST, "R1.3-01M Community metadata standard", community),
    Check(LIST, "R1.3-02D Recommended file format", recommended_format),
)  # fmt: skip
