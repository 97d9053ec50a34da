"""The curator's notes on a statement: the reasons of a conclusion, and the assessments of a source's statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyoxigraph import Literal

from citygraph.graph.description import Value
from citygraph.graph.labels import is_in
from citygraph.rdf.terms import CURATION_GRAPH
from citygraph.web.http.addresses import Addresses
from citygraph.web.view.cells import Judgement
from citygraph.web.view.release_cache import OpenRelease
from citygraph.web.view.translations import Translations
from citygraph.web.view.values import Text, literal_text


@dataclass(frozen=True)
class CuratorNotes:
    """Finds the notes of statements; `link` returns the label of an entity with its address."""

    opened: OpenRelease
    translations: Translations
    addresses: Addresses
    link: Callable[[str], Text]

    def of_statement(self, iri: str, predicate: str, value: Value) -> tuple[tuple[Text, ...], tuple[Judgement, ...]]:
        """Returns the reasons of the curator's conclusion, and the assessments that concern one of the sources."""
        triple = (iri, predicate, value.term.value)
        conclusion = self.opened.conclusions.get(triple) if CURATION_GRAPH.value in value.sources else None
        reasons = self._texts(conclusion.iri, conclusion.reasons) if conclusion else ()
        judgements = (
            Judgement(self.link(one.verdict).text, self._texts(one.iri, one.reasons))
            for one in self.opened.assessments.get(triple, ())
            if not one.stated_in or one.stated_in & set(value.sources)
        )
        return reasons, tuple(judgements)

    def _texts(self, iri: str, reasons: Sequence[Literal]) -> tuple[Text, ...]:
        """Returns reasons in the reader's language if possible, linked to the conclusion or assessment."""
        mine = [reason for reason in reasons if is_in(reason, self.translations.language)] or reasons
        href = self.addresses.local(iri)
        return tuple(Text(r.value, literal_text(r, self.translations).language, href) for r in mine)
