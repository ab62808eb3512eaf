"""A guest who crawls everything leaves nothing behind; CRAWL_REQUESTS sets how long he crawls."""

import asyncio
import os
from itertools import cycle, islice

import pytest
from redis import asyncio as aioredis

from kit.db import Database
from kit.settings import Settings
from tests.conftest import Serve
from tests.support.clients import API, Client, client_of
from tests.support.shops import add_offer

REQUESTS = int(os.environ.get("CRAWL_REQUESTS", "400"))
AT_ONCE = 8
PAGES = {
    f"{API}/shop/shops": 200,
    f"{API}/shop/shops/1": 200,
    f"{API}/shop/shops/1/books?sort=price": 200,
    f"{API}/shop/books?q=a&page=2": 200,
    f"{API}/shop/books/1": 200,
    f"{API}/shop/cart": 401,
    "/problems/out-of-stock": 200,
    "/livez": 200,
    "/readyz": 200,
    "/no-such-page": 404,
}


@pytest.mark.concurrent
async def test_a_crawling_guest_leaves_no_key_and_gets_no_cookie(
    serve: Serve, busy_settings: Settings, busy_database: Database, redis: aioredis.Redis
) -> None:
    await add_offer(busy_database)
    client = client_of(await serve(busy_settings, None))
    todo = islice(cycle(PAGES.items()), REQUESTS)
    async with client:
        await asyncio.gather(*(_crawl(client, todo) for _ in range(AT_ONCE)))
    assert await redis.keys() == []


async def _crawl(client: Client, todo: "islice[tuple[str, int]]") -> None:
    for path, status in todo:
        async with client.get(path) as response:
            assert response.status == status, path
            assert "Set-Cookie" not in response.headers
