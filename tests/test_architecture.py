"""The design as a test: which package may import which, and which module may use which outside library."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "citygraph"

# From the top down, as docs/architecture.md draws it. A package imports only itself and packages after it.
PACKAGES = (
    "cli",
    "starter",
    "serve",
    "server",
    "metrics_server",
    "mcp",
    "local_graph",
    "freeze",
    "web",
    "web.curate",
    "web.time",
    "web.documents",
    "web.sparql",
    "web.search",
    "web.pages",
    "web.kinds",
    "web.view",
    "web.http",
    "sheets",
    "wikidata",
    "backup",
    "storage",
    "commit",
    "incremental",
    "stores",
    "engine",
    "build",
    "source",
    "matching",
    "index",
    "graph",
    "release",
    "sparql",
    "exports",
    "charts",
    "doctor",
    "client",
    "service_manager",
    "audit_log",
    "traces",
    "logs",
    "settings",
    "setting_rules",
    "shared_counts",
    "errors",
    "parent",
    "report",
    "progress",
    "rdf",
    "catalogues",
    "instance",
    "instance_file",
    "saving",
    "compiled_file",
    "bounded_cache",
    "text",
    "geo",
)

# Outside package: the modules that may import it.
FENCES = {
    "flask": {"web"},
    "werkzeug": {"web", "freeze.local_client", "local_graph"},
    "uvicorn": {"server"},
    "httptools": {"server"},
    "uvloop": {"server"},
    "opentelemetry": {"traces"},
    "prometheus_client": {"web.sparql.server_metrics"},
    "click": {"cli"},
    "rich": {"cli"},
    "pyshacl": {"build.validation", "build.adapted_pyshacl", "build.engine_results"},
    "shifty": {"build.validation"},
    "rdflib": {
        "build.validation",
        "build.adapted_pyshacl",
        "build.engine_results",
        "build.dependencies",
        "build.key_reads",
        "build.query_algebra",
        "build.shape_dependencies",
        "build.subject_counts",
    },
    "subprocess": {
        "build.store_writing",
        "build.validation",
        "commit.writer",
        "commit.batch",
        "engine",
        "sheets.limited_reading",
        "web.curate.upload_check",
    },
    "shutil": {
        "build.graph_files",
        "release.releases",
        "release.interrupted_build",
        "freeze.folder",
        "engine.process",
        "engine.counting_build",
    },
    "yaml": {"source.queries"},
    "anyascii": {"text"},
    "rapidfuzz": {"index.spelling"},
    "sqlite3": {"index", "incremental.index_update", "exports.geopackage"},
    "arro3": {"build.tables", "exports.parquet"},
    "python_calamine": {"sheets.workbook"},
    "tomlkit": {"instance_file"},
    "xlsxwriter": {"sheets.xlsx_files", "sheets.problem_workbook", "exports.xlsx"},
    "pyseccomp": {"engine.sandbox"},
    "mcp": {"mcp"},
    "obstore": {"storage.bucket_store"},
    "pydantic": {"mcp"},
    "SPARQLWrapper": {"wikidata.client", "client.web_exchange"},
    "sparq": {"sparql.counting_store"},
    "pyspark": {"wikidata.spark"},
    "py4j": {"wikidata.spark"},
    "resvg_py": {"charts.card"},
    "babel": {"web", "catalogues", "text", "source.instance_languages", "sheets.gazetteer"},
    # What reaches other machines over HTTP.
    "urllib.request": {"doctor.fetching", "stores.store_service", "matching.remote", "client.web_exchange"},
    "http.client": {"wikidata.client", "stores.store_service", "matching.remote", "client.web_exchange"},
}

MAX_LINES = 400
MAX_FUNCTION = 60
LONG = 35
MAX_MODULES = 430


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SRC.rglob("*.py")):
        name = ".".join(path.relative_to(SRC).with_suffix("").parts)
        yield name.removesuffix("__init__").rstrip("."), path


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def package_of(name: str) -> str:
    """Returns the entry of PACKAGES that a dotted module or imported name belongs to."""
    first, second = (*name.split("."), "")[:2]
    return f"web.{second}" if first == "web" and f"web.{second}" in PACKAGES else first


def within(name: str, owners: set[str]) -> bool:
    return any(name == owner or name.startswith(owner + ".") for owner in owners)


CODE = [(name, path) for name, path in modules() if name]


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_imports_point_down(name: str, path: Path) -> None:
    """A package imports only packages below it in the drawing."""
    place = PACKAGES.index(package_of(name))
    for target in imports(path):
        package = package_of(target.removeprefix("citygraph."))
        if target.startswith("citygraph.") and package in PACKAGES:
            assert PACKAGES.index(package) >= place, f"{name} imports {target}"


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_outside_packages_stay_behind_their_fence(name: str, path: Path) -> None:
    """A library that can do harm, or may be exchanged one day, is imported in one place."""
    for target in imports(path):
        for package, owners in FENCES.items():
            is_it = target == package or target.startswith(package + ".")
            assert not is_it or within(name, owners), f"{name} imports {target}"


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_module_says_what_it_is_and_stays_small(name: str, path: Path) -> None:
    """A module opens with a sentence, has at most 400 lines, and no function of more than 60."""
    text = path.read_text()
    tree = parsed(path)
    assert ast.get_docstring(tree) or not text.strip(), f"{name} has no docstring"
    assert text.count("\n") <= MAX_LINES, f"{name} is too long"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{name}.{node.name} has {length} lines"


def test_nine_functions_in_ten_are_short() -> None:
    """90 % of the functions have fewer than 35 lines."""
    lengths = [
        node.end_lineno - node.lineno + 1
        for _, path in CODE
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    ]
    assert sum(length < LONG for length in lengths) >= 0.9 * len(lengths)


def test_a_public_class_name_has_one_meaning() -> None:
    """No two modules define a public class of the same name."""
    names = Counter(
        node.name
        for _, path in CODE
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_a_file_name_is_unique() -> None:
    """No two modules have the same file name, and there are at most MAX_MODULES."""
    names = Counter(path.name for _, path in CODE if path.name != "__init__.py")
    assert [name for name, count in names.items() if count > 1] == []
    assert names.total() <= MAX_MODULES


WALKS = {"A query text": 12, "An entity slug": 25, "An update": 18, "A value": 14}


@pytest.mark.parametrize("title", WALKS)
def test_a_walk_in_the_documentation_is_short_and_names_what_exists(title: str) -> None:
    """Each walk of docs/architecture.md names functions that its files define, and few files."""
    page = (SRC.parents[1] / "docs" / "architecture.md").read_text()
    walk = re.split(r"\n(?:\*\*|## )", page.partition(f"**{title}**")[2])[0]
    items = "\n".join(line for line in walk.splitlines() if re.match(r"\d+\. |   ", line))
    words = re.findall(r"`([^` ]+)`", items)
    paths = {word for word in words if word.endswith(".py")}
    assert 0 < len(paths) <= WALKS[title]
    defined = {
        node.name
        for path in paths
        for node in ast.walk(parsed(SRC / path))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    assert {name for word in words if not word.endswith(".py") for name in word.split(".")} <= defined
