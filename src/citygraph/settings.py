"""The settings: name, default and meaning of each, read once from `citygraph.toml` and the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from citygraph.errors import UsageError
from citygraph.instance import current_instance
from citygraph.rdf.terms import BASE
from citygraph.setting_rules import requirement

MIB = 1024 * 1024


# Each with the way to set it.
_NOT_IN_FILE = {
    "base": ": it is the key base outside of [server]",
    "admin_token": ", which others may read: set CITYGRAPH_ADMIN_TOKEN",
    "metrics_token": ", which others may read: set CITYGRAPH_METRICS_TOKEN",
    "store_user": ", which others may read: set CITYGRAPH_STORE_USER",
    "store_password": ", which others may read: set CITYGRAPH_STORE_PASSWORD",
    "writer_socket": "",
    "engine_socket": "",
}

# Settings that may be in a file of their own, such as a secret of a container or a credential of systemd.
_SECRETS = ("admin_token", "metrics_token")
_OF_FILE = "_FILE"


def _setting(default: Any, help_: str) -> Any:
    return field(default=default, metadata={"help": help_})


@dataclass(frozen=True)
class Settings:
    """All settings. In the environment a setting is `CITYGRAPH_` and its name in capitals."""

    base: str = _setting(BASE, "Base IRI of entities, sources and graphs; the server uses it on any host.")
    data: Path = _setting(Path("data"), "Folder of the data files.")
    ontology: Path = _setting(Path("ontology"), "Folder of the ontology, alignments, schemes, shapes and rules.")
    queries: Path = _setting(Path("queries"), "Folder of the stored queries.")
    releases: Path = _setting(Path("var/releases"), "Folder in which releases are published.")
    keep: str = _setting("", 'Releases that pruning keeps, such as "30d, 12 monthly, cited, tagged"; "" keeps all.')
    follow: str = _setting(
        "", "Folder or s3://bucket/prefix with pushed releases, which this server follows and serves."
    )
    follow_interval: float = _setting(10.0, "Seconds between two checks for a new release to follow.")
    push_to: str = _setting(
        "", "Folder or s3://bucket/prefix to which this server pushes each new release, for servers that follow it."
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on.")
    workers: int = _setting(2, "Web processes; together they use the engine processes evenly.")
    threads: int = _setting(32, "Threads of a web process: the requests that it handles at a time.")
    connections: int = _setting(4096, "Connections that a web process keeps open, including idle ones.")
    engines: int = _setting(4, "Engine processes that evaluate queries for a release, shared by the web processes.")
    engine_queries: int = _setting(5000, "Queries after which an engine process is replaced.")
    bounded_queries: bool = _setting(
        True, "Whether web processes evaluate queries whose cost the release's statistics bound; else engines do."
    )
    store_mode: str = _setting("auto", "Where engines hold a release: memory, disk, or auto (by its size).")
    store: str = _setting(
        "", "Query address of a SPARQL 1.1 service that evaluates the queries of /sparql; docs/stores.md."
    )
    store_update: str = _setting("", "Address of the store for SPARQL updates, if it is another one.")
    store_graphs: str = _setting("", "Address of the store's Graph Store Protocol, which loads faster than updates.")
    store_parameters: str = _setting(
        "", "Parameters of each query to the store, such as timeout={seconds} or timeout={milliseconds}."
    )
    store_user: str = _setting("", "User name for updates of the store.")
    store_password: str = _setting("", "Password for updates of the store.")
    store_queries: int = _setting(16, "Queries that a web process sends to the store at a time.")
    store_fallback: bool = _setting(
        False, "Whether the release's own engines evaluate queries while the store does not respond; otherwise 503."
    )
    store_loads: bool = _setting(
        True, "Whether this server loads each new release into the store; one of several servers does."
    )
    memory_quads: int = _setting(3_000_000, "Largest release in quads that auto holds in memory.")
    counting_triples: int = _setting(
        200_000, "Smallest default graph in triples that gets a counting store, which counts faster; 0 for none."
    )
    time_limit: float = _setting(30.0, "Seconds that a query may take.")
    held_quads: int = _setting(
        500_000, "Largest release in quads that a web process holds in memory for its documents."
    )
    memory_limit: int = _setting(2048 * MIB, "Bytes that a query may use beyond the loaded store.")
    result_limit: int = _setting(0, "Bytes that a result may have; 0 for no limit.")
    hold_limit: int = _setting(4 * MIB, "Bytes of a result that are held in memory; larger results are streamed.")
    spool_limit: int = _setting(2048 * MIB, "Bytes of a result that may be buffered on disk.")
    cache_size: int = _setting(64 * MIB, "Bytes of finished results that a web process keeps; 0 keeps none.")
    query_length: int = _setting(MIB, "Bytes of the longest query.")
    query_depth: int = _setting(200, "Deepest nesting of a query.")
    query_breadth: int = _setting(2000, "Most alternatives, operators or path steps in one query.")
    queue_wait: float = _setting(5.0, "Seconds that a request waits for a free engine process before 503.")
    client_concurrency: int = _setting(16, "Queries of one client at a time, including waiting ones; 0 for no limit.")
    client_rate: float = _setting(0.0, "Requests a second that one client may send on average; 0 for no limit.")
    body_limit: int = _setting(64 * MIB, "Bytes of the largest body of a write, after unpacking.")
    write_time_limit: float = _setting(300.0, "Seconds that a commit, or the reading of a spreadsheet, may take.")
    write_memory_limit: int = _setting(4096 * MIB, "Bytes that a commit, or the reading of a spreadsheet, may use.")
    build_memory: int = _setting(
        512 * MIB,
        "Bytes of statements, with derived ones, that a build has in memory at most; it uses seven times as many.",
    )
    write_queue: int = _setting(64, "Commits that may wait; commits about different things are published together.")
    open_writes: bool = _setting(False, "For conformance tests: no shapes, no owners, a default graph of its own.")
    tokens: Path = _setting(Path("var/tokens.json"), "File of the write tokens; it has only their hashes.")
    audit: Path = _setting(
        Path("var/audit.jsonl"), "File of the audit log, with a JSON line for each attempt to write."
    )
    audit_size: int = _setting(16 * MIB, "Bytes of the audit log after which it is rotated; 0 for no limit.")
    audit_days: int = _setting(0, "Days after which the audit log is rotated; 0 for no limit.")
    audit_parts: int = _setting(100, "Rotated parts of the audit log that are kept; 0 keeps all.")
    log_format: str = _setting("text", "Format of the logs: text or json.")
    log_level: str = _setting("info", "Least severe messages that are logged: debug, info, warning or error.")
    log_requests: bool = _setting(
        False, "Whether each request is logged to standard output: id, client, path, status, bytes, time, outcome."
    )
    metrics_port: int = _setting(0, "Separate port of /metrics, without a token if none is set; 0 for none.")
    metrics_host: str = _setting("127.0.0.1", "Address on which CITYGRAPH_METRICS_PORT listens.")
    metrics_token: str = _setting("", "Token with which /metrics is also served on the port of the site.")
    stored_results: str = _setting(
        "local", "Who may store results for citation: off, token, local (token, and this machine), anyone."
    )
    stored_results_size: int = _setting(64 * MIB, "Bytes of all stored results on disk; 0 for no limit.")
    stored_results_rate: int = _setting(60, "Results that one client may store in an hour; 0 for no limit.")
    cited_result_limit: int = _setting(16 * MIB, "Bytes, as JSON, of the largest result that can be cited.")
    reconcile_batch: int = _setting(100, "Names in one reconciliation request.")
    federation: bool = _setting(False, "Whether SERVICE is evaluated, in engine processes with a network.")
    services: str = _setting(
        "https://query.wikidata.org/sparql", "Endpoints that SERVICE may use, separated by spaces."
    )
    wikidata_endpoint: str = _setting("https://query.wikidata.org/sparql", "Query service of Wikidata.")
    wikidata_contact: str = _setting("", "E-mail or web address by which Wikimedia reaches the operator.")
    wikidata_cache: Path = _setting(Path("var/wikidata"), "Folder of cached responses of Wikidata.")
    wikidata_comparison: Path = _setting(
        Path("var/wikidata/comparison.json"), "File of the comparison that the site shows at /wikidata."
    )
    admin_token: str = _setting("", "Token of the admin addresses; without one they are closed.")
    trusted_proxies: int = _setting(0, "Number of reverse proxies whose Forwarded headers are trusted.")
    writer_socket: str = _setting("", "Socket of the writer; `citygraph serve` sets it for its web processes.")
    engine_socket: str = _setting("", "Socket of the engine host; `citygraph serve` sets it for its web processes.")

    @property
    def service_list(self) -> tuple[str, ...]:
        """The endpoints that SERVICE may name."""
        return tuple(self.services.split())

    def with_changes(self, **changes: Any) -> Settings:
        """Returns these settings with some replaced; None means unchanged."""
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def as_environment(self) -> dict[str, str]:
        """Returns the settings as environment variables, for a child process."""
        return {_variable(f.name): _to_text(getattr(self, f.name)) for f in fields(self)}


def read_settings(environment: Mapping[str, str] | None = None, server: Mapping[str, Any] | None = None) -> Settings:
    """Reads the settings from the environment and, below it, from `server`: that of the instance by default.

    Raises UsageError for a value of the wrong type or out of range, or a name that is not a setting.
    """
    environment = os.environ if environment is None else environment
    settings = {_variable(f.name): f for f in fields(Settings)}
    values = _of_server(current_instance().server if server is None else server)
    for variable, text in _with_secrets(environment).items():
        # CITYGRAPH_CONFIG names the file of the instance: see `instance`.
        if not variable.startswith("CITYGRAPH_") or variable == "CITYGRAPH_CONFIG":
            continue
        # A misspelt limit would otherwise be ignored silently.
        if variable not in settings:
            raise UsageError(f"{variable} is not a setting{_nearest(variable, settings)}")
        name = settings[variable].name
        values[name] = _from_text(variable, text, settings[variable].default)
        require_allowed(variable, name, values[name])
    return Settings(**values)


def _with_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment with the content of the files that variables such as CITYGRAPH_ADMIN_TOKEN_FILE name."""
    values = dict(environment)
    for name in _SECRETS:
        variable = _variable(name)
        path = values.pop(variable + _OF_FILE, "")
        # The processes of a server get the value itself, and inherit the name of the file.
        if not path or values.get(variable):
            continue
        try:
            values[variable] = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{variable}{_OF_FILE} names {path}, which cannot be read: {error}") from None
    return values


def _of_server(server: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values of the table [server] in `citygraph.toml`."""
    settings = {f.name: f for f in fields(Settings) if f.name not in _NOT_IN_FILE}
    values = {}
    for name, value in server.items():
        place = f"[server] {name}"
        if name in _NOT_IN_FILE:
            raise UsageError(f"{place} cannot be set in citygraph.toml{_NOT_IN_FILE[name]}")
        if name not in settings:
            raise UsageError(f"{place} in citygraph.toml is not a setting{_nearest(name, settings)}")
        if not isinstance(value, str | int | float):
            raise UsageError(f"{place} in citygraph.toml must be a text, a number, true or false")
        # The types of TOML are those of Python; a number without a point is accepted for one with it.
        values[name] = _from_text(place, _to_text(value), settings[name].default)
        require_allowed(place, name, values[name])
    return values


def require_allowed(place: str, name: str, value: Any) -> None:
    """Raises UsageError if the value of a setting breaks its rule; `place` is where the value is set."""
    if rule := requirement(name, value):
        shown = repr(str(value)) if isinstance(value, str | Path) else value
        raise UsageError(f"{place} is {shown}: it must be {rule}")


def _nearest(name: str, names: Iterable[str]) -> str:
    nearest = get_close_matches(name, list(names), 1, 0.5)
    return f": did you mean {nearest[0]}?" if nearest else "; docs/settings.md lists the settings"


def export_to_environment(settings: Settings) -> None:
    """Puts the settings into the environment of this process, for the processes that it starts from now on."""
    os.environ.update(settings.as_environment())


def _variable(name: str) -> str:
    return "CITYGRAPH_" + name.upper()


def _to_text(value: Any) -> str:
    return ("1" if value else "0") if isinstance(value, bool) else str(value)


def _from_text(variable: str, text: str, default: Any) -> Any:
    # bool("0") would be true.
    if isinstance(default, bool):
        if text.strip().casefold() in {"1", "true", "yes", "on"}:
            return True
        if text.strip().casefold() in {"0", "false", "no", "off", ""}:
            return False
        raise UsageError(f"{variable} is {text!r}: it must be 1 or 0")
    # Path("") is the working folder.
    if isinstance(default, Path) and not text.strip():
        raise UsageError(f"{variable} is empty: it must be a path; without it, the path is {default}")
    try:
        return type(default)(text) if not isinstance(default, Path) else Path(text)
    except ValueError as error:
        raise UsageError(f"{variable} is {text!r}: it must be of type {type(default).__name__}") from error
