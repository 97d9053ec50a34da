"""Makes an archive of releases as a version of citygraph made them: `python tests/releases/make.py COMMIT NAME`.

The code of the commit builds the small graph of its tests/small.py, serves it, and takes a commit: two releases. The
archive is tests/releases/NAME.tar.xz, without dumps and tables, which no test needs, and without the logs of RocksDB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
_UPDATE = (
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> INSERT DATA { GRAPH <https://w3id.org/citygraph/graph/kept> "
    '{ <https://w3id.org/citygraph/id/city/izmir> rdfs:comment "Kept."@en } }'
)
_MAKING = f"""
import sys
from pathlib import Path
from tests.small import small_site
with small_site(Path(sys.argv[1])) as site:
    reply = site.update({_UPDATE!r})
    assert reply.status == 200, reply.body
"""
_LEFT_OUT = ("dumps", "tables")


def make(commit: str, name: str) -> Path:
    """Writes the archive of a commit's releases and returns its path."""
    with tempfile.TemporaryDirectory() as folder:
        checkout, made = Path(folder, "checkout"), Path(folder, "made")
        checkout.mkdir()
        archive = subprocess.run(["git", "archive", commit], cwd=HERE.parents[1], capture_output=True, check=True)  # noqa: S607
        subprocess.run(["tar", "x"], input=archive.stdout, cwd=checkout, check=True)  # noqa: S607
        environment = {**os.environ, "PYTHONPATH": f"{checkout}/src:{checkout}"}
        subprocess.run([sys.executable, "-c", _MAKING, str(made)], cwd=checkout, env=environment, check=True)
        target = HERE / f"{name}.tar.xz"
        with tarfile.open(target, "w:xz", preset=9) as packed:
            packed.add(made / "releases", "releases", filter=_wanted)
    return target


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = Path(member.name).parts
    if any(part in _LEFT_OUT or part.startswith("LOG") for part in parts) or parts[-1].startswith("."):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    path = make(*sys.argv[1:])
    print(f"{path}: {path.stat().st_size:,} bytes")  # noqa: T201
