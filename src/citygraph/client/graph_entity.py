"""An entity of the graph: its statements, each with its source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from citygraph.client.notebook_html import MapPoint, cell, link, map_svg, source_list
from citygraph.client.typed_values import IRI

_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
_PLACE = ("https://schema.org/latitude", "https://schema.org/longitude")
_ROWS = 60
# The statements of an entity; labels are in the language of the client.
STATEMENTS = """
PREFIX cg: <https://w3id.org/citygraph/ontology#>
SELECT ?property ?value ?source ?label ?valueLabel ?sourceLabel {
  GRAPH ?source { $entity ?property ?value }
  BIND(cg:labelIn($entity, $language) AS ?label)
  BIND(cg:labelIn(?value, $language) AS ?valueLabel)
  BIND(cg:labelIn(?source, $language) AS ?sourceLabel)
}
"""


@dataclass(frozen=True)
class SourcedFact:
    """A statement about an entity, and the named graph that makes it: that of a source, or of the curator."""

    property: IRI
    value: Any
    source: IRI
    value_label: str = ""
    source_label: str = ""


@dataclass(frozen=True, repr=False)
class GraphEntity:
    """An entity. `entity["protocolDate"]` returns the values of a property, by its local name or its IRI."""

    iri: IRI
    label: str
    statements: tuple[SourcedFact, ...]
    release: str = ""
    url: str = ""

    def __getitem__(self, name: str) -> list[Any]:
        """Returns the different values of a property; an empty list if there are none."""
        return list(dict.fromkeys(fact.value for fact in self.facts(name)))

    def __repr__(self) -> str:
        return f"<GraphEntity {self.label!r} <{self.iri}>: {len(self.statements)} statement(s)>"

    def facts(self, name: str) -> list[SourcedFact]:
        """Returns the statements with a property, by its local name or its IRI."""
        return [fact for fact in self.statements if name in (fact.property, fact.property.local)]

    @property
    def types(self) -> list[IRI]:
        """The classes of the entity."""
        return self[_TYPE]

    @property
    def sources(self) -> dict[IRI, str]:
        """The sources with their titles."""
        return {fact.source: fact.source_label for fact in self.statements}

    @property
    def coordinates(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees, None if they are not known."""
        latitudes, longitudes = (self[name] for name in _PLACE)
        return (float(latitudes[0]), float(longitudes[0])) if latitudes and longitudes else None

    def _repr_html_(self) -> str:
        place = self.coordinates
        rows = "".join(
            f"<tr><td>{link(fact.property, fact.property.local)}</td><td>{_value(fact)}</td>"
            f"<td>{link(fact.source, fact.source_label or fact.source.local)}</td></tr>"
            for fact in self.statements[:_ROWS]
        )
        hidden = len(self.statements) - _ROWS
        more = f"<p>… and {hidden} more statements</p>" if hidden > 0 else ""
        return (
            f"<div><p><b>{link(self.iri, self.label)}</b></p>{map_svg([MapPoint(*place, self.label)] if place else [])}"
            f"<table><thead><tr><th>Property</th><th>Value</th><th>Source</th></tr></thead><tbody>{rows}</tbody></table>"
            f"{more}{source_list(self.sources.items())}<p><small>Release {escape(self.release)}</small></p></div>"
        )


def read_entity(iri: IRI, rows: Sequence[Any], release: str, url: str) -> GraphEntity:
    """Returns the entity from the rows of STATEMENTS, those with its label and classes first."""
    facts = (
        SourcedFact(row.property, row.value, row.source, str(row.valueLabel or ""), str(row.sourceLabel or ""))
        for row in rows
    )
    label = next((str(row.label) for row in rows if row.label), iri.local)
    return GraphEntity(iri, label, tuple(_in_order(facts)), release, url)


def _in_order(facts: Iterable[SourcedFact]) -> list[SourcedFact]:
    first = (_LABEL, _TYPE)
    return sorted(facts, key=lambda fact: (fact.property not in first, fact.property, str(fact.value), fact.source))


def _value(fact: SourcedFact) -> str:
    return link(fact.value, fact.value_label) if isinstance(fact.value, IRI) and fact.value_label else cell(fact.value)
