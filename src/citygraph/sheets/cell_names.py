"""The entities that cells name: rows of the same workbook, entities of the graph, identifiers and QIDs."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from citygraph.matching.lookup import Lookup
from citygraph.matching.score import IndexedEntity, Question, reconcile
from citygraph.rdf.terms import ID, local_name
from citygraph.sheets.cell_problems import WARNING, CellProblem, CellRule
from citygraph.sheets.rows import SheetRow
from citygraph.text import fold

UNKNOWN_NAME = CellRule(
    "name-unknown",
    "{value} is not a name of an entity of the kind of this column, in the graph or in this workbook.",
    "Correct the name, or describe the entity in a row of its own. Similar: {candidates}.",
)
UNLIKE_ANY_NAME = CellRule(
    UNKNOWN_NAME.name, UNKNOWN_NAME.message, "Correct the name, or describe the entity in a row of its own."
)
AMBIGUOUS_NAME = CellRule(
    "name-ambiguous",
    "{value} names several entities.",
    "Write the identifier of the one that is meant: {candidates}.",
)

NAME_OF_ANOTHER = CellRule(
    "name-of-another",
    "{value} is also a name of {others} in the graph, but the row makes a new entity.",
    "If both are the same, such as after a change of the name, write that identifier in the row.",
    WARNING,
)

_IDENTIFIER = re.compile(r"(?:city|area|country|person|organisation|post|event|agreement)/[^\s/]+")
_CANDIDATES = 4
# Scripts that are transliterated well. Japanese 金沢 would be read as Chinese, and Hebrew has no vowels.
_TRANSLITERATED = ("LATIN", "GREEK", "CYRILLIC", "MODIFIER")


def name_for_identifier(names: Sequence[str]) -> str:
    """Returns the name that makes an identifier: the first, or the first in Latin letters if its script has others."""
    return names[0] if _has_letters_of(names[0], _TRANSLITERATED) else next(filter(_is_latin, names), names[0])


def _is_latin(text: str) -> bool:
    return any(map(str.isalpha, text)) and _has_letters_of(text, ("LATIN", "MODIFIER"))


def _has_letters_of(text: str, scripts: tuple[str, ...]) -> bool:
    return all(unicodedata.name(one, "").startswith(scripts) for one in text if one.isalpha())


class Names:
    """The names of a graph and a workbook; `finder` is the index of the current release, or None before the first."""

    def __init__(self, finder: Lookup | None) -> None:
        self._finder = finder
        self._own: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._withheld: set[str] = set()
        self._labels: dict[str, str] = {}
        self._matches: dict[tuple[str, frozenset[str]], list[str]] = {}

    def add(self, name: str, iri: str, class_: str) -> None:
        """Adds a name that a row of the workbook gives to an entity of this class, such as "cg:City"."""
        self._own[fold(name)].add((iri, local_name(class_)))
        self._labels.setdefault(iri, name)

    def withhold(self, names: Iterable[str]) -> None:
        """Notes the names of a row that describes an entity, but has an error: its identifier is not known yet."""
        self._withheld.update(map(fold, names))

    def is_withheld(self, name: str) -> bool:
        """Returns whether the name is that of a row with an error, which is reported there."""
        return fold(name) in self._withheld

    def new_iri(self, own: str, latin: str, name: str) -> str:
        """Returns the IRI for the first name of a row: that of its Latin name, `latin`, if no other entity has it.

        It is `own`, that of the first name itself, if the graph has an entity with one of the two.
        """
        if own == latin:
            return own
        is_known = self._finder is not None and bool(self._finder.identified([own, latin]))
        return own if is_known or fold(self._labels.get(latin, name)) != fold(name) else latin

    def label(self, iri: str) -> str:
        """Returns the first name that a row gives to an entity, else its label in the graph, else its identifier."""
        if iri not in self._labels:
            entities = self._finder.identified([iri]) if self._finder else []
            self._labels[iri] = entities[0].label if entities else iri.removeprefix(ID)
        return self._labels[iri]

    def folded(self, iri: str) -> frozenset[str]:
        """Returns the names of an entity in the graph, in search form."""
        entities = self._finder.identified([iri]) if self._finder else []
        return frozenset(name for entity in entities for name, _ in entity.names)

    def find(self, text: str, classes: Iterable[str], country: str = "") -> list[str]:
        """Returns the IRIs of the entities of one of these classes that the text names: one if it is unambiguous.

        A country, by name or identifier, decides between namesakes.
        """
        locals_ = frozenset(local_name(class_) for class_ in classes)
        own = sorted({iri for iri, class_ in self._own.get(fold(text), ()) if class_ in locals_})
        if own:
            return own
        key = (f"{text}\0{country}", locals_)
        if key not in self._matches:
            self._matches[key] = self._in_graph(text, locals_, country)
        return self._matches[key]

    def shared(self, row: SheetRow, names: Iterable[str], iri: str, class_: str, country: str) -> Iterator[CellProblem]:
        """Yields a warning if a row without identifier makes a new entity with a name of another one.

        Only entities of its class count, and if both have a country (by name or identifier), those of the same one.
        """
        if self._finder is None or row.cell("id") or self._finder.identified([iri]):
            return
        countries = self._finder.countries(country) if country else frozenset()
        address = next(cell.address for column, cell in row.cells.items() if column.key == "name")
        # A sign, such as that for a deletion, is no name.
        for name, folded in ((name, fold(name)) for name in names if fold(name)):
            others = [
                one.iri.removeprefix(ID)
                for one in self._finder.named([folded])
                if local_name(class_) in one.types
                and any(other == folded for other, _ in one.names)
                and (not country or not one.country or one.country in countries)
            ]
            if others:
                others = sorted(others)[:_CANDIDATES]
                yield CellProblem(NAME_OF_ANOTHER, address, name, {"others": ", ".join(others)})
                return

    def candidates(self, text: str, classes: Iterable[str]) -> str:
        """Returns the most similar entities of the graph for a message, label and identifier; "" if none is similar."""
        if self._finder is None:
            return ""
        question = Question(text, tuple(local_name(class_) for class_ in classes), limit=_CANDIDATES)
        candidates = reconcile(question, self._finder)
        names = (f"{one.entity.label} ({one.entity.iri.removeprefix(ID)})" for one in candidates)
        return ", ".join(names)

    def _in_graph(self, text: str, classes: frozenset[str], country: str) -> list[str]:
        if self._finder is None:
            return []
        entities = self._finder.identified([text])
        if not entities and not _IDENTIFIER.fullmatch(text):
            folded = fold(text)
            entities = [one for one in self._finder.named([folded]) if any(name == folded for name, _ in one.names)]
        entities = [one for one in entities if classes.intersection(one.types)]
        return [one.iri for one in self._preferred(entities, country)]

    def _preferred(self, entities: list[IndexedEntity], country: str) -> list[IndexedEntity]:
        """Returns the entities of the country if there are any, and those with the text as a label before others."""
        if country and self._finder is not None and len(entities) > 1:
            countries = self._finder.countries(country)
            entities = [one for one in entities if one.country in countries] or entities
        labelled = [one for one in entities if any(is_label for _, is_label in one.names)]
        return labelled or entities
