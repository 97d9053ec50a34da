"""What the pages of the stored queries and of the dataset say, in English and Turkish."""

from __future__ import annotations

QUERY_WORDS: dict[str, tuple[str, str]] = {
    "bytes": ("bytes", "bayt"),
    "doors_openapi": (
        "The same described for programs, as OpenAPI 3.1",
        "Aynısının programlar için tanımı, OpenAPI 3.1",
    ),
    "doors_queries": (
        "Stored queries with parameters, each at an address of its own",
        "Parametreli kayıtlı sorgular; her biri kendi adresinde",
    ),
    "file": ("File", "Dosya"),
    "files": ("Files", "Dosyalar"),
    "measured": ("Measured", "Ölçülen"),
    "measurement": ("Measurement", "Ölçüm"),
    "measurements": ("Quality", "Nitelik"),
    "members": ("Members", "Üye sayısı"),
    "of_what": ("Of", "Neyin"),
    "open_in_sparql": ("Open it in SPARQL", "SPARQL’de aç"),
    "parameters": ("Parameters", "Parametreler"),
    "parameter_date": ("a day, a month or a year", "gün, ay veya yıl"),
    "parameter_integer": ("a whole number", "tam sayı"),
    "parameter_iri": ("an IRI or a prefixed name", "IRI veya önekli ad"),
    "parameter_text": ("text", "metin"),
    "queries": ("Queries", "Sorgular"),
    "queries_": ("Questions", "Sorular"),
    "queries_intro": (
        "Questions that are asked often, written down in SPARQL. Each answers at its own address, for people and for "
        "programs.",
        "Sık sorulan soruların SPARQL ile yazılmış hâli. Her biri kendi adresinde hem insanlara hem programlara yanıt "
        "verir.",
    ),
    "queries_quality": ("Measurements of quality", "Nitelik ölçümleri"),
    "queries_tables": ("Tables", "Tablolar"),
    "query_text": ("The query’s text", "Sorgunun metni"),
    "result": ("Result", "Sonuç"),
    "result_as": ("Result as", "Sonucun biçimi"),
    "run": ("Run", "Çalıştır"),
    "share": ("Share", "Oran"),
    "this_page": ("This page", "Bu sayfa"),
}
