"""The end of an order, and the events that tell of its life."""

from decimal import Decimal
from typing import Any

import orjson
import pytest

from kit.db import Database
from tests.shop.test_orders import ORDERS, order
from tests.support.clients import Client, problem
from tests.support.shops import add_offer, add_offers, lines, rows, stock, value, written


class TestCancel:
    async def test_returns_the_stock_exactly_once(
        self, alice: Client, house_database: Database
    ) -> None:
        first, second, other = await add_offers(house_database, 3)
        placed = await order(alice, (first, 10), (second, 3))
        response = await alice.post(f"{ORDERS}/{placed['id']}/cancel")
        assert response.status == 200
        assert await response.json() == {**placed, "status": "cancelled"}
        assert await stock(house_database, [first, second, other]) == [10, 10, 10]
        again = await alice.post(f"{ORDERS}/{placed['id']}/cancel")
        await problem(again, 409, "wrong-order-status")
        assert await stock(house_database, [first, second, other]) == [10, 10, 10]

    async def test_is_kept(self, alice: Client, house_database: Database) -> None:
        placed = await order(alice, (await add_offer(house_database), 1))
        await alice.post(f"{ORDERS}/{placed['id']}/cancel")
        found = await (await alice.get(f"{ORDERS}/{placed['id']}")).json()
        assert found == {**placed, "status": "cancelled"}

    async def test_of_a_paid_order_is_refused(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database)
        placed = await order(alice, (offer_id, 1))
        assert (await staff.post(f"{ORDERS}/{placed['id']}/pay")).status == 200
        response = await alice.post(f"{ORDERS}/{placed['id']}/cancel")
        await problem(response, 409, "wrong-order-status")
        assert await stock(house_database, [offer_id]) == [9]

    async def test_is_for_the_owner_only(
        self, alice: Client, bob: Client, staff: Client, guest: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database)
        address = f"{ORDERS}/{(await order(alice, (offer_id, 1)))['id']}/cancel"
        await problem(await guest.post(address), 401, "not-signed-in")
        await problem(await bob.post(address), 404, "order-not-found")
        await problem(await staff.post(address), 404, "order-not-found")
        assert await stock(house_database, [offer_id]) == [9]

    async def test_of_an_unknown_order_is_not_found(self, alice: Client) -> None:
        await problem(await alice.post(f"{ORDERS}/1/cancel"), 404, "order-not-found")

    async def test_takes_no_fields(self, alice: Client, house_database: Database) -> None:
        placed = await order(alice, (await add_offer(house_database), 1))
        response = await alice.post(f"{ORDERS}/{placed['id']}/cancel", json={"status": "paid"})
        await problem(response, 422, "validation-failed")

    async def test_costs_as_many_statements_with_a_hundred_lines_as_with_one(
        self, alice: Client, house_database: Database, statements: list[str]
    ) -> None:
        offers = await add_offers(house_database, 100)
        counts = []
        for some in (offers[:1], offers):
            placed = await order(alice, *[(offer_id, 1) for offer_id in some])
            statements.clear()
            assert (await alice.post(f"{ORDERS}/{placed['id']}/cancel")).status == 200
            counts.append(len(statements))
        assert counts == [4, 4]
        assert set(await stock(house_database, offers)) == {10}


class TestPay:
    async def test_by_staff_marks_anybodys_order(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database)
        placed = await order(alice, (offer_id, 2))
        response = await staff.post(f"{ORDERS}/{placed['id']}/pay")
        paid = {**placed, "status": "paid"}
        assert (response.status, await response.json()) == (200, paid)
        assert await (await alice.get(f"{ORDERS}/{placed['id']}")).json() == paid
        assert await stock(house_database, [offer_id]) == [8]

    async def test_is_for_staff_only(
        self, alice: Client, guest: Client, house_database: Database
    ) -> None:
        address = (
            f"{ORDERS}/{(await order(alice, (await add_offer(house_database), 1)))['id']}/pay"
        )
        await problem(await guest.post(address), 401, "not-signed-in")
        await problem(await alice.post(address), 403, "staff-only")

    @pytest.mark.parametrize("end", ["pay", "cancel"])
    async def test_of_an_ended_order_is_refused(
        self, alice: Client, staff: Client, house_database: Database, end: str
    ) -> None:
        address = f"{ORDERS}/{(await order(alice, (await add_offer(house_database), 1)))['id']}"
        client = staff if end == "pay" else alice
        assert (await client.post(f"{address}/{end}")).status == 200
        await problem(await staff.post(f"{address}/pay"), 409, "wrong-order-status")

    async def test_of_an_unknown_order_is_not_found(self, staff: Client) -> None:
        await problem(await staff.post(f"{ORDERS}/1/pay"), 404, "order-not-found")


class TestEvents:
    async def events(self, database: Database) -> list[dict[str, Any]]:
        """Return what waits in the outbox, the payloads read."""
        query = "SELECT topic, key, event_type, payload, request_id FROM outbox ORDER BY id"
        found = await rows(database, query)
        return [{**row, "payload": orjson.loads(row["payload"])} for row in found]

    async def user_id(self, database: Database, name: str) -> int:
        found = await value(database, "SELECT id FROM users WHERE username = :name", name=name)
        return int(found)

    @pytest.mark.parametrize("end", ["pay", "cancel"])
    async def test_tell_of_each_step_once_with_the_request_that_made_it(
        self, alice: Client, staff: Client, house_database: Database, end: str
    ) -> None:
        offer_id = await add_offer(house_database, price=Decimal("0.50"))
        headers = {"X-Request-ID": "the-first"}
        response = await alice.post(ORDERS, json=lines((offer_id, 3)), headers=headers)
        placed = await response.json()
        client = staff if end == "pay" else alice
        headers = {"X-Request-ID": "the-second"}
        response = await client.post(f"{ORDERS}/{placed['id']}/{end}", headers=headers)
        ended = await response.json()
        event = {"topic": "orders", "key": str(placed["id"])}
        by_alice = await self.user_id(house_database, "alice")
        by_second = await self.user_id(house_database, "sam") if end == "pay" else by_alice
        assert await self.events(house_database) == [
            {
                **event,
                "event_type": "order.placed",
                "payload": {**placed, "by_user": by_alice},
                "request_id": "the-first",
            },
            {
                **event,
                "event_type": "order.paid" if end == "pay" else "order.cancelled",
                "payload": {**ended, "by_user": by_second},
                "request_id": "the-second",
            },
        ]

    async def test_do_not_tell_of_what_was_refused(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        placed = await order(alice, (await add_offer(house_database), 1))
        await staff.post(f"{ORDERS}/{placed['id']}/pay")
        await problem(await staff.post(f"{ORDERS}/{placed['id']}/pay"), 409, "wrong-order-status")
        await problem(
            await alice.post(f"{ORDERS}/{placed['id']}/cancel"), 409, "wrong-order-status"
        )
        assert await written(house_database) == (1, 1, 2)
