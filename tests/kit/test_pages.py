"""Pages: places in an order, links, and rows that leave as the schema would have dumped them."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from yarl import URL

from kit.db import Database
from kit.errors import ValidationFailed
from kit.pages import Page, Place, Row
from kit.schemas import Schema, page_of
from shop.schemas import OfferOut, OrderOut, ShopOut
from shop.service import catalogue, orders
from tests.support.clients import Client, add_user, problem
from tests.support.shops import SHOP, add_offers, add_shop, one_of_each
from users.entities import User

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def encoded(text: str) -> str:
    """Write text as a cursor is written."""
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


FOREIGN = [
    *("", "x", "!", "====", "é", "٣", "a b", "null", "1", "\x00", "x" * 101, "x" * 9999),
    *map(encoded, ("1-", "-1", "1--1", "1-1-1", "a-b", "1_0-1", "٣-1", "1 -1", "1-1\n", "1.5-1")),
    *map(encoded, ("9" * 17 + "-" + "9" * 20, "9" * 18 + "-1", "1-" + "9" * 19, f"1-{2**63}")),
    encoded("\xff"),
    encoded("1-1") + "!!!!",
    encoded("1-1") + "=",
]


class TestPlace:
    @pytest.mark.parametrize("moment", [MOMENT, datetime(1970, 1, 1, tzinfo=UTC)])
    @pytest.mark.parametrize("number", [1, 2**63 - 1])
    def test_comes_back_as_it_was(self, moment: datetime, number: int) -> None:
        place = Place(moment, number)
        assert Place.of(place.cursor()) == place
        assert URL.build(path="/", query={"c": place.cursor()}).raw_query_string.isascii()

    def test_does_not_depend_on_the_zone(self) -> None:
        moved = MOMENT.astimezone(timezone(timedelta(hours=5)))
        assert Place(moved, 1).cursor() == Place(MOMENT, 1).cursor()

    @pytest.mark.parametrize("cursor", FOREIGN, ids=lambda text: ascii(text)[:20])
    def test_is_not_read_from_a_foreign_cursor(self, cursor: str) -> None:
        with pytest.raises(ValidationFailed) as caught:
            Place.of(cursor)
        assert [error["parameter"] for error in caught.value.errors] == ["cursor"]

    @pytest.mark.parametrize("cursor", FOREIGN, ids=lambda text: ascii(text)[:20])
    async def test_is_refused_at_the_door(self, alice: Client, cursor: str) -> None:
        url = URL.build(path=f"{SHOP}/orders", query={"cursor": cursor})
        if len(str(url)) < 8000:
            document = await problem(await alice.get(url), 422, "validation-failed")
            assert {error["parameter"] for error in document["errors"]} == {"cursor"}


def links(page: Page, url: str) -> dict[str, str]:
    """Return the addresses of a Link header by their relation."""
    parts = [part.split(">; rel=") for part in page.links(URL(url)).split(", ") if part]
    return {rel.strip('"'): address.removeprefix("<") for address, rel in parts}


class TestLinks:
    def test_name_the_neighbours(self) -> None:
        middle = Page(items=[], size=10, page=3, total=41)
        assert links(middle, "/x?q=a%26b&page=3&size=10") == {
            rel: f"/x?q=a%26b&page={number}&size=10"
            for rel, number in {"first": 1, "prev": 2, "next": 4, "last": 5}.items()
        }

    @pytest.mark.parametrize(
        ("page", "total", "rels"),
        [
            (1, 0, {"first", "last"}),
            (1, 10, {"first", "last"}),
            (1, 11, {"first", "next", "last"}),
            (2, 11, {"first", "prev", "last"}),
            (9, 11, {"first", "last"}),
        ],
    )
    def test_stop_at_the_ends(self, page: int, total: int, rels: set[str]) -> None:
        assert links(Page(items=[], size=10, page=page, total=total), "/x").keys() == rels

    def test_go_on_with_a_cursor(self) -> None:
        page = Page(items=[], size=10, by_cursor=True, next_cursor="abc")
        assert links(page, "/x?cursor=old&size=5") == {"next": "/x?cursor=abc&size=5"}
        assert links(Page(items=[], size=10, by_cursor=True), "/x") == {}

    @pytest.mark.parametrize("q", [">; rel=evil", '", <x>', "a\r\nb", "é", ","])
    async def test_cannot_be_broken_by_a_search(self, guest: Client, q: str) -> None:
        response = await guest.get(URL.build(path=f"{SHOP}/shops", query={"q": q}))
        assert response.status == 200
        assert response.links.keys() == {"first", "last"}
        assert response.links["first"]["url"].query["q"] == q  # type: ignore[union-attr]

    async def test_lead_past_the_end_to_no_items(
        self, guest: Client, house_database: Database
    ) -> None:
        await add_shop(house_database)
        response = await guest.get(f"{SHOP}/shops?page=9007199254740991&size=100")
        document = await response.json()
        assert (response.status, document["items"]) == (200, [])
        assert (document["total"], document["pages"]) == (1, 1)


def dumped(page: Page, item: Schema) -> Any:
    """Return what the schema makes of a page, with rows as its objects."""
    cursor = {"next_cursor": page.next_cursor} if page.by_cursor else {}
    names = ("items", "page", "size", "total", "pages")
    envelope: dict[str, Any] = {name: getattr(page, name) for name in names} | cursor
    envelope["items"] = [_plain(row) for row in page.items]
    return page_of(item, cursor=page.by_cursor).dump(envelope)


def _plain(row: Row) -> Row:
    return {name: row[name] for name in row}


class TestBytes:
    async def test_are_those_of_the_schema(self, alice: Client, house_database: Database) -> None:
        offers = await add_offers(house_database, 3, price=Decimal("7.5"))
        shop_id = await add_shop(house_database, site="https://é.example")
        assert (await alice.post(f"{SHOP}/orders", json=one_of_each(offers))).status == 201
        async with house_database.reading() as session:
            user_id = (await session.execute(select(User.id))).scalar_one()
            pages: list[tuple[Page, Schema]] = [
                (await catalogue.list_shops(session, q=None, page=1, size=20), ShopOut()),
                (
                    await catalogue.assortment(
                        session, shop_id - 1, q=None, sort="title", page=1, size=20
                    ),
                    OfferOut(),
                ),
                (await orders.history(session, user_id, status=None, page=1, size=20), OrderOut()),
            ]
        for page, item in pages:
            assert page.items
            assert orjson.loads(page.to_json()) == orjson.loads(orjson.dumps(dumped(page, item)))

    async def test_show_moments_and_amounts_alike(self, house_database: Database) -> None:
        await add_user(house_database, "dora", created_at=MOMENT.replace(microsecond=0))
        async with house_database.reading() as session:
            statement = select(User.id, User.created_at)
            rows = (await session.execute(statement)).mappings().all()
        text = Page(items=rows, size=1, page=1, total=1).to_json()
        assert b'"created_at":"2026-01-02T03:04:05Z"' in text
        assert b'"12.50"' in Page(items=[{"price": Decimal("12.50")}], size=1).to_json()
