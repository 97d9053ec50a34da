"""The HTML pages of entities, graphs, the home page, the ontology and the shapes: the values for their templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup
from pyoxigraph import Literal

from citygraph.catalogues import LANGUAGES
from citygraph.graph.description import Description
from citygraph.graph.vocabulary import Vocabulary, VocabularyTerm
from citygraph.rdf.formats import Format
from citygraph.rdf.terms import CG, DCTERMS, OWL, RDFS, SH, SKOS
from citygraph.release.releases import Release
from citygraph.web.kinds.drawing import chart_of, register_of
from citygraph.web.kinds.layouts import layout_of, validity_of_entity, validity_of_links
from citygraph.web.kinds.page_context import Layout, PageContext
from citygraph.web.pages.dataset_page import DatasetTables
from citygraph.web.pages.home import read_home
from citygraph.web.view.cells import source_line
from citygraph.web.view.page_request import PageRequest
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.statement_groups import class_slug, statement_page
from citygraph.web.view.statement_table import TYPE, StatementTable
from citygraph.web.view.templates import Templates
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import AlternateForm, Text, literal_text

_NO_DATA = Markup()
_LABEL = RDFS("label").value
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
        table = context.table
        # Before any row is made, for rows carry the validity of the entities that they name.
        table.look(validity_of_links(context, description))
        title = table.link(description.iri)
        layout = layout_of(context, description) or Layout("entity.html", {})
        return self.page(
            layout.template,
            reader,
            opened.release,
            title=title,
            names=_names(description, title),
            kind=table.kind(description.statements),
            places=[table.link(v.iri) for v in description.values(CG("country").value)],
            rows=table.rows(description, layout.covered),
            parts=table.parts(description),
            links=table.links(description, layout.covered_links),
            sources=table.sources(),
            same=[table.link(v.iri) for v in description.values(OWL("sameAs").value) if v.iri],
            iri=description.iri,
            preview=_preview(reader, description.iri),
            data=data,
            whole=whole,
            forms=forms,
            page=description.page,
            pages=description.pages,
            own=validity_of_entity(context, description),
            **layout.values,
        )

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
