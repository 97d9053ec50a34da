"""Both engines get only the triples that shapes read, in parts if there are many, with the results of all data."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import astuple
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyoxigraph import parse
from rdflib import Graph

from citygraph.build import validation as of_validation
from citygraph.build.dependencies import query_patterns
from citygraph.build.relevant_triples import ShapePart, ShapeReader
from citygraph.build.shape_dependencies import names_of_shapes
from citygraph.build.triple_table import PredicateColumn, TripleTable
from citygraph.build.validation import Validation, Validator
from citygraph.rdf.terms import RDF
from citygraph.report import Report
from citygraph.source.files import Sources
from tests.running import wait_for

EXAMPLES = Path(__file__).parents[1] / "ontology" / "examples"
SHAPES = "https://w3id.org/citygraph/ontology/shapes#"
TYPE = str(RDF("type"))
SHAPE_PREFIXES = """@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix : <urn:x:> .
@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> . @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""
LINES = sorted({f"{quad.triple} .\n" for path in EXAMPLES.glob("*/*.ttl") for quad in parse(path=path)})
few = settings(max_examples=3, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def validator(sources: Sources) -> Validator:
    return Validator(sources)


@pytest.fixture(scope="module")
def validation(sources: Sources) -> Iterator[Validation]:
    with Validation(sources) as process:
        yield process


def in_parts(validator: Validator, data: Path, most: int) -> set[tuple[str, str]]:
    """Returns what shifty finds in parts of about this many triples."""
    with pytest.MonkeyPatch.context() as patch, data.open(encoding="utf-8") as file:
        patch.setattr(of_validation, "MOST_TRIPLES", most)
        return named(validator.find_in_parts(data, TripleTable(file)))


def named(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Returns the pairs without blank nodes.

    shifty 0.5.1 finds faults with a blank node that any other node has, if the constraint is a query with a filter.
    """
    return {(node, shape) for node, shape in pairs if not node.startswith("_:")}


def results(report: Report) -> set[tuple[object, ...]]:
    """Returns all of each result: focus, shape, component, path, value, severity, label and texts."""
    return {(*(str(part) for part in astuple(result)),) for result in report.results}


def mutated(number: Random) -> list[str]:
    """Returns some of the examples' triples, of which some have the class, the object or the subject of others."""
    lines = number.sample(LINES, number.randrange(200, 900))
    types = [line for line in lines if f" {TYPE} " in line]
    for one in number.sample(lines, 60):
        subject, predicate, value = one.split(" ", 2)
        other = number.choice(lines).split(" ", 2)
        lines += [f"{subject} {TYPE} {number.choice(types).split(' ', 2)[2]}"]
        lines += [f"{subject} {predicate} {other[2]}", f"{other[0]} {predicate} {value}"]
    return sorted({*lines})


def test_parts_have_the_results_of_the_whole(validator: Validator, tmp_path: Path) -> None:
    """(16 §5) For all examples together, which break most rules: those with queries and those about all nodes too."""
    data = tmp_path / "data.nt"
    data.write_text("".join(validator.statements.for_engines(LINES)))
    whole = named(validator.find(data))
    assert len({shape for _, shape in whole}) > 80
    for most in (700, 10**6):
        assert in_parts(validator, data, most) == whole


@few
@given(seed=st.integers(0, 10**9), most=st.sampled_from([30, 300, 10**6]))
def test_parts_of_random_graphs_have_the_results_of_the_whole(
    validator: Validator, tmp_path: Path, seed: int, most: int
) -> None:
    """(16 §5) With classes, links and values of others, so that links lead from right data to wrong and back."""
    data = tmp_path / "data.nt"
    data.write_text("".join(validator.statements.for_engines(mutated(Random(seed)))))  # noqa: S311 - a choice of triples
    assert in_parts(validator, data, most) == named(validator.find(data))


@pytest.mark.parametrize("seed", range(2))
def test_explanations_from_few_triples_equal_those_from_all(validation: Validation, tmp_path: Path, seed: int) -> None:
    """(16 §5) For mixtures of examples, which share entities; a rule about all nodes is explained from few too."""
    data = mixture(tmp_path / "data.nt", Random(seed))  # noqa: S311 - a choice of examples
    report, all_ = validation.validate(data), validation.validate(data, both=True)
    assert {"EverySubjectTyped"} <= {result.shape.removeprefix(SHAPES) for result in report.violations}
    assert len(report.violations) > 3
    assert results(report) == results(all_)


def test_explanations_in_parts_equal_those_at_once(
    validator: Validator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §5) Some of the nodes with results at a time; the report has all of them, each once."""
    data = mixture(tmp_path / "data.nt", Random(3))  # noqa: S311 - a choice of examples
    whole = validator.validate(data)
    monkeypatch.setattr(of_validation, "MOST_EXPLAINED", 4)
    parts = validator.validate(data)
    assert len({result.focus_node for result in whole.results}) > 8
    assert sorted(map(str, results(parts))) == sorted(map(str, results(whole)))
    assert parts.turtle.count("sh:focusNode") == whole.turtle.count("sh:focusNode")
    assert parts.turtle.count("sh:ValidationReport") == 1


SHARED = """
import os, sys, time
from pathlib import Path
from citygraph.build import shared_parts, validation
from citygraph.source.files import Sources

class Awaited(shared_parts._Fork):
    # The first process goes on when the fork has written results, so that each performs some part.
    def __init__(self, results, file):
        super().__init__(results, file)
        while not os.fstat(file.fileno()).st_size:
            time.sleep(0.01)

shared_parts._Fork = Awaited
sources, data = Sources(*map(Path, sys.argv[1:4])), Path(sys.argv[4])
forks = []
validator = validation.Validator(sources, lambda: forks.append(1) is None)
whole = validator.validate(data)
assert not forks
# A fork would have none of the other threads.
assert len(list(Path("/proc/self/task").iterdir())) == 1
validation.MOST_TRIPLES, validation.MOST_EXPLAINED = 50, 2
shared = validator.validate(data)

def findings(report):
    # Of several constraints of a shape that reject a value, any may be the component of the result.
    return sorted((one.focus_node, one.shape, one.path, one.value, one.severity, one.label) for one in report.results)

# Once while violations are found, once while they are explained.
assert len(forks) == 2, forks
assert len(whole.results) > 8
assert findings(shared) == findings(whole)
assert shared.turtle.count("sh:focusNode") == whole.turtle.count("sh:focusNode")
assert [path.name for path in data.parent.iterdir()] == [data.name]
print(len(whole.results), "results are equal")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the number of threads is read from /proc")
def test_a_validation_that_two_processes_share_has_the_same_results(sources: Sources, tmp_path: Path) -> None:
    """(16 §5) In a process of its own, which has no threads, because a fork would have none of them."""
    data = mixture(tmp_path / "data.nt", Random(3))  # noqa: S311 - a choice of examples
    folders = map(str, (sources.data, sources.ontology, sources.queries, data))
    done = subprocess.run([sys.executable, "-c", SHARED, *folders], check=True, timeout=300, capture_output=True)
    assert done.stdout.endswith(b"results are equal\n")


AWAITED = """
import sys, time
from pathlib import Path
from select import select
from citygraph.build import shared_parts, validation

class Noted(shared_parts._Fork):
    def __init__(self, results, file):
        (folder / "shared").touch()
        super().__init__(results, file)

folder = Path(sys.argv.pop(1))
sys.argv[1:] = sys.argv[3:]  # without -m and the module
find_part = validation.Validator.find_part

def find_first_part(validator, part, data):
    validation.Validator.find_part = find_part
    (folder / "begun").touch()
    select([sys.stdin], [], [], 300)  # until the next request
    return find_part(validator, part, data)

shared_parts._Fork, validation.Validator.find_part = Noted, find_first_part
validation.MOST_TRIPLES, validation.MOST_EXPLAINED = 50, 2
validation.main()
"""


def test_a_validation_is_shared_as_soon_as_its_report_is_awaited(
    validation: Validation, sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """(16 §5) Not before: until then, the other processor is not idle."""
    data, folder = mixture(tmp_path / "data.nt", Random(3)), tmp_path / "states"  # noqa: S311 - a choice of examples
    folder.mkdir()
    (tmp_path / "program.py").write_text(AWAITED)
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "{tmp_path}/program.py" "{folder}" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with Validation(sources) as process:
        monkeypatch.undo()
        process.start(data)
        wait_for((folder / "begun").exists)
        assert not (folder / "shared").exists()
        report = process.report()
    assert (folder / "shared").exists()
    assert results(report) == results(validation.validate(data))


def mixture(data: Path, number: Random) -> Path:
    """Writes some examples that share entities, and a node without a class."""
    wrong = number.sample(sorted((EXAMPLES / "violating").glob("*.ttl")), 9)
    right = number.sample(sorted((EXAMPLES / "conforming").glob("*.ttl")), 2)
    lines = {f"{quad.triple} .\n" for path in wrong + right for quad in parse(path=path)}
    untyped = "<https://w3id.org/citygraph/id/city/nowhere>"
    lines.add(f'{untyped} <http://www.w3.org/2000/01/rdf-schema#label> "Nowhere"@en .\n')
    data.write_text("".join(sorted(lines)))
    return data


def reader(shapes: str, lines: list[str]) -> ShapeReader:
    graph = Graph().parse(data=SHAPE_PREFIXES + shapes, format="turtle")
    return ShapeReader(graph, names_of_shapes(graph), TripleTable(lines), cache(query_patterns))


def triple(subject: str, predicate: str, value: str) -> str:
    name = TYPE if predicate == "a" else f"<urn:x:{predicate}>"
    return f"<urn:x:{subject}> {name} <urn:x:{value}> .\n"


def selected(part: ShapePart, folder: Path, lines: list[str]) -> list[str]:
    """Returns those of the lines that are in a part."""
    assert part.read is not None
    data, few = folder / "data.nt", folder / "few.nt"
    data.write_text("".join(lines), encoding="utf-8")
    part.read().copy(data, few)
    return few.read_text(encoding="utf-8").splitlines(keepends=True)


DATA = [
    triple("one", "a", "C"),
    triple("one", "own", "two"),
    triple("two", "a", "D"),
    triple("two", "a", "E"),
    triple("two", "far", "three"),
    triple("three", "own", "one"),
    triple("three", "none", "one"),
]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (":s sh:targetClass :C ; sh:property [ sh:path :own ; sh:minCount 1 ] .", [0, 1]),
        (":s sh:targetClass :C ; sh:property [ sh:path :own ; sh:class :D ] .", [0, 1, 2]),
        (
            ":s sh:targetClass :C ; sh:node [ sh:property [ sh:path :own ; sh:node [ "
            "sh:property [ sh:path :far ; sh:minCount 1 ] ] ] ] .",
            [0, 1, 4],
        ),
        (":s sh:targetSubjectsOf :far ; sh:property [ sh:path :own ; sh:lessThan :none ] .", [4]),
        (":s sh:targetObjectsOf :far ; sh:property [ sh:path :own ; sh:lessThan :none ] .", [4, 5, 6]),
        (
            ':s sh:targetClass :C ; sh:sparql [ sh:select "SELECT $this { $this ^<urn:x:own>/^<urn:x:far> ?x }" ] .',
            [0, 4, 5],
        ),
        (':s sh:targetClass :C ; sh:sparql [ sh:select "SELECT $this { ?x ?p $this }" ] .', [0, 5]),
        (':s sh:targetNode :three ; sh:sparql [ sh:select "SELECT $this { $this ?p ?o }" ] .', [5]),
        (
            ':s sh:targetNode :x ; sh:sparql [ sh:select """SELECT ?value { ?s ?p ?value OPTIONAL { ?value a ?t } '
            'FILTER(!BOUND(?t) && isIRI(?value) && ?p != <urn:x:x>) }""" ] .',
            [0, 2, 3, 4],
        ),
        (
            ':s sh:targetNode :x ; sh:sparql [ sh:select "SELECT ?value { ?s ?p ?value FILTER(isBlank(?value)) }" ] .',
            [],
        ),
    ],
)
def test_only_what_a_shape_reads_is_selected(shape: str, expected: list[int], tmp_path: Path) -> None:
    """(16 §5) Of the focus nodes, of what they lead to, and of that from which paths lead to them."""
    (part,) = reader(shape, DATA).parts(100)
    assert selected(part, tmp_path, DATA) == [DATA[number] for number in expected]


@pytest.mark.parametrize(
    "shape",
    [
        ":s sh:targetClass :C ; sh:closed true .",
        ":s sh:targetClass :C ; sh:property [ sh:path ( :own :far ) ; sh:minCount 1 ] .",
        ':s sh:targetClass :C ; sh:sparql [ sh:select "SELECT $this { $this <urn:x:own>+ ?x }" ] .',
        ':s sh:targetClass :C ; sh:sparql [ sh:select "SELECT $this { $this <urn:x:own> ?x . ?y <urn:x:far> ?z }" ] .',
    ],
)
def test_shapes_of_which_no_bound_is_known_get_all_triples(shape: str) -> None:
    """(16 §5) The other shapes do not."""
    parts = list(reader(f"{shape} :t sh:targetClass :C ; sh:nodeKind sh:IRI .", DATA).parts(100))
    assert [(part.shapes, part.read is None) for part in parts] == [(["urn:x:s"], True), (["urn:x:t"], False)]


def test_all_shapes_get_all_triples_if_the_data_have_subclasses() -> None:
    """(16 §5) A node may have the class of a target by a subclass."""
    subclass = "<urn:x:E> <http://www.w3.org/2000/01/rdf-schema#subClassOf> <urn:x:C> .\n"
    (part,) = reader(":s sh:targetClass :C ; sh:nodeKind sh:IRI .", [*DATA, subclass]).parts(100)
    assert part.read is None


def pair(number: int) -> list[str]:
    """Returns triples of a node and of another one that a shape reads."""
    one, other = f"one{number}", f"other{number}"
    return [triple(one, "a", "C"), triple(one, "own", other), triple(other, "far", "end"), triple(other, "none", "end")]


def test_shapes_that_read_other_nodes_are_divided_by_focus_node(tmp_path: Path) -> None:
    """(16 §5) So that memory does not grow with the graph. Each part has all that its own focus nodes need."""
    path = ":s sh:targetClass :C ; sh:sparql [ sh:select 'SELECT $this { $this <urn:x:own>/<urn:x:far> ?x }' ] ."
    lines = [line for number in range(300) for line in pair(number)]
    parts = list(reader(path, lines).parts(30))
    nodes = [{line.split()[0] for line in selected(part, tmp_path, lines)} for part in parts]
    assert len(parts) > 8
    assert max(map(len, nodes)) < 100
    for number in range(300):
        (owner,) = [place for place, part in enumerate(parts) if part.owns and part.owns(f"urn:x:one{number}", "")]
        assert {f"<urn:x:one{number}>", f"<urn:x:other{number}>"} <= nodes[owner]
    assert sum(map(len, nodes)) == 600


def test_shapes_of_their_focus_nodes_alone_get_no_classes_of_other_nodes(tmp_path: Path) -> None:
    """(16 §5) With these classes, the other nodes would be focus nodes in each part that mentions them."""
    lines = [line for number in range(100) for line in classed_pair(number)]
    alone = ":s sh:targetClass :C ; sh:property [ sh:path :own ; sh:minCount 1 ] ."
    with_class = ":t sh:targetClass :C ; sh:property [ sh:path :own ; sh:class :D ] ."
    read: dict[str, set[str]] = {"urn:x:s": set(), "urn:x:t": set()}
    for part in reader(f"{alone} {with_class}", lines).parts(30):
        for shape in part.shapes:
            read[shape].update(selected(part, tmp_path, lines))
    assert read == {"urn:x:s": {line for line in lines if "urn:x:D" not in line}, "urn:x:t": {*lines}}


def classed_pair(number: int) -> list[str]:
    """Returns triples of a node and of the class of another one."""
    one, other = f"one{number}", f"other{number}"
    return [triple(one, "a", "C"), triple(one, "own", other), triple(other, "a", "D")]


@given(
    rows=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=200),
    subjects=st.none() | st.sets(st.integers(0, 60), max_size=20),
    objects=st.none() | st.sets(st.integers(0, 60), max_size=3),
)
def test_a_sorted_column_has_the_same_rows(
    rows: list[tuple[int, int]], subjects: set[int] | None, objects: set[int] | None
) -> None:
    """(16 §5) It yields fewer others, and each row once."""
    column = PredicateColumn()
    for line, (subject, value) in enumerate(rows):
        column.subjects.append(subject)
        column.objects.append(value)
        column.lines.append(line)

    def matching() -> list[tuple[int, int, int]]:
        return sorted(
            (subject, value, line)
            for subject, value, line in column.rows(subjects, objects)
            if (subjects is None or subject in subjects) and (objects is None or value in objects)
        )

    before = matching()
    column.sort()
    assert matching() == before
