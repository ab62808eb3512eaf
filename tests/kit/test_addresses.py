"""Paths and queries: ids that the database could have made, parameters known and single."""

from itertools import product
from typing import Any

import pytest
from yarl import URL

from kit.errors import NotFound
from kit.parsing import path_values
from tests.kit.doors import Operation, operations, request, talk
from tests.support.clients import API, Client, problem
from tests.users.forms import USERS

ORDERS = f"{API}/shop/orders"
SHOPS = f"{API}/shop/shops"
NO_IDS = {
    "zero": "0",
    "a leading zero": "01",
    "negative": "-1",
    "a sign": "+1",
    "2^63": str(2**63),
    "5000 digits": "9" * 5000,
    "Arabic digits": "%D9%A1",
    "full-width digits": "%EF%BC%91",
    "superscript": "%C2%B2",
    "underscore": "1_0",
    "exponent": "1e3",
    "fraction": "1.0",
    "hex": "0x1",
    "white space": "%201",
    "a line break": "1%0A",
    "NUL": "1%00",
    "only NUL": "%00",
    "a surrogate": "%ED%A0%80",
    "invalid UTF-8": "%FF",
    "an encoded slash": "1%2F2",
    "a word": "x",
}
BY_ID = [x for x in operations() if x.declared and "id}" in x.route and x.method != "HEAD"]
LISTS = [x for x in operations() if x.declared and x.declared.query and x.method == "GET"]
PAGED = [x for x in LISTS if x.declared and x.declared.query and "page" in x.declared.query.fields]
NO_PAGES = [
    *("0", "-1", "+1", "1.0", "1.5", "1_0", "x", "", "%20", "%201", "1%20", "%D9%A1", "%EF%BC%91"),
    *("9" * 19, "9" * 5000, "1%00", "%00", "null", "true", "1e3", "%ED%A0%80", "%FF", str(2**53)),
]


async def parameters(response: Any) -> set[str]:
    """Return the parameters of a refused query."""
    document = await problem(response, 422, "validation-failed")
    assert all(complaint["message"] for complaint in document["errors"])
    return {complaint["parameter"] for complaint in document["errors"]}


def needed(operation: Operation) -> str:
    """Return what a query of the operation cannot do without."""
    query = operation.declared and operation.declared.query
    required = query.fields.values() if query else ()
    return "".join(f"&{field.data_key or field.name}=1" for field in required if field.required)


class TestPathIds:
    @pytest.mark.parametrize("operation", BY_ID, ids=str)
    async def test_are_numbers_that_the_database_could_have_made(
        self, staff: Client, operation: Operation
    ) -> None:
        for name, text in NO_IDS.items():
            response = await staff.request(operation.method, URL(operation.at(text), encoded=True))
            assert response.status == 404, name
            document = await response.json(content_type="application/problem+json")
            assert document["code"].endswith("not-found"), name

    @pytest.mark.parametrize("number", [1, 10, 2**63 - 1])
    def test_are_read_as_integers(self, number: int) -> None:
        values = {"id": str(number), "offer_id": str(number), "handle": "01"}
        assert path_values(values) == {"id": number, "offer_id": number, "handle": "01"}

    @pytest.mark.parametrize("text", ["0", "", "٣", "²", "1\n", "-1", "1" * 20, str(2**63)])
    def test_are_nothing_else(self, text: str) -> None:
        with pytest.raises((NotFound, IndexError)):
            path_values({"id": text})


class TestOtherPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/%00",
            f"{API}/%00",
            f"{USERS}/%00",
            "/%ED%A0%80",
            "/%FF",
            "/..%2f..%2fetc",
            "/a%0d%0aX:1",
        ],
    )
    async def test_with_odd_bytes_are_unknown(self, alice: Client, path: str) -> None:
        await problem(await alice.get(URL(path, encoded=True)), 404, "not-found")

    @pytest.mark.parametrize("path", [b"/caf\xe9", b"/\xff\xfe", "/\u0661".encode(), b"/a\x7f"])
    async def test_with_bytes_beyond_ascii_get_a_problem(self, raw_port: int, path: bytes) -> None:
        answer = await talk(raw_port, request("GET", path.decode("latin-1")))
        assert answer.status in (400, 404), answer
        assert answer.headers["content-type"] == "application/problem+json"
        assert path.lstrip(b"/") not in answer.body


class TestQuery:
    @pytest.mark.parametrize("operation", operations(), ids=str)
    async def test_refuses_unknown_parameters(self, staff: Client, operation: Operation) -> None:
        if operation.declared is None or operation.method == "HEAD":
            return
        body: dict[str, Any] | None = {} if operation.declared.json else None
        path = f"{operation.address}?nope=1{needed(operation)}"
        response = await staff.request(operation.method, path, json=body)
        assert await parameters(response) == {"nope"}

    @pytest.mark.parametrize("operation", LISTS, ids=str)
    async def test_refuses_repeated_parameters(self, staff: Client, operation: Operation) -> None:
        assert operation.declared is not None
        assert operation.declared.query is not None
        fields = operation.declared.query.fields.values()
        for name in [*(field.data_key or field.name for field in fields), "nope"]:
            response = await staff.get(f"{operation.address}?{name}=1&{name}=1")
            assert await parameters(response) == {name}

    @pytest.mark.parametrize("operation", PAGED, ids=str)
    async def test_takes_only_ascii_digits_for_integers(
        self, staff: Client, operation: Operation
    ) -> None:
        for name, text in product(("page", "size"), NO_PAGES):
            query = f"{name}={text}{needed(operation)}"
            response = await staff.get(URL(f"{operation.address}?{query}", encoded=True))
            assert await parameters(response) == {name}, text

    @pytest.mark.parametrize("text", ["%00", "a%00b", "%FF", "%ED%A0%80", "x" * 101])
    async def test_takes_only_text_that_can_be_stored(self, guest: Client, text: str) -> None:
        assert await parameters(await guest.get(URL(f"{SHOPS}?q={text}", encoded=True))) == {"q"}

    @pytest.mark.parametrize("text", ["%", "%zz", "%25", "_", "%5C", "'--"])
    async def test_takes_odd_text_as_plain_characters(self, guest: Client, text: str) -> None:
        response = await guest.get(URL(f"{SHOPS}?q={text}", encoded=True))
        assert (response.status, (await response.json())["items"]) == (200, [])

    @pytest.mark.parametrize("name", ["%00", "%ED%A0%80", "%FF", "a%0D%0Ab", "", "%22"])
    async def test_refuses_odd_names(self, guest: Client, name: str) -> None:
        response = await guest.get(URL(f"{SHOPS}?{name}=1", encoded=True))
        assert len(await parameters(response)) == 1

    async def test_is_not_answered_at_length(self, guest: Client) -> None:
        names = "&".join(f"{number:x}" for number in range(1_500))
        response = await guest.get(URL(f"{SHOPS}?{names}", encoded=True))
        assert await parameters(response)
        assert len(await response.read()) <= 16 * 1024
