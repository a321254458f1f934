"""OpenTelemetry traces, an extra: a span for each request, within the caller's trace, and in it one for the model."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from noria import __version__
from noria.errors import UserError

CLOSE_MS = 3000  # that the end of a server waits for its last spans to be taken


class Span:
    """The span of a request."""

    def __init__(self, span: Any) -> None:
        self._span = span

    def about(self, **known: str | int) -> None:
        """What became known of the request; what is empty did not."""
        self._span.set_attributes({f"noria.{name}": value for name, value in known.items() if value})


class Tracer:
    """Spans of one server process, exported in batches by OTLP over HTTP.

    Parameters
    ----------
    url
        Of the collector, such as ``http://127.0.0.1:4318``; ``/v1/traces`` is added.

    Raises
    ------
    UserError
        If the extra is not installed.
    """

    def __init__(self, url: str) -> None:
        needs()
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        resource = Resource.create({"service.name": "noria", "service.version": __version__})
        exporter = OTLPSpanExporter(endpoint=url.rstrip("/") + "/v1/traces")
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
        self._tracer = self._provider.get_tracer("noria.serve", __version__)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, name: str, carried: Any, protocol: str) -> Iterator["Span"]:
        """The span of a request, of the trace that its ``traceparent`` among ``carried`` names."""
        from opentelemetry.trace import SpanKind

        given = {key: carried.get(key) for key in ("traceparent", "tracestate")}
        context = self._propagator.extract({key: value for key, value in given.items() if value is not None})
        about = {"noria.protocol": protocol}
        with self._tracer.start_as_current_span(name, context, SpanKind.SERVER, about) as span:
            yield Span(span)

    @contextmanager
    def predict(self) -> Iterator[Any]:
        """The span of a model's answer, within the request's."""
        with self._tracer.start_as_current_span("predict") as span:
            yield span

    def close(self) -> None:
        """Export what is left."""
        self._provider.force_flush(CLOSE_MS)
        self._provider.shutdown()


def needs() -> None:
    """``UserError`` if the extra is not installed."""
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise UserError(
            "traces need OpenTelemetry", where="--traces", do="Install it: pip install 'noria[opentelemetry]'."
        ) from error
