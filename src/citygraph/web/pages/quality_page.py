"""/quality: the validation findings of a release by shape, for the curators of the data."""

from __future__ import annotations

import json

from citygraph.settings import Settings
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.replies import HTML, JSON, check_parameters, chosen, reply
from citygraph.web.view.findings import ShapeFindings, by_shape
from citygraph.web.view.page_request import page_request_of
from citygraph.web.view.release_cache import OpenRelease, ReleaseCache
from citygraph.web.view.statement_table import StatementTable
from citygraph.web.view.templates import Templates

_MOST_LISTED = 200  # findings of a shape on the page; JSON has all


class QualityPage:
    """The findings of a release as a page and as JSON."""

    def __init__(self, settings: Settings, cache: ReleaseCache, pages: Templates) -> None:
        self._settings = settings
        self._cache = cache
        self._pages = pages

    def show(self, request: Request, extension: str = "") -> Reply:
        """Returns the findings grouped by shape. Raises NotAcceptable for other formats than HTML and JSON."""
        check_parameters(request)
        offer = chosen(request, (HTML, JSON), extension)
        opened, reader = self._cache.of_request(request), page_request_of(request, self._settings)
        language = reader.translations.language
        groups = by_shape(opened.findings, opened.shapes, language)
        if offer is JSON:
            return reply(request, _as_json(opened, groups), JSON, language)
        page = self._pages.page(
            "quality.html",
            reader,
            opened.release,
            groups=groups,
            total=sum(len(group.findings) for group in groups),
            most=_MOST_LISTED,
            whole=opened.findings.whole,
            validated=opened.findings.whole or bool(opened.findings.judged),
            link=StatementTable(opened, reader.translations, reader.addresses).link,
        )
        return reply(request, page, HTML, language)


def _as_json(opened: OpenRelease, groups: tuple[ShapeFindings, ...]) -> str:
    shapes = [
        {
            "shape": group.shape,
            "name": group.name.text,
            "remedy": group.remedy.text if group.remedy else None,
            "count": len(group.findings),
            "findings": [{"focus": one.focus, "message": one.message.text} for one in group.findings],
        }
        for group in groups
    ]
    body = {"release": opened.release.id, "complete": opened.findings.whole, "shapes": shapes}
    return json.dumps(body, ensure_ascii=False, indent=1)
