"""The notebooks in docs/notebooks: each runs against a site, and has a figure, prose and the citation of its result."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyoxigraph import Quad, parse

from citygraph.rdf.terms import CG, RDF
from citygraph.release.releases import Release
from citygraph.wikidata.dump import LocalEngine, import_dump
from tests.running import Running, serving
from tests.world import publish

pytest.importorskip("matplotlib", reason="the notebooks draw with matplotlib (the extra `notebooks`)")

REPOSITORY = Path(__file__).parents[1]
FOLDER = REPOSITORY / "docs" / "notebooks"
NOTEBOOKS = sorted(path.stem for path in FOLDER.glob("*.py"))
OF_IZMIR = [name for name in NOTEBOOKS if name not in ("names-to-table", "world-network-2016")]
TWINNINGS = REPOSITORY.parent / "shared" / "realdata" / "L3viathan__sister-cities"
_CELL = re.compile(r"^# %%( \[markdown\])?$", re.MULTILINE)
# Runs a notebook as a program, and shows the last expression of each cell as Jupyter does. An empty table is an error.
_RUNNER = """
import ast, sys
path = sys.argv[1]
names = {"__name__": "__main__"}
for cell in open(path, encoding="utf-8").read().split("\\n# %%"):
    if cell.startswith(" [markdown]"):
        continue
    tree = ast.parse("#" + cell, path)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, path, "exec"), names)
    if last is not None:
        shown = eval(compile(ast.Expression(last.value), path, "eval"), names)
        if hasattr(shown, "columns") and not len(shown):
            raise SystemExit(f"an empty table: {ast.unparse(last)}")
        if shown is not None:
            print(shown)
"""


def run(name: str, site: str, folder: Path) -> str:
    """Returns what a notebook prints; warnings are errors, but for files that wait to be closed."""
    shutil.copy(FOLDER / "print.mplstyle", folder)
    warnings = ("-W", "error", "-W", "ignore::ResourceWarning")
    command = [sys.executable, *warnings, "-c", _RUNNER, str(FOLDER / f"{name}.py")]
    environment = {**os.environ, "MPLBACKEND": "Agg", "CITYGRAPH_URL": site}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


def assert_figure_and_citation(name: str, printed: str, folder: Path, release: str) -> None:
    assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF-")
    citation = printed.splitlines()[-1]
    assert f" Release {release}, " in citation
    assert re.search(r" https://\S+/results/[0-9a-f]{32} \(accessed ", citation)


@pytest.mark.parametrize("name", OF_IZMIR)
def test_a_notebook_has_results_a_figure_and_a_citation(
    name: str, izmir_site: Running, izmir: Release, tmp_path: Path
) -> None:
    """(17) Without warnings and empty tables; the figure is a vector file, the citation names the release."""
    assert_figure_and_citation(name, run(name, izmir_site.url, tmp_path), tmp_path, izmir.id)


def test_the_table_of_names_is_whole(izmir_site: Running, izmir: Release, tmp_path: Path) -> None:
    """(17) From a spreadsheet of names to a joined table: as many rows as names, each with what the graph has."""
    printed = run("names-to-table", izmir_site.url, tmp_path)
    assert_figure_and_citation("names-to-table", printed, tmp_path, izmir.id)
    header, *rows = (tmp_path / "joined.csv").read_text("utf-8").splitlines()
    assert header == "City,city,label,kilometres,country,start,firstDay,state"
    assert len(rows) == 16
    assert "Bombay,https://w3id.org/citygraph/id/city/mumbai,Mumbai,4889.0,India,1997-03-13,1997-03-13,active" in rows
    assert "Wien,,,,,,," in rows


@pytest.fixture(scope="module")
def twinnings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Release]]:
    """A site with the twinnings of 2016 among the 150 best connected places of Natural Earth."""
    if not TWINNINGS.is_dir():
        pytest.skip(f"there are no twinnings of 2016 in {TWINNINGS}")
    folder = tmp_path_factory.mktemp("twinnings")
    script = REPOSITORY / "examples" / "twinnings-2016" / "make_dump.py"
    with (folder / "dump.json").open("wb") as dump:
        subprocess.run([sys.executable, str(script), str(TWINNINGS), "150"], stdout=dump, check=True)
    source = import_dump(
        str(folder / "dump.json"), list, folder, retrieved="2016-09-12T00:00:00Z", engine=LocalEngine(1)
    )
    named = list(parse(path=source.path))
    # With what a build derives, as far as the queries read it.
    merged = {Quad(quad.subject, quad.predicate, quad.object) for quad in named}
    merged |= {Quad(quad.subject, RDF("type"), CG("Agreement")) for quad in merged if quad.predicate == CG("party")}
    merged |= {Quad(quad.subject, RDF("type"), CG("Place")) for quad in merged if quad.predicate == CG("country")}
    release = publish([*named, *merged], folder / "releases", derived=False)
    with serving(folder / "releases", workers=1, engines=1) as running:
        yield running, release


def test_the_world_network_of_2016(twinnings: tuple[Running, Release], tmp_path: Path) -> None:
    """(17) Communities, distances and blocs of real twinnings, with a map."""
    running, release = twinnings
    printed = run("world-network-2016", running.url, tmp_path)
    assert_figure_and_citation("world-network-2016", printed, tmp_path, release.id)
    assert (tmp_path / "world-network-2016-communities.pdf").stat().st_size > 5000
    assert "150 places, " in printed
    near, by_chance = re.findall(r"[\d,]+(?= km)", printed)
    assert int(near.replace(",", "")) < int(by_chance.replace(",", ""))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_explains_itself(name: str) -> None:
    """(17) Question, data, method, reading or limits, and citation as prose; docstrings where there are functions."""
    _, *cells = _CELL.split((FOLDER / f"{name}.py").read_text("utf-8"))
    prose = "\n".join(text for is_prose, text in zip(cells[::2], cells[1::2], strict=True) if is_prose)
    for part in ("# # ", "**Question.**", "**Data.**", "## Method", "## Reading", "## Limits", "## Citation"):
        assert part in prose, part
    code = ast.parse("".join(text for is_prose, text in zip(cells[::2], cells[1::2], strict=True) if not is_prose))
    assert all(ast.get_docstring(node) for node in ast.walk(code) if isinstance(node, ast.FunctionDef))
    assert f"({name}.py)" in (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.slow
def test_a_notebook_runs_in_jupyter(izmir_site: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """(17) As a real notebook, made by jupytext: its figure is in the notebook."""
    jupytext = pytest.importorskip("jupytext")
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.setenv("CITYGRAPH_URL", izmir_site.url)
    shutil.copy(FOLDER / "print.mplstyle", tmp_path)
    notebook = jupytext.read(FOLDER / "act-to-signature.py")
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    assert "/results/" in outputs[-1]["text"]
