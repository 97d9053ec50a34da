"""Writes a made-up world as the files of an instance: `python -m bench.instance FOLDER --cities N`.

In that folder, `python -m bench.builds` then measures the build of a world of this size.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from pyoxigraph import Quad, RdfFormat, Triple, serialize

from bench.generator import World, quads
from citygraph.rdf.terms import CATALOG_GRAPH, CG, DCTERMS, DERIVED_GRAPH, ID, RDF

_SETTINGS = """version = 1
base = "https://w3id.org/citygraph/"
languages = ["en", "tr"]

[title]
en = "A made-up world"
"""
_DATASET = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
<https://w3id.org/citygraph/dataset> a dcat:Dataset ; dcterms:title "A made-up world"@en .
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the files; exit status 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.instance", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the instance; it is made if need be")
    parser.add_argument("--cities", type=int, default=30_000, help="size of the world (default: %(default)s)")
    options = parser.parse_args(arguments)
    write_instance(options.folder, World(options.cities))
    return 0


def write_instance(folder: Path, world: World) -> None:
    """Writes `citygraph.toml`, `data/catalog.ttl` and `data/sources/world.nq` into the folder."""
    sources = folder / "data" / "sources"
    sources.mkdir(parents=True, exist_ok=True)
    (folder / "citygraph.toml").write_text(_SETTINGS, encoding="utf-8")
    with (folder / "data" / "catalog.ttl").open("wb") as file:
        file.write(_DATASET.encode())
        serialize(_catalogue(world), file, format=RdfFormat.N_TRIPLES)
    serialize(_stated(world), str(sources / "world.nq"), format=RdfFormat.N_QUADS)


def _catalogue(world: World) -> Iterator[Triple]:
    """Yields descriptions of the sources. All have one publisher, because the shapes require one."""
    publisher = ID(f"organisation/{world.cities[world.partnered[0]].slug}-municipality")
    for quad in quads(world):
        if quad.graph_name == CATALOG_GRAPH:
            yield quad.triple
            if quad.predicate == RDF("type"):
                yield Triple(quad.subject, DCTERMS("publisher"), publisher)


def _stated(world: World) -> Iterator[Quad]:
    """Yields the statements of the sources, without the dates of this year, which may be in the future."""
    for quad in quads(world):
        is_late = quad.predicate == CG("startDate") and quad.object.value.startswith("2026")  # type: ignore[union-attr]
        if quad.graph_name not in {CATALOG_GRAPH, DERIVED_GRAPH} and not is_late:
            yield quad


if __name__ == "__main__":
    raise SystemExit(main())
