"""The HTML pages of entities, graphs, the home page, the ontology and the shapes: the values for their templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup
from pyoxigraph import Literal

from citygraph.catalogues import LANGUAGES
from citygraph.graph.description import Description
from citygraph.graph.vocabulary import Vocabulary, VocabularyTerm
from citygraph.rdf.formats import Format
from citygraph.rdf.terms import CG, DCTERMS, OWL, RDFS, SH, SKOS
from citygraph.release.releases import Release
from citygraph.text import escaped
from citygraph.web.http.assets import Assets
from citygraph.web.kinds.drawing import chart_of, register_of
from citygraph.web.kinds.layouts import layout_of, validity_of_entity, validity_of_links
from citygraph.web.kinds.page_context import Layout, PageContext, RowsPlace
from citygraph.web.pages.dataset_page import DatasetTables
from citygraph.web.pages.home import read_home
from citygraph.web.view.cells import PropertyRow, source_line
from citygraph.web.view.frame import Frame
from citygraph.web.view.page_html import PageHtml
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.statement_groups import class_slug, statement_page
from citygraph.web.view.statement_html import StatementHtml
from citygraph.web.view.statement_table import TYPE, StatementTable
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import AlternateForm, Text, literal_text

_NO_DATA = Markup()
_LABEL = RDFS("label").value
_COUNTRY, _SAME_AS = CG("country").value, OWL("sameAs").value
_ALIGNMENTS = [
    p.value
    for p in (
        OWL("equivalentClass"),
        OWL("equivalentProperty"),
        RDFS("subClassOf"),
        RDFS("subPropertyOf"),
        SKOS("exactMatch"),
        SKOS("closeMatch"),
        SKOS("broadMatch"),
        SKOS("narrowMatch"),
        SKOS("relatedMatch"),
    )
]


class Pages(Templates):
    """The filled templates."""

    def entity(
        self,
        opened: OpenRelease,
        description: Description,
        reader: PageRequest,
        forms: Sequence[AlternateForm],
        data: Markup = _NO_DATA,
        whole: DatasetTables | None = None,
    ) -> str:
        """Returns the page of an entity.

        `forms` are its other formats, `data` the embedded JSON-LD, `whole` the tables of the
        dataset's page.
        """
        context = _page_context(opened, reader)
        # Before any row is made, for rows carry the validity of the entities that they name.
        context.table.look(validity_of_links(context, description))
        values = {**self.values(reader, opened.release), "whole": whole, "page": description.page}
        page = _EntityPage(context, description, reader, values)
        layout = layout_of(context, description) or Layout()
        head, told = page.head(), self._told(page, layout)
        frame: Frame = values["frame"]
        opened.shown_languages.add(reader.translations.language)
        return frame.around(
            "dataset" if whole else "",
            f"{escaped(page.title.text)} · {escaped(values['site_title'])}",
            page.meta(forms),
            f'<script type="application/ld+json">{data}</script>' if data else "",
            f"<article>\n{head}\n{page.day()}\n{told}\n{page.foot(forms)}\n</article>\n",
            page.script("atlas.js") if layout.has_map else "",
        )

    def _told(self, page: _EntityPage, layout: Layout) -> str:
        """Returns the content of an entity's page: the picture of its kind, statements, parts, links and sources."""
        # The sources are numbered in the order of these rows, whatever the order on the page.
        rows, further = page.rows(layout), page.further(layout)
        values = {**page.values, **layout.values, "rows": rows}
        catalogue = self.filled("dataset.html", values) if values["whole"] else ""
        if layout.picture:
            picture = layout.picture(rows, values["frame"], values["reader"])
        else:
            picture = self.filled(layout.template, values) if layout.template else ""
        register = page.register(rows, layout)
        return f'{catalogue}\n{picture}\n<div class="told">\n{register}\n{further}{page.sources()}\n</div>'

    def graph(
        self,
        opened: OpenRelease,
        description: Description,
        reader: PageRequest,
        forms: Sequence[AlternateForm],
        page: int,
        data: Markup = _NO_DATA,
    ) -> str:
        """Returns the page of a source or another graph: its description and its statements by subject."""
        table = StatementTable(opened, reader.translations, reader.addresses)
        kind = reader.view.get("kind", "")
        of_page = statement_page(opened, description.iri, page, kind)
        own = source_line(opened, reader.translations, table.link, description.iri, 0, reader.addresses.root)
        return self.page(
            "graph.html",
            reader,
            opened.release,
            title=table.link(description.iri),
            names=(),
            kind=table.kind(description.statements),
            places=(),
            count=opened.release.manifest.graphs.get(description.iri, 0),
            rows=table.rows(description),
            parts=table.parts(description) if page == 1 else (),
            links=table.links(description),
            sources=table.sources(),
            chosen=kind,
            kinds=[(class_slug(one), _class(table, reader, one), number) for one, number in of_page.kinds],
            groups=[(_class(table, reader, g.kind), g.total, table.of_graph(g.subjects)) for g in of_page.groups],
            abroad=own.abroad,
            same=(),
            iri=description.iri,
            preview=_preview(reader, description.iri),
            data=data,
            forms=forms,
            page=page,
            more=of_page.more,
        )

    def home(
        self, opened: OpenRelease, releases: Iterable[Release], reader: PageRequest, data: Markup = _NO_DATA
    ) -> str:
        """Returns the home page; `releases` are this one and those before it, the newest first."""
        context = _page_context(opened, reader)
        home = read_home(context, releases)
        hub = context.table.link(home.hub) if home.hub else None
        return self.page(
            "home.html",
            reader,
            opened.release,
            home=home,
            data=data,
            hub=hub,
            map=chart_of(context, hub, home.point, home.ties) if hub else None,
            register=register_of(home.ties, reader.translations),
        )

    def ontology(
        self, opened: OpenRelease, reader: PageRequest, forms: Sequence[AlternateForm], data: Markup = _NO_DATA
    ) -> str:
        """Returns the documentation of the ontology."""
        table = StatementTable(opened, reader.translations, reader.addresses)
        vocabulary = opened.vocabulary
        own = vocabulary.documented(CG)
        others = [t for t in own if not t.is_class and not t.is_property]
        return self.page(
            "ontology.html",
            reader,
            opened.release,
            header=vocabulary.get(CG.removesuffix("#")),
            groups=[
                ("classes", _by_label(reader, [t for t in own if t.is_class])),
                ("properties", _by_label(reader, [t for t in own if t.is_property])),
                ("terms_of", _by_label(reader, others)),
            ],
            schemes=[(scheme, _by_label(reader, vocabulary.concepts(scheme.iri))) for scheme in vocabulary.schemes],
            link=table.link,
            local=reader.addresses.local,
            data=data,
            facts=lambda term: _facts(term, vocabulary, reader.translations),
            forms=forms,
            iri=CG.removesuffix("#"),
        )

    def shapes(
        self,
        opened: OpenRelease,
        reader: PageRequest,
        forms: Sequence[AlternateForm],
        iri: str,
        data: Markup = _NO_DATA,
    ) -> str:
        """Returns the documentation of the shapes."""
        table = StatementTable(opened, reader.translations, reader.addresses)
        own = opened.shapes.documented(f"{iri}#")
        # Constraints are shown with the shape that uses them.
        used = {part for term in own for part in _constraints(term)}
        whole = [t for t in own if t.iri not in used]
        language = reader.translations.language
        return self.page(
            "shapes.html",
            reader,
            opened.release,
            shapes=sorted(whole, key=lambda t: (not t.iris(SH("targetClass").value), t.name)),
            constraints=lambda term: [t for c in _constraints(term) if (t := opened.shapes.get(c))],
            link=table.link,
            # A former class that a shape refuses is no term any more, and has no anchor.
            targets=lambda term: [
                class_ for class_ in term.iris(SH("targetClass").value) if not _is_former(opened, class_)
            ],
            path=lambda term: term.iris(SH("path").value),
            message=lambda term: term.text(language, SH("message").value, SH("description").value),
            remedy=lambda term: term.text(language, CG("remedy").value),
            data=data,
            name=lambda term: term.text(language, SH("name").value, _LABEL),
            forms=forms,
            iri=iri,
        )


class _EntityPage:
    """Writes the parts of the page of one entity. Not in templates, whose blocks take longer than their content."""

    def __init__(
        self, context: PageContext, description: Description, reader: PageRequest, values: Mapping[str, Any]
    ) -> None:
        self.values = values
        self.title = context.table.link(description.iri)
        self._context = context
        self._table = context.table
        self._description = description
        self._reader = reader
        self._html = PageHtml(reader.translations)
        self._statements = StatementHtml(reader.translations)
        self._kind = self._table.kind(description.statements)
        self._places = [self._table.link(value.iri) for value in description.values(_COUNTRY)]

    def meta(self, forms: Iterable[AlternateForm]) -> str:
        """Returns what programs read in the head of the page."""
        reader, page, pages = self._reader, self._description.page, self._description.pages
        preview, site = _preview(reader, self._description.iri), self.values["site_title"]
        before = f'<link rel="prev" href="{escaped(reader.turned(page=page - 1))}">\n' if page > 1 else ""
        after = f'<link rel="next" href="{escaped(reader.turned(page=page + 1))}">\n' if page < pages else ""
        styles = f'<link rel="stylesheet" href="{reader.addresses.path("static/pictures.css")}">\n'
        social = self._html.social(self.title.text, self._kind, self._places, preview, site)
        return f"{social}{before}{after}{styles}{self._html.alternates(forms)}"

    def head(self) -> str:
        """Returns the title of the page."""
        return self._html.head(self.title, _names(self._description, self.title), self._kind, self._places)

    def day(self) -> str:
        """Returns the field for a date, and the note about the requested date."""
        frame: Frame = self.values["frame"]
        if not self._reader.at:
            return frame.part("day")
        validity = validity_of_entity(self._context, self._description)
        return str(frame.macros("macros.html").at_date(validity, self._reader))  # type: ignore[attr-defined]

    def rows(self, layout: Layout) -> tuple[PropertyRow, ...]:
        """Returns the statements that the picture does not show."""
        return self._table.rows(self._description, layout.covered)

    def register(self, rows: Sequence[PropertyRow], layout: Layout) -> str:
        """Returns the statements below the picture."""
        if not rows or layout.rows_at is RowsPlace.IN_PICTURE:
            return ""
        _, table = self._reader.translations, self._statements.register(rows)
        if self.values["whole"]:
            heading = escaped(_("All statements of the catalogue about it"))
            return f'<details class="fold"><summary><h2>{heading}</h2></summary>{table}</details>'
        heading = escaped(_("Statements about it")) if layout.rows_at is RowsPlace.HEADED else ""
        return f'<h2 class="said-of">{heading}</h2>\n{table}' if heading else table

    def further(self, layout: Layout) -> str:
        """Returns the parts of the document, and the links from others."""
        _, description = self._reader.translations, self._description
        parts, links = self._table.parts(description), self._table.links(description, layout.covered_links)
        shown = ""
        if parts:
            heading = escaped(layout.parts_heading or _("In detail"))
            shown = f'<section class="parts">\n<h2>{heading}</h2>\n{self._statements.parts(parts)}\n</section>\n'
        if links:
            heading, listed = escaped(_("In other documents")), self._statements.links(links)
            turns = self._html.turns(description.page, description.pages, self._reader)
            shown += f'<section class="incoming">\n<h2>{heading}</h2>\n{listed}\n{turns}</section>\n'
        return shown

    def sources(self) -> str:
        """Returns the sources of all statements on the page."""
        return self._html.sources(self._table.sources())

    def foot(self, forms: Iterable[AlternateForm]) -> str:
        """Returns the end of the page."""
        same = [self._table.link(value.iri) for value in self._description.values(_SAME_AS) if value.iri]
        return self._html.foot(same, self._description.iri, forms)

    def script(self, name: str) -> str:
        """Returns the reference to a script, if it was built."""
        assets: Assets = self.values["assets"]
        if not assets.has(name):
            return ""
        return f'<script type="module" src="{self._reader.addresses.path(assets.path(name))}"></script>\n'


def _page_context(opened: OpenRelease, reader: PageRequest) -> PageContext:
    today = reader.today or opened.release.manifest.created[:10]
    table = StatementTable(opened, reader.translations, reader.addresses)
    return PageContext(opened, reader.translations, reader.addresses, table, reader.at, reader.view, today)


def _class(table: StatementTable, reader: PageRequest, kind: str) -> str:
    """Returns the name of a class, or of subjects without one."""
    return table.link(kind).text if kind else reader.translations("Others")


def forms_of(path: str, formats: tuple[Format, ...]) -> list[AlternateForm]:
    """Returns the RDF formats of a document."""
    return [AlternateForm(one.label, f"{path}.{one.extension}", one.media_type) for one in formats]


def _preview(reader: PageRequest, iri: str) -> dict[str, str]:
    """Returns the absolute addresses of a document and of its preview image, for other sites."""
    path = reader.addresses.document(iri).removeprefix(reader.addresses.base)
    # A part of a document has no preview of its own.
    if not reader.site or "#" in path:
        return {}
    root, lang = reader.site.removesuffix(reader.addresses.root), reader.translations.language
    suffix = "" if lang == LANGUAGES[0] else f"?lang={lang}"
    card = reader.addresses.path(f"preview/{path.removeprefix('doc/')}.png")
    return {"url": f"{root}{reader.addresses.path(path)}{suffix}", "image": f"{root}{card}{suffix}"}


def _constraints(shape: VocabularyTerm) -> tuple[str, ...]:
    return shape.iris(SH("property").value, SH("sparql").value)


def _names(description: Description, title: Text) -> tuple[tuple[str, str], ...]:
    """Returns the other names of an entity: each text once, with its language."""
    by_text: dict[str, list[str]] = {}
    for value in description.values(_LABEL):
        if isinstance(value.term, Literal) and value.term.value != title.text:
            by_text.setdefault(value.term.value, []).append(value.term.language or "")
    return tuple((text, languages[0]) for text, languages in by_text.items())


def _by_label(reader: PageRequest, terms: Any) -> list[VocabularyTerm]:
    translations = reader.translations
    return sorted(terms, key=lambda term: translations.sort_key(term.label(translations.language).text))


def _facts(term: VocabularyTerm, vocabulary: Vocabulary, _: Translations) -> dict[str, Any]:
    """Returns the documentation of a term apart from its names."""
    above = RDFS("subClassOf").value if term.is_class else RDFS("subPropertyOf").value
    higher = (one for iri in term.iris(above) if (one := vocabulary.get(iri)))
    own = {one.iri for one in higher if one.iri.startswith(CG) or one.is_of_instance}
    elsewhere = [
        (p.replace("#", "/").rpartition("/")[2], iri) for p in _ALIGNMENTS for iri in term.iris(p) if iri not in own
    ]
    texts = SKOS("definition").value, RDFS("comment").value, DCTERMS("description").value
    # Labels and definitions are shown in all languages, the reader's own first.
    mine_first = sorted(LANGUAGES, key=lambda language: language != _.language)
    return {
        "labels": list(dict.fromkeys(term.label(language) for language in mine_first)),
        "definitions": list(dict.fromkeys(d for d in (term.text(language, *texts) for language in mine_first) if d)),
        "above": sorted(own),
        "domains": term.domains,
        "ranges": term.ranges,
        "examples": [
            literal_text(v, _) if isinstance(v, Literal) else v.value
            for v in term.statements.get(SKOS("example").value, ())
        ],
        "elsewhere": elsewhere,
        "types": [t.replace("#", "/").rpartition("/")[2] for t in term.types if t != TYPE],
    }


def _is_former(opened: OpenRelease, class_: str) -> bool:
    return class_.startswith(CG) and opened.vocabulary.get(class_) is None
