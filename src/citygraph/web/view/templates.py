"""Jinja templates and the values that every page has."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined, select_autoescape
from jinja2.bccache import Bucket

from citygraph.catalogues import LANGUAGES
from citygraph.compiled_file import CompiledFile
from citygraph.instance import current_instance
from citygraph.release.releases import Release
from citygraph.web.http.assets import read_assets
from citygraph.web.http.negotiation import own_name
from citygraph.web.view.frame import Frame, Frames
from citygraph.web.view.page_html import PageHtml
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.statement_html import StatementHtml
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
            bytecode_cache=_CompiledTemplates(),
            # The files of a package do not change while it runs: they are not looked at for each page.
            auto_reload=False,
        )
        self._frames = Frames(self._environment)
        self._assets = read_assets()

    def page(self, template: str, reader: PageRequest, release: Release | None, **values: Any) -> str:
        """Returns a rendered page; `release` is shown in its footer."""
        return self.filled(template, {**self.values(reader, release), **values})

    def filled(self, template: str, values: Mapping[str, Any]) -> str:
        """Returns a template filled with values."""
        return self._environment.get_template(template).render(values)

    def values(self, reader: PageRequest, release: Release | None) -> dict[str, Any]:
        """Returns the values that every page has."""
        instance, translations, addresses = current_instance(), reader.translations, reader.addresses
        language, title = translations.language, instance.title_in(translations.language)
        common = {
            "_": translations,
            "counted": translations.count,
            "own_name": own_name,
            "assets": self._assets,
            "addresses": addresses,
            "languages": LANGUAGES,
            "site_title": title,
            "html": PageHtml(translations),
            "statements": StatementHtml(translations),
            "date": lambda lexical: date(lexical, translations),
            "interval": lambda one: interval_text(one, translations),
            "number": lambda value: number(str(value), translations),
        }
        own = {"reader": reader, "release": release, "instance": instance}
        reader_key = (language, addresses.base, addresses.root, title)
        page_key = (reader_key, reader.query, release.id if release else "", instance.licence, instance.publisher)
        frame = Frame(self._frames, reader_key, page_key, common, own)
        return {**common, **own, "frame": frame, "macros": frame.macros, "section": ""}


class _CompiledTemplates(BytecodeCache):
    """Compiled templates in files, because to compile those of a first page takes longer than the rest of it."""

    # To be changed with the options of the environment, on which compiled templates depend.
    _OPTIONS = "1"

    def __init__(self) -> None:
        # Code that another version compiled may have its errors, or import what this one no longer has.
        self._compiler = version("jinja2")

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Returns the path of the template."""
        return filename or name

    def load_bytecode(self, bucket: Bucket) -> None:
        """Reads a compiled template, if it was kept."""
        if content := self._file(bucket).read():
            bucket.bytecode_from_string(content)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keeps a compiled template, if possible."""
        self._file(bucket).write(bucket.bytecode_to_string())

    def _file(self, bucket: Bucket) -> CompiledFile:
        return CompiledFile.of(Path(bucket.key), bucket.checksum, self._OPTIONS, self._compiler)
