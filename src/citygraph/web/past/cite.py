"""The "cite" form of every document, release and stored result, at /cite/… and ?_cite=; and CITATION.cff."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from flask import Blueprint, Response, request
from pyoxigraph import Literal

from citygraph.citing import FORMS, Citation
from citygraph.errors import NotFound, UsageError
from citygraph.labels import choose
from citygraph.queries import find_query
from citygraph.release import Release
from citygraph.terms import DATASET, DCTERMS
from citygraph.text import nfc
from citygraph.web.answering.answers import not_known, split
from citygraph.web.answering.replies import FRESH, HTML, Offer, chosen, reply
from citygraph.web.answering.shelf import OpenRelease
from citygraph.web.asking.endpoint import RELEASE
from citygraph.web.past.era import Past, made, quoted

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
        page = self._past.pages.time(
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
