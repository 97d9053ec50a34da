"""Dates in cells, as people write them."""

from __future__ import annotations

from unicodedata import combining, normalize

import pytest

from citygraph.catalogues import catalogue_languages
from citygraph.instance import current_instance
from citygraph.rdf.terms import XSD
from citygraph.sheets.cell_problems import CellRule
from citygraph.sheets.dates import (
    AMBIGUOUS,
    NO_SUCH_DAY,
    NOT_A_DATE,
    OTHER_CALENDAR,
    SERIAL,
    TWO_DIGIT_YEAR,
    read_date,
)
from citygraph.source.instance_languages import month_names, weekday_names


@pytest.mark.parametrize(
    ("text", "value", "type_"),
    [
        ("24.04.1996", "1996-04-24", "date"),
        ("4. 4. 1996", "1996-04-04", "date"),
        ("24/04/1996", "1996-04-24", "date"),
        ("04/24/1996", "1996-04-24", "date"),
        ("04/04/1996", "1996-04-04", "date"),
        ("1996-04-24", "1996-04-24", "date"),
        ("1996/4/24", "1996-04-24", "date"),
        ("24. April 1996", "1996-04-24", "date"),
        ("April 24th, 1996", "1996-04-24", "date"),
        ("24 Nisan 1996", "1996-04-24", "date"),
        ("24.April 1996", "1996-04-24", "date"),
        ("24-Apr-1996", "1996-04-24", "date"),
        ("24-Nis-1996", "1996-04-24", "date"),
        ("24 Nisan 1996 Çarşamba", "1996-04-24", "date"),
        ("24 NİSAN 1996, ÇARŞAMBA", "1996-04-24", "date"),
        ("Wednesday, April 24, 1996", "1996-04-24", "date"),
        ("Mittwoch, 24. April 1996", "1996-04-24", "date"),
        ("Eylül-1991", "1991-09", "gYearMonth"),
        ("Mayıs 1985", "1985-05", "gYearMonth"),
        ("MAYIS 1985", "1985-05", "gYearMonth"),
        ("April 1996", "1996-04", "gYearMonth"),
        ("März 1996", "1996-03", "gYearMonth"),
        ("Sept. 1996", "1996-09", "gYearMonth"),
        ("1985-05", "1985-05", "gYearMonth"),
        ("05.1985", "1985-05", "gYearMonth"),
        ("1985", "1985", "gYear"),
        ("-0752", "-0752", "gYear"),
        ("27.X.1992 r.", "1992-10-27", "date"),
        ("27 X 1992", "1992-10-27", "date"),
        ("27 x 1992", "1992-10-27", "date"),
        ("XII 1993", "1993-12", "gYearMonth"),
        ("21.06.1988 r.", "1988-06-21", "date"),
        ("21.06.1988r.", "1988-06-21", "date"),
        ("24.04.1996 г.", "1996-04-24", "date"),
        ("1988 r.", "1988", "gYear"),
        ("1996. 04. 24.", "1996-04-24", "date"),
        ("1992‑10‑27", "1992-10-27", "date"),
        ("27–10–1992", "1992-10-27", "date"),
        ("1992-10-27 00:00:00", "1992-10-27", "date"),
        ("1992-10-27T00:00:00.000Z", "1992-10-27", "date"),
        ("\u200e24/04/1996", "1996-04-24", "date"),
        ("１９６２．１２．１８", "1962-12-18", "date"),
        ("٢٠٢٠", "2020", "gYear"),
    ],
)
def test_a_date_keeps_the_precision_in_which_it_is_written(text: str, value: str, type_: str) -> None:
    """Nothing is padded with an invented day."""
    literal = read_date(text).literal
    assert literal is not None
    assert (literal.value, literal.datatype) == (value, XSD(type_))


def spelled(name: str) -> set[str]:
    """A name as written, in capitals, and without accents."""
    bare = "".join(one for one in normalize("NFD", name) if not combining(one))
    return {name, name.upper(), normalize("NFC", bare)}


@pytest.mark.parametrize("language", sorted({*catalogue_languages(), *current_instance().languages, "el", "fr", "ru"}))
def test_every_name_of_a_month_is_read_in_the_languages_of_the_instance(language: str) -> None:
    """As in a date and as in a calendar (Απριλίου, Απρίλιος), whole and abbreviated; those of the site always."""
    languages = () if language in catalogue_languages() else (language,)
    for number, names in month_names(language).items():
        for name in (one for each in names for one in spelled(each)):
            literal = read_date(f"24 {name} 1996", "", languages).literal
            assert literal is not None, name
            assert literal.value == f"1996-{number:02}-24", name


@pytest.mark.parametrize("language", sorted({*catalogue_languages(), "el"}))
def test_every_name_of_a_weekday_is_read(language: str) -> None:
    """In front of the date and behind it, also one of two words; it must be that of the day."""
    for number, names in weekday_names(language).items():
        day = 22 + number  # 22 April 1996 was a Monday
        for text in (f"{names_}, {day}.04.1996" for names_ in names):
            literal = read_date(text, "", ("el",)).literal
            assert literal is not None, text
            assert literal.value == f"1996-04-{day}"
        assert read_date(f"{min(names)}, {day + 1}.04.1996", "", ("el",)).rule == NO_SUCH_DAY


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        *((text, NOT_A_DATE) for text in ("в 1996 г.", "v 1996", "i 1996", "I 1996", "X. 1996")),
        *((text, NOT_A_DATE) for text in ("2010–11", "1996–97", "–1996", "1996 – 1999", "۱۹۹۶–۹۷")),
        *((text, NOT_A_DATE) for text in ("–1996 г.", "–1996.", "2010–11.", "2010–11 г.")),
        *((text, NOT_A_DATE) for text in ("~April 1996", "<April 1996", "[April] 1996", "April* 1996", "'April' 1996")),
        *((text, OTHER_CALENDAR) for text in ("۱۳۷۵/۰۲/۰۵", "١٤١٦", "๒๕๓๙", "เมษายน 2539", "2539")),
        *((text, NO_SUCH_DAY) for text in ("昭和64年1月8日", "昭和元年1月1日", "平成100年", "平成31年5月", "令和0年")),
        ("令和500年", NO_SUCH_DAY),
    ],
)
def test_what_is_no_certain_date_is_an_error(text: str, rule: CellRule) -> None:
    """In 1996 in other languages, a range, a doubt, another calendar, a day after or before an era."""
    reading = read_date(text, "", ("th", "ru", "cs"))
    assert (reading.literal, reading.rule) == (None, rule)


@pytest.mark.parametrize(
    ("text", "value"),
    [("昭和64年1月7日", "1989-01-07"), ("昭和64年", "1989"), ("令和元年5月1日", "2019-05-01"), ("1375", "1375")],
)
def test_the_first_and_last_days_of_an_era_are_in_it(text: str, value: str) -> None:
    """Two eras share a year. A year of the Middle Ages may be in digits of ASCII."""
    literal = read_date(text, "", ("ja",)).literal
    assert literal is not None
    assert literal.value == value


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("24 de abril de 1996", "es", "1996-04-24"),
        ("abril de 1996", "es", "1996-04"),
        ("24 d’abril del 1996", "ca", "1996-04-24"),
        ("1er avril 1996", "fr", "1996-04-01"),
        ("24 апреля 1996 г.", "ru", "1996-04-24"),
        ("24 kwietnia 1996 r.", "pl", "1996-04-24"),
        ("1996. április 24.", "hu", "1996-04-24"),
        ("1996 m. balandžio 24 d.", "lt", "1996-04-24"),
        ("Τετάρτη, 24 Απριλίου 1996", "el", "1996-04-24"),
        ("ΜΑΪΟΣ 1985", "el", "1985-05"),
        ("24 of April 1996", "en", "1996-04-24"),
        ("1º de maio de 1993", "pt", "1993-05-01"),
        ("dnia 12 maja 1993 r.", "pl", "1993-05-12"),
        ("٢٤ أبريل ١٩٩٦", "ar", "1996-04-24"),
        ("24 באפריל 1996", "he", "1996-04-24"),
        ("24 अप्रैल 1996", "hi", "1996-04-24"),
        ("ngày 24 tháng 4 năm 1996", "vi", "1996-04-24"),
        ("tháng 4 năm 1996", "vi", "1996-04"),
        ("1962年12月18日", "ja", "1962-12-18"),
        ("１９６２年１２月", "ja", "1962-12"),
        ("1962年12月18日（火）", "ja", "1962-12-18"),
        ("昭和37年12月18日", "ja", "1962-12-18"),
        ("平成元年", "ja", "1989"),
        ("民國85年4月24日", "zh", "1996-04-24"),
        ("1987년 7월 31일", "ko", "1987-07-31"),
    ],
)
def test_dates_are_read_as_the_language_writes_them(text: str, language: str, value: str) -> None:
    """With the words between day, month and year; only in an instance with this language."""
    literal = read_date(text, "", (language,)).literal
    assert literal is not None
    assert literal.value == value


def test_a_name_of_two_months_is_ambiguous() -> None:
    """Listopad is October in Croatian and November in Czech."""
    reading = read_date("24. listopad 1996", "", ("hr", "cs"))
    assert (reading.literal, reading.rule) == (None, AMBIGUOUS)
    assert dict(reading.values) == {"first": "1996-10-24", "second": "1996-11-24"}
    assert read_date("24 Απριλίου 1996").rule == NOT_A_DATE


def test_an_ambiguous_day_names_both_readings() -> None:
    """Only a mapping can decide."""
    reading = read_date("03/04/1996")
    assert (reading.literal, reading.rule) == (None, AMBIGUOUS)
    assert dict(reading.values) == {"first": "1996-04-03", "second": "1996-03-04"}
    decided = [read_date("03/04/1996", order).literal for order in ("dmy", "mdy")]
    assert [literal.value for literal in decided if literal] == ["1996-04-03", "1996-03-04"]


def test_a_year_of_two_digits_names_both_centuries() -> None:
    """24.4.96 is not the year 96."""
    reading = read_date("24.4.96")
    assert (reading.rule, dict(reading.values)) == (TWO_DIGIT_YEAR, {"first": "1996", "second": "2096"})


def test_a_stored_day_number_names_its_day_in_both_systems() -> None:
    """A spreadsheet shows such numbers when a column of dates has lost its format."""
    reading = read_date("35179")
    assert (reading.rule, dict(reading.values)) == (SERIAL, {"first": "1996-04-24", "second": "2000-04-25"})


@pytest.mark.parametrize(
    "text",
    [
        "30.02.1996",
        "1996-13",
        "1996-02-30",
        "31 April 1996",
        "0000-01-01",
        "24 Nisan 1996 Pazartesi",
        "1962年12月18日（水）",
    ],
)
def test_a_day_that_the_calendar_lacks_is_an_error(text: str) -> None:
    """It is never moved to the next month."""
    assert read_date(text).rule == NO_SUCH_DAY


@pytest.mark.parametrize(
    "text",
    ["soon", "April", "24.04.", "1996?", "ca. 1996", "1996-1998", "199", "24.04.19966", "霊亀2年", "24 XIII 1996"],
)
def test_text_that_is_no_date_is_an_error(text: str) -> None:
    """It never vanishes."""
    assert read_date(text).rule == NOT_A_DATE
