"""The pages of persons, organisations, posts and events: what they show, and that they ask no more for more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pyoxigraph import DefaultGraph, Literal, NamedNode, Quad

from citygraph.graph.description import describe
from citygraph.rdf.terms import BASE, CG, ID, ONTOLOGY_GRAPH, OWL, RDF, RDFS, SOURCE, XSD
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.kinds.layouts import layout_of
from citygraph.web.kinds.page_context import Layout, PageContext
from tests.grounds import context_of
from tests.world import publish, small_world

Term = NamedNode | Literal
_PAGE, _NEWS = NamedNode(SOURCE + "page"), NamedNode(SOURCE + "news")
_TUGAY, _VISIT = NamedNode(ID + "person/cemil-tugay"), NamedNode(ID + "event/visit")
_OFFICE, _MUNICIPALITY = NamedNode(ID + "post/mayor-of-izmir"), NamedNode(ID + "organisation/izmir-municipality")
_TENURE = NamedNode(ID + "tenure/cemil-tugay-mayor-of-izmir")


def world() -> list[Quad]:
    """The small world, whose ontology knows what a municipality and a meeting are."""
    narrower = (("Municipality", "Organisation"), ("Meeting", "Event"), ("Remark", "Act"))
    classes = [Quad(CG(one), RDFS("subClassOf"), CG(other), ONTOLOGY_GRAPH) for one, other in narrower]
    kinds = [Quad(CG(one), RDF("type"), OWL("Class"), ONTOLOGY_GRAPH) for pair in narrower for one in pair]
    return [*small_world(), *classes, *kinds]


def said(*triples: tuple[NamedNode, NamedNode, Term], source: NamedNode = _PAGE) -> list[Quad]:
    """Statements of one source."""
    return [Quad(s, p, o, graph) for s, p, o in triples for graph in (source, DefaultGraph())]


def day(lexical: str) -> Literal:
    """A date as precise as it is written."""
    return Literal(lexical, datatype=XSD({4: "gYear", 7: "gYearMonth"}.get(len(lexical), "date")))


def named(iri: NamedNode, kind: str, name: str) -> list[tuple[NamedNode, NamedNode, Term]]:
    """What a thing is and is called."""
    return [(iri, RDF("type"), CG(kind)), (iri, RDFS("label"), Literal(name, language="en"))]


def mayor(number: int, city: str = "") -> list[tuple[NamedNode, NamedNode, Term]]:
    """A person, mayor of İzmir or of a city of its own for four years."""
    person, tenure = NamedNode(f"{ID}person/p-{number}"), NamedNode(f"{ID}tenure/t-{number}")
    office = NamedNode(f"{ID}post/mayor-of-{city}") if city else _OFFICE
    start, end = day(str(1900 + 4 * number)), day(str(1904 + 4 * number))
    return [
        *named(person, "Person", f"Mayor {number}"), *named(tenure, "Tenure", f"Tenure {number}"),
        (tenure, CG("holder"), person), (tenure, CG("post"), office),
        (tenure, CG("startDate"), start), (tenure, CG("endDate"), end),
    ]  # fmt: skip


def town_hall(city: str) -> list[tuple[NamedNode, NamedNode, Term]]:
    """The municipality of a city with its mayor's office."""
    office, hall = NamedNode(f"{ID}post/mayor-of-{city}"), NamedNode(f"{ID}organisation/{city}-municipality")
    return [
        *named(office, "Post", f"Mayor of {city}"), *named(hall, "Municipality", f"{city} municipality"),
        (office, CG("of"), hall), (office, CG("role"), NamedNode(BASE + "ontology/roles/mayor")),
        (hall, CG("jurisdiction"), NamedNode(f"{ID}city/{city}")),
    ]  # fmt: skip


def crowd(number: int) -> list[Quad]:
    """So many mayors of İzmir one after the other, all at the visit; the mayor of today was at as many events."""
    triples: list[tuple[NamedNode, NamedNode, Term]] = []
    for one in range(number):
        event = NamedNode(f"{ID}event/e-{one}")
        act = NamedNode(f"{ID}event/e-{one}#remark")
        triples += mayor(one)
        triples.append((_VISIT, CG("participant"), NamedNode(f"{ID}person/p-{one}")))
        triples += [*named(event, "Event", f"Event {one}"), (event, CG("participant"), _TUGAY),
                    (event, CG("participant"), _MUNICIPALITY), (event, CG("partOf"), _VISIT),
                    (event, CG("startDate"), day(f"{1990 + one % 30}"))]  # fmt: skip
        triples += [*named(act, "Remark", f"Remark {one}"), (act, CG("actor"), _TUGAY), (act, CG("at"), event),
                    (act, CG("summary"), Literal(f"Words {one}.", language="en"))]  # fmt: skip
    return [*world(), *said(*triples)]


def laid_out(release: Release, iri: NamedNode, at: str = "") -> tuple[PageContext, Layout]:
    """The layout of a thing's page, and the ground on which it was made."""
    context = context_of(release)
    context.at = at
    layout = layout_of(context, describe(context.opened.store, iri.value, context.opened.labels))
    assert layout is not None
    return context, layout


def client_of(root: Path, quads: list[Quad]) -> FlaskClient:
    """A reader of these quads."""
    publish(quads, root)
    return create_app(Settings(), Releases(root)).test_client()


def page(client: FlaskClient, path: str) -> str:
    """A page's source."""
    response = client.get(path, headers={"Accept": "text/html"})
    assert response.status_code == 200
    return response.text


def values(layout: Layout, name: str) -> Any:
    """What a template is filled with."""
    return layout.values[name]


@pytest.mark.parametrize("iri", [_TUGAY, _MUNICIPALITY, _OFFICE, _TENURE, _VISIT])
def test_page_asks_as_much_for_100_as_for_one(tmp_path: Path, iri: NamedNode) -> None:
    """The number of queries is fixed, however many offices, holders, events, guests and remarks there are."""
    asked = {laid_out(publish(crowd(n), tmp_path / str(n)), iri)[0].queries_run for n in (0, 1, 100)}
    assert len(asked) == 1
    assert asked.pop() <= 8


def test_person_has_offices_on_a_line_with_the_table_that_says_the_same(tmp_path: Path) -> None:
    """Each office is a bar and a row; the picture has a title and a description, in both sizes."""
    html = page(client_of(tmp_path, [*world(), *said(*mayor(20))]), "/doc/person/p-20")
    assert re.findall(r'<title id="([^"]+)">([^<]+)</title><desc id="([^"]+)">', html) == [
        ("offices-title", "Offices of Mayor 20", "offices-desc"),
        ("offices-near-title", "Offices of Mayor 20", "offices-near-desc"),
    ]
    assert "Mayor of İzmir, from 1980, until 1984" in html
    assert re.search(r'<th scope="row"><a [^>]*>Mayor of İzmir</a></th>\s*<td class="of"><a [^>]*>İzmir Metro', html)
    assert "head of the organisation" in html


def test_office_that_is_only_shown_has_no_invented_beginning(tmp_path: Path) -> None:
    """A day in office is a bar of its own kind, and the table says that start and end are not given."""
    _, layout = laid_out(publish(world(), tmp_path), _TUGAY)
    (office,) = values(layout, "offices")
    assert (office.tenure.start, office.tenure.end) == ("", "")
    assert [showing.start for showing in office.tenure.attestations] == ["2026-01-06"]
    assert 'class="span attested"' in values(layout, "line")[0]


def test_dates_on_which_sources_differ_stand_beside_each_other(tmp_path: Path) -> None:
    """Both are in the table, each with who says so, the more precise first."""
    quads = [
        *world(), *said((_TENURE, CG("startDate"), day("2024"))),
        *said((_TENURE, CG("startDate"), day("2024-04-05")), source=_NEWS),
    ]  # fmt: skip
    _, layout = laid_out(publish(quads, tmp_path), _TENURE)
    (tenure,) = values(layout, "tenures")
    assert [(c.texts[0].time, c.notes[0].name) for c in tenure.starts] == [
        ("2024-04-05", "News of the visit"), ("2024", "Sister cities page"),
    ]  # fmt: skip


def test_event_of_an_office_with_a_latest_day_alone_is_not_dated_on_that_day(tmp_path: Path) -> None:
    """An event of which only the latest day is known attests an office not after that day, in the table too (12)."""
    event = NamedNode(ID + "event/undated-visit")
    quads = said(*named(event, "Meeting", "Undated visit"), (event, CG("notAfter"), day("2025-11-29")),
                 (_TENURE, CG("attestedAt"), event))  # fmt: skip
    html = page(client_of(tmp_path, [*world(), *quads]), "/doc/person/cemil-tugay")
    assert re.search(r"Undated visit</a> \(not after 29 November 2025\)", html)


def test_office_at_an_event_needs_a_source_or_dates_that_cover_it(tmp_path: Path) -> None:
    """Attested there, or begun before and not ended: held that day. Begun in the same year, or ended: not said."""
    event = NamedNode(ID + "event/meeting")
    guests = [(event, CG("participant"), NamedNode(f"{ID}person/p-{n}")) for n in (19, 20, 21)]
    quads = said(*named(event, "Meeting", "Meeting"), *mayor(19), *mayor(20), *mayor(21), *guests,
                 (event, CG("startDate"), day("1980-06")), (event, CG("participant"), _TUGAY),
                 (_TENURE, CG("attestedAt"), event))  # fmt: skip
    _, layout = laid_out(publish([*world(), *quads], tmp_path / "1980"), event)
    seats = {guest.name.text: guest.affiliations for guest in values(layout, "people")}
    # From some day of 1980: nobody knows whether before June.
    assert {name for name, own in seats.items() if own} == {"Cemil Tugay"}
    later = [quad for quad in quads if quad.object != day("1980-06")]
    moved = [*world(), *later, *said((event, CG("startDate"), day("1982")))]
    _, layout = laid_out(publish(moved, tmp_path / "1982"), event)
    seats = {guest.name.text: [seat.concluded for seat in guest.affiliations] for guest in values(layout, "people")}
    assert seats == {"Cemil Tugay": [False], "Mayor 20": [True], "Mayor 19": [], "Mayor 21": []}


def test_partner_of_the_host_is_marked_in_words(tmp_path: Path) -> None:
    """Since when, as a link to the agreement, with a sign that is not read out; who is no partner has nothing."""
    event = NamedNode(ID + "event/meeting")
    quads = said(*named(event, "Meeting", "Meeting"), (event, CG("startDate"), day("1982-01-01")),
                 (event, CG("takesPlaceIn"), NamedNode(ID + "city/izmir")),
                 *town_hall("baku"), *town_hall("bremen"), *mayor(20, "baku"), *mayor(19, "bremen"),
                 (event, CG("participant"), NamedNode(ID + "person/p-20")),
                 (event, CG("participant"), NamedNode(ID + "person/p-19")))  # fmt: skip
    html = page(client_of(tmp_path, [*world(), *quads]), "/doc/event/meeting")
    assert re.findall(r'<span class="bond act"><span class="sign" aria-hidden="true"></span><a href="([^"]+)">([^<]+)<',
                      html) == [("/id/agreement/izmir-baku", "partner of the host İzmir since 1985")]  # fmt: skip
    assert "office not in the sources" in html


def test_event_is_dated_as_precisely_as_it_is(tmp_path: Path) -> None:
    """A month is a month; what the editors concluded is marked with the reason."""
    html = page(client_of(tmp_path, world()), "/doc/event/visit")
    when = html[html.index('<dl class="particulars">') :]
    assert re.search(r'<span class="value concluded"><time datetime="2026-01">January 2026</time>', when)
    assert "The news of 6 January reports it." in when


def test_office_of_somebody_who_did_not_take_part_is_still_told(tmp_path: Path) -> None:
    """What the table has no row for stands in the register of what points here."""
    quads = said(*mayor(20), (NamedNode(ID + "tenure/t-20"), CG("attestedAt"), _VISIT))
    _, layout = laid_out(publish(world(), tmp_path / "none"), _VISIT)
    assert CG("attestedAt").value in layout.covered_links
    _, layout = laid_out(publish([*world(), *quads], tmp_path / "one"), _VISIT)
    assert CG("attestedAt").value not in layout.covered_links


def test_organisation_has_a_lane_for_each_post_and_gaps_as_gaps(tmp_path: Path) -> None:
    """Posts at its head first; one that nobody is known to have held is in the table; white is what no source shows."""
    empty = NamedNode(ID + "post/deputy")
    quads = said(*mayor(20), *mayor(23), *named(empty, "Post", "Deputy"), (empty, CG("of"), _MUNICIPALITY))
    html = page(client_of(tmp_path, [*world(), *quads]), "/doc/organisation/izmir-municipality")
    assert html.count('class="gap"') == 4  # two gaps in each of two sizes
    assert html.index('<th scope="row" rowspan="3">') < html.index("no holder in the sources")
    assert "Deputy" in html


def test_two_at_one_time_stand_in_two_tracks(tmp_path: Path) -> None:
    """Overlaps are seen: no bar lies upon another."""
    tenure = NamedNode(ID + "tenure/t-21")
    early = [q for q in said(*mayor(20), *mayor(21)) if not (q.subject == tenure and q.predicate == CG("startDate"))]
    quads = [*world(), *early, *said((tenure, CG("startDate"), day("1981")))]
    _, layout = laid_out(publish(quads, tmp_path), _OFFICE)
    tops = set(re.findall(r'<rect class="bar"[^>]* y="([\d.]+)"', values(layout, "line")[0]))
    assert len(tops) == 2


def test_successor_in_the_same_year_is_no_overlap_and_no_gap(tmp_path: Path) -> None:
    """One ended in 1984, the other began in 1984: one track. Nobody is known from then to the day shown: one gap."""
    _, layout = laid_out(publish([*world(), *said(*mayor(20), *mayor(21))], tmp_path), _OFFICE)
    drawn = values(layout, "line")[0]
    assert len(set(re.findall(r'<rect class="bar"[^>]* y="([\d.]+)"', drawn))) == 1
    assert drawn.count('class="gap"') == 1


def test_on_a_day_what_does_not_stand_is_faint_and_said(tmp_path: Path) -> None:
    """The line of the day crosses the axis; who had left or had not come yet is faint, in picture and table."""
    release = publish([*world(), *said(*mayor(20), *mayor(21))], tmp_path)
    _, layout = laid_out(release, _OFFICE, at="1982-05-01")
    validities = {tenure.holder.text: tenure.validity for tenure in values(layout, "tenures")}
    assert validities == {"Mayor 20": "", "Mayor 21": "not yet", "Cemil Tugay": "not documented for that day"}
    drawn = values(layout, "line")[0]
    assert drawn.count('class="day"') == 1
    assert drawn.count("span faint") == 2
    _, layout = laid_out(release, _OFFICE, at="1989-05-01")
    assert [tenure.validity for tenure in values(layout, "tenures")][:2] == ["no longer", "no longer"]


def test_person_did_and_said_with_the_words_of_each_source(tmp_path: Path) -> None:
    """Each wording stands with its source, in the reader's language; a gift is told from the side of who got it."""
    act = NamedNode(ID + "event/visit#remark")
    quads = [
        *said(*named(act, "Remark", "On ties"), (act, CG("actor"), _TUGAY), (act, CG("at"), _VISIT),
              (act, CG("summary"), Literal("Ties last.", language="en"))),
        *said((act, CG("summary"), Literal("Bağlar kalıcıdır.", language="tr")),
              (act, CG("summary"), Literal("Ties endure.", language="en")), source=_NEWS),
    ]  # fmt: skip
    _, layout = laid_out(publish([*world(), *quads], tmp_path), _TUGAY)
    (occasion,) = values(layout, "acts")
    deeds = {deed.name.text: deed for deed in occasion.acts}
    assert occasion.event.start == "2026-01"
    assert sorted((c.texts[0].text, c.notes[0].name) for c in deeds["On ties"].summaries) == [
        ("Ties endure.", "News of the visit"), ("Ties last.", "Sister cities page"),
    ]  # fmt: skip
    assert deeds["A pin"].summaries == ()


def test_labels_say_their_language_where_it_is_another(tmp_path: Path) -> None:
    """An English name on a Turkish page is marked as English, in the picture too."""
    client = client_of(tmp_path, [*world(), *said(*mayor(20))])
    html = page(client, "/doc/post/mayor-of-izmir?lang=tr")
    assert '<a href="/id/person/p-20" lang="en">Mayor 20</a>' in html
    assert re.search(r'<text class="name[^"]*"[^>]* lang="en"', html)
