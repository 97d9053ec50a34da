"""Text functions: NFC, the search fold, Turkish sort keys, slugs, language tags, and safe cells for spreadsheets."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache, partial
from io import StringIO

from anyascii import anyascii
from markupsafe import Markup

# The order of characters at the first level of comparison: the root collation of Unicode CLDR 48, where punctuation
# comes before digits and these before letters. A letter that is not here sorts by the letters and marks it consists of.
_SIGNS = " _‾-‒–—―,;:!¡?¿.·'‹›\"«»()[]{}‖§¶@*/\\&#%‰†‡•′″`´^¯˘˙¨¸ʹʺˆˇˈˌ°©®+±÷×<=>¬|¦~¤¢$£¥€0123456789"
_LATIN = "abɓcƈdɖɗeǝəɛfƒgǥɠɣhʻʽijkƙlmnɲŋoɔɵpƥĸqrsʃtŧƭʈuʉʊvʋwxyƴzʒþƿʔʼʾʕʿ"
_CYRILLIC = "аәӕбвгғӻҕдђҙеєжҗзѕӡиійјкқӄҡҟҝлљмнңҥњоөпҧрсҫтҭћуүұфхҳһцҵчҷҹҽџшщъыьэюяҩӏ"
# Letters of their own (CLDR 48, tr.xml and az.xml), each with the letter after which it comes.
_OWN_LETTERS = {
    "tr": {"ç": "c", "ğ": "g", "ı": "ʽ", "ö": "o", "ş": "s", "ü": "u"},
    "az": {"ç": "c", "ə": "e", "ğ": "g", "x": "h", "ı": "ʽ", "q": "k", "ö": "o", "ş": "s", "ü": "u", "w": "z"},
    "de": {},  # DIN 5007-1: ä is sorted as a, and ß as ss
}
# Marks in their order at the second level; a mark that is not here comes last.
_MARKS = (
    "\u0332\u0313\u0314\u0301\u0300\u0306\u0302\u030c\u030a\u0308\u030b\u0303\u0307\u0338\u0327\u0328\u0304"
    "\u0335\u0305\u0309\u030f\u0310\u0311\u031b\u0323\u0324\u0325\u0326\u032d\u032e\u0330\u0331\u0361\u0363"
)
# Characters without a canonical decomposition that sort by others; \u0363 marks the difference of "æ" from "ae".
_SPELLED = {
    **{"đ": "d\u0335", "ħ": "h\u0335", "ł": "l\u0335", "ø": "o\u0338", "ð": "d\u0363", "ŀ": "l\u0363"},
    **{"æ": "a\u0363e", "œ": "o\u0363e", "ß": "s\u0363s", "ĳ": "ij", "ŉ": "ʼn", "ґ": "г\u0335"},
    **dict.fromkeys("‘’‚‛", "'"),
    **dict.fromkeys("“”„‟", '"'),
    **{"‐": "-", "‑": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "…": "..."},
}
_NOT_SLUG = re.compile(r"[^a-z0-9]+")
# Control and format characters, unpaired surrogates, and spaces and separators.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
_SPACES = re.compile(r"[\W_]+")
_WIKIDATA_ITEM = re.compile(
    r"(?:wd:|https?://(?:(?:www|m)\.)?wikidata\.org/(?:entity|wiki)/)?[Qq]([1-9][0-9]*)/?(?:[?#]\S*)?"
)
# Text that a spreadsheet would read as a formula; a ' in front makes it text (OWASP, CSV injection).
# Leading apostrophes are part of the pattern, so that the removal of one always restores the value.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
# Wikidata's tag for a name that is the same in most languages (ISO 639-2: multiple languages).
ALL_LANGUAGES = "mul"
# Of the characters before this one, the alphabets of most names, what has been found for each is kept.
_MOST_CACHED = 0x3000
_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
# The codes of two letters in IANA's Language Subtag Registry, those of ISO 639-1 and their former
# ones: the second letters by the first.
_CODES = {
    "a": "abefkmnrsvyz", "b": "aeghimnors", "c": "aehorsuvy", "d": "aevz", "e": "elnostu", "f": "afijory",
    "g": "adlnuv", "h": "aeiortuyz", "i": "adegiknostuw", "j": "aivw", "k": "agijklmnorsuvwy", "l": "abginotuv",
    "m": "ghiklnorsty", "n": "abdeglnorvy", "o": "cjmrs", "p": "ailst", "q": "u", "r": "mnouw",
    "s": "acdeghiklmnoqrstuvw", "t": "aeghiklnorstwy", "u": "gkrz", "v": "eio", "w": "ao", "x": "h", "y": "io",
    "z": "ahu",
}  # fmt: skip
_FIGURES = re.compile(r"[-+]?[0-9][-+0-9.,:;TZeE ]*")


def nfc(text: str) -> str:
    """Returns the text in Unicode normal form C, in which all text is stored and compared."""
    return unicodedata.normalize("NFC", text)


def wikidata_item(text: str) -> str | None:
    """Returns the QID that a text consists of: `Q1`, `wd:Q1`, or the address of the item or its page; else None.

    An address may end with a slash, a query or a fragment, as browsers copy it.
    """
    match = _WIKIDATA_ITEM.fullmatch(text)
    return f"Q{match[1]}" if match else None


def without_mark(text: str) -> str:
    """Returns the text without the byte order mark that some editors write in front."""
    return text.removeprefix("\ufeff")


def visible(text: str) -> str:
    """Returns the text for a message: an invisible character, such as U+FEFF, is replaced by its name."""
    return "".join(f"U+{ord(c):04X}" if unicodedata.category(c) in _UNSEEN and c not in " \n" else c for c in text)


def lower(text: str) -> str:
    """Returns the text in lower case by Turkish rules: İ becomes i, I becomes ı."""
    # `str.lower` would leave a combining dot after the i of İ.
    return nfc(text).replace("İ", "i").replace("I", "ı").lower()


def fold(text: str) -> str:
    """Returns the search form: letters without marks, in lower case, words joined by single spaces.

    All of Izmir, izmir, İZMİR and ızmır fold to "izmir"; other scripts are transliterated, so that
    Баку folds to "baku". Apostrophes and the letters like them do not count: Nukuʻalofa is "nukualofa".
    """
    # anyascii writes U+02BB, U+02BF and the Arabic ʿayn as a grave accent, U+02BC and U+02BE as an apostrophe.
    ascii_text = in_ascii(text).lower().replace("'", "").replace("`", "")
    return _SPACES.sub(" ", ascii_text).strip()


def in_ascii(text: str) -> str:
    """Returns the text in the letters of ASCII: İzmir becomes Izmir, Баку Baku."""
    return text if text.isascii() else nfc(text).translate(_IN_ASCII)


class _Transliteration(dict[int, str]):
    """The letters of ASCII for each character, found when they are needed."""

    def __missing__(self, code: int) -> str:
        letters = anyascii(chr(code))
        if code < _MOST_CACHED:
            self[code] = letters
        return letters


_IN_ASCII = _Transliteration()


def separates_words(character: str) -> bool:
    """Returns whether the search form has a space in place of a character, as for "-", and not for an apostrophe."""
    return fold(f"x{character}x") == "x x"


def slug(label: str) -> str:
    """Returns the last segment of an identifier: the English label in ASCII, lower case, hyphenated.

    >>> slug("İzmir Metropolitan Municipality")
    'izmir-metropolitan-municipality'
    """
    return _NOT_SLUG.sub("-", fold(label)).strip("-")


@lru_cache(20_000)
def collation_key(text: str, language: str = "tr") -> str:
    """Returns a sort key: the order of the ICU collation of Turkish, of Azerbaijani or of German.

    Letters count first, then their marks, then case; after that the text itself: ç after c, ı before i, â next to a.
    Readers of other languages get the Turkish order.
    """
    language = language.partition("-")[0]
    letters = nfc(text)
    if not letters:
        return text
    levels = _levels(language if language in _OWN_LETTERS else "tr")
    return "\0".join([*map(letters.translate, levels), text])


@cache
def _levels(language: str) -> tuple[_Level, ...]:
    """Returns the weights of characters at each level."""
    return tuple(_Level(language, number) for number in range(3))


class _Level(dict[int, str]):
    """The weights of characters at a level in the order of a language, found when they are needed."""

    def __init__(self, language: str, number: int) -> None:
        super().__init__()
        self._language, self._number = language, number

    def __missing__(self, code: int) -> str:
        weight = _weights(chr(code), self._language)[self._number]
        if code < _MOST_CACHED:
            self[code] = weight
        return weight


@lru_cache(20_000)
def _weights(letter: str, language: str) -> tuple[str, str, str]:
    """Returns the weights of a character in Unicode normal form C at the three levels."""
    if unicodedata.category(letter) in ("Cc", "Cf"):  # invisible, such as a soft hyphen
        return "", "", ""
    case, places = "\2" if lower(letter) != letter else "\1", _places(language)
    first = second = third = ""
    for part in _parts(letter, places):
        if unicodedata.combining(part):
            second, third = second + _second_weight(part), third + "\1"
        else:
            first, second, third = first + _first_weight(part, places), second + "\1", third + case
    return first, second, third


def _parts(letter: str, places: Mapping[str, str]) -> list[str]:
    """Returns the letters and marks of which a character consists, in lower case; whole if it has a place itself."""
    if lower(letter) in places:
        return [lower(letter)]
    # Before lower case: "Î" is an I with a mark, which sorts with ı, and "î" an i.
    parts = [part for one in unicodedata.normalize("NFD", letter) for part in _SPELLED.get(lower(one), lower(one))]
    # "ǖ" is a letter with a mark: ü with a macron.
    while len(parts) > 1 and (whole := nfc(parts[0] + parts[1])) in places:
        parts[:2] = [whole]
    return parts


def _second_weight(mark: str) -> str:
    return chr(2 + (_MARKS.index(mark) if mark in _MARKS else len(_MARKS)))


def _first_weight(part: str, places: Mapping[str, str]) -> str:
    if part in places:
        return places[part]
    if part.isdecimal():
        return places[str(unicodedata.decimal(part))]
    # Other letters follow the Latin alphabet, script after script; other signs precede it.
    return max("\u0200", part) if part.isalpha() else places["€"]


@cache
def _places(language: str) -> Mapping[str, str]:
    """Returns the weights of signs and letters at the first level in the order of a language."""
    latin = _LATIN
    for own, after in _OWN_LETTERS[language].items():
        latin = latin.replace(own, "").replace(after, after + own)
    places = {letter: chr(1 + place) for place, letter in enumerate(_SIGNS + latin)}
    # In lower case, I is ı; where that is not a letter of its own, it has the place of i.
    places.setdefault("ı", places["i"])
    return places | {letter: chr(ord("\u0400") + place) for place, letter in enumerate(_CYRILLIC)}


def matches_language(tag: str, language: str) -> bool:
    """Returns whether a language tag is in a basic language range: en-GB is in "en" (RFC 4647, section 3.3.1)."""
    tag, language = tag.lower(), language.lower()
    return tag == language or tag.startswith(f"{language}-") or (language == "*" and tag != "")


def is_language_tag(text: str) -> bool:
    """Returns whether a text has the form of a language tag (BCP 47); a code of two letters must be a language's."""
    code = text.partition("-")[0].lower()
    return bool(_TAG.fullmatch(text)) and (len(code) > len("en") or code[1] in _CODES.get(code[0], ""))


def language_of_country(code: str) -> str:
    """Returns the main language of the country with this code of two letters, such as el for gr; "" for other text."""
    # Only after a mistake: the data take long to load.
    from babel import Locale
    from babel.core import get_global

    country = code.strip().upper()
    if len(country) != len("GR") or country not in Locale("en").territories:
        return ""
    likely: Mapping[str, str] = get_global("likely_subtags")
    return likely.get(f"und_{country}", "en").partition("_")[0]


def language_problem(tag: str) -> str:
    """Returns why a text is no language tag, with the language that may be meant; "" if it is one."""
    if is_language_tag(tag):
        return ""
    language = language_of_country(tag.partition("-")[0])
    hint = f": did you mean {language!r}?" if language else ", such as de or de-AT"
    return f"{tag!r} is not the tag of a language{hint}"


def best_tag(tags: Iterable[str], *languages: str) -> str | None:
    """Returns the tag for the first language that has one: the language itself, else the first variant by alphabet."""
    by_name = sorted(tags, key=str.lower)
    return next((tag for language in languages for tag in by_name if matches_language(tag, language)), None)


def guarded(text: str) -> str:
    """Returns free text as a cell that no spreadsheet executes; the removal of one apostrophe restores it."""
    return f"'{text}" if _FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Returns a text as it was before `guarded`."""
    return text[1:] if text.startswith("'") and guarded(text[1:]) == text else text


def guarded_cell(text: str) -> str:
    """Returns a value of any kind as a safe cell; the sign of a number, date or pair of coordinates is kept."""
    return text if _FIGURES.fullmatch(text) else guarded(text)


def csv_line(cells: Iterable[object], delimiter: str = ",") -> str:
    """Returns cells as a line of CSV that ends with a line feed."""
    # A writer whose line end is "\n" puts no quotes around a carriage return, at which readers would end the row.
    out = StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n") + "\n"


# Marks a text that is HTML already, with all values in it escaped. Markup itself looks at the text first, which takes
# five times as long, and a page has hundreds.
trusted: Callable[[str], Markup] = partial(str.__new__, Markup)

_SPECIAL = re.compile("[&<>'\"]")


def escaped(text: str) -> str:
    """Returns a text escaped for HTML, in an element or an attribute: like markupsafe.escape, but a plain string.

    A page has hundreds of short texts, nearly all without special characters.
    """
    if _SPECIAL.search(text) is None:
        return text
    text = text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;")
    return text.replace("'", "&#39;").replace('"', "&#34;")
