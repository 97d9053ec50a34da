"""The files for operators: container, compose file, nginx and systemd units. `tests/operations` runs the container."""

from __future__ import annotations

import re
import shlex
import shutil
import ssl
import subprocess
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from citygraph import __version__
from citygraph.cli.main import main
from citygraph.settings import Settings, read_settings
from tests.proxy import NGINX, running_nginx
from tests.running import Running, free_port

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
CONTAINERFILE = (ROOT / "Containerfile").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
ANALYZE = shutil.which("systemd-analyze")
UNITS = sorted((DEPLOY / "systemd").iterdir())

needs_nginx = pytest.mark.skipif(NGINX is None, reason="NGINX IS NOT INSTALLED: its configuration is not tested")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze IS MISSING: the units are not verified")


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Containerfile, with lines joined and without comments."""
    text = re.sub(r"^#.*\n", "", CONTAINERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(word, rest.strip()) for line in text.splitlines() if line for word, _, rest in [line.partition(" ")]]


def test_container_has_this_version_and_settings_that_exist() -> None:
    """(18 Deployment) The label equals the version; each variable is a setting; the user is a number."""
    assert ("ARG", f"VERSION={__version__}") in instructions()
    variables = dict(pair.split("=", 1) for word, rest in instructions() if word == "ENV" for pair in shlex.split(rest))
    settings = read_settings(variables, {})
    assert settings.host == "0.0.0.0"
    for name in ("releases", "tokens", "audit", "wikidata_cache", "wikidata_comparison"):
        assert getattr(settings, name).is_relative_to("/var/lib/citygraph"), f"{name} is outside of the volume"
    # A new file that the server writes belongs into the volume.
    relative = {f for f, value in vars(Settings()).items() if isinstance(value, Path) and value.parts[0] == "var"}
    assert relative <= {name.removeprefix("CITYGRAPH_").lower() for name in variables}
    assert ("USER", "10001:10001") in instructions()


def test_container_is_checked_by_a_command_of_its_own() -> None:
    """(18 Deployment) The health check needs no other program, and no instruction depends on the processor."""
    [check] = [rest for word, rest in instructions() if word == "HEALTHCHECK"]
    words = yaml.safe_load(check.partition("CMD ")[2])
    assert words[0] == "citygraph"
    assert words[1] in main.list_commands(None)  # type: ignore[arg-type]
    assert not re.search(r"curl|wget|amd64|x86|aarch64", "".join(rest for _, rest in instructions()))


def test_container_gets_what_the_package_is_made_from() -> None:
    """(18 Deployment) Each file that pyproject.toml names is let through by .dockerignore."""
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = [*project["project"]["license-files"], project["project"]["readme"]]
    named += project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {"pyproject.toml", "hatch_build.py", "src", "web", *named} == set(sent)
    assert [name for name in sent if not (ROOT / name).exists()] == []


def test_compose_file_mounts_what_exists() -> None:
    """(18 Deployment) Mounted files are in the folder or made by a documented command; the root is read-only."""
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    for service in services.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        for volume in service["volumes"]:
            source = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", volume).split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists() or source == "./tls", source
    assert "deploy/tls" in OPERATIONS
    assert read_settings(services["citygraph"]["environment"], {}).trusted_proxies == 1
    assert services["citygraph"]["healthcheck"]["test"] == ["CMD", "citygraph", "health", "--ready"]
    address = services["citygraph"]["networks"]["site"]["ipv4_address"]
    assert f"server {address}:8000;" in (DEPLOY / "nginx" / "upstream-compose.conf").read_text()


@needs_systemd
def test_units_of_systemd_are_valid_and_sandboxed(tmp_path: Path) -> None:
    """(18 Deployment) `systemd-analyze` finds no fault, and rates the exposure as 1.5 of 10 at most."""
    assert ANALYZE is not None
    for unit in UNITS:
        # The program is not installed here.
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/citygraph/bin/citygraph", "/bin/true"))
    paths = [str(tmp_path / unit.name) for unit in UNITS]
    verified = subprocess.run([ANALYZE, "verify", "--man=no", *paths], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    for unit in UNITS:
        if unit.suffix == ".service":
            rating = [ANALYZE, "security", "--offline=yes", "--threshold=15", str(tmp_path / unit.name)]
            assert subprocess.run(rating, capture_output=True, check=False).returncode == 0, unit.name


def test_units_run_commands_that_exist() -> None:
    """(18 Deployment) Their subcommands are those of this version, and engines may call seccomp."""
    units = "\n".join(unit.read_text() for unit in UNITS)
    commands = re.findall(r"^ExecStart=\S+/citygraph (\S+)", units, re.MULTILINE)
    assert "serve" in commands
    assert set(commands) <= set(main.list_commands(None))  # type: ignore[arg-type]
    assert "SystemCallFilter=@system-service seccomp\n" in (DEPLOY / "systemd" / "citygraph.service").read_text()


@contextmanager
def deployed(folder: Path, *servers: Running) -> Iterator[Running]:
    """nginx with the files of `deploy/nginx` in front of servers, on a free port, with a certificate of its own."""
    http, https, tls = free_port(), free_port(), folder / "citygraph" / "tls"
    tls.mkdir(parents=True)
    [command] = re.findall(r"^openssl req .* deploy/tls/.*$", OPERATIONS, re.MULTILINE)
    subprocess.run(shlex.split(command.replace("deploy/tls", str(tls))), check=True, capture_output=True)
    for name in ("proxy.conf", "upstream.conf"):
        text = (DEPLOY / "nginx" / name).read_text()
        lines = "\n  ".join(f"server 127.0.0.1:{server.port};" for server in servers)
        (folder / "citygraph" / name).write_text(text.replace("server 127.0.0.1:8000;", lines))
    text = (DEPLOY / "nginx" / "citygraph.conf").read_text()
    text = re.sub(r"listen \[::\].*\n", "", text).replace("listen 80;", f"listen 127.0.0.1:{http};")
    text = text.replace("listen 443 ", f"listen 127.0.0.1:{https} ")
    (folder / "site.conf").write_text(text.replace("/var/cache/nginx", str(folder)))
    with running_nginx("include site.conf;", folder, https) as running:
        yield running


@needs_nginx
def test_nginx_serves_with_tls_and_holds_what_is_public(izmir_site: Running, tmp_path: Path) -> None:
    """(18 Deployment) The second reader's document comes from the cache, another format from the server."""

    def get(path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        request = urllib.request.Request(f"https://127.0.0.1:{proxy.port}{path}", headers=headers)
        with urllib.request.urlopen(request, context=trusting) as response:
            return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read()

    with deployed(tmp_path, izmir_site) as proxy:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "citygraph" / "tls" / "fullchain.pem"))
        trusting.check_hostname = False
        first, second = (get("/doc/city/izmir", Accept="text/turtle") for _ in range(2))
        assert [reply[1]["x-cache"] for reply in (first, second)] == ["MISS", "HIT"]
        assert second[2] == first[2]
        assert get("/doc/city/izmir", Accept="application/n-triples")[1]["x-cache"] == "MISS"
        assert get("/doc/city/izmir", Accept="text/turtle", Authorization="Bearer x")[1]["x-cache"] == "BYPASS"
