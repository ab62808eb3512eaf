"""The door of nginx and of HAProxy: TLS, the log, what is no HTTP, and who gets the work."""

import asyncio
import ssl
from functools import partial
from typing import Any

import pytest
from aiohttp import ClientSession

from embedded.process import wait_until
from tests.gateway.gateways import HTTP2, Gateway, Nginx
from tests.gateway.town import Town, Visit, own_id
from tests.support.clients import API
from tests.support.processes import PATIENCE


def statuses(gateway: Gateway) -> set[object]:
    """Return the statuses that the gateway has logged."""
    return {line.get("http.response.status_code") for line in gateway.said}


def lines_of(gateway: Gateway, request_id: str) -> list[dict[str, Any]]:
    """Return what the gateway has logged of a request."""
    return [line for line in gateway.said if line.get("http.request.id") == request_id]


class TestDoor:
    async def test_shares_the_work(self, visit: Visit, town: Town) -> None:
        sent, client = own_id(), visit()
        for _ in range(12):
            async with client.get("/livez", headers=sent) as response:
                assert response.status == 200
        found = {sent["X-Request-ID"] in house.said for house in town.houses}
        assert found == {True}

    async def test_sends_plain_http_to_tls(self, gateway: Gateway) -> None:
        async with ClientSession() as client:
            url = f"http://127.0.0.1:{gateway.plain}/docs?x=1"
            async with client.get(url, allow_redirects=False) as response:
                assert response.status == 308
                assert response.headers["Location"] == f"{gateway.url}/docs?x=1"

    @pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
    async def test_speaks_no_old_tls(self, gateway: Gateway) -> None:
        context = gateway.trust()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
            await asyncio.open_connection("127.0.0.1", int(gateway.tls), ssl=context)

    async def test_offers_http_2(self, gateway: Gateway) -> None:
        if isinstance(gateway, Nginx) and gateway.version < HTTP2:
            pytest.skip("this nginx says it in another way")
        context = gateway.trust()
        context.set_alpn_protocols(["h2"])
        _, writer = await asyncio.open_connection("127.0.0.1", int(gateway.tls), ssl=context)
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        writer.transport.abort()

    @pytest.mark.parametrize("line", ["GARBAGE", "GET /x HTTP/1.1\r\nbad"])
    async def test_refuses_what_is_not_http(self, gateway: Gateway, line: str) -> None:
        sent = f"{line}\r\n\r\n".encode()
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(gateway.tls), ssl=gateway.trust()
        )
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert sent not in await reader.read()
        if isinstance(gateway, Nginx):  # HAProxy answers before any rule of ours runs
            assert b"application/problem+json" in head
        writer.close()
        assert await asyncio.to_thread(wait_until, lambda: 400 in statuses(gateway), PATIENCE)

    async def test_logs_no_query_and_no_id(self, visit: Visit, gateway: Gateway) -> None:
        sent = own_id()
        path = f"{API}/shop/shops/4711/books?q=canary"
        async with visit().get(path, headers=sent) as response:
            assert response.status == 404
        told_of = partial(lines_of, gateway, sent["X-Request-ID"])
        assert await asyncio.to_thread(wait_until, lambda: bool(told_of()), PATIENCE)
        (line,) = told_of()
        assert (line["http.request.method"], line["http.response.status_code"]) == ("GET", 404)
        assert line["url.path"] in (f"{API}/shop/shops", f"{API}/shop")
        assert 0 <= line["event.duration"] < 60e9
        told = str(gateway.said)
        assert "canary" not in told
        assert "4711" not in told
        assert "127.0.0.1" not in told.replace("127.0.0.1:", "")
