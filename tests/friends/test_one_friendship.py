"""One friendship by its id: anybody may look, only its two people may change or end it."""

import pytest

from kit.db import LARGEST_ID
from tests.friends.people import FRIENDS, Person, Town
from tests.friends.test_friendships import COUNT, REFUSED
from tests.support.clients import problem
from tests.support.shops import value
from tests.users.forms import complaints

NO_IDS = ["0", "-1", "01", "x", "1.0", "+1", "\u0661", "1 ", str(2**63), "9" * 30]


class TestGet:
    async def test_shows_it_to_anybody_who_is_signed_in(
        self, town: Town, anna: Person, boris: Person, clara: Person
    ) -> None:
        made = await anna.friendship(boris.id, tag="chess")
        path = f"{FRIENDS}/{made['id']}"
        for person in (anna, boris, clara):
            response = await person.friends.get(path)
            assert (response.status, await response.json()) == (200, made)
        await problem(await town.visit().get(path), 401, "not-signed-in")

    async def test_shows_it_when_the_friend_has_left(self, anna: Person, boris: Person) -> None:
        made = await anna.friendship(boris.id)
        await boris.leave()
        assert await (await anna.friends.get(f"{FRIENDS}/{made['id']}")).json() == made

    async def test_head_answers_like_get_without_the_body(
        self, anna: Person, boris: Person
    ) -> None:
        path = f"{FRIENDS}/{(await anna.friendship(boris.id))['id']}"
        head, get = await anna.friends.head(path), await anna.friends.get(path)
        assert (head.status, await head.read()) == (200, b"")
        assert head.headers["Content-Length"] == get.headers["Content-Length"]


class TestUnknown:
    async def test_is_not_found(self, anna: Person) -> None:
        for method in ("GET", "PATCH", "DELETE"):
            body = {"tag": "x"} if method == "PATCH" else None
            for friendship_id in (LARGEST_ID, 999_999_999):
                path = f"{FRIENDS}/{friendship_id}"
                response = await anna.friends.request(method, path, json=body)
                await problem(response, 404, "friendship-not-found")
            for text in NO_IDS:
                response = await anna.friends.request(method, f"{FRIENDS}/{text}", json=body)
                await problem(response, 404, "not-found")


class TestPatch:
    async def test_lets_either_of_the_two_change_the_tag(
        self, anna: Person, boris: Person
    ) -> None:
        made = await anna.friendship(boris.id, tag="chess")
        path = f"{FRIENDS}/{made['id']}"
        for person, tag in ((anna, "t" * 64), (boris, ""), (anna, "шахматы")):
            response = await person.friends.patch(path, json={"tag": tag})
            assert (response.status, await response.json()) == (200, {**made, "tag": tag})
            assert await (await anna.friends.get(path)).json() == {**made, "tag": tag}

    async def test_changes_nothing_when_nothing_is_sent(
        self, anna: Person, boris: Person, clara: Person
    ) -> None:
        made = await anna.friendship(boris.id, tag="chess")
        path = f"{FRIENDS}/{made['id']}"
        response = await anna.friends.patch(path, json={})
        assert (response.status, await response.json()) == (200, made)
        await problem(await clara.friends.patch(path, json={}), 403, "not-your-friendship")

    async def test_refuses_a_third_person(
        self, anna: Person, boris: Person, clara: Person
    ) -> None:
        made = await anna.friendship(boris.id, tag="chess")
        path = f"{FRIENDS}/{made['id']}"
        response = await clara.friends.patch(path, json={"tag": "mine"})
        await problem(response, 403, "not-your-friendship")
        assert await (await anna.friends.get(path)).json() == made

    async def test_refuses_staff_as_any_third_person(
        self, town: Town, anna: Person, boris: Person
    ) -> None:
        staff = await town.enter("sam", is_staff=True)
        path = f"{FRIENDS}/{(await anna.friendship(boris.id))['id']}"
        response = await staff.friends.patch(path, json={"tag": "mine"})
        await problem(response, 403, "not-your-friendship")
        await problem(await staff.friends.delete(path), 403, "not-your-friendship")

    async def test_names_the_field_that_does_not_fit(self, anna: Person, boris: Person) -> None:
        made = await anna.friendship(boris.id, tag="chess")
        path = f"{FRIENDS}/{made['id']}"
        for wrong in REFUSED["tag"]:
            response = await anna.friends.patch(path, json={"tag": wrong})
            assert await complaints(response) == {"/tag"}, wrong
        for name in ("id", "target_id", "initiator_id", "created_at"):
            response = await anna.friends.patch(path, json={"tag": "x", name: made[name]})
            assert await complaints(response) == {f"/{name}"}
        assert await (await anna.friends.get(path)).json() == made

    async def test_looks_at_the_form_before_it_looks_for_the_friendship(
        self, anna: Person
    ) -> None:
        response = await anna.friends.patch(f"{FRIENDS}/{LARGEST_ID}", json={"tag": 1})
        assert await complaints(response) == {"/tag"}


class TestDelete:
    @pytest.mark.parametrize("who", ["anna", "boris"])
    async def test_lets_either_of_the_two_end_it(
        self, town: Town, anna: Person, boris: Person, who: str
    ) -> None:
        person = {"anna": anna, "boris": boris}[who]
        path = f"{FRIENDS}/{(await anna.friendship(boris.id))['id']}"
        response = await person.friends.delete(path)
        assert (response.status, await response.read()) == (204, b"")
        for method in ("GET", "DELETE"):
            again = await anna.friends.request(method, path)
            await problem(again, 404, "friendship-not-found")
        assert await value(town.friendships, COUNT) == 0

    async def test_refuses_a_third_person(
        self, town: Town, anna: Person, boris: Person, clara: Person
    ) -> None:
        path = f"{FRIENDS}/{(await anna.friendship(boris.id))['id']}"
        await problem(await clara.friends.delete(path), 403, "not-your-friendship")
        await problem(await town.visit().delete(path), 401, "not-signed-in")
        assert await value(town.friendships, COUNT) == 1

    async def test_ends_the_friendship_with_someone_who_left(
        self, anna: Person, boris: Person
    ) -> None:
        path = f"{FRIENDS}/{(await anna.friendship(boris.id))['id']}"
        await boris.leave()
        assert (await anna.friends.delete(path)).status == 204
        assert (await anna.page())["items"] == []
