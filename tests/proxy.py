"""A real nginx in front of a server, as a process of the test's own, with its own configuration on a free port."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.running import PATIENCE, Running, free_port, wait_until_listening

# Debian has it where users do not look.
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")

_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {servers}
}}
"""

_SERVER = """
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Prefix "";
    }}
    location /graph/ {{
      proxy_pass http://127.0.0.1:{upstream}/;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto https;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Prefix /graph;
    }}
  }}
"""


@contextmanager
def nginx(upstream: int, folder: Path) -> Iterator[Running]:
    """nginx that passes everything on to a port, and what is below /graph/ without that."""
    port = free_port()
    with running_nginx(_SERVER.format(port=port, upstream=upstream), folder, port) as running:
        yield running


@contextmanager
def running_nginx(servers: str, folder: Path, port: int) -> Iterator[Running]:
    """nginx with these servers, one of which listens on the port. Names of files are relative to the folder."""
    assert NGINX is not None
    configuration = folder / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, servers=servers))
    process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(configuration), "-e", str(folder / "error.log")])
    running = Running(port, process)
    try:
        wait_until_listening(port, process)
        yield running
    finally:
        process.terminate()
        process.wait(PATIENCE)
