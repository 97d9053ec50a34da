"""How to cite a release, a document or a result: as a sentence, BibTeX, CSL-JSON and CITATION.cff."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import Blueprint, Response, request
from pyoxigraph import Literal

from citygraph.errors import NotFound, UsageError
from citygraph.graph.labels import choose
from citygraph.rdf.terms import DATASET, DCTERMS
from citygraph.release.releases import Release
from citygraph.source.queries import find_query
from citygraph.text import nfc, slug
from citygraph.web.documents.representation import split
from citygraph.web.http.messages import RELEASE, not_known
from citygraph.web.http.replies import FRESH, HTML, Offer, chosen, reply
from citygraph.web.time.release_site import Past, made, quoted
from citygraph.web.view.release_cache import OpenRelease

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


_FORMS = tuple(Offer(name, content_type) for name, (content_type, _) in FORMS.items())
_OFFERS = (_FORMS[0], HTML, *_FORMS[1:])
_PUBLISHER = "citygraph"
_WHOLE = ("", "dataset", "releases", "ontology", "shapes", "ontology/shapes")
# What is of the citation itself, and no part of what is cited.
_OWN = ("_cite", "accessed", "lang", "format")


class Citations:
    """What answers for citations; `clock` tells the day of access if the reader does not."""

    def __init__(self, past: Past, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._past = past
        self._clock = clock

    def blueprint(self) -> Blueprint:
        """The addresses, and what stands before every other."""
        blueprint = Blueprint("cite", __name__)
        blueprint.add_url_rule("/cite", "whole", self.at, methods=["GET"])
        blueprint.add_url_rule("/cite/<path:path>", "one", self.at, methods=["GET"])
        blueprint.add_url_rule("/CITATION.cff", "cff", self.cff, methods=["GET"])
        blueprint.before_app_request(self.asked)
        return blueprint

    def at(self, path: str = "") -> Response:
        """How to cite what stands at a path."""
        return self._answer(path, chosen(request, _OFFERS))

    def asked(self) -> Response | None:
        """How to cite what is asked for with ?_cite= and the name of a form."""
        form = request.args.get("_cite")
        if form is None or request.method == "OPTIONS":
            return None
        return self._answer(request.path[1:], chosen(request, _OFFERS, form or "html"))

    def cff(self) -> Response:
        """How to cite the dataset, as GitHub and Zenodo read it."""
        return self._answer("dataset", _FORMS[3])

    def _answer(self, path: str, offer: Offer) -> Response:
        cited = self._citation(nfc(path).strip("/"))
        if offer is not HTML:
            return reply(request, FORMS[offer.name][1](cited), offer, cache=self._cache())
        reader = self._past.reader(request)
        forms = [(offer.name, offer.media_type, FORMS[offer.name][1](cited)) for offer in _FORMS]
        page = self._past.pages.page(
            "cite.html", reader, self._past.opened(request.environ).release, cited=cited, forms=forms
        )
        return reply(request, page, offer, reader.words.language, self._cache())

    def _cache(self) -> str:
        """The day of access is in the answer: it is kept only where the reader gave it."""
        return FRESH if "accessed" in request.args else "no-cache"

    def _citation(self, path: str) -> Citation:
        """What is cited. Raises NotFound if nothing stands there, UsageError for a bad day of access."""
        path, _ = split(path)  # a document is cited, not one of its forms
        language = self._past.reader(request).words.language
        opened = self._past.opened(request.environ)
        if path.startswith("releases/") and RELEASE not in request.environ:
            opened, path = self._of_release(path.removeprefix("releases/")), ""
        title, kind = self._title(opened, path, language)
        release = opened.release
        below = "" if kind == "dataset" else f"/{quoted(path)}"
        url = self._past.iri(release) + below + self._query()
        return Citation(title, _PUBLISHER, url, release.id, release.manifest.digest, made(release).date(),
                        self._accessed(), language, kind)  # fmt: skip

    def _of_release(self, name: str) -> OpenRelease:
        release: Release | None = self._past.timeline.get(name)
        if release is None:
            raise NotFound(f"there is no release {name}")
        return self._past.shelf.get(release.id)

    def _title(self, opened: OpenRelease, path: str, language: str) -> tuple[str, str]:
        if path in _WHOLE:
            whole = _whole_title(opened, language)
            return (f"{whole}: {path}", "document") if path in _WHOLE[3:] else (whole, "dataset")
        if path.startswith("queries/"):
            return find_query(self._past.settings.queries, path.removeprefix("queries/")).title, "result"
        iri = self._past.thing("doc/" + path.removeprefix("id/") if path.startswith("id/") else path)
        if not iri or not any(r.id == opened.release.id for r in self._past.timeline.holding(iri)):
            raise not_known(path)
        return opened.labels.best(iri, language).text, "document"

    def _accessed(self) -> date:
        text = request.args.get("accessed")
        if text is None:
            return self._clock().date()
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise UsageError(f"accessed is {text[:40]!r}: it must be a day like 2026-01-31") from None

    def _query(self) -> str:
        """The parameters that are part of what is cited."""
        sent = request.query_string.decode("ascii", "replace").split("&")
        kept = [part for part in sent if part and part.partition("=")[0] not in _OWN]
        return "?" + "&".join(kept) if kept else ""


def _whole_title(opened: OpenRelease, language: str) -> str:
    titles = (quad.object for quad in opened.store.quads_for_pattern(DATASET, DCTERMS("title"), None, None))
    label = choose((title for title in titles if isinstance(title, Literal)), language)
    return label.text if label else "citygraph"
