"""deploy/compose.yaml, run by podman-compose or docker: TLS, the cache, redirects, kills, and a second start."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.operations.containers import IMAGE, ROOT, ContainerTool, built_tool, debian, write_instance
from tests.running import port_free_now

pytestmark = [pytest.mark.operations, pytest.mark.timeout(1800)]

_FILE = ROOT / "deploy" / "compose.yaml"
_PROJECT = "citygraph-test-compose"
_NGINX = "localhost/citygraph-test-nginx"
# What Debian's nginx has elsewhere than that of the registry.
_LIKE_THE_PUBLIC_ONE = (
    'cd "$1" && rm -r etc/nginx/sites-enabled/default var/lib/nginx && mkdir -p var/cache/nginx '
    "&& ln -s ../cache/nginx var/lib/nginx "
    "&& ln -sf /dev/stdout var/log/nginx/access.log && ln -sf /dev/stderr var/log/nginx/error.log"
)
_UPDATE = (
    "PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> INSERT DATA { GRAPH "
    "<https://w3id.org/citygraph/graph/of-compose> { <https://w3id.org/citygraph/id/city/izmir> rdfs:comment "
    '"Kept."@en } }'
)
_DOCUMENT = "/doc/city/izmir.ttl"


@dataclass(frozen=True)
class Site:
    """The site of the compose file, as a client and as an administrator see it."""

    tool: ContainerTool
    environment: dict[str, str]
    trusting: ssl.SSLContext

    def compose(self, *arguments: str) -> None:
        """Runs `docker compose`, or podman-compose."""
        podman = [sys.executable, "-m", "podman_compose"]
        program = podman if self.tool.program == "podman" else ["docker", "compose"]
        command = [*program, "--file", str(_FILE), "--project-name", _PROJECT, *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr[-3000:]

    def container(self, service: str) -> str:
        """Returns the id of the container of a service."""
        label = f"--filter=label=com.docker.compose.service={service}"
        project = f"--filter=label=com.docker.compose.project={_PROJECT}"
        [container] = self.tool.run("ps", "--all", "--quiet", label, project).stdout.split()
        return container

    def execute(self, service: str, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command in the container of a service."""
        return self.tool.run("exec", self.container(service), *command, check=check)

    def inspect(self, service: str) -> dict[str, Any]:
        """Returns the state and configuration of a container."""
        [state] = json.loads(self.tool.run("inspect", self.container(service)).stdout)
        return dict(state)

    def kill(self, service: str) -> None:
        """Kills the main process of a container from outside, as a fault would, and waits for another one."""
        os.kill(before := self.inspect(service)["State"]["Pid"], signal.SIGKILL)
        deadline = time.monotonic() + 60
        while self.inspect(service)["State"]["Pid"] in {0, before}:
            assert time.monotonic() < deadline, f"{service} is not restarted"
            time.sleep(0.1)

    def start_again(self) -> None:
        """Removes the containers, and starts others with the same volumes."""
        self.compose("down")
        self.compose("up", "--detach", "--no-build")

    def get(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Message, str]:
        """Returns status, headers and body."""
        url = f"https://localhost:{self.environment['HTTPS_PORT']}{path}"
        request = urllib.request.Request(url, body, {key.replace("_", "-"): value for key, value in headers.items()})
        try:
            with urllib.request.urlopen(request, context=self.trusting, timeout=60) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read().decode()

    def wait_until_ready(self, seconds: float = 240) -> None:
        """Waits until the site answers through nginx and no part of it is missing, or fails with the logs."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.get("/ready")[0] == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > deadline:
                logs = (self.tool.run("logs", self.container(one), check=False) for one in ("citygraph", "nginx"))
                pytest.fail("\n".join(log.stdout[-2000:] + log.stderr[-2000:] for log in logs))
            time.sleep(0.2)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site with a small instance and a certificate by the command of docs/operations.md."""
    tool = built_tool(tmp_path_factory.mktemp("podman"))
    if tool.program == "podman" and importlib.util.find_spec("podman_compose") is None:
        pytest.skip("THE COMPOSE FILE IS NOT RUN: podman-compose is missing")
    instance, tls = tmp_path_factory.mktemp("instance"), tmp_path_factory.mktemp("tls")
    write_instance(instance)
    _make_certificate(tls)
    environment = {
        **tool.environment,
        "IMAGE": IMAGE,
        "NGINX_IMAGE": _nginx(tool),
        "INSTANCE": str(instance),
        "TLS": str(tls),
        "HTTP_PORT": str(port_free_now()),
        "HTTPS_PORT": str(port_free_now()),
    }
    site = Site(tool, environment, ssl.create_default_context(cafile=tls / "fullchain.pem"))
    site.compose("down", "--volumes")
    try:
        site.compose("up", "--detach", "--no-build")
        site.wait_until_ready()
        yield site
    finally:
        site.compose("down", "--volumes")


def _make_certificate(tls: Path) -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    [command] = re.findall(r"^openssl req .* deploy/tls/.*$", page, re.MULTILINE)
    subprocess.run(shlex.split(command.replace("deploy/tls", str(tls))), check=True, capture_output=True)
    if os.geteuid() == 0:
        # With docker the container's root does not own what a user has made.
        os.chown(tls / "privkey.pem", 12345, 12345)


def _nginx(tool: ContainerTool) -> str:
    """Returns the image of the compose file; without a registry, one made from Debian's nginx."""
    public = re.sub(r"\$\{\w+:-(.*)\}", r"\1", yaml.safe_load(_FILE.read_text())["services"]["nginx"]["image"])
    if tool.can_pull(public):
        return public
    return debian(tool, _NGINX, "nginx-light", _LIKE_THE_PUBLIC_ONE, '["nginx", "-g", "daemon off;"]')


def _token(site: Site) -> str:
    return site.execute("citygraph", "citygraph", "token", "make", f"tester-{time.time_ns()}").stdout.split()[0]


def test_site_is_served_with_tls_and_a_cache(site: Site) -> None:
    """(18 Deployment) The certificate is trusted, the second document comes from the cache, plain HTTP redirects."""
    assert [site.get(f"{_DOCUMENT}?first")[1]["X-Cache"] for _ in range(2)] == ["MISS", "HIT"]
    status, headers, body = site.get(_DOCUMENT)
    assert (status, "izmir" in body, bool(headers["X-Citygraph-Release"])) == (200, True, True)
    assert site.get("/metrics")[0] == 404
    plain = f"http://localhost:{site.environment['HTTP_PORT']}{_DOCUMENT}"
    with pytest.raises(urllib.error.HTTPError) as redirect:
        urllib.request.build_opener(_NoRedirects).open(plain, timeout=10)
    redirect.value.close()
    assert (redirect.value.code, redirect.value.headers["Location"][:8]) == (301, "https://")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follows no redirect."""


def test_containers_are_confined(site: Site) -> None:
    """(18 Deployment) Roots are read-only, the application is user 10001, only nginx has capabilities, and few."""
    for service in ("citygraph", "nginx"):
        assert site.execute(service, "touch", "/new", check=False).returncode != 0, service
        assert site.inspect(service)["HostConfig"]["ReadonlyRootfs"]
    assert site.execute("citygraph", "id", "-u").stdout.strip() == "10001"
    status = site.execute("citygraph", "cat", "/proc/1/status").stdout
    assert re.findall(r"^(?:CapEff|NoNewPrivs):\t(\w+)", status, re.MULTILINE) == ["0" * 16, "1"]
    workers = "grep -l '^Uid:.[1-9]' /proc/[0-9]*/status"
    # A process that ends meanwhile is an error of grep.
    assert site.execute("nginx", "sh", "-c", workers, check=False).stdout, "the workers of nginx are root"


def test_killed_containers_are_restarted_with_what_was_committed(site: Site) -> None:
    """(18 Deployment) After SIGKILL of either main process, and after `down` and `up`, a commit is still there."""
    token = _token(site)
    headers = {"Authorization": f"Bearer {token}", "Content_Type": "application/sparql-update"}
    status, _, body = site.get("/update", _UPDATE.encode(), **headers)
    assert status == 200, body
    for restart in (partial(site.kill, "citygraph"), partial(site.kill, "nginx"), site.start_again):
        restart()
        site.wait_until_ready(60)
        assert "Kept." in site.get(f"{_DOCUMENT}?{time.time_ns()}")[2]
    assert "tester" in site.execute("citygraph", "cat", "/var/lib/citygraph/audit.jsonl").stdout
