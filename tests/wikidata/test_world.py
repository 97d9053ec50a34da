"""Names of items: Wikidata's names for all languages ("mul"), and names in regional variants of a language."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyoxigraph import Literal, NamedNode, Quad, RdfFormat, Store, parse

from citygraph.build.build import build
from citygraph.instance import Instance
from citygraph.progress import Progress
from citygraph.rdf.terms import CG, ID, OWL, PREFIXES, RDFS, SKOS, WD
from citygraph.release.releases import Releases
from citygraph.wikidata.dump import LocalEngine, import_dump
from citygraph.wikidata.pull import Scope, pull
from tests.small import write_files
from tests.wikidata.conftest import RETRIEVED, MakeClient
from tests.wikidata.endpoint import serving
from tests.wikidata.rdf_form import entity_quads

LABEL, ALIAS, NOTE = RDFS("label"), SKOS("altLabel"), CG("note")
Names = set[tuple[str, str, str]]  # "label" or "alias", text, language tag


def item(
    qid: str, labels: dict[str, str], aliases: dict[str, list[str]] | None = None, **claims: Any
) -> dict[str, Any]:
    """An item; a claim is the id of its value, or an id and the years of start and end."""
    return {
        "type": "item",
        "id": qid,
        "labels": {tag: {"language": tag, "value": text} for tag, text in labels.items()},
        "aliases": {tag: [{"language": tag, "value": t} for t in texts] for tag, texts in (aliases or {}).items()},
        "claims": {
            property_: [_claim(qid, property_, number, value) for number, value in enumerate(values)]
            for property_, values in claims.items()
        },
    }


def _claim(qid: str, property_: str, number: int, value: str | tuple[str, int]) -> dict[str, Any]:
    target, start = (value, 0) if isinstance(value, str) else value
    link = {"id": target, "numeric-id": int(target[1:])}
    claim: dict[str, Any] = {
        "id": f"{qid}$0000-{property_}-{number}",
        "rank": "normal",
        "mainsnak": _snak(property_, "wikibase-entityid", link, "wikibase-item"),
    }
    if start:
        time = {"time": f"+{start}-00-00T00:00:00Z", "precision": 9, "timezone": 0, "before": 0, "after": 0,
                "calendarmodel": "http://www.wikidata.org/entity/Q1985727"}  # fmt: skip
        claim["qualifiers"] = {"P580": [_snak("P580", "time", time, "time")]}
    return claim


def _snak(property_: str, kind: str, value: dict[str, Any], datatype: str) -> dict[str, Any]:
    datavalue = {"type": kind, "value": value}
    return {"snaktype": "value", "property": property_, "datatype": datatype, "datavalue": datavalue}


ENTITIES = [
    item("Q9000900", {"en": "Fieldland", "tr": "Tarlaülke"}, P31=["Q6256"]),
    item("Q9000901", {"mul": "Testoria", "ru": "Тестория"}, {"mul": ["Old Testoria"], "en": ["Testville"]},
         P31=["Q515"], P17=["Q9000900"], P190=["Q9000902"], P6=["Q9000905"]),
    item("Q9000902", {"en-gb": "Harbourford", "tr": "Limanköy"}, {"en-gb": ["Harbourfield", "Harbourford"]},
         P31=["Q515"], P17=["Q9000900"], P190=["Q9000901"]),
    item("Q9000903", {"en": "Color", "en-gb": "Colour", "tr-tr": "Renk"}, {"tr": ["Boya"], "mul": ["Color"]},
         P31=["Q9000907"], P17=["Q9000900"], P190=["Q9000901"]),
    item("Q9000904", {"de": "Feldstadt", "tr": "Tarlakent"}, P31=["Q515"], P17=["Q9000900"], P190=["Q9000901"]),
    item("Q9000905", {"mul": "Ann Alpha"}, P31=["Q5"], P39=[("Q9000906", 1999)]),
    item("Q9000906", {"mul": "Mayor of Old Testoria"}, P279=["Q30185"]),
    item("Q9000907", {"mul": "harbour district"}, P279=["Q515"]),
]  # fmt: skip


def dump(folder: Path, entities: list[dict[str, Any]] = ENTITIES) -> Path:
    """The items as a dump."""
    path = folder / "dump.json"
    path.write_text("[\n" + ",\n".join(json.dumps(entity) for entity in entities) + "\n]\n", encoding="utf-8")
    return path


def quads_of(path: Path) -> list[Quad]:
    """The statements of a source file."""
    return list(parse(path.read_bytes(), format=RdfFormat.N_QUADS))


def names(quads: list[Quad], slug: str) -> Names:
    """The labels and aliases of an entity."""
    kinds = {LABEL: "label", ALIAS: "alias"}
    return {
        (kinds[quad.predicate], quad.object.value, quad.object.language or "")
        for quad in quads
        if quad.subject == NamedNode(ID + slug) and quad.predicate in kinds and isinstance(quad.object, Literal)
    }


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Quad], set[tuple[str, str]]]:
    """The statements of an import of the dump, and its notices."""
    folder = tmp_path_factory.mktemp("mul")
    written = import_dump(str(dump(folder)), list, folder, retrieved=RETRIEVED, engine=LocalEngine(1))
    return quads_of(written.path), {(notice.kind, notice.qid) for notice in written.notices}


Imported = tuple[list[Quad], set[tuple[str, str]]]


def test_a_name_for_all_languages_is_a_name_in_each(imported: Imported) -> None:
    """The label "mul" stands for English and Turkish, and its aliases are kept (13.17)."""
    assert names(imported[0], "city/testoria") == {
        ("label", "Testoria", "mul"), ("label", "Testoria", "en"), ("label", "Testoria", "tr"),
        ("label", "Тестория", "ru"), ("alias", "Old Testoria", "mul"), ("alias", "Testville", "en"),
    }  # fmt: skip


def test_a_british_name_is_the_english_one(imported: Imported) -> None:
    """An item with a name in en-gb does not get its Turkish name as the English one (13.4, 13.17)."""
    assert names(imported[0], "city/harbourford") == {
        ("label", "Harbourford", "en-gb"), ("label", "Limanköy", "tr"), ("alias", "Harbourfield", "en-gb"),
    }  # fmt: skip


def test_a_language_has_one_label(imported: Imported) -> None:
    """English itself is preferred to a variant; a variant counts where the language itself has no label (13.4)."""
    assert names(imported[0], "area/color") == {
        ("label", "Color", "en"), ("label", "Renk", "tr-tr"), ("alias", "Boya", "tr"), ("alias", "Color", "mul"),
    }  # fmt: skip


def test_only_an_item_without_any_english_name_has_a_note(imported: Imported) -> None:
    """A name for all languages is no missing English name; one in Turkish is (13.17)."""
    quads, notices = imported
    noted = {quad.subject.value for quad in quads if quad.predicate == NOTE and isinstance(quad.subject, NamedNode)}
    assert noted == {f"{ID}city/tarlakent"}
    assert notices == {("no-label", "Q9000904")}


def test_a_mayor_is_recognised_by_names_for_all_languages(imported: Imported) -> None:
    """The post "Mayor of Old Testoria" is that of the place with this alias: the term has its start (13.17)."""
    starts = {q.object.value for q in imported[0] if q.predicate == CG("startDate") and "/id/tenure/" in str(q.subject)
              and isinstance(q.object, Literal)}  # fmt: skip
    assert starts == {"1999"}


def test_a_pull_gives_the_same_names(imported: Imported, client_of: MakeClient, tmp_path: Path) -> None:
    """The query service is asked for variants and for names for all languages too (13.4, 13.17)."""
    store = Store()
    for entity in ENTITIES:
        store.extend(entity_quads(entity))
    with serving(store) as endpoint:
        written = pull(Scope(), client_of(endpoint), list, tmp_path, today=RETRIEVED[:10]).source
    for slug in ("city/testoria", "city/harbourford", "area/color", "city/tarlakent", "person/ann-alpha"):
        assert names(quads_of(written.path), slug) == names(imported[0], slug)


def test_our_own_name_makes_a_name_for_all_languages_an_alias(tmp_path: Path) -> None:
    """A city of ours keeps its labels, also where Wikidata has only one for all languages (13.17)."""
    city, graph = NamedNode(f"{ID}city/ours"), NamedNode("https://w3id.org/citygraph/source/ours")
    ours = [
        Quad(city, OWL("sameAs"), NamedNode(f"{WD}Q9000901"), graph),
        Quad(city, LABEL, Literal("Our Name", language="en"), graph),
        Quad(city, LABEL, Literal("Testoria", language="tr"), graph),
    ]
    written = import_dump(str(dump(tmp_path)), lambda: ours, tmp_path, retrieved=RETRIEVED, engine=LocalEngine(1))
    found = names(quads_of(written.path), "city/ours")
    assert {("label", "Testoria", "tr"), ("alias", "Testoria", "en"), ("label", "Testoria", "mul")} <= found


def test_a_partner_that_is_no_place_of_people_is_left_out_and_reported(tmp_path: Path) -> None:
    """A lake, a company, a person; not what is a town as well, nor what no word describes (16 §5)."""
    classes = {"lake in Isleland": "Q9000921", "river": "Q9000922", "company": "Q9000923", "town": "Q9000924",
               "body of water": "Q9000925", "anything": "Q9000926"}  # fmt: skip
    partners = {"Q9000931": ["lake in Isleland"], "Q9000932": ["river", "body of water"], "Q9000933": ["company"],
                "Q9000934": ["lake in Isleland", "town"], "Q9000935": ["anything"]}  # fmt: skip
    items = [item(qid, {"en": name}, P279=["Q9000920"]) for name, qid in classes.items()]
    items += [item("Q9000910", {"en": "Isleland"}, P31=["Q6256"])]
    items += [item(qid, {"en": f"Partner {qid}"}, P31=[classes[name] for name in names], P17=["Q9000910"])
              for qid, names in partners.items()]  # fmt: skip
    items += [item("Q9000911", {"en": "Isleport"}, P31=["Q515"], P17=["Q9000910"], P190=list(partners))]
    written = import_dump(str(dump(tmp_path, items)), list, tmp_path, retrieved=RETRIEVED, engine=LocalEngine(1))
    reported = {notice.qid: notice.detail for notice in written.notices if notice.kind == "not-a-place"}
    assert reported.keys() == {"Q9000931", "Q9000932", "Q9000933"}
    assert reported["Q9000931"] == "Q9000931 (Partner Q9000931) is left out: its class is 'lake in Isleland'"
    named = {str(quad.subject)[1:-1] for quad in quads_of(written.path) if quad.predicate == LABEL}
    assert {f"{ID}city/partner-q9000934", f"{ID}city/partner-q9000935"} <= named
    assert f"{ID}city/partner-q9000931" not in named
    unnamed = [notice.detail for notice in written.notices if notice.kind == "no-partner"]
    assert sum(text.endswith("which is neither a settlement nor an administrative unit") for text in unnamed) == 3


def test_a_statement_with_a_country_as_partner_is_left_out_and_reported(tmp_path: Path) -> None:
    """The shapes refuse it, so that one such statement among many would stop a release (16 §5)."""
    country = item("Q9000910", {"en": "Isleland"}, P31=["Q6256"], P190=["Q9000911"])
    cities = [
        item("Q9000911", {"en": "Isleport"}, P31=["Q515"], P17=["Q9000910"], P190=["Q9000912", "Q9000910"]),
        item("Q9000912", {"en": "Otherport"}, P31=["Q515"], P17=["Q9000910"], P190=["Q9000910"]),
    ]
    path = dump(tmp_path, [country, *cities])
    written = import_dump(str(path), list, tmp_path, retrieved=RETRIEVED, engine=LocalEngine(1))
    parties = {quad.object for quad in quads_of(written.path) if quad.predicate == CG("party")}
    assert parties == {NamedNode(f"{ID}city/isleport"), NamedNode(f"{ID}city/otherport")}
    reported = [notice for notice in written.notices if notice.kind == "country-as-party"]
    assert sorted(notice.qid for notice in reported) == ["Q9000910", "Q9000911", "Q9000912"]
    assert all("Q9000910 (Isleland)" in notice.detail for notice in reported)


def test_an_import_with_such_names_can_be_built(tmp_path: Path) -> None:
    """Shapes accept the names (13.4, 13.17)."""
    sources = write_files(tmp_path)
    import_dump(str(dump(tmp_path)), list, tmp_path / "data", retrieved=RETRIEVED, engine=LocalEngine(1))
    _, report = build(sources, Releases(tmp_path / "releases"), Progress())
    assert not [result for result in report.results if "label" in result.path]


def test_a_german_instance_gets_its_labels_and_notes_in_german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first language is required: the name for all languages or another one stands for it (14 §1)."""
    german = Instance(languages=("de", "fr", "en"))
    for module in ("citygraph.catalogues", "citygraph.wikidata.world", "citygraph.wikidata.mapping",
                   "citygraph.wikidata.source_file"):  # fmt: skip
        monkeypatch.setattr(f"{module}.current_instance", lambda: german)
    written = import_dump(str(dump(tmp_path)), list, tmp_path, retrieved=RETRIEVED, engine=LocalEngine(1))
    quads = quads_of(written.path)
    assert {("label", "Testoria", "de"), ("label", "Testoria", "fr"), ("label", "Testoria", "en")} <= names(
        quads, "city/testoria"
    )
    assert ("label", "Harbourford", "de") in names(quads, "city/harbourford")
    assert ("label", "Stadtverwaltung Testoria", "de") in names(quads, "organisation/municipality-of-testoria")
    assert ("label", "Bürgermeister/in von Testoria", "de") in names(quads, "post/mayor-of-testoria")
    assert {("no-label", "Q9000900"), ("no-label", "Q9000902"), ("no-label", "Q9000903")} == {
        (notice.kind, notice.qid) for notice in written.notices
    }
    notes = {q.object.language for q in quads if q.predicate == NOTE and isinstance(q.object, Literal)}
    assert notes == {"de", "en"}
    unlabelled = Store()
    unlabelled.extend(quads)
    german_label = "?x rdfs:label ?label FILTER(LANG(?label) = 'de')"
    labelled = f"GRAPH ?g {{ ?x a ?class }} FILTER NOT EXISTS {{ GRAPH ?g {{ {german_label} }} }}"
    classes = "cg:City cg:AdministrativeArea cg:Country cg:Person cg:Municipality cg:Post cg:Source"
    query = f"ASK {{ VALUES ?class {{ {classes} }} {labelled} }}"
    assert not unlabelled.query(query, prefixes=PREFIXES)
