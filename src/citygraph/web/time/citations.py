"""Citations of a release, a table, a document or a result, and the views that show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial

from pyoxigraph import Literal

from citygraph.catalogues import ENGLISH
from citygraph.errors import NotFound, UsageError
from citygraph.graph.labels import choose
from citygraph.instance import current_instance
from citygraph.rdf.terms import DATASET, DCTERMS
from citygraph.release.cited_result import CitedResult
from citygraph.release.releases import Release
from citygraph.release.result_store import ResultStore, release_of
from citygraph.source.citable import TABLES, table_name
from citygraph.source.files import query_folders_of
from citygraph.source.queries import find_query
from citygraph.source.query_parameters import Parameter, term_of
from citygraph.text import best_tag, nfc
from citygraph.web.documents.representation import split
from citygraph.web.http.messages import RELEASE, Reply, Request, not_known
from citygraph.web.http.replies import FRESH, HTML, Variant, chosen, is_tracking, reply
from citygraph.web.time.citation_forms import FORMS, Citation
from citygraph.web.time.release_site import ReleaseSite, published_at, quoted_path
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.translations import Translations

# Paths of the dataset as a whole; the last ones are documents about it.
_WHOLE = ("", "dataset", "releases", "ontology", "shapes", "ontology/shapes")
# Parameters of the citation itself: they are not a part of the cited address.
_CITATION_PARAMETERS = ("_cite", "accessed", "lang", "format")
_EXTENSIONS = {"text": "txt", "bibtex": "bib", "csl": "json"}
_FORMS = tuple(Variant(name, content_type, (), _EXTENSIONS.get(name, "")) for name, (content_type, _) in FORMS.items())
_OFFERS = (_FORMS[0], HTML, *_FORMS[1:])


class Citations:
    """The views of citations; `today` gives the day of access if the request has none.

    `stores` is whether the server evaluates queries, so that results can be stored.
    """

    def __init__(self, site: ReleaseSite, today: Callable[[], date], stores: bool = False) -> None:
        self._site = site
        self._today = today
        self._stores = stores
        self._results = ResultStore(site.releases)

    def at(self, request: Request, path: str = "") -> Reply:
        """Returns the citation of the document at a path."""
        return self._answer(request, path, chosen(request, _OFFERS))

    def requested(self, request: Request) -> Reply:
        """Returns the citation of any address, in the form that ?_cite= names."""
        return self._answer(request, request.path[1:], chosen(request, _OFFERS, request.args["_cite"] or "html"))

    def cff(self, request: Request) -> Reply:
        """Returns CITATION.cff of the dataset, which GitHub and Zenodo read."""
        return self._answer(request, "dataset", next(form for form in _FORMS if form.name == "cff"))

    def of(self, request: Request, record: CitedResult) -> Citation:
        """Returns the citation of a stored result."""
        release = release_of(record, self._site.timeline.releases())
        labels = (self._site.cache.get(release.id) if release else self._site.cache.current()).labels
        language = self._site.reader(request).translations.language
        title = title_of(record, language, lambda iri: labels.best(iri, language).text)
        return citation_of(record, release, self._site.settings.base, title, self._accessed(request), language)

    def _answer(self, request: Request, path: str, offer: Variant) -> Reply:
        path = nfc(path).strip("/")
        cited = self._citation(request, path)
        if offer is not HTML:
            return reply(request, FORMS[offer.name][1](cited), offer, cache=self._cache(request))
        reader = self._site.reader(request)
        page = self._site.pages.page(
            "cite.html",
            reader,
            self._site.opened(request.environ).release,
            cited=cited,
            forms=forms_of(cited),
            citable=self._citable(request, path, cited) if self._stores else {},
        )
        return reply(request, page, offer, reader.translations.language, self._cache(request))

    def _citable(self, request: Request, path: str, cited: Citation) -> dict[str, str]:
        """Returns the fields of the form that stores the cited result; empty for a release or a stored result."""
        path, _ = split(path)
        if cited.result or cited.kind == "dataset" or path in _WHOLE:
            return {}
        if path.startswith("queries/"):
            values = {f"${name}": value for name, value in _values(request).items()}
            fields = {"name": path.removeprefix("queries/"), **values}
        elif path.startswith("tables/"):
            fields = {"table": path.removeprefix("tables/")}
        else:
            fields = {"document": path}
        return {**fields, "release": cited.release}

    def _cache(self, request: Request) -> str:
        """Returns the value of Cache-Control."""
        # The day of access is in the reply: only where the reader gave it, the reply does not change from day to day.
        return FRESH if "accessed" in request.args else "no-cache"

    def _citation(self, request: Request, path: str) -> Citation:
        """Returns the citation for a path. Raises NotFound for an unknown path, UsageError for a bad day of access."""
        if path.startswith("results/"):
            return self.of(request, self._results.get(path.removeprefix("results/").partition(".")[0]))
        path, _ = split(path)  # the document is cited, not one of its formats
        language = self._site.reader(request).translations.language
        opened = self._site.opened(request.environ)
        if path.startswith("releases/") and RELEASE not in request.environ:
            opened, path = self._of_release(path.removeprefix("releases/")), ""
        title, kind = self._title(opened, path, language, _values(request))
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
        timeline = self._site.timeline
        release: Release | None = timeline.with_digest(name) or timeline.get(name)
        if release is None:
            raise NotFound(f"there is no release {name}")
        return self._site.cache.get(release.id)

    def _title(self, opened: OpenRelease, path: str, language: str, values: Mapping[str, str]) -> tuple[str, str]:
        if path in _WHOLE:
            whole = _whole_title(opened, language)
            return (f"{whole}: {path}", "document") if path in _WHOLE[3:] else (whole, "dataset")
        if path.startswith(("queries/", TABLES)):
            name = table_name(path) if path.startswith(TABLES) else path.removeprefix("queries/")
            folders, examples = query_folders_of(self._site.settings), self._site.cache.current().examples
            query = find_query(folders, name, examples)
            terms = [_term(one, values.get(one.name, one.example or one.default)) for one in query.parameters]
            label = partial(_label, opened, language)
            return _with_values(query.title_in(language)[0], terms, label), "result"
        document = "doc/" + path.removeprefix("id/") if path.startswith("id/") else path
        iri = self._site.thing(document, opened.base)
        holding = self._site.timeline.holding(iri, opened.base) if iri else ()
        if not any(release.id == opened.release.id for release in holding):
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
        names = [part.partition("=")[0] for part in parts]
        cited = [
            part
            for part, name in zip(parts, names, strict=True)
            if name and name not in _CITATION_PARAMETERS and not is_tracking(name)
        ]
        return "?" + "&".join(cited) if cited else ""


def forms_of(cited: Citation) -> list[tuple[str, str, str]]:
    """Returns the name, media type and text of each form of a citation."""
    return [(form.name, form.media_type, FORMS[form.name][1](cited)) for form in _FORMS]


def citation_of(
    record: CitedResult, release: Release | None, base: str, title: str, accessed: date, language: str
) -> Citation:
    """Returns the citation of a cited result; `release` is the one with its data, if this machine has it."""
    # Without the release, the day on which the result was stored is the next best.
    issued = published_at(release).date() if release else date.fromisoformat(record.stored[:10])
    return Citation(
        title,
        _publisher(language),
        f"{base}results/{record.id}",
        release.id if release else record.release_id,
        record.release,
        issued,
        accessed,
        language,
        "result",
        record.result,
        record.rows,
    )


def title_of(record: CitedResult, language: str, label: Callable[[str], str]) -> str:
    """Returns the title of a cited result: of its query with the values of its parameters, or of the document."""
    _ = Translations(language)
    if record.about:
        return _("Statements about {name}", name=label(record.about))
    tag = best_tag(record.title, language, ENGLISH)
    if tag is None:
        columns = ", ".join(record.columns)
        return _("Result of a query: {columns}", columns=columns) if columns else _("Result of a query")
    return _with_values(record.title[tag], record.parameters.values(), label)


def _with_values(title: str, terms: Iterable[str], label: Callable[[str], str]) -> str:
    """Returns the title of a query with the values of its parameters."""
    values = [_shown(term, label) for term in terms]
    return title + (f" ({', '.join(values)})" if values else "")


def _values(request: Request) -> dict[str, str]:
    """Returns the values of the parameters of the cited query."""
    return {name: value for name, value in request.args.items() if name not in _CITATION_PARAMETERS}


def _term(parameter: Parameter, value: str) -> str:
    """Returns the value of a parameter as a term, or unchanged if it is the name of an entity."""
    try:
        return str(term_of(parameter, value))
    except UsageError:
        return value


def _label(opened: OpenRelease, language: str, iri: str) -> str:
    return opened.labels.best(iri, language).text


def _shown(value: str, label: Callable[[str], str]) -> str:
    """Returns the value of a parameter for readers: an entity by its name, a literal without its datatype."""
    if value.startswith("<") and " " not in value:
        return label(value[1:-1])
    return value.rpartition("^^<")[0].strip('"') if value.endswith(">") and value.startswith('"') else value


def _whole_title(opened: OpenRelease, language: str) -> str:
    titles = (quad.object for quad in opened.store.quads_for_pattern(DATASET, DCTERMS("title"), None, None))
    label = choose((title for title in titles if isinstance(title, Literal)), language)
    return label.text if label else current_instance().title_in(language)


def _publisher(language: str) -> str:
    instance = current_instance()
    return instance.publisher.name or instance.title_in(language)
