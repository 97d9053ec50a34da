"""What a query's text may not do, by one linear pass, and by the tree where that finds words to look at."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygraph.errors import CitygraphError, Forbidden, QuerySyntaxError, TooLarge, UsageError
from citygraph.settings import Settings
from citygraph.sparql.clauses import check, clauses_of
from citygraph.sparql.guard import occurrences, scan
from citygraph.sparql.protocol import Query

SETTINGS = Settings()
WDQS = "https://query.wikidata.org/sparql"
HERE = "https://w3id.org/citygraph/graph/catalog"
PATTERN = "?s ?p ?o"

# Levels and operators just above the limits, which are 200 and 2,000.
TOO_DEEP, TOO_BROAD = 250, 2_010
DEEP: dict[str, Callable[[int], str]] = {
    "parentheses": lambda n: "SELECT (" + "(" * n + "1" + ")" * n + " AS ?x) {}",
    "groups": lambda n: "SELECT * {" + "{" * n + PATTERN + "}" * n + "}",
    "blank nodes": lambda n: "SELECT * { ?s ?p " + "[ ?p " * n + "1" + "]" * n + "}",
    "collections": lambda n: "SELECT * { ?s ?p " + "(" * n + "1" + ")" * n + "}",
    "nots": lambda n: "SELECT * { FILTER(" + "! " * n + "true) }",
    "sub-selects": lambda n: "SELECT * {" + "{SELECT * {" * n + PATTERN + "}}" * n + "}",
    "calls": lambda n: "SELECT * { FILTER(" + "STR(" * n + "?s" + ")" * n + "=1) }",
    "exists": lambda n: "SELECT * {" + "FILTER EXISTS {" * n + PATTERN + "}" * n + "}",
    "paths": lambda n: "SELECT * { ?s " + "(" * n + "<p>" + ")*" * n + " ?o }",
}
BROAD: dict[str, Callable[[int], str]] = {
    "unions": lambda n: "SELECT * {" + " UNION ".join([f"{{{PATTERN}}}"] * n) + "}",
    "sums": lambda n: "SELECT (" + "+".join(["1"] * n) + " AS ?x) {}",
    "signed sums": lambda n: "SELECT (1" + "-1" * n + " AS ?x) {}",
    "ors": lambda n: "SELECT * { FILTER(" + "||".join(["?s=1"] * n) + ") }",
    "ands": lambda n: "SELECT * { FILTER(" + "&&".join(["?s=1"] * n) + ") }",
    "path steps": lambda n: "SELECT * { ?s " + "/".join(["<p>"] * n) + " ?o }",
    "path alternatives": lambda n: "SELECT * { ?s " + "|".join(["<p>"] * n) + " ?o }",
    "statements": lambda n: "SELECT * {" + f"{PATTERN} . " * n + "}",
    "predicates": lambda n: "SELECT * { ?s " + ";".join(["?p ?o"] * n) + "}",
    "objects": lambda n: "SELECT * { ?s ?p " + ",".join(["?o"] * n) + "}",
    "filters": lambda n: "SELECT * {" + "FILTER(1=1)" * n + "}",
    "optionals": lambda n: "SELECT * {" + f"OPTIONAL{{{PATTERN}}}" * n + "}",
    "projections": lambda n: "SELECT " + "(1 AS ?x)" * n + "{}",
    "members of a collection": lambda n: "SELECT * { ?s ?p (" + "1 " * 3 * n + ") }",
    "described": lambda n: "DESCRIBE " + "<http://a/> " * 3 * n,
    "blocks of values": lambda n: "SELECT * {" + "VALUES ?s {1}" * n + "}",
    "quoted triples": lambda n: "SELECT * {" + "<< " * n + PATTERN + " >> ?p ?o" * n + "}",
    "sums in a false IRI": lambda n: "SELECT * { FILTER(?a<1" + "+1" * n + "&&2>1) }",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP.keys())
def test_depth_is_bounded(text: Callable[[int], str]) -> None:
    """A hundred levels of anything pass, some more than the limit of nothing (13.38)."""
    scan(text(90), SETTINGS)
    with pytest.raises(TooLarge, match="200 levels"):
        scan(text(TOO_DEEP), SETTINGS)


@pytest.mark.parametrize("text", BROAD.values(), ids=BROAD.keys())
def test_breadth_is_bounded(text: Callable[[int], str]) -> None:
    """Five hundred of anything pass, some more than the limit of nothing (13.38)."""
    scan(text(500), SETTINGS)
    with pytest.raises(TooLarge) as caught:
        scan(text(TOO_BROAD), SETTINGS)
    assert caught.value.limit == 2000


def test_long_lists_pass() -> None:
    """Rows of VALUES and members of IN are data: the engine takes a hundred thousand of them."""
    iris = [f"<http://a/{number}>" for number in range(30_000)]
    texts = (
        f"SELECT * {{ VALUES ?s {{ {' '.join(iris)} }} }}",
        f"SELECT * {{ VALUES (?s ?o) {{ {' '.join(f'({iri} UNDEF)' for iri in iris)} }} }}",
        f"SELECT * {{ FILTER(?s IN ({', '.join(iris)})) }}",
        f"SELECT * {{ FILTER(?s NOT IN ({','.join(map(str, range(100_000)))})) }}",
    )
    # No TooLarge, and none of the words that need a closer look.
    assert [scan(text, SETTINGS) for text in texts] == [frozenset()] * len(texts)


def test_length_is_counted_in_bytes() -> None:
    """The limit is of the text as it is sent."""
    settings = Settings(query_length=10)
    scan("é" * 5, settings)
    with pytest.raises(TooLarge, match="12 bytes"):
        scan("é" * 6, settings)


@pytest.mark.parametrize(
    "text",
    [
        '"""\n\\', "'''\n\\", '"\\', "a-", "<", "<a", "! ", "a ", "?a ", "1,", "1, ", "VALUES ?x {", "VALUES ?x {'a' ",
        "#\n", "<>", "a:", "%", "\\", "é ", '""', "@a", "IN (1,", "'", "<a>,", "a:b,", '"a",', ". ", "))((", ":",
    ],
)  # fmt: skip
def test_the_scan_is_linear(text: str) -> None:
    """A mebibyte of whatever is hardest to read takes well under a second (the quadratic would take hours)."""
    begun = time.process_time()
    with suppress(TooLarge, QuerySyntaxError):
        scan((text * 2**20)[: 2**19 if text == "é " else 2**20], SETTINGS)
    assert time.process_time() - begun < 60


@given(st.text(st.sampled_from("\"'\\\n#<>(){}[]!|&+-*/.,;:?$@ aSERVICEFROMu0053é\ud800"), max_size=200))
def test_any_text_gets_a_clean_answer(text: str) -> None:
    """Neither the scan nor the tree fails on garbage in any other way than by our own errors."""
    words: frozenset[str] = frozenset()
    with suppress(CitygraphError):
        words = scan(text, SETTINGS)
        if words:
            check(Query(text))
    # Any other exception has failed the test by now.
    assert words <= {"SERVICE", "LOAD", "FROM"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT * { SERVICE <http://a/> {} }", {"SERVICE"}),
        ("select * from <a> from named <b> {}", {"FROM"}),
        ("SELECT*FROM<g>{}", {"FROM"}),
        ("SELECT*FROMNAMED<g>{}", {"FROM"}),
        ("LOAD <file:///etc/passwd>", {"LOAD"}),
        ("ASK { ?s ?p ?o.SERVICE<http://a/>{} }", {"SERVICE"}),
        ("ASK { ?s ?p 1SERVICE <http://a/> {} }", {"SERVICE"}),
        ("PREFIX : <http://a/> ASK { SERVICE:a {} }", {"SERVICE"}),
        ("ASK { FILTER(?a<?b)SERVICE#>\n<http://a/>{} }", {"SERVICE"}),
        ("ASK { FILTER(?a<?b)SERVICE#>,\n<http://a/>{} }", {"SERVICE"}),
        ("ASK { # it's\n SERVICE <http://a/> {} }", {"SERVICE"}),
        ("SELECT ?service $from { ?load ?p 'SERVICE' }", set()),
        ('SELECT * { ?s ?p "LOAD", """FROM "quoted" SERVICE""", "x"@from }', set()),
        ("SELECT * { ?s ex:service ex:from . <http://a/load> ?p ?o } # FROM SERVICE LOAD", set()),
        ("SELECT * { VALUES ?x { 'FROM' <SERVICE> } _:load ?p ?o }", set()),
        ("SELECT * { ?s <p>?FROM }", set()),
    ],
)  # fmt: skip
def test_words_are_found_where_they_are_words(text: str, words: set[str]) -> None:
    """Not in strings, comments, IRIs, names and variables; but however they are glued or hidden."""
    assert scan(text, SETTINGS) == words
    assert scan(text + " " * 3000, SETTINGS) == words


def test_an_unclosed_string_has_a_place() -> None:
    """The rest of the text cannot be read; the error says where the string begins."""
    with pytest.raises(QuerySyntaxError) as caught:
        scan('SELECT *\n FROM <g> { ?s ?p "x }', SETTINGS)
    assert (caught.value.line, caught.value.column) == (2, 19)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }",
        "SELECT * { OPTIONAL { GRAPH ?g { SERVICE SILENT <http://127.0.0.1/> {} } } }",
        "SELECT * { ?x ?p ?o SERVICE ?x { ?s ?p ?o } }",
        "PREFIX e: <http://127.0.0.1/> SELECT * { { SELECT * { SERVICE e:sparql {} } } }",
        "ASK { FILTER EXISTS { SERVICE <http://127.0.0.1/> {} } }",
        f"ASK {{ SERVICE <{WDQS}#> {{}} }}",
    ],
)
def test_service_is_refused(text: str) -> None:
    """Wherever it stands in the tree, and also where another endpoint is allowed; a variable always."""
    for services in ((), (WDQS,)):
        with pytest.raises(Forbidden, match="SERVICE") as caught:
            check(Query(text), services)
        assert caught.value.construct.startswith("SERVICE ")
        assert caught.value.allowed == services


def test_an_allowed_service_passes() -> None:
    """By its IRI, however it is written; a text that hides a second one from the tree does not."""
    text = f"PREFIX w: <https://query.wikidata.org/> ASK {{ SERVICE <{WDQS}> {{}} SERVICE w:sparql {{}} }}"
    assert check(Query(text), [WDQS]).services == (WDQS, WDQS)
    hidden = 'ASK { ?s ?p "\\u0022,\' . SERVICE <http://127.0.0.1/> {} #" }'
    with pytest.raises((Forbidden, QuerySyntaxError)):
        check(Query(f"ASK {{ SERVICE <{WDQS}> {{}} }} # {hidden}\n{hidden}"), [WDQS])


def test_escapes_are_read_as_the_engine_reads_them() -> None:
    """In strings and IRIs alone: they begin no string, and are no part of a keyword."""
    text = f'ASK {{ ?s ?p "\\u0022 , " . SERVICE <{WDQS[:-1]}\\u006C> {{}} ?a ?b " " }}'
    assert occurrences(text, "SERVICE") == 1
    assert check(Query(text), [WDQS]).services == (WDQS,)
    with pytest.raises(QuerySyntaxError, match="line 1, column 7"):
        check(Query(r"ASK { \u0053ERVICE <http://a/> {} } # FROM"))


@pytest.mark.parametrize("clause", ["FROM <file:///etc/passwd>", "FROM NAMED <http://127.0.0.1/>", "FROM wd:Q1"])
def test_graphs_come_from_the_release_alone(clause: str) -> None:
    """FROM names graphs that we hold; the error lists them. A dataset of the request overrides it."""
    text = f"SELECT * {clause} {{ ?s ?p ?o }}"
    with pytest.raises(Forbidden, match="not in this release") as caught:
        check(Query(text), graphs={HERE})
    assert caught.value.allowed == (HERE,)
    check(Query(text, default_graphs=(HERE,)), graphs={HERE})
    check(Query("SELECT * FROM graph:catalog {}"), graphs={HERE})


def test_the_dataset_of_a_text() -> None:
    """FROM and FROM NAMED in order, with prefixes and the base resolved."""
    text = "BASE <http://b/> PREFIX e: <e#> SELECT * FROM <x> FROM e:y FROM NAMED <http://z/> FROM graph:catalog {}"
    clauses = clauses_of(text)
    assert clauses.default_graphs == ("http://b/x", "http://b/e#y", HERE)
    assert clauses.named_graphs == ("http://z/",)
    assert clauses_of("SELECT * FROM <x> {}", "http://c/").default_graphs == ("http://c/x",)
    assert clauses_of(r"PREFIX e: <http://e/> SELECT * FROM e:a\~b%41 {}").default_graphs == ("http://e/a~b%41",)


@pytest.mark.parametrize("text", ["LOAD <file:///etc/passwd>", "CLEAR ALL ; LOAD SILENT <http://a/> INTO GRAPH <b>"])
def test_load_is_refused(text: str) -> None:
    """It is an update, but the error says what is wrong with it."""
    with pytest.raises(Forbidden, match="LOAD"):
        check(Query(text))


def test_other_updates_are_sent_elsewhere() -> None:
    """An update in which a word was found."""
    with pytest.raises(UsageError, match="/update"):
        check(Query("DELETE { ?s ?p ?o } USING <from> WHERE { ?s <p> 1 . SERVICE <x> {} }"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("SELECT * FROM <g> {", (1, 20)),
        ("SELECT *\nFROM <g> { ?s ?p }", (2, 18)),
        ("SELECT ?c, ?d FROM <g> { ?c ?d ?e }", (1, 10)),
        ("SELECT * FROM <http://[> {}", (1, 25)),
        ("SELECT * FROM <http://a/%zz> {}", (1, 29)),
        (r"SELECT * FROM <http://a/\uD800> {}", (1, 32)),
        ("PREFIX e: <//[> SELECT * FROM e:a {}", (1, 16)),
    ],
)  # fmt: skip
def test_a_syntax_error_has_the_place_of_the_token(text: str, place: tuple[int, int]) -> None:
    """Also that of an IRI that is not valid."""
    with pytest.raises(QuerySyntaxError) as caught:
        check(Query(text))
    assert (caught.value.line, caught.value.column) == place


def test_as_deep_as_the_scan_allows() -> None:
    """What the scan lets pass the tree can read."""
    text = "SELECT * FROM <http://g/> {" + "{" * 190 + PATTERN + "}" * 190 + "}"
    assert clauses_of(text).default_graphs == ("http://g/",)
