"""What the pages say, in English and Turkish."""

from __future__ import annotations

from collections.abc import Mapping

from citygraph.terms import CG, DCAT, DCTERMS, OWL, RDF, RDFS, SCHEMA, SD, SKOS, VOID
from citygraph.web.query_words import QUERY_WORDS
from citygraph.web.search_words import SEARCH_WORDS
from citygraph.web.time_words import TIME_WORDS

LANGUAGES = ("en", "tr")
MONTHS: Mapping[str, tuple[str, ...]] = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "tr": ("Ocak", "Şubat", "Mart", "Nisan", "Mayıs", "Haziran", "Temmuz", "Ağustos", "Eylül", "Ekim", "Kasım",
           "Aralık"),
}  # fmt: skip

_WORDS: dict[str, tuple[str, str]] = {
    **QUERY_WORDS,
    **SEARCH_WORDS,
    **TIME_WORDS,
    "all_links": ("All links, page {page} of {pages}", "Tüm bağlantılar, {pages} sayfadan {page}."),
    "alignments": ("Elsewhere", "Başka sözlüklerde"),
    "approximately": ("approx.", "yaklaşık"),
    "classes": ("Classes", "Sınıflar"),
    "concepts": ("Concept schemes", "Kavram şemaları"),
    "concluded": ("Concluded by the editors, because:", "Editörlerin çıkarımı; gerekçesi:"),
    "council_act": ("Council act", "Meclis kararı"),
    "countries": ("countries", "ülke"),
    "country": ("Country", "Ülke"),
    "days": ("Days between", "Aradaki gün"),
    "days_help": ("from the council act to the protocol", "meclis kararından protokole"),
    "documents": ("documents", "belge"),
    "domain": ("Said of", "Kimin veya neyin"),
    "doors": ("For programs", "Programlar için"),
    "doors_formats": (
        "Every address answers in RDF: add .ttl, .jsonld, .nt, .nq, .trig or .rdf, or ask by Accept.",
        "Her adres RDF de verir: sonuna .ttl, .jsonld, .nt, .nq, .trig veya .rdf ekleyin ya da Accept ile isteyin.",
    ),
    "doors_ontology": (
        "Classes and properties, with definitions and examples",
        "Sınıflar ve özellikler; tanımları ve örnekleriyle",
    ),
    "doors_sparql": ("SPARQL 1.1, results as JSON, XML, CSV and TSV", "SPARQL 1.1; sonuçlar JSON, XML, CSV ve TSV"),
    "empty": ("This release holds no agreements yet.", "Bu sürümde henüz anlaşma yok."),
    "east": ("E", "D"),
    "example": ("Example", "Örnek"),
    "external": ("The same elsewhere", "Başka yerlerde aynısı"),
    "first_act": ("first council act", "ilk meclis kararı"),
    "formats": ("This document as", "Bu belgenin biçimleri"),
    "home": ("Home", "Ana sayfa"),
    "identifier": ("Identifier", "Tanımlayıcı"),
    "told_elsewhere": ("Told elsewhere", "Başka kayıtlarda"),
    "intro": (
        "Which cities are bound by which agreements, who signed and met for them, and which document says so.",
        "Hangi şehirler hangi anlaşmalarla bağlı, onlar adına kimler imza attı ve görüştü, hangi belge bunu söylüyor.",
    ),
    "language_other": ("Türkçe", "English"),
    "licence": ("Licence", "Lisans"),
    "next": ("Next page", "Sonraki sayfa"),
    "no": ("no", "hayır"),
    "north": ("N", "K"),
    "not_given": ("not given", "verilmemiş"),
    "number": ("no. {rank}", "{rank}. sıra"),
    "ontology": ("Ontology", "Ontoloji"),
    "ontology_intro": (
        "The words in which the graph is written. Each term has its address here; each page of the site links to it.",
        "Çizgenin yazıldığı sözcükler. Her terimin adresi buradadır; sitenin her sayfası ona bağlanır.",
    ),
    "partner": ("Partner", "Kardeş şehir"),
    "partners": ("partners", "kardeş şehir"),
    "partners_of": ("Partners of {name}", "{name} ve kardeş şehirleri"),
    "previous": ("Previous page", "Önceki sayfa"),
    "profiles": ("The views of this document", "Bu belgenin görünümleri"),
    "properties": ("Properties", "Özellikler"),
    "protocol": ("Protocol", "Protokol"),
    "range": ("Values", "Değerleri"),
    "register_help": (
        "By the date of the council act. In the picture a tick is the act, a dot the protocol; what is known to the "
        "month or the year only is as wide as that.",
        "Meclis kararının tarihine göre. Çizimde çentik karar, nokta protokoldür; yalnız ayı veya yılı bilinen "
        "tarihler o kadar geniştir.",
    ),
    "release": ("Release", "Sürüm"),
    "said_and_done": ("In detail", "Ayrıntılar"),
    "says": ("What it says", "Ne söylüyor"),
    "shape_others": ("For all", "Hepsi için"),
    "shapes": ("Shapes", "Şekiller"),
    "shapes_intro": (
        "What data must fulfil before they are published.",
        "Verilerin yayımlanmadan önce sağlaması gereken koşullar.",
    ),
    "skip": ("Skip to the content", "İçeriğe geç"),
    "sources": ("Sources", "Kaynaklar"),
    "south": ("S", "G"),
    "statements": ("statements", "ifade"),
    "subclass": ("Kind of", "Üst sınıf"),
    "terms_of": ("Terms", "Terimler"),
    "triples": ("triples", "üçlü"),
    "undated": ("Undated", "Tarihsiz"),
    "west": ("W", "B"),
    "yes": ("yes", "evet"),
}

# Names of properties that the ontology does not name, or not for a page.
_PROPERTIES: dict[str, tuple[str, str]] = {
    SKOS("altLabel").value: ("also named", "öteki adları"),
    SKOS("prefLabel").value: ("name", "ad"),
    SKOS("definition").value: ("definition", "tanım"),
    SKOS("broader").value: ("broader", "üst kavram"),
    SKOS("closeMatch").value: ("close match", "yakın eşleşme"),
    SKOS("exactMatch").value: ("exact match", "tam eşleşme"),
    SKOS("broadMatch").value: ("broader match", "daha geniş eşleşme"),
    SKOS("notation").value: ("notation", "simge"),
    SKOS("inScheme").value: ("scheme", "şema"),
    SCHEMA("latitude").value: ("coordinates", "koordinatlar"),
    OWL("sameAs").value: ("same as", "aynısı"),
    RDFS("comment").value: ("comment", "açıklama"),
    RDF("subject").value: ("concluded of", "neyin çıkarımı"),
    RDF("predicate").value: ("property", "özellik"),
    RDF("object").value: ("value", "değer"),
    DCTERMS("title").value: ("title", "başlık"),
    DCTERMS("publisher").value: ("publisher", "yayımlayan"),
    DCTERMS("creator").value: ("author", "yazar"),
    DCTERMS("language").value: ("language", "dil"),
    DCTERMS("issued").value: ("date of the document", "belgenin tarihi"),
    DCTERMS("modified").value: ("last changed", "son değişiklik"),
    DCTERMS("license").value: _WORDS["licence"],
    DCTERMS("references").value: ("refers to", "göndermeleri"),
    DCTERMS("description").value: ("description", "açıklama"),
    DCTERMS("source").value: ("taken from", "alındığı yer"),
    DCTERMS("accessRights").value: ("access", "erişim"),
    DCTERMS("accrualPeriodicity").value: ("updated", "güncellenme sıklığı"),
    DCTERMS("conformsTo").value: ("conforms to", "uyduğu"),
    DCTERMS("identifier").value: ("identifier", "tanımlayıcı"),
    DCTERMS("spatial").value: ("places", "kapsadığı yerler"),
    DCTERMS("subject").value: ("subject", "konu"),
    DCTERMS("temporal").value: ("time", "kapsadığı dönem"),
    DCAT("contactPoint").value: ("contact", "iletişim"),
    DCAT("endDate").value: ("to", "bitiş"),
    DCAT("hasCurrentVersion").value: ("current version", "geçerli sürüm"),
    DCAT("hasVersion").value: ("versions", "sürümler"),
    DCAT("keyword").value: ("keywords", "anahtar sözcükler"),
    DCAT("prev").value: ("previous version", "önceki sürüm"),
    DCAT("startDate").value: ("from", "başlangıç"),
    DCAT("theme").value: ("theme", "tema"),
    DCAT("version").value: ("version", "sürüm"),
    VOID("dataDump").value: ("dumps", "dökümler"),
    VOID("distinctSubjects").value: ("subjects", "özneler"),
    VOID("entities").value: ("entities", "varlıklar"),
    VOID("exampleResource").value: ("examples", "örnekler"),
    VOID("subset").value: ("parts", "bölümler"),
    VOID("triples").value: ("triples", "üçlüler"),
    VOID("vocabulary").value: ("vocabularies", "sözlükler"),
    # Ours, but shorter: on a page the value shows that it is a figure.
    CG("populationFigure").value: ("population", "nüfus"),
    CG("areaFigure").value: ("area", "yüzölçümü"),
    CG("distanceFigure").value: ("distance", "uzaklık"),
    CG("shareFigure").value: ("share", "oran"),
}

# Incoming links told from the side of the page: "party" of a city is a list of its agreements.
_INCOMING: dict[str, tuple[str, str]] = {
    CG("about").value: ("Told of in", "Anlatıldığı kayıtlar"),
    CG("actor").value: ("Did and said", "Yaptıkları ve söyledikleri"),
    CG("among").value: ("Rankings within it", "Buradaki sıralamalar"),
    CG("anniversaryOf").value: ("Anniversaries", "Yıl dönümleri"),
    CG("at").value: ("What happened there", "Orada olanlar"),
    CG("attestedAt").value: ("Offices that it attests", "Tanıklık ettiği görevler"),
    CG("capitalOf").value: ("Capital", "Başkenti"),
    CG("country").value: ("In this country", "Bu ülkede"),
    CG("continent").value: ("On this continent", "Bu kıtada"),
    CG("evidence").value: ("Conclusions that rest on it", "Dayandığı çıkarımlar"),
    CG("economicSector").value: ("Economic sector of", "Ekonomik sektör olduğu yerler"),
    CG("eventType").value: ("Events of this type", "Bu türden etkinlikler"),
    CG("agreementType").value: ("Agreements of this type", "Bu türden anlaşmalar"),
    CG("holder").value: ("Offices held", "Yürüttüğü görevler"),
    CG("homePlace").value: ("Home of", "Burada yaşayanlar"),
    CG("host").value: ("Host of", "Ev sahipliği yaptıkları"),
    CG("identifiedAs").value: ("Recognised in", "Şurada tanındı"),
    CG("invitedTo").value: ("Invitations there", "Buraya davetler"),
    CG("jurisdiction").value: ("Governed by", "Yönetimi"),
    CG("locatedIn").value: ("Within it", "Sınırları içinde"),
    CG("moderator").value: ("Moderated", "Yönettiği toplantılar"),
    CG("of").value: ("Posts", "Makamları"),
    CG("organiser").value: ("Organised", "Düzenledikleri"),
    CG("participant").value: ("Took part in", "Katıldıkları"),
    CG("partOf").value: ("Parts", "Bölümleri"),
    CG("party").value: ("Agreements", "Anlaşmaları"),
    CG("plannedVenue").value: ("Planned here", "Burada planlananlar"),
    CG("post").value: ("Holders", "Görevi yürütenler"),
    CG("promotes").value: ("Promoted by", "Tanıtanlar"),
    CG("recipient").value: ("Addressed to it", "Kendisine yönelenler"),
    CG("role").value: ("Posts with this role", "Bu görevdeki makamlar"),
    CG("seat").value: ("Seat of", "Merkezi burada olanlar"),
    CG("supports").value: ("Supported by", "Destekleyenler"),
    CG("takesPlaceIn").value: ("Events here", "Buradaki etkinlikler"),
    CG("topic").value: ("Where it is a topic", "Konu olduğu yerler"),
    CG("unnamedParty").value: ("Agreements", "Anlaşmaları"),
    DCTERMS("publisher").value: ("Published", "Yayımladıkları"),
    DCTERMS("creator").value: ("Wrote", "Yazdıkları"),
    SKOS("broader").value: ("Narrower", "Alt kavramlar"),
    SKOS("inScheme").value: ("Concepts", "Kavramlar"),
}


# Kinds of things that are not ours.
_CLASSES: dict[str, tuple[str, str]] = {
    SKOS("Concept").value: ("concept", "kavram"),
    SKOS("ConceptScheme").value: ("concept scheme", "kavram şeması"),
    SD("NamedGraph").value: ("graph", "çizge"),
    OWL("Ontology").value: ("ontology", "ontoloji"),
}


class Words:
    """The words of one language; `words.sources` in a template is "Sources" or "Kaynaklar"."""

    def __init__(self, language: str) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self._column = LANGUAGES.index(self.language)

    def __getattr__(self, name: str) -> str:
        try:
            return _WORDS[name][self._column]
        except KeyError:
            raise AttributeError(f"no word {name!r}") from None

    def property_name(self, iri: str) -> str | None:
        """The name of a property on a page, if it is not the one that the ontology gives."""
        return _PROPERTIES[iri][self._column] if iri in _PROPERTIES else None

    def class_name(self, iri: str) -> str | None:
        """What a thing of a class that is not ours is called."""
        return _CLASSES[iri][self._column] if iri in _CLASSES else None

    def incoming(self, iri: str) -> str | None:
        """The heading over the links that point here with this property."""
        return _INCOMING[iri][self._column] if iri in _INCOMING else None
