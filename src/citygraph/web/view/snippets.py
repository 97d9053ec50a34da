"""Programs that send a query to a release, in Python, R, JavaScript and curl, to be copied and run.

A stored query is sent by its name, any other by its text. The query and the address are written as each language writes
any text, so that no query ends its own string.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from urllib.parse import urlencode

from citygraph.catalogues import ENGLISH

# The first of these words outside of IRIs, comments and names is the form of the query.
_FORM = re.compile(
    r"<[^<>\s]*>|\#[^\r\n]*|(?<![\w:.-])(SELECT|ASK|CONSTRUCT|DESCRIBE)(?![\w:.-])", re.IGNORECASE | re.ASCII
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# A quote next to another or at the end could be part of the three that end the text.
_QUOTE_IN_RUN = re.compile(r'"(?=")|(?<=")"|"\Z')


@dataclass(frozen=True)
class Snippet:
    """A program; `name` is that of its language."""

    name: str
    code: str


def snippets_of(query: str, root: str, release: str) -> tuple[Snippet, ...]:
    """Returns the programs; `root` is the address of the site, and `release` the release that they ask."""
    site = _site(root, release)
    return tuple(Snippet(name, write(query, site, form_of(query))) for name, write in _WRITERS)


@dataclass(frozen=True)
class QueryCall:
    """A stored query with the values of its parameters; `form` is that of its text, `language` that of labels."""

    name: str
    values: Mapping[str, str]
    form: str
    language: str


def call_snippets_of(call: QueryCall, root: str, release: str) -> tuple[Snippet, ...]:
    """Returns the programs that ask a stored query by its name; `root` and `release` as in `snippets_of`."""
    site, is_graph = _site(root, release), call.form in _GRAPHS
    address = f"{site}/queries/{call.name}?{urlencode({**call.values, 'lang': call.language, 'format': ''})}"
    text = f"{address}{'ttl' if is_graph else 'csv'}"
    fetched = javascript_text(f"{address}{'ttl' if is_graph else 'json'}")
    return (
        Snippet("Python", _python_call(call, site)),
        Snippet("R", _program(f"address <- {r_text(text)}", *_read_r(call.form))),
        Snippet("JavaScript", _program(f"const response = await fetch({fetched});", *_read_javascript(call.form))),
        Snippet("curl", _program(f"curl -sS --fail-with-body {shell_text(text)}")),
    )


def form_of(query: str) -> str:
    """Returns SELECT, ASK, CONSTRUCT or DESCRIBE; SELECT for a text that is no query."""
    return next((match[1].upper() for match in _FORM.finditer(query) if match[1]), "SELECT")


def python_text(text: str) -> str:
    """Returns a text as a literal of Python, over several lines if it has them."""
    escaped = _CONTROL.sub(_as_hex, text.replace("\\", "\\\\"))
    if "\n" not in text:
        return '"{}"'.format(escaped.replace('"', '\\"'))
    return '"""\\\n{}"""'.format(_QUOTE_IN_RUN.sub('\\\\"', escaped))


def r_text(text: str) -> str:
    """Returns a text as a string of R."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    # Not by \x: R refuses it in a string with other escapes.
    return '"{}"'.format(_CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", escaped))


def javascript_text(text: str) -> str:
    """Returns a text as a template literal of JavaScript, without substitutions."""
    escaped = text.replace("\\", "\\\\").replace("`", "\\`").replace("${", "\\${")
    return f"`{_CONTROL.sub(_as_hex, escaped)}`"


def shell_text(text: str) -> str:
    """Returns a text as one word of a POSIX shell."""
    return "'{}'".format(text.replace("'", "'\\''"))


def _as_hex(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"


def _site(root: str, release: str) -> str:
    return f"{root.partition('/releases/')[0]}/releases/{release}"


def _python(query: str, site: str, form: str) -> str:
    # In the client a dollar sign marks a parameter; in SPARQL it is another way to write a variable.
    # The client would delay the start of the server.
    from citygraph.client.query_terms import as_variables

    return _ask_in_python(python_text(site), f"query({python_text(as_variables(query))})", form)


def _python_call(call: QueryCall, site: str) -> str:
    values = []
    for name, value in call.values.items():
        # A variable of SPARQL may have the name of a keyword, such as `from`.
        is_name = name.isidentifier() and not iskeyword(name)
        text = python_text(value)
        values.append(f"{name}={text}" if is_name else f"**{{{python_text(name)}: {text}}}")
    language = "" if call.language == ENGLISH else f", language={python_text(call.language)}"
    arguments = ", ".join([python_text(call.name), *values])
    return _ask_in_python(python_text(site) + language, f"run({arguments})", call.form)


def _ask_in_python(graph: str, question: str, form: str) -> str:
    is_truth = form == "ASK"
    return _program(
        f"# pip install citygraph{'' if is_truth else ' pandas pyarrow'}",
        "from citygraph.client import Graph",
        "",
        f"graph = Graph({graph})",
        f"result = graph.{question}",
        f"print({'result.truth' if is_truth else 'result.pandas()'})",
    )


def _r(query: str, site: str, form: str) -> str:
    is_graph = form in _GRAPHS
    address = r_text(f"{site}/sparql?format={'ttl' if is_graph else 'csv'}&query=")
    return _program(
        f"query <- {r_text(query)}",
        f"address <- paste0({address}, URLencode(query, reserved = TRUE))",
        *_read_r(form),
    )


def _read_r(form: str) -> tuple[str, ...]:
    if form in _GRAPHS:
        return 'result <- readLines(address, encoding = "UTF-8")', r'cat(result, sep = "\n")'
    return _READ_CSV, "print(result)"


def _javascript(query: str, site: str, form: str) -> str:
    return _program(
        f"const query = {javascript_text(query)};",
        f"const response = await fetch({javascript_text(f'{site}/sparql')}, {{",
        '  method: "POST",',
        f'  headers: {{ Accept: "{"text/turtle" if form in _GRAPHS else "application/sparql-results+json"}" }},',
        "  body: new URLSearchParams({ query }),",
        "});",
        *_read_javascript(form),
    )


def _read_javascript(form: str) -> tuple[str, ...]:
    return (
        "const text = await response.text();",
        "if (!response.ok) throw new Error(text);",
        *_SHOWN.get(form, ("console.log(text);",)),
    )


def _curl(query: str, site: str, form: str) -> str:
    return _program(
        f"curl -sS --fail-with-body {shell_text(f'{site}/sparql')} \\",
        f"  -H 'Accept: {'text/turtle' if form in _GRAPHS else 'text/csv'}' \\",
        f"  --data-urlencode {shell_text(f'query={query}')}",
    )


def _program(*lines: str) -> str:
    return "\n".join(lines) + "\n"


_GRAPHS = ("CONSTRUCT", "DESCRIBE")
# Types are not guessed: R would read a partial date as a number.
_READ_CSV = """\
result <- read.csv(address, colClasses = "character", na.strings = "", encoding = "UTF-8",
                   check.names = FALSE)"""
_SHOWN = {
    "SELECT": (
        "const { head, results } = JSON.parse(text);",
        "const values = (row) => head.vars.map((name) => [name, row[name]?.value]);",
        "console.table(results.bindings.map((row) => Object.fromEntries(values(row))));",
    ),
    "ASK": ("console.log(JSON.parse(text).boolean);",),
}
_WRITERS: tuple[tuple[str, Callable[[str, str, str], str]], ...] = (
    ("Python", _python),
    ("R", _r),
    ("JavaScript", _javascript),
    ("curl", _curl),
)
