"""pySHACL gets only what the violated shapes read, with the results that it has from all of the data."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from pyoxigraph import parse
from rdflib import Graph

from citygraph.build.shape_reads import ShapeReads, reads_of
from citygraph.build.validation import Validation
from citygraph.rdf.terms import RDF, RDFS
from citygraph.report import Report
from citygraph.source.files import Sources
from citygraph.source.reading import read_packaged_text

EXAMPLES = Path(__file__).parents[1] / "ontology" / "examples"
SHAPES = "https://w3id.org/citygraph/ontology/shapes#"
PREFIXES = "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix : <urn:x:> . "


@pytest.fixture(scope="module")
def validation(sources: Sources) -> Iterator[Validation]:
    with Validation(sources) as process:
        yield process


@pytest.fixture(scope="module")
def shapes(sources: Sources) -> Graph:
    return Graph().parse(data="\n".join(read_packaged_text(file.path) for file in sources.shape_files()))


def results(report: Report) -> set[tuple[object, ...]]:
    """Returns all of each result: focus, shape, component, path, value, severity, label and texts."""
    return {(*(str(part) for part in astuple(result)),) for result in report.results}


@pytest.mark.parametrize("seed", range(2))
def test_results_from_few_triples_equal_those_from_all(
    validation: Validation, shapes: Graph, tmp_path: Path, seed: int
) -> None:
    """(16 §5) For mixtures of examples, which share entities, so that links lead from right data to wrong and back."""
    rules = {shape: reads_of(shapes, [SHAPES + shape]) for shape in ("AgreementUndated", "EverySubjectTyped")}
    assert rules["AgreementUndated"]
    assert rules["EverySubjectTyped"] is None
    number = random.Random(seed)  # noqa: S311 - a choice of examples
    # After a violation of a rule on all nodes, pySHACL gets all triples anyway.
    all_wrong = [
        p for p in sorted((EXAMPLES / "violating").glob("*.ttl")) if "# violates: shapes:Known" not in p.read_text()
    ]
    wrong = number.sample(all_wrong, 9)
    right = number.sample(sorted((EXAMPLES / "conforming").glob("*.ttl")), 2)
    data = tmp_path / "data.nt"
    data.write_text("".join(sorted({f"{quad.triple} .\n" for path in wrong + right for quad in parse(path=path)})))
    few, all_ = validation.validate(data), validation.validate(data, both=True)
    assert len(few.violations) > 3
    assert results(few) == results(all_)


def test_links_are_followed_and_unknown_constraints_read_everything() -> None:
    """(16 §5) A path begins at the focus node; what lies beyond it may be of any node."""
    shapes = Graph().parse(
        format="turtle",
        data=f'''{PREFIXES}
        :one sh:targetClass :C ; sh:property [ sh:path :own ; sh:class :D ] ; sh:node :other .
        :other sh:property [ sh:path :link ; sh:node [ sh:property [ sh:path :far ; sh:minCount 1 ] ] ] .
        :query sh:sparql [ sh:select """SELECT $this {{ $this <urn:x:a>/<urn:x:b> ?c . ?d ^<urn:x:e> $this
            FILTER EXISTS {{ ?c <urn:x:f> ?d }} }}""" ] .
        :subquery sh:sparql [ sh:select """SELECT $this {{
            {{ SELECT ?x {{ ?this <urn:x:a> ?x }} }} $this <urn:x:b> ?x }}""" ] .
        :free sh:sparql [ sh:select "SELECT $this WHERE {{ $this ?p ?o }}" ] .
        :closed sh:closed true .
        :path sh:property [ sh:path ( :a :b ) ; sh:minCount 1 ] .''',
    )
    always = {RDF("type").value, RDFS("label").value}
    beyond = {RDFS("subClassOf").value}
    assert reads_of(shapes, ["urn:x:one"]) == ShapeReads(
        always | {"urn:x:own", "urn:x:link"}, beyond | {RDF("type").value, "urn:x:far"}
    )
    assert reads_of(shapes, ["urn:x:query"]) == ShapeReads(
        always | {"urn:x:a"}, beyond | {"urn:x:b", "urn:x:e", "urn:x:f"}
    )
    assert reads_of(shapes, ["urn:x:subquery"]) == ShapeReads(always, beyond | {"urn:x:a", "urn:x:b"})
    assert [reads_of(shapes, [f"urn:x:{name}"]) for name in ("free", "closed", "path")] == [None] * 3


def test_triples_of_other_nodes_are_left_out() -> None:
    """(16 §5) Except those that a shape reads of any node."""
    lines = [f"<urn:x:{s}> <urn:x:{p}> <urn:x:o> .\n" for s in "ab" for p in ("own", "any", "none")]
    kept = ShapeReads({"urn:x:own"}, {"urn:x:any"}).restrict(lines, ["urn:x:a"])
    assert list(kept) == [lines[0], lines[1], lines[4]]
