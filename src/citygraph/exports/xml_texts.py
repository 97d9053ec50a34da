"""Texts in XML 1.0: escaped, and without the characters that it cannot represent."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

# Most texts have none of these, and are written as they are.
_SPECIAL = re.compile('[&<>"\x00-\x1f\ud800-\udfff\ufffe\uffff]')
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def content(text: str) -> str:
    """Returns a text as the content of an element; what XML cannot represent becomes U+FFFD."""
    return text if _SPECIAL.search(text) is None else escape(_UNWRITABLE.sub("\ufffd", text), {"\r": "&#13;"})


def attribute(text: str) -> str:
    """Returns a text as the value of an attribute, in quotes."""
    if _SPECIAL.search(text) is None:
        return f'"{text}"'
    return quoteattr(_UNWRITABLE.sub("\ufffd", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})
