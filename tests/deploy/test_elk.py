"""The way of the log to Elasticsearch: what is read, who may do what, and a setup that repeats."""

import base64
import os
import re
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import pytest_asyncio
import yaml
from aiohttp import hdrs, web
from aiohttp.test_utils import TestServer

from tests.deploy.running import ended

ELK = Path(__file__).parent.parent.parent / "deploy/elk"
FILEBEAT = yaml.safe_load((ELK / "filebeat.yml").read_text())
STREAM = FILEBEAT["output.elasticsearch"]["index"]
LOG = "/var/log/shop-api/shop-api.log"
SECRETS = {
    "ELASTIC_PASSWORD": "a secret: #1",
    "KIBANA_PASSWORD": "a secret: #2",
    "FILEBEAT_PASSWORD": "a secret: #3",
}

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here")


@dataclass
class Elastic:
    """Play both servers: note what is asked, who asks, and answer with a status."""

    status: int = 200
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    who: set[str] = field(default_factory=set)

    async def answer(self, request: web.Request) -> web.Response:
        """Note a request."""
        self.who.add(request.headers[hdrs.AUTHORIZATION])
        assert request.headers["kbn-xsrf"]  # Kibana refuses changes without it
        self.asked.append((request.method, request.path, await request.json()))
        return web.json_response({"error": "so it is"}, status=self.status)


@pytest.fixture
def elastic() -> Elastic:
    return Elastic()


@pytest_asyncio.fixture
async def server(elastic: Elastic) -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_route(hdrs.METH_ANY, "/{path:.*}", elastic.answer)
    server = TestServer(app)
    async with server:
        yield server


async def setup(server: TestServer, what: str, **settings: str) -> tuple[int, str]:
    """Run the script against the server; return its exit code and what it says."""
    url = str(server.make_url("")).rstrip("/")
    there = {"ELASTICSEARCH_URL": url, "KIBANA_URL": url, "PATH": os.environ["PATH"]}
    return await ended(ELK / "setup.sh", what, environment=there | SECRETS | settings)


def role(elastic: Elastic) -> Mapping[str, Any]:
    """Return what Filebeat may do."""
    (found,) = [body for _, path, body in elastic.asked if path.startswith("/_security/role/")]
    assert isinstance(found, dict)
    return found


class TestSetup:
    async def test_gives_everybody_what_he_needs(
        self, elastic: Elastic, server: TestServer
    ) -> None:
        assert await setup(server, "elasticsearch") == (0, "Elasticsearch takes the log.\n")
        told = {(method, path): body for method, path, body in elastic.asked}
        user = FILEBEAT["output.elasticsearch"]["username"]
        kibana = told["POST", "/_security/user/kibana_system/_password"]
        assert kibana == {"password": SECRETS["KIBANA_PASSWORD"]}
        assert told["PUT", f"/_security/user/{user}"]["password"] == SECRETS["FILEBEAT_PASSWORD"]
        (allowed,) = role(elastic)["indices"]
        assert PurePosixPath(STREAM).match(allowed["names"][0])
        assert set(allowed["privileges"]) == {"create_doc", "auto_configure"}
        template = told["PUT", "/_index_template/logs-shop_api"]
        assert PurePosixPath(STREAM).match(template["index_patterns"][0])
        assert "ecs@mappings" in template["composed_of"]
        basic = base64.b64encode(f"elastic:{SECRETS['ELASTIC_PASSWORD']}".encode()).decode()
        assert elastic.who == {f"Basic {basic}"}

    async def test_shows_the_log_in_kibana(self, elastic: Elastic, server: TestServer) -> None:
        assert await setup(server, "kibana") == (0, "Kibana shows the log.\n")
        view, default = (body for _, _, body in elastic.asked)
        assert PurePosixPath(STREAM).match(view["data_view"]["title"])
        assert view["override"], "a second run finds the data view there"
        assert default == {"data_view_id": view["data_view"]["id"], "force": True}

    @pytest.mark.parametrize("what", ["elasticsearch", "kibana"])
    async def test_fails_when_it_is_refused(
        self, elastic: Elastic, server: TestServer, what: str
    ) -> None:
        elastic.status = 403
        code, said = await setup(server, what)
        assert code == 1
        assert "so it is" in said
        assert len(elastic.asked) == 1

    async def test_refuses_a_password_that_would_break_the_json(self, server: TestServer) -> None:
        code, said = await setup(server, "elasticsearch", FILEBEAT_PASSWORD='a"b')
        assert code == 2
        assert said == "FILEBEAT_PASSWORD must have no quotation mark and no backslash.\n"


class TestFilebeat:
    def test_reads_the_log_and_what_rotation_makes_of_it(self) -> None:
        (source,) = FILEBEAT["filebeat.inputs"]
        read = [LOG, f"{LOG}.1", f"{LOG}.12"]
        left = [f"{LOG}.lock", "/var/log/shop-api/.__shop-api.lock", f"{LOG}.rotate.00000001"]
        found = [
            one for one in read + left if any(PurePosixPath(one).match(x) for x in source["paths"])
        ]
        assert found == read

    def test_takes_the_names_of_the_lines_as_they_are(self) -> None:
        (source,) = FILEBEAT["filebeat.inputs"]
        (parser,) = source["parsers"]
        assert parser["ndjson"]["target"] == ""
        assert parser["ndjson"]["overwrite_keys"]
        assert parser["ndjson"]["expand_keys"]
        # the documentation wants both or neither
        assert source["clean_removed"] is source["close.on_state_change.removed"] is False

    def test_holds_no_password(self) -> None:
        for name in ("filebeat.yml", "kibana.yml"):
            for value in re.findall(r"password: (.+)", (ELK / name).read_text()):
                assert re.fullmatch(r'"?\$\{[A-Z]+_PASSWORD\}"?', value)

    def test_is_let_in_with_a_password_only(self) -> None:
        server = yaml.safe_load((ELK / "elasticsearch.yml").read_text())
        assert server["xpack.security.enabled"] is True
        assert not any("anonymous" in name for name in server)
