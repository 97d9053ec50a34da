"""How a release came about, in PROV: its publication, and each commit in it with author, message, time and counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pyoxigraph import Literal, NamedNode, Triple

from citygraph.release import Manifest
from citygraph.terms import BASE, PROV, RDF, RDFS, VOID, XSD

_TYPE, _LABEL, _COMMENT = RDF("type"), RDFS("label"), RDFS("comment")


def provenance(manifest: Manifest) -> Iterator[Triple]:
    """The activities that made a release, whom they are associated with, and the release that it revises."""
    say = NamedNode(f"{BASE}releases/{manifest.id}")
    publication = NamedNode(f"{say.value}#publication")
    yield Triple(say, _TYPE, PROV("Entity"))
    yield Triple(say, PROV("wasGeneratedBy"), publication)
    yield Triple(publication, PROV("generated"), say)
    yield Triple(publication, PROV("endedAtTime"), _time(manifest.created))
    if manifest.parent:
        parent = NamedNode(f"{BASE}releases/{manifest.parent}")
        yield Triple(say, PROV("wasRevisionOf"), parent)
        yield Triple(publication, PROV("used"), parent)
    yield from _activity(publication, manifest.message, manifest.added, manifest.removed)
    for number, commit in enumerate(manifest.commits, 1):
        yield from _of_commit(NamedNode(f"{say.value}#commit-{number}"), say, publication, commit)


def _of_commit(node: NamedNode, release: NamedNode, publication: NamedNode, commit: dict[str, Any]) -> Iterator[Triple]:
    yield from _activity(node, commit["message"], commit["added"], commit["removed"])
    yield Triple(publication, PROV("wasInformedBy"), node)
    yield Triple(release, PROV("wasGeneratedBy"), node)
    yield Triple(node, PROV("endedAtTime"), _time(commit["time"]))
    for graph in commit["graphs"]:
        yield Triple(node, PROV("used"), NamedNode(graph))
    if author := commit["author"]:
        # The holder of a token has a name and no address of its own.
        agent = NamedNode(f"{release.value}#agent-{quote(author, safe='')}")
        for activity in (node, publication):
            yield Triple(activity, PROV("wasAssociatedWith"), agent)
        yield Triple(agent, _TYPE, PROV("Agent"))
        yield Triple(agent, _LABEL, Literal(author))


def _activity(node: NamedNode, message: str, added: int, removed: int) -> Iterator[Triple]:
    yield Triple(node, _TYPE, PROV("Activity"))
    for name, number in (("added", added), ("removed", removed)):
        quads = NamedNode(f"{node.value}-{name}")
        yield Triple(node, PROV("generated" if name == "added" else "invalidated"), quads)
        yield Triple(quads, _TYPE, PROV("Entity"))
        yield Triple(quads, VOID("triples"), Literal(number))
    if message:
        yield Triple(node, _COMMENT, Literal(message))


def _time(text: str) -> Literal:
    return Literal(text, datatype=XSD("dateTime"))
