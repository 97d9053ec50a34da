"""What somebody asks to be written, and what came of it: plain values that travel between processes as JSON."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from citygraph.rdf.terms import BASE
from citygraph.report import Place, Report, Result

Action = Literal["replace", "merge", "drop"]


@dataclass(frozen=True)
class Payload:
    """A body that carries triples: its bytes, and the name of its format in formats.py."""

    data: bytes
    format: str


@dataclass(frozen=True)
class Update:
    """A SPARQL Update; the two tuples of graphs replace USING. `only` names the one graph that it may change."""

    text: str
    using: tuple[str, ...] = ()
    using_named: tuple[str, ...] = ()
    only: str = ""
    base: str = BASE


@dataclass(frozen=True)
class GraphWrite:
    """What the Graph Store Protocol does to one graph; an empty name means the default graph."""

    action: Action
    graph: str
    payloads: tuple[Payload, ...] = ()


@dataclass(frozen=True)
class Conditions:
    """What must hold of a graph when it is written: the values of If-Match and If-None-Match, without quotes.

    A star in `match` wants the graph to exist, one in `none_match` wants it not to.
    """

    match: tuple[str, ...] = ()
    none_match: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """One request to write. `prefixes` are the beginnings of the names of graphs that its author may write to."""

    what: Update | GraphWrite
    author: str = ""
    message: str = ""
    prefixes: tuple[str, ...] = ("",)
    conditions: Conditions = field(default_factory=Conditions)
    dry_run: bool = False


@dataclass(frozen=True)
class Commit:
    """What a change did. Counts are of quads in named graphs; with nothing to do `release` is the one that was."""

    release: str
    digest: str
    added: int
    removed: int
    graphs: tuple[str, ...] = ()
    created: bool = False  # whether the graph that was written to did not exist before
    version: str = ""  # of the graph that was written to
    blank_nodes: int = 0  # how many got IRIs
    warnings: tuple[Result, ...] = ()
    published: bool = True
    elapsed: float = 0.0


def change_as_json(change: Change) -> dict[str, Any]:
    """The change as JSON can carry it."""
    what = asdict(change.what)
    for payload in what.get("payloads", ()):
        payload["data"] = b64encode(payload["data"]).decode()
    kind = "update" if isinstance(change.what, Update) else "graph"
    return {**asdict(replace(change, what=Update(""))), "what": {"kind": kind, **what}}


def change_from_json(values: dict[str, Any]) -> Change:
    """The change that was sent."""
    what = dict(values["what"])
    made: Update | GraphWrite
    if what.pop("kind") == "update":
        made = Update(what["text"], tuple(what["using"]), tuple(what["using_named"]), what["only"], what["base"])
    else:
        payloads = tuple(Payload(b64decode(p["data"]), p["format"]) for p in what["payloads"])
        made = GraphWrite(what["action"], what["graph"], payloads)
    conditions = Conditions(tuple(values["conditions"]["match"]), tuple(values["conditions"]["none_match"]))
    return Change(
        made, values["author"], values["message"], tuple(values["prefixes"]), conditions, bool(values["dry_run"])
    )


def commit_from_json(values: dict[str, Any]) -> Commit:
    """The commit that was sent as `asdict` makes it."""
    warnings = tuple(results_from_json(values["warnings"]))
    return Commit(**{**values, "graphs": tuple(values["graphs"]), "warnings": warnings})


def report_from_json(values: dict[str, Any]) -> Report:
    """The report that was sent as `asdict` makes it."""
    return Report(tuple(results_from_json(values["results"])), values["turtle"])


def results_from_json(values: Iterable[dict[str, Any]]) -> list[Result]:
    """The results that were sent."""
    return [Result(**{**value, "place": Place(**value["place"]) if value["place"] else None}) for value in values]
