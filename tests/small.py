"""Files of a graph so small that it is built in three seconds and written to in a fraction of one.

Ontology, shapes and rules are the real ones: what is built from these files goes every way that the İzmir graph goes.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from pyoxigraph import Literal, NamedNode, Quad

from citygraph.build.build import build
from citygraph.commit.followup import PATTERNS, followup_for
from citygraph.commit.tokens import TokenHolder, Tokens
from citygraph.progress import Progress
from citygraph.rdf.terms import BASE, PREFIXES, SKOS
from citygraph.release.releases import Release, Releases, link_file
from citygraph.settings import Settings
from citygraph.source.files import Sources
from tests.made_once import made_once
from tests.running import serving
from tests.writing import Writable

REPOSITORY = Path(__file__).parents[1]

_REGISTER = """
GRAPH source:register {
  country:turkiye a cg:Country ; rdfs:label "Türkiye"@en, "Türkiye"@tr .
  country:germany a cg:Country ; rdfs:label "Germany"@en, "Almanya"@tr .
  city:izmir a cg:City ; cg:country country:turkiye ; rdfs:label "İzmir"@en, "İzmir"@tr .
  city:bremen a cg:City ; cg:country country:germany ; rdfs:label "Bremen"@en, "Bremen"@tr .
  organisation:izmir-municipality a cg:Municipality ; cg:jurisdiction city:izmir ;
    rdfs:label "İzmir Metropolitan Municipality"@en, "İzmir Büyükşehir Belediyesi"@tr .
  agreement:izmir-bremen a cg:SisterCityAgreement ; cg:party city:izmir, city:bremen ;
    cg:protocolDate "1996-04-24"^^xsd:date .
}
"""
_CATALOG = f"""
source:register a cg:Source ; rdfs:label "Register of places"@en, "Yer kütüğü"@tr ; dcterms:title "Register"@en ;
  dcterms:publisher organisation:izmir-municipality ; dcterms:language "en" ; cg:readOn "2026-01-06"^^xsd:date ;
  cg:sha256 "{"0" * 64}" .
<https://w3id.org/citygraph/dataset> a dcat:Dataset ; dcterms:title "citygraph"@en .
"""


def write_files(folder: Path) -> Sources:
    """Write the files to FOLDER/data; ontology and queries are the repository's."""
    data = folder / "data"
    data.mkdir(parents=True)
    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in PREFIXES.items())
    (data / "register.trig").write_text(prefixes + _REGISTER, encoding="utf-8")
    (data / "catalog.ttl").write_text(prefixes + _CATALOG, encoding="utf-8")
    return Sources(data, REPOSITORY / "ontology", REPOSITORY / "queries")


def build_small(folder: Path) -> Release:
    """The files and a release of them, in FOLDER/data and FOLDER/releases: a copy of what was built once."""
    once = _built_once()
    for part in ("data", "releases"):
        shutil.copytree(once / part, folder / part, symlinks=True)
    return Releases(folder / "releases").current()


@cache
def _built_once() -> Path:
    """The small graph, built by the first process that wants it."""
    return made_once("small", _build)


def _build(folder: Path) -> None:
    build(write_files(folder), Releases(folder / "releases"), Progress())
    keep_patterns(folder / "releases")


def keep_patterns(releases: Path) -> None:
    """Gives releases the patterns of our shapes and rules, as their first commit would: to parse takes four seconds."""
    shutil.copy(made_once("patterns", _read_patterns) / PATTERNS, releases)


def _read_patterns(folder: Path) -> None:
    followup_for(Settings(data=folder, ontology=REPOSITORY / "ontology", releases=folder))


def publish_name(releases: Releases, number: int) -> str:
    """The name of a new release in which İzmir has one more name, published without the checks of a commit."""
    current = releases.current()
    graph = NamedNode(f"{BASE}graph/notes")
    with releases.stage(copy_of=current) as staged:
        name = Literal(f"name {number}", language="tr")
        staged.open().add(Quad(NamedNode(f"{BASE}id/city/izmir"), SKOS("altLabel"), name, graph))
        for path in current.path.glob("*.*"):
            if path.is_file() and path.name not in ("manifest.json", "statistics.json"):
                link_file(path, staged.path / path.name)
        manifest = current.manifest
        graphs = {**manifest.graphs, graph.value: manifest.graphs.get(graph.value, 0) + 1}
        changed = replace(manifest, digest=f"{number:012d}", graphs=graphs, quads=manifest.quads + 1)
        return staged.publish(changed).id


@contextmanager
def small_site(folder: Path, **settings: object) -> Iterator[Writable]:
    """`citygraph serve` over the small graph, and a token to write to it; what it says is in FOLDER/server.log."""
    build_small(folder)
    token = Tokens(folder / "tokens.json").make(TokenHolder("tester"))
    own = {"data": folder / "data", "tokens": folder / "tokens.json", "audit": folder / "audit.jsonl",
           "workers": 1, "engines": 1, **settings}  # fmt: skip
    with serving(folder / "releases", folder / "server.log", **own) as running:
        yield Writable(running.port, running.process.pid, token, folder)
