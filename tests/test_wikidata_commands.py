"""The commands about Wikidata, against an endpoint on this machine and the release of the İzmir graph."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyoxigraph import Store

from citygraph.build.build import check
from citygraph.progress import Progress
from citygraph.release.releases import Release, Releases
from citygraph.report import Report
from citygraph.source.files import Sources
from tests.commands import run as run_command
from tests.wikidata.conftest import DUMP
from tests.wikidata.endpoint import Endpoint, serving
from tests.wikidata.rdf_form import entity_quads

ROOT = Path(__file__).parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]


def item(qid: str, name: str, latitude: float, longitude: float, *partners: str) -> dict[str, object]:
    """A city there, with its point and its partners."""
    point = {"latitude": latitude, "longitude": longitude, "globe": "http://www.wikidata.org/entity/Q2"}
    values = [("P31", "wikibase-entityid", {"id": "Q515"}), ("P625", "globecoordinate", point)]
    values += [("P190", "wikibase-entityid", {"id": partner}) for partner in partners]
    claims: dict[str, list[object]] = {}
    for number, (property_, kind, value) in enumerate(values):
        snak = {"snaktype": "value", "property": property_, "datavalue": {"type": kind, "value": value}}
        claims.setdefault(property_, []).append({"id": f"{qid}${number}", "mainsnak": snak, "rank": "normal"})
    return {"id": qid, "labels": {"en": {"value": name}}, "claims": claims}


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    """İzmir and two of its partners, as they might stand there."""
    store = Store()
    store.extend(entity_quads(item("Q35997", "İzmir", 38.41, 27.14, "Q24879", "Q9248")))
    store.extend(entity_quads(item("Q24879", "Bremen", 53.08, 8.8, "Q35997")))
    store.extend(entity_quads(item("Q9248", "Baku", 40.37, 49.84)))
    with serving(store) as served:
        yield served


@pytest.fixture
def run(endpoint: Endpoint, built: tuple[Releases, Release, Report], tmp_path: Path) -> Run:
    """Runs `citygraph wikidata`; the answers are kept in a folder of the test."""
    environment = os.environ | {
        "CITYGRAPH_WIKIDATA_ENDPOINT": endpoint.address, "CITYGRAPH_WIKIDATA_CONTACT": "test@example.org",
        "CITYGRAPH_WIKIDATA_CACHE": str(tmp_path / "cache"), "CITYGRAPH_RELEASES": str(built[0].root),
        "COLUMNS": "200",
    }  # fmt: skip

    def call(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return run_command("wikidata", *arguments, environment=environment | more)

    return call


def test_diff_prints_a_table_and_keeps_it(run: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    """What is asked once is shown again in any form, and nobody is asked."""
    saved = tmp_path / "izmir.json"
    done = run("diff", "--city", "Q35997", "--state", "no-reverse", "--save", str(saved))
    assert done.returncode == 0, done.stderr
    assert "Baku (Q9248)" in done.stdout
    assert "1 finding(s): 1 no-reverse; Wikidata as of 20" in done.stderr
    asked = len(endpoint.queries)
    table = run("diff", "--saved", str(saved), "--format", "csv").stdout
    assert "missing-there,https://w3id.org/citygraph/id/city/izmir,Q35997,İzmir,sister city: start,Bremen" in table
    assert len(json.loads(run("diff", "--saved", str(saved), "--format", "json").stdout)["findings"]) > 50
    assert "dqv:QualityAnnotation" in run("diff", "--saved", str(saved), "--format", "trig").stdout
    assert len(endpoint.queries) == asked


def test_quickstatements_are_written_for_a_person(run: Run, tmp_path: Path) -> None:
    """A file for each batch, and a summary that says what was left out."""
    done = run(
        "quickstatements", "--city", "Q35997", "--only", "P190", "--only", "dates", "--into", str(tmp_path / "qs")
    )
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "qs").iterdir()) == [
        "01-sister-cities.txt", "02-dates-of-statements-that-are-there.txt", "summary.txt",
    ]  # fmt: skip
    reverse = (tmp_path / "qs" / "01-sister-cities.txt").read_text(encoding="utf-8")
    assert reverse.startswith("Q9248\tP190\tQ35997\t")
    assert 'S854\t"https://www.izmir.bel.tr/en/SisterCities/2145"\tS1476\ten:"Sister Cities Page"\t' in reverse
    assert "has no address" not in done.stderr
    assert "Left out: " in done.stderr
    csv = run("quickstatements", "--city", "Q35997", "--only", "dates", "--limit", "1", "--format", "csv").stdout
    assert csv.splitlines()[0] == "qid,P190,qal580,S1476,S813,S854,#"
    assert len(csv.splitlines()) == 2


def test_a_dump_and_a_saved_comparison_need_no_service(run: Run, endpoint: Endpoint, tmp_path: Path) -> None:
    """For both commands, with the same edits (13.23)."""
    dump, saved = tmp_path / "dump.json", tmp_path / "saved.json"
    items = [item("Q35997", "İzmir", 38.41, 27.14, "Q24879", "Q9248"), item("Q24879", "Bremen", 53.08, 8.8, "Q35997"),
             item("Q9248", "Baku", 40.37, 49.84)]  # fmt: skip
    lines = ",\n".join(json.dumps({"type": "item", **one}, separators=(",", ":")) for one in items)
    dump.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    offline = ("--city", "Q35997", "--dump", str(dump), "--retrieved", "2026-11-16T00:00:00Z", "--workers", "1")
    done = run("diff", *offline, "--save", str(saved), "--state", "no-reverse", CITYGRAPH_WIKIDATA_CONTACT="")
    assert "1 finding(s): 1 no-reverse; Wikidata as of 2026-11-16T00:00:00Z" in done.stderr, done.stderr
    only = ("--only", "P190")
    edits = [run("quickstatements", *only, *of) for of in (offline, ("--saved", str(saved)))]
    assert endpoint.queries == []
    edits.append(run("quickstatements", *only, "--city", "Q35997"))
    assert edits[0].stdout.startswith("Q9248\tP190\tQ35997\t")
    assert edits[0].stdout == edits[1].stdout == edits[2].stdout
    assert edits[0].stderr.endswith(edits[1].stderr)
    for wrong in (
        ("--saved", str(saved), "--all"),
        ("--dump", str(dump)),
        ("--retrieved", "2026-11-20T00:00:00Z"),
        ("--imported",),
    ):
        done = run("quickstatements", *wrong)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_second_file_for_an_imported_graph_is_named(run: Run, tmp_path: Path) -> None:
    """Such as one that an earlier version exported (13.21)."""
    data, dump = tmp_path / "data", tmp_path / "dump.json"
    data.mkdir()
    (data / "wikidata.trig").write_text("GRAPH <https://w3id.org/citygraph/source/wikidata> { <urn:a> <urn:b> 1 }")
    text = json.dumps({"type": "item", **item("Q35997", "İzmir", 38.41, 27.14, "Q24879")}, separators=(",", ":"))
    dump.write_text(f"[\n{text}\n]\n", encoding="utf-8")
    options = ("--retrieved", "2026-11-16T00:00:00Z", "--workers", "1")
    done = run("import-dump", str(dump), *options, CITYGRAPH_DATA=str(data))
    assert done.returncode == 0, done.stderr
    assert "data/wikidata.trig fills <https://w3id.org/citygraph/source/wikidata> too" in done.stderr
    assert (data / "sources" / "wikidata.nq").is_file()


def test_the_table_fits_a_narrow_terminal(run: Run, tmp_path: Path) -> None:
    """At 80 columns the finding of every row is whole (13.23)."""
    done = run("diff", "--city", "Q35997", COLUMNS="80")
    assert "missing-there" in done.stdout
    assert "deleted " in done.stdout
    assert "…" not in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_an_unreachable_service_is_reported_at_once(run: Run) -> None:
    """Not after all attempts (13.23)."""
    environment = os.environ | {
        "CITYGRAPH_WIKIDATA_ENDPOINT": "http://127.0.0.1:1/", "CITYGRAPH_WIKIDATA_CONTACT": "test@example.org",
    }  # fmt: skip
    command = [sys.executable, "-m", "citygraph.cli", "wikidata", "pull", "--city", "Q35997"]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(2)]
        process.kill()
    assert lines[0] == "querying http://127.0.0.1:1/\n"
    assert lines[1].endswith("attempt 2 of 8 in 1 s\n")


def test_wrong_use_is_one_line(run: Run) -> None:
    """No scope, two scopes, no contact, a file that is none."""
    for arguments, said in (
        (("pull", "--city", "Q1", "--languages", "en, gr"), "'gr' is not the tag of a language: did you mean 'el'?"),
        (("pull",), "name --city"), (("diff", "--all", "--city", "Q1"), "--all goes with neither"),
        (("diff", "--saved", "none.json"), "no such file"), (("diff", "--city", "İzmir"), "is not a Wikidata item"),
    ):  # fmt: skip
        done = run(*arguments)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert said in done.stderr
    assert "CITYGRAPH_WIKIDATA_CONTACT" in run("check", CITYGRAPH_WIKIDATA_CONTACT="").stderr


@pytest.mark.parametrize(
    "time", ["yesterday", "2026-11-16", "2026-13-16T00:00:00Z", "2026-11-16T00:00:00", "2999-01-01T00:00:00Z"]
)
def test_the_time_of_a_dump_is_checked_before_it_is_read(run: Run, tmp_path: Path, time: str) -> None:
    """The source states it as a dateTime, and a dump takes hours to read."""
    for arguments in (("import-dump", str(DUMP), "--into", str(tmp_path)), ("diff", "--dump", str(DUMP))):
        done = run(*arguments, "--retrieved", time)
        assert done.returncode == 2
        assert f"Invalid value for '--retrieved': {time!r}" in done.stderr or f"{time} is in the future" in done.stderr
    assert not list(tmp_path.glob("*.nq"))


@pytest.mark.parametrize("days", ["nan", "inf", "-1", "week", "1e9"])
def test_the_age_of_responses_is_a_number_of_days(run: Run, days: str) -> None:
    """Nothing is requested with another age."""
    done = run("check", "--max-age", days)
    assert done.returncode == 2
    assert f"{days!r} is not a number of days" in done.stderr


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"findings": [1], "retrieved": ""}', '{"findings": {"a": 1}}', "a table"]
)
def test_another_file_is_no_saved_comparison(run: Run, tmp_path: Path, text: str) -> None:
    """The message names the file and the command that writes one."""
    (tmp_path / "other.json").write_text(text)
    done = run("diff", "--saved", str(tmp_path / "other.json"))
    assert done.returncode == 2
    assert "other.json: this is not a saved comparison: `citygraph wikidata diff --save` writes one" in done.stderr


def test_the_check_is_ready_to_build(run: Run, tmp_path: Path) -> None:
    """The result stands in the data's folder, and conforms to every shape beside the data themselves."""
    data = tmp_path / "data"
    shutil.copytree(ROOT / "data", data, ignore=shutil.ignore_patterns("quality"))
    done = run("check", CITYGRAPH_DATA=str(data))
    assert done.returncode == 1, done.stderr
    assert "link(s), " in done.stderr
    text = (data / "quality" / "wikidata-links.trig").read_text(encoding="utf-8")
    assert text.count("finding:agrees") == 3
    report = check(Sources(data, ROOT / "ontology"), (), Progress())
    assert report.conforms, [result.messages for result in report.violations]
