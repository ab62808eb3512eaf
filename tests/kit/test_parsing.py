"""JSON bodies and their fields: what is not exactly what was asked for gets one precise answer."""

import time
from typing import Any

import pytest

from kit.endpoint import Endpoint
from kit.faults import MalformedJson
from kit.parsing import parse_json
from tests.kit.doors import UNSAFE, Operation, operations
from tests.support.clients import API, Client, problem
from tests.users.forms import ME, USERS, complaints, me, sign_up_form

ORDERS = f"{API}/shop/orders"
CART_ITEM = f"{API}/shop/cart/items/1"
JSON = {"Content-Type": "application/json"}
MALFORMED = {
    "broken": b'{"items": [}',
    "cut": b'{"items"',
    "two documents": b"{} {}",
    "a repeated key": b'{"first_name": "A", "first_name": "B"}',
    "a repeated key inside": b'{"x": [{"a": 1, "a": 2}]}',
    "depth 33": b"[" * 33 + b"]" * 33,
    "depth 33 of objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "depth 30000": b"[" * 30_000 + b"]" * 30_000,
    "unclosed depth": b"[" * 60_000,
    "5000 digits": b"9" * 5000,
    "5000 digits in a field": b'{"first_name": ' + b"9" * 5000 + b"}",
    "NaN": b'{"x": NaN}',
    "Infinity": b'{"x": -Infinity}',
    "a BOM": b"\xef\xbb\xbf{}",
    "invalid UTF-8": b'{"first_name": "\xff"}',
    "an encoded surrogate": b'{"first_name": "\xed\xa0\x80"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "white space": b" \n",
    "a raw control character": b'{"first_name": "a\nb"}',
    "a comment": b"{} // x",
    "a trailing comma": b'{"a": 1,}',
    "no JSON": b"first_name=A",
}
NO_OBJECTS = [b"[]", b'"x"', b"1", b"null", b"true", b"1e400", b"[" * 32 + b"]" * 32]
NO_INTEGERS = [
    "1_000",
    "1",
    " 1 ",
    "٣",
    "\uff15",
    "",
    1.5,
    1.0,
    1e300,
    True,
    None,
    [],
    {},
    "x" * 9999,
]
UNSTORABLE = ["a\x00b", "\ud800", "a\udfffb"]


def takes(declared: Endpoint | None) -> bool:
    """Tell whether an endpoint takes a body."""
    return declared is not None and declared.json is not None


BODILESS = [x for x in operations() if x.method in UNSAFE and x.declared and not takes(x.declared)]
NEEDY = [
    x for x in operations() if x.declared and takes(x.declared) and not x.declared.body_optional
]


class TestDocument:
    @pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
    async def test_is_refused_when_malformed(self, alice: Client, body: bytes) -> None:
        with pytest.raises(MalformedJson):
            parse_json(body)
        response = await alice.patch(ME, data=body, headers=JSON)
        await problem(response, 400, "malformed-json")

    @pytest.mark.parametrize(
        "body",
        [b"[" * 32 + b"]" * 32, b"[" * 31 + b'[1, "x"]' + b"]" * 31, b'"\\ud800"', b"0"],
    )
    def test_is_read_up_to_the_limit(self, body: bytes) -> None:
        parse_json(body)

    @pytest.mark.parametrize("body", NO_OBJECTS)
    async def test_must_be_an_object(self, alice: Client, body: bytes) -> None:
        response = await alice.patch(ME, data=body, headers=JSON)
        assert await complaints(response) == {""}

    @pytest.mark.parametrize("operation", NEEDY, ids=str)
    async def test_must_be_there(self, staff: Client, operation: Operation) -> None:
        response = await staff.request(operation.method, operation.address)
        await problem(response, 400, "malformed-json")
        empty = await staff.request(operation.method, operation.address, headers=JSON, data=b"")
        await problem(empty, 400, "malformed-json")

    @pytest.mark.parametrize("operation", BODILESS, ids=str)
    async def test_must_not_be_there(self, staff: Client, operation: Operation) -> None:
        response = await staff.request(operation.method, operation.address, json={"x": 1})
        assert await complaints(response) == {"/x"}
        assert (await me(staff))["username"] == "sam"  # nothing was executed


class TestFields:
    @pytest.mark.parametrize(
        ("name", "pointer"),
        [("x", "/x"), ("a/b", "/a~1b"), ("a~b", "/a~0b"), ("", "/"), ("é", "/é"), ("x\r", "/x\r")],
    )
    async def test_refuses_an_unknown_one(self, alice: Client, name: str, pointer: str) -> None:
        assert await complaints(await alice.patch(ME, json={name: 1})) == {pointer}

    @pytest.mark.parametrize("name", ["\ud800", "a\udfffb", "\x00"])
    async def test_refuses_one_whose_name_is_no_text(self, alice: Client, name: str) -> None:
        assert len(await complaints(await alice.patch(ME, json={name: 1}))) == 1

    async def test_takes_no_endless_number(self, alice: Client) -> None:
        response = await alice.put(CART_ITEM, data=b'{"quantity": 1e400}', headers=JSON)
        assert await complaints(response) == {"/quantity"}

    @pytest.mark.parametrize("value", NO_INTEGERS, ids=lambda value: repr(value)[:12])
    async def test_takes_only_integers_for_integers(self, alice: Client, value: Any) -> None:
        line = {"offer_id": value, "quantity": 1}
        raw = {"quantity": value}
        response = await alice.put(CART_ITEM, json=raw)
        assert await complaints(response) == {"/quantity"}
        response = await alice.post(ORDERS, json={"items": [line]})
        assert await complaints(response) == {"/items/0/offer_id"}

    @pytest.mark.parametrize("value", [0, -1, 1001, 2**63, 2**64, -(10**4000)])
    async def test_holds_the_bounds_of_integers(self, alice: Client, value: int) -> None:
        response = await alice.put(CART_ITEM, json={"quantity": value})
        assert await complaints(response) == {"/quantity"}

    @pytest.mark.parametrize("value", UNSTORABLE)
    @pytest.mark.parametrize("name", ["username", "email", "password", "first_name"])
    async def test_takes_only_text_that_can_be_stored(
        self, guest: Client, name: str, value: str
    ) -> None:
        response = await guest.post(USERS, json=sign_up_form(**{name: f"longer{value}text"}))
        assert await complaints(response) == {f"/{name}"}

    @pytest.mark.parametrize("value", UNSTORABLE)
    async def test_takes_no_other_text_at_sign_in(self, guest: Client, value: str) -> None:
        for form in ({"login": value, "password": "x"}, {"login": "x", "password": value}):
            response = await guest.post(f"{API}/auth/login", json=form)
            assert len(await complaints(response)) == 1


class TestLongInput:
    async def test_counts_items_before_it_loads_them(self, alice: Client) -> None:
        body = b'{"items":[' + b",".join([b"{}"] * 21_000) + b"]}"
        assert 60_000 < len(body) <= 64 * 1024
        times: list[float] = []
        for _ in range(5):  # for others may be noisy
            started = time.perf_counter()
            response = await alice.post(ORDERS, data=body, headers=JSON)
            times.append(time.perf_counter() - started)
            assert await complaints(response) == {"/items"}
        assert min(times) < 0.2

    @pytest.mark.parametrize("number", [0, 101])
    async def test_holds_the_bounds_of_a_list(self, alice: Client, number: int) -> None:
        body = {"items": [{"offer_id": 1, "quantity": 1}] * number}
        assert await complaints(await alice.post(ORDERS, json=body)) == {"/items"}

    @pytest.mark.parametrize(
        "body",
        [
            {str(number): 1 for number in range(5_000)},
            {"x" * 60_000: 1},
            {"/" * 40_000: 1},
            {"items": [{"x" * 500: 1}] * 100},
            {"\x01" * 100 + str(number): 1 for number in range(90)},
        ],
        ids=["many names", "a long one", "one to escape", "long ones in a list", "odd ones"],
    )
    async def test_is_not_answered_at_length(self, alice: Client, body: dict[str, Any]) -> None:
        response = await alice.post(ORDERS, json=body)
        assert await complaints(response)
        assert len(await response.read()) <= 16 * 1024
