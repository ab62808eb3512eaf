"""Traces: one from the request over the outbox to the handler, and nothing private in it."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

import applications.events
from kit import otel, tracing
from kit.consumer import Consumer
from kit.db import database
from kit.engine import create_engine
from kit.settings import Settings
from kit.topics import Topics
from tests.kit.conftest import VisitAt
from tests.kit.events import own_name, relay_of, running, until
from tests.kit.test_tracing import GIVEN, TRACE
from tests.support.clients import API, sign_in
from tests.support.keys import APPLICATIONS, application

HANDLER = "handle application.created"


def ids(span: ReadableSpan) -> SpanContext:
    """Return the ids of a span."""
    found = span.get_span_context()
    assert found is not None
    return found


class Spans:
    """Hold what was told."""

    def __init__(self) -> None:
        self._memory = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._memory))

    @property
    def all(self) -> Sequence[ReadableSpan]:
        """Return the spans that have ended."""
        return self._memory.get_finished_spans()

    def named(self, name: str, trace: str | None = None) -> ReadableSpan:
        """Return the only span of a name, of a trace where others may be told of, too."""
        (span,) = [x for x in (self.of(trace) if trace else self.all) if x.name == name]
        return span

    def of(self, trace: str) -> list[ReadableSpan]:
        """Return the spans of a trace."""
        return [span for span in self.all if f"{ids(span).trace_id:032x}" == trace]


@pytest.fixture
def spans() -> Iterator[Spans]:
    """Tell of all that is done in a test."""
    made = Spans()
    with otel.instrumented(made.provider) as teller, tracing.telling(teller):
        yield made
    made.provider.shutdown()


@pytest.mark.kafka
async def test_one_trace_leads_from_the_request_over_the_outbox_to_the_handler(
    spans: Spans, visit_at: VisitAt, busy_settings: Settings, quick_groups: None
) -> None:
    client, engine = await visit_at(busy_settings, None), create_engine(busy_settings)
    opened, topics = database(engine), Topics(busy_settings, [applications.events.TOPIC])
    handlers = applications.events.HANDLERS
    loops = (
        relay_of(busy_settings, opened),
        Consumer(busy_settings, opened, topics, own_name(), handlers),
    )
    with tracing.silence():  # or the client of the test sends a trace of its own
        headers = {"traceparent": GIVEN}
        answer = await client.post(APPLICATIONS, json=application(), headers=headers)
    assert answer.status == 201

    async def is_told() -> bool:
        return any(span.name == HANDLER for span in spans.of(TRACE))

    async with running(*loops):
        await until(is_told, 40)
    await engine.dispose()
    served, handled = (spans.named(name, TRACE) for name in (f"POST {APPLICATIONS}", HANDLER))
    assert served.parent is not None
    assert f"{served.parent.span_id:016x}" == GIVEN.split("-")[2]
    assert handled.parent is not None
    assert handled.parent.span_id == ids(served).span_id
    assert (served.kind, handled.kind) == (SpanKind.SERVER, SpanKind.CONSUMER)
    told = dict(served.attributes or {})
    assert told["http.response.status_code"] == 201
    inside = [span for span in spans.of(TRACE) if span.parent and span.kind == SpanKind.CLIENT]
    told_systems = {str((span.attributes or {}).get("db.system")) for span in inside}
    assert told_systems == {"postgresql", "redis"}


async def test_holds_nothing_private(
    spans: Spans, visit_at: VisitAt, busy_settings: Settings
) -> None:
    client = await visit_at(busy_settings, None)
    await sign_in(client, "canary@example.org", "canary-password")
    await client.get(f"{API}/shop/books?q=canary")
    await client.get("/livez")
    await client.get("/metrics")
    said = " ".join(span.to_json() for span in spans.all)
    assert "SELECT" in said
    assert "canary" not in said
    assert not [span for span in spans.all if "livez" in span.name or "metrics" in span.name]


async def test_a_request_that_fails_is_an_error(
    spans: Spans, visit_at: VisitAt, without_postgresql: Settings
) -> None:
    client = await visit_at(without_postgresql, None)
    assert (await client.get(f"{API}/shop/books")).status == 503
    span = spans.named(f"GET {API}/shop/books")
    assert span.status.status_code == StatusCode.ERROR


async def test_loops_that_find_nothing_to_do_are_in_no_trace(
    spans: Spans, busy_settings: Settings
) -> None:
    engine, before = create_engine(busy_settings), len(spans.all)
    with tracing.silence():
        async with running(relay_of(busy_settings, database(engine))):
            await asyncio.sleep(0.5)
    await engine.dispose()
    assert len(spans.all) == before
