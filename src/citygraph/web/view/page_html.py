"""The common parts of entity pages as HTML: head, day, sources, foot. Functions are faster than templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from markupsafe import Markup

from citygraph.text import escaped, trusted
from citygraph.web.view.cells import SourceLine
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import AlternateForm, Text


@dataclass(frozen=True)
class PageHtml:
    """Writes the parts of pages for readers of a language."""

    translations: Translations

    def alternates(self, forms: Iterable[AlternateForm]) -> Markup:
        """Returns the links to the other forms of a page, for programs."""
        links = [
            f'<link rel="alternate" title="{escaped(one.label)}" type="{escaped(one.media_type)}" '
            f'href="{escaped(one.href)}">\n'
            for one in forms
        ]
        return trusted("".join(links))

    def social(self, title: str, kind: str, places: Iterable[Text], preview: Mapping[str, str], site: str) -> Markup:
        """Returns what other sites show of a page, and its canonical address."""
        if not preview:
            return Markup()
        name, address = escaped(title), escaped(preview["url"])
        description = ", ".join([kind, *(place.text for place in places)])
        picture = escaped(self.translations("Picture of {name} with its name", name=title))
        return trusted(
            f'<meta property="og:site_name" content="{escaped(site)}">\n'
            '<meta property="og:type" content="website">\n'
            f'<meta property="og:title" content="{name}">\n'
            f'<meta property="og:description" content="{escaped(description)}">\n'
            f'<meta property="og:locale" content="{self.translations.language}">\n'
            f'<meta property="og:url" content="{address}">\n'
            f'<meta property="og:image" content="{escaped(preview["image"])}">\n'
            '<meta property="og:image:type" content="image/png">\n'
            '<meta property="og:image:width" content="1200">\n'
            '<meta property="og:image:height" content="630">\n'
            f'<meta property="og:image:alt" content="{picture}">\n'
            '<meta name="twitter:card" content="summary_large_image">\n'
            f'<link rel="canonical" href="{address}">\n'
        )

    def turns(self, page: int, pages: int, reader: PageRequest) -> str:
        """Returns the links to the pages before and after one."""
        if pages == 1:
            return ""
        _ = self.translations
        before, after = escaped(_("Previous page")), escaped(_("Next page"))
        back = f'<a rel="prev" href="{escaped(reader.turned(page=page - 1))}">{before}</a>' if page > 1 else ""
        on = f'<a rel="next" href="{escaped(reader.turned(page=page + 1))}">{after}</a>' if page < pages else ""
        here = escaped(_("All links, page {page} of {pages}", page=page, pages=pages))
        return f'<nav class="pages">\n{back}\n<span>{here}</span>\n{on}\n</nav>\n'

    def head(self, title: Text, names: Iterable[tuple[str, str]], kind: str, places: Sequence[Text]) -> Markup:
        """Returns the title of a page, with the kind of thing, its place and its other names."""
        between = " · " if kind and places else ""
        where = ", ".join([place.__html__() for place in places])
        others = " · ".join([f"<span{_lang(language)}>{escaped(name)}</span>" for name, language in names])
        also = f'<p class="names">{others}</p>' if others else ""
        return trusted(
            f'<header class="entity">\n<p class="kind">{escaped(kind)}{between}{where}</p>\n'
            f"<h1{_lang(title.language)}>{escaped(title.text)}</h1>\n"
            f"{also}\n</header>\n"
        )

    def sources(self, lines: Iterable[SourceLine]) -> Markup:
        """Returns the sources of the page: in the margin or at the foot, and each once more for the squares that open
        it.
        """
        lines = list(lines)
        if not lines:
            return Markup()
        heading, said_by, caption = _words_of_sources(self.translations.language)
        listed = opened = ""
        for number, text, anchor, about, _ in lines:
            name = text.__html__()
            square = f'<span class="square" aria-hidden="true">{number}</span>'
            listed += f'<li id="{anchor}" value="{number}">{square} {name} {about}</li>\n'
            opened += (
                f'<div class="said-by" id="said-{number}" popover role="group" aria-label="{said_by}">\n'
                f'<p class="caption">{caption.replace("{number}", str(number))}</p>\n'
                f'<p class="name">{name}</p>\n<p class="about">{about}</p>\n</div>\n'
            )
        return trusted(
            f'<aside class="margin" aria-labelledby="who-says">\n<h2 id="who-says">{heading}</h2>\n'
            f'<ol class="sources">\n{listed}</ol>\n</aside>\n{opened}'
        )

    def foot(self, same: Iterable[Text], iri: str, forms: Iterable[AlternateForm]) -> Markup:
        """Returns the end of a page: its identifier, the same thing elsewhere, its history and its other forms."""
        words = _words_of_foot(self.translations.language)
        links = [f'<a rel="external" href="{escaped(text.href)}">{escaped(text.text)}</a>' for text in same]
        elsewhere = f"<div><dt>{words.elsewhere}</dt><dd>{', '.join(links)}</dd></div>" if links else ""
        # The shapes have no history of their own.
        past = "" if iri.endswith("/shapes") else f'<a href="?history" rel="nofollow">{words.changes}</a>, '
        others = ", ".join([f'<a href="{escaped(one.href)}">{escaped(one.label)}</a>' for one in forms])
        return trusted(
            '<footer class="foot">\n<section class="colophon">\n<dl>\n'
            f"<div><dt>{words.identifier}</dt><dd><code>{escaped(iri)}</code></dd></div>\n{elsewhere}\n"
            f'<div><dt>{words.history}</dt><dd>{past}<a href="?_cite=html" rel="nofollow">{words.cite}</a></dd></div>\n'
            f"<div><dt>{words.forms}</dt><dd>{others}</dd></div>\n</dl>\n</section>\n</footer>\n"
        )


class _FootWords(NamedTuple):
    """The texts of the end of a page."""

    identifier: str
    elsewhere: str
    history: str
    changes: str
    cite: str
    forms: str


@cache
def _words_of_foot(language: str) -> _FootWords:
    _ = Translations(language)
    texts = (_("Identifier"), _("In other databases"), _("History"), _("Changes"), _("Cite"), _("This document as"))
    return _FootWords(*map(escaped, texts))


@cache
def _words_of_sources(language: str) -> tuple[str, str, str]:
    """Returns the heading of the sources, the name of one of them, and the text in front of it."""
    _ = Translations(language)
    return escaped(_("Sources")), escaped(_("Source")), escaped(_("Source {number}:", number="{number}"))


def _lang(language: str) -> str:
    return f' lang="{escaped(language)}"' if language else ""
