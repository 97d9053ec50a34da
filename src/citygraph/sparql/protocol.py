"""The SPARQL 1.1 Protocol read from the parts of a request, without any HTTP framework."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from citygraph.errors import MethodNotAllowed, UnsupportedMedia, UsageError
from citygraph.rdf.terms import BASE

FORM = "application/x-www-form-urlencoded"
DIRECT = "application/sparql-query"
METHODS = ("GET", "HEAD", "POST", "OPTIONS")

# What may stand in the address of the endpoint itself, without making it a query.
_BARE = frozenset({"format", "output", "lang", "example", "run", "view"})
_MOST_PARAMETERS = 5000
# Long enough for 128 random bits in base 64: whoever knows a name can end the query.
_NAME = re.compile(r"[A-Za-z0-9_-]{22,128}")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
# An absolute IRI (RFC 3987): a scheme, then nothing that SPARQL's IRIREF forbids.
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20<>\"{}|^`\\]*")


@dataclass(frozen=True)
class Query:
    """One query as an engine gets it.

    `formats` are names of formats.py in order of preference, over all kinds of result: the engine takes the
    first that can carry the kind it has. The two tuples of graphs replace what the text says in FROM. `name` is a
    secret of the client's choice, by which it can end the query.
    """

    text: str
    default_graphs: tuple[str, ...] = ()
    named_graphs: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    base: str = BASE
    name: str = ""


@dataclass(frozen=True)
class ProtocolRequest:
    """What was asked: a query, or None for the endpoint itself; `format` and `language` as in the address."""

    query: Query | None
    format: str | None = None
    language: str | None = None


def parse_request(
    method: str, query_string: str, content_type: str = "", body: bytes = b"", base: str = BASE
) -> ProtocolRequest:
    """The request read as SPARQL 1.1 Protocol, section 2.1 says; HEAD is read as GET.

    `query_string` is the raw text after the question mark, one character for each byte (as WSGI gives it);
    `base` resolves the relative IRIs of the query.

    Raises MethodNotAllowed, UnsupportedMedia, or UsageError for everything else that is wrong.
    """
    parameters = parameters_of(query_string, "the address")
    text: str | None = None
    if method == "POST":
        media_type = media_type_of(content_type)
        if media_type == FORM:
            parameters += parameters_of(_latin1(body), "the form")
        elif media_type == DIRECT:
            text = decoded_utf8(body, "the body").removeprefix("\ufeff")
        else:
            raise _unsupported(media_type)
    elif method not in {"GET", "HEAD"}:
        raise MethodNotAllowed(f"{method} is not a method of this address", METHODS)
    return _request(parameters, text, base, may_be_bare=method != "POST")


def query_name(value: str) -> str:
    """The name that a client gives to its query; empty if it gives none. Raises UsageError if it can be guessed."""
    if value and not _NAME.fullmatch(value):
        raise UsageError("the name of a query has 22 to 128 letters, digits, - and _, at random: it is its only key")
    return value


def check_form(content_type: str) -> None:
    """Raise UnsupportedMedia if a body of this type is none we read: so that it need not be received."""
    media_type = media_type_of(content_type)
    if media_type not in {FORM, DIRECT}:
        raise _unsupported(media_type)


def _request(parameters: list[tuple[str, str]], text: str | None, base: str, may_be_bare: bool) -> ProtocolRequest:
    """The parameters sorted into a request; `text` is the query if it was the body."""
    texts = [] if text is None else [text]
    default_graphs: list[str] = []
    named_graphs: list[str] = []
    asked: dict[str, str] = {}
    takers: dict[str, Callable[[str], None]] = {
        "query": texts.append,
        "default-graph-uri": default_graphs.append,
        "named-graph-uri": named_graphs.append,
    }
    for name, value in parameters:
        if taker := takers.get(name):
            taker(value)
        elif name == "update":
            raise UsageError("updates are not taken here: send them to the address /update, by POST")
        else:
            asked.setdefault(name, value)
    format_ = asked.get("format") or asked.get("output")
    if len(texts) > 1:
        raise UsageError(f"exactly one query is evaluated at a time; the request has {len(texts)}")
    if not texts:
        # With a dollar sign in front stand the parameters of an example that the page is to show.
        is_bare = all(name in _BARE or name.startswith("$") for name in asked)
        if may_be_bare and not default_graphs and not named_graphs and is_bare:
            return ProtocolRequest(None, format_, asked.get("lang"))
        raise UsageError("the request has no query: it stands in the parameter 'query'")
    for iri in (*default_graphs, *named_graphs):
        if not absolute(iri):
            raise UsageError(f"{_shown(iri)} is not an absolute IRI, as the name of a graph must be")
    query = Query(checked(texts[0]), tuple(default_graphs), tuple(named_graphs), base=base)
    return ProtocolRequest(query, format_, asked.get("lang"))


def parameters_of(encoded: str, where: str) -> list[tuple[str, str]]:
    """The name-value pairs of application/x-www-form-urlencoded text, in order."""
    if not encoded:
        return []
    pairs = encoded.split("&", _MOST_PARAMETERS)
    if len(pairs) > _MOST_PARAMETERS:
        raise UsageError(f"more than {_MOST_PARAMETERS} parameters in {where}")
    decoded = []
    for pair in pairs:
        if pair:
            name, _, value = pair.partition("=")
            name = _decode(name, f"the name of a parameter in {where}")
            decoded.append((name, _decode(value, f"the parameter {_shown(name)} in {where}")))
    return decoded


def _decode(encoded: str, where: str) -> str:
    """Text with + and %XX decoded, once; UsageError says what is wrong with it, and where."""
    spaced = encoded.replace("+", " ")
    if "%" not in spaced and spaced.isascii():
        return checked(spaced, where)
    # Written as Python's escapes, the sequences are decoded at once and not one by one.
    escaped = spaced.encode("latin-1", "replace").replace(b"\\", b"\\\\").replace(b"%", b"\\x")
    try:
        data = escaped.decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:
        raise _bad_percent(spaced, where) from None
    return checked(decoded_utf8(data, where), where)


def absolute(iri: str) -> bool:
    """Whether this is an absolute IRI that SPARQL can write."""
    return _ABSOLUTE.fullmatch(iri) is not None


def _bad_percent(encoded: str, where: str) -> UsageError:
    bad = _BAD_PERCENT.search(encoded)
    place, shown = (bad.start() + 1, _shown(bad[0])) if bad else (len(encoded), "")
    return UsageError(
        f"bad percent-encoding {shown} at character {place} of {where}: a percent sign must be written %25"
    )


def decoded_utf8(data: bytes, where: str) -> str:
    """The bytes as text. Raises UsageError that says where they are none."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"invalid UTF-8 at byte {error.start + 1} of {where} (0x{data[error.start]:02X})") from error


def checked(text: str, where: str = "the query") -> str:
    """The text, if it has no NUL: no SPARQL token has one, and what reads C strings would cut there."""
    if "\0" in text:
        raise UsageError(f"a NUL character at character {text.index(chr(0)) + 1} of {where}")
    return text


def media_type_of(content_type: str) -> str:
    """The bare media type; UnsupportedMedia for a charset other than UTF-8 (SPARQL 1.1 Protocol, 2.1.3)."""
    media_type, *parameters = content_type.split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        charset = value.strip().strip('"').casefold()
        if name.strip().casefold() == "charset" and charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMedia(f"the charset {_shown(charset)} is not read, only UTF-8", (FORM, DIRECT))
    return media_type.strip().casefold()


def _unsupported(media_type: str) -> UnsupportedMedia:
    if media_type == "application/sparql-update":
        message = "updates are not taken here: send them to the address /update"
        return UnsupportedMedia(message, (FORM, DIRECT))
    said = f"no body of type {_shown(media_type)} is read" if media_type else "the body has no Content-Type"
    return UnsupportedMedia(f"{said}: send the query as {DIRECT} or in a form ({FORM})", (FORM, DIRECT))


def _latin1(body: bytes) -> str:
    return body.decode("latin-1")


def _shown(text: str) -> str:
    """The text in quotes, escaped and not too long, for a message."""
    return ascii(text if len(text) <= 80 else text[:77] + "...")
