"""Jinja templates and the values that every page has."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from citygraph.catalogues import LANGUAGES
from citygraph.instance import current_instance
from citygraph.release.releases import Release
from citygraph.web.http.assets import read_assets
from citygraph.web.http.negotiation import own_name
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.values import date, interval_text, number


class Templates:
    """The Jinja templates of the package, compiled once."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("citygraph.web"),
            autoescape=select_autoescape(default=True),
            # A misspelled name in a template fails in tests instead of rendering nothing.
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._assets = read_assets()

    def page(self, template: str, reader: PageRequest, release: Release | None, **values: Any) -> str:
        """Returns a rendered page; `release` is the one that its footer names."""
        instance = current_instance()
        return self._environment.get_template(template).render(
            _=reader.translations,
            counted=reader.translations.count,
            own_name=own_name,
            assets=self._assets,
            addresses=reader.addresses,
            reader=reader,
            release=release,
            languages=LANGUAGES,
            instance=instance,
            site_title=instance.title_in(reader.translations.language),
            date=lambda lexical: date(lexical, reader.translations),
            interval=lambda one: interval_text(one, reader.translations),
            number=lambda value: number(str(value), reader.translations),
            **values,
        )
