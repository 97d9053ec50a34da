"""The statement table of a page: properties and values of a description, each value with its sources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pyoxigraph import Literal, NamedNode

from citygraph.graph.description import Description, Incoming, Node, Statements, Value
from citygraph.graph.labels import is_in
from citygraph.rdf.terms import (
    CG,
    DATASET,
    DCTERMS,
    DERIVED_GRAPH,
    GEO,
    ONTOLOGY_GRAPH,
    OWL,
    RDF,
    RDFS,
    SCHEMA,
    SD,
    SKOS,
    VOID,
)
from citygraph.web.http.addresses import Addresses
from citygraph.web.view.cells import (
    Cell,
    IncomingLinks,
    Part,
    PropertyRow,
    SourceLine,
    SourceNote,
    anchors_of,
    external_name,
    is_translation,
    source_line,
    without_anchors,
)
from citygraph.web.view.curator_notes import CuratorNotes
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text, coordinates, language_name, literal_text, summary

# Kept with the release, for each language: some 4 MB of links.
_MOST_LINKS, _MOST_PROPERTIES = 10_000, 2_000
TYPE = RDF("type").value
_SAME_AS = OWL("sameAs").value
_NAMES = (SKOS("altLabel").value, SKOS("hiddenLabel").value)
_LANGUAGE, _GEOMETRY = DCTERMS("language").value, GEO("hasGeometry").value
_LATITUDE, _LONGITUDE = SCHEMA("latitude").value, SCHEMA("longitude").value
# Shown in the head, in the footer or with the coordinates.
_ELSEWHERE = {
    TYPE,
    _SAME_AS,
    _LONGITUDE,
    *(RDFS(name).value for name in ("label", "isDefinedBy")),
    *(SKOS(name).value for name in ("prefLabel", "topConceptOf", "hasTopConcept")),
    _GEOMETRY,
}
_SYMMETRIC = {CG("twinnedWith").value}
_INLINE = {*_NAMES, *(CG(name).value for name in ("economicSector", "topic", "twinnedWith", "abbreviation"))}
# These properties come first; the rest follow by name.
_FIRST = [
    "party",
    "unnamedParty",
    "councilActDate",
    "protocolDate",
    "daysToProtocol",
    "validDuring",
    "agreementType",
    "holder",
    "post",
    "of",
    "role",
    "startDate",
    "endDate",
    "attestedOn",
    "attestedAt",
    "notBefore",
    "notAfter",
    "eventType",
    "takesPlaceIn",
    "venue",
    "host",
    "moderator",
    "organiser",
    "participant",
    "attendeeGroup",
    "about",
    "anniversaryOf",
    "summary",
    "actor",
    "recipient",
    "recipientGroup",
    "object",
    "invitedTo",
    "country",
    "continent",
    "locatedIn",
    "capitalOf",
    "situatedOn",
]
_THEN = [
    "populationFigure",
    "areaFigure",
    "distanceFigure",
    "shareFigure",
    "ranking",
    "distinction",
    "jurisdiction",
    "abbreviation",
    "seat",
    "foundingDate",
    "purpose",
    "promotes",
    "supports",
    "homePlace",
    "twinnedWith",
    "economicSector",
    "landmark",
    "topic",
    "nameUse",
]
# The properties of a document that a citation has.
_CITED = ("title", "creator", "publisher", "issued", "modified", "language")
_ORDER = [
    *(DCTERMS(name).value for name in _CITED),
    CG("readOn").value,
    *(RDF(name).value for name in ("subject", "predicate", "object")),
    *(CG(name).value for name in _FIRST),
    _LATITUDE,
    *(CG(name).value for name in _THEN),
]
_RANK = {iri: place for place, iri in enumerate(_ORDER)}
_LAST = {**dict.fromkeys(_NAMES, 1000), CG("note").value: 999, CG("sha256").value: 1001}


class StatementTable:
    """Makes the statement tables of one page; it numbers the sources in order of first use."""

    def __init__(self, opened: OpenRelease, _: Translations, addresses: Addresses) -> None:
        self._opened = opened
        self._translations = _
        self._sort_key = _.sort_key
        self._addresses = addresses
        self._vocabulary = opened.vocabulary
        self._links_by_iri, self._properties = opened.names_in(_.language, addresses.root)
        self._curated = CuratorNotes(opened, _, addresses, self.link).of_statement
        self._numbers: dict[str, int] = {}
        self._notes: dict[str, SourceNote] = {}
        self._validities: Mapping[str, str] = {}
        self._description: Description | None = None
        self._nodes: dict[str, Node] = {}
        self._value_nodes: set[str] = set()

    def look(self, validities: Mapping[str, str]) -> None:
        """Sets the validity of entities, which is shown wherever a table names them."""
        self._validities = validities

    def rows(self, description: Description, covered: frozenset[str] = frozenset()) -> tuple[PropertyRow, ...]:
        """Returns the rows of the entity itself, without the properties that the page shows elsewhere."""
        self._description = description
        self._nodes = description.node_by_iri()
        return self._rows(description.iri, [s for s in description.statements if s.predicate not in covered])

    def parts(self, description: Description) -> tuple[Part, ...]:
        """Returns the parts that are not shown as a value in a table."""
        self._description = description
        # The geometry is shown as coordinates.
        hidden = {v.iri for v in description.values(_GEOMETRY)}
        rest = [n for n in description.nodes if n.iri not in self._value_nodes | hidden]
        parts = [part for node in rest if (part := self._part(node)).rows]
        # A part within another part is shown there.
        within = {anchor for part in parts for anchor in anchors_of(part.rows)}
        return tuple(part for part in parts if part.anchor not in within)

    def links(self, description: Description, covered_links: frozenset[str] = frozenset()) -> tuple[IncomingLinks, ...]:
        """Returns the incoming links that matter to readers, without the properties that the page shows elsewhere.

        Links in other vocabularies repeat ours and are left out.
        """
        self._description = description
        links = [link for link in description.incoming if link.predicate not in covered_links]
        listed = [self._links(link) for link in links if self._is_shown(link, description)]
        return tuple(sorted(listed, key=lambda links: self._sort_key(links.title)))

    def of_graph(self, subjects: Iterable[tuple[str, tuple[Statements, ...], tuple[Node, ...]]]) -> tuple[Part, ...]:
        """Returns the statements of a graph, a part for each subject."""
        self._description = None
        parts = []
        for iri, statements, nodes in subjects:
            self._nodes = {node.iri: node for node in nodes}
            rows = self._rows(iri, statements, everything=True)
            parts.append(Part("", self.link(iri), self.kind(statements), tuple(without_anchors(row) for row in rows)))
        return tuple(parts)

    def sources(self) -> tuple[SourceLine, ...]:
        """Returns the sources used so far, by number."""
        return tuple(
            source_line(self._opened, self._translations, self.link, iri, number, self._addresses.root)
            for iri, number in self._numbers.items()
        )

    def notes(self, sources: Iterable[str]) -> tuple[SourceNote, ...]:
        """Returns the numbered notes of sources; a new source gets the next number."""
        # Statements of the ontology are definitions: they need no source.
        notes = [self._note(source) for source in sources if source != ONTOLOGY_GRAPH.value]
        return tuple(sorted(notes, key=lambda note: note.number))

    def _note(self, source: str) -> SourceNote:
        note = self._notes.get(source)
        if note is None:
            number = self._numbers.setdefault(source, len(self._numbers) + 1)
            name = self.link(source).text
            label = self._translations("source {number}: {name}", number=number, name=name)
            note = self._notes[source] = SourceNote(number, name, label)
        return note

    def link(self, iri: str) -> Text:
        """Returns the label of an entity with its address here, which a withdrawn entity no longer has."""
        known = self._links_by_iri.get(iri)
        if known is not None:
            return known
        label = self._opened.labels.best(iri, self._translations.language)
        language = "" if label.language in ("", self._translations.language) else label.language
        text = label.text if label.language or self._addresses.is_ours(iri) else external_name(iri)
        link = Text(text, language, "" if iri in self._opened.gone else self._addresses.local(iri))

        if len(self._links_by_iri) >= _MOST_LINKS:
            self._links_by_iri.clear()
        self._links_by_iri[iri] = link
        return link

    def kind(self, statements: Iterable[Statements]) -> str:
        """Returns the labels of the most specific classes of an entity."""
        types = [v.iri for s in statements if s.predicate == TYPE for v in s.values if v.iri.startswith(CG)]
        above = {b for t in types for b in list(self._vocabulary.broader_classes(t))[1:]}
        labels = [self._opened.labels.best(t, self._translations.language).text for t in types if t not in above]
        others = (self._translations.class_name(v.iri) for s in statements if s.predicate == TYPE for v in s.values)
        return ", ".join(labels or filter(None, others))

    def _rows(self, iri: str, statements: Iterable[Statements], everything: bool = False) -> tuple[PropertyRow, ...]:
        # Of a graph everything is shown, as it has no other page.
        is_graph = iri.endswith("#graph")
        everything = everything or is_graph
        by_predicate = {s.predicate: s for s in statements if is_graph or not self._is_elsewhere(s.predicate)}
        rows = []
        for predicate in sorted(by_predicate, key=self._rank):
            values = self._for_reader(predicate, by_predicate[predicate].values, everything)
            if not everything:
                values = [v for v in values if not self._is_repeated(predicate, v, by_predicate)]
            if values:
                cells = [self._cell(iri, predicate, value) for value in values]
                # Links are sorted by label; literals keep the order of the description.
                if all(value.iri for value in values):
                    cells.sort(key=lambda cell: self._sort_key(cell.texts[0].text if cell.texts else ""))
                if predicate in _NAMES:
                    cells = self._names(values)
                elif predicate == _LATITUDE:
                    cells = self._coordinates(values, {s.predicate: s for s in statements})
                differ = self._differ(predicate, values)
                rows.append(PropertyRow(self._property(predicate), tuple(cells), differ, predicate in _INLINE))
        return tuple(rows)

    def _is_elsewhere(self, predicate: str) -> bool:
        """Returns whether the page shows a property elsewhere; counts are shown with the dataset only."""
        about = self._description.iri if self._description else ""
        return predicate in _ELSEWHERE or (predicate.startswith((SD, VOID)) and about != DATASET.value)

    def _is_repeated(self, predicate: str, value: Value, by_predicate: dict[str, Statements]) -> bool:
        """Returns whether a statement was only derived from a narrower property that the table has."""
        if value.sources != (DERIVED_GRAPH.value,):
            return False
        narrower = (
            p for p in by_predicate if p != predicate and (term := self._vocabulary.get(p)) and predicate in term.above
        )
        return any(value.term == v.term for p in narrower for v in by_predicate[p].values)

    def _rank(self, predicate: str) -> tuple[int, str]:
        return self._ranked(predicate)[0]

    def _property(self, predicate: str) -> Text:
        return self._ranked(predicate)[1]

    def _ranked(self, predicate: str) -> tuple[tuple[int, str], Text]:
        ranked = self._properties.get(predicate)
        if ranked is None:
            label = self._opened.labels.best(predicate, self._translations.language)
            name = self._translations.property_name(predicate) or label.text
            rank = _LAST.get(predicate, _RANK.get(predicate, 500)), self._sort_key(name)
            if len(self._properties) >= _MOST_PROPERTIES:
                self._properties.clear()
            ranked = self._properties[predicate] = rank, Text(name, "", self._addresses.local(predicate))
        return ranked

    def _for_reader(self, predicate: str, values: Iterable[Value], everything: bool) -> list[Value]:
        """Returns the values without derived translations into other vocabularies and texts in other languages."""
        own = [v for v in values if everything or not is_translation(predicate, v)]
        # Names in all languages are shown: a reader may know a place by any of them.
        if predicate in _NAMES:
            return own
        texts = [v for v in own if isinstance(v.term, Literal) and v.term.language]
        mine = [v for v in texts if isinstance(v.term, Literal) and is_in(v.term, self._translations.language)]
        return [v for v in own if v not in texts or v in mine] if mine else own

    def _differ(self, predicate: str, values: list[Value]) -> bool:
        return len(values) > 1 and (term := self._vocabulary.get(predicate)) is not None and term.is_expected_once

    def _cell(self, iri: str, predicate: str, value: Value) -> Cell:
        notes = self.notes(value.sources)
        reasons, judgements = self._curated(iri, predicate, value)
        if isinstance(value.term, Literal):
            is_tongue = predicate == _LANGUAGE
            text = (
                language_name(value.term.value, self._translations)
                if is_tongue
                else literal_text(value.term, self._translations)
            )
            return Cell((text,), notes, reasons, judgements=judgements)
        node = self._node(value.iri)
        if node:
            return self._node_cell(node, notes, reasons)._replace(judgements=judgements)
        validity = self._validities.get(value.iri, "")
        return Cell((self.link(value.iri),), notes, reasons, validity=validity, judgements=judgements)

    def _node(self, iri: str) -> Node | None:
        return self._nodes.get(iri) if iri not in self._value_nodes else None

    def _node_cell(self, node: Node, notes: tuple[SourceNote, ...], reasons: tuple[Text, ...]) -> Cell:
        self._value_nodes.add(node.iri)
        anchor = node.iri.partition("#")[2]
        texts = summary(node, self._translations, self.link)
        if texts:
            return Cell(texts, notes, reasons, anchor)
        label = self._opened.labels.of(node.iri)
        title = (self.link(node.iri),) if label else ()
        return Cell(title, notes, reasons, anchor, self._rows(node.iri, node.statements))

    def _names(self, values: list[Value]) -> list[Cell]:
        """Returns each spelling once, with the languages that use it."""
        spellings: dict[str, tuple[list[str], set[str]]] = {}
        for value in values:
            languages, sources = spellings.setdefault(value.term.value, ([], set()))
            languages.append(value.term.language or "" if isinstance(value.term, Literal) else "")
            sources.update(value.sources)
        return [
            Cell(
                (Text(name, languages[0]), Text(f" ({', '.join(filter(None, languages))})")),
                self.notes(sorted(sources)),
            )
            for name, (languages, sources) in sorted(spellings.items(), key=lambda one: self._sort_key(one[0]))
        ]

    def _coordinates(self, values: list[Value], by_predicate: dict[str, Statements]) -> list[Cell]:
        """Returns each latitude with the longitude from the same source."""
        longitudes = by_predicate.get(_LONGITUDE)
        cells: list[Cell] = []
        for value in values:
            pairs = longitudes.values if longitudes else ()
            same = [p for p in pairs if set(p.sources) & set(value.sources)] or list(pairs)
            text = coordinates(value.term.value, same[0].term.value, self._translations) if same else value.term.value
            cells.append(Cell((Text(text),), self.notes(value.sources), anchor="" if cells else self._geometry()))
        return cells

    def _geometry(self) -> str:
        """Returns the fragment of the geometry, which is shown as coordinates."""
        values = self._description.values(_GEOMETRY) if self._description else ()
        return values[0].iri.partition("#")[2] if values else ""

    def _part(self, node: Node) -> Part:
        self._value_nodes.add(node.iri)
        fragment = node.iri.partition("#")[2]
        label = self.link(node.iri)
        title = Text(label.text if self._opened.labels.of(node.iri) else fragment, label.language)
        about = self._description.iri if self._description else ""
        # A part of an event need not state again that it belongs to it.
        statements = [s for s in node.statements if not (s.predicate == CG + "at" and _only(s, about))]
        return Part(fragment, title, self.kind(node.statements), self._rows(node.iri, statements))

    def _is_shown(self, link: Incoming, description: Description) -> bool:
        # A symmetric property is shown once, as an outgoing one.
        if link.predicate in _SYMMETRIC and description.values(link.predicate):
            return False
        return link.predicate.startswith(CG) or self._translations.incoming(link.predicate) is not None

    def _links(self, link: Incoming) -> IncomingLinks:
        iri = self._description.iri if self._description else ""
        cells = []
        for value in link.values:
            if value.iri:
                reasons, judgements = self._curated(value.iri, link.predicate, Value(NamedNode(iri), value.sources))
                texts, notes = (self.link(value.iri),), self.notes(value.sources)
                cells.append(Cell(texts, notes, reasons, "", (), self._validities.get(value.iri, ""), judgements))
        name = self._translations.incoming(link.predicate) or self._property(link.predicate).text
        return IncomingLinks(name, link.count, tuple(sorted(cells, key=lambda c: self._sort_key(c.texts[0].text))))


def _only(statements: Statements, iri: str) -> bool:
    return all(value.iri == iri for value in statements.values)
