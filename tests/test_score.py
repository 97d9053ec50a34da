"""Reconciliation: names and facts in, ranked and explained candidates out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pyoxigraph import Store

from citygraph.errors import NotFound
from citygraph.index.facts import StoredQuads
from citygraph.index.names import write_index
from citygraph.matching.lookup import Lookup
from citygraph.matching.score import Candidate, IndexedEntity, Question, reconcile
from citygraph.rdf.partial_dates import overlap
from citygraph.rdf.terms import ID
from citygraph.release.releases import Release
from tests.world import small_world


@pytest.fixture(scope="module")
def lookup(izmir: Release) -> Iterator[Lookup]:
    """The index of the İzmir graph."""
    with closing(Lookup(izmir.path / "search.sqlite")) as opened:
        yield opened


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lookup]:
    """The index of the small world."""
    store = Store()
    store.extend(small_world())
    path = tmp_path_factory.mktemp("small") / "search.sqlite"
    write_index(StoredQuads(store), path)
    with closing(Lookup(path)) as opened:
        yield opened


@dataclass(frozen=True)
class Namesakes:
    """A finder that knows these entities only, and all by every name."""

    entities: tuple[IndexedEntity, ...]

    def identified(self, identifiers: Iterable[str]) -> list[IndexedEntity]:
        asked = set(identifiers)
        return [known for known in self.entities if not asked.isdisjoint(known.qids)]

    def named(self, folded: Sequence[str]) -> list[IndexedEntity]:
        return [known for known in self.entities if not set(folded).isdisjoint(name for name, _ in known.names)]

    def spelled_like(self, folded: str) -> list[IndexedEntity]:
        del folded
        return list(self.entities)

    def countries(self, text: str) -> frozenset[str]:
        return frozenset({text}) if text else frozenset()

    def dates(self, entity: str, property_: str) -> list[str]:
        del entity, property_
        return []


CALI = IndexedEntity(
    "x/id/city/a",
    "Victoria",
    types=("City", "Place"),
    country="Canada",
    latitude=48.43,
    longitude=-123.37,
    qids=("Q2132",),
    names=(("victoria", True),),
)
MAHE = replace(CALI, iri="x/id/city/b", country="Seychelles", latitude=-4.62, longitude=55.45, qids=("Q3940",))
BOTH = Namesakes((CALI, MAHE))


def best(found: list[Candidate]) -> tuple[str, bool]:
    """The identifier of the first candidate, and whether it is a match."""
    return found[0].entity.iri.removeprefix(ID), found[0].match


def features(candidate: Candidate) -> dict[str, float | bool]:
    """The features by name."""
    return dict(candidate.features)


@pytest.mark.parametrize(
    ("text", "entity"),
    [("Izmir", "city/izmir"), ("İZMİR", "city/izmir"), ("ızmır", "city/izmir"), ("Smyrna", "city/izmir"),
     ("Bakı", "city/baku"), ("Baku", "city/baku"), ("Баку", "city/baku"), ("Plzen", "city/plzen"),
     ("Pilsen", "city/plzen"), ("Türkmenabat", "city/turkmenabat"), ("Chardzhou", "city/turkmenabat"),
     ("Plezen", "city/plzen"), ("Charcov", "city/turkmenabat"), ("Shangai", "city/shanghai")],
)  # fmt: skip
@pytest.mark.parametrize("types", [(), ("City",)])
def test_each_spelling_finds_its_city(lookup: Lookup, text: str, entity: str, types: tuple[str, ...]) -> None:
    """However the keyboard, the script, the century or a misprint (15 §2) writes it; and it is a match."""
    assert best(reconcile(Question(text, types), lookup)) == (entity, True)


@pytest.mark.parametrize("text", ["Q35997", "city/izmir", "city:izmir", ID + "city/izmir", "wd:Q35997",
                                  "http://www.wikidata.org/entity/Q35997", "q35997/", "city/izmir/"])  # fmt: skip
def test_an_identifier_returns_its_entity_with_100(lookup: Lookup, text: str) -> None:
    """Its own, or that of its Wikidata item."""
    found = reconcile(Question(text), lookup)
    assert best(found) == ("city/izmir", True)
    assert found[0].score == 100
    assert features(found[0]) == {"id": True}


@pytest.mark.parametrize(("text", "entity"), [("Bremem", "city/bremen"), ("Izmr", "city/izmir"),
                                              ("Tugay, Cemil", "person/cemil-tugay")])  # fmt: skip
def test_a_wrong_spelling_finds_a_candidate_but_no_match(lookup: Lookup, text: str, entity: str) -> None:
    """A person decides."""
    assert best(reconcile(Question(text), lookup)) == (entity, False)


@pytest.mark.parametrize(
    "text", ["", "   ", "xyzzyq", '"', "' OR 1=1", "*", "\x00", "(", ",", "😀", "Q", "/", "a" * 500]
)
def test_odd_texts_find_nothing_and_break_nothing(lookup: Lookup, text: str) -> None:
    """What a stranger types is a name, never syntax."""
    assert not any(candidate.match for candidate in reconcile(Question(text), lookup))


def test_namesakes_are_no_match_until_a_fact_tells_them_apart() -> None:
    """The best must be well ahead of the second."""
    assert [c.match for c in reconcile(Question("Victoria"), BOTH)] == [False, False]
    for question in (
        Question("Victoria", countries=("Seychelles",)),
        Question("Victoria", point=(-4.6, 55.5)),
        Question("Victoria", qids=("Q3940",)),
        Question("Victoria (Seychelles)"),
    ):
        found = reconcile(question, BOTH)
        assert best(found) == (MAHE.iri, True), question


def test_a_score_is_explained_by_its_features() -> None:
    """Name, type, country, kilometres; what speaks against is false."""
    question = Question("Victoria", ("City",), countries=("Canada",), point=(48.43, -123.37), qids=("Q3940",))
    by_iri = {c.entity.iri: c for c in reconcile(question, BOTH)}
    assert features(by_iri[CALI.iri]) == {
        "name": 100.0, "alias": 0.0, "qid": False, "country": True, "distance": 0.0, "type": True,
    }  # fmt: skip
    far = features(by_iri[MAHE.iri])
    assert far["near"] is False
    assert float(far["distance"]) > 10_000
    assert not any(c.match for c in by_iri.values())


def test_what_speaks_against_is_never_a_match() -> None:
    """The same name in another country is somebody else, though it is the only one."""
    found = reconcile(Question("Victoria", countries=("Australia",)), Namesakes((CALI,)))
    assert [c.match for c in found] == [False]
    assert found[0].score == 75


def test_types_are_a_constraint_unless_they_only_should_fit() -> None:
    """any and all keep others out; should lets them stand behind."""
    assert reconcile(Question("Victoria", ("Person",)), Namesakes((CALI,))) == []
    assert reconcile(Question("Victoria", ("City", "Person"), "all"), Namesakes((CALI,))) == []
    assert reconcile(Question("Victoria", ("City", "Place"), "all"), Namesakes((CALI,)))[0].match
    soft = reconcile(Question("Victoria", ("Person",), "should"), Namesakes((CALI,)))[0]
    assert (soft.score, soft.match) == (70, False)


def test_dates_must_overlap(small: Lookup) -> None:
    """Of an agreement its act and protocol, of a person the terms of office."""
    asked = Question("İzmir–Bremen agreement", dates=(("", ("1995", "1995")),))
    assert features(reconcile(asked, small)[0])["date"] is True
    late = Question("İzmir–Bremen agreement", dates=(("", ("2004", "2004")),))
    assert features(reconcile(late, small)[0])["date"] is False
    person = Question("Cemil Tugay", ("Person",), dates=(("", ("2026-01", "2026-01")),))
    assert features(reconcile(person, small)[0])["date"] is True


def test_what_the_graph_does_not_know_is_no_evidence(small: Lookup) -> None:
    """A country without an entity, a person outside the known terms, a day beside the one attested day (13.20)."""
    for countries in (("Freedonia",), ("Freedonia", "Türkiye")):
        found = reconcile(Question("Bremen", ("City",), countries=countries), small)
        assert best(found) == ("city/bremen", True)
        assert "country" not in features(found[0])
    assert features(reconcile(Question("Bremen", countries=("Freedonia", "Almanya")), small)[0])["country"] is True
    person = reconcile(Question("Cemil Tugay", ("Person",), dates=(("", ("1999", "1999")),)), small)
    assert best(person) == ("person/cemil-tugay", True)
    assert "date" not in features(person[0])
    tenure = replace(CALI, types=("Tenure",), first="2026-01-06", last="2026-01-06")
    asked = Question("Victoria", dates=(("", ("1999", "1999")),))
    assert "date" not in features(reconcile(asked, Namesakes((tenure,)))[0])
    ended = replace(tenure, first="2000")
    assert features(reconcile(asked, Namesakes((ended,)))[0])["date"] is False


@pytest.mark.parametrize(
    ("property_", "year", "expected"),
    [("protocolDate", "1996", True), ("protocolDate", "1993", False), ("councilActDate", "1993", True),
     ("councilActDate", "1996", False), ("endDate", "2004", None), ("startDate", "1993", True), ("", "2004", False)],
)  # fmt: skip
def test_a_property_that_the_graph_does_not_know_is_no_evidence(
    small: Lookup, property_: str, year: str, expected: bool | None
) -> None:
    """One that it knows is compared with its own dates, not with others (13.20)."""
    found = reconcile(Question("İzmir–Bremen agreement", dates=((property_, (year, year)),)), small)
    assert features(found[0]).get("date") is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [(("1996", "1996"), ("1996-04", "1996-04-24"), True), (("1996-05", "1996-05"), ("1996-04", "1996-04"), False),
     (("1990", ""), ("2020", "2020"), True), (("", "1990"), ("1990-12-31", ""), True)],
)  # fmt: skip
def test_partial_and_open_dates_overlap_by_what_they_may_mean(
    one: tuple[str, str], other: tuple[str, str], expected: bool
) -> None:
    """A year is all its days; an end that is not given is open."""
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


def test_facts_alone_find_by_qid(small: Lookup) -> None:
    """A query may have properties and no name."""
    assert best(reconcile(Question(qids=("Q35997",)), small)) == ("city/izmir", False)


def test_the_country_is_known_by_any_of_its_names(small: Lookup) -> None:
    """Almanya, Germany, and the identifier."""
    for country in ("Almanya", "germany", "country/germany", ID + "country/germany"):
        found = reconcile(Question("Bremen", ("City",), countries=(country,)), small)
        assert features(found[0])["country"] is True


def test_the_limit_holds(lookup: Lookup) -> None:
    """As many candidates as are asked for."""
    assert len(reconcile(Question("izmir", limit=2), lookup)) == 2


def test_a_file_that_is_no_index_is_told(tmp_path: Path) -> None:
    """A release of an earlier version has to be built anew."""
    with pytest.raises(NotFound, match="build it again"):
        Lookup(tmp_path / "none.sqlite")
