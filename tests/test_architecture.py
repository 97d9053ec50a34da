"""The design as a test: who may import whom, and who may touch what outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "citygraph"

# Lowest first. A module imports only from layers below its own, or from its own package.
LAYERS = [
    {"terms", "text", "progress", "digest", "earth"},
    {"report", "reconciliation.spelling", "pictures"},
    {"errors", "formats", "portable", "products.offers", "writing.change", "citing"},
    {
        "settings",
        "files",
        "release",
        "queries",
        "rules",
        "labels",
        "listing",
        "withdrawals",
        "products.lines",
        "reconciliation.facts",
        "reconciliation.reconcile",
        "reconciliation.decisions",
        "doctor",
        "prepared",
        "sparql.protocol",
    },
    {"search", "export", "validation", "describe", "vocabulary", "sparql", "products.changes"},
    {"products", "reconciliation"},
    {"writing", "history"},
    {"build", "wikidata", "jsonld", "adoption"},
    {"web"},
    {"serve", "freeze"},
    {"cli"},
]

# Outside package: the modules that may import it.
FENCES = {
    "flask": {"web"},
    "werkzeug": {"web"},
    "granian": {"serve"},
    "click": {"cli"},
    "rich": {"cli"},
    "pyshacl": {"validation"},
    "shifty": {"validation"},
    "rdflib": {"validation", "prepared", "sparql.clauses", "writing.dependencies", "writing.partial"},
    "subprocess": {"validation", "writing.writer", "writing.batch", "sparql"},
    "shutil": {"release", "freeze.folder"},
    "yaml": {"queries"},
    "anyascii": {"text"},
    "rapidfuzz": {"reconciliation.spelling"},
    "sqlite3": {"search", "listing", "writing.index"},
    "arro3": {"products.tables"},
    "pyseccomp": {"sparql"},
    "SPARQLWrapper": {"wikidata.client"},
    "pyspark": {"wikidata.spark"},
    "py4j": {"wikidata.spark"},
    "resvg_py": {"pictures.raster"},
    "babel": {"web"},
}

# What reaches other machines over HTTP, by the module of the standard library.
NETWORK = {
    "urllib.request": {"doctor.door", "reconciliation.remote"},
    "http.client": {"wikidata.client", "reconciliation.remote"},
}

MAX_LINES = 400
MAX_FUNCTION = 60
LONG = 35


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SRC.rglob("*.py")):
        name = ".".join(path.relative_to(SRC).with_suffix("").parts)
        yield name.removesuffix("__init__").rstrip("."), path


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(name: str) -> int:
    # The most exact name decides: sparql.protocol stands lower than the rest of its package.
    matches = [
        (len(member), number)
        for number, members in enumerate(LAYERS)
        for member in members
        if name == member or name.startswith(member + ".")
    ]
    assert matches, f"{name} is in no layer"
    return max(matches)[1]


def within(name: str, owners: set[str]) -> bool:
    return any(name == owner or name.startswith(owner + ".") for owner in owners)


NAMES = {name for name, _ in modules() if name}
CODE = [(name, path) for name, path in modules() if name not in ("", "__main__")]


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_imports_point_down(name: str, path: Path) -> None:
    """A module knows only what stands below it in the drawing of docs/architecture.md."""
    for target in imports(path):
        if not target.startswith("citygraph."):
            continue
        parts = target.split(".")[1:]
        other = next((".".join(parts[:n]) for n in (2, 1) if ".".join(parts[:n]) in NAMES), None)
        if other is None:
            continue  # a name of the package itself, such as __version__
        same_package = "." in name and other.split(".")[0] == name.split(".")[0]
        own_package = name in ("web", "doctor") and other.startswith(f"{name}.")
        assert same_package or own_package or layer(other) < layer(name), f"{name} imports {other}"


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_outside_packages_stay_behind_their_fence(name: str, path: Path) -> None:
    """What can do harm or may be exchanged one day is imported in one place."""
    for target in imports(path):
        owners = FENCES.get(target.split(".")[0])
        assert owners is None or within(name, owners), f"{name} imports {target}"


@pytest.mark.parametrize(("name", "path"), CODE, ids=[name for name, _ in CODE])
def test_each_flow_has_one_door_to_the_network(name: str, path: Path) -> None:
    """What asks other servers is found in one place each."""
    for target in imports(path):
        for module, owners in NETWORK.items():
            is_it = target == module or target.startswith(module + ".")
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
    """What divides good code from the field's ordinary is the tail: 90 % of functions under 35 lines."""
    lengths = [
        node.end_lineno - node.lineno + 1
        for _, path in CODE
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef) and node.end_lineno is not None
    ]
    assert sum(length < LONG for length in lengths) >= 0.9 * len(lengths)
