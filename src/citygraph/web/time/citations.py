"""Citations of a release, a document or a result: as a sentence, BibTeX, CSL-JSON and CITATION.cff."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from pyoxigraph import Literal

from citygraph.errors import NotFound, UsageError
from citygraph.graph.labels import choose
from citygraph.instance import current_instance
from citygraph.rdf.terms import DATASET, DCTERMS
from citygraph.release.releases import Release
from citygraph.source.files import sources_of
from citygraph.source.queries import find_query
from citygraph.text import nfc, slug
from citygraph.web.documents.representation import split
from citygraph.web.http.messages import RELEASE, Reply, Request, not_known
from citygraph.web.http.replies import FRESH, HTML, Variant, chosen, reply
from citygraph.web.time.release_site import ReleaseSite, published_at, quoted_path
from citygraph.web.view.release_cache import OpenRelease
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
# Paths of the dataset as a whole; the last ones are documents about it.
_WHOLE = ("", "dataset", "releases", "ontology", "shapes", "ontology/shapes")
# Parameters of the citation itself: they are not a part of the cited address.
_CITATION_PARAMETERS = ("_cite", "accessed", "lang", "format")


@dataclass(frozen=True)
class Citation:
    """A citation: `url` addresses the cited thing in the release `release`, whose data have the digest `digest`."""

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
        """The key of the entry in a bibliography, in ASCII."""
        return f"{slug(self.publisher)}-{slug(self.title)[:40].strip('-') or self.kind}-{self.issued.year}"


def as_text(cited: Citation) -> str:
    """Returns a sentence for a list of references."""
    _ = Translations(cited.language)
    release, accessed = _("Release"), _("accessed")
    return (
        f"{cited.publisher} ({cited.issued.year}). {cited.title}. {release} {cited.release}, "
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
        "note": f"Release {latex(cited.release)}, digest {cited.digest}; accessed {cited.accessed.isoformat()}",
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
        "note": f"digest: {cited.digest}",
    }
    return json.dumps([entry], ensure_ascii=False, indent=2) + "\n"


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
    "cff": ("application/yaml", as_cff),
}
_FORMS = tuple(Variant(name, content_type) for name, (content_type, _) in FORMS.items())
_OFFERS = (_FORMS[0], HTML, *_FORMS[1:])


class Citations:
    """The views of citations; `today` gives the day of access if the request has none."""

    def __init__(self, site: ReleaseSite, today: Callable[[], date]) -> None:
        self._site = site
        self._today = today

    def at(self, request: Request, path: str = "") -> Reply:
        """Returns the citation of the document at a path."""
        return self._answer(request, path, chosen(request, _OFFERS))

    def requested(self, request: Request) -> Reply:
        """Returns the citation of any address, in the form that ?_cite= names."""
        return self._answer(request, request.path[1:], chosen(request, _OFFERS, request.args["_cite"] or "html"))

    def cff(self, request: Request) -> Reply:
        """Returns CITATION.cff of the dataset, which GitHub and Zenodo read."""
        return self._answer(request, "dataset", _FORMS[3])

    def _answer(self, request: Request, path: str, offer: Variant) -> Reply:
        cited = self._citation(request, nfc(path).strip("/"))
        if offer is not HTML:
            return reply(request, FORMS[offer.name][1](cited), offer, cache=self._cache(request))
        reader = self._site.reader(request)
        forms = [(offer.name, offer.media_type, FORMS[offer.name][1](cited)) for offer in _FORMS]
        page = self._site.pages.page(
            "cite.html", reader, self._site.opened(request.environ).release, cited=cited, forms=forms
        )
        return reply(request, page, offer, reader.translations.language, self._cache(request))

    def _cache(self, request: Request) -> str:
        """Returns the value of Cache-Control."""
        # The day of access is in the reply: only where the reader gave it, the reply does not change from day to day.
        return FRESH if "accessed" in request.args else "no-cache"

    def _citation(self, request: Request, path: str) -> Citation:
        """Returns the citation for a path. Raises NotFound for an unknown path, UsageError for a bad day of access."""
        path, _ = split(path)  # the document is cited, not one of its formats
        language = self._site.reader(request).translations.language
        opened = self._site.opened(request.environ)
        if path.startswith("releases/") and RELEASE not in request.environ:
            opened, path = self._of_release(path.removeprefix("releases/")), ""
        title, kind = self._title(opened, path, language)
        release = opened.release
        below = "" if kind == "dataset" else f"/{quoted_path(path)}"
        url = self._site.iri(release) + below + self._query(request)
        return Citation(
            title,
            _publisher(language),
            url,
            release.id,
            release.manifest.digest,
            published_at(release).date(),
            self._accessed(request),
            language,
            kind,
        )

    def _of_release(self, name: str) -> OpenRelease:
        release: Release | None = self._site.timeline.get(name)
        if release is None:
            raise NotFound(f"there is no release {name}")
        return self._site.shelf.get(release.id)

    def _title(self, opened: OpenRelease, path: str, language: str) -> tuple[str, str]:
        if path in _WHOLE:
            whole = _whole_title(opened, language)
            return (f"{whole}: {path}", "document") if path in _WHOLE[3:] else (whole, "dataset")
        if path.startswith("queries/"):
            return find_query(
                sources_of(self._site.settings).query_folders, path.removeprefix("queries/")
            ).title, "result"
        iri = self._site.thing("doc/" + path.removeprefix("id/") if path.startswith("id/") else path)
        if not iri or not any(r.id == opened.release.id for r in self._site.timeline.holding(iri)):
            raise not_known(path)
        return opened.labels.best(iri, language).text, "document"

    def _accessed(self, request: Request) -> date:
        text = request.args.get("accessed")
        if text is None:
            return self._today()
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise UsageError(f"accessed is {text[:40]!r}: it must be a day like 2026-01-31") from None

    def _query(self, request: Request) -> str:
        """Returns the query string of the cited address."""
        parts = request.query_string.decode("ascii", "replace").split("&")
        cited = [part for part in parts if part and part.partition("=")[0] not in _CITATION_PARAMETERS]
        return "?" + "&".join(cited) if cited else ""


def _whole_title(opened: OpenRelease, language: str) -> str:
    titles = (quad.object for quad in opened.store.quads_for_pattern(DATASET, DCTERMS("title"), None, None))
    label = choose((title for title in titles if isinstance(title, Literal)), language)
    return label.text if label else current_instance().title_in(language)


def _licence() -> dict[str, str]:
    instance = current_instance()
    # The key is for licences in the list of SPDX, the other one for all others.
    return {"license": instance.licence_id} if instance.licence_id else {"license-url": instance.licence}


def _publisher(language: str) -> str:
    instance = current_instance()
    return instance.publisher.name or instance.title_in(language)


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
