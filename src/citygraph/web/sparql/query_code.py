"""Programs for a query at /sparql/code, as the workbench shows them next to its editor."""

from __future__ import annotations

import json
from dataclasses import asdict

from citygraph.errors import UsageError
from citygraph.settings import Settings
from citygraph.sparql.protocol import without_nul
from citygraph.web.http.addresses import public_root
from citygraph.web.http.messages import Reply, Request
from citygraph.web.http.replies import FOR_EVER, FRESH, JSON, reply
from citygraph.web.view.release_cache import ReleaseCache
from citygraph.web.view.snippets import snippets_of


class QueryCode:
    """The view of the programs; they ask the release that the address names, or else the current one."""

    def __init__(self, settings: Settings, releases: ReleaseCache) -> None:
        self._settings = settings
        self._releases = releases

    def programs(self, request: Request) -> Reply:
        """Returns programs that ask the query, in each language, as JSON. Raises UsageError without a query."""
        query = without_nul(request.args.get("query", ""))
        if not query.strip():
            raise UsageError("the request has no query, which must be in the parameter 'query'")
        root = public_root(request.environ, self._settings.trusted_proxies)
        release = self._releases.of_request(request).release.id
        programs = [asdict(snippet) for snippet in snippets_of(query, root, release)]
        text = json.dumps({"release": release, "programs": programs}, ensure_ascii=False) + "\n"
        return reply(request, text, JSON, cache=FOR_EVER if request.release else FRESH)
