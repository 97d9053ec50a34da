"""A parser of query requests by the SPARQL 1.1 Protocol, independent of any HTTP framework."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlencode

from citygraph.errors import MethodNotAllowed, UnsupportedMedia, UsageError
from citygraph.rdf.terms import BASE
from citygraph.text import without_mark

FORM = "application/x-www-form-urlencoded"
DIRECT = "application/sparql-query"
METHODS = ("GET", "HEAD", "POST", "QUERY", "OPTIONS")
# The methods whose body is the query, or a form with it. QUERY (RFC 10008) is safe, and can be cached.
WITH_BODY = ("POST", "QUERY")

# Parameters of the endpoint's own page: with these alone a request is not a query.
_BARE = frozenset({"format", "output", "lang", "example", "run", "view"})
_MOST_PARAMETERS = 5000
# Long enough for 128 random bits in base 64, because anyone who knows a name can end the query.
_NAME = re.compile(r"[A-Za-z0-9_-]{22,128}")
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
# An absolute IRI (RFC 3987): a scheme, then nothing that SPARQL's IRIREF forbids.
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20<>\"{}|^`\\]*")


class Query(NamedTuple):
    """A query, as an engine receives it.

    `formats` are names of formats.py in order of preference, over all kinds of result: the engine uses the first that
    can represent its result. The two tuples of graphs override the FROM clauses of the text. `name` is a secret chosen
    by the client, with which it can end the query. `time_limit` is the client's own, in seconds; 0 for no limit.
    `about` describes the result in files that can hold it: pairs of name and value. If it `may_stream`, its client can
    take the beginning of a result that may fail later.
    """

    text: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    base: str = BASE
    name: str = ""
    time_limit: float = 0.0
    about: tuple[tuple[str, str], ...] = ()
    may_stream: bool = False


class ProtocolRequest(NamedTuple):
    """A parsed request: a query, or None for the endpoint itself; `format` and `language` are parameters."""

    query: Query | None
    format: str | None = None
    language: str | None = None


def parse_request(
    method: str, query_string: str, content_type: str = "", body: bytes = b"", base: str = BASE
) -> ProtocolRequest:
    """Parses a request by the SPARQL 1.1 Protocol, section 2.1; HEAD, and POST without a body, are parsed as GET.

    `query_string` is the raw text after the question mark, with one character for each byte (as in WSGI);
    `base` resolves the relative IRIs of the query.

    Raises MethodNotAllowed, UnsupportedMedia, or UsageError for any other fault.
    """
    parameters = parameters_of(query_string, "the address")
    text: str | None = None
    if method == "POST" and not body and any(name == "query" for name, _ in parameters):
        # Some clients post a query in the address with an empty body, whose media type does not matter.
        method = "GET"
    if method == "QUERY" and not body:
        raise UsageError(f"a QUERY request has its query in the body, as {DIRECT} or in a form ({FORM})")
    if method in WITH_BODY:
        media_type = media_type_of(content_type)
        if media_type == FORM:
            parameters += parameters_of(_latin1(body), "the form")
        elif media_type == DIRECT:
            text = decoded_utf8(body, "the body")
        else:
            raise _unsupported(media_type)
    elif method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(f"{method} is not a method of this address", METHODS)
    return _request(parameters, text, base, may_be_bare=method not in WITH_BODY)


def parameters_of_query(query: Query, format_name: str | None) -> str:
    """Returns the parameters of an address that is the same query by GET."""
    graphs = [("default-graph-uri", graph) for graph in query.default_graphs]
    graphs += [("named-graph-uri", graph) for graph in query.named_graphs]
    timeout = [("timeout", f"{query.time_limit:g}")] if query.time_limit else []
    format_ = [("format", format_name)] if format_name else []
    return urlencode([("query", query.text), *graphs, *format_, *timeout])


def query_name(value: str) -> str:
    """Returns a client's name for its query, which may be empty. Raises UsageError if it is easy to guess."""
    if value and not _NAME.fullmatch(value):
        raise UsageError("the name of a query is its only key: it must have 22 to 128 random letters, digits, - and _")
    return value


def time_limit(value: str) -> float:
    """Returns the client's time limit in seconds, 0 for none. Raises UsageError for anything but a positive number."""
    if value and (not _SECONDS.fullmatch(value) or not float(value)):
        raise UsageError(f"timeout is {_quoted(value)}: it must be a positive number of seconds, such as 5 or 0.5")
    return float(value or 0)


def check_form(content_type: str) -> None:
    """Raises UnsupportedMedia for a body of a type that is not read, before the body is received."""
    media_type = media_type_of(content_type)
    if media_type not in {FORM, DIRECT}:
        raise _unsupported(media_type)


def _request(parameters: list[tuple[str, str]], text: str | None, base: str, may_be_bare: bool) -> ProtocolRequest:
    """Builds a request from its parameters; `text` is the query if it was the body."""
    texts = [] if text is None else [text]
    default_graphs: list[str] = []
    named_graphs: list[str] = []
    others: dict[str, str] = {}
    repeatable = {"query": texts, "default-graph-uri": default_graphs, "named-graph-uri": named_graphs}
    for name, value in parameters:
        values = repeatable.get(name)
        if values is not None:
            values.append(value)
        elif name == "update":
            raise UsageError("this address accepts no updates: send them to the address /update, by POST")
        else:
            others.setdefault(name, value)
    format_ = others.get("format") or others.get("output")
    if len(texts) > 1:
        raise UsageError(f"exactly one query is evaluated at a time; the request has {len(texts)}")
    if not texts:
        # Names with a dollar sign are parameters of an example query on the page.
        is_bare = all(name in _BARE or name.startswith("$") for name in others)
        if may_be_bare and not default_graphs and not named_graphs and is_bare:
            return ProtocolRequest(None, format_, others.get("lang"))
        raise UsageError("the request has no query, which must be in the parameter 'query'")
    for iri in (*default_graphs, *named_graphs):
        require_absolute(iri)
    seconds = time_limit(others.get("timeout", ""))
    query = Query(without_nul(texts[0]), tuple(default_graphs), tuple(named_graphs), base=base, time_limit=seconds)
    return ProtocolRequest(query, format_, others.get("lang"))


def parameters_of(encoded: str, where: str) -> list[tuple[str, str]]:
    """Returns the name-value pairs of application/x-www-form-urlencoded text, in order. Raises UsageError."""
    if not encoded:
        return []
    # The number is limited before anything is decoded.
    pairs = encoded.split("&", _MOST_PARAMETERS)
    if len(pairs) > _MOST_PARAMETERS:
        raise UsageError(f"more than {_MOST_PARAMETERS} parameters in {where}")
    decoded = []
    for pair in pairs:
        if pair:
            name, _, value = pair.partition("=")
            name = _decode(name, where)
            decoded.append((name, _decode(value, where, name)))
    return decoded


def _decode(encoded: str, where: str, parameter: str | None = None) -> str:
    """Decodes + and %XX, once, in the value of a parameter or else its name. Raises UsageError with the place."""
    spaced = encoded.replace("+", " ")
    if "%" not in spaced and spaced.isascii() and "\0" not in spaced:
        return spaced
    # Written as Python's escapes, all sequences are decoded in one call instead of one by one.
    escaped = spaced.encode("latin-1", "replace").replace(b"\\", b"\\\\").replace(b"%", b"\\x")
    try:
        data = escaped.decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:
        raise _bad_percent(spaced, _place(where, parameter)) from None
    try:
        text = without_mark(data.decode("utf-8"))
        if "\0" not in text:
            return text
    except UnicodeDecodeError:
        pass
    # The place is described only for an error, because that takes as long as to decode a short text.
    place = _place(where, parameter)
    return without_nul(decoded_utf8(data, place), place)


def _place(where: str, parameter: str | None) -> str:
    return (
        f"the name of a parameter in {where}" if parameter is None else f"the parameter {_quoted(parameter)} in {where}"
    )


def require_absolute(iri: str) -> None:
    """Raises UsageError if a graph's name is not an absolute IRI that SPARQL can write."""
    if not _ABSOLUTE.fullmatch(iri):
        raise UsageError(f"{_quoted(iri)} is not an absolute IRI, as the name of a graph must be")


def _bad_percent(encoded: str, where: str) -> UsageError:
    match = _BAD_PERCENT.search(encoded)
    place, sequence = (match.start() + 1, _quoted(match[0])) if match else (len(encoded), "")
    return UsageError(
        f"bad percent-encoding {sequence} at character {place} of {where}: a percent sign must be written %25"
    )


def decoded_utf8(data: bytes, where: str) -> str:
    """Decodes UTF-8, without a byte order mark in front. Raises UsageError with the place of the first invalid byte."""
    try:
        return without_mark(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError(f"invalid UTF-8 at byte {error.start + 1} of {where} (0x{data[error.start]:02X})") from error


def without_nul(text: str, where: str = "the query") -> str:
    """Returns the text unchanged. Raises UsageError if it has a NUL."""
    # No SPARQL token has one, and code that reads C strings would cut the text there.
    if "\0" in text:
        raise UsageError(f"a NUL character at character {text.index(chr(0)) + 1} of {where}")
    return text


def media_type_of(content_type: str) -> str:
    """Returns the bare media type. Raises UnsupportedMedia for another charset than UTF-8 (Protocol, 2.1.3)."""
    media_type, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').casefold()
        if name.strip().casefold() == "charset" and charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMedia(f"the charset {_quoted(charset)} is not supported, only UTF-8", (FORM, DIRECT))
    return media_type.strip().casefold()


def _unsupported(media_type: str) -> UnsupportedMedia:
    if media_type == "application/sparql-update":
        message = "this address accepts no updates: send them to the address /update"
        return UnsupportedMedia(message, (FORM, DIRECT))
    return unsupported_body(media_type, f"the query as {DIRECT}", (FORM, DIRECT))


def unsupported_body(media_type: str, direct: str, accepted: tuple[str, ...]) -> UnsupportedMedia:
    """Returns an error for a body of an unsupported type; `direct` is the alternative to a form, for the message."""
    problem = f"the type {_quoted(media_type)} is not supported" if media_type else "the body has no Content-Type"
    return UnsupportedMedia(f"{problem}: send {direct} or in a form ({FORM})", accepted)


def _latin1(body: bytes) -> str:
    return body.decode("latin-1")


def _quoted(text: str) -> str:
    """Returns the text for a message: in quotes, escaped and at most 80 characters long."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")
