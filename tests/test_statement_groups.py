"""The page of a document: what it is, how much it says of which kinds of things, and what, subject by subject."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from citygraph.errors import NotFound
from citygraph.rdf.terms import BASE, CG, SOURCE
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings
from citygraph.web import create_app
from citygraph.web.view import statement_groups as groups
from citygraph.web.view.release_cache import OpenRelease
from tests.test_entity_page import page, text
from tests.world import publish, small_world


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The small world."""
    return publish(small_world(), tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def client(release: Release) -> FlaskClient:
    """A reader of it."""
    return create_app(Settings(), Releases(release.path.parent)).test_client()


def test_subjects_are_counted_by_kind(client: FlaskClient) -> None:
    """Three cities, two agreements; each kind is a link to itself alone."""
    html = page(client, "/source/page")
    assert "All city 3 sister-city agreement 2" in text(html)
    assert 'href="?kind=City#says"' in html


def test_one_kind_is_shown_alone(client: FlaskClient) -> None:
    """The address names it, and the page says which it is."""
    html = client.get("/source/page?kind=City", headers={"Accept": "text/html"}).text
    said = text(html[html.index('id="says"') :])
    assert "Bremen" in said
    assert "İzmir–Bremen agreement" not in said
    assert re.search(r'kind=City#says" aria-current="true"', html)


def test_kind_that_it_does_not_speak_of_is_not_there(client: FlaskClient) -> None:
    """404, and not an empty page."""
    assert client.get("/source/page?kind=Whale", headers={"Accept": "text/html"}).status_code == 404


def test_part_of_a_thing_stands_with_it(release: Release) -> None:
    """A population figure is told where its city is, and not as a subject of its own."""
    said = groups.statement_page(OpenRelease(release, BASE), SOURCE + "page", 1)
    assert [(kind.removeprefix(CG), number) for kind, number in said.kinds] == [("City", 3), ("SisterCityAgreement", 2)]
    nodes = [node.iri for group in said.groups for _, _, nodes in group.subjects for node in nodes]
    assert nodes == [BASE + "id/city/bremen#population-page"]


def test_pages_turn(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many subjects on a page, more on the next, and none beyond the last."""
    monkeypatch.setattr(groups, "SUBJECTS_PER_PAGE", 2)
    opened = OpenRelease(release, BASE)
    found = [groups.statement_page(opened, SOURCE + "page", number) for number in (1, 2, 3)]
    assert [sum(len(group.subjects) for group in one.groups) for one in found] == [2, 2, 1]
    assert [one.more for one in found] == [True, True, False]
    with pytest.raises(NotFound):
        groups.statement_page(opened, SOURCE + "page", 4)


def test_large_graph_is_read_as_it_stands(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sorting would take too long, the subjects come in the store's order, without kinds."""
    monkeypatch.setattr(groups, "_MOST_SORTED", 1)
    found = groups.statement_page(OpenRelease(release, BASE), SOURCE + "page", 1)
    assert found.kinds == ()
    assert len(found.groups[0].subjects) == 6
