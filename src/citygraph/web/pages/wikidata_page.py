"""/wikidata: the comparison of our statements with Wikidata's that `citygraph wikidata diff --save` last wrote."""

from __future__ import annotations

from pathlib import Path

from citygraph.errors import NotFound, UsageError
from citygraph.settings import Settings
from citygraph.source.reading import read_text
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.replies import HTML, JSON, Variant, check_parameters, chosen, reply
from citygraph.web.view.page_request import page_request_of
from citygraph.web.view.release_cache import ReleaseCache
from citygraph.web.view.templates import Templates
from citygraph.wikidata import differences
from citygraph.wikidata.differences import ComparedStatement

_CSV = Variant("csv", "text/csv; charset=utf-8")


class WikidataPage:
    """The last saved comparison."""

    def __init__(self, settings: Settings, cache: ReleaseCache, pages: Templates) -> None:
        self._settings = settings
        self._cache = cache
        self._pages = pages

    def show(self, request: Request, extension: str = "") -> Reply:
        """Returns the findings, all or those of one ?state=, as a page, JSON or CSV.

        Raises NotFound if there is no comparison yet, UsageError for an unknown state.
        """
        check_parameters(request, "state")
        offer = chosen(request, (HTML, JSON, _CSV), extension)
        # Read on each request: the command writes the file while the server runs.
        changes, retrieved = _saved(self._settings.wikidata_comparison)
        counts = differences.counts(changes)
        state = request.args.get("state", "")
        if state and state not in counts:
            raise UsageError(f"state must be one of {', '.join(counts)}")
        selected = [change for change in changes if state in ("", change.state.value)]
        if offer is JSON:
            return reply(request, differences.to_json_text(selected, retrieved), JSON)
        if offer is _CSV:
            return reply(request, differences.to_csv(selected), _CSV)
        return self._page(request, selected, counts, state, retrieved)

    def _page(
        self, request: Request, changes: list[ComparedStatement], counts: dict[str, int], state: str, retrieved: str
    ) -> Reply:
        opened, reader = self._cache.current(), page_request_of(request, self._settings)
        language = reader.translations.language
        names = {name: opened.labels.best(differences.FINDING + name, language).text for name in counts}
        page = self._pages.page(
            "wikidata.html",
            reader,
            opened.release,
            rows=differences.rows(changes, language),
            counts=counts,
            names=names,
            state=state,
            retrieved=retrieved,
            gone=opened.gone,
        )
        return reply(request, page, HTML, language)


def _saved(path: Path) -> tuple[list[ComparedStatement], str]:
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise NotFound(
            "nothing was compared with Wikidata yet: `citygraph wikidata diff --save` keeps a comparison for this page"
        ) from None
    return differences.from_json_text(text, path.name)
