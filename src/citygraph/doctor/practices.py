"""The 35 practices of Data on the Web Best Practices (W3C Recommendation, 2017)."""

from __future__ import annotations

import re

from pyoxigraph import Literal, NamedNode

from citygraph.doctor.scored_site import (
    ACCEPT_HTML,
    Check,
    CheckResult,
    Examination,
    Site,
    any_of,
    by_hand,
    has_all,
    has_any,
    met,
    met_if,
    missing,
)
from citygraph.rdf.terms import DCAT, DCTERMS, OWL, PREFIXES, RDF, SD, VOID, XSD, Namespace

LIST = "W3C Data on the Web Best Practices"
DQV = Namespace("http://www.w3.org/ns/dqv#")
PROV = Namespace(PREFIXES["prov"])
PAV = Namespace("http://purl.org/pav/")
# Services for persistent addresses.
_LASTING = ("w3id.org", "purl.org", "doi.org", "hdl.handle.net", "n2t.net", "id.loc.gov", "data.europa.eu")
_ISO_DATE = re.compile(r"-?\d{4}(-\d\d(-\d\d(T.*)?)?)?(Z|[+-]\d\d:\d\d)?")
_DATES = {XSD(name) for name in ("date", "dateTime", "gYear", "gYearMonth")}
_WELL_KNOWN = (
    "http://www.w3.org/",
    "http://purl.org/dc/",
    "https://schema.org/",
    "http://schema.org/",
    "http://xmlns.com/foaf/",
    "http://rdfs.org/",
    "http://www.opengis.net/",
    "http://purl.org/vocab/",
    "http://spdx.org/",
)


def described(site: Site) -> CheckResult:
    """The dataset has a description in RDF."""
    return met_if(site.dataset.value if site.dataset else "", "no dcat:Dataset or void:Dataset is described")


def lasting(site: Site) -> CheckResult:
    """The IRI of the dataset is at a service for persistent addresses."""
    iri = site.dataset.value if site.dataset else ""
    host = iri.partition("://")[2].partition("/")[0]
    return met(iri) if host.endswith(_LASTING) else missing(f"{iri or 'no dataset'}: not at {', '.join(_LASTING)}")


def lasting_within(site: Site) -> CheckResult:
    """The IRIs of entities are at a service for persistent addresses."""
    bad = [iri for iri in site.entities if not iri.partition("://")[2].partition("/")[0].endswith(_LASTING)]
    return missing(f"{bad[0]} is not persistent") if bad else met_if(", ".join(site.entities), "no entity was found")


def versioned(site: Site) -> CheckResult:
    """A version has its own address, which resolves."""
    for property_ in (
        DCAT("hasCurrentVersion"),
        DCAT("hasVersion"),
        DCTERMS("hasVersion"),
        PAV("hasCurrentVersion"),
        OWL("versionIRI"),
    ):
        for value in site.values(property_)[:1]:
            reply = site.get(site.here(value.value))
            return met(value.value) if reply.status == 200 else missing(f"{value.value} answers {reply.status}")
    return missing("the dataset names no version (dcat:hasVersion)")


def version_history(site: Site) -> CheckResult:
    """Earlier versions can be found by links or a list."""
    stated = has_any(
        DCAT("previousVersion"), DCAT("prev"), PROV("wasRevisionOf"), DCAT("hasVersion"), DCTERMS("hasVersion")
    )(site)
    links = site.landing.links("version-history") or site.landing.links("timemap")
    return met(links[0].href) if links else stated


def machine_readable(site: Site) -> CheckResult:
    """Entities resolve to RDF that can be parsed."""
    for iri in site.entities:
        if not len(site.rdf(iri)):
            return missing(f"{iri} gives no RDF that parses")
    return met_if(", ".join(site.entities), "no entity was found")


def locale_neutral(site: Site) -> CheckResult:
    """Dates are ISO 8601 with a datatype, and texts have a language."""
    dates, languages = 0, set()
    for iri in site.entities:
        for quad in site.rdf(iri).quads_for_pattern(None, None, None, None):
            if isinstance(quad.object, Literal) and quad.object.language:
                languages.add(quad.object.language)
            elif isinstance(quad.object, Literal) and quad.object.datatype in _DATES:
                if not _ISO_DATE.fullmatch(quad.object.value):
                    return missing(f"{quad.object.value!r} in {iri} is no ISO 8601 date")
                dates += 1
    return met_if(
        f"{dates} dates in ISO 8601, texts in {', '.join(sorted(languages))}" if languages else "",
        "no text has a language",
    )


def several_formats(site: Site) -> CheckResult:
    """An entity has alternates in at least two machine-readable formats."""
    for iri in site.entities[:1]:
        links = site.get(site.here(iri), Accept="text/turtle").links("alternate")
        types = sorted({link.parameters.get("type", "") for link in links} - {"", "text/html"})
        return met(", ".join(types)) if len(types) > 1 else missing(f"{iri} names fewer than two other forms")
    return missing("no entity was found")


def known_vocabularies(site: Site) -> CheckResult:
    """At least two well-known vocabularies are used."""
    used = {
        prefix
        for iri in site.entities
        for quad in site.rdf(iri).quads_for_pattern(None, None, None, None)
        for prefix in _WELL_KNOWN
        if quad.predicate.value.startswith(prefix)
    }
    return met_if(", ".join(sorted(used)) if len(used) > 1 else "", "fewer than two known vocabularies are used")


def bulk(site: Site) -> CheckResult:
    """All data can be downloaded."""
    dumps = [*site.values(VOID("dataDump"))]
    for distribution in site.values(DCAT("distribution")):
        dumps += site.values_of(distribution, DCAT("downloadURL"))
    for dump in dumps:
        # HEAD: a dump may have gigabytes.
        reply = site.get(site.here(dump.value), method="HEAD")
        return met(dump.value) if reply.status == 200 else missing(f"{dump.value} answers {reply.status}")
    return missing("no void:dataDump and no dcat:downloadURL")


def negotiated(site: Site) -> CheckResult:
    """One address serves several formats by Accept, and has Vary: Accept."""
    for iri in site.entities[:1]:
        page = site.get(site.here(iri), Accept=ACCEPT_HTML)
        data = site.get(site.here(iri), Accept="text/turtle")
        # Without both types, there is nothing to negotiate.
        if page.media_type != "text/html" or data.media_type != "text/turtle":
            return missing(f"{iri} gives {page.media_type or page.status} and {data.media_type or data.status}")
        return met_if(
            f"{data.url}, Vary: {data.header('Vary')}" if "accept" in data.header("Vary").lower() else "",
            f"{data.url} has no Vary: Accept",
        )
    return missing("no entity was found")


def answers_queries(site: Site) -> CheckResult:
    """The current data can be queried."""
    rows = site.select("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }")
    return met_if(f"{site.endpoint}: {rows[0].get('n')} triples" if rows else "", "no SPARQL endpoint answers")


def explains_absence(site: Site) -> CheckResult:
    """A missing document has an explanation in its error response."""
    # An address that no site is likely to have.
    reply = site.get("doc/there-is-no-such-thing", Accept="application/problem+json, text/html;q=0.5, */*;q=0.1")
    good = reply.status in (404, 410) and len(reply.body) > 0
    return met_if(f"{reply.status} with {reply.media_type}" if good else "", f"a missing document gives {reply.status}")


def standard_api(site: Site) -> CheckResult:
    """The API follows a Web standard and describes itself in its terms."""
    if site.endpoint and len(site.rdf(site.endpoint)):
        return met(f"{site.endpoint} has a SPARQL service description")
    return missing("the endpoint has no SPARQL service description")


def documented_api(site: Site) -> CheckResult:
    """The API has documentation that is linked from the landing page or the description."""
    links = [*site.landing.links("service-doc"), *site.landing.links("service-desc")]
    # By convention at this path; large documents are recognised by their beginning.
    openapi = site.get("openapi.json")
    if openapi.status == 200 and "openapi" in openapi.text[:400]:
        return met(openapi.url)
    return met_if(links[0].href if links else "", "no openapi.json and no link service-doc or service-desc")


def presented(site: Site) -> CheckResult:
    """The site has pages for people."""
    drawn = [tag for tag in ("<svg", "<img", "<table", "<canvas", "<figure") if tag in site.landing.text]
    return met_if(
        f"{site.landing.url} with {', '.join(tag[1:] for tag in drawn)}" if drawn else "",
        "the landing page shows no table, picture or map",
    )


def enriched(site: Site) -> CheckResult:
    """The publisher adds links to other datasets, or derived statements."""
    return any_of(_linksets, has_any(VOID("subset"), PROV("wasGeneratedBy")))(site)


def cites(site: Site) -> CheckResult:
    """Documents name their sources."""
    for iri in site.entities:
        for property_ in (PROV("wasDerivedFrom"), DCTERMS("source"), DCTERMS("references")):
            for quad in site.rdf(iri).quads_for_pattern(None, property_, None, None):
                return met(f"{iri} from {getattr(quad.object, 'value', '')}")
    return missing("no document names a source (prov:wasDerivedFrom, dcterms:source)")


def subsets(site: Site) -> CheckResult:
    """Parts can be had separately: named graphs, partitions or documents."""
    return has_any(VOID("subset"), SD("namedGraph"), VOID("classPartition"), DCTERMS("hasPart"))(site)


def _linksets(site: Site) -> CheckResult:
    sets = [q.subject for q in site.metadata.quads_for_pattern(None, RDF("type"), VOID("Linkset"), None)]
    names = ", ".join(s.value for s in sets if isinstance(s, NamedNode))
    return met_if(names[:160], "no void:Linkset")


def _check(number: int, name: str, examine: Examination) -> Check:
    return Check(LIST, f"{number} {name}", examine)


PRACTICES: tuple[Check, ...] = (
    _check(1, "Provide metadata", described),
    _check(2, "Provide descriptive metadata", has_all(DCTERMS("title"), DCTERMS("description"))),
    _check(
        3, "Provide structural metadata", has_any(VOID("classPartition"), VOID("vocabulary"), DCTERMS("conformsTo"))
    ),
    _check(4, "Provide data license information", has_any(DCTERMS("license"))),
    _check(
        5,
        "Provide data provenance information",
        any_of(
            has_any(DCTERMS("source"), DCTERMS("provenance"), PROV("wasDerivedFrom"), PROV("wasGeneratedBy")), cites
        ),
    ),
    _check(
        6,
        "Provide data quality information",
        has_any(DQV("hasQualityMeasurement"), DQV("hasQualityAnnotation"), DQV("hasQualityMetadata")),
    ),
    _check(7, "Provide a version indicator", has_any(DCAT("version"), OWL("versionInfo"), PAV("version"))),
    _check(8, "Provide version history", version_history),
    _check(9, "Use persistent URIs as identifiers of datasets", lasting),
    _check(10, "Use persistent URIs as identifiers within datasets", lasting_within),
    _check(11, "Assign URIs to dataset versions and series", versioned),
    _check(12, "Use machine-readable standardized data formats", machine_readable),
    _check(13, "Use locale-neutral data representations", locale_neutral),
    _check(14, "Provide data in multiple formats", several_formats),
    _check(15, "Reuse vocabularies, preferably standardized ones", known_vocabularies),
    _check(16, "Choose the right formalization level", by_hand("read the ontology: do its axioms serve its users?")),
    _check(17, "Provide bulk download", bulk),
    _check(18, "Provide Subsets for Large Datasets", subsets),
    _check(19, "Use content negotiation for serving data available in multiple formats", negotiated),
    _check(20, "Provide real-time access", answers_queries),
    _check(
        21, "Provide data up to date", has_any(DCTERMS("modified"), DCTERMS("issued"), DCTERMS("accrualPeriodicity"))
    ),
    _check(22, "Provide an explanation for data that is not available", explains_absence),
    _check(23, "Make data available through an API", any_of(answers_queries, documented_api)),
    _check(24, "Use Web Standards as the foundation of APIs", standard_api),
    _check(25, "Provide complete documentation for your API", any_of(documented_api, standard_api)),
    _check(
        26, "Avoid Breaking Changes to Your API", by_hand("pinned addresses keep answering; read the API's versions")
    ),
    _check(27, "Preserve identifiers", by_hand("withdrawn things answer 410 and name what replaced them")),
    _check(28, "Assess dataset coverage", has_all(DCTERMS("spatial"), DCTERMS("temporal"))),
    _check(29, "Gather feedback from data consumers", has_any(DCAT("contactPoint"), DCTERMS("publisher"))),
    _check(30, "Make feedback available", by_hand("the issue tracker that the contact leads to")),
    _check(31, "Enrich data by generating new data", enriched),
    _check(32, "Provide Complementary Presentations", presented),
    _check(33, "Provide Feedback to the Original Publisher", by_hand("what was reported to the sources")),
    _check(34, "Follow Licensing Terms", by_hand("each source's terms, at its own document")),
    _check(35, "Cite the Original Publication", cites),
)
