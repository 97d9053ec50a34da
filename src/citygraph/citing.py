"""How to cite a release, a document or a result: as a sentence, BibTeX, CSL-JSON and CITATION.cff."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from citygraph.text import nfc, slug

# The commands by which LaTeX sets a mark over or under a letter.
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u ", "\u0307": ".",
    "\u0308": '"', "\u030a": "r ", "\u030b": "H ", "\u030c": "v ", "\u0327": "c ", "\u0328": "k ",
}  # fmt: skip
_LETTERS = {"ı": "{\\i}", "ø": "{\\o}", "Ø": "{\\O}", "ł": "{\\l}", "Ł": "{\\L}", "ß": "{\\ss}", "æ": "{\\ae}",
            "Æ": "{\\AE}", "–": "--", "—": "---", "’": "'", "‘": "`", "“": "``", "”": "''", "\u00a0": "~",
            "‑": "-"}  # fmt: skip
_SPECIAL = {"\\": "{\\textbackslash}", "~": "{\\textasciitilde}", "^": "{\\textasciicircum}",
            **{letter: f"\\{letter}" for letter in "&%$#_{}"}}  # fmt: skip
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LICENCE = "CC0-1.0"


@dataclass(frozen=True)
class Citation:
    """What is cited: `url` names it in the very release `release`, whose data have the digest `digest`."""

    title: str
    publisher: str
    url: str
    release: str
    digest: str
    issued: date
    accessed: date
    language: str = "en"
    kind: str = "dataset"  # or "document", "result"

    @property
    def key(self) -> str:
        """A name for it in a bibliography, in ASCII."""
        return f"{slug(self.publisher)}-{slug(self.title)[:40].strip('-') or self.kind}-{self.issued.year}"


def as_text(cited: Citation) -> str:
    """A sentence for a list of references."""
    words = _TURKISH if cited.language == "tr" else _ENGLISH
    return (
        f"{cited.publisher} ({cited.issued.year}). {cited.title}. {words['release']} {cited.release}, "
        f"{cited.issued.isoformat()}. {words['digest']} {cited.digest}. {cited.url} "
        f"({words['accessed']} {cited.accessed.isoformat()}).\n"
    )


def as_bibtex(cited: Citation) -> str:
    """An entry that BibTeX and biber both set rightly: letters beyond ASCII as commands, capitals protected."""
    fields = {
        "title": f"{{{latex(cited.title)}}}",
        "author": f"{{{latex(cited.publisher)}}}",
        "year": str(cited.issued.year),
        "month": _MONTHS[cited.issued.month - 1],
        "version": latex(cited.release),
        "url": cited.url,
        "urldate": cited.accessed.isoformat(),
        "howpublished": f"\\url{{{cited.url}}}",
        "note": f"Release {latex(cited.release)}, digest {cited.digest}; accessed {cited.accessed.isoformat()}",
    }
    lines = (f"  {name} = {value if name == 'month' else '{' + value + '}'}" for name, value in fields.items())
    return "@misc{" + cited.key + ",\n" + ",\n".join(lines) + "\n}\n"


def as_csl(cited: Citation) -> str:
    """CSL-JSON, which Zotero, pandoc and citeproc read."""
    entry = {
        "id": cited.key,
        "type": "webpage" if cited.kind == "document" else "dataset",
        "title": cited.title,
        "author": [{"literal": cited.publisher}],
        "publisher": cited.publisher,
        "issued": {"date-parts": [_parts(cited.issued)]},
        "accessed": {"date-parts": [_parts(cited.accessed)]},
        "version": cited.release,
        "URL": cited.url,
        "language": cited.language,
        "note": f"digest: {cited.digest}",
    }
    return json.dumps([entry], ensure_ascii=False, indent=2) + "\n"


def as_cff(cited: Citation) -> str:
    """CITATION.cff 1.2.0; its strings are written as JSON, which is YAML."""
    lines = {
        "cff-version": "1.2.0",
        "message": "If you use these data, please cite them as below.",
        "type": "dataset",
        "title": cited.title,
        "authors": [{"name": cited.publisher}],
        "version": cited.release,
        "date-released": cited.issued.isoformat(),
        "license": _LICENCE,
        "url": cited.url,
        "identifiers": [{"type": "other", "value": f"sha256:{cited.digest}", "description": "digest of the data"}],
    }
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in lines.items())


# The name of each form, its media type, and what writes it.
FORMS: Mapping[str, tuple[str, Callable[[Citation], str]]] = {
    "text": ("text/plain; charset=utf-8", as_text),
    "bibtex": ("application/x-bibtex; charset=utf-8", as_bibtex),
    "csl": ("application/vnd.citationstyles.csl+json", as_csl),
    "cff": ("application/yaml", as_cff),
}

_ENGLISH = {"release": "Release", "digest": "SHA-256", "accessed": "accessed"}
_TURKISH = {"release": "Sürüm", "digest": "SHA-256", "accessed": "erişim"}


def latex(text: str) -> str:
    """The text as LaTeX: İ is {\\.I}, ş {\\c s}, ı {\\i}; letters of other scripts stay as they are.

    >>> latex("İzmir & Şişli")
    '{\\\\.I}zmir \\\\& {\\\\c S}i{\\\\c s}li'
    """
    return "".join(_letter(letter) for letter in nfc(text))


def _letter(letter: str) -> str:
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if letter in _LETTERS:
        return _LETTERS[letter]
    parts = unicodedata.normalize("NFD", letter)
    base, mark = parts[0], parts[1:]
    if mark in _ACCENTS and base.isascii():
        # An accent takes the place of the dot of an i.
        under = "{\\i}" if base == "i" else base
        return f"{{\\{_ACCENTS[mark]}{under}}}"
    return letter


def _parts(day: date) -> list[int]:
    return [day.year, day.month, day.day]
