"""What the shapes found in a release, by the document of what it is about: read once from its reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from citygraph.report import REPORT, Result, read_later
from citygraph.terms import CG, SH
from citygraph.vocabulary import Vocabulary
from citygraph.web.pages.values import Text

_MOST = 2_000_000  # triples of a report; what a longer one says further on is not told
_MOST_TOLD = 20  # findings of one page
_FOCUS, _MESSAGE, _SHAPE, _VALUE = (SH(name) for name in ("focusNode", "resultMessage", "sourceShape", "value"))
_READ = {_FOCUS, _MESSAGE, _SHAPE, _VALUE}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a shape found: of which node, by which shape, in words of several languages."""

    focus: str
    shape: str
    messages: tuple[Literal, ...]
    value: str = ""  # as in N-Triples


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, by the IRI of the document's thing; `whole` if all of the report was read."""

    by_thing: Mapping[str, tuple[Finding, ...]]
    whole: bool

    def of(self, iri: str) -> tuple[Finding, ...] | None:
        """What was found of a thing and the parts of its document; None where that is not known."""
        return self.by_thing.get(iri, () if self.whole else None)


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding as a page tells it: what is wrong, how to mend it, which shape says so, the part it is about."""

    message: Text
    remedy: Text | None
    shape: str
    anchor: str


def read_findings(release: Path) -> Findings:
    """What was found in the release in this folder; of what nobody judged nothing is known."""
    found, whole = _of_report(release / REPORT)
    known: set[str] = set()
    for judged, results in read_later(release):
        found = [finding for finding in found if not judged.covers(finding.focus, finding.value)]
        found += (_of_result(result) for result in results)
        known |= judged.nodes
    by_thing: dict[str, list[Finding]] = {node.partition("#")[0]: [] for node in known}
    for finding in found:
        by_thing.setdefault(finding.focus.partition("#")[0], []).append(finding)
    return Findings({iri: tuple(of_one) for iri, of_one in by_thing.items()}, whole)


def _of_report(report: Path) -> tuple[list[Finding], bool]:
    """The findings of a W3C validation report in Turtle, and whether it was read to its end."""
    if not report.is_file():
        return [], False
    results: dict[BlankNode, dict[NamedNode, list[NamedNode | Literal]]] = {}
    count = 0
    for quad in islice(parse(path=str(report), format=RdfFormat.TURTLE), _MOST):
        count += 1
        subject, predicate, term = quad.subject, quad.predicate, quad.object
        if predicate in _READ and isinstance(subject, BlankNode) and not isinstance(term, BlankNode | Triple):
            results.setdefault(subject, {}).setdefault(predicate, []).append(term)
    found = []
    for said in results.values():
        if _FOCUS in said and _SHAPE in said:
            messages = tuple(term for term in said.get(_MESSAGE, ()) if isinstance(term, Literal))
            value = str(said[_VALUE][0]) if _VALUE in said else ""
            found.append(Finding(said[_FOCUS][0].value, said[_SHAPE][0].value, messages, value))
    return found, count < _MOST


def _of_result(result: Result) -> Finding:
    messages = tuple(Literal(text, language=tag or None) for tag, text in result.messages.items())
    return Finding(result.focus_node, result.shape, messages, result.value)


def remarks(found: Iterable[Finding], shapes: Vocabulary, language: str) -> tuple[Remark, ...]:
    """The findings in a reader's language, each once."""
    told = {}
    for finding in islice(found, _MOST_TOLD):
        shape = shapes.get(finding.shape)
        remedy = shape.text(language, CG("remedy").value) if shape else None
        mend = Text(remedy.text, "" if remedy.language == language else remedy.language) if remedy else None
        anchor = finding.focus.partition("#")[2]
        message = _message(finding.messages, language)
        if message:
            told[message, anchor] = Remark(message, mend, finding.shape, anchor)
    return tuple(told.values())


def _message(messages: Iterable[Literal], language: str) -> Text | None:
    by_language = {message.language or "": message.value for message in messages}
    chosen = next((one for one in (language, "en") if one in by_language), next(iter(by_language), None))
    if chosen is None:
        return None
    return Text(by_language[chosen], "" if chosen == language else chosen)
