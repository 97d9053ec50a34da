"""A page of the site as a static host can show it: links that lead to files, and nothing that needs a server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape, unescape

from citygraph.freeze.plan import Plan, Want

# Pages are our own templates: no attribute holds a raw ">", no form or link stands within another of its kind.
_FORM = re.compile(r"<form\b[^>]*>.*?</form>\s*", re.DOTALL)
_ANCHOR = re.compile(r"<a\b([^>]*)>(.*?)</a>", re.DOTALL)
_SINGLE = re.compile(r"<(link|script|meta|img|image|use)\b([^>]*)>\n?(</script>\n?)?")
_ADDRESS = re.compile(r' (href|src|content|action)="([^"]*)"')
_SUGGEST = re.compile(r' data-suggest="[^"]*"')
_HIDDEN_LANGUAGE = re.compile(r'<input type="hidden" name="lang"[^>]*>\s*')
_RELATIONS = re.compile(r' (?:href|rel|aria-current|target|hreflang|title)="[^"]*"')
_MAIN = '<main id="content">'
# A static host sends no headers of ours; what a page cannot say of itself (frame-ancestors) is left to hosts.py.
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'"
)
_META_POLICY = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
_SUGGESTING = "/static/built/suggest-"


@dataclass
class Rewriter:
    """Rewrites the pages of one address; `wanted` is what their links need to be there."""

    plan: Plan
    here: str
    language: str
    wanted: set[Want] = field(default_factory=set)
    lost: int = 0  # forms that were taken out; links that were are text now

    def rewrite(self, html: str, foot: str = "", note: str = "", noted: bool = False) -> str:
        """The page; `foot` is what every frozen page says at its end, `note` what one that lost a form says first.

        `noted`: it says so in any case.
        """
        html = _FORM.sub(self._form, html)
        html = _ANCHOR.sub(self._anchor, html)
        html = _SINGLE.sub(self._single, html)
        html = html.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{_META_POLICY}', 1)
        if noted or self.lost:
            html = html.replace(_MAIN, f"{_MAIN}\n{note}", 1)
        return html.replace("</footer>", f"{foot}</footer>", 1)

    def pages(self) -> Iterator[str]:
        """The pages that are linked."""
        return (want.page for want in self.wanted if want.page is not None)

    def _target(self, href: str) -> str | None:
        want = self.plan.target(unescape(href), self.here, self.language)
        if want is None:
            return None
        if want.page is not None or want.file:
            self.wanted.add(Want("", want.page, want.file))
        return escape(want.href)

    def _form(self, match: re.Match[str]) -> str:
        form = match[0]
        action = re.search(r'\baction="([^"]*)"', form)
        if action is None or unescape(action[1]) != self.plan.address("search"):
            self.lost += 1
            return ""
        mine = f'action="{escape(self.plan.address("search", self.language))}/"'
        return _HIDDEN_LANGUAGE.sub("", _SUGGEST.sub("", form.replace(action[0], mine, 1)))

    def _anchor(self, match: re.Match[str]) -> str:
        attributes, inner = match[1], match[2]
        href = re.search(r' href="([^"]*)"', attributes)
        if href is None:
            return match[0]
        target = self._target(href[1])
        if target is None:
            return f"<span{_RELATIONS.sub('', attributes)}>{inner}</span>"
        kept = attributes.replace(href[0], f' href="{target}"', 1)
        return f"<a{kept}>{inner}</a>"

    def _single(self, match: re.Match[str]) -> str:
        address = _ADDRESS.search(match[2])
        if address is None or (match[1] == "meta" and not address[2].startswith(self.plan.site + "/")):
            return match[0]
        target = self._target(address[2])
        if target is None or _SUGGESTING in address[2]:
            return ""
        return match[0].replace(address[0], f' {address[1]}="{target}"', 1)
