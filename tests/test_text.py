"""Text as Turkish needs it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygraph.text import best_tag, collation_key, fold, lower, matches_language, nfc, separates_words, slug


@pytest.mark.parametrize("name", ["Izmir", "izmir", "İZMİR", "ızmır", "IZMIR", unicodedata.normalize("NFD", "İzmir")])
def test_all_spellings_of_izmir_fold_alike(name: str) -> None:
    """Whoever types İzmir without the right keyboard finds it."""
    assert fold(name) == "izmir"


@pytest.mark.parametrize(
    ("name", "folded"),
    [("Баку", "baku"), ("Bakı", "baki"), ("Plzeň", "plzen"), ("Bălți", "balti"), ("Türkmenabat", "turkmenabat"),
     ("Tel Aviv-Yafo", "tel aviv yafo"), ("İzmir'in", "izmirin"), ("  a  b ", "a b"), ("", "")],
)  # fmt: skip
def test_fold_takes_marks_scripts_and_punctuation_away(name: str, folded: str) -> None:
    """The search form has plain letters and single spaces."""
    assert fold(name) == folded


def test_slug_is_the_english_label_in_ascii() -> None:
    """A slug never has a mark, a capital or a space."""
    assert slug("İzmir Metropolitan Municipality") == "izmir-metropolitan-municipality"
    assert slug("Bălți") == "balti"


def test_lower_knows_the_turkish_i() -> None:
    """İ becomes i without a combining dot, I becomes ı."""
    assert lower("İZMİR ILICA") == "izmir ılıca"


def test_turkish_order() -> None:
    """ç after c, ı before i, ö after o, ş after s; digits and spaces first."""
    words = ["şark", "sarı", "çam", "can", "ılıca", "incir", "İzmir", "öz", "oz", "Zonguldak", "2026", "ığdır"]
    assert sorted(words, key=collation_key) == [
        "2026", "can", "çam", "ığdır", "ılıca", "incir", "İzmir", "oz", "öz", "sarı", "şark", "Zonguldak",
    ]  # fmt: skip


def test_german_order() -> None:
    """Umlauts sort as their vowels, ß as ss, and I as i (DIN 5007-1; 14 §1)."""
    words = [
        "Zürich",
        "Izmir",
        "Ingolstadt",
        "Öhringen",
        "Olten",
        "Oz",
        "Aachen",
        "Äpfingen",
        "Azur",
        "Straße",
        "Strasser",
        "istrien",
    ]
    assert sorted(words, key=lambda word: collation_key(word, "de-CH")) == [
        "Aachen", "Äpfingen", "Azur", "Ingolstadt", "istrien", "Izmir", "Öhringen", "Olten", "Oz", "Straße", "Strasser",
        "Zürich",
    ]  # fmt: skip


EXPECTED = Path(__file__).parent / "expected"


@pytest.mark.parametrize(("language", "file"), [("tr", "turkish-order.txt"), ("az", "azerbaijani-order.txt")])
def test_names_are_sorted_as_icu_sorts_them(language: str, file: str) -> None:
    """Names from a gazetteer, with accents, apostrophes and brackets, are in the order of ICU's collator (13.18)."""
    lines = (EXPECTED / file).read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if not line.startswith("#")]
    assert sorted(sorted(names), key=lambda name: collation_key(name, language)) == names


def test_a_mark_counts_after_all_letters() -> None:
    """Kâğıthane comes before Kayseri: â is an a with a mark, not a letter of its own (13.18)."""
    names = ["Kayseri", "Kâğıthane", "Kars", "Kadıköy", "kars", "Kârs"]
    assert sorted(names, key=collation_key) == ["Kadıköy", "Kâğıthane", "kars", "Kars", "Kârs", "Kayseri"]


@pytest.mark.parametrize("apostrophe", "'`´ʹʻʼʽʾʿˈˊˋ‘’‛′‵ꞌ＇׳՚")
def test_letters_like_apostrophes_do_not_count(apostrophe: str) -> None:
    """Nuku'alofa is found however its fakauʻa is typed, and has one slug (13.18)."""
    assert fold(f"Nuku{apostrophe}alofa") == "nukualofa"
    assert slug(f"Qo{apostrophe}qon") == "qoqon"
    assert not separates_words(apostrophe)


def test_hyphens_and_quotes_separate_words() -> None:
    """What is not like an apostrophe becomes a space (13.18)."""
    assert [separates_words(sign) for sign in '-/ ",('] == [True] * 6
    assert fold("عمان") == "mn"


@given(st.text(max_size=60))
def test_fold_is_stable_and_blind_to_normal_forms(text: str) -> None:
    """Folding twice changes nothing, and NFD folds like NFC."""
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(nfc(text))


@pytest.mark.parametrize(
    ("tag", "language", "expected"),
    [("en-GB", "en", True), ("EN-gb", "en-GB", True), ("en", "en-GB", False), ("eng", "en", False), ("", "en", False),
     ("de", "*", True), ("", "*", False), ("", "", True), ("en", "", False), ("zh-Hant-TW", "zh-Hant", True)],
)  # fmt: skip
def test_language_ranges(tag: str, language: str, expected: bool) -> None:
    """Basic filtering of RFC 4647: a range matches its tag and those that continue it after a hyphen (13.4)."""
    assert matches_language(tag, language) is expected


def test_the_language_itself_comes_before_its_variants() -> None:
    """The best tag is the exact one, else the first variant; a later language counts only if there is none (13.4)."""
    assert best_tag(["en-US", "en", "tr"], "en") == "en"
    assert best_tag(["en-US", "en-GB", "tr"], "en") == "en-GB"
    assert best_tag(["en-US", "tr-TR"], "tr", "en") == "tr-TR"
    assert best_tag(["de"], "tr", "en") is None
