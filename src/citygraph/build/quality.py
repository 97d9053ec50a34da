"""Quality measurements of a release: results of the shapes and of stored queries, in the W3C's DQV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from pyoxigraph import Literal, NamedNode, QuerySolution, QuerySolutions, RdfFormat, Store, Triple, serialize

from citygraph.build.dependencies import Unbounded
from citygraph.build.key_parts import KeyParts, SubjectReads
from citygraph.build.subject_counts import subject_reads
from citygraph.errors import BadData, QuerySyntaxError
from citygraph.instance import VOCABULARY
from citygraph.rdf.terms import DATASET, DCTERMS, DQV, PREFIXES, RDF, RDFS, XSD, partition
from citygraph.report import Report
from citygraph.source.queries import StoredQuery, load_queries
from citygraph.sparql.evaluate import evaluate_trusted

FILE = "quality.ttl"
METRIC = VOCABULARY + "ontology/quality/"
_FOLDER = "quality/"
_COUNTS = ("numerator", "denominator")
_CLASS = "class"
_INTEGER = XSD("integer")


@dataclass(frozen=True)
class QualityMeasurement:
    """A measured value of the whole dataset, of the members of a class, or of the results of one shape.

    A share has numerator and denominator; a count has only the first.
    """

    metric: str
    numerator: int
    denominator: int | None = None
    class_iri: str = ""
    shape: str = ""

    @property
    def value(self) -> Literal:
        """The share to four places, or the count. Zero of zero is 1: no member lacks anything."""
        if self.denominator is None:
            return Literal(self.numerator)
        share = Decimal(self.numerator) / self.denominator if self.denominator else Decimal(1)
        return Literal(str(share.quantize(Decimal("0.0001"))), datatype=XSD("decimal"))

    @property
    def iri(self) -> NamedNode:
        """The IRI of the measurement, from its metric and its class or shape."""
        # Without the class or shape, several measurements of a metric would share an IRI.
        of = (self.class_iri or self.shape).replace("#", "/").rpartition("/")[2]
        return NamedNode(f"{DATASET.value}#quality-{self.metric}{'-' + of if of else ''}")

    def plus(self, other: QualityMeasurement) -> QualityMeasurement:
        """Returns the share of both together, of which no member is in both."""
        numerators, denominators = (self.numerator, other.numerator), (self.denominator or 0, other.denominator or 0)
        return replace(self, numerator=sum(numerators), denominator=sum(denominators))


def quality_queries(folders: Iterable[Path]) -> list[StoredQuery]:
    """Returns the stored queries that measure quality, by name."""
    queries = load_queries(*folders).values()
    return [query for query in queries if query.name.startswith(_FOLDER)]


def measure(
    open_store: Callable[[], Store], queries: Iterable[StoredQuery], parts: KeyParts | None = None
) -> list[QualityMeasurement]:
    """Returns the measurements by queries. Raises BadData for a query that does not return two numbers.

    With `parts`, the store is opened only for a query whose counts for some subjects at a time do not add up.
    """
    queries = list(queries)
    summed = _summed(queries, parts) if parts else {}
    measurements: list[QualityMeasurement] = []
    for query in queries:
        if query.name in summed:
            measurements += summed[query.name]
        else:
            measurements += [_measurement(query, row) for row in _solutions(open_store(), query)]
    return measurements


def write_quality(measurements: Iterable[QualityMeasurement], report: Report, release: Path) -> None:
    """Writes the measurements and the counts of a report into the release's folder as Turtle."""
    triples = [
        triple for measurement in (*measurements, *shape_counts(report)) for triple in describe_measurement(measurement)
    ]
    with (release / FILE).open("wb") as file:
        serialize(triples, file, RdfFormat.TURTLE, prefixes=PREFIXES)


def describe_measurement(measurement: QualityMeasurement) -> Iterator[Triple]:
    """Yields the statements of a dqv:QualityMeasurement. That of a class is computed on the class partition."""
    node = measurement.iri
    part = partition("class", measurement.class_iri) if measurement.class_iri else DATASET
    yield Triple(node, RDF("type"), DQV("QualityMeasurement"))
    yield Triple(node, DQV("isMeasurementOf"), NamedNode(METRIC + measurement.metric))
    yield Triple(node, DQV("computedOn"), part)
    yield Triple(node, DQV("value"), measurement.value)
    if part is DATASET:
        yield Triple(DATASET, DQV("hasQualityMeasurement"), node)
    if measurement.shape:
        yield Triple(node, DCTERMS("subject"), NamedNode(measurement.shape))
    if measurement.denominator is not None:
        of = f"{measurement.numerator} / {measurement.denominator}"
        yield Triple(node, RDFS("comment"), Literal(of))


def _summed(queries: Iterable[StoredQuery], parts: KeyParts) -> dict[str, list[QualityMeasurement]]:
    """Returns the measurements, in order of class, by those queries of which they are sums over parts."""
    reads: dict[str, SubjectReads] = {}
    for query in queries:
        with suppress(Unbounded):
            reads[query.name] = subject_reads(query.text, _COUNTS, _CLASS)
    sums: dict[str, dict[str, QualityMeasurement]] = {name: {} for name in reads}
    for store in parts.by_subject(reads.values()):
        for query in (query for query in queries if query.name in sums):
            rows = list(_solutions(store, query))
            if all(map(_is_summable, rows)):
                _add(sums[query.name], [_measurement(query, row) for row in rows])
            else:
                del sums[query.name]
        del store
    return {name: [by_class[iri] for iri in sorted(by_class)] for name, by_class in sums.items()}


def _add(sums: dict[str, QualityMeasurement], measurements: Iterable[QualityMeasurement]) -> None:
    """Adds measurements to those of the same class."""
    for one in measurements:
        iri = one.class_iri
        sums[iri] = one.plus(sums[iri]) if iri in sums else one


def _is_summable(row: QuerySolution) -> bool:
    """Returns whether the class, if there is one, is an IRI, and the counts are integers: a sum may fail."""
    counts = [row[name] for name in _COUNTS]
    are_integers = all(isinstance(count, Literal) and count.datatype == _INTEGER for count in counts)
    return are_integers and isinstance(_class_of(row), NamedNode | None)


def _solutions(store: Store, query: StoredQuery) -> QuerySolutions:
    """Returns the result of a query. Raises BadData."""
    file = f"{query.name}.rq"
    try:
        solutions = evaluate_trusted(store, query.text)
    except QuerySyntaxError as error:
        raise BadData(str(error), file, error.line) from None
    names = {v.value for v in solutions.variables} if isinstance(solutions, QuerySolutions) else set()
    if not isinstance(solutions, QuerySolutions) or not names.issuperset(_COUNTS):
        raise BadData("a measuring query must select ?numerator and ?denominator", file)
    return solutions


def _measurement(query: StoredQuery, row: QuerySolution) -> QualityMeasurement:
    class_ = _class_of(row)
    numerator, denominator = (_number(row[name]) for name in _COUNTS)
    iri = class_.value if isinstance(class_, NamedNode) else ""
    return QualityMeasurement(query.name.removeprefix(_FOLDER), numerator, denominator, iri)


def _class_of(row: QuerySolution) -> object:
    """Returns the class that a row is about; None if the row has no such column, or no value in it."""
    try:
        return row[_CLASS]
    except KeyError:
        return None


def _number(term: object) -> int:
    # Without solutions an aggregate may be unbound.
    return int(term.value) if isinstance(term, Literal) else 0


def shape_counts(report: Report) -> Iterator[QualityMeasurement]:
    """Yields the numbers of violations and warnings, and the warnings of each shape."""
    yield QualityMeasurement("violations", len(report.violations))
    yield QualityMeasurement("warnings", len(report.warnings))
    # Violations need no measurement by shape: a release has none.
    for shape, count in sorted(Counter(result.shape for result in report.warnings).items()):
        yield QualityMeasurement("warnings", count, shape=shape)
