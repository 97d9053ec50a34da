"""The check of uploaded spreadsheets in a process of limited time and memory, by the code of the command line.

python -m citygraph.web.curate.upload_check    (reads a JSON object from standard input, and writes one)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyoxigraph import NamedNode

from citygraph.commit.outcomes import outcome_as_json, outcome_from_json
from citygraph.engine import sandbox
from citygraph.errors import CitygraphError, EngineFailed, LimitReached, UsageError
from citygraph.instance import current_instance
from citygraph.logs import start_logging
from citygraph.parent import die_with_parent
from citygraph.progress import Progress
from citygraph.rdf.terms import ID
from citygraph.release.releases import Release, Releases
from citygraph.settings import Settings, read_settings
from citygraph.sheets.check import CheckedSheets, Checker
from citygraph.sheets.checked_upload import CheckedUpload, as_nquad, upload_from_json
from citygraph.sheets.problem_workbook import write_problem_workbook
from citygraph.sheets.sheet_mapping import read_mapping
from citygraph.sheets.table_model import read_model
from citygraph.source.files import sources_of
from citygraph.web.view.translations import Translations

_MAPPING = ".toml"  # a file that `citygraph sheets map` proposed may be among the files


@dataclass(frozen=True)
class UploadOptions:
    """How uploaded files are read; `prefixes` are those of the graphs that the sender may write to."""

    language: str = "en"
    date_order: str = ""
    encoding: str = ""
    prefixes: tuple[str, ...] = ("",)
    complete: bool = False


def check_upload(files: Mapping[str, bytes], options: UploadOptions, settings: Settings, copy: Path) -> CheckedUpload:
    """Checks files by name, and writes the copy of the workbook with its problems, if there are any.

    Raises what a check raises, LimitReached, EngineFailed. The files are deleted before it returns.
    """
    with TemporaryDirectory(prefix="citygraph-upload-") as folder:
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        request = {"folder": folder, "files": list(files), "copy": str(copy), **asdict(options)}
        values = _run(json.dumps(request).encode(), settings)
    if "outcome" in values:
        error = outcome_from_json(values["outcome"])
        raise error if isinstance(error, CitygraphError) else EngineFailed("the check returned no result")
    return upload_from_json(values)


def _run(request: bytes, settings: Settings) -> dict[str, Any]:
    # A new process, not a fork: this one has threads, and stores that are open.
    process = subprocess.Popen(
        [sys.executable, "-m", "citygraph.web.curate.upload_check"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **settings.as_environment(), "RUST_BACKTRACE": "0"},
        start_new_session=True,
    )
    limit = settings.write_time_limit
    try:
        response, _ = process.communicate(request, limit)
    except subprocess.TimeoutExpired:
        # With the process that validates.
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise LimitReached("the check of the files was not finished in time", "time", limit, limit) from None
    if process.returncode:
        raise EngineFailed("the check of the files ended early: they may need more memory than is allowed")
    values: dict[str, Any] = json.loads(response)
    return values


def main() -> None:
    """Checks the files that standard input names, and writes the result to standard output."""
    start_logging("curate", read_settings())
    # A library that prints must not break the JSON: its output goes to standard error.
    writing = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    request, settings = json.load(sys.stdin.buffer), read_settings()
    die_with_parent(os.getppid())
    sandbox.limit_memory(settings.write_memory_limit)
    prefix = f"{request.pop('folder')}/"
    try:
        values = _checked(request, prefix, settings).as_json()
    except CitygraphError as error:
        values = {"outcome": outcome_as_json(error)}
    # The names of files as their sender knows them.
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        pipe.write(json.dumps(values, ensure_ascii=False).replace(json.dumps(prefix, ensure_ascii=False)[1:-1], ""))


def _checked(request: Mapping[str, Any], prefix: str, settings: Settings) -> CheckedUpload:
    release = Releases(settings.releases).current()
    instance, sources = current_instance(), sources_of(settings)
    model = read_model(sources.ontology, instance.languages)
    home = "" if instance.home == "auto" else ID + instance.home
    paths = [Path(prefix, name) for name in request["files"]]
    mappings = [path for path in paths if path.suffix.lower() == _MAPPING]
    if len(mappings) > 1:
        raise UsageError("two mappings were sent: one file of settings describes all spreadsheets")
    checker = Checker(
        model,
        sources,
        release,
        home,
        request["language"],
        request["date_order"],
        request["encoding"],
        read_mapping(mappings[0], model) if mappings else None,
        by_commit=True,
        prefixes=tuple(request["prefixes"]),
        complete=request["complete"],
    )
    checked = checker.check([path for path in paths if path not in mappings], Progress())
    if checked.problems:
        copy, translate = Path(request["copy"]), Translations(request["language"])
        write_problem_workbook(copy, checked.workbooks, checked.problems, translate)
    return _compared(checked, release, tuple(request["files"]))


def _compared(checked: CheckedSheets, release: Release, files: tuple[str, ...]) -> CheckedUpload:
    """Returns the result with its changes to the graphs of the release."""
    cells = {as_nquad(statement.quad): statement.address for statement in checked.statements}
    before, after = (list(map(as_nquad, quads)) for quads in (checked.before, checked.after))
    changed = set(before) ^ set(after)
    graphs = sorted({line.rpartition(" <")[2].rstrip(">") for line in (*cells, *changed)})
    store = release.open_store()
    existing = {graph for graph in graphs if store.contains_named_graph(NamedNode(graph))}
    return CheckedUpload(
        files,
        cells,
        checked.problems,
        checked.notes,
        added=tuple(sorted(set(after) - set(before))),
        removed=tuple(sorted(set(before) - set(after))),
        unchanged=tuple(
            sorted(line for line in set(after) - cells.keys() if line.endswith(tuple(f" <{g}>" for g in graphs)))
        ),
        versions={graph: release.version_of(graph) if graph in existing else "" for graph in graphs},
    )


if __name__ == "__main__":
    main()
