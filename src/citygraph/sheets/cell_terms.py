"""The terms of cells whose text alone decides: numbers, yes and no, items of Wikidata, addresses, language tags."""

from __future__ import annotations

import re

from pyoxigraph import Literal, NamedNode

from citygraph.rdf.terms import WD, XSD
from citygraph.sheets.cell_problems import CellRule
from citygraph.sheets.cell_texts import in_plain_signs
from citygraph.sheets.table_model import SUFFIX
from citygraph.text import fold, is_language_tag, slug, wikidata_item

NOT_A_NUMBER = CellRule("number", "{value} is not a number.", "Write digits, such as 12345 or 54.35.")
NOT_A_QID = CellRule("qid", "{value} is not an item of Wikidata.", "Write Q and a number, such as Q1792.")
NOT_A_URL = CellRule(
    "url", "{value} is not a web address.", "Begin the address with https:// or http://, and write %20 for a space."
)
NOT_YES_NO = CellRule("yes-no", "{value} is neither yes nor no.", "Write yes or no.")
NO_LANGUAGE = CellRule("language", "{value} is not a language tag.", "Write a tag such as en, de or tr.")
NO_SUFFIX = CellRule("suffix", "{value} has neither letters nor digits.", "Write a year, a number or a word.")
COUNTRY_CODE = CellRule(
    "language-country",
    "{value} is the code of a country, not of a language.",
    "Write the code of the language, such as {language}.",
)

_NUMBER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:[ \u00a0\u202f'.,][0-9]{3})+")
_URL = re.compile(r"https?://[^\s<>\"{}|\\^`]+")
_YES = frozenset(map(fold, ("yes", "true", "evet", "ja", "bəli", "1")))
_NO = frozenset(map(fold, ("no", "false", "hayır", "nein", "xeyr", "0")))


def _number(text: str) -> Literal | None:
    if "٫" in text:  # always the sign of decimals
        return None
    text = in_plain_signs(text)
    plain = re.sub(r"[^0-9]", "", text) if _GROUPED.fullmatch(text) else text
    return Literal(str(int(plain)), datatype=XSD("integer")) if _NUMBER.fullmatch(plain) else None


def _decimal(text: str) -> Literal | None:
    text = in_plain_signs(text)
    plain = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    return Literal(plain, datatype=XSD("decimal")) if _DECIMAL.fullmatch(plain) else None


def _yes_no(text: str) -> Literal | None:
    folded = fold(text)
    return Literal(folded in _YES) if folded in _YES | _NO else None


def _qid(text: str) -> NamedNode | None:
    qid = wikidata_item(in_plain_signs(text))
    return WD(qid) if qid else None


def _url(text: str) -> NamedNode | None:
    return NamedNode(text) if _URL.fullmatch(text) else None


def _language(text: str) -> Literal | None:
    return Literal(text) if is_language_tag(text) else None


def _suffix(text: str) -> Literal | None:
    return Literal(text) if slug(text) else None


PLAIN_TERMS = {
    "number": _number,
    "decimal": _decimal,
    "yes_no": _yes_no,
    "qid": _qid,
    "url": _url,
    "language": _language,
    SUFFIX: _suffix,
}
RULE_OF = {
    "number": NOT_A_NUMBER,
    "decimal": NOT_A_NUMBER,
    "yes_no": NOT_YES_NO,
    "qid": NOT_A_QID,
    "url": NOT_A_URL,
    "language": NO_LANGUAGE,
    SUFFIX: NO_SUFFIX,
}
