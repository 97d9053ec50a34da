"""A requested change and the commit that results from it: plain values that processes exchange as JSON."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal
from uuid import uuid4

from citygraph.rdf.terms import BASE
from citygraph.report import Place, Report, ValidationResult

Action = Literal["replace", "merge", "drop"]

_MOST_GRAPHS = 100


@dataclass(frozen=True)
class Payload:
    """RDF text to write: its bytes, the name of its format in `formats.FORMATS`, and its name in error messages."""

    # The bytes are parsed only in the sandboxed process.
    data: bytes
    format: str
    name: str = "body"


@dataclass(frozen=True)
class Update:
    """A SPARQL Update; the two tuples of graphs replace USING. `only` is the one graph that it may change."""

    text: str
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()
    only: str = ""
    base: str = BASE


@dataclass(frozen=True)
class GraphWrite:
    """An operation of the Graph Store Protocol on one graph; an empty name means the default graph."""

    action: Action
    graph: str
    payloads: tuple[Payload, ...] = ()


@dataclass(frozen=True)
class Conditions:
    """The preconditions of a write: the values of If-Match and If-None-Match, without quotes.

    A star in `match` requires that the graph exists, one in `none_match` that it does not. `versions` are pairs of a
    graph and the version that it must have, "" for one that must not exist: conditions of an update of several graphs.
    """

    match: tuple[str, ...] = ()
    none_match: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Change:
    """One request to write. Its author may write to graphs whose IRIs begin with one of `prefixes`."""

    what: Update | GraphWrite
    # The name of the token's holder, for the manifest and the provenance of the release.
    author: str = ""
    message: str = ""
    prefixes: tuple[str, ...] = ("",)
    conditions: Conditions = field(default_factory=Conditions)
    dry_run: bool = False
    # By which the release that has the change names it, and the audit log.
    id: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class Commit:
    """The result of a change. Counts are of quads in named graphs.

    `release` is the release before the change if the change had no effect.
    """

    release: str
    digest: str
    added: int
    removed: int
    graphs: tuple[str, ...] = ()
    created: bool = False  # whether the target graph did not exist before
    version: str = ""  # of the target graph
    blank_nodes: int = 0  # the number of blank nodes that were replaced by IRIs
    warnings: tuple[ValidationResult, ...] = ()
    published: bool = True
    elapsed: float = 0.0


def details_of(commit: Commit) -> dict[str, Any]:
    """Returns a commit's fields in the audit log; of very many graphs only the first hundred, and their number."""
    graphs: dict[str, Any] = {"graphs": list(commit.graphs[:_MOST_GRAPHS])}
    if len(commit.graphs) > _MOST_GRAPHS:
        graphs["graph_count"] = len(commit.graphs)
    return {"release": commit.release, "added": commit.added, "removed": commit.removed, **graphs}


def change_as_json(change: Change) -> dict[str, Any]:
    """Returns the change as a JSON object; payloads are in Base64."""
    what = asdict(change.what)
    for payload in what.get("payloads", ()):
        payload["data"] = b64encode(payload["data"]).decode()
    kind = "update" if isinstance(change.what, Update) else "graph"
    return {**asdict(replace(change, what=Update(""))), "what": {"kind": kind, **what}}


def change_from_json(values: dict[str, Any]) -> Change:
    """Returns the change from a JSON object."""
    what = dict(values["what"])
    operation: Update | GraphWrite
    if what.pop("kind") == "update":
        operation = Update(what["text"], tuple(what["using"]), tuple(what["using_named"]), what["only"], what["base"])
    else:
        payloads = tuple(Payload(b64decode(p["data"]), p["format"], p["name"]) for p in what["payloads"])
        operation = GraphWrite(what["action"], what["graph"], payloads)
    preconditions = values["conditions"]
    versions = tuple((graph, version) for graph, version in preconditions["versions"])
    conditions = Conditions(tuple(preconditions["match"]), tuple(preconditions["none_match"]), versions)
    return Change(
        operation,
        values["author"],
        values["message"],
        tuple(values["prefixes"]),
        conditions,
        bool(values["dry_run"]),
        values["id"],
    )


def commit_from_json(values: dict[str, Any]) -> Commit:
    """Returns the commit from the JSON of its `asdict`."""
    warnings = tuple(results_from_json(values["warnings"]))
    return Commit(**{**values, "graphs": tuple(values["graphs"]), "warnings": warnings})


def report_from_json(values: dict[str, Any]) -> Report:
    """Returns the report from the JSON of its `asdict`."""
    return Report(tuple(results_from_json(values["results"])), values["turtle"])


def results_from_json(values: Iterable[dict[str, Any]]) -> list[ValidationResult]:
    """Returns validation results from JSON."""
    return [
        ValidationResult(**{**value, "place": Place(**value["place"]) if value["place"] else None}) for value in values
    ]
