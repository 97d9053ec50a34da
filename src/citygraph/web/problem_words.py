"""What the pages of errors say in Turkish, and how the members of a problem are called there."""

from __future__ import annotations

from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "bad-request": "İstek anlaşılmadı",
    "syntax-error": "Sorguda söz dizimi hatası var",
    "not-acceptable": "Kabul edilen biçimlerden hiçbiri üretilmiyor",
    "unsupported-media": "Gövdenin türü okunmuyor",
    "method-not-allowed": "Bu adreste böyle bir yöntem yok",
    "too-large": "İstek bir sınırı aşıyor",
    "bad-data": "Veri okunamıyor",
    "not-found": "Burada böyle bir şey yok",
    "gone": "Bu geri çekildi",
    "unauthorized": "Bir anahtar gerekiyor",
    "forbidden": "Buna izin verilmiyor",
    "violations": "Veri şekillerine uymuyor",
    "conflict": "Veri bu arada değişti ya da başka yerde tutuluyor",
    "busy": "Çok fazla sorgu çalışıyor",
    "too-many-requests": "Bir kerede çok fazla istediniz",
    "time-limit": "Sorgu süre sınırına ulaştı",
    "memory-limit": "Sorgu bellek sınırına ulaştı",
    "size-limit": "Sonuç boyut sınırına ulaştı",
    "cancelled": "Sorgu istek üzerine durduruldu",
    "engine-failed": "Sorgu değerlendirilemedi",
    "wrong-graph": "Bu çizge burada değiştirilemez",
    "storage-full": "Diskte bunun için yer yok",
    "precondition-failed": "Çizge bildiğiniz çizge değil",
    "upstream": "Başka bir hizmet başarısız oldu",
    "internal-error": "Sunucuda bir hata var",
}
_MEMBERS: Mapping[str, tuple[str, str]] = {
    "since": ("Since", "Tarih"),
    "replaced_by": ("Use instead", "Yerine kullanın"),
    "offered": ("There are", "Olanlar"),
    "accepted": ("Read are", "Okunanlar"),
    "allowed": ("Allowed are", "İzin verilenler"),
    "limit": ("Limit", "Sınır"),
    "elapsed": ("Seconds spent", "Geçen saniye"),
    "line": ("Line", "Satır"),
    "column": ("Column", "Sütun"),
    "file": ("File", "Dosya"),
    "construct": ("Refused", "Reddedilen"),
    "members": ("Members", "Alanlar"),
}


def title(slug: str, english: str, language: str) -> tuple[str, str]:
    """The title of a kind of problem, and the language that it is in."""
    turkish = TITLES.get(slug) if language == "tr" else None
    return (turkish, "tr") if turkish else (english, "en")


def member(name: str, language: str) -> str:
    """What a member of a problem is called."""
    return _MEMBERS[name][language == "tr"] if name in _MEMBERS else name
