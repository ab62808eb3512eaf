"""Promise 7: twenty identical requests at once have one effect and one answer.

The same verdict reports the loss when a key is looked for but not claimed.
RACE_ROUNDS sets how often each race is run.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit import idempotency
from kit.idempotency import Claim
from kit.idempotency_keys import IdempotencyKey
from kit.settings import Settings
from tests.kit.rush import ONE_APPLICATION, ONE_ORDER, Rush, unlimited
from tests.shop.races import ROUNDS
from tests.shop.test_carts import put
from tests.support.keys import APPLICATIONS, BARE, ORDERS, again, application, keys, post
from tests.support.shops import add_offers, one_of_each
from tests.users import conftest as users
from tests.users.conftest import House

pytestmark = pytest.mark.concurrent

SAWN_OFF_ROUNDS = 10

Prepare = Callable[[House], Awaitable[Rush]]

house = users.house


@pytest_asyncio.fixture
async def busy_settings(busy_settings: Settings) -> Settings:
    """Let everybody call as often as he likes."""
    return unlimited(busy_settings)


async def orders(house: House) -> Rush:
    """One user orders two books on both workers."""
    await house.add("alice")
    clients = [await house.enter("alice", worker) for worker in (0, 1)]
    offers = await add_offers(house.database, 2, available=1000)
    return Rush(house.database, clients, [ORDERS], one_of_each(offers), ONE_ORDER)


async def applications(house: House) -> Rush:
    """Guests and a user send in one application on both workers, at both addresses."""
    await house.add("alice")
    clients = [house.visit(0), house.visit(1), await house.enter("alice")]
    return Rush(house.database, clients, [APPLICATIONS, BARE], application(), ONE_APPLICATION)


class TestRush:
    @pytest.mark.parametrize("prepare", [orders, applications])
    @pytest.mark.timeout(60 + 10 * ROUNDS)
    async def test_has_one_effect_and_one_answer(self, house: House, prepare: Prepare) -> None:
        rush = await prepare(house)
        for number in range(ROUNDS):
            assert await rush.losses(f"round-{number}") == [], f"round {number}"
        assert await keys(house.database) == ROUNDS

    async def test_to_order_a_cart_empties_it_once(self, house: House) -> None:
        rush = await orders(house)
        offers = [line["offer_id"] for line in rush.body["items"]]
        of_cart = Rush(house.database, rush.clients, [ORDERS], None, ONE_ORDER)
        for number in range(ROUNDS):
            for offer_id in offers:
                await put(rush.clients[0], offer_id, 1)
            assert await of_cart.losses(f"round-{number}") == [], f"round {number}"


async def look(session: AsyncSession, claim: Claim) -> bool:
    """Look whether the key is known, and claim nothing."""
    known = select(IdempotencyKey.key).where(*idempotency._of(claim))
    return (await session.execute(known)).scalar_one_or_none() is None


async def remember(session: AsyncSession, claim: Claim, answer: web.Response) -> None:
    """Keep the answer unless somebody else has kept one."""
    kept = {"status": answer.status, "body": answer.body, "location": answer.headers["Location"]}
    statement = insert(IdempotencyKey).values({**asdict(claim), **kept})
    await session.execute(statement.on_conflict_do_nothing())


class TestGuardSawnOff:
    @pytest.fixture(autouse=True)
    def naive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Check first, insert later."""
        monkeypatch.setattr(idempotency, "_is_first", look)
        monkeypatch.setattr(idempotency, "_keep", remember)

    async def test_still_answers_again_what_comes_later(self, house: House) -> None:
        client = house.visit()
        first = await post(client, "a", APPLICATIONS, json=application())
        await again(first, await post(client, "a", APPLICATIONS, json=application()))

    @pytest.mark.parametrize("prepare", [orders, applications])
    async def test_does_several_times_what_was_asked_for_once(
        self, house: House, prepare: Prepare
    ) -> None:
        rush = await prepare(house)
        found = [await rush.losses(f"round-{number}") for number in range(SAWN_OFF_ROUNDS)]
        caught = [losses for losses in found if any("effects" in loss for loss in losses)]
        assert len(caught) > SAWN_OFF_ROUNDS // 2, found
