"""The profiles of a description: our own vocabulary, schema.org, W3C ORG, or every statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from citygraph.errors import NotAcceptable
from citygraph.graph.description import Keep, keep_all
from citygraph.instance import VOCABULARY
from citygraph.rdf.terms import CG, DERIVED_GRAPH, OWL, PREFIXES, RDF, RDFS, SCHEMA
from citygraph.web.view.translations import N_

_TYPE = RDF("type").value
_DERIVED = (DERIVED_GRAPH.value,)
_ORG = PREFIXES["org"]
_ITEM = re.compile(r"\s*<([^<>\s]*)>\s*((?:;[^,]*)?)(?:,|$)")
_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)")
_LIST = frozenset({"alt", "all"})
_NAMES = {RDFS("label").value, OWL("sameAs").value}


@dataclass(frozen=True)
class Profile:
    """A profile: its name in ?_profile=, its IRI, its title, and which statements it keeps."""

    token: str
    iri: str
    title: str
    keep: Keep = field(compare=False, repr=False)
    namespace: str = ""  # of the types that it shows; all if empty


def _own(predicate: str, sources: tuple[str, ...]) -> bool:
    """Returns whether a source states this, or derivation adds it in our own vocabulary: no other vocabulary."""
    return sources != _DERIVED or predicate.startswith(CG) or predicate in (_TYPE, RDFS("label").value)


def _schema(predicate: str, _: tuple[str, ...]) -> bool:
    return predicate.startswith(SCHEMA) or predicate == _TYPE


def _org(predicate: str, _: tuple[str, ...]) -> bool:
    return predicate.startswith(_ORG) or predicate == _TYPE or predicate in _NAMES


OWN = Profile("citygraph", VOCABULARY + "ontology", N_("The citygraph vocabulary"), _own)
SCHEMA_ORG = Profile("schema", "https://schema.org/", "schema.org", _schema, SCHEMA)
W3C_ORG = Profile("org", "http://www.w3.org/ns/org", N_("W3C Organization Ontology"), _org, _ORG)
WHOLE = Profile("whole", VOCABULARY + "ontology/profiles/whole", N_("All vocabularies at once"), keep_all)
PROFILES = (OWN, SCHEMA_ORG, W3C_ORG, WHOLE)


def is_list(name: str) -> bool:
    """Returns whether this value of ?_profile= requests the list of profiles."""
    return name in _LIST


def chosen(accept_profile: str, name: str | None) -> Profile:
    """Returns the profile that ?_profile= names (token or IRI), else the one of Accept-Profile, else our own.

    Raises NotAcceptable for an unknown ?_profile=; a header only states a preference.
    """
    if name and not is_list(name):
        profile = next((p for p in PROFILES if name in (p.token, p.iri)), None)
        if profile is None:
            offered = tuple(profile.token for profile in PROFILES)
            raise NotAcceptable(f"{name[:80]!r} is not a profile; the profiles are {', '.join(offered)}", offered)
        return profile
    if not accept_profile:
        return OWN
    rated = sorted(_rated(accept_profile), key=lambda rated: -rated[0])
    return rated[0][1] if rated else OWN


def _rated(header: str) -> Iterator[tuple[float, Profile]]:
    for iri, parameters in _ITEM.findall(header):
        quality = _QUALITY.search(parameters)
        worth = float(quality[1]) if quality else 1.0
        for profile in PROFILES:
            # Clients write a namespace with and without its last character.
            if worth and profile.iri.rstrip("/#") == iri.rstrip("/#").replace(
                "http://schema.org", "https://schema.org"
            ):
                yield worth, profile
