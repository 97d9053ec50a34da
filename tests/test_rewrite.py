"""Queries that the engine alone answers otherwise than SPARQL 1.1 requires."""

from __future__ import annotations

import json
from collections import Counter
from io import BytesIO
from itertools import product
from typing import NamedTuple
from warnings import catch_warnings, simplefilter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store
from rdflib import Dataset
from rdflib.graph import DATASET_DEFAULT_GRAPH_ID

from citygraph.errors import QuerySyntaxError, UsageError
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.sparql.rewrite import rewritten

EX = "http://example.org/"
PROLOGUE = f"PREFIX ex: <{EX}>\n"
DATA = """
@prefix : <http://example.org/> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
:izmir :name "İzmir" ; :short "İzmir" ; :twin :baku ; :signed "1996-04-24"^^xsd:date .
:baku :name "Bakı" ; :short "Baku" ; :span "P1Y"^^xsd:yearMonthDuration .
:news { :izmir :name "İzmir" ; :short "İzmir" . }
"""


@pytest.fixture(scope="module")
def store() -> Store:
    """Two cities, of which one has the same text as two names, in the default graph and in a graph."""
    store = Store()
    store.load(DATA.encode(), format=RdfFormat.TRIG)
    return store


def rows(store: Store, text: str) -> Counter[frozenset[tuple[str, str]]]:
    """Returns the solutions and how often each occurs."""
    out = BytesIO()
    evaluate(store, Query(PROLOGUE + text, formats=("json",))).write(out)
    bindings = json.loads(out.getvalue())["results"]["bindings"]
    return Counter(frozenset((name, term["value"]) for name, term in row.items()) for row in bindings)


def columns(store: Store, text: str) -> list[str]:
    out = BytesIO()
    evaluate(store, Query(PROLOGUE + text, formats=("csv",))).write(out)
    return out.getvalue().decode().splitlines()[0].split(",")


def number(store: Store, pattern: str, counted: str = "*") -> int:
    """Returns the number of solutions of a pattern."""
    (row,) = rows(store, f"SELECT (COUNT({counted}) AS ?n) {{ {pattern} }}")
    return int(dict(row)["n"])


# alternatives


@pytest.mark.parametrize(
    ("pattern", "solutions"),
    [
        ("?s (ex:name|ex:short) ?o", 4),
        ("?s ex:name|ex:short ?o", 4),
        ("?s ^(ex:name|ex:short) ex:izmir", 2),
        ("ex:izmir ex:name|ex:short ?o", 2),
        ("?s ex:name|ex:short 'İzmir'", 2),
        ("?s ex:twin/(ex:name|ex:short) ?o", 2),
        ("?s (ex:name|ex:short)/^(ex:name|ex:short) ?o", 6),
        ("?s ex:twin? ?t . ?t (ex:name|ex:short) ?o FILTER(?s = ex:izmir)", 4),
        ("?s ex:twin ?t ; ex:name|ex:short ?a , ?b", 4),
        ("[ ex:name|ex:short ?o ; ex:twin [ ex:name|ex:short ?p ] ]", 4),
        ("[] ex:name|ex:short []", 4),
        ("_:s ex:name|ex:short ?o FILTER(?o != 'x') _:s ex:twin ?t", 2),
        ("?s !(ex:twin|^ex:twin) ?o FILTER(?s = ex:izmir)", 3),
        ("GRAPH ?g { ?s ex:name|ex:short ?o }", 2),
        ("GRAPH ex:news { ?s ex:name|ex:short ?o }", 2),
        ("?s ex:twin ?t OPTIONAL { ?s ex:name|ex:short ?o }", 2),
        ("{ SELECT ?o { ?s ex:name|ex:short ?o } }", 4),
        ("{ SELECT * { [] ex:name|ex:short ?o } }", 4),
        # As a set: below a repetition, as SPARQL requires, and where only the existence counts.
        ("?s (ex:name|ex:short)+ ?o", 3),
        ("ex:izmir (ex:name|ex:short)? ?o", 2),
        ("?s ex:twin ?t FILTER EXISTS { ?s ex:name|ex:short ?o }", 1),
    ],
)
def test_an_alternative_counts_for_itself(store: Store, pattern: str, solutions: int) -> None:
    """A pair that two alternatives have is two solutions (SPARQL 1.1, 18.4), as it is with a UNION (13.39)."""
    assert number(store, pattern) == solutions


def test_select_star_has_the_columns_of_the_text(store: Store) -> None:
    """The variables of the rewritten text are not among them (13.39)."""
    text = "SELECT * { [] ex:name|ex:short ?o ; (ex:twin/ex:name)|ex:twin ?t MINUS { ?x ?y ?z } FILTER(BOUND(?o)) }"
    assert columns(store, text + " VALUES ?k { 1 }") == ["k", "o", "t"]
    assert columns(store, "SELECT * { { SELECT * { ?s (ex:name|ex:short)/ex:x? [] } } BIND(1 AS ?k) }") == [
        "k",
        "s",
    ]
    assert columns(store, "SELECT * { { SELECT (?o AS ?n) ?s { ?s ex:name|ex:short ?o } } }") == ["n", "s"]


def test_a_described_variable_is_one_of_the_text(store: Store) -> None:
    """DESCRIBE * describes what the text names (13.39)."""
    out = BytesIO()
    text = PROLOGUE + "DESCRIBE * { [ ex:name|ex:short 'Baku' ] ex:span ?span . ex:izmir ex:twin ?twin }"
    assert evaluate(store, Query(text, formats=("nt",))).write(out) == 3


def test_a_constructed_blank_node_belongs_to_its_solution(store: Store) -> None:
    """Equal solutions have a node each; a label of the template is none of the pattern (13.39)."""
    out = BytesIO()
    text = PROLOGUE + "CONSTRUCT { _:b ex:is ?o } { _:b ex:name|ex:short ?o . _:b ex:twin ?t }"
    assert evaluate(store, Query(text, formats=("nt",))).write(out) == 2


class Path(NamedTuple):
    """A property path: an operator and its operands, or the name of a property."""

    operator: str
    operands: tuple[Path, ...] = ()

    def __str__(self) -> str:
        inner = [str(operand) for operand in self.operands]
        match self.operator:
            case "|" | "/":
                return f"({self.operator.join(inner)})"
            case "^":
                return f"(^{inner[0]})"
            case "?" | "*" | "+":
                return f"({inner[0]}){self.operator}"
        return f"ex:{self.operator}"


Pairs = Counter[tuple[str, str]]
Triples = frozenset[tuple[str, str, str]]


def pairs_of(path: Path, triples: Triples, start: str = "", end: str = "") -> Pairs:
    """Returns the pairs that a path connects and how often, straight from SPARQL 1.1, 18.4; "" is a variable."""
    match path.operator:
        case "|":
            return sum((pairs_of(operand, triples, start, end) for operand in path.operands), Counter())
        case "/":
            first, second = path.operands
            there, back = pairs_of(first, triples, start), pairs_of(second, triples, "", end)
            joined: Pairs = Counter()
            for (a, b), (c, d) in product(there, back):
                joined[a, d] += there[a, b] * back[c, d] * (b == c)
            return +joined
        case "^":
            return Counter({(b, a): n for (a, b), n in pairs_of(path.operands[0], triples, end, start).items()})
        case "?" | "*" | "+":
            pairs = list(repeated_pairs(path, triples, start, end))
        case name:
            pairs = [(a, b) for a, p, b in triples if p == name]
    return Counter(pair for pair in pairs if start in {"", pair[0]} and end in {"", pair[1]})


def repeated_pairs(path: Path, triples: Triples, start: str, end: str) -> set[tuple[str, str]]:
    """Returns the pairs of a path with ?, * or +: from the start, from all nodes, or back from the end."""
    if end and not start:
        back = repeated_pairs(Path(path.operator, (Path("^", path.operands),)), triples, end, "")
        return {(b, a) for a, b in back}
    found = set()
    for first in [start] if start else {name for a, _, b in triples for name in (a, b)}:
        reached = {b for _, b in pairs_of(path.operands[0], triples, first)}
        while path.operator != "?":
            further = {b for a in reached for _, b in pairs_of(path.operands[0], triples, a)}
            if further <= reached:
                break
            reached |= further
        found |= {(first, last) for last in reached | ({first} if path.operator != "+" else set())}
    return found


NAMES = st.sampled_from("pqr").map(Path)
PATHS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.tuples(st.just("|"), st.tuples(inner, inner)),
        st.tuples(st.just("/"), st.tuples(inner, inner)),
        st.tuples(st.sampled_from("^?*+"), st.tuples(inner)),
    ).map(lambda parts: Path(*parts)),
    max_leaves=6,
)
ENDS = st.sampled_from(["?s", "?o", "ex:a", "ex:elsewhere", "[]"])
GRAPHS = st.frozensets(st.tuples(st.sampled_from("abc"), st.sampled_from("pqr"), st.sampled_from("abcd")), max_size=7)


@settings(max_examples=150, deadline=None)
@given(PATHS, GRAPHS, ENDS, ENDS)
def test_any_path_has_the_pairs_of_its_definition(path: Path, triples: Triples, start: str, end: str) -> None:
    """Between variables, blank nodes and constants, in the data or not (13.39).

    Negated sets are left out, because SPARQL 1.1 does not say how often a pair of theirs counts.
    """
    store = Store()
    store.extend([Quad(NamedNode(EX + a), NamedNode(EX + p), NamedNode(EX + b)) for a, p, b in triples])
    terms = [term.removeprefix("ex:") if term.startswith("ex:") else "" for term in (start, end)]
    pairs = pairs_of(path, triples, *terms)
    expected = sum(count for (a, b), count in pairs.items() if a == b or start != end or start == "[]")
    assert number(store, f"{start} {path} {end}") == expected


# paths of length zero


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("ex:nowhere ex:twin* ?o", [EX + "nowhere"]),
        ("?o ex:twin? ex:nowhere", [EX + "nowhere"]),
        ("?o ^(ex:twin*) 'nobody'", ["nobody"]),
        ("ex:nowhere ex:twin*/ex:twin* ?o", []),
        ("ex:nowhere (ex:twin*|ex:name)? ?o", [EX + "nowhere"]),
        ("ex:izmir ex:twin* ?o", [EX + "baku", EX + "izmir"]),
        ("ex:nowhere ex:twin+ ?o", []),
        ("ex:nowhere ex:twin*/ex:name ?o", []),
        ("ex:nowhere ex:twin* ?o . ?o ex:name ?n", []),
    ],
)
def test_a_path_of_length_zero_ends_where_it_begins(store: Store, pattern: str, found: list[str]) -> None:
    """Also at a constant that is not in the data (SPARQL 1.1, 18.4) (13.39)."""
    assert sorted(value for row in rows(store, f"SELECT ?o {{ {pattern} }}") for _, value in row) == found


def test_a_path_of_length_zero_between_constants(store: Store) -> None:
    """It connects a constant with itself only (13.39)."""
    assert number(store, "ex:nowhere ex:twin* ex:nowhere") == 1
    assert number(store, "ex:nowhere ex:twin*/^(ex:name?) ex:nowhere") == 1
    assert number(store, "ex:nowhere ex:twin* ex:izmir") == 0


# sums


@pytest.mark.parametrize("name", ["a", "b", "date", "x", "zone", "x1", "ümit"])
def test_a_date_plus_a_duration_does_not_depend_on_names(store: Store, name: str) -> None:
    """The engine alone reorders the operands (13.15)."""
    bound = '"P30Y"^^xsd:yearMonthDuration'
    for total in (f"?{name} + {bound}", f"{bound} + ?{name}", f"({bound}) + ?{name}", f"?{name} + -(-{bound})"):
        assert number(store, f'?s ex:signed ?{name} FILTER({total} = "2026-04-24"^^xsd:date)') == 1, total


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ('?date + "P1Y"^^xsd:yearMonthDuration + "P1D"^^xsd:dayTimeDuration', "1997-04-25"),
        ("?date + ?span", "1997-04-24"),
        ("?span + ?date", "1997-04-24"),
        ('?date + "-P1Y"^^xsd:yearMonthDuration', "1995-04-24"),
        ("?date + -?span", "1995-04-24"),
        ("cg:startOfPeriod(?date) + ?span", "1997-04-24"),
        ("1 + 2", "3"),
        ("?one + ?one - 1 + 2 * ?one", "3"),
        ("?one +1", "2"),
        ("?one + +?one", "2"),
        ("(?one + (?one + ?one)) * 2", "6"),
        ("-?one + ?one", "0"),
        ("SUM(?one) + COUNT(?one)", "2"),
    ],
)
def test_sums(store: Store, expression: str, value: str) -> None:
    """Dates and durations in any order, several of them; numbers as before (13.15)."""
    pattern = "ex:izmir ex:signed ?date . ex:baku ex:span ?span BIND(1 AS ?one)"
    grouped = " GROUP BY ?date" if "SUM" in expression else ""
    (row,) = rows(store, f"SELECT ({expression} AS ?sum) {{ {pattern} }}{grouped}")
    assert dict(row) == {"sum": value}


# other


def test_booleans_may_be_in_capitals(store: Store) -> None:
    """Keywords are not case-sensitive (SPARQL 1.1, 19.8, note 1) (13.39)."""
    assert number(store, "BIND(TRUE AS ?x) FILTER(?x = True && !FALSE)") == 1


def test_group_concat_has_no_language(store: Store) -> None:
    """It is a plain string (SPARQL 1.1, 18.5.1.7), whatever the languages of its parts (13.39)."""
    text = "SELECT (LANG(GROUP_CONCAT(?x; SEPARATOR='+')) AS ?tag) { VALUES ?x { 'a'@tr 'b'@tr } }"
    assert rows(store, text) == Counter([frozenset({("tag", "")})])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { ?s ?p 'a (ex:b|ex:c) \"d\" + TRUE' } # (a|b) TRUE",
        "SELECT * { ?s <http://example.org/a+b?c*> ?o }",
        "SELECT (COUNT(*) AS ?n) { ?s ex:p* ?o . ?s ex:q+ ex:x || 1 }",
        "SELECT DISTINCT ?o { ?s ex:name|ex:short ?o }",
        "ASK { ?s ex:name|ex:short ?o }",
        "SELECT * { << ?s ex:name|ex:short ?o >> ?p ?o }",
        "SELECT * { SERVICE <http://a/> { ?s ex:name|ex:short ?o FILTER(?a + ?b > 1) } }",
        "SELECT (1 + ?x AS ?y) (?x + 1 AS ?z) (?x * 2 + ?y AS ?w) {}",
    ],
)
def test_other_texts_remain(store: Store, text: str) -> None:
    """Nothing changes in strings, comments and IRIs, with SERVICE, and where the result is the same (13.39)."""
    assert rewritten(PROLOGUE + text, store.query) == PROLOGUE + text


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("SELECT ?o\n{ ?s ex:name|ex:short ?o BIND(1 AS ?s) }", 3, 36),
        ("SELECT ?o {\n ?s ex:name|no:short ?o }", 3, 13),
        ("SELECT ?o { ?s ex:name|ex:short ?o ; TRUE }", 2, 38),
    ],
)
def test_an_error_has_its_place_in_the_text_that_was_sent(store: Store, text: str, line: int, column: int) -> None:
    """Not in the rewritten one (13.9, 13.39)."""
    with pytest.raises(QuerySyntaxError) as caught:
        rows(store, text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_as_deep_and_broad_as_the_limits_allow(store: Store) -> None:
    """Texts just within the limits are rewritten, and the engine evaluates the result (13.39)."""
    deep = "(" * 190 + "ex:name|ex:short" + ")" * 190
    assert number(store, f"?s {deep} ?o") == 4
    assert number(store, "?s " + "(ex:twin|" * 190 + "ex:name" + ")" * 190 + " ?o") == 192
    assert number(store, f"?s {'|'.join(['ex:twin'] * 1900)} ?o") == 1900
    assert number(store, "BIND(1 AS ?a) FILTER(" + " + ".join(["?a"] * 1900) + " = 1900)") == 1
    assert number(store, "BIND(1 AS ?a) FILTER(" + "(?a + " * 190 + "?a" + ")" * 190 + " = 191)") == 1


def test_a_literal_that_is_not_in_the_data_is_a_constant() -> None:
    """VALUES takes all terms that a path can begin at (13.39)."""
    store = Store()
    store.add(Quad(NamedNode(EX + "a"), NamedNode(EX + "p"), Literal("b")))
    for term in ('"x"@tr', "5", "-1.5", "true", f"<{EX}y>", "ex:y", "'''z'''^^ex:t"):
        assert number(store, f"{term} ex:p* ?o") == 1


# each graph by itself

GRAPHS_OF_TIES = """
@prefix : <http://example.org/> .
:izmir :twin :baku , :bremen . :aix :twin :bath .
:a { :izmir :twin :baku , :bremen ; :name "Izmir" . }
:b { :izmir :twin :baku . :baku :twin :izmir . :baku :twin :kazan ; :name "Baku" . }
:c { :d :seen :a . :a :twin :a . }
"""


@pytest.fixture(scope="module")
def ties() -> Store:
    """Three graphs, one of which the others do not resemble, and a default graph that is none of them."""
    store = Store()
    store.load(GRAPHS_OF_TIES.encode(), format=RdfFormat.TRIG)
    return store


def rows_by_rdflib(text: str, *graphs: str) -> Counter[frozenset[tuple[str, str]]]:
    """Returns the solutions according to rdflib, which evaluates GRAPH as SPARQL defines it; of some graphs, or all."""
    dataset = Dataset()
    with catch_warnings():
        # rdflib warns of its own use of what it will remove.
        simplefilter("ignore", DeprecationWarning)
        dataset.parse(data=GRAPHS_OF_TIES, format="trig")
        for graph in list(dataset.graphs()) if graphs else ():
            if graph.identifier != DATASET_DEFAULT_GRAPH_ID and str(graph.identifier) not in graphs:
                dataset.remove_graph(graph)
        found = list(dataset.query(PROLOGUE + text).bindings)
    return Counter(frozenset((str(name), str(value)) for name, value in row.items()) for row in found)


@pytest.mark.parametrize(
    "pattern",
    [
        "GRAPH ?g { { SELECT ?x { ?x ex:twin ?y } } }",
        "GRAPH ?g { { SELECT DISTINCT ?x { ?x ex:twin ?y } } }",
        "GRAPH ?g { { SELECT ?x { ?x ex:twin ?y } ORDER BY ?y LIMIT 1 } }",
        "GRAPH ?g { { SELECT ?g ?x { ?x ex:twin ?y } } }",
        "GRAPH ?g { { SELECT (COUNT(*) AS ?n) { ?x ex:name ?y } } }",
        "GRAPH ?g { { SELECT ?x (COUNT(*) AS ?n) { ?x ex:twin ?y } GROUP BY ?x HAVING (COUNT(*) > 1) } }",
        "GRAPH ?g { ?x ex:name ?name { SELECT ?x (COUNT(*) AS ?n) { ?x ex:twin ?y } GROUP BY ?x } }",
        "GRAPH ?g { ?x ex:name ?name OPTIONAL { { SELECT (COUNT(*) AS ?n) { ?s ex:twin ?y } } } }",
        "GRAPH ?g { { SELECT ?x { { SELECT ?x ?y { ?x ex:twin ?y } } ?y ex:twin ?z } } }",
        "GRAPH ?g { { ?x ex:name ?n } UNION { { SELECT ?x { ?x ex:seen ?y } } } }",
        "GRAPH ?g { ?x ex:twin ?y FILTER NOT EXISTS { { SELECT ?y { ?y ex:twin ?z } } } }",
        "GRAPH ?g { ?x ex:twin ?y MINUS { { SELECT ?x { ?x ex:name ?z } } } }",
        "VALUES ?g { ex:a ex:nowhere } GRAPH ?g { { SELECT ?x { ?x ex:twin ?y } } }",
        "GRAPH ?g { { SELECT ?x { ?x ex:twin ?y } } } FILTER(?g = ex:b)",
        "?g ex:twin ?any GRAPH ?g { { SELECT ?x { ?x ex:twin ?y } } }",
        "GRAPH ex:c { ?d ex:seen ?g } GRAPH ?g { { SELECT (COUNT(*) AS ?n) { ?x ex:twin ?y } } }",
        "GRAPH ?g { { SELECT ?x { ?x ex:twin _:b . _:b ex:name ?y } } }",
        "GRAPH ?g { GRAPH ?h { { SELECT ?x { ?x ex:seen ?y } } } }",
        "GRAPH ?g { ?x ex:twin ?y GRAPH ?h { { SELECT (COUNT(*) AS ?n) { ?s ex:name ?o } } } }",
        "GRAPH ?g { { SELECT ?y { ?y ex:twin ?g } } }",
        "GRAPH ?g { VALUES ?x { 1 2 } }",
        "GRAPH ?g { }",
        "GRAPH ?g { BIND(1 AS ?x) }",
        "GRAPH ?g { OPTIONAL { ?x ex:name ?n } }",
    ],
)
def test_a_group_is_evaluated_in_each_graph_by_itself(ties: Store, pattern: str) -> None:
    """Also if a sub-select does not return the graph, or no triple pattern has it (SPARQL 1.1, 18.6) (16 §4)."""
    assert rows(ties, f"SELECT * {{ {pattern} }}") == rows_by_rdflib(f"SELECT * {{ {pattern} }}")


def test_only_graphs_of_the_dataset_are_evaluated(ties: Store) -> None:
    """Those of FROM NAMED; without it, none (SPARQL 1.1, 13.2) (16 §4)."""
    pattern = "{ GRAPH ?g { { SELECT (COUNT(*) AS ?n) { ?x ex:twin ?y } } } }"
    named = "FROM NAMED ex:a FROM NAMED ex:c"
    assert rows(ties, f"SELECT * {named} {pattern}") == rows_by_rdflib(f"SELECT * {pattern}", EX + "a", EX + "c")
    assert rows(ties, f"SELECT * FROM ex:a {pattern}") == Counter()  # noqa: S608


@pytest.mark.parametrize(
    "pattern",
    [
        "GRAPH ?g { ?s ?p ?o FILTER(?g = ex:a) }",
        "GRAPH ?g { VALUES ?s { ex:izmir } ?s ?p ?o }",
        "GRAPH ?g { { ?s ex:twin ?o } UNION { ?s ex:name ?o } }",
        "GRAPH ?g { { SELECT ?g (COUNT(*) AS ?n) { ?s ?p ?o } GROUP BY ?g } }",
        "GRAPH ex:a { { SELECT (COUNT(*) AS ?n) { ?s ?p ?o } } }",
        "{ SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g }",
    ],
)
def test_a_group_with_a_triple_pattern_remains(ties: Store, pattern: str) -> None:
    """The engine evaluates it as SPARQL does, and faster than graph by graph (16 §4)."""
    text = f"{PROLOGUE}SELECT * {{ {pattern} }}"
    assert rewritten(text, ties.query) == text


def test_too_many_graphs_are_refused_with_another_way(monkeypatch: pytest.MonkeyPatch, ties: Store) -> None:
    """The text that the message proposes has the same rows (16 §4)."""
    monkeypatch.setattr("citygraph.sparql.rewrite.MOST_GRAPHS", 2)
    monkeypatch.setattr("citygraph.sparql.each_graph.MOST_GRAPHS", 2)
    with pytest.raises(UsageError, match=r"too many graphs for that\. Write GRAPH within the sub-select"):
        rows(ties, "SELECT * { GRAPH ?g { { SELECT (COUNT(*) AS ?n) { ?x ex:twin ?y } } } }")
    proposed = "SELECT * { { SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?x ex:twin ?y } } GROUP BY ?g } }"
    assert rows(ties, proposed) == rows_by_rdflib(
        "SELECT * { GRAPH ?g { { SELECT (COUNT(*) AS ?n) { ?x ex:twin ?y } } } }"
    )
