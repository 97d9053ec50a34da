"""What search and reconciliation say, in English and Turkish."""

from __future__ import annotations

SEARCH_WORDS: dict[str, tuple[str, str]] = {
    "did_you_mean": ("Similar names", "Benzer adlar"),
    "every_kind": ("Everything", "Her şey"),
    "every_language": ("every language", "bütün diller"),
    "feature_alias": (
        "How near the best of the other names is, from 0 to 100; the same name counts 98.",
        "Öteki adlardan en yakınının yakınlığı, 0–100; aynı ad 98 sayılır.",
    ),
    "feature_country": (
        "Whether it is in the given country. Yes closes 30 % of the gap to 100, no costs 25.",
        "Verilen ülkede olup olmadığı. Evet, 100’e kalan farkın %30’unu kapatır; hayır 25 puan düşürür.",
    ),
    "feature_date": (
        "Whether its dates overlap with the given one. Yes closes 20 % of the gap to 100, no costs 20.",
        "Tarihlerinin verilenle örtüşüp örtüşmediği. Evet, 100’e kalan farkın %20’sini kapatır; hayır 20 puan düşürür.",
    ),
    "feature_distance": (
        "Kilometres from the given coordinates. Up to 25 km, it closes up to half of the gap to 100.",
        "Verilen koordinata kilometre olarak uzaklık. 25 km’ye kadar, 100’e kalan farkın en çok yarısını kapatır.",
    ),
    "feature_id": ("The query is its identifier or its Wikidata item.", "Sorgu, tanımlayıcısı veya Wikidata ögesidir."),
    "feature_name": (
        "How near the best of its labels is, from 0 to 100; another spelling counts 88 at most.",
        "En yakın etiketinin yakınlığı, 0–100; başka bir yazım en çok 88 sayılır.",
    ),
    "feature_near": (
        "False when it is more than 100 km away, which costs 25; more than 500 km costs 40.",
        "100 km’den uzaksa yanlıştır, 25 puan düşürür; 500 km’den uzaksa 40.",
    ),
    "feature_qid": (
        "Whether it is the given Wikidata item. Yes closes 90 % of the gap to 100, no costs 60.",
        "Verilen Wikidata ögesi olup olmadığı. Evet, 100’e kalan farkın %90’ını kapatır; hayır 60 puan düşürür.",
    ),
    "feature_type": (
        "Whether it is of the given type. No costs 30, where a candidate may be of another type at all.",
        "Verilen türden olup olmadığı. Başka türden aday kabul ediliyorsa hayır 30 puan düşürür.",
    ),
    "found_nothing": ("Nothing has this name.", "Bu adda bir şey yok."),
    "kind_agreement": ("Agreements", "Anlaşmalar"),
    "kind_area": ("Administrative areas", "İdari birimler"),
    "kind_city": ("Cities", "Şehirler"),
    "kind_country": ("Countries", "Ülkeler"),
    "kind_event": ("Events", "Etkinlikler"),
    "kind_organisation": ("Organisations", "Kuruluşlar"),
    "kind_person": ("People", "Kişiler"),
    "kind_post": ("Posts", "Makamlar"),
    "language_en": ("English", "İngilizce"),
    "language_of_texts": ("Language", "Dil"),
    "language_of_texts_help": (
        "Texts in this language, or in another where there are none.",
        "Bu dildeki metinler; yoksa başka dildekiler.",
    ),
    "language_tr": ("Turkish", "Türkçe"),
    "most_values": ("Limit", "En çok"),
    "most_values_help": ("Values for each row; 0 is all.", "Her satırdaki değer sayısı; 0 hepsi demektir."),
    "property_alias": ("other names", "öteki adlar"),
    "property_any_date": ("date", "tarih"),
    "property_coordinates": ("coordinates", "koordinatlar"),
    "property_label": ("name", "ad"),
    "property_latitude": ("latitude", "enlem"),
    "property_longitude": ("longitude", "boylam"),
    "property_qid": ("Wikidata item", "Wikidata ögesi"),
    "property_same_elsewhere": ("the same elsewhere", "başka yerlerde aynısı"),
    "reconcile": ("Reconciliation", "Eşleştirme"),
    "reconcile_intro": (
        "This address is a service for OpenRefine and others that speak the Reconciliation API 0.2. The score of a "
        "candidate goes from 0 to 100; these features make it:",
        "Bu adres OpenRefine ve Reconciliation API 0.2 konuşan öteki araçlar içindir. Bir adayın puanı 0–100 "
        "arasıdır; onu şu ölçütler belirler:",
    ),
    "reconcile_match": (
        "A candidate is a match when its score is at least 90, nothing given speaks against it, its name is the same "
        "in search form (or facts bring it to 97), and the next is 10 points behind.",
        "Puanı en az 90 olan, verilenlerden hiçbiri aleyhine olmayan, adı arama biçiminde aynı olan (veya bilgilerle "
        "97’ye ulaşan) ve sonrakinden 10 puan önde olan aday eşleşme sayılır.",
    ),
    "results": ("{count} found", "{count} sonuç"),
    "search": ("Search", "Ara"),
    "search_for": ("Name", "Ad"),
    "search_kind": ("Kind", "Tür"),
    "wikidata_all": ("All findings", "Bütün bulgular"),
    "wikidata_entity": ("Entity", "Varlık"),
    "wikidata_finding": ("Finding", "Bulgu"),
    "wikidata_findings": ("Findings", "Bulgular"),
    "wikidata_ours": ("citygraph says", "citygraph’a göre"),
    "wikidata_statement": ("Statement", "Bildirim"),
    "wikidata_theirs": ("Wikidata says", "Wikidata’ya göre"),
    "wikidata_title": ("citygraph beside Wikidata", "citygraph ile Wikidata yan yana"),
    "wikidata_when": ("Wikidata as it answered on", "Wikidata’nın yanıt verdiği gün:"),
}
