"""Keys of orders that came to nothing on the way: they are free for the next try."""

import orjson
import pytest

from kit.db import Database
from kit.faults import DatabaseUnavailable
from kit.pages import Row
from shop.service import orders
from tests.support.clients import Client, problem
from tests.support.keys import JSON, is_first, keys, post
from tests.support.shops import add_offer, lines, stock, written

place_order = orders.place_order


async def place_and_die(*arguments: object) -> Row:
    """Place an order, then meet a defect."""
    await place_order(*arguments)  # type: ignore[arg-type]
    raise RuntimeError


async def place_and_lose_the_database(*arguments: object) -> Row:
    """Place an order, then find that something is away."""
    await place_order(*arguments)  # type: ignore[arg-type]
    raise DatabaseUnavailable


class TestKeyOfWhatWasNotAnOrder:
    @pytest.mark.parametrize(
        ("text", "status", "code"),
        [
            ('{"items": []}', 422, "validation-failed"),
            ('{"items": [{"offer_id": 1}]}', 422, "validation-failed"),
            ('{"items": ', 400, "malformed-json"),
            (orjson.dumps({"items": "x" * 65536}).decode(), 413, "payload-too-large"),
        ],
    )
    async def test_is_free_after_a_body_that_does_not_fit(
        self, alice: Client, house_database: Database, text: str, status: int, code: str
    ) -> None:
        for _ in range(2):
            refused = await post(alice, "a", data=text, headers=JSON)
            await problem(refused, status, code)
            assert is_first(refused)
        body = lines((await add_offer(house_database), 1))
        placed = await post(alice, "a", json=body)
        assert (placed.status, is_first(placed)) == (201, True)

    async def test_is_free_after_a_guest_used_it(
        self, alice: Client, guest: Client, house_database: Database
    ) -> None:
        body = lines((await add_offer(house_database), 1))
        await problem(await post(guest, "a", json=body), 401, "not-signed-in")
        assert await keys(house_database) == 0
        placed = await post(alice, "a", json=body)
        assert (placed.status, is_first(placed)) == (201, True)

    @pytest.mark.parametrize(
        ("breakdown", "status", "code"),
        [
            (place_and_die, 500, "internal-error"),
            (place_and_lose_the_database, 503, "database-unavailable"),
        ],
    )
    async def test_is_free_after_a_breakdown_of_which_nothing_remains(
        self,
        alice: Client,
        house_database: Database,
        monkeypatch: pytest.MonkeyPatch,
        breakdown: object,
        status: int,
        code: str,
    ) -> None:
        offer_id = await add_offer(house_database)
        with monkeypatch.context() as patch:
            patch.setattr(orders, "place_order", breakdown)
            failed = await post(alice, "a", json=lines((offer_id, 1)))
        await problem(failed, status, code)
        assert await written(house_database) == (0, 0, 0)
        assert (await keys(house_database), await stock(house_database, [offer_id])) == (0, [10])
        placed = await post(alice, "a", json=lines((offer_id, 1)))
        assert (placed.status, is_first(placed)) == (201, True)
        assert await written(house_database) == (1, 1, 1)
