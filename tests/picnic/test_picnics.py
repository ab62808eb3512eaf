"""Planning a picnic, and looking at one: its moment, its city, who comes."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from kit.db import LARGEST_ID, Database
from tests.picnic.forms import (
    PICNICS,
    SHOWN_PICNIC,
    add_city,
    add_picnic,
    in_days,
    join,
    plan,
    read,
    shown,
)
from tests.support.clients import Client, add_user, problem
from tests.support.shops import value
from tests.users.forms import complaints, me

LATER = "2095-06-01T12:00:00Z"
MOMENTS = [  # as it is sent, as it is shown; clocks go forward in Europe on 2027-03-28 at 01:00Z
    ("2027-03-28T02:30:00+01:00", "2027-03-28T01:30:00Z"),
    ("2027-03-28T02:30:00+02:00", "2027-03-28T00:30:00Z"),
    ("2027-03-28T02:30:00Z", "2027-03-28T02:30:00Z"),
    ("2027-03-28T02:30:00+00:00", "2027-03-28T02:30:00Z"),
    ("2027-03-28T02:30:00-00:00", "2027-03-28T02:30:00Z"),
    ("2027-03-28T02:30:00+03:00", "2027-03-27T23:30:00Z"),
    ("2027-10-31T02:30:00+02:00", "2027-10-31T00:30:00Z"),  # and back: twice half past two
    ("2027-10-31T02:30:00+01:00", "2027-10-31T01:30:00Z"),
    ("2095-01-01T00:00:00+14:00", "2094-12-31T10:00:00Z"),
    ("2095-01-01T00:00:00-12:00", "2095-01-01T12:00:00Z"),
    ("2095-01-01T00:00:00+05:45", "2094-12-31T18:15:00Z"),
    ("2096-02-29T12:00:00.000001Z", "2096-02-29T12:00:00.000001Z"),
    ("2095-06-01T12:00:00.5+01:00", "2095-06-01T11:00:00.500000Z"),
    ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
    ("9999-12-31T23:59:59+14:00", "9999-12-31T09:59:59Z"),
]
NO_MOMENTS: list[Any] = [
    *(..., None, 7, True, [], {}, "", " ", "tomorrow", "4000000000", 4_000_000_000),
    *("2095-06-01T12:00:00", "2095-06-01 12:00", "2095-06-01", "12:00Z"),  # whose noon?
    *("2095-06-31T12:00:00Z", "2095-02-29T12:00:00Z", "2095-13-01T12:00:00Z"),
    *("2095-06-01T25:00:00Z", "2095-06-01T12:60:00Z", "2095-06-01T12:00:00+24:00"),
    *("2095-06-01T12:00:00+1:00", "2095-06-01T12:00:00 Europe/Berlin", "01.06.2095 12:00Z"),
    *("\u0662\u0660\u0669\u0665-06-01T12:00:00Z", "2095-06-01T12:00:00Z\n", " 2095-06-01T12:00Z"),
    *("10000-01-01T00:00:00Z", "-2095-06-01T12:00:00Z"),
    *("9999-12-31T23:59:59-00:01", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"),
]
NO_IDS: list[Any] = [..., None, 0, -1, 1.0, True, "1", [], LARGEST_ID + 1]


async def count(database: Database) -> int:
    """Count the picnics."""
    return int(await value(database, "SELECT count(*) FROM picnics"))


class TestPost:
    async def test_plans_a_picnic_to_which_nobody_comes_yet(
        self, alice: Client, house_database: Database
    ) -> None:
        city_id = await add_city(house_database, "Щукино")
        moment = in_days(3)
        form = {"city_id": city_id, "time": moment.isoformat()}
        response = await alice.post(PICNICS, json=form)
        document = await response.json()
        assert response.status == 201, document
        assert response.headers["Location"] == f"{PICNICS}/{document['id']}"
        assert document == {
            "id": document["id"],
            "time": shown(moment),
            "city": {"id": city_id, "name": "Щукино"},
            "creator_id": (await me(alice))["id"],
            "participants_total": 0,
            "participants": [],
        }
        assert await read(alice, response.headers["Location"]) == document

    async def test_keeps_the_moment_whatever_its_offset(
        self, alice: Client, house_database: Database
    ) -> None:
        city_id = await add_city(house_database)
        for sent, expected in MOMENTS:
            document = await plan(alice, city_id, sent)
            assert document["time"] == expected, sent
            assert (await read(alice, f"{PICNICS}/{document['id']}"))["time"] == expected

    async def test_refuses_what_is_no_moment(
        self, alice: Client, house_database: Database
    ) -> None:
        city_id = await add_city(house_database)
        for moment in NO_MOMENTS:
            form = {"city_id": city_id} | ({} if moment is ... else {"time": moment})
            assert await complaints(await alice.post(PICNICS, json=form)) == {"/time"}, moment
        assert await count(house_database) == 0

    async def test_refuses_what_is_past_in_utc_whatever_the_clock_on_the_wall(
        self, alice: Client, house_database: Database
    ) -> None:
        city_id, now = await add_city(house_database), datetime.now(UTC)
        for hours in (-12, -5, 0, 3, 14):
            zone = timezone(timedelta(hours=hours))
            past = (now - timedelta(seconds=1)).astimezone(zone).isoformat()
            response = await alice.post(PICNICS, json={"city_id": city_id, "time": past})
            assert await complaints(response) == {"/time"}
            future = (now + timedelta(minutes=1)).astimezone(zone).isoformat()
            assert (await plan(alice, city_id, future))["city"]["id"] == city_id
        for moment in ("1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"):
            response = await alice.post(PICNICS, json={"city_id": city_id, "time": moment})
            assert await complaints(response) == {"/time"}

    async def test_knows_its_city(self, alice: Client, house_database: Database) -> None:
        for city_id in (await add_city(house_database) + 1_000, LARGEST_ID):
            response = await alice.post(PICNICS, json={"city_id": city_id, "time": LATER})
            await problem(response, 404, "city-not-found")
        assert await count(house_database) == 0

    async def test_refuses_what_is_no_id(self, alice: Client, house_database: Database) -> None:
        for number in NO_IDS:
            form = {"time": LATER} | ({} if number is ... else {"city_id": number})
            assert await complaints(await alice.post(PICNICS, json=form)) == {"/city_id"}, number
        assert await count(house_database) == 0

    async def test_takes_nothing_else(self, alice: Client, house_database: Database) -> None:
        form = {"city_id": await add_city(house_database), "time": LATER}
        for field in ("id", "creator_id", "participants", "city", "datetime"):
            response = await alice.post(PICNICS, json=form | {field: 1})
            assert await complaints(response) == {f"/{field}"}

    async def test_allows_two_at_the_same_moment_in_the_same_city(
        self, alice: Client, bob: Client, house_database: Database
    ) -> None:
        city_id = await add_city(house_database)
        made = [await plan(client, city_id, LATER) for client in (alice, alice, bob)]
        assert len({picnic["id"] for picnic in made}) == 3

    async def test_is_closed_to_guests(self, guest: Client, house_database: Database) -> None:
        form = {"city_id": await add_city(house_database), "time": LATER}
        await problem(await guest.post(PICNICS, json=form), 401, "not-signed-in")
        assert await count(house_database) == 0

    async def test_takes_only_rfc_3339(self, alice: Client, house_database: Database) -> None:
        city_id = await add_city(house_database)
        wrong = ["2095-06-01T12:00:00Z\x00", "2095-06-01\x0012:00:00Z", "2095-06-01🐙12:00:00Z"]
        wrong += ["2095-W22-3T12Z", "20950601T120000Z", "2095-06-01T12:00:00+01:00:30"]
        wrong += ["2095-06-01T12:00:00 +01:00", "2095-06-01T12:00:00,5Z"]
        for moment in wrong:
            response = await alice.post(PICNICS, json={"city_id": city_id, "time": moment})
            assert await complaints(response) == {"/time"}, ascii(moment)
        assert (await plan(alice, city_id, "2095-06-01t12:00:00z"))["time"] == LATER


class TestPicnic:
    async def test_is_shown_to_guests_and_stored_by_nobody(
        self, guest: Client, house_database: Database
    ) -> None:
        user_id = await add_user(house_database, "dora")
        city_id = await add_city(house_database)
        picnic_id = await add_picnic(house_database, city_id, user_id, in_days(-1))
        await join(house_database, picnic_id, user_id)
        response = await guest.get(f"{PICNICS}/{picnic_id}")
        document = await response.json()
        assert document.keys() == SHOWN_PICNIC
        assert [card["username"] for card in document["participants"]] == ["dora"]
        assert "dora@" not in await response.text()
        assert response.headers["Cache-Control"] == "no-store"

    async def test_is_not_found_under_another_id(self, guest: Client) -> None:
        for number in (1_000_000, LARGEST_ID):
            await problem(await guest.get(f"{PICNICS}/{number}"), 404, "picnic-not-found")
        for text in ("0", "-1", "01", "x", "٣", str(LARGEST_ID + 1)):
            await problem(await guest.get(f"{PICNICS}/{text}"), 404, "not-found")

    async def test_answers_head_like_get(self, guest: Client, house_database: Database) -> None:
        user_id = await add_user(house_database, "dora")
        city_id = await add_city(house_database)
        picnic_id = await add_picnic(house_database, city_id, user_id, in_days(1))
        for path in (f"{PICNICS}/{picnic_id}", f"{PICNICS}/{picnic_id + 9}", PICNICS):
            get, head = await guest.get(path), await guest.head(path)
            assert (head.status, await head.read()) == (get.status, b"")
            assert head.headers["Content-Length"] == get.headers["Content-Length"]

    async def test_cannot_be_changed(self, alice: Client) -> None:
        for method in ("PUT", "PATCH", "DELETE"):
            response = await alice.request(method, f"{PICNICS}/1", json={})
            await problem(response, 405, "method-not-allowed")
