"""docs/operations.md, followed word for word on an empty Debian with systemd, in a container."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.operations.containers import ROOT, ContainerTool, container_tool, debian

pytestmark = [pytest.mark.operations, pytest.mark.timeout(3600)]

PAGE = (ROOT / "docs" / "operations.md").read_text()
_BLOCK = re.compile(
    r"<!-- not run here: tests/operations/test_machine\.py [^\n]*-->\n```sh\n(.*?)^```$", re.DOTALL | re.M
)
INSTALL, ADMINISTER, NGINX, UPGRADE = _BLOCK.findall(PAGE)
_NAME = "citygraph-test-machine"
_CERTIFICATES = "/etc/ssl/certs"


class Machine:
    """A Debian with systemd."""

    def __init__(self, tool: ContainerTool) -> None:
        self._tool = tool

    def run(self, script: str, check: bool = True, timeout: float = 1200) -> str:
        """Runs a script as root in the folder of the repository, to its first error. Returns what it writes."""
        certificates = f"{_CERTIFICATES}/ca-certificates.crt"
        variables = (
            f"NODE_EXTRA_CA_CERTS={certificates}",
            f"PIP_CERT={certificates}",
            "DEBIAN_FRONTEND=noninteractive",
        )
        options = ("--interactive", "--workdir=/root/citygraph", *(f"--env={one}" for one in variables))
        done = subprocess.run(
            [self._tool.program, "exec", *options, _NAME, "bash", "-e"],
            input=script,
            env=self._tool.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0 or not check, f"{script}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """An empty machine with the repository in /root/citygraph; without podman, these tests are skipped."""
    tool, problem = container_tool(tmp_path_factory.mktemp("podman"))
    if tool is None or tool.program != "podman":
        pytest.skip(f"docs/operations.md IS NOT FOLLOWED: {problem or 'systemd needs podman'}")
    image = debian(tool, "localhost/citygraph-empty-machine", "systemd,systemd-sysv,dbus,ca-certificates")
    trusted = (f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro",) if "SSL_CERT_FILE" in os.environ else ()
    tool.run("rm", "--force", "--volumes", _NAME, check=False)
    tool.run("run", "--detach", f"--name={_NAME}", "--privileged", "--systemd=always", *trusted, image, "/sbin/init")
    try:
        machine = Machine(tool)
        # Outside of a container systemd does this by itself. Credentials need it.
        tool.run("exec", _NAME, "mount", "--make-rshared", "/")
        tool.run("exec", _NAME, "mkdir", "/root/citygraph")
        files = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout  # noqa: S607
        subprocess.run(
            [tool.program, "exec", "--interactive", _NAME, "tar", "x", "-C", "/root/citygraph"],
            input=files,
            env=tool.environment,
            check=True,
        )
        yield machine
    finally:
        tool.run("rm", "--force", "--volumes", _NAME, check=False)


def test_page_is_followed_word_for_word(machine: Machine) -> None:
    """(18 Acceptance) Installation, administration, nginx and upgrade; then the sandbox, a kill and the end."""
    assert "active (running)" in machine.run(INSTALL)
    said = machine.run(ADMINISTER)
    assert "0 problem(s)" in said
    assert re.search(r"\n\S{30,}\n", said), "no token"
    assert "HTTP/2 200" in machine.run(NGINX)
    for part, state in json.loads(machine.run("citygraph health --ready"))["parts"].items():
        assert state == "ok", (part, state)
    token = machine.run("runuser -u citygraph -- sh -c 'cd /var/lib/citygraph; citygraph token make tester'").split()[0]
    update = (
        "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> INSERT DATA { GRAPH <https://w3id.org/citygraph/graph/x>"
    )
    update += ' { <https://w3id.org/citygraph/id/city/izmir> rdfs:comment "Kept."@en } }'
    machine.run(
        f"curl --fail -s -H 'Authorization: Bearer {token}' -H 'Content-Type: application/sparql-update' "
        f"--data-binary '{update}' http://127.0.0.1:8000/update"
    )
    # Engines are confined within the sandbox of the unit, and the service may write nowhere else.
    assert "keep their network" not in machine.run("journalctl --unit citygraph --no-pager")
    main = machine.run("systemctl show citygraph --property MainPID --value").strip()
    assert "Read-only" in machine.run(f"nsenter --mount --target {main} touch /etc/new", check=False)
    machine.run(f"kill -9 {main}; sleep 3")
    machine.run("for i in $(seq 60); do citygraph health --ready && exit 0; sleep 1; done; exit 1")
    machine.run(UPGRADE)
    assert "Kept." in machine.run("curl --fail -s http://127.0.0.1:8000/doc/city/izmir.ttl")
    machine.run("systemctl stop citygraph", timeout=60)
    assert "Result=success" in machine.run("systemctl show citygraph --property Result")
    assert machine.run("find /proc -maxdepth 1 -user citygraph", check=False).strip() == ""
