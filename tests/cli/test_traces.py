"""Traces of processes: sent when wanted, refused in one sentence, never in the way."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from embedded.process import wait_until
from kit.settings import Settings
from tests.kit.events import until
from tests.support.http import fetch
from tests.support.processes import PATIENCE, ShopApi, free_port

END_LIMIT = 10.0  # seconds, by the promise
WITHOUT = "import sys; sys.modules['opentelemetry'] = None; import cli; cli.main()"
BOOKS = "/api/v1/shop/books"


class Bare(ShopApi):
    """A command of a house in which OpenTelemetry is not installed."""

    program: ClassVar = [*ShopApi.program[:2], WITHOUT]


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    """Give what each command needs."""
    return {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}


@pytest.fixture
def ending() -> Iterator[ExitStack]:
    """End what a test has begun."""
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_are_refused_in_one_sentence_where_they_cannot_be_sent(
    command: str, environment: dict[str, str], tmp_path: Path
) -> None:
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}
    refused = Bare(tmp_path / "log", command, APP_PORT=free_port(), **environment, **endpoint)
    assert refused.process.wait(PATIENCE) == 1
    assert refused.said == (
        "Error: OTEL_EXPORTER_OTLP_ENDPOINT needs OpenTelemetry: pip install 'shop-api[otel]'.\n"
    )


def test_are_not_needed_to_serve(
    environment: dict[str, str], tmp_path: Path, ending: ExitStack
) -> None:
    port = free_port()
    house = Bare(tmp_path / "log", "serve", APP_PORT=port, **environment)
    ending.callback(house.stop)
    assert wait_until(lambda: "serving" in house.said, PATIENCE), house.said
    assert fetch(f"http://127.0.0.1:{port}/livez")


@pytest.mark.chaos
async def test_arrive_at_a_collector_from_each_of_several_workers(
    environment: dict[str, str], tmp_path: Path, ending: ExitStack
) -> None:
    names: list[str] = []
    services: set[str] = set()

    async def collect(request: web.Request) -> web.Response:
        told = ExportTraceServiceRequest.FromString(await request.read())
        for part in told.resource_spans:
            named = {each.key: each.value.string_value for each in part.resource.attributes}
            services.add(named["service.name"])
            names.extend(span.name for scope in part.scope_spans for span in scope.spans)
        return web.Response(content_type="application/x-protobuf")

    app, port = web.Application(), free_port()
    app.router.add_post("/v1/traces", collect)
    async with TestServer(app) as collector:
        house = ShopApi(
            tmp_path / "log",
            *("serve", "--workers", "2"),
            APP_PORT=port,
            OTEL_EXPORTER_OTLP_ENDPOINT=str(collector.make_url("")).rstrip("/"),
            OTEL_BSP_SCHEDULE_DELAY="200",
            **environment,
        )
        ending.callback(house.stop)

        async def is_up() -> bool:
            return house.said.count("Booting worker") == 2

        async def has_arrived() -> bool:
            await asyncio.to_thread(fetch, f"http://127.0.0.1:{port}{BOOKS}")
            return f"GET {BOOKS}" in names

        await until(is_up, PATIENCE)
        await until(has_arrived, PATIENCE)
        assert services == {"shop-api"}
        assert any(name.startswith("SELECT") for name in names)
        assert await asyncio.to_thread(house.stop) == 0


@pytest.mark.chaos
def test_do_not_hold_up_the_end_while_the_collector_is_away(
    environment: dict[str, str], tmp_path: Path, ending: ExitStack
) -> None:
    port, away = free_port(), f"http://127.0.0.1:{free_port()}"
    house = ShopApi(
        tmp_path / "log", "serve", APP_PORT=port, OTEL_EXPORTER_OTLP_ENDPOINT=away, **environment
    )
    ending.callback(house.stop)
    assert wait_until(lambda: "serving" in house.said, PATIENCE), house.said
    assert fetch(f"http://127.0.0.1:{port}{BOOKS}")
    started = time.monotonic()
    assert house.stop() == 0
    assert time.monotonic() - started <= END_LIMIT
