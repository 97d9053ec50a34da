"""The 35 practices of Data on the Web Best Practices (W3C Recommendation, 2017)."""

from __future__ import annotations

import re

from pyoxigraph import Literal, NamedNode

from citygraph.doctor.scored_site import (
    ACCEPT_HTML,
    Check,
    Examination,
    Finding,
    Site,
    either,
    found,
    met,
    missing,
    states,
    states_all,
    told,
)
from citygraph.rdf.terms import DCAT, DCTERMS, OWL, PREFIXES, RDF, SD, VOID, XSD, Namespace

LIST = "W3C Data on the Web Best Practices"
DQV = Namespace("http://www.w3.org/ns/dqv#")
PROV = Namespace(PREFIXES["prov"])
PAV = Namespace("http://purl.org/pav/")
# Services whose purpose is that addresses last.
_LASTING = ("w3id.org", "purl.org", "doi.org", "hdl.handle.net", "n2t.net", "id.loc.gov", "data.europa.eu")
_ISO_DATE = re.compile(r"-?\d{4}(-\d\d(-\d\d(T.*)?)?)?(Z|[+-]\d\d:\d\d)?")
_DATES = {XSD(name) for name in ("date", "dateTime", "gYear", "gYearMonth")}
_WELL_KNOWN = (
    "http://www.w3.org/", "http://purl.org/dc/", "https://schema.org/", "http://schema.org/", "http://xmlns.com/foaf/",
    "http://rdfs.org/", "http://www.opengis.net/", "http://purl.org/vocab/", "http://spdx.org/",
)  # fmt: skip


def described(site: Site) -> Finding:
    """The dataset has a description in RDF."""
    return found(site.dataset.value if site.dataset else "", "no dcat:Dataset or void:Dataset is described")


def lasting(site: Site) -> Finding:
    """The dataset is named by an IRI of a service that keeps addresses, or of its own and says so."""
    iri = site.dataset.value if site.dataset else ""
    host = iri.partition("://")[2].partition("/")[0]
    return met(iri) if host.endswith(_LASTING) else missing(f"{iri or 'no dataset'}: not at {', '.join(_LASTING)}")


def lasting_within(site: Site) -> Finding:
    """The entities are named under the same persistent base."""
    bad = [iri for iri in site.entities if not iri.partition("://")[2].partition("/")[0].endswith(_LASTING)]
    return missing(f"{bad[0]} is not persistent") if bad else found(", ".join(site.entities), "no entity was found")


def versioned(site: Site) -> Finding:
    """A version has an address of its own that answers."""
    for of_one in (DCAT("hasCurrentVersion"), DCAT("hasVersion"), DCTERMS("hasVersion"), PAV("hasCurrentVersion"),
                   OWL("versionIRI")):  # fmt: skip
        for value in site.values(of_one)[:1]:
            reply = site.get(site.here(value.value))
            return met(value.value) if reply.status == 200 else missing(f"{value.value} answers {reply.status}")
    return missing("the dataset names no version (dcat:hasVersion)")


def version_history(site: Site) -> Finding:
    """Versions can be gone through: previous versions, or the list of them."""
    stated = states(DCAT("previousVersion"), DCAT("prev"), PROV("wasRevisionOf"), DCAT("hasVersion"),
                    DCTERMS("hasVersion"))(site)  # fmt: skip
    links = site.landing.links("version-history") or site.landing.links("timemap")
    return met(links[0].href) if links else stated


def machine_readable(site: Site) -> Finding:
    """Entities answer in RDF that parses."""
    for iri in site.entities:
        if not len(site.rdf(iri)):
            return missing(f"{iri} gives no RDF that parses")
    return found(", ".join(site.entities), "no entity was found")


def locale_neutral(site: Site) -> Finding:
    """Dates are ISO 8601 with a datatype, texts have languages."""
    dates, languages = 0, set()
    for iri in site.entities:
        for quad in site.rdf(iri).quads_for_pattern(None, None, None, None):
            if isinstance(quad.object, Literal) and quad.object.language:
                languages.add(quad.object.language)
            elif isinstance(quad.object, Literal) and quad.object.datatype in _DATES:
                if not _ISO_DATE.fullmatch(quad.object.value):
                    return missing(f"{quad.object.value!r} in {iri} is no ISO 8601 date")
                dates += 1
    return found(f"{dates} dates in ISO 8601, texts in {', '.join(sorted(languages))}" if languages else "",
                 "no text has a language")  # fmt: skip


def several_formats(site: Site) -> Finding:
    """An entity has alternates in at least two machine-readable forms."""
    for iri in site.entities[:1]:
        links = site.get(site.here(iri), Accept="text/turtle").links("alternate")
        types = sorted({link.parameters.get("type", "") for link in links} - {"", "text/html"})
        return met(", ".join(types)) if len(types) > 1 else missing(f"{iri} names fewer than two other forms")
    return missing("no entity was found")


def known_vocabularies(site: Site) -> Finding:
    """Properties of known vocabularies are used."""
    used = {
        prefix
        for iri in site.entities
        for quad in site.rdf(iri).quads_for_pattern(None, None, None, None)
        for prefix in _WELL_KNOWN
        if quad.predicate.value.startswith(prefix)
    }
    return found(", ".join(sorted(used)) if len(used) > 1 else "", "fewer than two known vocabularies are used")


def bulk(site: Site) -> Finding:
    """The whole can be downloaded."""
    dumps = [*site.values(VOID("dataDump"))]
    for distribution in site.values(DCAT("distribution")):
        dumps += site.values_of(distribution, DCAT("downloadURL"))
    for dump in dumps:
        reply = site.get(site.here(dump.value), method="HEAD")
        return met(dump.value) if reply.status == 200 else missing(f"{dump.value} answers {reply.status}")
    return missing("no void:dataDump and no dcat:downloadURL")


def negotiated(site: Site) -> Finding:
    """One address answers in the form that is asked for, and says so in Vary."""
    for iri in site.entities[:1]:
        page = site.get(site.here(iri), Accept=ACCEPT_HTML)
        data = site.get(site.here(iri), Accept="text/turtle")
        if page.media_type != "text/html" or data.media_type != "text/turtle":
            return missing(f"{iri} gives {page.media_type or page.status} and {data.media_type or data.status}")
        return found(f"{data.url}, Vary: {data.header('Vary')}" if "accept" in data.header("Vary").lower() else "",
                     f"{data.url} has no Vary: Accept")  # fmt: skip
    return missing("no entity was found")


def answers_queries(site: Site) -> Finding:
    """The data can be asked as they are now."""
    rows = site.ask("SELECT (COUNT(*) AS ?n) WHERE { ?s ?p ?o }")
    return found(f"{site.endpoint}: {rows[0].get('n')} triples" if rows else "", "no SPARQL endpoint answers")


def explains_absence(site: Site) -> Finding:
    """What is not there is answered with a reason."""
    reply = site.get("doc/there-is-no-such-thing", Accept="application/problem+json, text/html;q=0.5, */*;q=0.1")
    good = reply.status in (404, 410) and len(reply.body) > 0
    return found(f"{reply.status} with {reply.media_type}" if good else "", f"a missing document gives {reply.status}")


def standard_api(site: Site) -> Finding:
    """The API is one of the Web's standards: it describes itself in their terms."""
    if site.endpoint and len(site.rdf(site.endpoint)):
        return met(f"{site.endpoint} has a SPARQL service description")
    return missing("the endpoint has no SPARQL service description")


def documented_api(site: Site) -> Finding:
    """The API has documentation, found from the landing page or the description."""
    links = [*site.landing.links("service-doc"), *site.landing.links("service-desc")]
    openapi = site.get("openapi.json")
    if openapi.status == 200 and "openapi" in openapi.text[:400]:
        return met(openapi.url)
    return found(links[0].href if links else "", "no openapi.json and no link service-doc or service-desc")


def presented(site: Site) -> Finding:
    """There are pages for people beside the data."""
    drawn = [tag for tag in ("<svg", "<img", "<table", "<canvas", "<figure") if tag in site.landing.text]
    return found(f"{site.landing.url} with {', '.join(tag[1:] for tag in drawn)}" if drawn else "",
                 "the landing page shows no table, picture or map")  # fmt: skip


def enriched(site: Site) -> Finding:
    """The publisher adds to what was found: links to other datasets, or derived statements."""
    return either(_linksets, states(VOID("subset"), PROV("wasGeneratedBy")))(site)


def cites(site: Site) -> Finding:
    """Documents name what they are taken from."""
    for iri in site.entities:
        for of_one in (PROV("wasDerivedFrom"), DCTERMS("source"), DCTERMS("references")):
            for quad in site.rdf(iri).quads_for_pattern(None, of_one, None, None):
                return met(f"{iri} from {getattr(quad.object, 'value', '')}")
    return missing("no document names a source (prov:wasDerivedFrom, dcterms:source)")


def subsets(site: Site) -> Finding:
    """Parts can be had alone: named graphs, partitions or documents."""
    return states(VOID("subset"), SD("namedGraph"), VOID("classPartition"), DCTERMS("hasPart"))(site)


def _linksets(site: Site) -> Finding:
    sets = [q.subject for q in site.metadata.quads_for_pattern(None, RDF("type"), VOID("Linkset"), None)]
    names = ", ".join(s.value for s in sets if isinstance(s, NamedNode))
    return found(names[:160], "no void:Linkset")


def _check(number: int, name: str, examine: Examination) -> Check:
    return Check(LIST, f"{number} {name}", examine)


PRACTICES: tuple[Check, ...] = (
    _check(1, "Provide metadata", described),
    _check(2, "Provide descriptive metadata", states_all(DCTERMS("title"), DCTERMS("description"))),
    _check(3, "Provide structural metadata", states(VOID("classPartition"), VOID("vocabulary"), DCTERMS("conformsTo"))),
    _check(4, "Provide data license information", states(DCTERMS("license"))),
    _check(5, "Provide data provenance information", either(states(DCTERMS("source"), DCTERMS("provenance"),
                                                            PROV("wasDerivedFrom"), PROV("wasGeneratedBy")), cites)),
    _check(6, "Provide data quality information", states(DQV("hasQualityMeasurement"), DQV("hasQualityAnnotation"),
                                                         DQV("hasQualityMetadata"))),
    _check(7, "Provide a version indicator", states(DCAT("version"), OWL("versionInfo"), PAV("version"))),
    _check(8, "Provide version history", version_history),
    _check(9, "Use persistent URIs as identifiers of datasets", lasting),
    _check(10, "Use persistent URIs as identifiers within datasets", lasting_within),
    _check(11, "Assign URIs to dataset versions and series", versioned),
    _check(12, "Use machine-readable standardized data formats", machine_readable),
    _check(13, "Use locale-neutral data representations", locale_neutral),
    _check(14, "Provide data in multiple formats", several_formats),
    _check(15, "Reuse vocabularies, preferably standardized ones", known_vocabularies),
    _check(16, "Choose the right formalization level", told("read the ontology: do its axioms serve its users?")),
    _check(17, "Provide bulk download", bulk),
    _check(18, "Provide Subsets for Large Datasets", subsets),
    _check(19, "Use content negotiation for serving data available in multiple formats", negotiated),
    _check(20, "Provide real-time access", answers_queries),
    _check(21, "Provide data up to date", states(DCTERMS("modified"), DCTERMS("issued"),
                                                     DCTERMS("accrualPeriodicity"))),
    _check(22, "Provide an explanation for data that is not available", explains_absence),
    _check(23, "Make data available through an API", either(answers_queries, documented_api)),
    _check(24, "Use Web Standards as the foundation of APIs", standard_api),
    _check(25, "Provide complete documentation for your API", either(documented_api, standard_api)),
    _check(26, "Avoid Breaking Changes to Your API", told("pinned addresses keep answering; read the API's versions")),
    _check(27, "Preserve identifiers", told("withdrawn things answer 410 and name what replaced them")),
    _check(28, "Assess dataset coverage", states_all(DCTERMS("spatial"), DCTERMS("temporal"))),
    _check(29, "Gather feedback from data consumers", states(DCAT("contactPoint"), DCTERMS("publisher"))),
    _check(30, "Make feedback available", told("the issue tracker that the contact leads to")),
    _check(31, "Enrich data by generating new data", enriched),
    _check(32, "Provide Complementary Presentations", presented),
    _check(33, "Provide Feedback to the Original Publisher", told("what was reported to the sources")),
    _check(34, "Follow Licensing Terms", told("each source's terms, at its own document")),
    _check(35, "Cite the Original Publication", cites),
)  # fmt: skip
