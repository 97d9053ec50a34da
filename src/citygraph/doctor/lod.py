"""The criteria of the LOD Cloud, the practices counted by its survey, and VoID counts compared with SPARQL's."""

from __future__ import annotations

from pyoxigraph import Literal, NamedNode

from citygraph.doctor.practices import answers_queries, bulk, cites, described, known_vocabularies, machine_readable
from citygraph.doctor.scored_site import Check, CheckResult, Examination, Site, any_of, has_any, met, met_if, missing
from citygraph.rdf.terms import DCTERMS, OWL, RDF, RDFS, SKOS, VOID

CLOUD = "LOD Cloud"
PRACTICE = "State of the LOD Cloud"
COUNTS = "VoID"
_MANY, _LINKS = 1000, 50
# Datasets in the diagram that a small graph is likely to link to.
_IN_CLOUD = (
    "wikidata.org",
    "geonames.org",
    "dbpedia.org",
    "viaf.org",
    "isni.org",
    "d-nb.info",
    "id.loc.gov",
    "linkedgeodata.org",
    "getty.edu",
)
# One SPARQL query each: the doctor must not strain the site.
_MOST_PARTITIONS = 12


def resolves(site: Site) -> CheckResult:
    """The IRIs of entities are http(s) and resolve."""
    for iri in site.entities:
        reply = site.get(site.here(iri))
        if not iri.startswith("http") or reply.status != 200:
            return missing(f"{iri} answers {reply.status}")
    return met_if(", ".join(site.entities), "no entity was found")


def large(site: Site) -> CheckResult:
    """The dataset has at least a thousand triples."""
    count = _stated(site, VOID("triples")) or 0
    return met(f"{count} triples") if count >= _MANY else missing(f"{count} triples; at least {_MANY} are required")


def linked(site: Site) -> CheckResult:
    """At least fifty links lead to datasets in the diagram."""
    sizes: dict[str, int] = {}
    for quad in site.metadata.quads_for_pattern(None, VOID("objectsTarget"), None, None):
        target = str(getattr(quad.object, "value", ""))
        if any(name in target for name in _IN_CLOUD) and isinstance(quad.subject, NamedNode):
            stated = site.values_of(quad.subject, VOID("triples"))
            sizes[quad.subject.value] = int(stated[0].value) if stated else 0
    count = sum(sizes.values())
    # Without linksets in the description, the endpoint can still count links.
    if not count:
        tests = " || ".join(f'CONTAINS(STR(?o), "{name}")' for name in _IN_CLOUD)
        rows = site.select(f"SELECT (COUNT(*) AS ?n) WHERE {{ ?s ?p ?o FILTER(isIRI(?o) && ({tests})) }}")
        count = int(rows[0].get("n", "0")) if rows else 0
    return met(f"{count} links") if count >= _LINKS else missing(f"{count} links; at least {_LINKS} are required")


def reachable(site: Site) -> CheckResult:
    """All data can be had by dump, SPARQL or crawling."""
    return any_of(bulk, answers_queries)(site)


def terms_resolve(site: Site) -> CheckResult:
    """The site's own terms resolve to RDF that describes them."""
    own = _own_terms(site)
    # A sample: each term costs a request.
    for term in own[:3]:
        store = site.rdf(term)
        if next(store.quads_for_pattern(NamedNode(term), None, None, None), None) is None:
            return missing(f"{term} does not describe itself")
    return met_if(", ".join(own[:3]), "no terms of its own are used")


def terms_mapped(site: Site) -> CheckResult:
    """The site's own terms are mapped to others."""
    mappings = (
        OWL("equivalentClass"),
        OWL("equivalentProperty"),
        RDFS("subClassOf"),
        RDFS("subPropertyOf"),
        SKOS("exactMatch"),
        SKOS("closeMatch"),
    )
    for term in _own_terms(site):
        store = site.rdf(term)
        for property_ in mappings:
            for quad in store.quads_for_pattern(None, property_, None, None):
                if not str(getattr(quad.object, "value", "")).startswith(site.base or site.url):
                    return met(f"{getattr(quad.subject, 'value', '')} → {getattr(quad.object, 'value', '')}")
    return missing("no term of its own is mapped to another vocabulary")


def well_known(site: Site) -> CheckResult:
    """There is a VoID description at /.well-known/void."""
    reply = site.get("/.well-known/void", Accept="text/turtle")
    described_ = any(site.parsed(reply).quads_for_pattern(None, RDF("type"), VOID("Dataset"), None))
    return met_if(reply.url if described_ else "", f"/.well-known/void answers {reply.status} with no void:Dataset")


def in_dataset(site: Site) -> CheckResult:
    """Documents name their dataset."""
    for iri in site.entities:
        if not any(site.rdf(iri).quads_for_pattern(None, VOID("inDataset"), None, None)):
            return missing(f"{iri} has no void:inDataset")
    return met_if(", ".join(site.entities), "no entity was found")


def counted(predicate: str, what: str, pattern: str) -> Examination:
    """Returns a check that a VoID count equals SPARQL's."""

    def examine(site: Site) -> CheckResult:
        stated = _stated(site, VOID(predicate))
        if stated is None:
            return missing(f"no void:{predicate}")
        rows = site.select(f"SELECT (COUNT({what}) AS ?n) WHERE {{ {pattern} }}")
        if not rows:
            return missing("no SPARQL endpoint answers")
        return _same(f"void:{predicate}", stated, int(rows[0].get("n", "-1")))

    return examine


def partitions(link: str, of: str, count: str, query: str) -> Examination:
    """Returns a check that the counts of the largest partitions equal SPARQL's."""

    def examine(site: Site) -> CheckResult:
        parts = []
        for part in site.values(VOID(link)):
            terms, sizes = site.values_of(part, VOID(of)), site.values_of(part, VOID(count))
            if terms and sizes:
                parts.append((int(sizes[0].value), terms[0].value))
        # The largest first: they are the most important ones.
        for stated, term in sorted(parts, reverse=True)[:_MOST_PARTITIONS]:
            rows = site.select(query.replace("TERM", f"<{term}>"))
            counted_ = int(rows[0].get("n", "-1")) if rows else -1
            if counted_ != stated:
                return _same(f"void:{link} of {term}", stated, counted_)
        return met_if(f"{len(parts)} partitions" if parts else "", f"no void:{link} with a count")

    return examine


def linksets(site: Site) -> CheckResult:
    """Linksets have a link predicate and a size."""
    checked = 0
    for quad in site.metadata.quads_for_pattern(None, RDF("type"), VOID("Linkset"), None):
        subject = quad.subject
        if not isinstance(subject, NamedNode):
            continue
        sizes, predicates = site.values_of(subject, VOID("triples")), site.values_of(subject, VOID("linkPredicate"))
        if not sizes or not predicates:
            return missing(f"{subject.value} lacks void:triples or void:linkPredicate")
        checked += 1
    return met_if(f"{checked} linksets with sizes" if checked else "", "no void:Linkset")


def _own_terms(site: Site) -> list[str]:
    own = site.base or site.url
    used = {
        term
        for iri in site.entities
        for quad in site.rdf(iri).quads_for_pattern(None, None, None, None)
        for term in (quad.predicate.value, str(getattr(quad.object, "value", "")))
        if term.startswith(own) and (term == quad.predicate.value or quad.predicate == RDF("type"))
    }
    return sorted(used)


def _stated(site: Site, predicate: NamedNode) -> int | None:
    values = [v for v in site.values(predicate) if isinstance(v, Literal) and v.value.isdecimal()]
    return int(values[0].value) if values else None


def _same(name: str, stated: int, counted_: int) -> CheckResult:
    return met(f"{name} {stated}") if stated == counted_ else missing(f"{name} is {stated}, SPARQL counts {counted_}")


LOD: tuple[Check, ...] = (
    Check(CLOUD, "1 Resolvable http(s) URIs", resolves),
    Check(CLOUD, "2 They resolve to RDF in a popular format", machine_readable),
    Check(CLOUD, "3 At least 1000 triples", large),
    Check(CLOUD, "4 At least 50 links to datasets in the diagram", linked),
    Check(CLOUD, "5 The whole reachable by crawling, dump or SPARQL", reachable),
    Check(PRACTICE, "Dereferenceable URIs", resolves),
    Check(PRACTICE, "Links out", linked),
    Check(PRACTICE, "Widely used terms", known_vocabularies),
    Check(PRACTICE, "Own terms dereferenceable", terms_resolve),
    Check(PRACTICE, "Own terms mapped", terms_mapped),
    Check(PRACTICE, "Provenance", cites),
    Check(PRACTICE, "Licence", has_any(DCTERMS("license"))),
    Check(PRACTICE, "Dataset-level metadata (VoID)", described),
    Check(PRACTICE, "Other access methods named", has_any(VOID("sparqlEndpoint"), VOID("dataDump"))),
)

VOID_COUNTS: tuple[Check, ...] = (
    Check(COUNTS, "At /.well-known/void", well_known),
    Check(COUNTS, "Documents are in the dataset", in_dataset),
    Check(COUNTS, "Triples", counted("triples", "*", "?s ?p ?o")),
    Check(COUNTS, "Classes", counted("classes", "DISTINCT ?c", "?s a ?c")),
    Check(COUNTS, "Properties", counted("properties", "DISTINCT ?p", "?s ?p ?o")),
    Check(COUNTS, "Distinct subjects", counted("distinctSubjects", "DISTINCT ?s", "?s ?p ?o")),
    Check(
        COUNTS,
        "Class partitions",
        partitions("classPartition", "class", "entities", "SELECT (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s a TERM }"),
    ),
    Check(
        COUNTS,
        "Property partitions",
        partitions("propertyPartition", "property", "triples", "SELECT (COUNT(*) AS ?n) WHERE { ?s TERM ?o }"),
    ),
    Check(COUNTS, "Linksets", linksets),
    Check(COUNTS, "Name space", has_any(VOID("uriSpace"))),
    Check(COUNTS, "Example resource", has_any(VOID("exampleResource"))),
    Check(COUNTS, "Data dump", bulk),
    Check(COUNTS, "SPARQL endpoint", answers_queries),
    Check(COUNTS, "Licence", has_any(DCTERMS("license"))),
)
