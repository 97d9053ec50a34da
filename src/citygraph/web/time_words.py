"""What the pages of time say, in English and Turkish."""

from __future__ import annotations

TIME_WORDS: dict[str, tuple[str, str]] = {
    "accessed": ("Accessed on", "Erişim tarihi"),
    "added": ("added", "eklenen"),
    "after": ("Next release", "Sonraki sürüm"),
    "apply": ("Apply", "Uygula"),
    "as_it_was": ("As it was", "Eski hâlleri"),
    "as_text": ("Text", "Metin"),
    "before": ("Release before", "Önceki sürüm"),
    "changes": ("Changes", "Değişiklikler"),
    "cite": ("Cite", "Atıf"),
    "cite_intro": (
        "This names the release, so that readers find exactly what you saw:",
        "Okuyanlar tam olarak gördüğünüzü bulsun diye sürümün adı da geçer:",
    ),
    "current": ("current", "geçerli"),
    "dataset": ("Dataset", "Veri kümesi"),
    "digest": ("Digest", "Özet değeri"),
    "graph": ("Graph", "Çizge"),
    "graphs": ("Graphs", "Çizgeler"),
    "history": ("History", "Geçmiş"),
    "history_intro": (
        "Which statement came and went with which release, and the source that makes it.",
        "Hangi ifade hangi sürümle geldi veya gitti; hangi kaynak söylüyor.",
    ),
    "history_of": ("History of {name}", "{name}: geçmişi"),
    "of_release": (
        "You are reading one release at its own address; it does not change any more.",
        "Bir sürümü kendi adresinde okuyorsunuz; bu sürüm artık değişmez.",
    ),
    "of_release_now": ("The current one", "Geçerli sürüm"),
    "published": ("Published", "Yayım tarihi"),
    "releases": ("Releases", "Sürümler"),
    "releases_intro": (
        "Each release stays as it was published. Every address of the site stands also below it.",
        "Her sürüm yayımlandığı gibi kalır. Sitenin her adresi onun altında da vardır.",
    ),
    "removed": ("removed", "çıkarılan"),
    "since_at_least": ("first release that is kept", "saklanan ilk sürüm"),
    "since_before": ("since the one before", "öncekinden bu yana"),
    "software": ("Software", "Yazılım"),
    "unchanged": ("Nothing changed.", "Hiçbir şey değişmedi."),
    "whole_site": ("The site as of this release", "Bu sürümün sitesi"),
}
