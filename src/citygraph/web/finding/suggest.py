"""/suggest: what begins as somebody types, by any name that a thing has or had; light, for the search box."""

from __future__ import annotations

import json

from flask import Blueprint, Flask, Response, request

from citygraph.errors import UsageError
from citygraph.settings import Settings
from citygraph.web.answering.answers import addresses_of, reader_language
from citygraph.web.answering.replies import JSON, reply
from citygraph.web.answering.shelf import Shelf
from citygraph.web.finding.lookups import Lookups
from citygraph.web.finding.marked import marked
from citygraph.web.finding.search import KINDS, Found, found_by, opened_release
from citygraph.web.pages.words import Words

_MOST = 8
_LONGEST = 100


def mount_suggest(app: Flask, settings: Settings, shelf: Shelf, lookups: Lookups) -> None:
    """Add /suggest to the site."""
    app.register_blueprint(Suggestions(settings, shelf, lookups).blueprint())


class Suggestions:
    """The few best things for the beginning of a name."""

    def __init__(self, settings: Settings, shelf: Shelf, lookups: Lookups) -> None:
        self._settings = settings
        self._shelf = shelf
        self._lookups = lookups

    def blueprint(self) -> Blueprint:
        """The address."""
        blueprint = Blueprint("suggest", __name__)
        blueprint.add_url_rule("/suggest", "suggest", self.suggest, methods=["GET"])
        return blueprint

    def suggest(self) -> Response:
        """What has a name that begins like ?q=, of the kinds ?type= if any are given."""
        text, kinds = request.args.get("q", "").strip()[:_LONGEST], request.args.getlist("type")
        if not set(kinds) <= set(KINDS):
            raise UsageError(f"type must be one of {', '.join(KINDS)}")
        opened, language = opened_release(self._shelf), reader_language(request)
        addresses, _ = addresses_of(request, self._settings.base, self._settings.trusted_proxies)
        lookup = self._lookups.of(opened.release)
        hits = [hit for kind in kinds or [""] for hit in lookup.find(text, _MOST, kind)]
        found = [one for one in found_by(hits, text, lookup, opened, language, addresses) if one.kind in KINDS][:_MOST]
        words = Words(language)
        answer = {"query": text, "results": [_as_json(one, text, words) for one in found]}
        return reply(request, json.dumps(answer, ensure_ascii=False) + "\n", JSON, language)


def _as_json(found: Found, text: str, words: Words) -> dict[str, object]:
    """A suggestion; `name` is the one that was found where it is not the label, both in pieces that match or not."""
    values = {
        "id": found.id,
        "label": found.label,
        "pieces": marked(found.label, text).pieces,
        "name": marked(found.name, text).pieces if found.name else (),
        "name_language": found.name_language,
        "type": words.named(f"one_{found.kind}"),
        "country": found.country,
        "href": found.href,
    }
    return {name: value for name, value in values.items() if value}
