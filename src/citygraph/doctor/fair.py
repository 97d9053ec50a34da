"""The 17 live metrics of F-UJI (FAIRsFAIR v0.8), as far as they can be checked from outside."""

from __future__ import annotations

from typing import Any

from citygraph.doctor.practices import PROV, bulk, described, known_vocabularies, lasting, machine_readable
from citygraph.doctor.scored_site import Check, CheckResult, Examination, Site, any_of, has_any, met, met_if, missing
from citygraph.rdf.terms import DCAT, DCTERMS, VOID

LIST = "FAIR (F-UJI 0.8)"
_CORE = ("name", "creator", "identifier", "publisher", "datePublished", "description", "keywords")
_OPEN_FORMATS = ("turtle", "n-triples", "n-quads", "trig", "rdf+xml", "ld+json", "csv", "json", "parquet")


def schema_org(site: Site) -> dict[str, Any]:
    """Returns the schema.org Dataset in the landing page."""
    for one in site.json_ld:
        # @type is a string or a list (JSON-LD 1.1, section 3.5).
        types = one.get("@type", [])
        if "Dataset" in (types if isinstance(types, list) else [types]):
            return one
    return {}


def unique(site: Site) -> CheckResult:
    """The dataset has a globally unique IRI."""
    return described(site)


def core(site: Site) -> CheckResult:
    """Title, creator, identifier, publisher, date, summary and keywords are present, in schema.org or Dublin Core."""
    schema = schema_org(site)
    other = {
        "name": DCTERMS("title"),
        "creator": DCTERMS("creator"),
        "identifier": DCTERMS("identifier"),
        "publisher": DCTERMS("publisher"),
        "datePublished": DCTERMS("issued"),
        "description": DCTERMS("description"),
        "keywords": DCAT("keyword"),
    }
    absent = [name for name in _CORE if not schema.get(name) and not site.values(other[name])]
    return missing(f"neither schema.org nor DCAT has {', '.join(absent)}") if absent else met(", ".join(_CORE))


def names_the_data(site: Site) -> CheckResult:
    """The metadata has the address of the data."""
    # Signposting first, then schema.org, then DCAT or VoID.
    links = site.landing.links("item")
    schema = schema_org(site).get("distribution")
    return met(links[0].href) if links else any_of(_stated(bool(schema), "schema.org distribution"), bulk)(site)


def indexable(site: Site) -> CheckResult:
    """Search engines find a schema.org Dataset in the landing page."""
    schema = schema_org(site)
    return met_if(
        str(schema.get("@id") or schema.get("url") or "Dataset") if schema else "",
        "the landing page holds no schema.org Dataset in JSON-LD",
    )


def access(site: Site) -> CheckResult:
    """The metadata states the access conditions."""
    schema = schema_org(site)
    if "isAccessibleForFree" in schema or "conditionsOfAccess" in schema:
        return met("schema.org isAccessibleForFree")
    return has_any(DCTERMS("accessRights"))(site)


def retrievable(site: Site) -> CheckResult:
    """Metadata and data can be retrieved by their identifiers."""
    if site.dataset is None:
        return missing("no dataset is described")
    reply = site.get(site.here(site.dataset.value))
    return met_if(
        f"{reply.url} answers {reply.status}" if reply.status == 200 else "",
        f"{site.dataset.value} answers {reply.status}",
    )


def protocol(site: Site) -> CheckResult:
    """The protocol is HTTP."""
    return met(site.url) if site.landing.status == 200 else missing(f"{site.url} answers {site.landing.status}")


def authentication(_: Site) -> CheckResult:
    """The protocol supports authentication, as HTTP does (RFC 9110, section 11)."""
    return met("HTTP has one (RFC 9110, section 11)")


def related(site: Site) -> CheckResult:
    """The data has qualified references to other sites."""
    own = site.base or site.url
    for iri in site.entities:
        for quad in site.rdf(iri).quads_for_pattern(None, None, None, None):
            value = str(getattr(quad.object, "value", ""))
            # Classes of the W3C are in every dataset and relate it to nothing.
            if value.startswith("http") and not value.startswith((own, "http://www.w3.org/")):
                return met(f"{iri} → {value}")
    return missing("no entity refers to anything elsewhere")


def content(site: Site) -> CheckResult:
    """Type, size and variables of the data are stated."""
    sizes = [v for d in site.values(DCAT("distribution")) for v in site.values_of(d, DCAT("byteSize"))]
    variables = site.values(VOID("propertyPartition")) or schema_org(site).get("variableMeasured")
    if sizes and variables:
        return met(f"byteSize of {len(sizes)} distributions; partitions by property")
    return missing("no dcat:byteSize of a distribution" if variables else "no void:propertyPartition")


def community(site: Site) -> CheckResult:
    """The metadata follows a community standard: DCAT or VoID."""
    return described(site)


def recommended_format(site: Site) -> CheckResult:
    """The data is in an open, long-lived format."""
    types = [v.value for d in site.values(DCAT("distribution")) for v in site.values_of(d, DCAT("mediaType"))]
    # Media types as IRIs or as text both end with the name of the format.
    good = [t for t in types if any(t.endswith(name) for name in _OPEN_FORMATS)]
    return met(", ".join(sorted(set(good)))) if good else machine_readable(site)


def _stated(true: bool, evidence: str) -> Examination:
    return lambda _: met(evidence) if true else missing(f"no {evidence}")


def _licence_link(site: Site) -> CheckResult:
    return met_if("".join(link.href for link in site.landing.links("license")[:1]), "no link license")


_LICENCE = any_of(has_any(DCTERMS("license")), _licence_link)

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
    Check(
        LIST,
        "R1.2-01M Provenance of creation",
        has_any(
            PROV("wasGeneratedBy"), PROV("wasDerivedFrom"), DCTERMS("source"), DCTERMS("provenance"), DCTERMS("creator")
        ),
    ),
    Check(LIST, "R1.3-01M Community metadata standard", community),
    Check(LIST, "R1.3-02D Recommended file format", recommended_format),
)
