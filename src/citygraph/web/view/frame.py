"""The frame of pages: what many pages of a release have in common, such as header and footer, rendered once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from itertools import chain
from typing import Any

from jinja2 import Environment
from jinja2.environment import TemplateModule
from markupsafe import Markup

from citygraph.bounded_cache import BoundedCache

_CAPACITY = 2**20
_MOST_MODULES = 256
_GAP = "\0"  # stands for a block in a frame; no text has it


class Frames:
    """The parts of frames and the macros of all readers, bounded in number and bytes."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._parts: BoundedCache[Hashable, Markup] = BoundedCache(_CAPACITY, len)
        self._modules: dict[Hashable, TemplateModule] = {}

    def part(self, key: Hashable, name: str, values: Callable[[], Mapping[str, Any]]) -> Markup:
        """Returns templates/frame/{name}.html, filled with values that the key determines."""
        part = self._parts.get(key)
        if part is None:
            text = self._environment.get_template(f"frame/{name}.html").render(values())
            part = self._parts.put(key, Markup(text))  # noqa: S704 - rendered with escapes
        return part

    def macros(self, key: Hashable, name: str, values: Callable[[], Mapping[str, Any]]) -> TemplateModule:
        """Returns the macros of a template, which see values that the key determines."""
        module = self._modules.get(key)
        if module is None:
            if len(self._modules) >= _MOST_MODULES:
                self._modules.clear()
            module = self._modules[key] = self._environment.get_template(name).make_module(dict(values()))
        return module


class Frame:
    """The frame of one page: `reader_key` determines the texts and addresses, `page_key` all that its parts show."""

    def __init__(
        self,
        frames: Frames,
        reader_key: Hashable,
        page_key: Hashable,
        common: Mapping[str, Any],
        own: Mapping[str, Any],
    ) -> None:
        self._frames = frames
        self._reader_key = reader_key
        self._page_key = page_key
        self._common = common
        self._own = own

    def part(self, name: str, section: str = "") -> Markup:
        """Returns a part, such as the header; `section` is the one that its navigation marks as current."""
        key = (name, section, self._page_key)
        values = {"section": section, "frame": self, "gap": _GAP}
        return self._frames.part(key, name, lambda: {**self._common, **self._own, **values})

    def around(self, section: str, title: str, head: str, data: str, content: str, scripts: str) -> str:
        """Returns a whole page; the arguments fill the blocks of templates/base.html."""
        # The parts of a Markup would be Markups, which take longer.
        shell = str.split(self.part("shell", section), _GAP)
        return "".join(chain.from_iterable(zip(shell, (title, head, data, content, scripts, ""), strict=True)))

    def macros(self, name: str) -> TemplateModule:
        """Returns the macros of a template. They do not see what only one page or release has."""
        return self._frames.macros((name, self._reader_key), name, lambda: {**self._common, "macros": self.macros})
