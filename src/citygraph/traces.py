"""Traces by OpenTelemetry (extra `otel`): spans of requests, queries and commits, if a collector is configured."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Protocol

from citygraph import __version__
from citygraph.errors import UsageError

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_PROTOCOL = "http/protobuf"
_CLOSING_MILLISECONDS = 1500
_FIRST_FAILURE = 500
_NOTHING: AbstractContextManager[None] = nullcontext()


class _Provider(Protocol):
    def force_flush(self, timeout_millis: int = ...) -> bool: ...

    def shutdown(self) -> None: ...


class Traces:
    """The spans of a process, and their way to the collector."""

    def __init__(self, provider: _Provider, tracer: Tracer) -> None:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._provider = provider
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, environ: Mapping[str, Any]) -> RequestSpan:
        """Begins the span of a request, in the trace that its header traceparent names (W3C Trace Context)."""
        from opentelemetry.trace import SpanKind

        headers = {name: str(environ.get(f"HTTP_{name.upper()}", "")) for name in ("traceparent", "tracestate")}
        context = self._propagator.extract({name: value for name, value in headers.items() if value})
        method = str(environ.get("REQUEST_METHOD", ""))
        return RequestSpan(self._tracer, self._tracer.start_span(method, context, SpanKind.SERVER))

    def close(self) -> None:
        """Sends the remaining spans, if the collector accepts them soon."""
        if self._provider.force_flush(_CLOSING_MILLISECONDS):
            self._provider.shutdown()


class RequestSpan:
    """The span of a request; until `leave` it is that of this thread, so that other spans become its children."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        self._token: Token[RequestSpan | None] = _CURRENT.set(self)

    @property
    def trace_id(self) -> str:
        """The id of the trace, as logs and traceparent have it."""
        return f"{self._span.get_span_context().trace_id:032x}"

    def leave(self) -> None:
        """Ends the part of the request in which it may have children."""
        _CURRENT.reset(self._token)

    def end(self, name: str, status: int, attributes: Mapping[str, str | int]) -> None:
        """Ends the span. It has failed if the server did (OpenTelemetry's conventions for HTTP)."""
        self._span.update_name(name)
        self._span.set_attributes({"http.response.status_code": status, **attributes})
        if status >= _FIRST_FAILURE:
            _fail(self._span, str(status))
        self._span.end()

    @contextmanager
    def child(self, name: str, attributes: Mapping[str, str]) -> Iterator[Span]:
        """Yields a child; an exception is noted by its kind alone, because its text may quote a query."""
        from opentelemetry.trace import set_span_in_context

        span = self._tracer.start_span(name, set_span_in_context(self._span), attributes=attributes)
        try:
            yield span
        except BaseException as error:
            _fail(span, type(error).__name__)
            raise
        finally:
            span.end()


# The work for a request starts deep in many calls, none of which needs to know of traces.
_CURRENT: ContextVar[RequestSpan | None] = ContextVar("request_span", default=None)


def child_span(name: str, **attributes: str) -> AbstractContextManager[Span | None]:
    """Returns a context in which a span of the present request is measured, or one without effect."""
    request = _CURRENT.get()
    return _NOTHING if request is None else request.child(name, attributes)


def traces_from_environment(environment: Mapping[str, str] = os.environ) -> Traces | None:
    """Returns the traces that the standard variables OTEL_… configure, or None if they name no collector.

    Raises what `require_exporter` raises.
    """
    if not is_configured(environment):
        return None
    require_exporter(environment)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = {} if environment.get("OTEL_SERVICE_NAME") else {"service.name": "citygraph"}
    provider = TracerProvider(resource=Resource.create({**name, "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider, provider.get_tracer("citygraph", __version__))


def require_exporter(environment: Mapping[str, str] = os.environ) -> None:
    """Raises UsageError if a collector is configured, but cannot be used: by another protocol, or without the extra."""
    if not is_configured(environment):
        return
    protocol = next((environment[name] for name in _PROTOCOLS if environment.get(name)), _PROTOCOL)
    if protocol != _PROTOCOL:
        raise UsageError(f"traces are sent by {_PROTOCOL}, not by {protocol!r}: change OTEL_EXPORTER_OTLP_PROTOCOL")
    try:
        # Imported here, before the web processes are forked, so that they share it.
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace.export  # noqa: F401
    except ImportError:
        raise UsageError("traces need the extra otel: pip install 'citygraph[otel]'") from None


def is_configured(environment: Mapping[str, str] = os.environ) -> bool:
    """Returns whether the environment names a collector, and does not switch traces off."""
    is_off = environment.get("OTEL_SDK_DISABLED", "").casefold() == "true"
    return (
        not is_off
        and environment.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"
        and any(environment.get(name) for name in _ENDPOINTS)
    )


def _fail(span: Span, kind: str) -> None:
    from opentelemetry.trace import StatusCode

    span.set_attribute("error.type", kind)
    span.set_status(StatusCode.ERROR)
