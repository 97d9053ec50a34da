"""The index of a release brought on by commits says what one written anew says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad, Store

from citygraph.incremental import index_update as index
from citygraph.index.facts import StoredQuads
from citygraph.index.names import AMENDMENTS, INDEX, INDEXED, write_index
from citygraph.matching.lookup import Lookup
from citygraph.rdf.terms import CG, OWL, RDF, RDFS, SCHEMA, SKOS, XSD
from citygraph.release.releases import Release

_DATES = ("startDate", "protocolDate", "councilActDate", "foundingDate", "attestedOn")
_CITY = "https://w3id.org/citygraph/id/city/"


@pytest.fixture(autouse=True)
def never_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the index were a large one."""
    monkeypatch.setattr(index, "_FEW", 0)


@pytest.fixture
def store(izmir: Release) -> Store:
    """What the index is made of, in memory."""
    held = Store()
    held.bulk_extend(izmir.open_store())
    return held


def asked(path: Path, iris: list[str], texts: list[str]) -> object:
    """What the index answers: entities with their facts and names, and what is found by name."""
    with closing(Lookup(path)) as lookup:
        known = sorted((one for one in lookup.identified(iris)), key=lambda one: one.iri)
        facts = [(k.iri, k.label, k.second_label, sorted(k.types), k.country, k.latitude, k.longitude, k.first, k.last,
                  sorted(k.qids), sorted(k.names)) for k in known]  # fmt: skip
        names = [(lookup.names_of(iri), [sorted(lookup.dates(iri, one)) for one in _DATES]) for iri in iris]
        found = [sorted(hit.entity for hit in lookup.find(text, limit=500)) for text in texts]
        spelled = [sorted({one.iri for one in lookup.named([text])}) for text in texts[:2]]
        return facts, names, found, spelled


def changed(store: Store, quads: list[Quad], random: Random) -> set[Quad]:
    """Some statements taken away, moved to others, and new ones; the store has them then."""
    different: set[Quad] = set()
    for quad in random.sample(quads, 12):
        if random.random() < 0.5 and quad in store:
            store.remove(quad)
            different.add(quad)
        other = random.choice(quads)
        new = Quad(other.subject, quad.predicate, quad.object)
        if new not in store:
            store.add(new)
            different.add(new)
    city = NamedNode(f"{_CITY}new-{random.randint(0, 3)}")
    for predicate, value in (
        (RDF("type"), CG("City")),
        (RDFS("label"), Literal(f"Newtown {random.randint(0, 9)}", language="en")),
        (SKOS("altLabel"), Literal("Yeniköy", language="tr")),
        (SCHEMA("latitude"), Literal(38.5)),
        (OWL("sameAs"), NamedNode("http://www.wikidata.org/entity/Q42")),
    ):
        if (new := Quad(city, predicate, value)) not in store:
            store.add(new)
            different.add(new)
    return different


@pytest.mark.parametrize("seed", range(6))
def test_a_chain_of_commits_says_what_the_whole_says(store: Store, tmp_path: Path, seed: int) -> None:
    """Whatever was changed: names, facts, countries by way of others, offices, links; and what is found by them."""
    random = Random(seed)  # noqa: S311 - nothing here is secret
    quads = sorted((q for q in store.quads_for_pattern(None, None, None, DefaultGraph()) if q.predicate in INDEXED),
                   key=str)  # fmt: skip
    (tmp_path / "0").mkdir()
    write_index(StoredQuads(store), tmp_path / "0" / INDEX)
    for number in range(1, 4):
        (tmp_path / str(number)).mkdir()
        index.update_index(tmp_path / str(number - 1), tmp_path / str(number), store, changed(store, quads, random))
    assert (tmp_path / "3" / INDEX).samefile(tmp_path / "0" / INDEX)
    assert (tmp_path / "3" / AMENDMENTS).is_file()
    (tmp_path / "anew").mkdir()
    write_index(StoredQuads(store), tmp_path / "anew" / INDEX)
    entities = sorted({q.subject.value for q in store.quads_for_pattern(None, RDFS("label"), None, DefaultGraph())
                       if isinstance(q.subject, NamedNode) and "/id/" in q.subject.value})  # fmt: skip
    texts = ["newtown", "yenikoy", "izmir", "baku", "plovdiv municipality", "mayor"]
    assert asked(tmp_path / "3" / INDEX, entities, texts) == asked(tmp_path / "anew" / INDEX, entities, texts)


def test_what_concerns_no_entity_costs_nothing(store: Store, tmp_path: Path) -> None:
    """The files of the release before serve."""
    for name in "ab":
        (tmp_path / name).mkdir()
    write_index(StoredQuads(store), tmp_path / "a" / INDEX)
    note = Quad(NamedNode(f"{_CITY}izmir"), RDFS("comment"), Literal("hello", language="en"))
    index.update_index(tmp_path / "a", tmp_path / "b", store, [note])
    assert (tmp_path / "b" / INDEX).samefile(tmp_path / "a" / INDEX)
    assert not (tmp_path / "b" / AMENDMENTS).exists()


def test_an_index_without_dates_by_property_is_read_and_continued(store: Store, tmp_path: Path) -> None:
    """As older releases have it (13.20)."""
    for folder in ("0", "1"):
        (tmp_path / folder).mkdir()
    write_index(StoredQuads(store), tmp_path / "0" / INDEX)
    with closing(sqlite3.connect(tmp_path / "0" / INDEX)) as database:
        database.execute("DROP TABLE dated")
    new = Quad(NamedNode(f"{_CITY}izmir"), CG("foundingDate"), Literal("1921", datatype=XSD("gYear")))
    store.add(new)
    index.update_index(tmp_path / "0", tmp_path / "1", store, [new])
    for folder in ("0", "1"):
        with closing(Lookup(tmp_path / folder / INDEX)) as lookup:
            assert lookup.dates(f"{_CITY}izmir", "foundingDate") == []
            assert f"{_CITY}izmir" in [one.iri for one in lookup.named(["izmir"])]
