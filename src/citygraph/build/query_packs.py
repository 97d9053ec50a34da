"""Query packs: the stored queries of an instance, checked before a release is published, and all queries described.

Their runs are in another process, which can be ended when a query does not finish.
"""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from pyoxigraph import Literal, NamedNode, QuerySolutions, RdfFormat, Store, Triple, serialize

from citygraph.build.catalog import CATALOG
from citygraph.catalogues import for_instance
from citygraph.errors import BadData, QuerySyntaxError
from citygraph.parent import die_with_parent
from citygraph.rdf.terms import BASE, DATASET, DCAT, DCTERMS, LICENSE, PREFIXES, RDF
from citygraph.settings import Settings
from citygraph.source.files import Sources
from citygraph.source.queries import StoredQuery, line_of_key, read_query
from citygraph.source.reading import query_files_below
from citygraph.sparql.evaluate import evaluate_trusted

# The file of a release that describes the stored queries of its instance.
FILE = "queries.ttl"
VIEWS = ("table", "map", "timeline", "network", "chart")
_ROLES = ("name", "value", "by", "series")
# Evaluated by the build itself, with checks of their own.
_EVALUATED = ("tables/", "quality/")
_OPENAPI = NamedNode("https://spec.openapis.org/oas/v3.1.0")
_STARTING = 30.0  # seconds for the other process to begin


def check_heads(sources: Sources) -> list[tuple[Path, StoredQuery]]:
    """Returns the queries of the instance with their files.

    Raises BadData with file and line for a query that does not parse, or whose head does not fit it.
    """
    folder = sources.own_queries
    pack = []
    for path in query_files_below(folder) if folder else ():
        name = path.relative_to(folder or path).with_suffix("").as_posix()
        query = read_query(path, name)
        if not name.startswith(_EVALUATED):
            _check(path, query)
            pack.append((path, query))
    return pack


def check_runs(sources: Sources, store: Path, seconds: float = Settings.time_limit) -> int:
    """Runs the instance's queries on a store, each with a time limit in seconds, and returns their number.

    Raises BadData for a query that fails or does not finish.
    """
    pack = check_heads(sources)
    if not pack:
        return 0
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_run_all, args=(str(store), [query.text for _, query in pack], theirs, os.getpid()), daemon=True
    )
    process.start()
    theirs.close()
    try:
        _wait(ours, _STARTING, "the process that runs the queries did not start", pack[0][0])
        for path, _ in pack:
            _wait(ours, seconds, f"the query did not finish within {seconds:g} s with its default values", path)
    finally:
        process.kill()
        process.join()
        ours.close()
    return len(pack)


def write_descriptions(queries: list[StoredQuery], release: Path) -> None:
    """Writes the description of the stored queries into the folder of a release, as services of the dataset (DCAT)."""
    triples = [triple for query in queries if not query.name.startswith(_EVALUATED) for triple in _described(query)]
    with (release / FILE).open("wb") as file:
        serialize(triples, file, RdfFormat.TURTLE, prefixes=PREFIXES)


def _described(query: StoredQuery) -> Iterator[Triple]:
    node = NamedNode(f"{BASE}queries/{query.name}")
    yield Triple(CATALOG, DCAT("service"), node)
    yield Triple(node, RDF("type"), DCAT("DataService"))
    yield Triple(node, DCAT("endpointURL"), node)
    yield Triple(node, DCAT("endpointDescription"), NamedNode(f"{BASE}openapi.json"))
    yield Triple(node, DCAT("servesDataset"), DATASET)
    yield Triple(node, DCTERMS("conformsTo"), _OPENAPI)
    yield Triple(node, DCTERMS("license"), LICENSE)
    for predicate, texts in (("title", query.titles), ("description", query.descriptions)):
        for language, text in for_instance(texts).items():
            yield Triple(node, DCTERMS(predicate), Literal(" ".join(text.split()), language=language))


def _check(path: Path, query: StoredQuery) -> None:
    """Raises BadData if the text does not parse or the head names a variable, view or role that it does not have."""
    try:
        solutions = evaluate_trusted(Store(), query.text)
    except QuerySyntaxError as error:
        raise BadData(str(error), str(path), error.line) from None
    if query.view not in VIEWS:
        raise _bad(path, query, "view", f"the view {query.view!r} is unknown; there are {', '.join(VIEWS)}")
    body = "\n".join(line for line in query.text.splitlines() if not line.startswith("#"))
    for parameter in query.parameters:
        used = len(re.findall(rf"[?$]{re.escape(parameter.name)}\b", body))
        if body.count(f"VALUES ?{parameter.name} {{") != 1 or used < 2:
            why = f"the parameter {parameter.name!r} needs one line VALUES ?{parameter.name} {{ … }}, and a use"
            raise _bad(path, query, parameter.name, why)
    if not isinstance(solutions, QuerySolutions):
        return
    selected = {variable.value for variable in solutions.variables}
    for column in query.columns:
        if column.name not in selected:
            why = f"the query does not select the column {column.name!r}; it selects {', '.join(sorted(selected))}"
            raise _bad(path, query, column.name, why)
    for role, name in query.picture.items():
        if role not in _ROLES or name not in selected:
            raise _bad(path, query, "picture", f"picture has {role}: {name}, which the query does not select")


def _bad(path: Path, query: StoredQuery, key: str, why: str) -> BadData:
    """Returns the error at the line of the head with this key."""
    return BadData(why, str(path), line_of_key(query.text, key))


def _wait(results: Connection, seconds: float, late: str, path: Path) -> None:
    """Raises BadData unless a result without an error comes in time."""
    if not results.poll(seconds):
        raise BadData(late, str(path))
    if failure := results.recv():
        raise BadData(failure, str(path))


def _run_all(store: str, texts: list[str], results: Connection, parent: int) -> None:
    """Evaluates each query to its last row, in the child process, and sends "" or the error."""
    die_with_parent(parent)
    opened = Store.read_only(store)
    results.send("")
    for text in texts:
        try:
            found = evaluate_trusted(opened, text)
            if isinstance(found, QuerySolutions):
                sum(1 for _ in found)
        except (QuerySyntaxError, OSError, ValueError, RuntimeError) as error:
            results.send(f"the query failed: {error}")
        else:
            results.send("")
