"""Friendships: each pair once, whoever asked, and only its two people may touch it."""

from typing import Any

import pytest

from kit.db import LARGEST_ID
from tests.friends.people import FRIENDS, Person, Town
from tests.support.clients import problem
from tests.support.conformity import RFC3339
from tests.support.shops import value
from tests.users.forms import complaints

NOBODY = 987_654_321
COUNT = "SELECT count(*) FROM friendships"

# field -> values that it may not have; `...` is no value at all
REFUSED: dict[str, list[Any]] = {
    "target_id": [..., None, 0, -1, 2**63, "1", 1.5, 1.0, True, [1], {}, "1_000", "\u0661"],
    "tag": [None, 7, True, ["x"], "t" * 65, "🐙" * 65, "a\x00b", "a\ud800b"],
    "initiator_id": [None, 0, -1, 2**63, "1", 1.5, False, []],
}


class TestPost:
    async def test_makes_a_friendship(self, town: Town, anna: Person, boris: Person) -> None:
        response = await anna.befriend(boris.id, tag="chess", initiator_id=anna.id)
        assert response.status == 201
        document = await response.json()
        assert list(document) == ["id", "initiator_id", "target_id", "tag", "created_at"]
        assert (document["initiator_id"], document["target_id"]) == (anna.id, boris.id)
        assert document["tag"] == "chess"
        assert RFC3339.fullmatch(document["created_at"])
        assert response.headers["Location"] == f"{FRIENDS}/{document['id']}"
        assert response.headers["Cache-Control"] == "no-store"
        shown = await (await boris.friends.get(response.headers["Location"])).json()
        assert shown == document
        assert await value(town.friendships, COUNT) == 1

    async def test_keeps_the_tag_as_it_was_typed(self, town: Town, anna: Person) -> None:
        tags = ["", " ", "t" * 64, "🐙" * 64, "ё\n<b>", "%_\\"]
        for tag, other in zip(tags, await town.add_many(len(tags)), strict=True):
            made = await anna.friendship(other, tag=tag)
            shown = await (await anna.friends.get(f"{FRIENDS}/{made['id']}")).json()
            assert made["tag"] == shown["tag"] == tag

    async def test_needs_no_tag(self, anna: Person, boris: Person) -> None:
        assert (await anna.friendship(boris.id))["tag"] == ""

    async def test_needs_no_cookie_but_the_one_of_the_users_door(
        self, town: Town, anna: Person, boris: Person
    ) -> None:
        assert (await anna.befriend(boris.id)).status == 201
        response = await town.visit().post(FRIENDS, json={"target_id": boris.id})
        await problem(response, 401, "not-signed-in")

    async def test_refuses_a_second_one_in_either_direction(
        self, town: Town, anna: Person, boris: Person
    ) -> None:
        first = await anna.friendship(boris.id, tag="first")
        await problem(await anna.befriend(boris.id, tag="second"), 409, "already-friends")
        await problem(await boris.befriend(anna.id, tag="third"), 409, "already-friends")
        assert await value(town.friendships, COUNT) == 1
        assert await (await anna.friends.get(f"{FRIENDS}/{first['id']}")).json() == first

    async def test_lets_the_other_one_begin_again_after_an_end(
        self, anna: Person, boris: Person
    ) -> None:
        first = await anna.friendship(boris.id)
        assert (await boris.friends.delete(f"{FRIENDS}/{first['id']}")).status == 204
        again = await boris.friendship(anna.id)
        assert again["id"] != first["id"]
        assert again["initiator_id"] == boris.id

    async def test_refuses_oneself(self, anna: Person) -> None:
        await problem(await anna.befriend(anna.id), 422, "self-friendship")

    async def test_refuses_to_ask_in_anothers_name(
        self, town: Town, anna: Person, boris: Person, clara: Person
    ) -> None:
        response = await anna.befriend(clara.id, initiator_id=boris.id)
        await problem(response, 403, "not-yourself")
        assert await value(town.friendships, COUNT) == 0

    async def test_refuses_nobody(self, anna: Person) -> None:
        for user_id in (NOBODY, LARGEST_ID):
            await problem(await anna.befriend(user_id), 404, "user-not-found")

    async def test_refuses_a_deleted_user_until_restored(
        self, town: Town, anna: Person, boris: Person
    ) -> None:
        await boris.leave()
        await problem(await anna.befriend(boris.id), 404, "user-not-found")
        staff = await town.enter("sam", is_staff=True)
        restored = await staff.users.post(f"/api/v1/admin/users/{boris.id}/restore")
        assert restored.status == 200
        assert (await anna.befriend(boris.id)).status == 201

    async def test_refuses_a_deleted_friend_as_unknown_and_not_as_a_friend(
        self, anna: Person, boris: Person
    ) -> None:
        await anna.friendship(boris.id)
        await boris.leave()
        await problem(await anna.befriend(boris.id), 404, "user-not-found")

    async def test_lets_nobody_in_who_has_left(self, anna: Person, boris: Person) -> None:
        await anna.leave()
        await problem(await anna.befriend(boris.id), 401, "not-signed-in")


class TestForm:
    @pytest.mark.parametrize("name", REFUSED)
    async def test_names_the_field_that_does_not_fit(
        self, town: Town, anna: Person, boris: Person, name: str
    ) -> None:
        for wrong in REFUSED[name]:
            form = {"target_id": boris.id, "tag": "x", name: wrong}
            sent = {key: given for key, given in form.items() if given is not ...}
            response = await anna.friends.post(FRIENDS, json=sent)
            assert await complaints(response) == {f"/{name}"}, wrong
        assert await value(town.friendships, COUNT) == 0

    async def test_has_no_other_field(self, anna: Person, boris: Person) -> None:
        for name in ("id", "created_at", "friend", "status", ""):
            response = await anna.befriend(boris.id, **{name: 1})
            assert await complaints(response) == {f"/{name}"}

    async def test_takes_no_query(self, anna: Person, boris: Person) -> None:
        response = await anna.friends.post(f"{FRIENDS}?tag=x", json={"target_id": boris.id})
        await problem(response, 422, "validation-failed")

    async def test_is_judged_in_one_order(self, anna: Person, boris: Person) -> None:
        await anna.friendship(boris.id)
        wrong: list[tuple[dict[str, Any], int, str]] = [
            ({"tag": "t" * 65, "initiator_id": NOBODY}, 422, "validation-failed"),
            ({"target_id": anna.id, "initiator_id": NOBODY}, 403, "not-yourself"),
            ({"target_id": NOBODY, "initiator_id": NOBODY}, 403, "not-yourself"),
            ({"target_id": anna.id}, 422, "self-friendship"),
            ({"target_id": NOBODY}, 404, "user-not-found"),
            ({}, 409, "already-friends"),
        ]
        for changes, status, code in wrong:
            form = {"target_id": boris.id, **changes}
            await problem(await anna.friends.post(FRIENDS, json=form), status, code)


class TestStatements:
    async def test_are_as_many_for_the_twentieth_friend_as_for_the_first(
        self, town: Town, anna: Person, statements: list[str]
    ) -> None:
        counts = []
        for other in await town.add_many(20):
            statements.clear()
            await anna.friendship(other)
            counts.append(len(statements))
        assert set(counts) == {2}  # look whether there is such a user, insert
