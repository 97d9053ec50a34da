"""How good a release is, measured: what the shapes found and what stored queries count, in the W3C's quality terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from pyoxigraph import Literal, NamedNode, QuerySolutions, RdfFormat, Store, Triple, serialize

from citygraph.errors import BadData
from citygraph.queries import StoredQuery, load_queries
from citygraph.report import Report
from citygraph.terms import BASE, DATASET, DCTERMS, DQV, PREFIXES, RDF, RDFS, XSD, partition

FILE = "quality.ttl"
METRIC = BASE + "ontology/quality/"
_FOLDER = "quality/"


@dataclass(frozen=True)
class Measurement:
    """A measured value: of the whole dataset, or of the members of a class, or of what one shape found.

    A share has its two numbers; a count has only the first.
    """

    metric: str
    numerator: int
    denominator: int | None = None
    class_iri: str = ""
    shape: str = ""

    @property
    def value(self) -> Literal:
        """The share to four places, or the count. Nothing out of nothing is whole."""
        if self.denominator is None:
            return Literal(self.numerator)
        share = Decimal(self.numerator) / self.denominator if self.denominator else Decimal(1)
        return Literal(str(share.quantize(Decimal("0.0001"))), datatype=XSD("decimal"))

    @property
    def iri(self) -> NamedNode:
        """The measurement's name: its metric, and what it is of."""
        of = (self.class_iri or self.shape).replace("#", "/").rpartition("/")[2]
        return NamedNode(f"{DATASET.value}#quality-{self.metric}{'-' + of if of else ''}")


def quality_queries(folder: Path | None) -> list[StoredQuery]:
    """The stored queries that measure, by name."""
    queries = load_queries(folder).values() if folder else ()
    return [query for query in queries if query.name.startswith(_FOLDER)]


def measure(store: Store, queries: Iterable[StoredQuery], report: Report) -> list[Measurement]:
    """Everything that is measured. Raises BadData for a query that does not answer with two numbers."""
    asked = [measurement for query in queries for measurement in _ask(store, query)]
    return [*asked, *_found_by_shapes(report)]


def write_quality(measurements: Iterable[Measurement], release: Path) -> None:
    """Write the measurements into the release's folder as Turtle."""
    triples = [triple for measurement in measurements for triple in describe_measurement(measurement)]
    with (release / FILE).open("wb") as file:
        serialize(triples, file, RdfFormat.TURTLE, prefixes=PREFIXES)


def describe_measurement(measurement: Measurement) -> Iterator[Triple]:
    """The measurement as dqv:QualityMeasurement: one of a class is computed on that class's partition."""
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


def _ask(store: Store, query: StoredQuery) -> Iterator[Measurement]:
    file = f"{query.name}.rq"
    try:
        solutions = store.query(query.text, prefixes=PREFIXES)
    except SyntaxError as error:
        raise BadData(str(error), file) from None
    names = {v.value for v in solutions.variables} if isinstance(solutions, QuerySolutions) else set()
    if not isinstance(solutions, QuerySolutions) or not {"numerator", "denominator"} <= names:
        raise BadData("a measuring query must select ?numerator and ?denominator", file)
    for row in solutions:
        class_ = row["class"] if "class" in names else None
        yield Measurement(
            query.name.removeprefix(_FOLDER),
            _number(row["numerator"]),
            _number(row["denominator"]),
            class_.value if isinstance(class_, NamedNode) else "",
        )


def _number(term: object) -> int:
    # The sum of nothing is unbound.
    return int(term.value) if isinstance(term, Literal) else 0


def _found_by_shapes(report: Report) -> Iterator[Measurement]:
    yield Measurement("violations", len(report.violations))
    yield Measurement("warnings", len(report.warnings))
    for shape, count in sorted(Counter(result.shape for result in report.warnings).items()):
        yield Measurement("warnings", count, shape=shape)
