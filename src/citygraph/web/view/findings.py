"""Validation findings of a release, by the document of their focus node; the build's report is read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from citygraph.graph.labels import Label, choose, last_segment
from citygraph.graph.vocabulary import Vocabulary, VocabularyTerm
from citygraph.rdf.terms import CG, RDFS, SH
from citygraph.report import REPORT, ReportScopes, ValidationResult, later_results
from citygraph.web.view.values import Text

# Triples of a report that are read: the rest of a longer one is ignored, and `Findings.whole` is false.
_MOST = 2_000_000
_FOCUS, _MESSAGE, _SHAPE, _VALUE = (SH(name) for name in ("focusNode", "resultMessage", "sourceShape", "value"))
_READ = {_FOCUS, _MESSAGE, _SHAPE, _VALUE}


@dataclass(frozen=True, slots=True)
class ShapeFinding:
    """One result of a validation report: the focus node, the shape, and the message in several languages."""

    focus: str
    shape: str
    messages: tuple[Literal, ...]
    value: str = ""  # as in N-Triples


@dataclass(frozen=True, slots=True)
class Findings:
    """Validation results of the last build and of the commits since, by the IRI of a document's entity.

    `whole` if the build's report was read to its end; `judged` are the nodes that those commits validated again.
    """

    built: Mapping[str, tuple[ShapeFinding, ...]]
    whole: bool
    judged: ReportScopes
    later: Mapping[str, tuple[ShapeFinding, ...]]

    def of(self, iri: str) -> tuple[ShapeFinding, ...] | None:
        """Returns the findings of an entity and the parts of its document, or None if it was not validated."""
        built = self.built.get(iri, ())
        unchanged = (one for one in built if not self.judged.covers(one.focus, one.value, one.shape))
        findings = (*unchanged, *self.later.get(iri, ()))
        return findings if findings or self.whole or self.judged.has_node(iri) else None

    def distinct(self) -> Iterator[ShapeFinding]:
        """Yields all findings, ordered by document."""
        for iri in sorted({*self.built, *self.later}):
            # A shape may report a node once for each of its values, with the same message.
            yield from {(one.shape, one.focus, one.messages): one for one in self.of(iri) or ()}.values()


@dataclass(frozen=True, slots=True)
class FindingText:
    """A finding as a page shows it: the focus node and the message."""

    focus: str
    message: Text


@dataclass(frozen=True, slots=True)
class ShapeFindings:
    """The findings of one shape: its IRI, its name, how to mend the data, and each finding."""

    shape: str
    name: Text
    remedy: Text | None
    findings: tuple[FindingText, ...]


def read_findings(release: Path) -> Findings:
    """Reads the findings of the release in a folder, from the report of its build and those of later commits."""
    built: Mapping[str, tuple[ShapeFinding, ...]] = {}
    whole = False
    with suppress(FileNotFoundError):
        state = (release / REPORT).stat()
        built, whole = _of_build(_File(state.st_dev, state.st_ino, state.st_mtime_ns, release / REPORT))
    judged, later = later_results(release)
    return Findings(built, whole, judged, _by_entity(map(_of_result, later)))


@dataclass(frozen=True)
class _File:
    """The identity of a file, as the key of a cache: releases made by commits link to the report of the same build."""

    device: int
    inode: int
    time: int
    path: Path = field(compare=False)


# The release before and after a commit: both have the report of one build.
@lru_cache(2)
def _of_build(report: _File) -> tuple[Mapping[str, tuple[ShapeFinding, ...]], bool]:
    """Returns the findings of a SHACL validation report in Turtle, and whether it was read to its end."""
    results: dict[BlankNode, dict[NamedNode, list[NamedNode | Literal]]] = {}
    count = 0
    for quad in islice(parse(path=str(report.path), format=RdfFormat.TURTLE), _MOST):
        count += 1
        subject, predicate, term = quad.subject, quad.predicate, quad.object
        # Only these four properties matter, which keeps a large report small in memory.
        if predicate in _READ and isinstance(subject, BlankNode) and not isinstance(term, BlankNode | Triple):
            results.setdefault(subject, {}).setdefault(predicate, []).append(term)
    findings = []
    for properties in results.values():
        if _FOCUS in properties and _SHAPE in properties:
            messages = tuple(term for term in properties.get(_MESSAGE, ()) if isinstance(term, Literal))
            value = str(properties[_VALUE][0]) if _VALUE in properties else ""
            findings.append(ShapeFinding(properties[_FOCUS][0].value, properties[_SHAPE][0].value, messages, value))
    return _by_entity(findings), count < _MOST


def _by_entity(findings: Iterable[ShapeFinding]) -> Mapping[str, tuple[ShapeFinding, ...]]:
    by_entity: dict[str, list[ShapeFinding]] = {}
    for finding in findings:
        by_entity.setdefault(finding.focus.partition("#")[0], []).append(finding)
    return {iri: tuple(of_one) for iri, of_one in by_entity.items()}


def _of_result(result: ValidationResult) -> ShapeFinding:
    messages = tuple(Literal(text, language=tag or None) for tag, text in result.messages.items())
    return ShapeFinding(result.focus_node, result.shape, messages, result.value)


def by_shape(findings: Findings, shapes: Vocabulary, language: str) -> tuple[ShapeFindings, ...]:
    """Returns the findings of a release grouped by shape, the most frequent first, in a reader's language."""
    groups: dict[str, list[FindingText]] = {}
    for finding in findings.distinct():
        message = choose(finding.messages, language)
        text = _text(message, language) if message else Text("")
        groups.setdefault(finding.shape, []).append(FindingText(finding.focus, text))
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return tuple(_group(shape, tuple(texts), shapes.get(shape), language) for shape, texts in ordered)


def _group(iri: str, findings: tuple[FindingText, ...], shape: VocabularyTerm | None, language: str) -> ShapeFindings:
    name = shape.text(language, SH("name").value, RDFS("label").value) if shape else None
    remedy = shape.text(language, CG("remedy").value) if shape else None
    return ShapeFindings(
        iri,
        _text(name, language) if name else Text(last_segment(iri)),
        _text(remedy, language) if remedy else None,
        findings,
    )


def _text(label: Label, language: str) -> Text:
    return Text(label.text, "" if label.language == language else label.language)
