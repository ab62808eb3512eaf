"""The own orders, newest first, by page and by cursor."""

import base64

import pytest
from yarl import URL

from kit.db import Database
from tests.shop.test_orders import ORDERS, order
from tests.support.clients import Client, problem
from tests.support.shops import add_offer, add_offers, lines, one_of_each, run

MOVE = """
UPDATE orders SET created_at = created_at - interval '1 min' + :micros * interval '1 us'
WHERE id = :id
"""
MORE = (
    "INSERT INTO orders (user_id) SELECT user_id FROM orders, generate_series(1, :more)",
    """
    INSERT INTO order_items (order_id, offer_id, title, quantity, price)
    SELECT orders.id, offers.id, 'A Book', 1, 1 FROM orders, offers ON CONFLICT DO NOTHING
    """,
)
NAMES = {"items", "page", "size", "total", "pages", "next_cursor"}


async def ids(client: Client, **query: object) -> list[int]:
    """Return the ids on one page of the history."""
    response = await client.get(ORDERS, params={name: str(text) for name, text in query.items()})
    assert response.status == 200, await response.text()
    return [order["id"] for order in (await response.json())["items"]]


def forged(place: str) -> str:
    """Return a cursor as the service would write it."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


class TestHistory:
    async def test_is_empty_at_first(self, alice: Client) -> None:
        document = await (await alice.get(ORDERS)).json()
        assert document.keys() == NAMES
        assert (document["items"], document["total"], document["pages"]) == ([], 0, 0)
        assert document["next_cursor"] is None

    async def test_is_closed_to_guests(self, guest: Client) -> None:
        await problem(await guest.get(ORDERS), 401, "not-signed-in")
        await problem(await guest.get(f"{ORDERS}/1"), 401, "not-signed-in")

    async def test_is_newest_first_also_among_orders_of_one_moment(
        self, alice: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database)
        placed = [(await order(alice, (offer_id, 1)))["id"] for _ in range(4)]
        older = "UPDATE orders SET created_at = created_at - interval '1 second' WHERE id = :id"
        await run(house_database, older, id=placed[3])
        assert await ids(alice) == [placed[2], placed[1], placed[0], placed[3]]

    async def test_shows_whole_orders(self, alice: Client, house_database: Database) -> None:
        offers = await add_offers(house_database, 3)
        placed = [await order(alice, *[(offer_id, 2) for offer_id in offers]) for _ in range(2)]
        assert (await (await alice.get(ORDERS)).json())["items"] == placed[::-1]

    async def test_shows_nothing_of_others(
        self, alice: Client, bob: Client, staff: Client, house_database: Database
    ) -> None:
        placed = await order(alice, (await add_offer(house_database), 1))
        for other in (bob, staff):
            assert await ids(other) == []
            response = await other.get(f"{ORDERS}/{placed['id']}")
            await problem(response, 404, "order-not-found")

    async def test_of_an_unknown_order_is_not_found(self, alice: Client) -> None:
        await problem(await alice.get(f"{ORDERS}/1"), 404, "order-not-found")

    async def test_can_be_filtered_by_status(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        offer_id = await add_offer(house_database)
        waiting, paid, cancelled = [(await order(alice, (offer_id, 1)))["id"] for _ in range(3)]
        assert (await staff.post(f"{ORDERS}/{paid}/pay")).status == 200
        assert (await alice.post(f"{ORDERS}/{cancelled}/cancel")).status == 200
        for status, expected in (
            ("awaiting_payment", waiting),
            ("paid", paid),
            ("cancelled", cancelled),
        ):
            assert await ids(alice, status=status) == [expected]
            document = await (await alice.get(ORDERS, params={"status": status})).json()
            assert document["total"] == 1

    async def test_costs_as_many_statements_for_a_hundred_orders_as_for_one(
        self, alice: Client, house_database: Database, statements: list[str]
    ) -> None:
        offers = await add_offers(house_database, 3, available=1000)
        counts = []
        assert (await alice.post(ORDERS, json=one_of_each(offers))).status == 201
        for more in (0, 99):
            for statement in MORE:
                await run(house_database, statement, more=more)
            statements.clear()
            found = await ids(alice, size=100)
            counts.append((len(found), len(statements)))
        assert counts == [(1, 3), (100, 3)]


class TestCursor:
    @pytest.fixture
    async def placed(self, alice: Client, house_database: Database) -> list[int]:
        """Place seven orders, the newest first; two of them at each moment."""
        offer_id = await add_offer(house_database, available=100)
        made = [(await order(alice, (offer_id, 1)))["id"] for _ in range(7)]
        for number, order_id in enumerate(made):
            await run(house_database, MOVE, micros=number // 2, id=order_id)
        return made[::-1]

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
    async def test_walks_everything_once_while_orders_arrive(
        self, alice: Client, placed: list[int], size: int
    ) -> None:
        offer_id = (await (await alice.get(ORDERS)).json())["items"][0]["items"][0]["offer_id"]
        document = await (await alice.get(ORDERS, params={"size": size})).json()
        found = [order["id"] for order in document["items"]]
        while document["next_cursor"]:
            await alice.post(ORDERS, json=lines((offer_id, 1)))
            query = {"size": size, "cursor": document["next_cursor"]}
            response = await alice.get(ORDERS, params=query)
            document = await response.json()
            assert (document["page"], document["total"], document["pages"]) == (None,) * 3
            assert document.keys() == NAMES
            assert bool(document["next_cursor"]) == ("next" in response.links)
            found += [order["id"] for order in document["items"]]
        assert found == placed

    async def test_goes_on_behind_a_numbered_page(self, alice: Client, placed: list[int]) -> None:
        document = await (await alice.get(ORDERS, params={"page": 2, "size": 2})).json()
        assert (document["page"], document["total"], document["pages"]) == (2, 7, 4)
        assert await ids(alice, cursor=document["next_cursor"]) == placed[4:]
        assert await ids(alice, page=5, size=2) == []

    async def test_keeps_the_filter(self, alice: Client, placed: list[int]) -> None:
        for order_id in placed[::2]:
            assert (await alice.post(f"{ORDERS}/{order_id}/cancel")).status == 200
        query = {"status": "cancelled", "size": "3"}
        response = await alice.get(ORDERS, params=query)
        assert [order["id"] for order in (await response.json())["items"]] == placed[:6:2]
        document = await (await alice.get(URL(response.links["next"]["url"]).path_qs)).json()
        cursor = (await response.json())["next_cursor"]
        assert await ids(alice, **query, cursor=cursor) == placed[6::2]
        assert document["page"] == 2

    async def test_takes_one_statement_less_however_deep(
        self, alice: Client, placed: list[int], statements: list[str]
    ) -> None:
        cursor = (await (await alice.get(ORDERS, params={"size": 3})).json())["next_cursor"]
        statements.clear()
        assert await ids(alice, size=3, cursor=cursor) == placed[3:6]
        assert len(statements) == 2

    @pytest.mark.parametrize(
        "cursor",
        ["", "x", "!!!!", "é", "A" * 101, "\x00"]
        + [forged(place) for place in ("1", "-1-1", "1-", "a-b", "1-1-1", "9" * 18 + "-1")]
        + [forged(f"1-{2**63}"), forged("1-9999999999999999999"), forged("\u0661-1")],
    )
    async def test_that_the_service_did_not_write_is_refused(
        self, alice: Client, cursor: str
    ) -> None:
        response = await alice.get(ORDERS, params={"cursor": cursor})
        document = await problem(response, 422, "validation-failed")
        assert [error["parameter"] for error in document["errors"]] == ["cursor"]

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("page=1&cursor={}", "cursor"),
            ("page=2&cursor={}", "cursor"),
            ("status=lost", "status"),
            ("status=", "status"),
            ("status=PAID", "status"),
            ("q=x", "q"),
            ("size=101&cursor={}", "size"),
        ],
    )
    async def test_refuses_bad_parameters(self, alice: Client, query: str, parameter: str) -> None:
        response = await alice.get(f"{ORDERS}?{query.format(forged('1-1'))}")
        document = await problem(response, 422, "validation-failed")
        assert [error["parameter"] for error in document["errors"]] == [parameter]
