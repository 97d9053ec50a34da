"""Builds the front end with Node while the package is installed or made into a wheel; without Node it says so."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SECONDS = 300
_BUILT = Path("src/citygraph/web/static/built")
# What `citygraph serve` says at its start, for pip shows nothing of a build that went well.
_PROBLEM = "problem.txt"
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


class FrontEnd(BuildHookInterface[Any]):
    """`npm ci` and `node build.mjs` in web/. What is not built the site does without (docs/web.md)."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, or note why not: an installation never fails for the sake of the front end."""
        del version, build_data
        root = Path(self.root)
        problem = _build(root / "web")
        if problem:
            self.app.display_warning(f"workbench, fonts and outlines are not built: {problem} (docs/web.md)")
            (root / _BUILT).mkdir(parents=True, exist_ok=True)
            (root / _BUILT / _PROBLEM).write_text(problem + "\n", encoding="utf-8")


def _build(web: Path) -> str:
    """Build the front end; answers what stood in the way, or nothing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node:
        return "Node is missing"
    if not _is_installed(web):
        if not npm:
            return "npm is missing"
        if problem := _run([npm, *_INSTALL], web):
            return problem
    return _run([node, "build.mjs"], web)


def _is_installed(web: Path) -> bool:
    """Whether the packages are there as the lock has them: npm writes its own list last."""
    written = web / "node_modules" / ".package-lock.json"
    return written.is_file() and written.stat().st_mtime >= (web / "package-lock.json").stat().st_mtime


def _run(command: list[str], folder: Path) -> str:
    """Run a command; answers why it failed, or nothing."""
    name = f"`{Path(command[0]).name} {command[1]}`"
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{name} failed: {error}"
    return f"{name} failed: {_reason(done.stderr)}" if done.returncode else ""


def _reason(said: str) -> str:
    """The first line that tells what is wrong."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.casefold()]
    return next(iter([*errors, *lines]), "it gave no reason")[:200]
