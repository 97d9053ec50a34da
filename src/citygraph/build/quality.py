"""Quality measurements of a release: results of the shapes and of stored queries, in the W3C's DQV."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pyoxigraph import Literal, NamedNode, QuerySolutions, RdfFormat, Store, Triple, serialize

from citygraph.errors import BadData, QuerySyntaxError
from citygraph.instance import VOCABULARY
from citygraph.rdf.terms import DATASET, DCTERMS, DQV, PREFIXES, RDF, RDFS, XSD, partition
from citygraph.report import Report
from citygraph.source.queries import StoredQuery, load_queries
from citygraph.sparql.evaluate import evaluate_trusted

FILE = "quality.ttl"
METRIC = VOCABULARY + "ontology/quality/"
_FOLDER = "quality/"


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


def quality_queries(folders: Iterable[Path]) -> list[StoredQuery]:
    """Returns the stored queries that measure quality, by name."""
    queries = load_queries(*folders).values()
    return [query for query in queries if query.name.startswith(_FOLDER)]


def measure(store: Store, queries: Iterable[StoredQuery]) -> list[QualityMeasurement]:
    """Returns the measurements by queries. Raises BadData for a query that does not return two numbers."""
    return [measurement for query in queries for measurement in _measurements(store, query)]


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


def _measurements(store: Store, query: StoredQuery) -> Iterator[QualityMeasurement]:
    file = f"{query.name}.rq"
    try:
        solutions = evaluate_trusted(store, query.text)
    except QuerySyntaxError as error:
        raise BadData(str(error), file, error.line) from None
    names = {v.value for v in solutions.variables} if isinstance(solutions, QuerySolutions) else set()
    if not isinstance(solutions, QuerySolutions) or not {"numerator", "denominator"} <= names:
        raise BadData("a measuring query must select ?numerator and ?denominator", file)
    for row in solutions:
        class_ = row["class"] if "class" in names else None
        yield QualityMeasurement(
            query.name.removeprefix(_FOLDER),
            _number(row["numerator"]),
            _number(row["denominator"]),
            class_.value if isinstance(class_, NamedNode) else "",
        )


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
