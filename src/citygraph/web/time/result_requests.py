"""The body of a request to store a result: a form or JSON that names what to cite and the release."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from citygraph.errors import TooLarge, UsageError
from citygraph.release.cited_result import CitableQuery
from citygraph.release.result_store import LONGEST
from citygraph.settings import Settings
from citygraph.sparql.guard import scan
from citygraph.sparql.protocol import FORM, decoded_utf8, media_type_of, parameters_of, unsupported_body

JSON_BODY = "application/json"
# A form writes a byte in up to three, and has other fields.
BODY_LIMIT = 4 * LONGEST
# A request has one of these, which determines the cited query; a stored query's text may also have its name.
_SUBJECTS = ("query", "name", "table", "document")
_FIELDS = (*_SUBJECTS, "parameters", "release", "id", "result", "about", "lang", "token", "format")
# The other members of a record, which the server computes itself.
_COMPUTED = ("release_id", "kind", "columns", "rows", "title", "stored", "software")
# The prefix of a stored query's parameters in a form, as in the workbench.
_MARK = "$"


@dataclass(frozen=True)
class ResultRequest:
    """A request to store a result. `values` are the parameters of a stored query, `names` those of a query text.

    `about` is the entity if the query text is its document. `id` and `result` are the sender's expectations, `fields`
    the submitted form, to be sent again.
    """

    query: str = ""
    name: str = ""
    table: str = ""
    document: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()
    release: str = ""
    id: str = ""
    result: str = ""
    about: str = ""
    language: str = ""
    token: str = ""
    is_form: bool = False
    fields: tuple[tuple[str, str], ...] = ()


def parse_result_request(content_type: str, body: bytes, settings: Settings) -> ResultRequest:
    """Parses the body of POST /results. Raises UnsupportedMedia, UsageError, TooLarge for a query over the limits."""
    if len(body) > BODY_LIMIT:
        raise TooLarge(f"the body has more than {BODY_LIMIT} bytes", BODY_LIMIT)
    media_type = media_type_of(content_type)
    if media_type == FORM:
        parsed = _of_form(body)
    elif media_type == JSON_BODY:
        parsed = _of_json(body)
    else:
        raise unsupported_body(media_type, f"an object as {JSON_BODY}", (JSON_BODY, FORM))
    subjects = [name for name in _SUBJECTS if getattr(parsed, name)]
    if len(subjects) != 1 and subjects != ["query", "name"]:
        raise UsageError(f"the request must have one of {', '.join(_SUBJECTS)}, which determines what is cited")
    scan(parsed.query, settings)
    if len(parsed.query.encode("utf-8", "surrogatepass")) > LONGEST:
        raise TooLarge(f"a cited query may have {LONGEST} bytes", LONGEST)
    return parsed


def is_with_values(query: CitableQuery, stored: CitableQuery) -> bool:
    """Returns whether a query is this stored one, perhaps with other values of its parameters."""
    return query.parameters.keys() == stored.parameters.keys() and _without_values(query) == _without_values(stored)


def _without_values(query: CitableQuery) -> str:
    names = "|".join(map(re.escape, query.parameters)) or "(?!)"
    return re.sub(rf"(VALUES \?(?:{names}) \{{)[^}}]*\}}", r"\1 }", query.normal)


def _of_form(body: bytes) -> ResultRequest:
    fields: dict[str, str] = {}
    values: dict[str, str] = {}
    pairs = parameters_of(body.decode("latin-1"), "the form")
    for name, value in pairs:
        into = values if name.startswith(_MARK) else fields
        key = name.removeprefix(_MARK) if into is values else name
        if key in into:
            raise UsageError(f"the field {name[:80]!r} occurs twice in the form")
        into[key] = value
    kept = tuple((name, value) for name, value in pairs if name != "token")
    return replace(_checked(fields), values=values, is_form=True, fields=kept)


def _of_json(body: bytes) -> ResultRequest:
    try:
        members = json.loads(decoded_utf8(body, "the body"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the body is not JSON: {error}") from None
    if not isinstance(members, dict):
        raise UsageError("the body must be a JSON object")
    members = {name: value for name, value in members.items() if name not in _COMPUTED}
    parameters = members.pop("parameters", {})
    if isinstance(parameters, list):
        parameters = dict.fromkeys(parameters, "") if all(isinstance(one, str) for one in parameters) else None
    if not isinstance(parameters, dict) or not all(isinstance(value, str) for value in parameters.values()):
        raise UsageError("the member 'parameters' must be an object with a text for each parameter")
    return replace(_checked(members), values=parameters, names=tuple(parameters))


def _checked(fields: Mapping[str, Any]) -> ResultRequest:
    unknown = [name for name in fields if name not in _FIELDS or name == "parameters"]
    if unknown:
        raise UsageError(f"{unknown[0][:80]!r} is not a field of a result; there are {', '.join(_SUBJECTS)}, release")
    for name, value in fields.items():
        if not isinstance(value, str):
            raise UsageError(f"the member {name!r} must be a text")
    texts = {"language" if name == "lang" else name: value for name, value in fields.items() if name != "format"}
    return ResultRequest(**texts)
