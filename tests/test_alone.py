"""`python -m users` and `python -m friends` as processes of their own."""

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from kit.settings import Settings
from tests.friends.pair import TOKEN, Pair, running
from tests.friends.people import FRIENDS
from tests.support import databases
from tests.support.clients import API, problem
from tests.support.log_lines import lines_of
from tests.support.processes import PATIENCE, Alone
from tests.users.forms import PUBLIC, USERS

SOMEWHERE = {"USERS_SERVICE_URL": "http://127.0.0.1:1", "SERVICE_TOKEN": TOKEN}

# what is set -> what is said
REFUSED: list[tuple[dict[str, str], str]] = [
    ({"USERS_SERVICE_URL": ""}, "USERS_SERVICE_URL is missing: say where the users "),
    ({"SERVICE_TOKEN": ""}, "SERVICE_TOKEN is missing: set the same one as at the "),
    ({"USERS_SERVICE_URL": "users:8001"}, "USERS_SERVICE_URL: Must be an address "),
    ({"USERS_SERVICE_URL": "http://user:pw@users:8001"}, "USERS_SERVICE_URL: Must be an address "),
    ({"SERVICE_TOKEN": "fifteen-letters"}, "SERVICE_TOKEN: Must be 16 to 256 visible "),
]

Begin = Callable[..., Alone]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Give a way to start one domain; all end with the test."""
    begun: list[Alone] = []

    def start(*arguments: str, **environment: str) -> Alone:
        log = tmp_path / f"{arguments[0]}{len(begun)}.log"
        begun.append(Alone(log, *arguments, **environment))
        return begun[-1]

    yield start
    for command in begun:
        command.stop()


class TestHelp:
    def test_needs_no_settings(self, begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in SOMEWHERE:
            monkeypatch.delenv(name, raising=False)
        users, friends = begin("users", "--help"), begin("friends", "--help")
        for command, name in ((users, "users"), (friends, "friends")):
            assert command.process.wait(PATIENCE) == 0, command.said
            assert command.said.startswith(f"Usage: python -m {name} [OPTIONS]")
            assert f"python -m {name}\n" in command.said.replace("\n  ", " ")
            for option in ("--workers", "--host", "--port"):
                assert option in command.said
        assert "USERS_SERVICE_URL" in friends.said


class TestSettings:
    def test_that_do_not_fit_end_with_one_sentence(self, begin: Begin) -> None:
        begun = [
            begin("friends", WORKERS=str(1 + number % 2), **SOMEWHERE | wrong)
            for number, (wrong, _) in enumerate(REFUSED)
        ]
        for command, (_, sentence) in zip(begun, REFUSED, strict=True):
            assert command.process.wait(PATIENCE) == 1, command.said
            assert command.said.startswith(f"Error: {sentence}"), command.said
            assert command.said.count("\n") == 1
            assert not any(secret in command.said for secret in (TOKEN, "fifteen-letters"))


@pytest_asyncio.fixture(scope="module")
async def pair(
    settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Pair]:
    """Run both, each on a database of its own, friends with two workers."""
    async with (
        databases.cloned(settings, "of_users_alone") as of_users,
        databases.cloned(settings, "of_friends_beside") as of_friends,
        running(tmp_path_factory.mktemp("alone"), of_users, of_friends, WORKERS="2") as both,
    ):
        yield both


class TestBoth:
    async def test_know_who_came_in_at_the_users_door(self, pair: Pair) -> None:
        anna, boris = [await pair.sign_up(name) for name in ("anna", "boris")]
        form = {"target_id": boris, "tag": "chess"}
        assert (await pair.ask("POST", "friends", FRIENDS, json=form))[0] == 401
        await pair.sign_in("anna")
        status, made = await pair.ask("POST", "friends", FRIENDS, json=form)
        assert (status, made["initiator_id"], made["target_id"]) == (201, anna, boris)
        status, page = await pair.ask("GET", "friends", FRIENDS)
        (item,) = page["items"]
        assert (item["friend"]["username"], item["friend"].keys()) == ("boris", PUBLIC)
        assert (await pair.ask("GET", "friends", f"{FRIENDS}/mutual?with={boris}"))[0] == 200
        status, document = await pair.ask("POST", "friends", FRIENDS, json=form)
        assert (status, document["code"]) == (409, "already-friends")
        unknown = {"target_id": 999_999_999}
        status, document = await pair.ask("POST", "friends", FRIENDS, json=unknown)
        assert (status, document["code"]) == (404, "user-not-found")
        assert (await pair.ask("POST", "users", f"{API}/auth/logout"))[0] == 204
        assert (await pair.ask("GET", "friends", FRIENDS))[0] == 401

    async def test_know_only_their_own_addresses(self, pair: Pair) -> None:
        nobodys = [f"{API}/shop/shops", "/applications", f"{API}/no/such", "/livez/"]
        foreign = {
            "users": [f"{FRIENDS}{rest}" for rest in ("", "/1", "/mutual?with=1")],
            "friends": [f"{USERS}{rest}" for rest in ("", "/me", "/1", "/1/exists")]
            + [f"{API}/auth/sessions", f"{API}/auth/login", f"{API}/admin/users"],
        }
        for door, paths in foreign.items():
            for path in paths + nobodys:
                for method in ("GET", "POST"):
                    url = f"{pair.at[door]}{path}"
                    async with pair.browser.request(method, url) as response:
                        await problem(response, 404, "not-found")

    @pytest.mark.parametrize("door", ["users", "friends"])
    async def test_answer_the_probes(self, pair: Pair, door: str) -> None:
        for path in ("/livez", "/readyz", "/problems/not-found"):
            status, _ = await pair.ask("GET", door, path)
            assert (status, await pair.ask("HEAD", door, path)) == (200, (200, None))
        _, report = await pair.ask("GET", door, "/readyz")
        states = {name: state["status"] for name, state in report["dependencies"].items()}
        assert states.keys() == {"postgresql", "redis", "kafka"} | (
            {"users"} if door == "friends" else set()
        )
        assert {states[name] for name in states.keys() - {"kafka"}} == {"up"}
        assert (await pair.ask("POST", door, "/livez"))[0] == 405

    async def test_explain_the_problems_that_they_tell_of(self, pair: Pair) -> None:
        for code in ("users-unavailable", "already-friends", "self-friendship"):
            assert (await pair.ask("GET", "friends", f"/problems/{code}"))[0] == 200
        assert (await pair.ask("GET", "users", "/problems/username-taken"))[0] == 200


class TestEnd:
    async def test_comes_well_by_sigterm(self, pair: Pair) -> None:
        for command in (pair.users, pair.friends):
            command.process.send_signal(signal.SIGTERM)
        for command in (pair.users, pair.friends):
            assert command.process.wait(PATIENCE) == 0, command.said
            assert command.said.count("Booting worker") in (0, 2)
            lines = lines_of(command.said)
            assert all({"time", "level", "event"} <= line.keys() for line in lines)
            assert not any("exception" in line for line in lines)
            assert TOKEN not in command.said
