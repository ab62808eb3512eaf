"""Users and friends by themselves serve documents of their own."""

from dataclasses import replace

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from openapi_spec_validator import OpenAPIV31SpecValidator

import friends.__main__
import users.__main__
from kit.addresses import API
from kit.db import Database
from kit.openapi_schemas import Described
from kit.settings import Settings
from kit.site import About
from tests.openapi_parts import odd_examples, routed_in, told_in, wordless
from tests.support.clients import client_of
from tests.test_openapi import kept

URL, TOKEN = "http://127.0.0.1:1", "a-token-for-the-document"
OWN = {
    "users": (f"{API}/users", f"{API}/auth", f"{API}/admin/users"),
    "friends": (f"{API}/friends",),
}
CREATE = {"users": users.__main__.create_app, "friends": friends.__main__.create_app}
ABOUT: dict[str, About] = {"users": users.__main__.ABOUT, "friends": friends.__main__.ABOUT}


def opened(name: str, settings: Settings, database: Database) -> web.Application:
    """Build one domain by itself."""
    beside = replace(settings, users_service_url=URL, service_token=TOKEN)
    return CREATE[name](beside, database=database)


PLAIN = {"Accept-Encoding": "identity"}


async def served(app: web.Application) -> Described:
    """Return the document that an application serves."""
    async with client_of(TestServer(app, access_log=None)) as client:
        async with client.get("/openapi.json", headers=PLAIN) as response:
            assert response.status == 200
            body = await response.read()
        async with client.head("/openapi.json", headers=PLAIN) as response:
            assert (response.status, await response.read()) == (200, b"")
            assert response.headers["Content-Length"] == str(len(body))
    told: Described = orjson.loads(body)
    return told


@pytest.mark.parametrize("name", OWN)
class TestAlone:
    async def test_serves_a_document_of_its_own(
        self, settings: Settings, house_database: Database, name: str
    ) -> None:
        app = opened(name, settings, house_database)
        told = await served(app)
        assert (told["info"]["title"], told["info"]["version"]) == (
            name,
            kept()["info"]["version"],
        )
        assert told["info"]["description"] == ABOUT[name].description
        assert list(OpenAPIV31SpecValidator(dict(told)).iter_errors()) == []
        assert (wordless(told), odd_examples(told)) == ([], [])

    async def test_knows_only_its_own_addresses(
        self, settings: Settings, house_database: Database, name: str
    ) -> None:
        app = opened(name, settings, house_database)
        told = told_in(await served(app))
        theirs = [x for x in told_in(kept()) if x.path.startswith(OWN[name])]
        assert sorted(map(str, told)) == sorted(map(str, theirs)) == sorted(routed_in(app))
        assert {str(x): x.told for x in told} == {str(x): x.told for x in theirs}
