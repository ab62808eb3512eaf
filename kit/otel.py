"""Tell OpenTelemetry's collector what is done; the SDK reads its own `OTEL_...` variables."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import Thread

from aiohttp import web
from opentelemetry import context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.redis import RedisInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from yarl import URL

from kit.log import canonical_route
from kit.settings import SERVICE, VERSION
from kit.tracing import PARENT, Answered

STOP_LIMIT = 3.0  # seconds to send what is left
CARRIED = (PARENT, "tracestate")
PROPAGATOR = TraceContextTextMapPropagator()


class OpenTelemetry:
    """Begin a span for each request and each event; libraries add theirs inside."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer(SERVICE, VERSION)

    @contextmanager
    def request(self, request: web.Request) -> Iterator[Answered]:
        """Tell of the request that is answered in the block."""
        carrier = {name: request.headers[name] for name in CARRIED if name in request.headers}
        route = canonical_route(request)
        told = {"http.request.method": request.method, "http.route": route}
        with self._span(f"{request.method} {route}", SpanKind.SERVER, carrier, told) as answered:
            yield answered

    @contextmanager
    def event(self, name: str, parent: str | None) -> Iterator[None]:
        """Tell of the event that is handled in the block."""
        told = {"messaging.system": "kafka"}
        with self._span(name, SpanKind.CONSUMER, {PARENT: parent} if parent else {}, told):
            yield

    @contextmanager
    def _span(
        self, name: str, kind: SpanKind, carrier: Mapping[str, str], told: Mapping[str, str]
    ) -> Iterator[Answered]:
        """Go on with the trace that was carried here, and with nothing else of this moment."""
        token = context.attach(PROPAGATOR.extract(carrier, context.Context()))
        try:
            with self._tracer.start_as_current_span(name, kind=kind, attributes=told) as span:

                def answered(status: int) -> None:
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(Status(StatusCode.ERROR))

                yield answered
        finally:
            context.detach(token)

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Tell nothing of what is done in the block."""
        with suppress_instrumentation():
            yield

    def parent(self) -> str | None:
        """Return what makes others go on with this trace, None when there is none."""
        carrier: dict[str, str] = {}
        PROPAGATOR.inject(carrier)
        return carrier.get(PARENT)


def exporting() -> TracerProvider:
    """Make what sends spans to the collector that the environment names."""
    named = OTELResourceDetector().detect().attributes
    known = {"service.name": SERVICE, "service.version": VERSION, **named}
    provider = TracerProvider(resource=Resource.create(known), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


@contextmanager
def instrumented(provider: TracerProvider) -> Iterator[OpenTelemetry]:
    """Let the libraries tell of calls to PostgreSQL, Redis and other services in the block.

    The instrumentation of aiohttp's server is not used: it would put a span around each sub-app.
    That of SQLAlchemy names no 2.1 yet, and works with it: tests/kit/test_otel.py.
    """
    client, redis, sql = AioHttpClientInstrumentor(), RedisInstrumentor(), SQLAlchemyInstrumentor()
    with ExitStack() as stack:
        client.instrument(tracer_provider=provider, url_filter=_without_query)
        stack.callback(client.uninstrument)
        redis.instrument(tracer_provider=provider)
        stack.callback(redis.uninstrument)
        sql.instrument(tracer_provider=provider, skip_dep_check=True)
        stack.callback(sql.uninstrument)
        yield OpenTelemetry(provider)


def _without_query(url: URL) -> str:
    """Leave out what may hold the key of a provider."""
    return str(url.with_query(None))


@contextmanager
def ended(provider: TracerProvider) -> Iterator[None]:
    """Send what is left when the block ends; a collector that is away holds nobody up."""
    try:
        yield
    finally:
        sending = Thread(target=provider.shutdown, daemon=True)
        sending.start()
        sending.join(STOP_LIMIT)
