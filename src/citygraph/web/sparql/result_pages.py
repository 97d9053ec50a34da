"""Pages of the rows of a stored query: each names the release and the place at which the next one begins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import quote, urlencode

from citygraph.errors import Gone, UsageError
from citygraph.release.releases import Release, Releases
from citygraph.sparql.paging import count_of, page_of
from citygraph.web.http.messages import Reply, redirection

# Parameters of a page, which are not parameters of the query.
LIMIT, AFTER = "limit", "after"
_USUAL, _MOST = 1000, 100_000
_TOKEN = re.compile(r"(?P<digest>[0-9a-f]{12})-(?P<query>[0-9a-f]{8})-(?P<start>[0-9]{1,9})")
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class RowPage:
    """A page: at most `limit` rows after the first `start`; `digest` is that of the release in its token, or empty."""

    limit: int
    start: int = 0
    digest: str = ""


def requested_page(parameters: Mapping[str, str], query_text: str) -> RowPage | None:
    """Returns the page that a request names, or None for all rows. Raises UsageError."""
    if LIMIT not in parameters and AFTER not in parameters:
        return None
    limit = _limit(parameters.get(LIMIT, str(_USUAL)))
    token = parameters.get(AFTER, "")
    if not token:
        return RowPage(limit)
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise UsageError(f"after is {token[:40]!r}: take it from the link to the next page, in the header Link")
    if match["query"] != _key(query_text):
        raise UsageError("after belongs to another query, or to other parameters: begin with the first page")
    return RowPage(limit, int(match["start"]), match["digest"])


class RowPager:
    """Makes pages: `result` returns the reply to a query in the requested format, `ask` in any."""

    def __init__(self, releases: Releases, result: Callable[[str], Reply], ask: Callable[[str], Reply]) -> None:
        self._releases = releases
        self._result = result
        self._ask = ask

    def reply(self, page: RowPage, text: str, served: Release, address: str, parameters: Mapping[str, str]) -> Reply:
        """Returns a page of the rows, with a link to the next one; of another release, a redirection to it.

        `address` is that of the query on the current release. Raises UsageError, Gone.
        """
        release = self._release_of(page, served)
        root, _, path = address.partition("/queries/")
        pinned = f"{root}/releases/{release.id}/queries/{quote(path)}"
        if release is not served:
            return redirection(f"{pinned}?{urlencode(parameters)}", 307)
        answer = self._result(page_of(text, page.start, page.limit))
        end = page.start + page.limit
        # The number of rows is counted once, because its result stays in the cache.
        if answer.header("X-Citygraph-Rows") == str(page.limit) and end < _count(self._ask(count_of(text))):
            token = f"{_digest(release)}-{_key(text)}-{end}"
            following = urlencode({**parameters, LIMIT: str(page.limit), AFTER: token})
            answer.append("Link", f'<{pinned}?{following}>; rel="next"')
        return answer

    def _release_of(self, page: RowPage, served: Release) -> Release:
        """Returns the release of a page: another than the one served if one was published since the first page."""
        if page.digest in ("", _digest(served)):
            return served
        kept = next((one for one in self._releases.history() if _digest(one) == page.digest), None)
        if kept is None:
            raise Gone(f"the release {page.digest} of this page is no longer kept: begin again with the first page")
        return kept


def _count(answer: Reply) -> int:
    [row] = json.loads(answer.whole_body())["results"]["bindings"]
    return int(row["rows"]["value"])


def _limit(text: str) -> int:
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= _MOST:
        raise UsageError(f"limit is {text[:40]!r}: it must be a number of rows from 1 to {_MOST}")
    return int(text)


def _digest(release: Release) -> str:
    return (release.manifest.digest or release.id)[:12]


def _key(query_text: str) -> str:
    return blake2b(query_text.encode(), digest_size=4).hexdigest()
