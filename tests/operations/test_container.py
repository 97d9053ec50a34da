"""The container as an administrator runs it: built from the Containerfile, confined, stopped, restarted."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator

import pytest

from citygraph import __version__
from tests.operations.containers import IMAGE, Container, ContainerTool, built_tool, started, write_instance

pytestmark = [pytest.mark.operations, pytest.mark.timeout(1800)]

_UPDATE = (
    'PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> INSERT DATA { GRAPH <%s> { <%s> rdfs:comment "Kept."@en } }'
)
_GRAPH = "https://w3id.org/citygraph/graph/of-the-container"
_CITY = "https://w3id.org/citygraph/id/city/izmir"


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> ContainerTool:
    """podman or docker with the image; without either, these tests are skipped."""
    return built_tool(tmp_path_factory.mktemp("podman"))


@pytest.fixture(scope="module")
def container(tool: ContainerTool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """The container with a small instance, mounted read-only."""
    instance = tmp_path_factory.mktemp("instance")
    write_instance(instance)
    with started(tool, "citygraph-test", f"--volume={instance}:/srv/citygraph:ro", "--memory=2g") as container:
        container.wait_until_ready()
        yield container


def get(url: str, accept: str = "*/*") -> str:
    """Returns a body."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=30) as response:
        return str(response.read().decode())


def count(container: Container) -> int:
    """Returns the number of comments, which an engine process counts."""
    query = "SELECT%20%3Fo%20%7B%3Fs%20rdfs%3Acomment%20%3Fo%20FILTER(%3Fo%20%3D%20%22Kept.%22%40en)%7D"
    prefix = "PREFIX%20rdfs%3A%20%3Chttp%3A%2F%2Fwww.w3.org%2F2000%2F01%2Frdf-schema%23%3E%20"
    return get(f"{container.url}/sparql?query={prefix}{query}", "text/csv").count("Kept.")


def test_image_is_described_and_small(tool: ContainerTool) -> None:
    """The labels have the version; the image has at most 600 MB with its base, and no Node."""
    [image] = json.loads(tool.run("image", "inspect", IMAGE).stdout)
    labels = image.get("Labels") or image["Config"]["Labels"]
    assert labels["org.opencontainers.image.version"] == __version__
    assert image["Size"] < 600e6
    assert "Healthcheck" in image or "Healthcheck" in image["Config"]
    done = tool.run("run", "--rm", "--entrypoint=sh", IMAGE, "-c", "command -v node npm gcc", check=False)
    assert done.stdout == ""


def test_container_serves_with_a_read_only_root(container: Container) -> None:
    """Pages, formats and queries by engines in their sandbox, as user 10001; only volume and /tmp can be written."""
    assert "İzmir" in get(f"{container.url}/doc/city/izmir", "text/turtle")
    assert count(container) == 0
    assert container.execute("id", "-u").stdout.strip() == "10001"
    for folder in ("/", "/opt/citygraph", "/srv/citygraph", "/var/log"):
        assert container.execute("touch", f"{folder}/new", check=False).returncode != 0, folder
    assert container.execute("touch", "/tmp/new").returncode == 0  # noqa: S108
    assert "front end" not in container.log()
    assert "sandbox" not in container.log()


def test_health_check_follows_the_server(container: Container) -> None:
    """The command of HEALTHCHECK ends with 0 while the server answers, with 2 when nothing listens."""
    assert container.execute("citygraph", "health").returncode == 0
    assert container.execute("citygraph", "health", "--url", "http://127.0.0.1:9", check=False).returncode == 2


def test_commits_survive_a_restart_and_the_end_is_quick(container: Container) -> None:
    """SIGTERM ends it with 0 within ten seconds; the volume keeps release, token and audit log."""
    token = container.execute("citygraph", "token", "make", "tester").stdout.split()[0]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/sparql-update"}
    update = (_UPDATE % (_GRAPH, _CITY)).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{container.url}/update", update, headers), timeout=60) as done:
        assert done.status < 300
    assert count(container) == 1
    begun = time.monotonic()
    container.tool.run("stop", "--time=30", container.name)
    assert time.monotonic() - begun < 10
    [state] = json.loads(container.tool.run("inspect", container.name).stdout)
    assert state["State"]["ExitCode"] == 0
    container.tool.run("start", container.name)
    container.wait_until_ready()
    assert count(container) == 1
    assert "tester" in container.execute("citygraph", "token", "list").stdout
    assert "tester" in container.execute("cat", "/var/lib/citygraph/audit.jsonl").stdout


def test_processes_that_are_killed_leave_no_zombies(container: Container) -> None:
    """The host of the engines is killed, and its engines end with it; the server is complete again (18 Deployment)."""
    before = count(container)
    # The supervisors of the engines are forks of the host, with its command line and later numbers.
    kill = (
        "import os, signal, pathlib\n"
        "files = pathlib.Path('/proc').glob('[0-9]*/cmdline')\n"
        "commands = {int(file.parent.name): file.read_text() for file in files}\n"
        "host = min(pid for pid, words in commands.items() if 'citygraph.engine.host' in words.split('\\0'))\n"
        "os.kill(host, signal.SIGKILL), print('killed')\n"
    )
    zombies = (
        "import pathlib, time\n"
        "time.sleep(3)\n"
        "stats = [path.read_text() for path in pathlib.Path('/proc').glob('[0-9]*/stat')]\n"
        "print(sum(stat.rpartition(')')[2].split()[0] == 'Z' for stat in stats))"
    )
    for _ in range(3):
        assert container.execute("/opt/citygraph/bin/python", "-c", kill).stdout == "killed\n"
        time.sleep(1)
    assert container.execute("/opt/citygraph/bin/python", "-c", zombies).stdout.strip() == "0"
    container.wait_until_ready()
    assert count(container) == before
