"""The forms of a citation: a sentence, BibTeX, CSL-JSON, RIS and CITATION.cff."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from citygraph.instance import current_instance
from citygraph.text import nfc, slug
from citygraph.web.view.translations import Translations

# LaTeX commands for combining marks.
_MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328"
_ACCENTS = dict(zip(_MARKS, ("`", "'", "^", "~", "=", "u ", ".", '"', "r ", "H ", "v ", "c ", "k "), strict=True))
_LETTERS = {
    "ı": "{\\i}",
    "ø": "{\\o}",
    "Ø": "{\\O}",
    "ł": "{\\l}",
    "Ł": "{\\L}",
    "ß": "{\\ss}",
    "æ": "{\\ae}",
    "Æ": "{\\AE}",
    "–": "--",
    "—": "---",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "\u00a0": "~",
    "‑": "-",
    "\\": "{\\textbackslash}",
    "~": "{\\textasciitilde}",
    "^": "{\\textasciicircum}",
    **{letter: f"\\{letter}" for letter in "&%$#_{}"},
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Citation:
    """A citation: `url` addresses the cited thing in the release `release`, whose data have the digest `digest`.

    A stored result has a digest too, `result`, and a number of rows.
    """

    title: str
    publisher: str
    url: str
    release: str
    digest: str
    issued: date
    accessed: date
    language: str = "en"
    kind: str = "dataset"  # or "document", "result"
    result: str = ""
    rows: int = 0

    @property
    def key(self) -> str:
        """The key of the entry in a bibliography, in ASCII."""
        of_result = f"-{self.result[:8]}" if self.result else ""
        return f"{slug(self.publisher)}-{slug(self.title)[:40].strip('-') or self.kind}-{self.issued.year}{of_result}"


def as_text(cited: Citation) -> str:
    """Returns a sentence for a list of references."""
    _ = Translations(cited.language)
    release, accessed = _("Release"), _("accessed")
    rows = _.count("{number} row", "{number} rows", cited.rows)
    result = f"{rows}, SHA-256 {cited.result}. " if cited.result else ""
    return (
        f"{cited.publisher} ({cited.issued.year}). {cited.title}. {result}{release} {cited.release}, "
        f"{cited.issued.isoformat()}. SHA-256 {cited.digest}. {cited.url} "
        f"({accessed} {cited.accessed.isoformat()}).\n"
    )


def as_bibtex(cited: Citation) -> str:
    """Returns an entry for BibTeX and biber: letters beyond ASCII as commands, capitals protected."""
    fields = {
        "title": f"{{{latex(cited.title)}}}",
        "author": f"{{{latex(cited.publisher)}}}",
        "year": str(cited.issued.year),
        "month": _MONTHS[cited.issued.month - 1],
        "version": latex(cited.release),
        "url": cited.url,
        "urldate": cited.accessed.isoformat(),
        "howpublished": f"\\url{{{cited.url}}}",
        "note": f"Release {latex(cited.release)}, {_digests(cited)}; accessed {cited.accessed.isoformat()}",
    }
    lines = (f"  {name} = {value if name == 'month' else '{' + value + '}'}" for name, value in fields.items())
    return "@misc{" + cited.key + ",\n" + ",\n".join(lines) + "\n}\n"


def as_csl(cited: Citation) -> str:
    """Returns CSL-JSON, which Zotero, pandoc and citeproc read."""
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
        "note": f"digest: {cited.digest}" + (f"; digest of the result: {cited.result}" if cited.result else ""),
    }
    return json.dumps([entry], ensure_ascii=False, indent=2) + "\n"


def as_ris(cited: Citation) -> str:
    """Returns RIS, which EndNote, Mendeley and Zotero read."""
    lines = (
        ("TY", "ELEC" if cited.kind == "document" else "DATA"),
        ("ID", cited.key),
        ("TI", cited.title),
        ("AU", cited.publisher),
        ("PB", cited.publisher),
        ("PY", str(cited.issued.year)),
        ("DA", f"{cited.issued:%Y/%m/%d}/"),
        ("ET", cited.release),
        ("LA", cited.language),
        ("UR", cited.url),
        ("Y2", f"{cited.accessed:%Y/%m/%d}/"),
        ("N1", _digests(cited)),
        ("ER", ""),
    )
    return "".join(f"{tag}  - {' '.join(value.split())}\r\n" for tag, value in lines)


def _digests(cited: Citation) -> str:
    return f"digest {cited.digest}" + (f", digest of the result {cited.result}" if cited.result else "")


def as_cff(cited: Citation) -> str:
    """Returns CITATION.cff 1.2.0."""
    lines = {
        "cff-version": "1.2.0",
        "message": "If you use these data, please cite them as below.",
        "type": "dataset",
        "title": cited.title,
        "authors": [{"name": cited.publisher}],
        "version": cited.release,
        "date-released": cited.issued.isoformat(),
        **_licence(),
        "url": cited.url,
        "identifiers": [{"type": "other", "value": f"sha256:{cited.digest}", "description": "digest of the data"}],
    }
    # JSON is YAML, so no YAML library is needed to quote the strings.
    return "".join(f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in lines.items())


# The name of each form, its media type, and the function that writes it.
FORMS: Mapping[str, tuple[str, Callable[[Citation], str]]] = {
    "text": ("text/plain; charset=utf-8", as_text),
    "bibtex": ("application/x-bibtex; charset=utf-8", as_bibtex),
    "csl": ("application/vnd.citationstyles.csl+json", as_csl),
    "ris": ("application/x-research-info-systems; charset=utf-8", as_ris),
    "cff": ("application/yaml", as_cff),
}


def _licence() -> dict[str, str]:
    instance = current_instance()
    # The key is for licences in the list of SPDX, the other one for all others.
    return {"license": instance.licence_id} if instance.licence_id else {"license-url": instance.licence}


def latex(text: str) -> str:
    """Returns the text as LaTeX: İ is {\\.I}, ş {\\c s}, ı {\\i}; letters of other scripts stay as they are.

    >>> latex("İzmir & Şişli")
    '{\\\\.I}zmir \\\\& {\\\\c S}i{\\\\c s}li'
    """
    return "".join(_letter(letter) for letter in nfc(text))


def _letter(letter: str) -> str:
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
