"""Three releases of the small world, a year apart: the visit comes with the second and goes with the third."""

from __future__ import annotations

import json
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.rdf.terms import CATALOG_GRAPH, CG, ID, ONTOLOGY_GRAPH, RDF, SD, SHAPES_GRAPH, SOURCE
from citygraph.release.releases import Release, Releases
from tests.world import publish, small_world

DATES = ("2024-03-01T10:00:00Z", "2025-03-01T10:00:00Z", "2026-03-01T10:00:00Z")
VISIT = "https://w3id.org/citygraph/id/event/visit"


def three_releases(root: Path) -> tuple[Release, Release, Release]:
    """Published in `root`; the last is the current one."""
    whole = small_world() + [
        Quad(graph, RDF("type"), SD("NamedGraph"), CATALOG_GRAPH) for graph in (ONTOLOGY_GRAPH, SHAPES_GRAPH)
    ]
    without = [quad for quad in whole if VISIT not in str(quad)]
    # A source corrects a date, so that one statement goes and another comes.
    act = CG("councilActDate")
    corrected = [quad for quad in without if not (quad.predicate == act and "1985" in str(quad.object))]
    date = Literal("1985-09-05", datatype=NamedNode("http://www.w3.org/2001/XMLSchema#date"))
    agreement = ID("agreement/izmir-baku")
    corrected += [Quad(agreement, act, date, SOURCE("page")), Quad(agreement, act, date)]
    worlds = (without, whole, corrected)
    made: list[Release] = []
    for world, date_ in zip(worlds, DATES, strict=True):
        made.append(dated(root, publish(world, root, derived=False), date_, made[-1].id if made else None))
    return made[0], made[1], made[2]


def dated(root: Path, release: Release, created: str, parent: str | None) -> Release:
    """The release as if it had been published then."""
    manifest = json.loads((release.path / "manifest.json").read_text())
    name = f"{created.replace(':', '')}-{manifest['digest'][:12]}"
    manifest.update(id=name, created=created, parent=parent)
    (release.path / "manifest.json").write_text(json.dumps(manifest))
    release.path.rename(root / name)
    (root / "current").unlink()
    (root / "current").symlink_to(name)
    return Releases(root).get(name)
