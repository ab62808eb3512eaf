"""What single fields and parameters of the document say is what the service takes and gives."""

import re

from tests.openapi_parts import told_in
from tests.test_openapi import kept
from tests.test_openapi_answers import LIMITED, RATES


class TestFields:
    def test_have_a_type_each(self) -> None:
        known = {"type", "$ref", "anyOf", "enum"}
        schemas = kept()["components"]["schemas"].items()
        parts = [(f"{n}.{f}", p) for n, s in schemas for f, p in s.get("properties", {}).items()]
        assert [name for name, part in parts if not known & part.keys()] == []

    def test_have_examples_or_none(self) -> None:
        schemas = kept()["components"]["schemas"].values()
        parts = [part for schema in schemas for part in schema.get("properties", {}).values()]
        assert not [part for part in parts if part.get("examples") == []]

    def test_are_prices_as_long_as_they_may_be(self) -> None:
        price = kept()["components"]["schemas"]["shop.OfferChange"]["properties"]["price"]
        assert not re.search(price["pattern"], "12345678901.00")
        assert re.search(price["pattern"], "1234567890.50")


class TestParameters:
    def test_are_ids_that_are_taken(self) -> None:
        (ids,) = [p for x in told_in(kept()) for p in x.told["parameters"] if p["name"] == "ids"]
        for wrong in ("0", "99999999999999999999", ",".join(["1"] * 101), "1,", ""):
            assert not re.search(ids["schema"]["pattern"], wrong), wrong
        assert re.search(ids["schema"]["pattern"], ",".join(["17"] * 100))

    def test_are_never_null(self) -> None:
        found = [p for x in told_in(kept()) for p in x.told["parameters"] if p["in"] == "query"]
        assert found
        assert not [
            p["name"]
            for p in found
            if "null" in p["schema"].get("type", "") or p["schema"].get("default", 0) is None
        ]


class TestHeaders:
    def test_tell_of_rates_at_the_refusal_too(self) -> None:
        for each in told_in(kept()):
            if str(each) in LIMITED:
                assert each.told["responses"]["429"]["headers"].keys() >= RATES

    def test_tell_of_the_cookie_where_it_is_set(self) -> None:
        setting = {
            str(each)
            for each in told_in(kept())
            for told in each.told["responses"].values()
            if "Set-Cookie" in told.get("headers", {})
        }
        ends = {"DELETE /api/v1/auth/sessions", "DELETE /api/v1/users/me"}
        assert setting == {"POST /api/v1/auth/login", "POST /api/v1/auth/logout", *ends}
