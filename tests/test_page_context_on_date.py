"""A page at a date: what was true on that day, and what was not yet or no longer so, in words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.kinds.page_context import (
    ATTESTED_DURING,
    CURRENT_STATE,
    VALID_DURING,
    is_in_force,
    not_yet,
    validity,
)
from tests.grounds import context_of
from tests.test_entity_page import page, text
from tests.world import publish, small_world


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The small world."""
    return publish(small_world(), tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def client(release: Release) -> FlaskClient:
    """A reader of it."""
    return create_app(Settings(), Releases(Path(release.path).parent)).test_client()


def at(client: FlaskClient, path: str, day: str, language: str = "en") -> str:
    """A page on a day."""
    return client.get(f"{path}?at={day}&lang={language}", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(
    ("valid", "attested", "said"),
    [
        (["1995-01-02/.."], [], "not yet"), (["1995-01-01/.."], [], ""), (["1995/.."], [], ""),
        (["1996/.."], [], "not yet"),
        (["1990/1994-12-31"], [], "no longer"), (["1990/1995"], [], ""), (["/1994"], [], "no longer"), ([], [], ""),
        ([], ["1996-05-01/1996-05-01"], "not documented for that day"), ([], ["1990-01-01/1996-05-01"], ""),
        (["1980/1990", "2000/.."], [], "no longer"), (["1980/1990", "1994/.."], [], ""), (["1990/", "2000/.."], [],
         "not documented for that day"), (["1990/"], [], "not documented for that day"), (["1996/"], [], "not yet"),
        (["/"], [], "not documented for that day"), (["/"], ["1990/1996"], ""),
    ],
)  # fmt: skip
def test_intervals_tell_how_a_thing_stands(release: Release, valid: list[str], attested: list[str], said: str) -> None:
    """On 1 January 1995: a partial date holds for all that it names, and what has no date is never denied (13.11)."""
    facts = {VALID_DURING: tuple(valid), ATTESTED_DURING: tuple(attested)}
    context = context_of(release)
    context.at = "1995-01-01"
    assert validity(context, facts) == said
    context.at = ""
    assert validity(context, facts) == ""


def test_nothing_is_said_of_what_is_in_force_in_any_language(release: Release) -> None:
    """(15) Not even the head of the catalogue, which is its translation of an empty text."""
    context = context_of(release, "tr")
    assert validity(context, {VALID_DURING: ("1990/..",)}, "2000-01-01") == ""


def test_what_ended_on_an_unknown_date_is_over_today(release: Release) -> None:
    """Before today nobody knows whether it still held (13.12)."""
    context = context_of(release, today="2026-11-22")
    facts = {VALID_DURING: ("1990/",)}
    assert validity(context, facts, "2026-11-21") == "not documented for that day"
    assert validity(context, facts, "2026-11-22") == "no longer"
    assert not is_in_force(context, facts)
    assert is_in_force(context, {VALID_DURING: ("1990/", "2010/..")})


@pytest.mark.parametrize(
    ("state", "before", "today"),
    [("planned", "planned", "planned"), ("decided", "decided, not yet signed", "decided, not yet signed"),
     ("suspended", "", "suspended"), ("ended", "", "ended"), ("dormant", "", ""), ("active", "", "")],
)  # fmt: skip
def test_the_last_documented_state_counts_where_dates_do_not_decide(
    release: Release, state: str, before: str, today: str
) -> None:
    """A planned agreement never held; whether a suspended one held on an earlier day, nothing denies (15 §1)."""
    context = context_of(release, today="2026-11-22")
    facts = {CURRENT_STATE: (f"https://w3id.org/citygraph/ontology/statuses/{state}",)}
    assert validity(context, facts, "1990-01-01") == before
    assert validity(context, facts, "2026-11-22") == today
    assert is_in_force(context, facts) == (not today)
    assert validity(context, {**facts, VALID_DURING: ("1995/..",)}, "1990-01-01") == "not yet"


def test_nothing_shows_that_what_has_no_end_lasts_beyond_today(release: Release) -> None:
    """In office, or in force, on a day to come: no source documents that (13.14)."""
    context = context_of(release, today="2026-11-22")
    assert validity(context, {VALID_DURING: ("1990/..",)}, "2026-11-22") == ""
    assert validity(context, {VALID_DURING: ("1990/..",)}, "2040-01-01") == "not documented for that day"
    assert validity(context, {VALID_DURING: ("1990/2045",)}, "2040-01-01") == ""


def test_the_finer_of_two_dates_that_agree_decides(release: Release) -> None:
    """With "1986" and "1986-04-28", February 1986 is before (13.11)."""
    context = context_of(release)
    context.at = "1986-02-01"
    assert not_yet(context, ["1986", "1986-04-28"]) == "not yet"
    assert not_yet(context, ["1986"]) == ""


def test_agreements_of_a_place_are_those_in_force(client: FlaskClient) -> None:
    """In 1990 İzmir has Baku; Bremen stands in the table as one to come, and not on the map."""
    html = at(client, "/doc/city/izmir", "1990-01-01")
    assert "Bremen not yet" in text(html)
    assert "Baku not yet" not in text(html)
    assert re.search(r'class="faint">\s*<td class="no">', html)
    assert "A visit meeting not yet" in text(html).replace("Meeting", "meeting")
    assert "Bremen henüz değil" in text(at(client, "/doc/city/izmir", "1990-01-01", "tr"))


def test_agreement_says_how_it_stands_itself(client: FlaskClient) -> None:
    """Before its act it is not yet."""
    assert "This entry on that day: not yet." in text(at(client, "/doc/agreement/izmir-bremen", "1990-01-01"))
    assert "This entry on that day" not in text(at(client, "/doc/agreement/izmir-bremen", "1995-01-01"))
    assert "Protocol not yet" in text(at(client, "/doc/agreement/izmir-bremen", "1995-01-01"))


def test_links_to_what_is_dated_say_so(client: FlaskClient) -> None:
    """An event of 2026 is not yet in 1990, wherever a register names it."""
    html = at(client, "/doc/agreement/izmir-baku", "1990-01-01")
    assert re.search(r"A visit( \d)* not yet", text(html))


def test_page_says_what_was_applied_and_leads_back(client: FlaskClient) -> None:
    """One sentence with the day; the field holds it; the plain page is canonical and one link away."""
    html = at(client, "/doc/city/izmir", "1990-01-01")
    assert "This page shows what was valid on 1 January 1990" in text(html)
    assert 'name="at" value="1990-01-01"' in html
    assert '<link rel="canonical" href="http://localhost/doc/city/izmir">' in html
    assert "Any date" in text(html)
    assert "Any date" not in text(page(client, "/doc/city/izmir"))


def test_links_of_a_page_keep_the_day(client: FlaskClient) -> None:
    """The heading that sorts and the other languages lead to the same day."""
    html = at(client, "/doc/city/izmir", "1990-01-01")
    assert "sort=name&amp;at=1990-01-01#ties" in html
    assert 'hreflang="tr" type="text/html" href="?at=1990-01-01&amp;lang=tr"' in html
    assert 'hreflang="x-default" type="text/html" href="?at=1990-01-01"' in html


def test_what_is_no_day_is_refused(client: FlaskClient) -> None:
    """400, with an example of a day."""
    response = client.get("/doc/city/izmir?at=1990-13-01", headers={"Accept": "text/html"})
    assert response.status_code == 400
    assert "2015-04-23" in response.text


def test_earlier_releases_are_one_link_away(client: FlaskClient) -> None:
    """What was known when is another question than what was true when."""
    html = page(client, "/doc/city/izmir")
    assert '<a href="?history" rel="nofollow">In earlier releases</a>' in html
    history = client.get("/doc/city/izmir?history", headers={"Accept": "text/html"}).text
    (link,) = re.findall(r'href="(/releases/[^"]+/doc/city/izmir)"', history)
    assert client.get(link, headers={"Accept": "text/html"}).status_code == 200


def test_country_has_the_places_bound_on_that_day(client: FlaskClient) -> None:
    """Germany has Bremen since 1993."""
    assert "Bremen" in text(at(client, "/doc/country/germany", "1995-01-01")).partition("Places with agreements")[2]
    assert "Places with agreements" not in text(at(client, "/doc/country/germany", "1990-01-01"))
