"""What happens to users is recorded with the change itself, and tells nothing personal."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
import pytest

from kit.db import Database
from tests.kit.events import own_name
from tests.support.clients import API, PASSWORD, Client, problem
from tests.support.shops import rows
from tests.users.forms import ME, PASSWORD_OF_ME, USERS, me, sign_up_form, stored
from tests.users.welcoming import recorded, sign_up
from users import events

ADMIN = f"{API}/admin/users"
Event = tuple[str, str, dict[str, Any]]


async def news(database: Database) -> list[Event]:
    """Return type, key and payload of each event."""
    return [
        (event["event_type"], event["key"], orjson.loads(event["payload"]))
        for event in await recorded(database)
    ]


async def change_of(database: Database, event_type: str, user_id: int) -> Event:
    """Return the event that fits what the row of a user is now."""
    query = "SELECT id, version, session_epoch FROM users WHERE id = :id"
    (row,) = await rows(database, query, id=user_id)
    return event_type, str(user_id), row


class TestRegistration:
    async def test_tells_id_name_and_time(self, guest: Client, house_database: Database) -> None:
        carol = await sign_up(guest, name := own_name())
        (event,) = await recorded(house_database)
        told = orjson.loads(event["payload"])
        assert told == {field: carol[field] for field in ("id", "username", "created_at")}
        assert told["created_at"].endswith("Z")
        assert datetime.fromisoformat(told["created_at"])
        assert (event["event_type"], event["key"]) == ("user.registered", str(carol["id"]))
        assert event["request_id"] == name

    @pytest.mark.parametrize(
        ("form", "status"),
        [({"username": "Alice"}, 409), ({"email": "Alice@example.org"}, 409), ({"email": 7}, 422)],
    )
    async def test_tells_nothing_when_it_is_refused(
        self,
        alice: Client,
        guest: Client,
        house_database: Database,
        form: Mapping[str, Any],
        status: int,
    ) -> None:
        response = await guest.post(USERS, json=sign_up_form(**form))
        assert response.status == status
        assert await news(house_database) == []

    async def test_tells_nothing_when_it_is_taken_back(
        self, guest: Client, house_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        genuine = events.record

        async def record(*args: Any) -> None:
            await genuine(*args)
            raise ValueError

        monkeypatch.setattr(events, "record", record)
        response = await guest.post(USERS, json=sign_up_form())
        await problem(response, 500, "internal-error")
        assert (await news(house_database), await stored(house_database)) == ([], [])

    async def test_is_taken_back_when_it_cannot_be_told(
        self, guest: Client, house_database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def record(*_: Any) -> None:
            raise ValueError

        monkeypatch.setattr("kit.outbox.record", record)
        response = await guest.post(USERS, json=sign_up_form())
        await problem(response, 500, "internal-error")
        assert await stored(house_database) == []


class TestChange:
    @pytest.mark.parametrize("address", ["me", "id"])
    async def test_of_the_profile_is_told(
        self, alice: Client, house_database: Database, address: str
    ) -> None:
        user_id = (await me(alice))["id"]
        url = ME if address == "me" else f"{USERS}/{user_id}"
        for name in ("Alicia", "Alina"):
            assert (await alice.patch(url, json={"first_name": name})).status == 200
        event = await change_of(house_database, "user.changed", user_id)
        assert event[2] == {"id": user_id, "version": 2, "session_epoch": 0}
        first, second = await news(house_database)
        assert second == event
        assert first == (*event[:2], {**event[2], "version": 1})

    async def test_of_the_password_is_told(self, alice: Client, house_database: Database) -> None:
        user_id = (await me(alice))["id"]
        change = {"current_password": PASSWORD, "new_password": "a new password"}
        assert (await alice.post(PASSWORD_OF_ME, json=change)).status == 204
        event = await change_of(house_database, "user.changed", user_id)
        assert event[2] == {"id": user_id, "version": 1, "session_epoch": 1}
        assert await news(house_database) == [event]

    @pytest.mark.parametrize(
        ("method", "url", "body", "status"),
        [
            ("PATCH", ME, {}, 200),
            ("PATCH", ME, {"email": "BOB@example.org"}, 409),
            ("PATCH", ME, {"first_name": ""}, 422),
            ("POST", PASSWORD_OF_ME, {"current_password": "no", "new_password": "a new one"}, 403),
        ],
    )
    async def test_that_is_none_is_not_told(
        self,
        alice: Client,
        bob: Client,
        house_database: Database,
        method: str,
        url: str,
        body: Mapping[str, Any],
        status: int,
    ) -> None:
        response = await alice.request(method, url, json=body)
        assert response.status == status, await response.text()
        assert await news(house_database) == []
        assert {row["version"] for row in await stored(house_database)} == {0}


class TestLeaving:
    async def test_is_told(self, alice: Client, house_database: Database) -> None:
        user_id = (await me(alice))["id"]
        assert (await alice.delete(ME)).status == 204
        event = await change_of(house_database, "user.deleted", user_id)
        assert event[2] == {"id": user_id, "version": 1, "session_epoch": 1}
        assert await news(house_database) == [event]

    async def test_and_coming_back_by_the_hand_of_staff_is_told_once_each(
        self, alice: Client, staff: Client, house_database: Database
    ) -> None:
        user_id = (await me(alice))["id"]
        address = f"{ADMIN}/{user_id}"
        assert (await staff.delete(address)).status == 204
        deleted = await change_of(house_database, "user.deleted", user_id)
        await problem(await staff.delete(address), 404, "user-not-found")
        for _ in range(2):
            assert (await staff.post(f"{address}/restore")).status == 200
        restored = await change_of(house_database, "user.restored", user_id)
        assert await news(house_database) == [deleted, restored]
        assert restored[2] == {"id": user_id, "version": 2, "session_epoch": 1}
