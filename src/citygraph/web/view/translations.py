"""The texts of the interface in the languages of the readers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from citygraph.catalogues import ENGLISH, LANGUAGES, error_texts, translations
from citygraph.catalogues import N_ as N_
from citygraph.rdf.terms import CG, DCAT, DCTERMS, FOAF, OWL, PROV, RDF, RDFS, SCHEMA, SD, SKOS, VCARD, VOID
from citygraph.text import collation_key

# Longer texts are not translated: the time for finding the values grows faster than their length.
_LONGEST = 1_000
_FEW = 9  # letters
_MOST_TEXTS = 10_000
_VALUE = re.compile(r"\{([0-9])\}")
# A number as Python groups its digits with ",".
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+")
_QUOTES = frozenset("'\"")


# Names of properties that the ontology does not name, or names differently.
_PROPERTIES: dict[str, str] = {
    SKOS("altLabel").value: N_("also named"),
    SKOS("hiddenLabel").value: N_("misprinted as"),
    SKOS("prefLabel").value: N_("name"),
    SKOS("definition").value: N_("definition"),
    SKOS("broader").value: N_("broader"),
    SKOS("closeMatch").value: N_("close match"),
    SKOS("exactMatch").value: N_("exact match"),
    SKOS("broadMatch").value: N_("broader match"),
    SKOS("notation").value: N_("notation"),
    SKOS("inScheme").value: N_("scheme"),
    SCHEMA("latitude").value: N_("coordinates"),
    OWL("sameAs").value: N_("same as"),
    RDFS("comment").value: N_("comment"),
    FOAF("homepage").value: N_("web page"),
    FOAF("page").value: N_("web page"),
    SCHEMA("eventStatus").value: N_("status of the event"),
    RDF("type").value: N_("class"),
    RDF("subject").value: N_("subject of the conclusion"),
    RDF("predicate").value: N_("property"),
    RDF("object").value: N_("value"),
    DCTERMS("title").value: N_("title"),
    DCTERMS("publisher").value: N_("publisher"),
    DCTERMS("creator").value: N_("author"),
    DCTERMS("language").value: N_("language"),
    DCTERMS("issued").value: N_("date of the document"),
    DCTERMS("modified").value: N_("last changed"),
    DCTERMS("license").value: N_("Licence"),
    DCTERMS("references").value: N_("refers to"),
    DCTERMS("description").value: N_("description"),
    DCTERMS("source").value: N_("taken from"),
    DCTERMS("accessRights").value: N_("access"),
    DCTERMS("accrualPeriodicity").value: N_("updated"),
    DCTERMS("conformsTo").value: N_("conforms to"),
    DCTERMS("created").value: N_("created on"),
    DCTERMS("identifier").value: N_("identifier"),
    DCTERMS("spatial").value: N_("places"),
    DCTERMS("subject").value: N_("subject"),
    DCTERMS("temporal").value: N_("time"),
    DCAT("contactPoint").value: N_("contact"),
    DCAT("dataset").value: N_("dataset"),
    DCAT("endDate").value: N_("to"),
    DCAT("hasCurrentVersion").value: N_("current version"),
    DCAT("hasVersion").value: N_("versions"),
    DCAT("keyword").value: N_("keywords"),
    DCAT("prev").value: N_("previous version"),
    DCAT("service").value: N_("services"),
    DCAT("startDate").value: N_("from"),
    DCAT("theme").value: N_("theme"),
    DCAT("version").value: N_("version"),
    OWL("versionInfo").value: N_("version"),
    PROV("wasDerivedFrom").value: N_("derived from"),
    SD("name").value: N_("name"),
    SD("namedGraph").value: N_("named graphs"),
    VCARD("fn").value: N_("name"),
    VCARD("hasURL").value: N_("web page"),
    VOID("classes").value: N_("number of classes"),
    VOID("dataDump").value: N_("dumps"),
    VOID("distinctSubjects").value: N_("subjects"),
    VOID("entities").value: N_("entities"),
    VOID("exampleResource").value: N_("examples"),
    VOID("feature").value: N_("formats"),
    VOID("linkPredicate").value: N_("linking property"),
    VOID("objectsTarget").value: N_("dataset of the objects"),
    VOID("properties").value: N_("number of properties"),
    VOID("sparqlEndpoint").value: N_("SPARQL endpoint"),
    VOID("subjectsTarget").value: N_("dataset of the subjects"),
    VOID("subset").value: N_("parts"),
    VOID("triples").value: N_("number of triples"),
    VOID("uriSpace").value: N_("beginning of the IRIs"),
    VOID("vocabulary").value: N_("vocabularies"),
    CG("populationFigure").value: N_("population"),
    CG("areaFigure").value: N_("area"),
    CG("distanceFigure").value: N_("distance"),
    CG("shareFigure").value: N_("share"),
}

# Inverse names of properties: "party" of a city is a list of its agreements.
_INCOMING: dict[str, str] = {
    CG("about").value: N_("Mentioned in"),
    CG("actor").value: N_("Acts and statements"),
    CG("among").value: N_("Rankings within it"),
    CG("amends").value: N_("Amended by"),
    CG("anniversaryOf").value: N_("Anniversaries"),
    CG("at").value: N_("What happened there"),
    CG("attestedAt").value: N_("Terms of office it documents"),
    CG("authority").value: N_("Permissions"),
    CG("capitalOf").value: N_("Capital"),
    CG("contractingBody").value: N_("Agreements that it concluded"),
    CG("council").value: N_("Its decisions"),
    CG("country").value: N_("In this country"),
    CG("continent").value: N_("On this continent"),
    CG("evidence").value: N_("Conclusions based on it"),
    CG("economicSector").value: N_("Economic sector of"),
    CG("eventType").value: N_("Events of this type"),
    CG("agreementType").value: N_("Agreements of this type"),
    CG("holder").value: N_("Offices held"),
    CG("homePlace").value: N_("Home of"),
    CG("honours").value: N_("Honoured by"),
    CG("host").value: N_("Host of"),
    CG("identifiedAs").value: N_("Recognised in"),
    CG("invitedTo").value: N_("Invitations to it"),
    CG("jurisdiction").value: N_("Governed by"),
    CG("locatedIn").value: N_("Within it"),
    CG("moderator").value: N_("Moderated"),
    CG("of").value: N_("Its posts"),
    CG("organiser").value: N_("Organised"),
    CG("participant").value: N_("Took part in"),
    CG("partOf").value: N_("Parts"),
    CG("party").value: N_("Its agreements"),
    CG("plannedVenue").value: N_("Planned here"),
    CG("post").value: N_("Holders"),
    CG("promotes").value: N_("Promoted by"),
    CG("recipient").value: N_("Addressed to it"),
    CG("renews").value: N_("Renewed by"),
    CG("role").value: N_("Posts with this role"),
    CG("seat").value: N_("Seat of"),
    CG("signedAt").value: N_("Signing of"),
    CG("situatedOn").value: N_("On its shore"),
    CG("supports").value: N_("Supported by"),
    CG("takesPlaceIn").value: N_("Events here"),
    CG("topic").value: N_("Topic of"),
    CG("unnamedParty").value: N_("Its agreements"),
    DCTERMS("publisher").value: N_("Published"),
    DCTERMS("creator").value: N_("Wrote"),
    SKOS("broader").value: N_("Narrower"),
    SKOS("inScheme").value: N_("Concepts"),
}

# Names of instances of external classes.
_CLASSES: dict[str, str] = {
    SKOS("Concept").value: N_("concept"),
    SKOS("ConceptScheme").value: N_("concept scheme"),
    SD("NamedGraph").value: N_("graph"),
    OWL("Ontology").value: N_("ontology"),
}

# Texts that the code looks up by a composed name.
_NAMED: dict[str, str] = {
    "became_created": N_("new"),
    "became_deleted": N_("gone"),
    "became_updated": N_("changed"),
    "classes": N_("Classes"),
    "feature_alias": N_("Similarity of its best other name, from 0 to 100; an identical name counts 98."),
    "feature_country": N_("Whether it is in the given country. Yes closes 30 % of the gap to 100, no costs 25."),
    "feature_date": N_("Whether its dates overlap with the given one. Yes closes 20 % of the gap to 100, no costs 20."),
    "feature_distance": N_(
        "Kilometres from the given coordinates. Up to 25 km, it closes up to half of the gap to 100."
    ),
    "feature_id": N_("The query is its identifier or its Wikidata item."),
    "feature_name": N_("Similarity of its best label, from 0 to 100; a different spelling counts 88 at most."),
    "feature_near": N_("False when it is more than 100 km away, which costs 25; more than 500 km costs 40."),
    "feature_qid": N_("Whether it is the given Wikidata item. Yes closes 90 % of the gap to 100, no costs 60."),
    "feature_type": N_(
        "Whether it is of the given type. No costs 30, where a candidate may be of another type at all."
    ),
    "kind_agreement": N_("Agreements"),
    "kind_area": N_("Administrative areas"),
    "kind_city": N_("Cities"),
    "kind_country": N_("Countries"),
    "kind_event": N_("Events"),
    "kind_organisation": N_("Organisations"),
    "kind_person": N_("People"),
    "kind_post": N_("Posts"),
    "one_agreement": N_("agreement"),
    "one_area": N_("administrative area"),
    "one_city": N_("city"),
    "one_country": N_("country"),
    "one_event": N_("event"),
    "one_organisation": N_("organisation"),
    "one_person": N_("person"),
    "one_post": N_("post"),
    "parameter_date": N_("a day, a month or a year"),
    "parameter_integer": N_("a whole number"),
    "nothing_chart": N_("There is nothing to draw as a chart: the result has no numbers."),
    "nothing_map": N_("There is nothing to draw on a map: no place in the result has coordinates."),
    "nothing_network": N_("There is nothing to draw as a network: no row has two entities."),
    "nothing_timeline": N_("There is nothing to draw on a time axis: the result has no dates."),
    "parameter_choice": N_("one of the list"),
    "parameter_iri": N_("a name, an identifier such as city/name, or an IRI"),
    "parameter_language": N_("a language tag such as en or tr"),
    "parameter_text": N_("text"),
    "properties": N_("Properties"),
    "property_alias": N_("other names"),
    "property_any_date": N_("date"),
    "property_coordinates": N_("coordinates"),
    "property_label": N_("name"),
    "property_latitude": N_("latitude"),
    "property_longitude": N_("longitude"),
    "property_qid": N_("Wikidata item"),
    "property_same_elsewhere": N_("identifier in other databases"),
    "queries_": N_("Questions"),
    "queries_quality": N_("Measurements of quality"),
    "queries_tables": N_("Tables"),
    "terms_of": N_("Terms"),
}

# Names of the members of a problem.
_MEMBERS: dict[str, str] = {
    "since": N_("Since"),
    "replaced_by": N_("Use instead"),
    "offered": N_("Available"),
    "accepted": N_("Accepted"),
    "allowed": N_("Allowed"),
    "limit": N_("Limit"),
    "elapsed": N_("Elapsed seconds"),
    "line": N_("Line"),
    "column": N_("Column"),
    "file": N_("File"),
    "construct": N_("Refused"),
    "members": N_("Members"),
}


class Translations:
    """The texts of the interface in one language: `_("Sources")` is "Sources" or "Kaynaklar"."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self._catalogue = translations(self.language)
        self._texts = _texts(self.language)

    # A positional-only text leaves every name free for the values.
    def __call__(self, text: str, /, **values: object) -> str:
        """Returns the translation of an English text, with its {named} values filled in."""
        text = self._texts[text]
        return text.format(**values) if values else text

    def count(self, one: str, many: str, number: int, /, **values: object) -> str:
        """Returns a text in the plural form for `number`, which it may contain as {number}."""
        return self._catalogue.ngettext(one, many, number).format(**{"number": number, **values})

    def error(self, text: str) -> str | None:
        """Returns the translation of the English text of an error, or None if the catalogue does not have it."""
        return text if self.language == ENGLISH else _translated(text, self.language)

    def sort_key(self, text: str) -> str:
        """Returns the sort key of a text in the alphabet of the language."""
        return collation_key(text, self.language)

    def property_name(self, iri: str) -> str | None:
        """Returns the name of a property on pages, if it differs from that of the ontology."""
        return self(_PROPERTIES[iri]) if iri in _PROPERTIES else None

    def class_name(self, iri: str) -> str | None:
        """Returns the name of an instance of a class that is not ours."""
        return self(_CLASSES[iri]) if iri in _CLASSES else None

    def incoming(self, iri: str) -> str | None:
        """Returns the heading over incoming links with this property."""
        return self(_INCOMING[iri]) if iri in _INCOMING else None

    def member(self, name: str) -> str:
        """Returns the name of a member of a problem."""
        return self(_MEMBERS[name]) if name in _MEMBERS else name

    def named(self, name: str) -> str:
        """Returns a text by a composed name, such as "kind_city"."""
        return self(_NAMED[name])


class _Texts(dict[str, str]):
    """A cache of translations, because a page needs hundreds; the keys are the texts in the code."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._catalogue = translations(language)

    def __missing__(self, text: str) -> str:
        translation = self._catalogue.gettext(text)
        if len(self) < _MOST_TEXTS:
            self[text] = translation
        return translation


@cache
def _texts(language: str) -> _Texts:
    return _Texts(language)


def _translated(text: str, language: str) -> str | None:
    """Returns the translation of a text of an error, or None.

    An error is an English sentence with values, often from another process or from a library. The pattern with the
    most letters that matches gives the values, which may themselves be such texts.
    """
    if len(text) > _LONGEST:
        return None
    for pattern, letters, translation in _error_patterns(language):
        match = pattern.fullmatch(text)
        if match:
            values = {name: _of_value(value, language) for name, value in match.groupdict().items()}
            # With few letters a pattern matches too much, unless one of its values is a text of an error.
            if not values or letters >= _FEW or values != match.groupdict():
                return _filled(translation, values | _numbers(match, language))
    return None


def _numbers(match: re.Match[str], language: str) -> dict[str, str]:
    """Returns the values that are numbers of four digits and more, in groups as in the language."""
    # A value in quotes is somebody's text, and stays.
    return {
        name: value.replace(",", _texts(language)[","])
        for name, value in match.groupdict().items()
        if _GROUPED.fullmatch(value) and match.string[: match.start(name)][-1:] not in _QUOTES
    }


def _of_value(value: str, language: str) -> str:
    """Returns a value, in which a text of an error, or a list of such texts, is translated."""
    whole = _translated(value, language)
    if whole is not None:
        return whole
    texts = error_texts(language)
    return ", ".join(texts.get(part, part) for part in value.split(", "))


def _filled(translation: str, values: Mapping[str, str]) -> str:
    return _VALUE.sub(lambda one: values[f"v{one[1]}"], translation)


@cache
def _error_patterns(language: str) -> tuple[tuple[re.Pattern[str], int, str], ...]:
    """Returns for each text of an error a pattern, its number of letters, and the translation, in order of precedence.

    A text that begins with a value comes after the others, because it would match them with their values.
    """
    texts = error_texts(language).items()
    in_order = sorted(texts, key=lambda one: (one[0].startswith("{"), -_letters(one[0]), -len(one[0])))
    return tuple((re.compile(_pattern(text), re.DOTALL), _letters(text), other) for text, other in in_order)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def _pattern(text: str) -> str:
    parts = _VALUE.split(text)
    # Odd parts are the numbers of values.
    return "".join(f"(?P<v{part}>.*?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
