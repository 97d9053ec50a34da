"""Programs for a query: any text arrives as it is, and each program runs against a server."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from citygraph.release.releases import Release
from citygraph.web.view.snippets import (
    QueryCall,
    call_snippets_of,
    form_of,
    javascript_text,
    python_text,
    r_text,
    shell_text,
    snippets_of,
)
from tests.running import Running

# No query has a NUL: the endpoint refuses it.
_LETTERS = ("İ", "ı", "😀", "a", "\n", "\r\n", "\t", "\x01", "\u2028")
_PIECES = ("'", '"', "`", "\\", "$", "${", "{", "}", ')-"', "%s", *_LETTERS)
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    | st.lists(st.sampled_from(_PIECES), min_size=1).map("".join)
)  # fmt: skip
MANY = st.lists(TEXTS, min_size=40, max_size=80)
FEW = settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
# A query whose text has what ends strings in each of the languages.
AWKWARD = """PREFIX select: <urn:construct#>
SELECT ?label $city { # it's "awkward" \\ `${x}` \\n
  VALUES $city { <https://w3id.org/citygraph/id/city/izmir> }
  $city rdfs:label ?name FILTER(LANG(?name) = 'tr')
  BIND(CONCAT(STR(?name), " it's \\"it\\" \\\\ `${y}` 😀") AS ?label)
}"""
EXPECTED = 'İzmir it\'s "it" \\ `${y}` 😀'
QUERIES = {
    "SELECT": AWKWARD,
    "ASK": "ASK { city:izmir rdfs:label 'İzmir'@tr }",
    "CONSTRUCT": "CONSTRUCT WHERE { agreement:izmir-bremen cg:protocolDate ?date }",
}


def output(command: list[str], program: str) -> str:
    """Returns what a program prints, which is read from standard input."""
    done = subprocess.run(command, input=program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tool(name: str) -> str:
    """Returns the path of a program, or skips the test."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: the snippets in its language are not run")
    return found


# quoting


@settings(max_examples=100, deadline=None)
@given(TEXTS)
def test_python_reads_the_text_that_was_written(text: str) -> None:
    """Quotes, backslashes, line breaks, letters of any script (17)."""
    assert ast.literal_eval(python_text(text)) == text


@FEW
@given(MANY)
def test_javascript_reads_the_texts_that_were_written(texts: list[str]) -> None:
    """Without substitutions, whatever looks like one (17)."""
    values = ", ".join(map(javascript_text, texts))
    assert json.loads(output([tool("node"), "-"], f"process.stdout.write(JSON.stringify([{values}]))")) == texts


@FEW
@given(MANY)
def test_a_shell_reads_the_texts_that_were_written(texts: list[str]) -> None:
    """As one word each (17)."""
    script = f"printf '%s\\0' {' '.join(map(shell_text, texts))}"
    done = subprocess.run([tool("bash")], input=script.encode(), capture_output=True, timeout=300, check=True)
    assert done.stdout.decode().split("\0")[:-1] == texts


@FEW
@given(MANY)
def test_r_reads_the_texts_that_were_written(texts: list[str]) -> None:
    """Compared by their bytes (17)."""
    script = "".join(f"cat(as.character(charToRaw(enc2utf8({r_text(text)}))), '\\n', sep = '')\n" for text in texts)
    lines = output([tool("Rscript"), "--encoding=UTF-8", "-"], script).splitlines()
    assert [bytes.fromhex(line).decode() for line in lines] == texts


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (AWKWARD, "SELECT"),
        ("# construct\nask {}", "ASK"),
        ("PREFIX ask: <urn:describe> CONSTRUCT WHERE { ?s ask:ask ?o }", "CONSTRUCT"),
        ("BASE <http://select/>describe <x>", "DESCRIBE"),
        ("nonsense", "SELECT"),
    ],
)
def test_the_form_of_a_query(text: str, form: str) -> None:
    """In spite of names, IRIs and comments that look like one."""
    assert form_of(text) == form


# running


def python(code: str) -> str:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed: the snippets in Python are not run")
    whole = pandas.option_context("display.max_colwidth", None)
    with whole, contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, {})  # noqa: S102 - our own program
    return out.getvalue()


RUNNERS: dict[str, Callable[[str], str]] = {
    "Python": python,
    "R": lambda code: output([tool("Rscript"), "--encoding=UTF-8", "-"], code),
    "JavaScript": lambda code: output([tool("node"), "--input-type=module", "-"], code),
    "curl": lambda code: output([tool("bash")], code),
}


@pytest.mark.parametrize("language", RUNNERS)
@pytest.mark.parametrize("form", QUERIES)
def test_a_snippet_runs(izmir_site: Running, izmir: Release, language: str, form: str) -> None:
    """Against its release, with the result of its query (17)."""
    snippets = {one.name: one.code for one in snippets_of(QUERIES[form], f"{izmir_site.url}/releases/x", izmir.id)}
    assert list(snippets) == list(RUNNERS)
    assert f"{izmir_site.url}/releases/{izmir.id}" in snippets[language]
    shown = RUNNERS[language](snippets[language])
    assert {
        "SELECT": EXPECTED in shown.replace('""', '"').replace("\\\\", "\\").replace("\\'", "'"),
        "ASK": "true" in shown.lower(),
        "CONSTRUCT": "1996-04-24" in shown,
    }[form], shown


@pytest.mark.parametrize("language", RUNNERS)
def test_a_stored_query_is_asked_by_its_name(izmir_site: Running, izmir: Release, language: str) -> None:
    """With the values of its parameters, in the language of the page (17)."""
    call = QueryCall("partners", {"city": "Bremen"}, "SELECT", "tr")
    codes = {one.name: one.code for one in call_snippets_of(call, izmir_site.url, izmir.id)}
    assert "SELECT" not in codes[language]
    assert "İzmir" in RUNNERS[language](codes[language])


def test_a_parameter_may_have_any_name() -> None:
    """A keyword is no name in Python (17)."""
    call = QueryCall("a/b", {"from": 'its "x"', "to": "1"}, "SELECT", "en")
    code = call_snippets_of(call, "http://localhost", "x")[0].code
    call_node = ast.parse(code).body[2]
    assert isinstance(call_node, ast.Assign)
    assert ast.unparse(call_node.value) == """graph.run('a/b', **{'from': 'its "x"'}, to='1')"""


@pytest.mark.parametrize("language", ["JavaScript", "curl", "R"])
def test_a_snippet_fails_with_the_text_of_the_error(izmir_site: Running, izmir: Release, language: str) -> None:
    """No program takes an error for a result."""
    codes = {one.name: one.code for one in snippets_of("SELECT * {", izmir_site.url, izmir.id)}
    with pytest.raises(AssertionError, match=r"syntax|400"):
        RUNNERS[language](codes[language])


# pages


def test_pages_have_the_programs_of_their_query(izmir_site: Running, izmir: Release) -> None:
    """A stored query with its values, and a result of the workbench without JavaScript (17)."""
    stored = izmir_site.get("/queries/anniversaries?year=1987&every=10", Accept="text/html").body.decode()
    bench = izmir_site.get("/sparql?run=1&query=ASK%7B%7D", Accept="text/html").body.decode()
    for page in (stored, bench):
        assert [f"<summary>{name}</summary>" in page for name in RUNNERS] == [True] * 4
        assert f"/releases/{izmir.id}" in page
    codes = re.findall(r"data-copy><code>(.*?)</code>", stored, re.DOTALL)
    assert ["1987" in code for code in codes] == [True] * 4


def test_the_workbench_asks_for_the_programs(izmir_site: Running, izmir: Release) -> None:
    """As JSON, below a release as well; without a query it is an error."""
    for path in ("/sparql/code", f"/releases/{izmir.id}/sparql/code"):
        reply = izmir_site.get(f"{path}?query=ASK%7B%7D")
        assert reply.status == 200
        value = json.loads(reply.body)
        assert value["release"] == izmir.id
        assert [one["name"] for one in value["programs"]] == list(RUNNERS)
    assert izmir_site.get("/sparql/code").status == 400
