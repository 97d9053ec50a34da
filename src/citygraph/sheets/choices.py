"""The choices of drop-downs: classes and concepts by their labels in any language."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CG, PREFIXES, RDFS, SKOS, split_iri
from citygraph.sheets.table_model import SheetColumn
from citygraph.text import fold

_LABELS = (RDFS("label"), SKOS("prefLabel"), SKOS("altLabel"), SKOS("notation"))
# A German label for people of any gender, such as Vorsitzende/r and Botschafter/in.
_WITH_ENDING = re.compile(r"(?<=\w)/(in|r)\b")


class Choices:
    """Labels of classes and concepts, from the statements of the ontology."""

    def __init__(self, ontology: Iterable[Quad]) -> None:
        self._names: dict[str, list[str]] = defaultdict(list)
        self._labels: dict[str, dict[str, str]] = defaultdict(dict)
        self._schemes: dict[str, list[str]] = defaultdict(list)
        for quad in ontology:
            subject = getattr(quad.subject, "value", "")
            if quad.predicate in _LABELS and isinstance(quad.object, Literal):
                self._names[subject].extend(map(fold, _forms(quad.object.value, quad.object.language or "")))
                if quad.predicate in _LABELS[:2]:
                    self._labels[subject].setdefault(quad.object.language or "", quad.object.value)
            elif quad.predicate == SKOS("inScheme") and isinstance(quad.object, NamedNode):
                self._schemes[quad.object.value.rpartition("/")[2]].append(subject)

    def class_of(self, text: str, classes: Iterable[str]) -> str | None:
        """Returns the prefixed name of the class with this label, or None."""
        return next((name for name in classes if self._is_named(text, PREFIXES["cg"] + name.removeprefix("cg:"))), None)

    def concept_of(self, text: str, schemes: Iterable[str]) -> str | None:
        """Returns the IRI of the concept with this label in one of the schemes, or None."""
        concepts = (iri for scheme in schemes for iri in self._schemes.get(scheme, ()))
        return next((iri for iri in concepts if self._is_named(text, iri)), None)

    def of(self, column: SheetColumn, language: str) -> list[str]:
        """Returns the labels of a column's choices in a language, in the order of the model or of the scheme."""
        if column.kind == "class":
            return [self.label(CG(name.removeprefix("cg:")).value, language) for name in column.classes]
        return [self.label(iri, language) for iri in self._schemes.get(column.scheme, ())]

    def label(self, iri: str, language: str) -> str:
        """Returns the label of a class or concept in a language, else in English."""
        labels: Mapping[str, str] = self._labels.get(iri, {})
        return labels.get(language) or labels.get("en") or split_iri(iri)[1]

    def example_of(self, column: SheetColumn, language: str) -> str:
        """Returns the example of a column; that of a class or concept is its label in a language."""
        if column.kind == "class":
            name = self.class_of(column.example, column.classes)
            return self.label(CG(name.removeprefix("cg:")).value, language) if name else ""
        concept = self.concept_of(column.example, (column.scheme,)) if column.kind == "concept" else None
        return self.label(concept, language) if concept else column.example

    def as_text(self, column: SheetColumn, language: str) -> str:
        """Returns the choices of a column for a message, in the language of the drop-downs."""
        return ", ".join(self.of(column, language))

    def _is_named(self, text: str, iri: str) -> bool:
        prefix, local = split_iri(iri)
        return fold(text) in self._names.get(iri, ()) or text in (iri, f"{prefix}:{local}", local)


def _forms(label: str, language: str) -> tuple[str, ...]:
    """Returns a label with its two forms for one gender, and the regular plurals of German and English ones.

    `stellvertretende/r Botschafter/in` is of a man or a woman, `Botschafter/innen` and `Botschafterinnen` of several.
    """
    if language.startswith("en"):
        return (label, f"{label}s")
    if not _WITH_ENDING.search(label):
        return (label,)
    of_man = _WITH_ENDING.sub(lambda ending: ending[1] if ending[1] == "r" else "", label)
    of_woman = _WITH_ENDING.sub(lambda ending: ending[1] if ending[1] == "in" else "", label)
    several = [f"{one}nen" for one in (label, of_woman) if one.endswith("in")]
    return (label, of_man, of_woman, *several)
