"""The list of picnics: by moment, past or to come, by city, by page."""

from datetime import UTC, datetime, timedelta, timezone

from yarl import URL

from kit.db import LARGEST_ID, Database
from tests.picnic.forms import (
    PICNICS,
    add_city,
    add_picnic,
    in_days,
    plan,
)
from tests.support.clients import Client, problem

MOMENT = datetime(2095, 6, 1, 12, 30, tzinfo=UTC)
THE_SAME = [  # as it stands in the address
    *("2095-06-01T12:30:00Z", "2095-06-01T12:30:00%2B00:00", "2095-06-01T12:30:00+00:00"),
    *("2095-06-01T14:30:00%2B02:00", "2095-06-01T14:30:00+02:00", "2095-06-02T02:30:00+14:00"),
    *("2095-06-01T00:30:00-12:00", "2095-06-01T18:00:00+05:30", "2095-06-01T12%3A30%3A00.000Z"),
]
OTHERS = [
    *("2095-06-01T12:30:00.000001Z", "2095-06-01T12:30:01Z", "2095-06-01T12:30:00%2B02:00"),
    *("2095-06-01T14:30:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"),
]
BAD = [
    *[("datetime", x) for x in ("", "x", "2095-06-01", "2095-06-01T12:30:00", "1e9", "%ff")],
    *[("datetime", x) for x in ("2095-06-01+12:30", "%00")],
    *[("datetime", x) for x in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-12:00")],
    *[("past", x) for x in ("", "1", "0", "True", "FALSE", "yes", "null", "%D0%B4%D0%B0")],
    *[("city_id", x) for x in ("", "0", "-1", "1.0", "x", str(LARGEST_ID + 1), "%D9%A2")],
    *[("page", "0"), ("size", "101"), ("time", "x"), ("creator_id", "1"), ("cursor", "x")],
    *[("past", "true&past=true"), ("city_id", "1&city_id=2")],
]


async def ids(client: Client, query: str = "") -> list[int]:
    """Return the ids on a page; the query stands as it is sent."""
    response = await client.get(URL(f"{PICNICS}?{query}", encoded=True))
    assert response.status == 200, await response.text()
    return [picnic["id"] for picnic in (await response.json())["items"]]


class TestFilters:
    async def test_take_a_moment_in_any_offset_and_exactly(
        self, guest: Client, house_database: Database, dora: int, town: int
    ) -> None:
        beside = (timedelta(), timedelta(microseconds=1), timedelta(seconds=1))
        made = [await add_picnic(house_database, town, dora, MOMENT + more) for more in beside]
        for text in THE_SAME:
            assert await ids(guest, f"datetime={text}") == made[:1], text
        found = [await ids(guest, f"datetime={text}") for text in OTHERS]
        assert found == [[made[1]], [made[2]], [], [], [], []]

    async def test_take_each_of_the_two_half_past_two_when_clocks_go_back(
        self, alice: Client, town: int
    ) -> None:
        summer = await plan(alice, town, "2027-10-31T02:30:00+02:00")
        winter = await plan(alice, town, "2027-10-31T02:30:00+01:00")
        assert await ids(alice, "datetime=2027-10-31T00:30:00Z") == [summer["id"]]
        assert await ids(alice, "datetime=2027-10-31T04:30:00%2B03:00") == [winter["id"]]
        assert await ids(alice) == [summer["id"], winter["id"]]

    async def test_leave_out_the_past_only_when_told_to(
        self, guest: Client, house_database: Database, dora: int, town: int
    ) -> None:
        moments = [in_days(-400), in_days(-1 / 24), in_days(1 / 24), in_days(400)]
        zone = timezone(timedelta(hours=14))
        made = [await add_picnic(house_database, town, dora, m.astimezone(zone)) for m in moments]
        assert await ids(guest) == await ids(guest, "past=true") == made
        assert await ids(guest, "past=false") == made[2:]

    async def test_take_a_city(
        self, guest: Client, house_database: Database, dora: int, town: int
    ) -> None:
        other = await add_city(house_database, "Shelbyville")
        here = await add_picnic(house_database, town, dora, MOMENT)
        there = await add_picnic(house_database, other, dora, MOMENT)
        assert await ids(guest, f"city_id={town}") == [here]
        assert await ids(guest, f"city_id={other}") == [there]
        for nowhere in (other + 1_000, LARGEST_ID):
            assert await ids(guest, f"city_id={nowhere}") == []

    async def test_narrow_one_another(
        self, guest: Client, house_database: Database, dora: int, town: int
    ) -> None:
        other, past = await add_city(house_database, "Shelbyville"), in_days(-3)
        made = {
            (city, moment): await add_picnic(house_database, city, dora, moment)
            for city in (town, other)
            for moment in (past, MOMENT)
        }
        query = f"city_id={town}&past=false&datetime=2095-06-01T12:30:00Z"
        assert await ids(guest, query) == [made[town, MOMENT]]
        assert await ids(guest, f"city_id={other}&past=false") == [made[other, MOMENT]]
        moment = past.isoformat().replace("+", "%2B")
        assert await ids(guest, f"datetime={moment}&past=false") == []
        assert await ids(guest, f"datetime={moment}") == [made[town, past], made[other, past]]

    async def test_name_the_parameter_that_does_not_fit(self, guest: Client) -> None:
        for name, sent in BAD:
            response = await guest.get(URL(f"{PICNICS}?{name}={sent}", encoded=True))
            document = await problem(response, 422, "validation-failed")
            named = [error["parameter"] for error in document["errors"]]
            assert named == [name], sent


class TestOrder:
    async def test_is_by_time_and_then_by_id_over_all_pages(
        self, guest: Client, house_database: Database, dora: int, town: int
    ) -> None:
        moments = [MOMENT + timedelta(days=n % 3) for n in range(11)]
        made = [(m, await add_picnic(house_database, town, dora, m)) for m in moments]
        expected, query = [picnic_id for _, picnic_id in sorted(made)], "size=4&past=false"
        response = await guest.get(f"{PICNICS}?{query}&city_id={town}")
        pages = [await response.json()]
        while "next" in response.links:
            response = await guest.get(URL(str(response.links["next"]["url"])).path_qs)
            pages.append(await response.json())
        assert [picnic["id"] for page in pages for picnic in page["items"]] == expected
        assert [(page["total"], page["pages"], page["size"]) for page in pages] == [(11, 3, 4)] * 3
        assert await ids(guest, f"{query}&page=4") == await ids(guest, f"page={2**53 - 1}") == []
