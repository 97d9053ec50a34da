"""An update's text is taken apart where the grammar separates it, whatever stands in strings and IRIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citygraph.commit.operations import alone, as_data, operations, variables
from citygraph.errors import QuerySyntaxError, TooLarge


def test_each_operation_keeps_its_parts() -> None:
    """Templates, USING, WITH and the prologue so far."""
    text = """PREFIX a: <urn:a#> # ; INSERT
    WITH <urn:g;x> DELETE { ?s a:p "}" } INSERT { ?s a:p '''{"''' } USING a:x USING NAMED <y> WHERE { ?s ?p ?o } ;
    PREFIX b: <urn:b#> DELETE DATA { b:s b:p "; DROP ALL" };
    DELETE WHERE { ?s ?p ?o } ; CLEAR SILENT GRAPH a:g ; COPY DEFAULT TO <urn:z>;"""
    first, second, third, fourth, fifth = operations(text, 100)
    assert (first.kind, first.with_graph, first.using) == ("MODIFY", "<urn:g;x>", [(False, "a:x"), (True, "<y>")])
    assert (first.delete, first.insert) == (' ?s a:p "}" ', """ ?s a:p '''{"''' """)
    assert (second.kind, second.delete) == ("DELETE DATA", ' b:s b:p "; DROP ALL" ')
    assert "b:" in second.prologue
    assert "b:" not in first.prologue
    assert (third.kind, third.where) == ("DELETE WHERE", " ?s ?p ?o ")
    assert (fourth.kind, fourth.silent, fourth.names) == ("CLEAR", True, ["a:g"])
    assert fifth.names == ["DEFAULT", "<urn:z>"]


@pytest.mark.parametrize(
    "text", ["INSERT DATA { } DELETE DATA { }", "SELECT * { }", "DELETE { }", "INSERT", "WITH <g> WHERE { }", "a"]
)
def test_what_is_no_operation_is_refused(text: str) -> None:
    """Nothing is passed over."""
    with pytest.raises(QuerySyntaxError):
        operations(text, 100)


# None of these opens or closes anything.
PLAIN = [
    "<urn:a>",
    '"}"@en',
    "'''{\n'''",
    '"\\"}"^^a:b',
    "# }\n",
    r"a:b\(c",
    "a.b:c.",
    "?x",
    "1.5",
    "<",
    ".",
    ";",
    "^^",
    "\n",
    "é",
]
GROUPS = [("{", "}"), ("(", ")"), ("[", "]"), ("<<", ">>")]


@given(st.recursive(st.sampled_from(PLAIN), lambda inner: st.lists(st.tuples(inner, st.sampled_from(GROUPS), inner))))
def test_a_template_ends_with_its_own_bracket(parts: object) -> None:
    """Whatever it has before: brackets of its own, and those in strings, comments and names."""
    body = written(parts)
    (operation,) = operations(f"INSERT DATA {{{body}}}", 1000)
    assert operation.insert == body
    with pytest.raises(QuerySyntaxError, match=r"} closes nothing"):
        operations(f"INSERT DATA {{{body}}}}}", 1000)


def written(parts: object) -> str:
    """Returns nested parts as text, with spaces, without which some would be read together."""
    if isinstance(parts, list):
        return " ".join(
            f"{written(before)} {opening} {written(in_it)} {end}" for before, (opening, end), in_it in parts
        )
    return f" {parts} "


@pytest.mark.parametrize("opening", ["{", "(", "[", "<<(<a:> <b:> "])
def test_depth_is_limited_before_anything_parses(opening: str) -> None:
    """Some levels more than the limit are refused by our own count (13.38)."""
    with pytest.raises(TooLarge):
        operations("INSERT DATA { <a:> <b:> " + opening * 250, 200)


POSITIONS = {
    "INSERT DATA {\n GRAPH <g> { <a> <b> 1 }\n": (3, 1, "expected } for { at line 1, column 13"),
    "DELETE WHERE { ?s ?p [ ?o }": (1, 28, "expected } for { at line 1, column 14"),
    "INSERT DATA { <a> <b> 1 }}": (1, 26, "} closes nothing"),
    "\ufeffINSERT DATA { }\n;\n SELECT * { }": (3, 2, "expected an operation of SPARQL Update"),
    "INSERT DATA { }\nDELETE DATA { }": (2, 1, "expected ; or the end"),
    "INSERT DATA GRAPH": (1, 13, "expected {"),
    "INSERT { }\nUSING <g>": (2, 10, "expected WHERE"),
    "PREFIX a:": (1, 10, "the update is cut"),
}


@pytest.mark.parametrize("text", POSITIONS)
def test_syntax_error_of_an_update_has_its_position(text: str) -> None:
    """(13.8) Line and column of the first token that does not fit, or of the end; and what is missing."""
    line, column, problem = POSITIONS[text]
    with pytest.raises(QuerySyntaxError) as raised:
        operations(text.removeprefix("\ufeff"), 100)
    assert (raised.value.line, raised.value.column) == (line, column)
    assert str(raised.value) == f"syntax error at line {line}, column {column}: {problem}"


def test_operation_alone_keeps_its_place() -> None:
    """(13.8) The other operations are blank, so that the engine's position is that of the whole text."""
    text = "PREFIX a: <urn:a>\nINSERT DATA { } # ; no\n;\nPREFIX b: <urn:b> DROP ALL ;\nDELETE DATA { } ; CLEAR ALL"
    parts = operations(text, 100)
    assert alone(text, parts, parts[2]).split("\n") == [
        "PREFIX a: <urn:a>",
        " " * len("INSERT DATA { } # ; no"),
        " ",
        "PREFIX b: <urn:b> " + " " * len("DROP ALL ;"),
        "DELETE DATA { }",
    ]


def test_variables_become_data() -> None:
    """A template with an IRI for each variable parses as data; strings keep their question marks."""
    template = 'GRAPH ?g { ?s <p?x> "?no" ; $q ?s }'
    assert variables(template) == ["g", "s", "q"]
    assert as_data(template).count("urn:x-citygraph-variable:s>") == 2
    assert '"?no"' in as_data(template)
