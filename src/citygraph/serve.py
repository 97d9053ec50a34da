"""The running server: engine host, writer and web processes, and their end on SIGTERM."""

from __future__ import annotations

import ctypes
import errno
import gc
import importlib
import logging
import os
import re
import socket
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from citygraph.commit.writer_client import start_writer
from citygraph.engine.host import start_host
from citygraph.engine.process import advertised
from citygraph.engine.service import ServiceProcess
from citygraph.engine.upkeep import Upkeep
from citygraph.errors import UsageError
from citygraph.logs import start_logging
from citygraph.release.releases import Releases
from citygraph.service_manager import ServiceManager, passed_listeners
from citygraph.settings import Settings, export_to_environment
from citygraph.storage.automatic_push import start_automatic_push
from citygraph.storage.following import start_follower
from citygraph.stores.keeping import StoreKeeper
from citygraph.traces import require_exporter

log = logging.getLogger(__name__)

_CREDENTIALS = "AWS_"
# The web processes are forked with these modules. The last three are those that the HTTP server imports late.
_IMPORTED_LATE = (
    *("citygraph.web.application", "citygraph.server.web_processes", "citygraph.metrics_server"),
    *("uvicorn.lifespan.off", "uvicorn.loops.uvloop", "encodings.idna"),
)
_OLDEST_THRESHOLD = 100  # of the garbage collector: ten times the default
_THREADS = 8  # more than the upkeep has
# The processes of a server that was killed may keep its port for so long.
_ENDING_SECONDS, _RETRY_SECONDS = 2.0, 0.05
# The built front end, or a file with the reason for which it was not built (hatch_build.py).
_BUILT = Path(__file__).parent / "web" / "static" / "built"


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the requests in progress and ends all processes.

    Raises UsageError if the address is taken, OSError if the engine host does not start.
    """
    # Modules and the application are no garbage. To look through them takes a tenth of the time of a start.
    gc.disable()
    start_logging("main", settings)
    require_free(settings)
    require_exporter()
    _warn_of_missing_front_end(_BUILT)
    # A service dies with the thread that started it, so the pool is left last.
    credentials = _take_credentials()
    with ThreadPoolExecutor(_THREADS) as pool, ExitStack() as stack:
        # In parallel with the host, because each takes a moment to import its modules.
        # A follower accepts no changes.
        starting = None if settings.follow else pool.submit(start_writer, settings)
        pushing = pool.submit(start_automatic_push, settings, credentials) if settings.push_to else None
        loading = pool.submit(_import_modules, _IMPORTED_LATE)
        host = stack.enter_context(start_host(settings))
        others = [stack.enter_context(starting.result() if starting else start_follower(host.settings, credentials))]
        writer_socket = others[0].socket if starting else ""
        if pushing:
            others.append(stack.enter_context(pushing.result()))
        stack.enter_context(advertised(host.settings))
        export_to_environment(host.settings.with_changes(writer_socket=writer_socket))
        host.open(Releases(settings.releases).current_id())
        loading.result()
        # Imported by now, and not before the services have been started.
        from citygraph.metrics_server import metrics_served
        from citygraph.server.web_processes import WebProcesses
        from citygraph.web.application import application

        site = application()
        # The collector skips these: its marks would copy shared pages.
        gc.freeze()
        gc.enable()
        # What web processes keep is no garbage: it is visited less often, also in their caches.
        gc.set_threshold(*gc.get_threshold()[:2], _OLDEST_THRESHOLD)
        stack.enter_context(metrics_served(host.settings))
        manager = ServiceManager()
        stack.enter_context(Upkeep(settings, host, others, pool, manager.ready, manager.alive))
        if settings.store and settings.store_loads:
            stack.enter_context(StoreKeeper(settings, pool))
        WebProcesses(settings, site.begin_process, partial(_stop, manager, (host, *others))).serve()


def _stop(manager: ServiceManager, services: Sequence[ServiceProcess]) -> None:
    manager.stopping()
    for service in services:
        service.expect_end()


def _take_credentials() -> dict[str, str]:
    """Removes the credentials of object storage from this process, and returns them for those that need them.

    The other processes serve strangers, and read nothing there.
    """
    credentials = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_CREDENTIALS)}
    if credentials and sys.platform == "linux":
        # /proc/PID/environ shows the variables with which a process began, which its forks have too: proc_pid_stat(5).
        start, end = map(int, Path("/proc/self/stat").read_text().rpartition(")")[2].split()[47:49])
        for variable in re.finditer(
            rb"(?<![^\0])%b[^\0]*" % _CREDENTIALS.encode(), ctypes.string_at(start, end - start)
        ):
            ctypes.memset(start + variable.start(), 0, len(variable[0]))
    return credentials


def _warn_of_missing_front_end(built: Path) -> None:
    if (built / "manifest.json").is_file():
        return
    problem = built / "problem.txt"
    reason = "the package was installed without them"
    if problem.is_file():
        reason = problem.read_text(encoding="utf-8").strip()
    log.warning("workbench, fonts and outlines are not built: %s (docs/web.md)", reason)


def require_free(settings: Settings) -> None:
    """Raises UsageError if another process listens on one of the addresses."""
    if not passed_listeners():
        require_free_port(settings.host, settings.port, "--port or CITYGRAPH_PORT")
    if settings.metrics_port:
        require_free_port(settings.metrics_host, settings.metrics_port, "CITYGRAPH_METRICS_PORT")


def require_free_port(host: str, port: int, setting: str) -> None:
    """Raises UsageError, with the setting for another port, if a process cannot listen there."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        deadline = time.monotonic() + _ENDING_SECONDS
        while True:
            try:
                return probe.bind((host, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
                    raise UsageError(f"cannot listen on {where}: {error.strerror}; another port: {setting}") from None
            time.sleep(_RETRY_SECONDS)


def _import_modules(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)
