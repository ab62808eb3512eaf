"""Attempts from which nobody learned anything are no guesses."""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from embedded import valkey
from kit import attempts
from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.kit.doors import dead_port
from tests.support.clients import add_user, client_of, sign_in

Frail = tuple[Settings, int]


@pytest.fixture
def frail(busy_settings: Settings, tmp_path: Path) -> Iterator[Frail]:
    """Give settings with a Valkey of this test's own, and its pid."""
    with valkey.server(tmp_path / "valkey", durable=False) as url:
        with redis.Redis.from_url(url, protocol=2) as client:
            pid = int(client.info("server")["process_id"])
        yield replace(busy_settings, redis_url=url), pid


async def test_while_the_database_is_away(settings: Settings, serve: Serve) -> None:
    away = replace(settings, database_url=f"postgresql://postgres@127.0.0.1:{dead_port()}/none")
    async with client_of(await serve(away, None)) as client:
        assert {(await sign_in(client, "alice")).status for _ in range(12)} == {503}


@pytest.mark.concurrent
async def test_while_redis_is_frozen(
    frail: Frail, serve: Serve, busy_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "HOLD", 1.0)
    there, pid = frail
    await add_user(busy_database, "alice")
    async with client_of(await serve(there, None)) as client:
        warm = await asyncio.gather(*(sign_in(client, "alice") for _ in range(14)))
        assert {response.status for response in warm} == {200}
        os.kill(pid, signal.SIGSTOP)
        try:
            frozen = await asyncio.gather(*(sign_in(client, "alice") for _ in range(12)))
        finally:
            os.kill(pid, signal.SIGCONT)
        assert {response.status for response in frozen} == {503}
        for _ in range(100):  # what Redis heard too late is forgotten, so nobody is locked out
            if (await sign_in(client, "alice")).status == 200:
                return
        pytest.fail("the account is locked")
