"""A parser of requests by the SPARQL 1.1 Protocol (updates) and Graph Store Protocol, without any framework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from citygraph.errors import MethodNotAllowed, UsageError
from citygraph.rdf.terms import BASE
from citygraph.sparql.protocol import (
    FORM,
    decoded_utf8,
    media_type_of,
    parameters_of,
    require_absolute,
    unsupported_body,
    without_nul,
)

UPDATE = "application/sparql-update"
METHODS = ("POST", "OPTIONS")
# Characters of an IRI other than letters and digits (RFC 3987); a percent sign begins an existing escape.
_IN_IRI = "/:@!$&'()*+,;=-._~%"
# Refused as parameters, because addresses are logged.
_CREDENTIALS = frozenset({"access_token", "token", "authorization"})


@dataclass(frozen=True)
class UpdateRequest:
    """A parsed update request; the two tuples of graphs are those of the parameters, instead of USING."""

    text: str
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()
    dry_run: bool = False
    message: str = ""
    language: str | None = None


@dataclass(frozen=True)
class GraphRequest:
    """A parsed Graph Store request; `graph` is empty for the default graph, None for the store itself."""

    graph: str | None
    format: str | None = None
    language: str | None = None
    dry_run: bool = False
    message: str = ""


def parse_update(method: str, query_string: str, content_type: str, body: bytes) -> UpdateRequest:
    """Parses a request by the SPARQL 1.1 Protocol, section 2.2.

    Raises MethodNotAllowed, UnsupportedMedia, or UsageError for any other fault.
    """
    if method != "POST":
        raise MethodNotAllowed(f"{method} is not a method of this address: updates are sent by POST", METHODS)
    in_address = parameters_of(query_string, "the address")
    media_type = media_type_of(content_type)
    texts: list[str] = []
    if media_type == FORM:
        parameters = in_address + parameters_of(body.decode("latin-1"), "the form")
    elif media_type == UPDATE:
        parameters = in_address
        texts.append(decoded_utf8(body, "the body"))
    else:
        raise unsupported_body(media_type, f"the update as {UPDATE}", (UPDATE, FORM))
    # SPARQL 1.1 Protocol, 2.2: an update is sent in the body, as a form or directly.
    if any(name == "update" for name, _ in in_address):
        raise UsageError("an update must be in the body, not in the address")
    return _update(parameters, texts)


def _update(parameters: list[tuple[str, str]], texts: list[str]) -> UpdateRequest:
    using: list[str] = []
    using_named: list[str] = []
    others: dict[str, str] = {}
    repeatable: dict[str, Callable[[str], None]] = {
        "update": texts.append,
        "using-graph-uri": using.append,
        "using-named-graph-uri": using_named.append,
    }
    for name, value in parameters:
        if append := repeatable.get(name):
            append(value)
        elif name == "query":
            raise UsageError("this address accepts no queries: send them to the address /sparql")
        else:
            others.setdefault(name, value)
    _refuse_tokens(others)
    if len(texts) != 1:
        raise UsageError(f"a request must have exactly one update; this one has {len(texts)}")
    for iri in (*using, *using_named):
        require_absolute(iri)
    return UpdateRequest(
        without_nul(texts[0], "the update"),
        tuple(using),
        tuple(using_named),
        _is_on(others.get("dry-run")),
        others.get("message", "")[:1000],
        others.get("lang"),
    )


def parse_graph(query_string: str, direct: str | None) -> GraphRequest:
    """Parses which graph a request names: `direct` if by the graph's own address, else by ?graph= or ?default.

    Raises UsageError if it names two graphs, or one by a relative IRI (Graph Store Protocol, 4.2).
    """
    parameters = parameters_of(query_string, "the address")
    graphs = [value for name, value in parameters if name == "graph"]
    default = any(name == "default" for name, _ in parameters)
    # Reversed, so that the first value of a repeated parameter counts.
    others = dict(reversed(parameters))
    _refuse_tokens(others)
    if len(graphs) + default + (direct is not None) > 1:
        raise UsageError("a request names one graph: by its own address, by ?graph= or by ?default")
    for graph in graphs:
        require_absolute(graph)
    name = direct if direct is not None else graphs[0] if graphs else "" if default else None
    return GraphRequest(
        name,
        others.get("format") or others.get("output"),
        others.get("lang"),
        _is_on(others.get("dry-run")),
        others.get("message", "")[:1000],
    )


def direct_graph(path: str, base: str = BASE) -> str:
    """Returns the name of the graph whose own address has this path, which is WSGI's PATH_INFO.

    Raises UsageError if the path is not UTF-8.
    """
    text = decoded_utf8(path.encode("latin-1", "replace"), "the address")
    # Characters beyond ASCII are not escaped, because the name of a graph is an IRI (RFC 3987).
    ascii_ = "".join(letter if letter > "\x7f" else quote(letter, safe=_IN_IRI) for letter in text)
    return base + ascii_.removeprefix("/")


def _refuse_tokens(parameters: dict[str, str]) -> None:
    if _CREDENTIALS & parameters.keys():
        raise UsageError("a token in an address would be logged: send it in the Authorization header")


def _is_on(value: str | None) -> bool:
    return value is not None and value.casefold() not in {"0", "false", "no"}
