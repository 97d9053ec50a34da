"""The check of single statements, in one pass before any engine: terms, kinds and datatypes of values, lexical forms.

The ontology defines the terms and the values of each property; ontology/shapes/statement.ttl has the messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, parse

from citygraph.build.triple_table import TripleTable
from citygraph.instance import VOCABULARY
from citygraph.rdf.lexical import DATATYPES, TEXTS, is_valid
from citygraph.rdf.partial_dates import DATE_TYPES
from citygraph.rdf.terms import CG, OWL, RDF, RDFS, SCHEMA, SH, SKOS, XSD, split_iri
from citygraph.report import Report, ValidationResult, merge_reports, report_of
from citygraph.source.reading import read_packaged_text

# Replaces the datatype of an ill-formed literal for the engines, which differ on such literals. With an unknown
# datatype, both find that the value is not of the datatype that a shape requires.
_ILL_FORMED = "urn:x-citygraph:ill-formed:"
_SHAPES = VOCABULARY + "ontology/shapes#"
_STANDARD = NamedNode(_SHAPES + "StandardProperties")
_TYPE = RDF("type").value
_NAMES = (RDFS("label").value, SKOS("altLabel").value)
_LANGUAGE_TEXT = RDF + "langString"
_LITERAL_PROPERTIES = frozenset({OWL("DatatypeProperty"), OWL("AnnotationProperty")})
_PROPERTIES = _LITERAL_PROPERTIES | {OWL("ObjectProperty"), RDF("Property")}
_CLASSES = frozenset({OWL("Class"), RDFS("Class")})
_RANGES = frozenset({RDFS("range"), SCHEMA("rangeIncludes")})
_DATES = frozenset(type_.value for type_ in DATE_TYPES)
_BLOCK = 1 << 20  # bytes of a file that are read at a time
_ZONE = re.compile(r"Z$|[+-][0-9]{2}:[0-9]{2}$")
# The constraint component of each rule, for the W3C report, which requires one.
_COMPONENTS = {
    "KnownProperty": "Closed",
    "KnownClass": "In",
    "KnownTerm": "In",
    "KnownDatatype": "Datatype",
    "LexicalForm": "Datatype",
    "DateWithoutZone": "Pattern",
    "ValueIsIri": "NodeKind",
    "ValueIsLiteral": "NodeKind",
    "ValueDatatype": "Datatype",
    "TextNotEmpty": "MinLength",
}


@dataclass(frozen=True)
class _Fault:
    """A broken rule, by the name of its shape, and the words for the placeholders in its texts."""

    rule: str
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Verdict:
    """The check of all literals of one property with one datatype or language.

    `fault` is an error that does not depend on the text. Otherwise the text must be in the lexical space of `datatype`,
    and not be blank if the value `is_text`.
    """

    fault: _Fault | None = None
    datatype: str = ""
    is_text: bool = False


@dataclass(frozen=True)
class _Values:
    """The values that a property takes."""

    iris: bool
    literals: bool
    datatypes: frozenset[str]


class StatementRules:
    """The rules for single statements, as the ontology gives them."""

    def __init__(self, ontology: Sequence[Path], shapes: Sequence[Path]) -> None:
        self._terms: set[str] = set()
        self._classes: set[str] = set()
        self._properties: dict[str, _Values] = {}
        self._texts: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
        self._literals: dict[tuple[str, str], _Verdict] = {}
        self._spaces: tuple[str, ...] = (CG,)
        self._read_ontology(ontology)
        self._read_shapes(shapes)

    def check(self, lines: Iterable[str]) -> Iterator[ValidationResult]:
        """Yields the violations of statements, given as lines of canonical N-Triples."""
        for line in lines:
            subject, predicate, value = line.split(" ", 2)
            if fault := self._fault(predicate, value):
                yield self._result(fault, subject, predicate, value[:-3])

    def for_engines(self, lines: Iterable[str]) -> Iterator[str]:
        """Yields the lines for the engines: an ill-formed literal gets a special datatype."""
        for line in lines:
            value = line.split(" ", 2)[2]
            end = value.rindex('"') if value[0] == '"' else 0
            is_typed = end and value.startswith("^^<", end + 1)
            if is_typed and not is_valid(_unescaped(value[1:end]), value[end + 4 : -4]):
                yield line.removesuffix(value[end + 4 :]) + _ILL_FORMED + value[end + 4 :]
            else:
                yield line

    def _fault(self, predicate: str, value: str) -> _Fault | None:
        if value[0] != '"':
            return self._fault_of_iri(predicate, value[:-3])
        end = value.rindex('"')
        verdict = self._literals.get((predicate, value[end:])) or self._verdict(predicate, value[end:])
        if verdict.fault:
            return verdict.fault
        text = value[1:end]
        if verdict.is_text:
            blank = not text.strip() or ("\\" in text and not _unescaped(text).strip())
            return _Fault("TextNotEmpty", (("property", short_name(predicate)),)) if blank else None
        if not verdict.datatype:
            return None
        if is_valid(_unescaped(text), verdict.datatype):
            return _fault_of_zone(predicate, text, verdict.datatype)
        type_ = DATATYPES[verdict.datatype]
        words = (
            ("property", short_name(predicate)),
            ("value", f'"{text}"'),
            ("datatype", short_name(verdict.datatype)),
            ("example", f'"{type_.example}"^^{short_name(verdict.datatype)}'),
        )
        return _Fault("LexicalForm", words)

    def _fault_of_iri(self, predicate: str, value: str) -> _Fault | None:
        name, term = predicate[1:-1], value[1:-1]
        values = self._properties.get(name)
        if values is None and name.startswith(self._spaces):
            return self._unknown("KnownProperty", name, self._own_properties)
        if values and not values.iris:
            return _Fault("ValueIsLiteral", (("property", short_name(name)), *_expected(values)))
        if not term.startswith(self._spaces) or term in self._spaces:
            return None
        if name == _TYPE and term not in self._classes:
            return self._unknown("KnownClass", term, self._classes)
        return None if term in self._terms else self._unknown("KnownTerm", term, self._terms)

    def _verdict(self, predicate: str, suffix: str) -> _Verdict:
        """Returns the verdict on the literals of a property with this suffix, and keeps it."""
        name = predicate[1:-1]
        datatype = _datatype_of(suffix)
        fault = self._fault_of_datatype(name, datatype)
        verdict = _Verdict(fault) if fault else _Verdict(None, "" if datatype in TEXTS else datatype, datatype in TEXTS)
        if verdict.datatype not in DATATYPES:
            verdict = _Verdict(fault, "", verdict.is_text)
        self._literals[predicate, suffix] = verdict
        return verdict

    def _fault_of_datatype(self, name: str, datatype: str) -> _Fault | None:
        values = self._properties.get(name)
        if values is None and name.startswith(self._spaces):
            return self._unknown("KnownProperty", name, self._own_properties)
        if values and not values.literals:
            return _Fault("ValueIsIri", (("property", short_name(name)),))
        if values and values.datatypes and datatype not in values.datatypes:
            words = (("property", short_name(name)), ("datatype", short_name(datatype)), *_expected(values))
            return _Fault("ValueDatatype", words)
        if datatype.startswith(XSD) and datatype not in DATATYPES:
            return self._unknown("KnownDatatype", datatype, DATATYPES)
        return None

    @property
    def _own_properties(self) -> list[str]:
        return [name for name in self._properties if name.startswith(self._spaces)]

    def _unknown(self, rule: str, term: str, candidates: Iterable[str]) -> _Fault:
        nearest = max(sorted(candidates), key=lambda other: _similarity(term, other), default=term)
        return _Fault(rule, (("term", short_name(term)), ("nearest", short_name(nearest))))

    def _result(self, fault: _Fault, subject: str, predicate: str, value: str) -> ValidationResult:
        messages, remedies = (
            {language: filled(text, fault.words) for language, text in texts.items()}
            for texts in self._texts.get(fault.rule, ({}, {}))
        )
        return ValidationResult(
            severity="violation",
            focus_node=subject.removeprefix("<").removesuffix(">"),
            shape=_SHAPES + fault.rule,
            component=f"{SH}{_COMPONENTS[fault.rule]}ConstraintComponent",
            path=predicate[1:-1],
            value=value,
            messages=messages,
            remedies=remedies,
        )

    def _read_ontology(self, files: Sequence[Path]) -> None:
        kinds: dict[str, set[NamedNode]] = {}
        ranges: dict[str, set[str]] = {}
        for quad in _quads(files):
            subject = getattr(quad.subject, "value", "")
            # A term of the instance is in a namespace without a prefix; those of others are not ours to restrict.
            if not subject.startswith(CG) and split_iri(subject)[0]:
                continue
            self._terms.add(subject)
            if isinstance(quad.object, NamedNode) and quad.predicate.value == _TYPE:
                kinds.setdefault(subject, set()).add(quad.object)
            elif isinstance(quad.object, NamedNode) and quad.predicate in _RANGES:
                ranges.setdefault(subject, set()).add(quad.object.value)
        self._classes = {term for term, its in kinds.items() if its & _CLASSES}
        self._properties = {
            term: _values(its, ranges.get(term, set())) for term, its in kinds.items() if its & _PROPERTIES
        }
        self._spaces = tuple(sorted({CG, *map(_namespace, (*self._classes, *self._properties))}))

    def _read_shapes(self, files: Sequence[Path]) -> None:
        quads = list(_quads(files))
        paths: dict[object, object] = {quad.subject: quad.object for quad in quads if quad.predicate == SH("path")}
        kinds: dict[object, object] = {quad.subject: quad.object for quad in quads if quad.predicate == SH("nodeKind")}
        for quad in quads:
            if quad.subject == _STANDARD and quad.predicate == SH("property"):
                iris = kinds[quad.object] == SH("IRI")
                self._properties[str(paths[quad.object])[1:-1]] = _Values(iris, not iris, frozenset())
        for quad in quads:
            rule = getattr(quad.subject, "value", "").removeprefix(_SHAPES)
            if rule in _COMPONENTS and isinstance(quad.object, Literal) and quad.object.language:
                texts = self._texts.setdefault(rule, ({}, {}))
                texts[quad.predicate == CG("remedy")][quad.object.language] = quad.object.value


class CheckedFile:
    """A file of canonical N-Triples that may still grow: the faults of its statements, and a table of them.

    The table lacks statements if there are faults.
    """

    def __init__(self, path: Path, rules: StatementRules) -> None:
        self.path = path
        self.faults: list[ValidationResult] = []
        self.table = TripleTable()
        self._rules = rules
        self._end = 0

    def read(self) -> None:
        """Reads the lines after those that have been read."""
        with self.path.open("rb") as file:
            file.seek(self._end)
            for block in iter(partial(file.readlines, _BLOCK), []):
                # The last line may be incomplete while the file is written.
                complete = block if block[-1].endswith(b"\n") else block[:-1]
                self._end += sum(map(len, complete))
                lines = [line.decode() for line in complete]
                self.faults.extend(self._rules.check(lines))
                if not self.faults:
                    self.table.add(lines)
                if complete is not block:
                    break


def from_engines(text: str) -> str:
    """Returns a datatype, or a text of a report that names one, with the datatypes of the data."""
    return text.replace(_ILL_FORMED, "")


def _fault_of_zone(predicate: str, text: str, datatype: str) -> _Fault | None:
    # Only the zone of a valid date has a letter or a colon.
    if datatype not in _DATES or not predicate.startswith(f"<{CG}") or (text[-1] != "Z" and ":" not in text):
        return None
    example = f'"{_ZONE.sub("", text)}"^^{short_name(datatype)}'
    return _Fault("DateWithoutZone", (("property", short_name(predicate)), ("example", example)))


def _quads(files: Sequence[Path]) -> Iterator[Quad]:
    return (quad for path in files for quad in parse(read_packaged_text(path), RdfFormat.TURTLE))


def _values(kinds: set[NamedNode], ranges: set[str]) -> _Values:
    if OWL("ObjectProperty") in kinds:
        return _Values(iris=True, literals=False, datatypes=frozenset())
    if kinds & _LITERAL_PROPERTIES:
        return _Values(iris=False, literals=True, datatypes=frozenset(ranges))
    # A plain rdf:Property may take both, such as dates and, where a date is unknown, an individual.
    datatypes = frozenset(name for name in ranges if name.startswith(XSD) or name == _LANGUAGE_TEXT)
    return _Values(not ranges or datatypes != ranges, not ranges or bool(datatypes), datatypes)


def with_faults(report: Report, faults: Iterable[ValidationResult]) -> Report:
    """Returns a report with the faults of single statements, each once.

    Where a shape rejects the same value, only its message is kept, because it is more specific.
    """
    rejected = {(r.focus_node, r.path, r.value) for r in report.violations}
    mine = {key: fault for fault in faults if (key := (fault.focus_node, fault.path, fault.value)) not in rejected}
    # Statements derived from a faulty one would repeat its fault: other dates and names, counts of a class.
    values = {value for _, path, value in (*rejected, *mine) if path.startswith(CG)}
    values |= {f"<{path}>" for _, path, _ in mine if path.startswith(CG)}
    values |= {value for _, path, value in mine if path == _TYPE}
    names = {(node, value) for node, path, value in mine if path in _NAMES}
    own = tuple(
        fault
        for (node, path, value), fault in mine.items()
        if path.startswith(CG) or path in (_TYPE, *_NAMES) or (value not in values and (node, value) not in names)
    )
    return merge_reports([report_of(own), report]) if own else report


def _namespace(iri: str) -> str:
    return iri[: max(iri.rfind("#"), iri.rfind("/")) + 1]


def _expected(values: _Values) -> tuple[tuple[str, str], ...]:
    datatypes = sorted(values.datatypes) or [XSD + "string"]
    return (("expected", ", ".join(map(short_name, datatypes))), ("example", _example(datatypes[0])))


def _example(datatype: str) -> str:
    if datatype == _LANGUAGE_TEXT:
        return '"…"@en'
    if datatype not in DATATYPES or datatype in TEXTS:
        return '"…"' if datatype in TEXTS else f'"…"^^{short_name(datatype)}'
    return f'"{DATATYPES[datatype].example}"^^{short_name(datatype)}'


def _datatype_of(suffix: str) -> str:
    """Returns the datatype of a literal from the rest of its line: `"@tr .`, `"^^<…> .` or `" .`."""
    if suffix.startswith('"^^'):
        return suffix[4:-4]
    return _LANGUAGE_TEXT if suffix.startswith('"@') else XSD + "string"


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    (triple,) = parse(f'<urn:x:s> <urn:x:p> "{text}" .', RdfFormat.N_TRIPLES)
    return triple.object.value if isinstance(triple.object, Literal) else text


def _similarity(one: str, other: str) -> float:
    name, other_name = split_iri(one)[1], split_iri(other)[1]
    return SequenceMatcher(None, name.casefold(), other_name.casefold()).ratio()


def short_name(iri: str) -> str:
    """Returns the prefixed name of an IRI, or the IRI in angle brackets."""
    prefix, name = split_iri(iri.removeprefix("<").removesuffix(">"))
    return f"{prefix}:{name}" if prefix else f"<{name}>"


def filled(text: str, words: Iterable[tuple[str, str]]) -> str:
    """Returns a text with these words in place of {?name}."""
    for name, word in words:
        text = text.replace(f"{{?{name}}}", word)
    return text
