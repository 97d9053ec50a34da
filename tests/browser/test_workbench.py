"""The workbench in a browser: it edits, completes, runs, draws, cancels, shares, and does without JavaScript."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from citygraph.text import collation_key
from tests.browser.conftest import NARROW, WIDE, Visit, focused, overflow, violations

pytestmark = pytest.mark.usefixtures("front_end")

SLOW = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
CAPITALS = (
    "SELECT ?city ?name { city:izmir cg:twinnedWith ?city . ?city rdfs:label ?name FILTER(LANG(?name) = 'en') } LIMIT 5"
)
VIEWS = {
    "map": ("partners", "svg.drawn-map .place"),
    "timeline": ("anniversaries", "svg.drawn-timeline .mark"),
    "network": ("organisations-and-presidents", "svg.drawn-network .node"),
    "chart": ("partners-by-country", "svg.drawn-chart .bar"),
}


def opened(visit: Visit, query: str = "", **seen: object) -> Page:
    """The workbench with a query in its address, or the one that it begins with."""
    return visit(f"/sparql?query={quote(query)}" if query else "/sparql", **seen)  # type: ignore[arg-type]


def typed(page: Page, text: str) -> None:
    """Replace the query by typing: the last letter by its key, what is before it at once.

    So there is one list of completions: on a busy machine, those of earlier letters would come late.
    """
    page.locator(".CodeMirror").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(text[:-1])
    page.keyboard.press(text[-1])


def text_of(page: Page) -> str:
    """What stands in the editor, as the form would send it."""
    return page.locator("#query").input_value()


# Running


def test_a_query_is_run_with_the_keyboard_alone(visit: Visit) -> None:
    """Ctrl+Enter in the editor runs; the status says how many, how long, which release, and that it is complete."""
    page = opened(visit)
    typed(page, " ")
    page.keyboard.type("SELECT * { city:izmir cg:twinnedWith ?city } LIMIT 7")
    page.keyboard.press("Escape")
    page.locator(".CodeMirror").click()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#status")).to_contain_text("7 rows")
    expect(page.locator("#status")).to_contain_text(re.compile(r"ms|kept"))
    expect(page.locator("#status")).to_contain_text("complete")
    expect(page.locator("#status")).to_contain_text(re.compile(r"release 20\d\d"))
    expect(page.locator("table.answer tbody tr")).to_have_count(7)
    visit.shot(page, "workbench-table")


def test_a_shared_query_runs_when_it_is_opened(visit: Visit) -> None:
    """The address has the query: who follows it sees the result."""
    page = opened(visit, CAPITALS)
    expect(page.locator("table.answer tbody tr")).to_have_count(5)
    expect(page.locator("table.answer tbody a").first).to_have_attribute("href", re.compile(r"^/id/city/"))


def test_yes_or_no(visit: Visit) -> None:
    """ASK is answered by a word."""
    page = opened(visit, "ASK { city:izmir a cg:City }")
    expect(page.locator(".truth")).to_have_text("Yes")


def test_nothing_found_says_so(visit: Visit) -> None:
    """An empty result is no blank page."""
    page = opened(visit, "SELECT * { city:izmir cg:party ?x }")
    expect(page.locator("#result")).to_contain_text("The query has no results.")
    expect(page.locator("#status")).to_contain_text("0 rows")


def test_a_graph_is_shown_as_triples(visit: Visit) -> None:
    """What CONSTRUCT and DESCRIBE answer is a table of three columns."""
    page = opened(visit, "CONSTRUCT { ?c a cg:City } { city:izmir cg:twinnedWith ?c }")
    expect(page.locator("#status")).to_contain_text("triples")
    expect(page.locator("table.answer th")).to_have_text(["subject", "predicate", "object"])


def test_columns_sort(visit: Visit) -> None:
    """A column's name puts the rows in its order, and says so."""
    page = opened(visit, CAPITALS.replace("LIMIT 5", ""))
    page.get_by_role("button", name="name", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("name")
    names = page.locator("td[data-column=name]").all_inner_texts()
    assert names == sorted(names, key=collation_key)


def test_more_rows_are_shown_on_demand(visit: Visit) -> None:
    """A long result comes in portions, and says how much of it is shown."""
    page = opened(visit, "SELECT * { ?s ?p ?o } LIMIT 450")
    expect(page.locator("table.answer tbody tr")).to_have_count(200)
    page.get_by_role("button", name="Show more").click()
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("table.answer tbody tr")).to_have_count(450)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()


# Views


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_view_that_a_query_names_is_drawn(visit: Visit, view: str, width: int) -> None:
    """`# view:` in the head chooses the tab; the picture has a title, and nothing stands out of the page."""
    example, marks = VIEWS[view]
    page = visit(f"/sparql?example={example}", width, dark=width == NARROW)
    expect(page.locator(marks).first).to_be_visible()
    assert page.locator(marks).count() > 3
    expect(page.get_by_role("tab", selected=True)).to_have_id(f"tab-{view}")
    assert page.locator("svg.drawn > title").first.text_content()
    assert overflow(page, within="main") == []
    visit.shot(page, f"workbench-{view}-{width}")


def test_the_map_finds_places_without_coordinates(visit: Visit) -> None:
    """Where a result only names places, the map asks where they are, and stands around the city of the query."""
    page = visit(f"/sparql?query={quote(CAPITALS)}&view=map")
    expect(page.locator("svg.drawn-map .place")).to_have_count(5)
    expect(page.locator("svg.drawn-map .middle")).to_have_text("İzmir")
    expect(page.locator("svg.drawn-map .ray")).to_have_count(5)
    expect(page.locator("svg.drawn-map .land")).to_have_attribute("d", re.compile(".{1000}"))


def test_a_view_that_cannot_be_drawn_says_what_it_needs(visit: Visit) -> None:
    """The tab is there, and tells which columns would fill it."""
    page = opened(visit, "SELECT ?x { VALUES ?x { 'a' } }")
    page.get_by_role("tab", name="Chart").click()
    expect(page.locator("#view")).to_contain_text("column of numbers")
    page.get_by_role("tab", name="Raw").click()
    expect(page.locator("pre.raw")).to_contain_text('"bindings"')


def test_tabs_follow_the_arrows(visit: Visit) -> None:
    """As the pattern for tabs has it; the address keeps the view."""
    page = opened(visit, CAPITALS)
    page.get_by_role("tab", name="Table").focus()
    page.keyboard.press("ArrowRight")
    expect(focused(page)).to_have_id("tab-map")
    expect(page.locator("svg.drawn-map")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]view=map(&|$)"))
    page.keyboard.press("End")
    expect(focused(page)).to_have_id("tab-raw")


# Editing


def test_classes_properties_and_entities_are_completed_from_the_data(visit: Visit) -> None:
    """By prefixed name or by label, with how often each is used; what is chosen declares its prefix."""
    page = opened(visit)
    typed(page, "SELECT * { ?x a sister")
    expect(page.locator(".CodeMirror-hint", has_text="cg:SisterCityAgreement")).to_contain_text(re.compile(r"\d\d"))
    page.keyboard.press("Enter")
    # The editor writes the choice a moment after the key.
    expect(page.locator("#query")).to_have_value(re.compile("cg:SisterCityAgreement"))
    assert text_of(page).startswith("PREFIX cg: <https://w3id.org/citygraph/ontology#>")
    page.keyboard.type(" ; cg:prot")
    expect(page.locator(".CodeMirror-hint", has_text="cg:protocolDate").first).to_be_visible()
    page.keyboard.press("Escape")
    typed(page, "SELECT * { ?x cg:party city:kırca")
    expect(page.locator(".CodeMirror-hint").first).to_contain_text("city:kardzhali")
    page.keyboard.press("Tab")
    expect(page.locator("#query")).to_have_value(re.compile("city:kardzhali"))


def test_variables_are_completed(visit: Visit) -> None:
    """Those that the query has."""
    page = opened(visit)
    typed(page, "SELECT * { ?agreement a cg:Agreement . ?ag")
    expect(page.locator(".CodeMirror-hint").first).to_contain_text("?agreement")


def test_a_known_prefix_is_declared_when_it_is_typed(visit: Visit) -> None:
    """So that the query runs elsewhere too."""
    page = opened(visit)
    typed(page, "ASK { ?x skos:")
    expect(page.locator("#query")).to_have_value(re.compile("PREFIX skos: <http://www.w3.org/2004/02/skos/core#>"))


def test_tab_leaves_the_editor(visit: Visit) -> None:
    """No keyboard is caught in it."""
    page = opened(visit)
    page.locator(".CodeMirror").click()
    page.keyboard.press("Tab")
    expect(focused(page)).to_have_id("run")


def test_an_error_is_marked_at_its_line(visit: Visit) -> None:
    """In the editor and in words; the mark goes when the query changes."""
    visit.forgive("status of 400")
    page = opened(visit)
    typed(page, "SELECT *\n{ ?s ?p ?o\nFILTR(?o) }")
    page.keyboard.press("Escape")
    page.locator("#run").click()
    expect(page.locator("#status")).to_contain_text(re.compile(r"Line [23], column \d+"))
    expect(page.locator("#problem")).to_contain_text("syntax error")
    expect(page.locator(".wrong-line")).to_have_count(1)
    visit.shot(page, "workbench-error")
    page.keyboard.type(" ")
    expect(page.locator(".wrong-line")).to_have_count(0)


# Ending


def test_cancel_ends_the_query_on_the_server(visit: Visit) -> None:
    """The engine is free again, and the page says after how long."""
    visit.forgive("status of 503")
    visit.forgive("status of 404")  # asked before an engine had begun with it
    page = opened(visit)
    page.locator("#query").evaluate(
        "(area, text) => document.querySelector('.CodeMirror').CodeMirror.setValue(text)", SLOW
    )
    for _ in range(20):
        page.locator("#run").click()
        expect(page.locator("#cancel")).to_be_visible()
        # Whichever second is seen: the text goes on while it is looked for.
        expect(page.locator("#status")).to_contain_text(re.compile(r"running … [1-9]\d* s"))
        page.locator("#cancel").click()
        expect(page.locator("#status")).to_contain_text(re.compile(r"Cancelled after [\d.]+ s\. The"))
        # On a busy machine the query may still have waited for an engine.
        if "had not started" not in page.locator("#status").inner_text():
            break
    expect(page.locator("#status")).to_contain_text("The server has ended the query")
    expect(page.locator("#cancel")).to_be_hidden()
    expect(focused(page)).to_have_id("run")


# Sharing


def test_a_query_is_shared_with_and_without_its_release(visit: Visit) -> None:
    """Two addresses: one that is always answered anew, one that always answers the same."""
    page = opened(visit, CAPITALS)
    page.get_by_text("Share the query", exact=True).click()
    expect(page.locator("#share-pinned")).to_have_value(re.compile("/releases/"))
    live, pinned = page.locator("#share-live").input_value(), page.locator("#share-pinned").input_value()
    assert urlsplit(live).path == "/sparql"
    assert re.fullmatch(r"/releases/[^/]+/sparql", urlsplit(pinned).path)
    assert parse_qs(urlsplit(pinned).query)["query"] == [CAPITALS]
    there = visit(pinned.removeprefix(visit.root))
    expect(there.locator("table.answer tbody tr")).to_have_count(5)
    expect(there.locator("#status")).to_contain_text(urlsplit(pinned).path.split("/")[2])


def test_code_for_programs(visit: Visit) -> None:
    """The query in Python, R, curl and JavaScript."""
    page = opened(visit, CAPITALS)
    page.get_by_text("Code", exact=True).click()
    for language, sign in {
        "Python": "from citygraph.client import Graph",
        "R": "read.csv",
        "curl": "--data-urlencode",
        "JavaScript": "fetch",
    }.items():
        page.get_by_label(language, exact=True).check()
        expect(page.locator(".panel pre")).to_contain_text(sign)
        expect(page.locator(".panel pre")).to_contain_text("cg:twinnedWith")


# Examples


def test_an_example_with_its_parameters(visit: Visit) -> None:
    """From the left column: its explanation, its query, its result; then with another value."""
    page = visit("/sparql")
    page.get_by_role("link", name="Round anniversaries in a year").click()
    expect(page.locator("#about-title")).to_have_text("Round anniversaries in a year")
    expect(page.locator("#status")).to_contain_text("rows")
    page.get_by_label("every").fill("10")
    page.get_by_role("button", name="Run with these values").click()
    expect(page.locator("#query")).to_have_value(re.compile(r"VALUES \?every \{ \S*10\b"))
    expect(page.locator("#status")).to_contain_text("rows")


def test_the_left_column_folds_away(visit: Visit) -> None:
    """And gives its room to the editor."""
    page = visit("/sparql")
    before = page.locator(".code").bounding_box()
    page.locator("#drawer > summary").click()
    expect(page.locator("#drawer")).not_to_have_attribute("open", re.compile(""))
    after = page.locator(".code").bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"] + 150


# Without JavaScript


def test_without_javascript_the_form_shows_the_result(visit: Visit) -> None:
    """The same page is a form; its answer is a table with its status line."""
    page = opened(visit, CAPITALS, javascript=False)
    expect(page.locator("table.answer")).to_have_count(0)
    page.locator("#run").click()
    expect(page.locator("table.answer tbody tr")).to_have_count(5)
    expect(page.locator("#status")).to_contain_text("5 rows")
    expect(page.locator("#status")).to_contain_text("complete")
    visit.shot(page, "workbench-plain")


def test_without_javascript_an_error_is_told_at_its_line(visit: Visit) -> None:
    """With the line, and a sign below the column."""
    visit.forgive("status of 400")
    page = visit(f"/sparql?run=1&query={quote('SELECT * {' + chr(10) + ' ?s ?p }')}", javascript=False)
    expect(page.locator("#problem")).to_contain_text("Line 2")
    expect(page.locator("#query")).to_have_value("SELECT * {\n ?s ?p }")


# For everybody


@pytest.mark.parametrize(
    ("example", "width", "dark"),
    [
        ("partners", WIDE, True),
        ("partners", NARROW, False),
        ("tables/agreements", WIDE, False),
        ("tables/agreements", NARROW, True),
    ],
)
def test_nothing_that_axe_finds(visit: Visit, example: str, width: int, dark: bool) -> None:
    """WCAG 2.2 AA, with a picture and with a table, each with both widths and both schemes."""
    page = visit(f"/sparql?example={example}", width, dark=dark)
    expect(page.locator("#status")).to_contain_text("rows")
    expect(page.locator("#view > *")).not_to_have_count(0)
    # The editor scrolls with the cursor of its text area, which stands beside the part that scrolls, and not in it.
    assert [v for v in violations(page, within="main") if ".CodeMirror-scroll" not in v] == []
    visit.shot(page, f"workbench-{example.replace('/', '-')}-{width}-{'dark' if dark else 'light'}")


def test_in_turkish(visit: Visit) -> None:
    """All that the page says, the scripts too, is in the language of the reader."""
    page = visit("/sparql?example=partners", language="tr")
    expect(page.locator("html")).to_have_attribute("lang", "tr")
    expect(page.locator("#status")).to_contain_text("satır")
    expect(page.get_by_role("tab", name="Harita")).to_be_visible()
    visit.shot(page, "workbench-tr")


def test_a_stored_query_takes_a_name_and_draws_its_result(visit: Visit) -> None:
    """(17) A suggestion is chosen by keyboard; the page has the map and the table, and no accessibility fault."""
    page = visit("/queries/partners", language="tr")
    field = page.locator("form input[role=combobox][aria-describedby=about-city]")
    field.fill("bak")
    expect(page.locator("[role=option]").first).to_contain_text("Bakü")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Çalıştır").click()
    expect(page.locator("figure.drawn svg.map")).to_be_visible()
    expect(page.locator("table.answer tbody tr")).to_have_count(1)
    expect(page.locator("table.answer tbody")).to_contain_text("İzmir–Bakü kardeş şehir anlaşması")
    visit.shot(page, "stored-query-map")
    assert violations(page) == []


def test_a_stored_query_needs_no_script_and_fits_a_telephone(visit: Visit) -> None:
    """(17) A typed name is resolved by the server; a chart scrolls within its box."""
    page = visit("/queries/ties-by-kind-continent-decade", NARROW, language="tr", javascript=False)
    page.locator("input[name=city]").fill("IZMIR")
    page.get_by_role("button", name="Çalıştır").click()
    expect(page.locator("figure.drawn svg.bars").first).to_be_visible()
    expect(page.locator("table.answer th").first).to_have_text("Tür")
    assert overflow(page) == []
    visit.shot(page, "stored-query-chart-narrow")
