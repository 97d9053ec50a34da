"""What the shapes found in a release, by the document of what it is about: read once from its reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path

from pyoxigraph import BlankNode, Literal, NamedNode, RdfFormat, Triple, parse

from citygraph.graph.vocabulary import Vocabulary
from citygraph.rdf.terms import CG, SH
from citygraph.report import REPORT, Judged, Result, read_later
from citygraph.web.view.values import Text

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
    """What was found, by the IRI of the document's thing: by the last build, and by commits since.

    `whole` if the build's report was read to its end; `judged` is what those commits judged.
    """

    built: Mapping[str, tuple[Finding, ...]]
    whole: bool
    judged: Judged
    later: Mapping[str, tuple[Finding, ...]]

    def of(self, iri: str) -> tuple[Finding, ...] | None:
        """What was found of a thing and the parts of its document; None where that is not known."""
        lasting = (one for one in self.built.get(iri, ()) if not self.judged.covers(one.focus, one.value))
        found = (*lasting, *self.later.get(iri, ()))
        return found if found or self.whole or iri in self.judged.nodes else None


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding as a page tells it: what is wrong, how to mend it, which shape says so, the part it is about."""

    message: Text
    remedy: Text | None
    shape: str
    anchor: str


def read_findings(release: Path) -> Findings:
    """What was found in the release in this folder; of what nobody judged nothing is known."""
    built: Mapping[str, tuple[Finding, ...]] = {}
    whole = False
    with suppress(FileNotFoundError):
        state = (release / REPORT).stat()
        built, whole = _of_build(_File(state.st_dev, state.st_ino, state.st_mtime_ns, release / REPORT))
    nodes, values, datasets = set[str](), set[str](), set[str]()
    judged = Judged(nodes, values, datasets)
    later = []
    # The newest first: what it judged, those before it have no more to say about.
    for one, results in reversed(list(read_later(release))):
        later += [_of_result(result) for result in results if not judged.covers(result.focus_node, result.value)]
        nodes |= one.nodes
        values |= one.values
        datasets |= one.datasets
    return Findings(built, whole, judged, _by_thing(later))


@dataclass(frozen=True)
class _File:
    """A file, whatever it is called: releases that commits made have the report of the same build."""

    device: int
    inode: int
    time: int
    path: Path = field(compare=False)


@lru_cache(2)
def _of_build(report: _File) -> tuple[Mapping[str, tuple[Finding, ...]], bool]:
    """The findings of a W3C validation report in Turtle, and whether it was read to its end."""
    results: dict[BlankNode, dict[NamedNode, list[NamedNode | Literal]]] = {}
    count = 0
    for quad in islice(parse(path=str(report.path), format=RdfFormat.TURTLE), _MOST):
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
    return _by_thing(found), count < _MOST


def _by_thing(found: Iterable[Finding]) -> Mapping[str, tuple[Finding, ...]]:
    by_thing: dict[str, list[Finding]] = {}
    for finding in found:
        by_thing.setdefault(finding.focus.partition("#")[0], []).append(finding)
    return {iri: tuple(of_one) for iri, of_one in by_thing.items()}


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
