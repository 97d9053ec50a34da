"""Rules about the text of a cell, whatever the file is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from citygraph.sheets.cell_problems import WARNING, CellAddress, CellProblem, CellRule
from citygraph.text import nfc

ERROR_VALUE = CellRule(
    "cell-error",
    "The cell has the error {value} instead of a value.",
    "Correct the formula, or write the value. An empty cell means that the value is unknown.",
)
LONG_TEXT = CellRule(
    "cell-length",
    "The text has {number} characters; a cell of a spreadsheet keeps at most {most}.",
    "Shorten the text.",
)
CONTROL = CellRule(
    "cell-control",
    "The text has the invisible control character {character}.",
    "Delete the character, or write the text again.",
)
LOST_LETTER = CellRule(
    "cell-lost-letter",
    "The text has the mark � where a letter was lost.",
    "Write the letter again. It was lost when the file was saved or opened in another encoding.",
)
WRONG_LETTERS = CellRule(
    "cell-letters",
    "{value} looks like {repaired}, read in a wrong encoding.",
    "Write {repaired}, or open the file with the encoding in which it was saved.",
    WARNING,
)

MOST_LETTERS = 32_767  # of a cell in Excel, in UTF-16
# As English, German and Turkish programs write them, and LibreOffice.
_ERROR = re.compile(r"#(?:N/A|NV|YOK|N/D)|#[\w/]+[!?]|#{3,}|Err:[0-9]{3}|#GETTING_DATA")
_PLAIN = re.compile(r"(?:[!-~]+(?: [!-~]+)*)?")
_CODE_PAGES = ("cp1252", "cp1254")


def is_error(text: str) -> bool:
    """Returns whether a text is a spreadsheet's error value, the result of a failed formula."""
    return text.startswith(("#", "Err:")) and _ERROR.fullmatch(text) is not None


def cleaned(text: str) -> str:
    """Returns the text in NFC, with line ends as \\n and single spaces between words."""
    if _PLAIN.fullmatch(text):
        return text
    lines = nfc(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(" ".join(line.split()) for line in lines).strip()


def in_plain_signs(text: str) -> str:
    """Returns a date, number or tag with the digits, hyphens and letters of ASCII that other keyboards have."""
    return text if text.isascii() else text.translate(_PLAIN_SIGNS)


class _PlainSigns(dict[int, int | str | None]):
    """The sign of ASCII for each character that stands for it. Marks of the direction of writing have none."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if 0xFF01 <= code <= 0xFF5E:  # full width
            return chr(code - 0xFEE0)
        return str(unicodedata.decimal(sign)) if sign.isdecimal() else sign


_PLAIN_SIGNS = _PlainSigns(
    str.maketrans(
        "\u2010\u2011\u2012\u2013\u2212\u3000\u066b\u066c",
        "----- .'",
        "\u200e\u200f\u061c\u202a\u202b\u202c\u2066\u2067\u2068\u2069",
    )
)


def problems_of_text(text: str, address: CellAddress) -> Iterator[CellProblem]:
    """Yields the problems of a cell's text."""
    if is_error(text):
        yield CellProblem(ERROR_VALUE, address, text)
    if len(text) > MOST_LETTERS // 2 and (number := len(text.encode("utf-16-le", "surrogatepass")) // 2) > MOST_LETTERS:
        yield CellProblem(LONG_TEXT, address, text[:60], {"number": number, "most": MOST_LETTERS})
    if "\ufffd" in text:
        yield CellProblem(LOST_LETTER, address, text[:60])
    if not text.isprintable():
        control = next((one for one in text if one != "\n" and unicodedata.category(one) in ("Cc", "Cs")), "")
        if control:
            yield CellProblem(CONTROL, address, text[:60], {"character": f"U+{ord(control):04X}"})
    if not text.isascii() and (repaired := _repaired(text)):
        yield CellProblem(WRONG_LETTERS, address, text, {"repaired": repaired})


def _repaired(text: str) -> str:
    """Returns the text that was UTF-8 and was read in the encoding of Windows: "Ä°zmir" is "İzmir"."""
    for code_page in _CODE_PAGES:
        try:
            return text.encode(code_page).decode("utf-8")
        except UnicodeError:
            continue
    return ""
