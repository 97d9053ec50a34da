"""The namespaces and terms that the code itself names."""

from __future__ import annotations

import re
from hashlib import sha256

from pyoxigraph import NamedNode

from citygraph.instance import VOCABULARY, current_instance, instance_base


class Namespace(str):
    """An IRI prefix; a call returns a term in it: `CG("party")`."""

    __slots__ = ()

    def __call__(self, name: str) -> NamedNode:
        return NamedNode(self + name)


# Entities, sources, graphs, dataset and releases belong to the instance; the vocabulary is common to all instances.
BASE = instance_base()
CG = Namespace(VOCABULARY + "ontology#")
ID = Namespace(BASE + "id/")
GRAPH = Namespace(BASE + "graph/")
SOURCE = Namespace(BASE + "source/")

RDF = Namespace("http://www.w3.org/1999/02/22-rdf-syntax-ns#")
RDFS = Namespace("http://www.w3.org/2000/01/rdf-schema#")
OWL = Namespace("http://www.w3.org/2002/07/owl#")
XSD = Namespace("http://www.w3.org/2001/XMLSchema#")
SKOS = Namespace("http://www.w3.org/2004/02/skos/core#")
SH = Namespace("http://www.w3.org/ns/shacl#")
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
VOID = Namespace("http://rdfs.org/ns/void#")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCTERMS = Namespace("http://purl.org/dc/terms/")
FORMATS = Namespace("http://www.w3.org/ns/formats/")
GEO = Namespace("http://www.opengis.net/ont/geosparql#")
SCHEMA = Namespace("https://schema.org/")
DQV = Namespace("http://www.w3.org/ns/dqv#")
PROV = Namespace("http://www.w3.org/ns/prov#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
FOAF = Namespace("http://xmlns.com/foaf/0.1/")
OA = Namespace("http://www.w3.org/ns/oa#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
WD = Namespace("http://www.wikidata.org/entity/")

ONTOLOGY_GRAPH = GRAPH("ontology")
SHAPES_GRAPH = GRAPH("shapes")
CATALOG_GRAPH = GRAPH("catalog")
CURATION_GRAPH = GRAPH("curation")
DERIVED_GRAPH = GRAPH("derived")
QUALITY_GRAPH = GRAPH("quality")
TRANSLATIONS_GRAPH = GRAPH("translations")
# Graphs without a document of their own, which the files of several documents may fill.
COMMON_GRAPHS = (CATALOG_GRAPH, CURATION_GRAPH, TRANSLATIONS_GRAPH)
DATASET = NamedNode(BASE + "dataset")
LICENSE = NamedNode(current_instance().licence)


_OF_INSTANCE = re.compile(
    re.escape(VOCABULARY) + r"(?=id/|doc/|source/|graphs?/|dataset\b|releases\b|feed\b|\.well-known/)"
)


def with_instance_base(text: str) -> str:
    """Returns a text of the package, whose IRIs of entities, graphs and dataset get the base of the instance."""
    return text if BASE == VOCABULARY else _OF_INSTANCE.sub(BASE, text)


def base_pattern(old: str, new: str) -> re.Pattern[str]:
    """Returns the pattern of the base `old` in front of an IRI that moves to the base `new`."""
    # The vocabulary keeps its IRIs, and IRIs with the new base are not moved again.
    excluded = ["ontology", "shapes"] if old == VOCABULARY else []
    if new.startswith(old):
        excluded.append(re.escape(new.removeprefix(old)))
    rest = f"(?!{'|'.join(excluded)})" if excluded else ""
    # In the middle of an address, such as one of a web archive, it is not ours.
    return re.compile(rf"(?<![\w/=]){re.escape(old)}{rest}")


def namespace(iri: str) -> str:
    """Returns the IRI without its local name, up to the last # or /, or else the last colon as in urn:isbn:0."""
    return iri[: (max(iri.rfind("#"), iri.rfind("/")) + 1) or iri.rfind(":") + 1]


def partition(kind: str, iri: str) -> NamedNode:
    """Returns the IRI of the VoID partition of a class or property."""
    # The host is part of the name, because two vocabularies may have the same local name.
    rest = "".join(letter if letter.isalnum() else "-" for letter in iri.partition("://")[2])
    # Clients may write any IRI: outside the known prefixes a hash distinguishes a/b, a#b and urn:b.
    if not any(iri.startswith(space) and iri.removeprefix(space).isalnum() for space in PREFIXES.values()):
        rest += f"-{sha256(iri.encode()).hexdigest()[:12]}"
    return NamedNode(f"{DATASET.value}#{kind}-{rest}")


def split_iri(iri: str) -> tuple[str, str]:
    """Returns prefix and local name of an IRI, by the longest namespace in PREFIXES; without one, "" and the IRI.

    The local name may need escapes in a prefixed name: whether it does depends on the syntax.
    """
    end = min(len(iri) - 1, _LONGEST_NAMESPACE)
    # Each namespace ends with a slash or a hash. Most often it is the last one of the IRI.
    while (end := max(iri.rfind("/", 0, end), iri.rfind("#", 0, end)) + 1) >= _SHORTEST_NAMESPACE:
        if prefix := _BY_NAMESPACE.get(iri[:end]):
            return prefix, iri[end:]
        end -= 1
    return "", iri


# The prefixes of written files and responses, which queries may use without a declaration.
PREFIXES: dict[str, str] = {
    "cg": CG,
    "city": ID + "city/",
    "area": ID + "area/",
    "country": ID + "country/",
    "person": ID + "person/",
    "organisation": ID + "organisation/",
    "post": ID + "post/",
    "tenure": ID + "tenure/",
    "event": ID + "event/",
    "agreement": ID + "agreement/",
    "source": SOURCE,
    "graph": GRAPH,
    "role": VOCABULARY + "ontology/roles/",
    "eventtype": VOCABULARY + "ontology/event-types/",
    "agreementtype": VOCABULARY + "ontology/agreement-types/",
    "field": VOCABULARY + "ontology/fields/",
    "continent": VOCABULARY + "ontology/continents/",
    "status": VOCABULARY + "ontology/statuses/",
    "verdict": VOCABULARY + "ontology/verdicts/",
    "shapes": VOCABULARY + "ontology/shapes#",
    "rdf": RDF,
    "rdfs": RDFS,
    "owl": OWL,
    "xsd": XSD,
    "skos": SKOS,
    "sh": SH,
    "sd": SD,
    "void": VOID,
    "dcat": DCAT,
    "dqv": DQV,
    "spdx": SPDX,
    "dcterms": DCTERMS,
    "geo": GEO,
    "schema": SCHEMA,
    "org": "http://www.w3.org/ns/org#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "prov": "http://www.w3.org/ns/prov#",
    "time": "http://www.w3.org/2006/time#",
    "wd": WD,
    "wdt": "http://www.wikidata.org/prop/direct/",
    "wds": WD + "statement/",
    "wdref": "http://www.wikidata.org/reference/",
    "oa": OA,
    "finding": VOCABULARY + "ontology/findings/",
}
_BY_NAMESPACE = {space: prefix for prefix, space in PREFIXES.items()}
_SHORTEST_NAMESPACE, *_, _LONGEST_NAMESPACE = sorted(map(len, _BY_NAMESPACE))


def local_name(identifier: str) -> str:
    """Returns a term's name without namespace or prefix."""
    if ":" not in identifier:
        return identifier
    for prefix, namespace in PREFIXES.items():
        identifier = identifier.removeprefix(namespace).removeprefix(f"{prefix}:")
    return identifier
