"""Begin to tell of traces where the environment wants it, if what that takes is installed."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from aiohttp import web

from kit import tracing
from kit.settings import Settings, SettingsError


class NotInstalled(SettingsError):
    """Traces are wanted, and what sends them is not there."""


def check(settings: Settings) -> None:
    """Look whether what is wanted can be done.

    Raises:
        NotInstalled: it cannot.
    """
    if settings.otlp_endpoint:
        _otel()


def _otel() -> Any:
    try:
        return import_module("kit.otel")
    except ImportError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise NotInstalled(
            "OTEL_EXPORTER_OTLP_ENDPOINT needs OpenTelemetry: pip install 'shop-api[otel]'."
        ) from None


@contextmanager
def told(settings: Settings) -> Iterator[None]:
    """Tell of what is done in the block, where that is wanted; once in a process.

    Raises:
        NotInstalled: it is wanted and cannot be done.
    """
    if not settings.otlp_endpoint:
        yield
        return
    otel = _otel()
    provider = otel.exporting()
    with otel.ended(provider), otel.instrumented(provider) as teller, tracing.telling(teller):
        yield


async def telling_context(_: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Tell of what is done while the application runs; in each process after it was forked."""
    with told(settings):
        yield
