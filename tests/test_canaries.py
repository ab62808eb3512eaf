"""Secrets and personal data are in no log: a walk through everything, and a look at all files."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest_asyncio
from aiohttp import ClientSession, CookieJar
from redis import asyncio as aioredis

from embedded import valkey
from kit.db import Database
from kit.settings import Settings
from tests.kit.doors import UNSAFE, dead_port, operations
from tests.kit.events import tell, until
from tests.kit.mailbox import Mailbox, mailbox
from tests.support.clients import API
from tests.support.processes import PATIENCE
from tests.support.shops import run
from tests.support.walks import Walk, ask, serving, with_password
from tests.users.forms import LOGOUT, ME, PASSWORD_OF_ME, SESSIONS, USERS, sign_up_form

PERSON = "canary-of-a-person"
EMAIL = f"{PERSON}@example.org"
TYPED = "canary that was typed"  # the beginning of each password
OF_SERVICES = "canary-of-a-service"  # the beginning of each secret of the settings
ROLE = "walker"
NEW_ROLE = f"CREATE ROLE {ROLE} SUPERUSER LOGIN PASSWORD '{OF_SERVICES}-sql'"
UNFORESEEN = f"ALTER TABLE users ADD CONSTRAINT ck_unforeseen CHECK (second_name <> '{PERSON}')"


@pytest_asyncio.fixture
async def walk(
    busy_settings: Settings, busy_database: Database, tmp_path: Path
) -> AsyncIterator[Walk]:
    """Begin with servers of which each has a password."""
    await run(busy_database, NEW_ROLE)
    with ExitStack() as stack:
        plain = stack.enter_context(valkey.server(tmp_path / "valkey", durable=False))
        redis = aioredis.Redis.from_url(plain, protocol=3)
        await redis.config_set("requirepass", f"{OF_SERVICES}-redis")
        await redis.aclose()
        box: Mailbox = stack.enter_context(mailbox(login=("shop", f"{OF_SERVICES}-smtp")))
        folder = tmp_path / "logs"
        folder.mkdir()
        begun = Walk(
            folder,
            {
                "LOG_LEVEL": "DEBUG",  # what is in no line of this level is in none
                "LOG_FILE": str(folder / "x.log"),
                "LOG_FILE_BYTES": "200000",
                "LOG_FILE_BACKUPS": "20",
                "DATABASE_URL": with_password(
                    busy_settings.database_url, f"{OF_SERVICES}-sql", ROLE
                ),
                "REDIS_URL": with_password(plain, f"{OF_SERVICES}-redis"),
                "KAFKA_BOOTSTRAP_SERVERS": busy_settings.kafka_servers,
                "SMTP_URL": box.url,
                "SERVICE_TOKEN": f"{OF_SERVICES}-token",
                "WEATHER_PROVIDER": "openweathermap",
                "WEATHER_API_KEY": f"{OF_SERVICES}-weather",
                "WEATHER_URL": f"http://127.0.0.1:{dead_port()}",
            },
        )
        begun.environment["APP_PORT"] = begun.port
        yield begun
        for command in begun.running:
            command.stop()
    await run(busy_database, f"DROP ROLE {ROLE}")


async def through_every_door(walk: Walk, browser: ClientSession) -> None:
    """Send secrets wherever a request has room for them."""
    form = {"login": EMAIL, "password": TYPED, "description": PERSON, "user_name": PERSON}
    headers = {
        "Authorization": f"Bearer {OF_SERVICES}-token",
        "Referer": f"{walk.url}/?q={PERSON}",
        "User-Agent": PERSON,
        "Idempotency-Key": PERSON,
    }
    # signing out comes last, and leaving for good is left out
    doors = [door for door in operations() if (door.method, door.route) != ("DELETE", ME)]
    for door in sorted(doors, key=lambda door: "auth" in door.route):
        body = {"json": form} if door.method in UNSAFE else {}
        address = f"{door.address}?q={PERSON}"
        await ask(walk, browser, door.method, address, headers=headers, **body)
        await ask(walk, browser, door.method, door.at(PERSON), headers=headers, **body)


async def as_a_person(walk: Walk, browser: ClientSession) -> None:
    """Sign up, fail, sign in, change everything, and meet an error that nobody foresaw."""
    form = sign_up_form(username="carol", email=EMAIL, password=TYPED)
    login = f"{API}/auth/login"
    assert await ask(walk, browser, "POST", USERS, json=form) == 201
    assert await ask(walk, browser, "POST", USERS, json=form) == 409
    assert await ask(walk, browser, "POST", USERS, json={**form, "email": f"{PERSON}@"}) == 422
    assert await ask(walk, browser, "POST", login, data=f'{{"password": "{TYPED}') in (400, 415)
    wrong, right = ({"login": EMAIL, "password": TYPED + more} for more in (" wrong", ""))
    assert await ask(walk, browser, "POST", login, json=wrong) == 401
    assert await ask(walk, browser, "POST", login, json=right) == 200
    changes = {"second_name": PERSON, "email": f"other-{EMAIL}"}
    assert await ask(walk, browser, "PATCH", ME, json=changes) == 500
    change = {"current_password": TYPED, "new_password": f"{TYPED} new"}
    assert await ask(walk, browser, "POST", PASSWORD_OF_ME, json=change) == 204
    assert await ask(walk, browser, "GET", SESSIONS) == 200
    await through_every_door(walk, browser)
    again = {"login": "carol", "password": f"{TYPED} new"}
    assert await ask(walk, browser, "POST", login, json=again) == 200
    assert await ask(walk, browser, "POST", LOGOUT) == 204


class TestCanaries:
    async def test_are_in_no_log(self, walk: Walk, busy_database: Database) -> None:
        await run(busy_database, UNFORESEEN)
        web = walk.start("web", "serve", "--workers", "2")
        worker = walk.start("worker", "worker")
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
            await serving(walk, browser)
            await as_a_person(walk, browser)
            await until(lambda: _is_told(walk, "mail sent"), PATIENCE)
            assert [await asyncio.to_thread(each.stop) for each in (web, worker)] == [0, 0]
            await self._without_servers(walk, browser)
        lines, text = walk.ours(), walk.logs()
        events = [line["event"] for line in lines]
        tell("lines", len(lines))
        assert events.count("request") > 2 * len(operations())
        assert "ck_unforeseen" in "".join(str(line.get("exception")) for line in lines)
        assert {"debug", "info", "warning", "error"} <= {line["level"] for line in lines}
        assert {"unavailable", "mail sent", "Booting worker with pid: "[:14]} & set(events)
        assert len(walk.cookies) >= 2
        secrets = {PERSON, TYPED, OF_SERVICES, "$2b$", *walk.cookies}
        assert [secret for secret in secrets if secret in text] == []

    async def _without_servers(self, walk: Walk, browser: ClientSession) -> None:
        nowhere = f":{OF_SERVICES}@127.0.0.1:{dead_port()}"
        away = {
            "DATABASE_URL": f"postgresql://me{nowhere}/db",
            "REDIS_URL": f"redis://{nowhere}/0",
            "SMTP_URL": f"smtp://me{nowhere}",
        }
        web = walk.start("web-alone", "serve", **away)
        worker = walk.start("worker-alone", "worker", **away)
        await serving(walk, browser)
        right = {"login": EMAIL, "password": TYPED}
        for path, sent in ((USERS, sign_up_form()), (f"{API}/auth/login", right)):
            assert await ask(walk, browser, "POST", path, json=sent) == 503
        assert await ask(walk, browser, "GET", ME) == 401
        assert await asyncio.to_thread(worker.process.wait, PATIENCE) == 1
        assert await asyncio.to_thread(web.stop) == 0


async def _is_told(walk: Walk, event: str) -> bool:
    return any(line["event"] == event for line in walk.ours())
