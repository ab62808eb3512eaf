"""Who is on the other side: what trusted proxies say, and nothing that anybody could make up."""

import time
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_network
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import web
from multidict import CIMultiDict

from kit.db import Database
from kit.setting_checks import Network
from kit.settings import Settings
from kit.visitors import TRUSTED, client_address, parse, visitor
from tests.kit.conftest import VisitAt
from tests.support.clients import add_user, sign_in
from tests.users.forms import SESSIONS

STRANGER = "198.51.100.7"
PROXIES = ["10.0.0.0/8", "192.0.2.1", "2001:db8:ffff::/48"]


def networks(*names: str) -> tuple[Network, ...]:
    """Return what the setting holds."""
    return tuple(ip_network(name) for name in names)


def request(peer: str | None, *said: str) -> web.Request:
    """Make a request of a peer, with any number of headers, to a house with some proxies."""
    headers = CIMultiDict([("X-Forwarded-For", value) for value in said])
    house = {TRUSTED: networks(*PROXIES)}
    made = SimpleNamespace(remote=peer, headers=headers, config_dict=house)
    return cast(web.Request, made)


def address(peer: str | None, *said: str, trusted: Sequence[str] = PROXIES) -> str:
    """Return who is taken for the client."""
    return str(client_address(request(peer, *said), networks(*trusted)))


class TestStranger:
    @pytest.mark.parametrize("said", ["203.0.113.9", "127.0.0.1, 10.0.0.1", "", "unknown", "::1"])
    def test_is_not_believed(self, said: str) -> None:
        assert address(STRANGER, said) == STRANGER
        assert address(STRANGER, said, said) == STRANGER
        assert address("127.0.0.1", said) == "127.0.0.1"

    @pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.1", "::1", STRANGER])
    def test_is_everybody_when_no_proxy_is_named(self, peer: str) -> None:
        assert address(peer, "203.0.113.9", trusted=[]) == peer

    def test_has_one_address_however_many_are_made_up(self) -> None:
        made_up = {f"203.0.{n // 256}.{n % 256}, 10.0.0.1" for n in range(10_000)}
        assert {address(STRANGER, said) for said in made_up} == {STRANGER}
        assert {visitor(request(STRANGER, said)) for said in made_up} == {STRANGER}


class TestProxy:
    @pytest.mark.parametrize(
        ("said", "client"),
        [
            ([STRANGER], STRANGER),
            (["203.0.113.9, " + STRANGER], STRANGER),
            ([f"203.0.113.9,{STRANGER},10.0.0.2 ,192.0.2.1"], STRANGER),
            (["10.0.0.9, 203.0.113.9, " + STRANGER, "10.0.0.2"], STRANGER),
            (["203.0.113.9", STRANGER], STRANGER),
            (["203.0.113.9", f"10.0.0.3,{STRANGER}", "192.0.2.1", "10.0.0.2"], STRANGER),
            (["garbage, " + STRANGER], STRANGER),
            (["<script>", "\t" + STRANGER + "\t"], STRANGER),
            (["2001:db8::1, 2001:db8:ffff::2"], "2001:db8::1"),
        ],
    )
    def test_tells_the_first_stranger_from_the_right(self, said: list[str], client: str) -> None:
        assert address("10.0.0.1", *said) == client

    @pytest.mark.parametrize("said", ["10.0.0.9, 10.0.0.8", "10.0.0.9,192.0.2.1,10.0.0.8"])
    def test_may_be_the_client_itself(self, said: str) -> None:
        assert address("10.0.0.1", said) == "10.0.0.9"

    @pytest.mark.parametrize("said", ["", " ", ",", "unknown", "_hidden", "1.2.3", "1.2.3.4.5"])
    def test_that_does_not_know_is_the_last_one_known(self, said: str) -> None:
        assert address("10.0.0.1", said) == "10.0.0.1"
        assert address("10.0.0.1", f"{STRANGER}, {said}") == "10.0.0.1"
        assert address("10.0.0.1", f"{STRANGER}, {said}, 10.0.0.2") == "10.0.0.2"

    def test_without_a_header_is_the_client(self) -> None:
        assert address("10.0.0.1") == "10.0.0.1"

    def test_counts_in_every_spelling(self) -> None:
        assert address("::ffff:10.0.0.1", f"{STRANGER}, [::ffff:10.0.0.2]:443") == STRANGER
        assert address("2001:db8:ffff::1%eth0", STRANGER) == STRANGER

    @pytest.mark.parametrize("entry", ["10.0.0.2", "garbage", "", "[::ffff:10.0.0.2]:80", "[" * 9])
    def test_costs_little_with_ten_thousand_entries(self, entry: str) -> None:
        huge = request("10.0.0.1", ",".join([entry] * 10_000))
        started = time.process_time()
        client_address(huge, networks(*PROXIES))
        assert time.process_time() - started < 0.5


class TestParse:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("198.51.100.7:4711", STRANGER),
            (" 198.51.100.7 ", STRANGER),
            ("[198.51.100.7]", STRANGER),
            ("::ffff:198.51.100.7", STRANGER),
            ("[::FFFF:c633:6407]:80", STRANGER),
            ("[2001:DB8::1]", "2001:db8::1"),
            ("[2001:db8::1]:65535", "2001:db8::1"),
            ("2001:db8:0:0::1", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:80", "fe80::1"),
        ],
    )
    def test_reads_ports_brackets_scopes_and_mapped_addresses(self, text: str, found: str) -> None:
        assert str(parse(text)) == found

    @pytest.mark.parametrize(
        "text",
        [
            *("", "unknown", "_x", "example.org", "1.2.3", "256.1.1.1", "1.2.3.4/8", "1.2.3.4:x"),
            *(
                "01.2.3.4",
                "[::1",
                "::1]",
                "[]:80",
                "1::2::3",
                "1.2.3.4 5",
                "\u0661.2.3.4",
                "%eth0",
            ),
            *("1.2.3.4:80:80", "[::1]x", "for=1.2.3.4", "1" * 10_000, "[" * 10_000, ":" * 10_000),
        ],
    )
    def test_finds_no_address_where_none_is(self, text: str) -> None:
        assert parse(text) is None


class TestVisitor:
    def test_is_a_whole_network_of_ipv6(self) -> None:
        one, other, third = "2001:db8:1:2::1", "2001:db8:1:2:ffff::", "2001:db8:1:3::1"
        assert visitor(request(one)) == visitor(request(other)) == "2001:db8:1:2::/64"
        assert visitor(request(third)) == visitor(request("10.0.0.1", third)) != one
        assert visitor(request("fe80::1%eth0")) == visitor(request("fe80::1%eth1"))

    def test_is_one_address_of_ipv4(self) -> None:
        assert visitor(request(STRANGER)) == visitor(request(f"::ffff:{STRANGER}")) == STRANGER
        assert visitor(request("198.51.100.8")) != STRANGER

    def test_may_come_by_no_ip_connection(self) -> None:
        assert visitor(request(None, STRANGER)) == "None"


class TestSessions:
    @pytest.mark.parametrize(
        ("trusted", "said", "shown"),
        [
            ("127.0.0.0/8", f"203.0.113.9, {STRANGER}:80", STRANGER),
            ("127.0.0.1", "2001:db8::5", "2001:db8::5"),
            ("127.0.0.1", "unknown", "127.0.0.1"),
            ("10.0.0.0/8", STRANGER, "127.0.0.1"),
        ],
    )
    async def test_show_the_address_that_a_trusted_proxy_tells(
        self,
        visit_at: VisitAt,
        settings: Settings,
        house_database: Database,
        trusted: str,
        said: str,
        shown: str,
    ) -> None:
        await add_user(house_database, "alice")
        client = await visit_at(
            replace(settings, trusted_proxies=networks(trusted)), house_database
        )
        client.session.headers["X-Forwarded-For"] = said
        assert (await sign_in(client, "alice")).status == 200
        (session,) = (await (await client.get(SESSIONS)).json())["items"]
        assert session["ip"] == shown
