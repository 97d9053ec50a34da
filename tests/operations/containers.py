"""podman or docker for tests: which one works here, the image of this version, and containers that run it."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.running import port_free_now
from tests.small import write_files

ROOT = Path(__file__).parents[2]
IMAGE = "localhost/citygraph-test"
_BASE = "localhost/citygraph-test-base"
_CERTIFICATES = "/etc/ssl/certs"
# As docs/operations.md runs it.
CONFINED = ("--read-only", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges")


@dataclass(frozen=True)
class ContainerTool:
    """podman or docker, with the environment that it needs here."""

    program: str
    environment: dict[str, str]

    def run(self, *arguments: str, check: bool = True, timeout: float = 60) -> subprocess.CompletedProcess[str]:
        """Runs a command of the tool."""
        done = subprocess.run(
            [self.program, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{self.program} {' '.join(arguments)}: {done.stderr[-3000:]}"
        return done

    def build(self) -> None:
        """Builds the image of this version. Steps that were built before are taken from the tool's cache."""
        certificates: tuple[str, ...] = ()
        if self.program == "podman" and "SSL_CERT_FILE" in os.environ:
            # The machine trusts an authority of its own.
            certificates = (
                f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro",
                f"--env=NODE_EXTRA_CA_CERTS={_CERTIFICATES}/ca-certificates.crt",
            )
        form = ("--format=docker",) if self.program == "podman" else ()
        base = (f"--build-arg=BASE={self._base()}",)
        self.run(
            *("build", "--file", str(ROOT / "Containerfile"), "--tag", IMAGE, *form, *base, *certificates, str(ROOT)),
            timeout=1500,
        )

    def _base(self) -> str:
        """Returns the image of the Containerfile; without a registry, one made from Debian's packages."""
        public = (ROOT / "Containerfile").read_text().partition("ARG BASE=")[2].split()[0]
        return public if self.can_pull(public) else debian(self, _BASE, "python3,python3-venv,ca-certificates")

    def can_pull(self, image: str) -> bool:
        """Returns whether a registry gives an image."""
        return self.run("pull", "--quiet", image, check=False, timeout=300).returncode == 0


@dataclass(frozen=True)
class Container:
    """A running container that serves."""

    tool: ContainerTool
    name: str
    port: int

    @property
    def url(self) -> str:
        """Returns the address of the site."""
        return f"http://127.0.0.1:{self.port}"

    def execute(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command in the container."""
        return self.tool.run("exec", self.name, *command, check=check)

    def log(self) -> str:
        """Returns what the container has written."""
        done = self.tool.run("logs", self.name)
        return done.stdout + done.stderr

    def wait_until_ready(self, seconds: float = 120) -> None:
        """Waits until the site answers, or fails with the log."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5) as response:
                    if response.status == 200:
                        return
            except OSError:
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.2)


def debian(tool: ContainerTool, image: str, packages: str, script: str = "true", command: str = "") -> str:
    """Returns an image of Debian with these packages, which is made the first time.

    The script changes the folder $1, which has its files. The command, a list of JSON, is what its containers run.
    """
    if tool.run("image", "inspect", image, check=False).returncode:
        program = shutil.which("mmdebstrap") or pytest.skip("NO CONTAINER IS TESTED: mmdebstrap is missing")
        archive = ROOT / "var" / "test-image.tar"
        archive.parent.mkdir(exist_ok=True)
        subprocess.run(
            [
                *(program, "--quiet", "--variant=minbase", f"--include={packages}", f"--customize-hook={script}"),
                *("bookworm", str(archive)),
            ],
            check=True,
            timeout=900,
        )
        tool.run("import", *([f"--change=CMD {command}"] if command else []), str(archive), image, timeout=300)
        archive.unlink()
    return image


@contextmanager
def started(tool: ContainerTool, name: str, *options: str, command: Sequence[str] = ()) -> Iterator[Container]:
    """A container of the image with the options of docs/operations.md, which is removed with its volumes afterwards."""
    port = port_free_now()
    tool.run("rm", "--force", "--volumes", name, check=False)
    published = f"--publish=127.0.0.1:{port}:8000"
    tool.run("run", "--detach", f"--name={name}", *CONFINED, published, *options, IMAGE, *command)
    try:
        yield Container(tool, name, port)
    finally:
        tool.run("rm", "--force", "--volumes", name, check=False)


def built_tool(folder: Path) -> ContainerTool:
    """Returns podman or docker, which has built the image of this version; without either, skips the test."""
    tool, problem = container_tool(folder)
    if tool is None:
        pytest.skip(f"THE CONTAINER IS NOT TESTED: {problem}")
    tool.build()
    return tool


def write_instance(folder: Path) -> None:
    """Writes a small instance that the user of a container can read."""
    write_files(folder)
    shutil.copy(ROOT / "citygraph.toml", folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for parent in folder.parents[:2]:
        parent.chmod(0o755)


def container_tool(folder: Path) -> tuple[ContainerTool | None, str]:
    """Returns a tool that works here, or None and the reason why there is none."""
    problems = []
    for program in ("podman", "docker"):
        if shutil.which(program) is None:
            problems.append(f"{program} is not installed")
            continue
        tool = ContainerTool(program, {**os.environ, "CONTAINERS_CONF": str(_configuration(folder))})
        done = tool.run("info", check=False)
        if done.returncode == 0:
            return tool, ""
        problems.append(f"{program} does not work: {done.stderr.strip()[:200]}")
    return None, "; ".join(problems)


def _configuration(folder: Path) -> Path:
    """Writes settings of podman for a machine that may not raise limits, with runc, which knows both cgroups."""
    files, processes = (resource.getrlimit(one)[1] for one in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    limits = f'"nofile={files}:{files}", "nproc={min(processes, 10000)}:{min(processes, 10000)}"'
    runtime = '[engine]\nruntime = "runc"\n' if shutil.which("runc") else ""
    path = folder / "containers.conf"
    path.write_text(f"[containers]\ndefault_ulimits = [{limits}]\n{runtime}")
    return path
