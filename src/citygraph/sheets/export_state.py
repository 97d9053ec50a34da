"""The state of an exported workbook at its export, on a hidden sheet: its rows, and a digest of each slot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pyoxigraph import NamedNode, Quad

from citygraph.rdf.terms import BASE, PREFIXES, split_iri
from citygraph.sheets.slots import Slot, digest_of, values_of

_TITLE = "What this workbook said when it was exported. An import compares it with the graph: leave it as it is."
_RELEASE, _ROW, _STATEMENTS = "release", "row", "said"


class RowKey(NamedTuple):
    """The identity of a row: sheet, entity, source, and the node that links to the entity, such as a tenure."""

    sheet: str
    main: str
    linked: str
    source: str


@dataclass(frozen=True)
class ExportState:
    """The release that an export shows, its rows, and the digest of each slot."""

    release: str = ""
    rows: frozenset[RowKey] = frozenset()
    digests: dict[Slot, str] = field(default_factory=dict)

    @property
    def sources(self) -> set[str]:
        """The sources that the export has, by IRI."""
        return {key.source for key in self.rows} | {slot.source.value for slot in self.digests}

    def digest(self, slot: Slot) -> str:
        """Returns the digest of the values that a slot had, empty for none."""
        return self.digests.get(slot, "")


def state_of(release: str, rows: Iterable[RowKey], quads: Iterable[Quad]) -> ExportState:
    """Returns the state of an export with these rows and statements."""
    digests = {slot: digest_of(values) for slot, values in values_of(quads).items()}
    return ExportState(release, frozenset(rows), digests)


def state_lines(state: ExportState) -> Iterator[Sequence[str]]:
    """Yields the lines of the hidden sheet. IRIs have no base, so that another base reads them too."""
    yield (_TITLE,)
    yield (_RELEASE, state.release)
    for key in sorted(state.rows):
        yield (_ROW, key.sheet, *(iri.removeprefix(BASE) for iri in key[1:]))
    by_subject: dict[tuple[str, str], list[str]] = defaultdict(list)
    for slot, digest in state.digests.items():
        prefix, local = split_iri(slot.predicate.value)
        name = f"{prefix}:{local}" if prefix else slot.predicate.value
        words = by_subject[slot.subject.value, slot.source.value]
        words.append(" ".join((name, digest, slot.language)).strip())
    for (subject, source), words in sorted(by_subject.items()):
        yield (_STATEMENTS, subject.removeprefix(BASE), source.removeprefix(BASE), "; ".join(sorted(words)))


def read_state(lines: Iterable[Sequence[str]]) -> ExportState:
    """Returns the state from the lines of the hidden sheet; a line that this version cannot read is passed over."""
    release = ""
    rows: set[RowKey] = set()
    digests: dict[Slot, str] = {}
    for line in lines:
        kind, first, second, third, fourth, *_ = (*line, "", "", "", "", "")
        if kind == _RELEASE:
            release = first
        elif kind == _ROW:
            rows.add(RowKey(first, _absolute(second), _absolute(third) if third else "", _absolute(fourth)))
        elif kind == _STATEMENTS:
            digests.update(_slots(NamedNode(_absolute(first)), NamedNode(_absolute(second)), third))
    return ExportState(release, frozenset(rows), digests)


def _slots(subject: NamedNode, source: NamedNode, words: str) -> Iterator[tuple[Slot, str]]:
    for word in words.split(";"):
        name, digest, language, *_ = (*word.split(), "", "", "")
        prefix, _, local = name.partition(":")
        predicate = NamedNode(PREFIXES[prefix] + local if prefix in PREFIXES else name)
        yield Slot(subject, predicate, source, language), digest


def _absolute(iri: str) -> str:
    return iri if "://" in iri else BASE + iri
