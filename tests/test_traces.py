"""Traces: what a collector receives, and that nothing is sent or imported unless one is configured."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import quote

import pytest

from citygraph.engine.client_watch import ClientGone
from citygraph.errors import LimitReached, UsageError
from citygraph.settings import Settings
from citygraph.traces import child_span, require_exporter, traces_from_environment
from citygraph.web import create_app
from citygraph.web.http.messages import Request
from citygraph.web.http.metrics import Metrics
from citygraph.web.http.observation import RequestObserver
from tests.inprocess import InProcess
from tests.world import small_world

service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="the extra otel is not installed"
)
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SECRET = "?secretvariable"


class Collector:
    """An OTLP collector on loopback; `spans` are those that it has received, by name, and `resource` whose they are."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resource: dict[str, str] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.path == "/v1/traces"
                for resource in service.ExportTraceServiceRequest.FromString(body).resource_spans:
                    collector.resource = values(resource.resource.attributes)
                    collector.spans += [span for scope in resource.scope_spans for span in scope.spans]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __getitem__(self, name: str) -> Any:
        (span,) = [span for span in self.spans if span.name == name]
        return span


def values(attributes: Any) -> dict[str, str]:
    return {one.key: one.value.string_value or str(one.value.int_value) for one in attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    collector = Collector()
    monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{collector.server.server_port}")
    yield collector
    collector.server.shutdown()
    collector.server.server_close()


class Engine(InProcess):
    """An engine whose queries exceed their limit if they say so."""

    def run(self, release_id: str, query: Any, *args: Any, **named: Any) -> Any:
        """Raises, or evaluates."""
        if "?slow" in query.text:
            raise LimitReached(query.text, "time", 1, 1)
        return super().run(release_id, query, *args, **named)


def test_a_collector_gets_the_spans_of_a_request_and_its_query(collector: Collector) -> None:
    """(18) In the trace of traceparent; with route, status and outcome, and without the text of the query."""
    engine = Engine(small_world())
    app = create_app(Settings(), engine, engine, traces=traces_from_environment())
    ask = f"/sparql?query={quote('SELECT * { ' + SECRET + ' a cg:City }')}"
    client = app.test_client()
    traceparent = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "mine"}
    assert client.get(ask, headers=traceparent).status_code == 200
    assert client.get("/sparql?query=" + quote("SELECT ?slow { ?slow ?p ?o }")).status_code == 503
    assert client.post("/nothing/secretvariable", headers={"traceparent": "nonsense"}).status_code == 404
    app.wsgi_app.close()  # type: ignore[attr-defined]
    first, slow = [span for span in collector.spans if span.name == "GET /sparql"]
    query, failed = [span for span in collector.spans if span.name == "engine query"]
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    assert (query.trace_id, query.parent_span_id) == (first.trace_id, first.span_id)
    assert first.start_time_unix_nano <= query.start_time_unix_nano
    assert query.end_time_unix_nano <= first.end_time_unix_nano
    attributes = values(first.attributes)
    assert attributes | {"http.route": "/sparql", "http.response.status_code": "200", "citygraph.outcome": "ok",
                         "citygraph.request_id": "mine", "url.path": "/sparql"} == attributes  # fmt: skip
    assert (slow.status.code, values(failed.attributes)["error.type"]) == (2, "LimitReached")
    assert slow.trace_id != first.trace_id
    assert (collector["POST"].parent_span_id, collector["POST"].status.code) == (b"", 0)
    assert collector.resource["service.name"] == "citygraph"
    assert SECRET not in str(collector.spans)


def test_a_request_that_is_left_or_begun_again_leaves_no_span_open(collector: Collector) -> None:
    """(18) A client that left is a span with status 499; one that is begun again is none."""
    observer = RequestObserver(Settings(), Metrics(), traces_from_environment())
    for end in (ClientGone(), KeyboardInterrupt()):
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/sparql", "REMOTE_ADDR": "192.0.2.1"}
        begun = observer.begin(environ)
        with child_span("during") as during:
            assert during is not None
        observer.drop(Request(environ), begun, end)
        with child_span("after") as after:
            assert after is None
    observer.close()
    assert sorted(span.name for span in collector.spans) == ["GET", "during", "during"]
    assert values(collector["GET"].attributes)["citygraph.outcome"] == "client gone"


@pytest.mark.parametrize(
    "environment", [{}, {ENDPOINT: "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
                    {ENDPOINT: "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"}],
)  # fmt: skip
def test_nothing_is_imported_unless_a_collector_is_configured(environment: dict[str, str]) -> None:
    """(18) Off by default: no code of OpenTelemetry runs."""
    code = (
        "import sys, citygraph.web.application; from citygraph.traces import *; require_exporter(); "
        "print(traces_from_environment(), [name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    path = {"PYTHONPATH": ":".join(sys.path)}
    assert subprocess.check_output([sys.executable, "-c", code], env=environment | path, text=True) == "None []\n"


def test_a_missing_extra_or_another_protocol_is_an_error_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """(18) Before the server starts."""
    configured = {ENDPOINT: "http://127.0.0.1:1"}
    with pytest.raises(UsageError, match="http/protobuf"):
        require_exporter(configured | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(UsageError, match=r"pip install 'citygraph\[otel\]'"):
        require_exporter(configured)
