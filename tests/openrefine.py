"""The real OpenRefine, started headless on loopback and driven through the HTTP API that its own pages use."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.running import free_port

PROGRAM = shutil.which("openrefine")
_ALL_ROWS = json.dumps({"facets": [], "mode": "row-based"})
_SECONDS = 90


class OpenRefine:
    """A running OpenRefine."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def create(self, name: str, table: str) -> str:
        """A project of a CSV text; answers its number."""
        options = {"separator": ",", "headerLines": 1, "encoding": "UTF-8"}
        parts = {"project-name": name, "format": "text/line-based/*sv", "options": json.dumps(options)}
        boundary = "citygraph-boundary"
        lines = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}'
            for key, value in parts.items()
        ]
        head = 'Content-Disposition: form-data; name="project-file"; filename="table.csv"\r\nContent-Type: text/csv'
        body = "\r\n".join([*lines, f"--{boundary}\r\n{head}\r\n\r\n{table}", f"--{boundary}--\r\n"]).encode()
        request = urllib.request.Request(
            f"{self._url}/command/core/create-project-from-upload?csrf_token={self._token()}",
            body,
            {"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        with urllib.request.urlopen(request, timeout=_SECONDS) as response:
            return str(parse_qs(urlsplit(response.url).query)["project"][0])

    def reconcile(self, project: str, column: str, config: dict[str, Any]) -> None:
        """Reconcile a column and wait until it is done."""
        self._post("reconcile", project, columnName=column, config=json.dumps(config), engine=_ALL_ROWS)
        self._wait(project)

    def extend(self, project: str, column: str, service: str, spaces: dict[str, str], properties: list[str]) -> None:
        """Add columns of properties behind a reconciled column, and wait until it is done."""
        extension = {"properties": [{"id": name, "name": name} for name in properties]}
        self._post("extend-data", project, baseColumnName=column, columnInsertIndex="1", endpoint=service,
                   engine=_ALL_ROWS, extension=json.dumps(extension), **spaces)  # fmt: skip
        self._wait(project)

    def rows(self, project: str) -> list[dict[str, dict[str, Any]]]:
        """The rows by the names of the columns; a reconciled cell has its judgement in `recon`."""
        columns = {c["cellIndex"]: c["name"] for c in self._get("get-models", project)["columnModel"]["columns"]}
        answer = self._get("get-rows", project, start="0", limit="100")
        found = []
        for row in answer["rows"]:
            cells = {columns[place]: dict(cell) for place, cell in enumerate(row["cells"]) if cell and place in columns}
            for cell in cells.values():
                if "r" in cell:
                    cell["recon"] = answer["pool"]["recons"][str(cell["r"])]
            found.append(cells)
        return found

    def is_up(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self._url}/command/core/get-version", timeout=5):
                return True
        except OSError:
            return False

    def _token(self) -> str:
        with urllib.request.urlopen(f"{self._url}/command/core/get-csrf-token", timeout=_SECONDS) as response:
            return str(json.load(response)["token"])

    def _get(self, command: str, project: str, **values: str) -> Any:
        url = f"{self._url}/command/core/{command}?{urlencode({'project': project, **values})}"
        with urllib.request.urlopen(url, timeout=_SECONDS) as response:
            return json.load(response)

    def _post(self, command: str, project: str, **values: str) -> None:
        form = urlencode({"csrf_token": self._token(), **values}).encode()
        url = f"{self._url}/command/core/{command}?project={project}"
        with urllib.request.urlopen(url, form, timeout=_SECONDS) as response:
            answer = json.load(response)
        assert answer["code"] in ("ok", "pending"), answer

    def _wait(self, project: str) -> None:
        end = time.monotonic() + _SECONDS
        while self._get("get-processes", project)["processes"]:
            assert time.monotonic() < end, "OpenRefine is not done"
            time.sleep(0.2)


@contextmanager
def running(folder: Path) -> Iterator[OpenRefine]:
    """OpenRefine with its projects in `folder`, until the block ends."""
    assert PROGRAM
    port = free_port()
    command = [
        PROGRAM,
        "-i",
        "127.0.0.1",
        "-p",
        str(port),
        "-m",
        "512M",
        "-d",
        str(folder),
        "-x",
        "refine.headless=true",
    ]
    with (folder / "openrefine.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, env={**os.environ, "HOME": str(folder)}
        )
    refine = OpenRefine(port)
    try:
        end = time.monotonic() + _SECONDS
        while not refine.is_up():
            assert process.poll() is None, (folder / "openrefine.log").read_text()
            assert time.monotonic() < end, (folder / "openrefine.log").read_text()
            time.sleep(0.3)
        yield refine
    finally:
        # The shell script and the virtual machine that it started are one group.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
