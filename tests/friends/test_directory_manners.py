"""How friends asks a users service: with its token and the request's id, and nothing else."""

import json

from yarl import URL

from tests.friends.conftest import Beside
from tests.friends.faults import FAULTS, MUTUAL_WITH, WITH
from tests.friends.people import FRIENDS, TOKEN, Person, Town
from tests.friends.stage import Writer, always, answer, card, honest, saying, staged
from tests.friends.test_directory_faults import TARGET, befriended, timed
from tests.friends.test_friendships import COUNT
from tests.kit.conftest import Lines
from tests.kit.doors import dead_port
from tests.support.clients import problem
from tests.support.shops import value
from tests.users.forms import cookie_of

READY = "/readyz"
REQUEST_ID = "friend-of.a_friend-7"


def headers_of(head: bytes) -> dict[str, str]:
    """Return the headers of a request by their names in lower case."""
    lines = head.decode("latin-1").strip().split("\r\n")[1:]
    found = [line.split(": ", 1) for line in lines]
    assert len({name.lower() for name, _ in found}) == len(found)
    return {name.lower(): said for name, said in found}


class TestQuestion:
    async def test_carries_the_token_and_the_id_of_the_request_but_no_cookie(
        self, beside: Beside
    ) -> None:
        async with staged(honest) as stage:
            anna = await (await beside(stage.url)).enter("anna")
            headers = {"X-Request-ID": REQUEST_ID, "Authorization": "Bearer mine", "X-Mine": "1"}
            form = {"target_id": TARGET}
            assert (await anna.friends.post(FRIENDS, json=form, headers=headers)).status == 201
            assert (await anna.friends.get(FRIENDS, headers=headers)).status == 200
            assert (await anna.friends.get(MUTUAL_WITH, headers=headers)).status == 200
        assert len(stage.heads) == 3
        for head in stage.heads:
            sent = headers_of(head)
            assert sent["x-request-id"] == REQUEST_ID
            assert sent["authorization"] == f"Bearer {TOKEN}"
            assert sent["accept-encoding"] == "identity"
            assert not sent.keys() & {"cookie", "x-mine", "origin", "referer"}
            assert cookie_of(anna.users).encode() not in head

    async def test_is_put_under_the_contracts_address(self, beside: Beside) -> None:
        async with staged(honest) as stage:
            anna = await (await beside(stage.url)).enter("anna")
            await anna.friendship(TARGET)
            await anna.page()
        lines = [head.split(b"\r\n")[0].decode() for head in stage.heads]
        assert lines == [
            f"GET /api/v1/users/{TARGET}/exists HTTP/1.1",
            f"GET /api/v1/users/cards?ids={TARGET} HTTP/1.1",
        ]

    async def test_keeps_no_cookie_of_the_users_service(self, beside: Beside) -> None:
        cookie = "Set-Cookie: session=evil; Path=/"
        async with staged(always(saying("200 OK", {"items": [card(WITH)]}, cookie))) as stage:
            anna = await (await beside(stage.url)).enter("anna")
            for _ in range(2):
                response = await anna.friends.get(MUTUAL_WITH)
                assert response.status == 200
                assert "Set-Cookie" not in response.headers
        assert len(stage.heads) == 2
        assert all("cookie" not in headers_of(head) for head in stage.heads)

    async def test_goes_nowhere_else(self, beside: Beside) -> None:
        statuses = ["301", "302", "303", "307", "308"]
        async with staged(honest) as elsewhere, staged(honest) as stage:

            async def redirect(url: URL, writer: Writer) -> None:
                where = f"Location: {elsewhere.url}{url.path_qs}"
                writer.write(answer(f"{statuses[0]} Elsewhere", b"", where))

            stage.play = redirect
            town = await beside(stage.url)
            anna = await town.enter("anna")
            while statuses:
                await problem(await anna.befriend(TARGET), 503, "users-unavailable")
                response = await anna.friends.get(MUTUAL_WITH)
                await problem(response, 503, "users-unavailable")
                statuses.pop(0)
            assert elsewhere.heads == []
            assert await value(town.friendships, COUNT) == 0


class TestLog:
    async def test_never_holds_the_token(self, beside: Beside, log_lines: Lines) -> None:
        for name in ("closed without a word", "not HTTP", "401", "HTML", "broken JSON"):
            async with staged(FAULTS[name]) as stage:
                town = await beside(stage.url)
                anna = await town.enter(name.replace(" ", "-"))
                assert (await anna.befriend(TARGET)).status == 503
                assert (await anna.friends.get(FRIENDS)).status == 200
                assert (await anna.friends.get(READY)).status == 200
        text = json.dumps(log_lines())
        assert '"code": "users-unavailable"' in text
        assert TOKEN not in text
        assert "Traceback" not in text

    async def test_says_that_friends_have_no_names(self, beside: Beside, log_lines: Lines) -> None:
        town = await beside(f"http://127.0.0.1:{dead_port()}")
        anna = await town.enter("anna")
        await befriended(town, anna)
        await anna.page()
        (line,) = [line for line in log_lines() if line["event"] == "friends without names"]
        assert (line["level"], line["friendships"]) == ("warning", 1)


class TestReadiness:
    async def test_reports_the_users_service(self, beside: Beside) -> None:
        async with staged(honest) as stage:
            town = await beside(stage.url)
            response = await town.visit().get(READY)
            states = (await response.json())["dependencies"]
            assert (response.status, states["users"]["status"]) == (200, "up")
            assert 0 < states["users"]["latency_ms"] < 1500
            assert states.keys() == {"postgresql", "redis", "kafka", "users"}

    async def test_does_not_depend_on_it(self, beside: Beside) -> None:
        async with staged(honest) as stage:
            town = await beside(stage.url)
            for name in ("silent", "500", "closed without a word", "404 in HTML"):
                stage.play = FAULTS[name]
                seconds, response = await timed(town.visit().get(READY))
                document = await response.json()
                assert (response.status, document["status"]) == (200, "ready"), name
                assert document["dependencies"]["users"]["status"] == "down", name
                assert seconds < 5.0
        assert (await town.visit().get("/livez")).status == 200

    async def test_of_the_house_knows_no_such_service(self, neighbour: Town) -> None:
        states = (await (await neighbour.visit().get(READY)).json())["dependencies"]
        assert "users" not in states


class TestNames:
    async def test_of_somebody_else_are_nobodys(self, beside: Beside) -> None:
        async with staged(honest) as stage:
            town = await beside(stage.url)
            anna: Person = await town.enter("anna")
            await anna.friendship(TARGET)

            stage.play = always(saying("200 OK", {"items": [card(TARGET + 7)]}))
            (item,) = (await anna.page())["items"]
            assert item["friend"] is None
            await problem(await anna.friends.get(MUTUAL_WITH), 404, "user-not-found")

    async def test_show_moments_in_utc_wherever_the_service_is(self, beside: Beside) -> None:
        async with staged(honest) as stage:
            town = await beside(stage.url)
            anna = await town.enter("anna")
            await anna.friendship(TARGET)
            local = card(TARGET, created_at="2026-01-02T06:04:05+03:00")
            stage.play = always(saying("200 OK", {"items": [local]}))
            (item,) = (await anna.page())["items"]
            assert item["friend"]["created_at"] == "2026-01-02T03:04:05Z"

    async def test_may_come_with_fields_that_are_not_known_yet(self, beside: Beside) -> None:
        async with staged(honest) as stage:
            town = await beside(stage.url)
            anna = await town.enter("anna")
            await anna.friendship(TARGET)
            more = card(TARGET, email="user@example.org", is_staff=True, nickname="U")

            stage.play = always(saying("200 OK", {"items": [more], "next": None}))
            (item,) = (await anna.page())["items"]
            assert item["friend"] == card(TARGET)
