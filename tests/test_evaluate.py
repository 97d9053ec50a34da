"""One query on one store: formats, rows, datasets and errors."""

from __future__ import annotations

import csv
import gc
import io
import json
import re
import time
from types import FrameType

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, QuerySolutions, RdfFormat, Store, parse

from citygraph.errors import Forbidden, NotAcceptable, QuerySyntaxError
from citygraph.exports.writers import WRITERS
from citygraph.rdf.formats import FORMATS, Kind
from citygraph.rdf.terms import CG
from citygraph.sparql.evaluate import evaluate
from citygraph.sparql.protocol import Query
from citygraph.sparql.result_writers import XmlSink

EX = "http://example.org/"
# Those that the library or this package writes row by row; the others are tested as files (test_writers.py).
TABLES = [format_.name for format_ in FORMATS if Kind.SOLUTIONS in format_.kinds and format_.name not in WRITERS]
GRAPHS = tuple(format_.name for format_ in FORMATS if Kind.GRAPH in format_.kinds)
AWKWARD = 'VALUES (?x ?y) { ("a},{}\\"b\\\\" 1) (UNDEF UNDEF) ("},{" 2) ("x\\n\\"y\\r\\n" -3) ("[{|<" "=1+1") }'


def node(name: str) -> NamedNode:
    return NamedNode(EX + name)


@pytest.fixture
def store() -> Store:
    """One triple that two sources say, and one that each says alone; all of them in the default graph once."""
    store = Store()
    facts: list[tuple[list[str], str, NamedNode | Literal]] = [
        (["page", "news", ""], "twin", node("baku")),
        (["page", ""], "twin", node("bremen")),
        (["news", ""], "name", Literal("İzmir", language="tr")),
    ]
    for graphs, predicate, value in facts:
        for graph in graphs:
            store.add(Quad(node("izmir"), node(predicate), value, node(graph) if graph else DefaultGraph()))
    return store


def ask(
    store: Store,
    text: str,
    *formats: str,
    default_graphs: tuple[str, ...] = (),
    named_graphs: tuple[str, ...] = (),
) -> tuple[str, int]:
    """The result as text, and its number of rows."""
    out = io.BytesIO()
    rows = evaluate(store, Query(f"PREFIX ex: <{EX}> {text}", default_graphs, named_graphs, formats)).write(out)
    return out.getvalue().decode(), rows


def count(store: Store, text: str, **dataset: tuple[str, ...]) -> int:
    """The number of a query for ?n."""
    result = json.loads(ask(store, text, "json", **dataset)[0])
    return int(result["results"]["bindings"][0]["n"]["value"])


# formats


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_counted_whatever_the_values_hold(store: Store, name: str) -> None:
    """The count is of the result, not of what looks like a row inside a value."""
    assert ask(store, f"SELECT * {{ {AWKWARD} }}", name)[1] == 5
    assert ask(store, "SELECT * { ?s ex:nothing ?o }", name)[1] == 0
    assert ask(store, f"SELECT (1 AS ?one) {{ {AWKWARD} }}", name)[1] == 5


@pytest.mark.parametrize(
    ("values", "number"),
    [
        ('("}},{" "}},{"@en) ("}},{" "}},{\\"x") (UNDEF "}},{") (1 UNDEF) ("a" "}},{\\\\")', 5),
        ('("}},{" UNDEF)', 1),
        ('(UNDEF "[]}}")', 1),
        ('("{}" UNDEF) (UNDEF UNDEF) (UNDEF "},{")', 3),
        ("(UNDEF UNDEF) (UNDEF UNDEF)", 2),
        ("", 0),
    ],
)
def test_rows_of_a_whole_result_are_counted_whatever_the_values_hold(store: Store, values: str, number: int) -> None:
    """(16 §1) By what separates them, which may be in a text, and is not there if a row has no values."""
    result = evaluate(store, Query(f"SELECT * {{ VALUES (?x ?y) {{ {values} }} }}", formats=("json",)))
    body, rows = result.whole()
    assert (rows, len(json.loads(body)["results"]["bindings"])) == (number, number)


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_counted_across_pieces(store: Store, name: str) -> None:
    """A result of many pieces, whose borders fall anywhere, has the same count."""
    slash, quote = "\\\\", '\\"'
    many = " ".join(f'("{slash * (i % 7)}{quote}}},{{<{i}" {i})' for i in range(4000))
    assert ask(store, f"SELECT * {{ VALUES (?x ?y) {{ {many} }} }}", name)[1] == 4000


def test_csv_is_read_back_by_a_csv_reader_value_for_value(store: Store) -> None:
    """RFC 4180: quotes doubled, line ends quoted. No value is altered, so `=1+1` stays: SPARQL's CSV is data."""
    text, _ = ask(store, f"SELECT ?x ?y {{ {AWKWARD} }}", "csv")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [["x", "y"], ['a},{}"b\\', "1"], ["", ""], ["},{", "2"], ['x\n"y\r\n', "-3"], ["[{|<", "=1+1"]]


def test_markdown_shows_values_as_they_are(store: Store) -> None:
    """A value can neither leave its cell nor become a link or HTML."""
    text, _ = ask(store, 'SELECT * { VALUES ?x { "a|b\\nc" "[x](y)" "<b>" UNDEF } }', "md")
    assert text.splitlines() == ["| x |", "| --- |", "| a\\|b c |", "| \\[x\\](y) |", "| \\<b\\> |", "|  |"]


@pytest.mark.parametrize("name", GRAPHS)
def test_graphs_come_in_every_format(store: Store, name: str) -> None:
    """What is written is what a reader of the format reads."""
    text, rows = ask(store, "CONSTRUCT WHERE { ?s ex:twin ?o }", name)
    format_ = next(format_.rdf for format_ in FORMATS if format_.name == name)
    assert rows == 2
    assert len(list(parse(text, format=format_))) == 2


def test_turtle_declares_the_prefixes_it_uses(store: Store) -> None:
    """Names are short where we have a prefix; prefixes that a small result does not use are left out."""
    text, _ = ask(store, "CONSTRUCT { city:izmir cg:party ?o } WHERE { ?s ex:twin ?o }", "ttl")
    assert text.count("@prefix") == 2
    assert "city:izmir cg:party" in text


def test_describe_is_a_graph(store: Store) -> None:
    """DESCRIBE answers like CONSTRUCT."""
    assert ask(store, "DESCRIBE ex:izmir", "json", "nt")[1] == 3


@pytest.mark.parametrize("name", ["json", "xml", "csv", "tsv"])
def test_ask_answers_in_the_formats_of_results(store: Store, name: str) -> None:
    """True is said in each of them."""
    assert "true" in ask(store, "ASK { ?s ?p ?o }", name)[0]


def test_the_first_format_that_can_carry_the_result_is_taken(store: Store) -> None:
    """One list of preferences serves all kinds of result."""
    wanted = ("ttl", "md", "csv")
    assert evaluate(store, Query("SELECT * {}", formats=wanted)).format.name == "md"
    assert evaluate(store, Query("ASK {}", formats=wanted)).format.name == "csv"
    assert evaluate(store, Query("CONSTRUCT WHERE { ?s ?p ?o }", formats=wanted)).format.name == "ttl"
    assert evaluate(store, Query("SELECT * {}")).format.name == "json"


def test_a_format_that_cannot_carry_the_result_is_refused(store: Store) -> None:
    """The error lists what can be had for this kind of result."""
    with pytest.raises(NotAcceptable) as caught:
        evaluate(store, Query("ASK {}", formats=("ttl", "md")))
    assert "application/sparql-results+json" in caught.value.offered
    assert "text/markdown" not in caught.value.offered


# datasets


@pytest.mark.parametrize(
    ("text", "name", "what"),
    [
        (r'SELECT ?x { BIND("a\u0001" AS ?x) }', "xml", "U+0001"),
        (r'SELECT ?x { BIND("a\uFFFE" AS ?x) }', "xml", "U+FFFE"),
        (r'CONSTRUCT { ex:s ex:p "\u001F" } {}', "rdf", "U+001F"),
        ("CONSTRUCT { ex:s ex:1 ex:o } {}", "rdf", f"<{EX}1>"),
    ],
)
def test_what_xml_cannot_represent_is_refused(store: Store, text: str, name: str, what: str) -> None:
    """Functions and templates make what data cannot have; the other formats have it."""
    with pytest.raises(NotAcceptable, match=re.escape(what)):
        ask(store, text, name)
    if name == "xml":
        with pytest.raises(NotAcceptable, match=re.escape(what)):
            evaluate(store, Query(text, formats=(name,))).whole()
    ask(store, text, "json" if name == "xml" else "ttl")


def test_characters_of_xml_are_found_in_any_pieces() -> None:
    """U+FFFE has three bytes, which may come one by one."""
    sink = XmlSink(io.BytesIO())
    *others, last = "ı\ufffd\ufffe".encode()
    for byte in others:
        sink.write(bytes([byte]))
    with pytest.raises(NotAcceptable, match=re.escape("U+FFFE")):
        sink.write(bytes([last]))


def test_characters_that_xml_can_represent_are_written(store: Store) -> None:
    """Tabs, line ends and letters beyond ASCII."""
    written, rows = ask(store, r'SELECT ?x { BIND("\t\n\u0085\uFFFD\U0001F600ı" AS ?x) }', "xml")
    assert rows == 1
    assert "\u0085\ufffd\U0001f600ı" in written


def test_several_default_graphs_are_merged(store: Store) -> None:
    """A triple that two of them hold is there once (SPARQL 1.1, 13.1), named in the request or in the text."""
    graphs = (EX + "page", EX + "news")
    everything = "SELECT (COUNT(*) AS ?n) %s { ?s ?p ?o }"
    assert count(store, everything % "", default_graphs=graphs) == 3
    assert count(store, everything % "FROM ex:page FROM ex:news") == 3
    assert count(store, everything % "FROM ex:page FROM ex:page") == 2


def test_a_merge_keeps_the_named_graphs_beside_it(store: Store) -> None:
    """GRAPH sees the graphs of FROM NAMED, whole, and no others."""
    from_clauses = "FROM ex:page FROM ex:news FROM NAMED ex:news"
    assert count(store, f"SELECT (COUNT(*) AS ?n) {from_clauses} {{ GRAPH ?g {{ ?s ?p ?o }} }}") == 2


def test_a_query_with_graphs_leaves_no_garbage(store: Store) -> None:
    """Its result, which must end in the thread in which it began, is freed without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        before = kept_frames()
        assert count(store, "SELECT (COUNT(*) AS ?n) FROM ex:page FROM NAMED ex:page { ?s ?p ?o }") == 2
        assert kept_frames() == before
    finally:
        gc.enable()


def kept_frames() -> int:
    """The number of evaluations whose variables are kept."""
    frames = (one for one in gc.get_objects() if isinstance(one, FrameType))
    return sum(frame.f_code is evaluate.__code__ for frame in frames)


def test_the_request_goes_before_the_text(store: Store) -> None:
    """SPARQL 1.1 Protocol, 2.1.4: the dataset of the request overrides FROM and FROM NAMED."""
    text = "SELECT (COUNT(*) AS ?n) FROM ex:page FROM NAMED ex:page { ?s ?p ?o }"
    assert count(store, text, default_graphs=(EX + "news",)) == 2
    assert count(store, text, named_graphs=(EX + "news",)) == 0


def test_naming_graphs_only_leaves_the_default_graph_empty(store: Store) -> None:
    """SPARQL 1.1, 13.2.2, for the request and for the text alike."""
    count_all = "SELECT (COUNT(*) AS ?n) %s { ?s ?p ?o }"
    assert count(store, count_all % "", named_graphs=(EX + "news",)) == 0
    assert count(store, count_all % "FROM NAMED ex:news") == 0
    in_graphs = "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"
    assert count(store, in_graphs, default_graphs=(EX + "news",)) == 0
    assert count(store, in_graphs) == 4


@pytest.mark.parametrize("clause", ["FROM <file:///etc/passwd>", "FROM NAMED <http://127.0.0.1/x>"])
def test_a_graph_that_is_not_here_is_refused(store: Store, clause: str) -> None:
    """Graphs are not fetched; the error names those that there are."""
    with pytest.raises(Forbidden) as caught:
        ask(store, f"SELECT * {clause} {{ ?s ?p ?o }}")
    assert caught.value.allowed == (EX + "news", EX + "page")


def test_the_words_in_strings_and_names_are_no_clauses(store: Store) -> None:
    """Only a clause is a clause."""
    assert ask(store, 'SELECT ?from { ?from ex:name ?load FILTER("SERVICE <x> FROM <y>" != ?load) }')[1] == 1


@pytest.mark.parametrize("clause", ["SERVICE <http://127.0.0.1/>", "SERVICE SILENT <http://127.0.0.1/>", "SERVICE ?s"])
def test_service_is_refused_by_default(store: Store, clause: str) -> None:
    """Nothing is asked of other endpoints unless the operator lists them."""
    with pytest.raises(Forbidden):
        ask(store, f"SELECT * {{ {clause} {{ ?s ?p ?o }} }}")


# errors


def test_half_a_surrogate_pair_is_a_syntax_error(store: Store) -> None:
    """JSON can carry what UTF-8 cannot."""
    with pytest.raises(QuerySyntaxError):
        evaluate(store, Query('SELECT ("\ud800" AS ?x) {}'))


def test_our_prefixes_need_no_declaration(store: Store) -> None:
    """And may be declared otherwise."""
    assert ask(store, 'SELECT (cg:fold("İ") AS ?x) {}')[1] == 1
    assert ask(store, f"PREFIX cg: <{EX}> SELECT * {{ cg:izmir cg:twin ?o }}")[1] == 2


def test_a_long_word_takes_no_long_time(store: Store) -> None:
    """What looks for prefixes in a text is linear in its length."""
    begun = time.process_time()
    assert ask(store, f'SELECT ("{"x" * 1_000_000}" AS ?x) {{}}')[1] == 1
    assert time.process_time() - begun < 60


def test_n_quads_of_a_graph_have_no_graph_name(store: Store) -> None:
    """A constructed graph is no named graph."""
    text, _ = ask(store, "CONSTRUCT WHERE { ?s ex:twin ?o }", "nq")
    quads = list(parse(text, format=RdfFormat.N_QUADS))
    assert quads
    assert all(quad.graph_name == DefaultGraph() for quad in quads)


@pytest.mark.parametrize(
    "call", ['cg:fold("Ö")', 'cg:fold # (\n ("Ö")', 'f:ld("Ö")', '<https://\\u0067raph.example/>("Ö")', "BNODE()"]
)
def test_functions_are_given_to_the_engine_wherever_something_is_called(store: Store, call: str) -> None:
    """A function's name may be written in parts; only texts that call nothing go without functions (16 §1)."""
    namespace = CG("fold").value.removesuffix("ld")
    name = call.replace("https://\\u0067raph.example/", namespace.replace("h", "\\u0068", 1) + "ld")
    text = f"PREFIX f: <{namespace}> SELECT (({name}) AS ?folded) {{}}"
    solutions = evaluate(store, Query(text)).answer
    assert isinstance(solutions, QuerySolutions)
    folded = [solution["folded"] for solution in solutions]
    assert folded == [Literal("o")] or (call == "BNODE()" and len(folded) == 1)
