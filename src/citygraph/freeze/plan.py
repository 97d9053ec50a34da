"""The plan of the frozen site: the file of each address, the target of each link, and pages with rewritten links."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import parse_qsl, quote, unquote, urlsplit

RDF_FORMS = ("ttl", "jsonld", "nt", "nq", "trig", "rdf")
# html is the page, png the preview card for other sites.
FORMS = ("html", *RDF_FORMS, "linkset.json", "png")
QUERY_FORMS = ("csv", "json")
# Pages that replace pages that need a server.
STAND_INS = ("search", "sparql", "reconcile")
_DOCUMENTS = ("doc/", "source/", "graph/", "ontology/", ".well-known/genid/")
_WHOLE = ("ontology", "shapes", "dataset")
_PAGES = ("", "explore", "network", "about", "api", "cite", "quality", "queries", "releases", "wikidata", *STAND_INS)
_FILES = {
    "feed": "feed.xml",
    "feed/ldes": "feed/ldes.ttl",
    "feed.xml": "feed.xml",
    "feed/ldes.ttl": "feed/ldes.ttl",
    ".well-known/void": ".well-known/void",
    "context.jsonld": "context.jsonld",
    "croissant.json": "croissant.json",
    "sitemap.xml": "sitemap.xml",
    "robots.txt": "robots.txt",
    "releases.json": "releases.json",
    "quality.json": "quality.json",
    "releases.ttl": "releases.ttl",
    "queries.json": "queries.json",
    "search-index.json": "search-index.json",
}
_CHANGES = (".rdfp", ".trig")  # the forms of the difference of two releases
_LISTS = {"dumps": "dataset", "tables": "dataset"}
_MOST_LISTED = 20  # pages of Explore; of a document, all pages are frozen
_SAFE = "/:@!$&'()*+,;=-._~"


@dataclass(frozen=True)
class LinkTarget:
    """The new `href` of a link, and the page (its address without language) or file that must exist for it."""

    href: str
    page: str | None = None
    file: str = ""


@dataclass(frozen=True)
class Plan:
    """The frozen site. `site` is its address without trailing slash, `languages` has the default one first."""

    site: str
    languages: tuple[str, ...]
    forms: Collection[str]
    release_files: Collection[str] = ()  # files of the release: dumps and tables

    @property
    def root(self) -> str:
        """The path in front of the site, such as "/repo"."""
        return urlsplit(self.site).path.rstrip("/")

    def prefix(self, language: str) -> str:
        """Returns the folder of a language: "" or "tr/"."""
        return "" if language == self.languages[0] else f"{language}/"

    def address(self, path: str, language: str = "") -> str:
        """Returns the path of a page or file, as links have it."""
        return f"{self.root}/{self.prefix(language or self.languages[0])}{quote(path, safe=_SAFE)}"

    def page_files(self, path: str, language: str) -> tuple[str, ...]:
        """Returns the files of a page, for hosts of all kinds: the index of a folder, and the name with .html."""
        base = f"{self.prefix(language)}{path}"
        if not path:
            return (f"{base}index.html",)
        return f"{base}/index.html", f"{base}.html"

    def target(self, href: str, here: str, language: str) -> LinkTarget | None:
        """Returns the target of a link in the page `here`; None if only a server can respond to it."""
        if href.startswith("#") or not href:
            return LinkTarget(href or "#")
        whole = href.startswith(self.site + "/")
        path = href[len(self.site) :] if whole else href
        if path.startswith("?"):
            # A link to another page of a list replaces the page number of this page.
            path = f"{self.root}/{quote(application_address(here)[0] if 'page=' in path else here, safe=_SAFE)}{path}"
        elif whole:
            path = f"{self.root}{path}"
        elif path != self.root and not path.startswith(f"{self.root}/"):
            return LinkTarget(href)
        parts = urlsplit(path.removeprefix(self.root))
        name = unquote(parts.path.lstrip("/"))
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        want = self._link_target(name, params, params.pop("lang", language))
        if want is None:
            return None
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        # An absolute link, such as that of a preview image, stays absolute.
        front = self.site.removesuffix(self.root) if whole else ""
        return LinkTarget(f"{front}{want.href}{fragment}", want.page, want.file)

    def is_document(self, path: str) -> bool:
        """Returns whether a page is a document, which is available in other formats too."""
        return path in _WHOLE or path.startswith(_DOCUMENTS)

    def _link_target(self, name: str, params: dict[str, str], language: str) -> LinkTarget | None:
        if language not in self.languages:
            return None
        if name.startswith("id/"):
            name = f"doc/{name.removeprefix('id/')}"
        if name.startswith("static/"):
            return LinkTarget(self.address(name))
        if file := self._file(name, params, language):
            return file
        if (page := self._page(_LISTS.get(name, name), params)) is not None and "html" in self.forms:
            return LinkTarget(self.address(page, language), page=page)
        return None

    def _file(self, name: str, params: dict[str, str], language: str) -> LinkTarget | None:
        if name.startswith("queries/") and params.keys() == {"format"} and params["format"] in QUERY_FORMS:
            file = f"{name}.{params['format']}"
            return LinkTarget(self.address(file), file=file)
        if params:
            return None
        if name.startswith("land/") or (name.startswith("releases/") and name.endswith(_CHANGES)):
            return LinkTarget(self.address(name), file=name)
        if name.startswith("preview/"):
            return LinkTarget(self.address(name, language), page=None) if "png" in self.forms else None
        if file := _FILES.get(name, name if name in self.release_files else ""):
            return LinkTarget(self.address(file), file=file)
        stem, form = split_form(name)
        if form and self.is_document(stem):
            return (
                LinkTarget(self.address(name, language if form == "html" else ""), page=stem)
                if form in self.forms
                else None
            )
        return None

    def _page(self, name: str, params: dict[str, str]) -> str | None:
        if not self._is_page(name):
            return None
        number = params.get("page", "1")
        if params.keys() - {"page"} or not number.isdigit():
            return None
        if number == "1":
            return name
        is_frozen = self.is_document(name) or (name == "explore" and int(number) <= _MOST_LISTED)
        return f"{name}/page-{int(number)}" if is_frozen else None

    def _is_page(self, name: str) -> bool:
        if self.is_document(name) or name in _PAGES:
            return not split_form(name)[1]
        first, _, rest = name.partition("/")
        if first == "releases":
            return bool(rest) and "/" not in rest and not rest.endswith((".ttl", ".json"))
        return first in ("queries", "problems") and bool(rest)


def split_form(path: str) -> tuple[str, str]:
    """Returns a path without its extension, and the form that the extension names, or an empty string."""
    for form in (*FORMS, "linkset"):
        if path.endswith(f".{form}") and form != "png":
            return path.removesuffix(f".{form}"), form
    return path, ""


def application_address(path: str) -> tuple[str, str]:
    """Returns the address of a frozen page in the application: its path, and its page number as a query string."""
    stem, _, number = path.rpartition("/page-")
    return (stem, f"page={number}") if stem and number.isdigit() else (path, "")


# Pages come from our own templates: no attribute has a raw ">", and forms and links are not nested.
_FORM = re.compile(r"<form\b[^>]*>.*?</form>\s*", re.DOTALL)
_ANCHOR = re.compile(r"<a\b([^>]*)>(.*?)</a>", re.DOTALL)
_SINGLE = re.compile(r"<(link|script|meta|img|image|use)\b([^>]*)>\n?(</script>\n?)?")
_ADDRESS = re.compile(r' (href|src|content|action)="([^"]*)"')
_SUGGEST = re.compile(r' data-suggest="[^"]*"')
_HIDDEN_LANGUAGE = re.compile(r'<input type="hidden" name="lang"[^>]*>\s*')
_RELATIONS = re.compile(r' (?:href|rel|aria-current|target|hreflang|title)="[^"]*"')
_MAIN = '<main id="content">'
# A static host does not send our headers. A meta element cannot have frame-ancestors: see host_files.py.
_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'"
)
_META_POLICY = f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
_SUGGESTING = "/static/built/suggest-"


@dataclass
class Rewriter:
    """A rewriter of the pages at one address; `targets` are the pages and files that their links need."""

    plan: Plan
    here: str
    language: str
    targets: set[LinkTarget] = field(default_factory=set)
    removed_forms: int = 0  # removed links are text instead

    def rewrite(self, html: str, foot: str = "", note: str = "", noted: bool = False) -> str:
        """Returns the page as a static host can serve it: links lead to files, and nothing needs a server.

        `foot` is added at the end; `note` is added at the top if a form was removed, or in any case if `noted` is true.
        """
        html = _FORM.sub(self._form, html)
        html = _ANCHOR.sub(self._anchor, html)
        html = _SINGLE.sub(self._single, html)
        html = html.replace('<meta charset="utf-8">', f'<meta charset="utf-8">\n{_META_POLICY}', 1)
        if noted or self.removed_forms:
            html = html.replace(_MAIN, f"{_MAIN}\n{note}", 1)
        return html.replace("</footer>", f"{foot}</footer>", 1)

    def pages(self) -> Iterator[str]:
        """Yields the linked pages."""
        return (want.page for want in self.targets if want.page is not None)

    def _target(self, href: str) -> str | None:
        want = self.plan.target(unescape(href), self.here, self.language)
        if want is None:
            return None
        if want.page is not None or want.file:
            self.targets.add(LinkTarget("", want.page, want.file))
        return escape(want.href)

    def _form(self, match: re.Match[str]) -> str:
        form = match[0]
        action = re.search(r'\baction="([^"]*)"', form)
        if action is None or unescape(action[1]) != self.plan.address("search"):
            self.removed_forms += 1
            return ""
        action_here = f'action="{escape(self.plan.address("search", self.language))}/"'
        return _HIDDEN_LANGUAGE.sub("", _SUGGEST.sub("", form.replace(action[0], action_here, 1)))

    def _anchor(self, match: re.Match[str]) -> str:
        attributes, inner = match[1], match[2]
        href = re.search(r' href="([^"]*)"', attributes)
        if href is None:
            return match[0]
        target = self._target(href[1])
        if target is None:
            return f"<span{_RELATIONS.sub('', attributes)}>{inner}</span>"
        rewritten = attributes.replace(href[0], f' href="{target}"', 1)
        return f"<a{rewritten}>{inner}</a>"

    def _single(self, match: re.Match[str]) -> str:
        address = _ADDRESS.search(match[2])
        if address is None or (match[1] == "meta" and not address[2].startswith(self.plan.site + "/")):
            return match[0]
        target = self._target(address[2])
        # The script of suggestions needs the server.
        if target is None or _SUGGESTING in address[2]:
            return ""
        return match[0].replace(address[0], f' {address[1]}="{target}"', 1)
