"""The stored queries of an instance: what a build refuses, with the file and the line."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyoxigraph import QuerySolutions

from citygraph.build.query_packs import check_heads, check_runs
from citygraph.errors import BadData
from citygraph.release.releases import Release
from citygraph.source.files import Sources
from citygraph.sparql.evaluate import evaluate_trusted
from tests.conftest import REPOSITORY

HEAD = "#+ title: T\n#+ description: D\n"
PARAMETER = f"{HEAD}#+ parameters:\n#+   a: "


def pack(folder: Path, text: str) -> Sources:
    """Returns the sources of an instance with this query."""
    (folder / "own").mkdir()
    (folder / "own" / "one.rq").write_text(text, encoding="utf-8")
    return Sources(REPOSITORY / "data", REPOSITORY / "ontology", REPOSITORY / "queries", own_queries=folder / "own")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{HEAD}SELECT ?x {{ ?x ?p", "one.rq:3"),
        ("#+ title: T\nSELECT * { ?s ?p ?o }", "one.rq:1: the head lacks 'description'"),
        ("#+ title: T\n#+ description: [\nSELECT * { ?s ?p ?o }", "one.rq:2: the head is not YAML"),
        (f"{PARAMETER}iri\nSELECT * {{ ?a ?p ?o }}", "one.rq:4: the parameter 'a' has no line VALUES"),
        (f"{PARAMETER}place\nSELECT * {{ VALUES ?a {{ 1 }} }}", "one.rq:4: .* must be of type iri, "),
        (f"{PARAMETER}{{type: integer, least: 1}}\nSELECT ?s {{ VALUES ?a {{ 1 }} ?s ?p ?a }}", "'least'"),
        (f"{PARAMETER}choice\nSELECT ?s {{ VALUES ?a {{ 1 }} ?s ?p ?a }}", "one.rq:4: .*`choices`"),
        (f"{PARAMETER}iri\nSELECT ?s {{ VALUES ?a {{ 1 }} ?s ?p ?o }}", "one.rq:4: .*and a use"),
        (f"{HEAD}#+ columns:\n#+   b: B\nSELECT ?s {{ ?s ?p ?o }}", "one.rq:4: .*does not select the column 'b'"),
        (f"{HEAD}#+ view: globe\nSELECT ?s {{ ?s ?p ?o }}", "one.rq:3: the view 'globe' is unknown"),
        (f"{HEAD}#+ picture: {{value: n}}\nSELECT ?s {{ ?s ?p ?o }}", "one.rq:3: picture has value: n"),
    ],
)  # fmt: skip
def test_a_query_that_does_not_fit_its_head_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """(17) It must parse, and have each parameter, column, view and role that its head names."""
    with pytest.raises(BadData, match=told):
        check_heads(pack(tmp_path, text))


def test_a_query_runs_on_the_release_before_it_is_published(izmir: Release, tmp_path: Path) -> None:
    """(17) Each finishes within the limit."""
    good = f"{HEAD}#+ columns: {{s: Subject}}\nSELECT ?s {{ ?s a cg:City }} ORDER BY ?s"
    assert check_runs(pack(tmp_path, good), izmir.store_path) == 1
    (tmp_path / "own" / "two.rq").write_text(f"{HEAD}SELECT (COUNT(*) AS ?n) {{ ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }}")
    with pytest.raises(BadData, match=r"two.rq: the query did not finish within 0.5 s"):
        check_runs(pack_of(tmp_path), izmir.store_path, 0.5)


def pack_of(folder: Path) -> Sources:
    """Returns the sources of the instance that `pack` made."""
    return Sources(REPOSITORY / "data", REPOSITORY / "ontology", REPOSITORY / "queries", own_queries=folder / "own")


def test_the_documented_query_is_one(izmir: Release, tmp_path: Path) -> None:
    """(17) The example of docs/queries.md parses, fits its head and has an answer."""
    page = (REPOSITORY / "docs" / "queries.md").read_text(encoding="utf-8")
    ((_, query),) = check_heads(pack(tmp_path, page.partition("```rq\n")[2].partition("```")[0]))
    rows = evaluate_trusted(izmir.open_store(), query.bind({"year": "1996"}))
    assert isinstance(rows, QuerySolutions)
    names = [row["agreementLabel"].value for row in rows]
    assert len(names) == 4
    assert "İzmir–Bremen sister-city agreement" in names
    misspelt = query.text.replace("{agreement: Agreement", "{agrement: Agreement")
    (tmp_path / "own" / "one.rq").write_text(misspelt, encoding="utf-8")
    with pytest.raises(BadData, match=r"one.rq:6: the query does not select the column 'agrement'"):
        check_heads(pack_of(tmp_path))
