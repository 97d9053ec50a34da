"""The real OpenRefine reconciles a table against our service and extends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from tests import openrefine
from tests.running import serving

_TABLE = "City,Country\nİZMİR,Türkiye\nSmyrna,\nБаку,Azerbaijan\nPilsen,\nBremem,Germany\nXyzzy,\n"
_ADDED = ["country", "qid", "coordinates"]


@pytest.mark.skipif(openrefine.PROGRAM is None, reason="OpenRefine is not installed: apt-get install openrefine")
def test_openrefine_reconciles_and_extends(built: tuple[Releases, Release, Report], tmp_path: Path) -> None:
    """A column of names in three scripts gets its entities, and then their countries and Wikidata items."""
    with serving(built[0].root, engines=1) as server, openrefine.running(tmp_path) as refine:
        service = f"{server.url}/reconcile"
        spaces = {
            "identifierSpace": "https://w3id.org/citygraph/id/",
            "schemaSpace": "https://w3id.org/citygraph/ontology#",
        }
        project = refine.create("cities", _TABLE)
        config = {
            "mode": "standard-service", "service": service, **spaces, "type": {"id": "City", "name": "city"},
            "autoMatch": True, "limit": 0,
            "columnDetails": [{"column": "Country", "propertyID": "country", "propertyName": "country"}],
        }  # fmt: skip
        refine.reconcile(project, "City", config)
        recons = {row["City"]["v"]: row["City"]["recon"] for row in refine.rows(project)}
        matched = {name: recon["m"]["id"] for name, recon in recons.items() if recon["j"] == "matched"}
        assert matched == {"İZMİR": "city/izmir", "Smyrna": "city/izmir", "Баку": "city/baku", "Pilsen": "city/plzen"}
        assert recons["Bremem"]["c"][0]["id"] == "city/bremen"
        assert recons["Xyzzy"]["c"] == []
        refine.extend(project, "City", service, spaces, _ADDED)
        rows = refine.rows(project)
        assert rows[0]["country"]["v"] == "Türkiye"
        assert rows[0]["country"]["recon"]["m"]["id"] == "country/turkiye"
        assert [row["Wikidata item"]["v"] for row in rows[:4]] == ["Q35997", "Q35997", "Q9248", "Q43453"]
        assert rows[2]["coordinates"]["v"].startswith("40.")
