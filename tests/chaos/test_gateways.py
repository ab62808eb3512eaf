"""A house is killed behind a gateway under load: reading goes on, and what clients saw is told."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from kit.settings import Settings
from tests.gateway.running import GATEWAYS, KINDS, answers, opened
from tests.gateway.town import HERE, settled
from tests.kit.events import tell, until

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]

READERS, BEFORE, AFTER = 8, 1.0, 4.0  # clients; seconds
PATH = "/api/v1/shop/books"


async def read(client: ClientSession, ends: float, seen: Counter[str]) -> None:
    """Read one page after another."""
    while time.monotonic() < ends:
        try:
            async with client.get(PATH) as response:
                await response.read()
                seen[str(response.status)] += 1
        except ClientError as error:
            seen[type(error).__name__] += 1


class TestKilledHouse:
    @pytest.mark.parametrize("kind", GATEWAYS)
    async def test_is_not_missed_by_readers(
        self, kind: str, busy_settings: Settings, tmp_path: Path
    ) -> None:
        seen: Counter[str] = Counter()
        with settled(tmp_path, busy_settings) as town:
            servers = {"PROXY_WEB": f"web:{town.port}"}
            async with (
                opened(KINDS[kind], tmp_path / "gateway", servers, HERE) as gateway,
                gateway.client() as client,
            ):
                await until(lambda: answers(gateway))
                ends = time.monotonic() + BEFORE + AFTER
                async with asyncio.TaskGroup() as group:
                    for _ in range(READERS):
                        group.create_task(read(client, ends, seen))
                    await asyncio.sleep(BEFORE)
                    before = seen.total()
                    town.houses[0].process.kill()
        tell(f"{kind}: answers before the kill, and all", (before, dict(seen)))
        assert 0 < before < seen.total()
        assert set(seen) == {"200"}
