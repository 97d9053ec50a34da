"""The update half of the SPARQL 1.1 Protocol, and how the Graph Store Protocol names a graph; without any framework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from citygraph.errors import MethodNotAllowed, UnsupportedMedia, UsageError
from citygraph.rdf.terms import BASE
from citygraph.sparql.protocol import FORM, absolute, checked, decoded_utf8, media_type_of, parameters_of

UPDATE = "application/sparql-update"
METHODS = ("POST", "OPTIONS")
# What may stand in an IRI beside letters and digits (RFC 3987); a percent sign is there already.
_IN_IRI = "/:@!$&'()*+,;=-._~%"
_TELLING = frozenset({"access_token", "token", "authorization"})


@dataclass(frozen=True)
class UpdateRequest:
    """What was asked: the text, the graphs that replace USING, and what else stands in the request."""

    text: str
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()
    dry_run: bool = False
    message: str = ""
    language: str | None = None


@dataclass(frozen=True)
class GraphRequest:
    """Which graph a request names: `graph` is empty for the default graph, None for the store itself."""

    graph: str | None
    format: str | None = None
    language: str | None = None
    dry_run: bool = False
    message: str = ""


def parse_update(method: str, query_string: str, content_type: str, body: bytes) -> UpdateRequest:
    """The request read as SPARQL 1.1 Protocol, section 2.2 says.

    Raises MethodNotAllowed, UnsupportedMedia, or UsageError for everything else that is wrong.
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
        texts.append(decoded_utf8(body, "the body").removeprefix("\ufeff"))
    else:
        said = f"no body of type {media_type[:80]!r} is read" if media_type else "the body has no Content-Type"
        raise UnsupportedMedia(f"{said}: send the update as {UPDATE} or in a form ({FORM})", (UPDATE, FORM))
    if any(name == "update" for name, _ in in_address):
        raise UsageError("an update stands in the body, not in the address")
    return _update(parameters, texts)


def _update(parameters: list[tuple[str, str]], texts: list[str]) -> UpdateRequest:
    using: list[str] = []
    using_named: list[str] = []
    asked: dict[str, str] = {}
    takers: dict[str, Callable[[str], None]] = {
        "update": texts.append,
        "using-graph-uri": using.append,
        "using-named-graph-uri": using_named.append,
    }
    for name, value in parameters:
        if taker := takers.get(name):
            taker(value)
        elif name == "query":
            raise UsageError("queries are not taken here: send them to the address /sparql")
        else:
            asked.setdefault(name, value)
    _refuse_tokens(asked)
    if len(texts) != 1:
        raise UsageError(f"a request carries exactly one update; this one has {len(texts)}")
    for iri in (*using, *using_named):
        _require_absolute(iri)
    return UpdateRequest(
        checked(texts[0], "the update"),
        tuple(using),
        tuple(using_named),
        _is_on(asked.get("dry-run")),
        asked.get("message", "")[:1000],
        asked.get("lang"),
    )


def parse_graph(query_string: str, direct: str | None) -> GraphRequest:
    """Which graph a request names: `direct` by its own address, or the address by ?graph= or ?default.

    Raises UsageError if it names none, two, or one by no absolute IRI (Graph Store Protocol, 4.2).
    """
    parameters = parameters_of(query_string, "the address")
    graphs = [value for name, value in parameters if name == "graph"]
    default = any(name == "default" for name, _ in parameters)
    asked = dict(reversed(parameters))
    _refuse_tokens(asked)
    if len(graphs) + default + (direct is not None) > 1:
        raise UsageError("a request names one graph: by its own address, by ?graph= or by ?default")
    for graph in graphs:
        _require_absolute(graph)
    named = direct if direct is not None else graphs[0] if graphs else "" if default else None
    return GraphRequest(
        named,
        asked.get("format") or asked.get("output"),
        asked.get("lang"),
        _is_on(asked.get("dry-run")),
        asked.get("message", "")[:1000],
    )


def direct_graph(path: str, base: str = BASE) -> str:
    """The name of the graph whose own address is this path, as the server decoded it.

    Raises UsageError if the path is not UTF-8.
    """
    text = decoded_utf8(path.encode("latin-1", "replace"), "the address")
    ascii_ = "".join(letter if letter > "\x7f" else quote(letter, safe=_IN_IRI) for letter in text)
    return base + ascii_.removeprefix("/")


def _require_absolute(iri: str) -> None:
    if not absolute(iri):
        raise UsageError(f"{iri[:80]!a} is not an absolute IRI, as the name of a graph must be")


def _refuse_tokens(asked: dict[str, str]) -> None:
    if _TELLING & asked.keys():
        raise UsageError("a token does not belong in an address, which is logged: send it in the Authorization header")


def _is_on(value: str | None) -> bool:
    return value is not None and value.casefold() not in {"0", "false", "no"}
