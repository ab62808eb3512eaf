"""What the gateways say and refuse by themselves is what the house says and refuses."""

import re

import orjson
import pytest

from kit.errors import nouns
from kit.guards import LARGEST_BODY
from kit.problems import status_of, title_of
from kit.server import KEEP_ALIVE
from tests.gateway.gateways import DEPLOY
from tests.kit.doors import Operation, operations

NGINX = DEPLOY / "nginx"
HAPROXY = DEPLOY / "haproxy"
NOUNS = {noun.code: noun for noun in nouns()}


def closed_of_nginx() -> list[str]:
    """Return the patterns of what nginx asks a session for."""
    return re.findall(r'^ +"~(.+)" 1;$', (NGINX / "house/closed.conf").read_text(), re.MULTILINE)


def closed_of_haproxy() -> list[str]:
    """Return the patterns of what HAProxy asks a session for."""
    return (HAPROXY / "closed.txt").read_text().splitlines()


def needs_session(operation: Operation) -> bool:
    """Tell whether only people with a session may call; what services call is not for gateways."""
    declared = operation.declared
    return declared is not None and not declared.guest and not declared.service


CLOSED = {"nginx": closed_of_nginx(), "haproxy": closed_of_haproxy()}


class TestClosedAddresses:
    @pytest.mark.parametrize("kind", CLOSED)
    @pytest.mark.parametrize("operation", operations(), ids=str)
    def test_are_those_of_the_house(self, kind: str, operation: Operation) -> None:
        for text in ("1", "x-y.z"):
            line = f"{operation.method} {operation.at(text)}"
            found = any(re.search(pattern, line) for pattern in CLOSED[kind])
            assert found == needs_session(operation), line

    def test_are_the_same_at_both(self) -> None:
        assert CLOSED["nginx"] == CLOSED["haproxy"]
        assert len(CLOSED["nginx"]) > 3

    @pytest.mark.parametrize("kind", CLOSED)
    def test_are_all_met_by_some_operation(self, kind: str) -> None:
        lines = [f"{operation.method} {operation.address}" for operation in operations()]
        for pattern in CLOSED[kind]:
            assert any(re.search(pattern, line) for line in lines), pattern


def map_of(name: str) -> dict[str, str]:
    """Return a table of nginx by the code of the problem."""
    text = (NGINX / "house/problems.conf").read_text()
    found = re.search(rf"map \$code \${name} {{\n(.*?)\n}}", text, re.DOTALL)
    assert found, name
    return dict(re.findall(r'^ +([a-z-]+) "?(.*?)"?;$', found[1], re.MULTILINE))


def told_by_haproxy() -> dict[str, list[tuple[int, str]]]:
    """Return each problem that HAProxy tells, with the status of its answer and its text."""
    text = (HAPROXY / "haproxy.cfg").read_text()
    found = re.findall(r"status (\d+) content-type \S+ lf-string '(.*?)'", text)
    told: dict[str, list[tuple[int, str]]] = {}
    for status, body in found:
        plain = orjson.loads(re.sub(r"%\[[^\]]+\]", "x", body))
        told.setdefault(plain["code"], []).append((int(status), body))
    return told


class TestProblems:
    def test_of_nginx_are_in_the_words_of_the_house(self) -> None:
        titles, details = map_of("title"), map_of("detail")
        default = NOUNS["internal-error"]
        assert titles.pop("default") == title_of(default)
        assert details.pop("default") == default.explanation()
        assert titles == {code: title_of(NOUNS[code]) for code in titles}
        assert details == {code: NOUNS[code].explanation() for code in titles}

    def test_of_nginx_have_the_status_of_the_house(self) -> None:
        text = (NGINX / "house/server.conf").read_text()
        said = re.findall(r"set \$code ([a-z-]+);\s+return (\d+) \$problem;", text)
        assert {code for code, _ in said} == set(map_of("title")) - {"default"} | {
            "internal-error"
        }
        for code, status in said:
            assert status_of(NOUNS[code]) == int(status), code

    def test_of_nginx_say_when_to_try_again_as_the_house_does(self) -> None:
        waits = map_of("retry_after")
        for code in set(map_of("title")) - {"default"}:
            assert waits.get(code, "None") == str(NOUNS[code].retry_after), code

    def test_of_haproxy_are_in_the_words_of_the_house(self) -> None:
        told = told_by_haproxy()
        assert len(told) > 7
        for code, answers in told.items():
            noun = NOUNS[code]
            for _, body in answers:
                plain = orjson.loads(re.sub(r"%\[[^\]]+\]", "x", body))
                assert plain["status"] == status_of(noun), code
                assert (plain["title"], plain["detail"]) == (title_of(noun), noun.explanation())
                assert plain["type"] == f"/problems/{code}"

    def test_of_haproxy_have_the_status_of_the_house(self) -> None:
        for code, answers in told_by_haproxy().items():
            made = {status for status, _ in answers} - ({503} if code == "bad-gateway" else set())
            assert made == {status_of(NOUNS[code])}, code


class TestLimits:
    @pytest.mark.parametrize("name", ["proxy", "split"])
    def test_idle_connections_are_closed_before_the_house_closes_them(self, name: str) -> None:
        template = (NGINX / f"templates/{name}.conf.template").read_text()
        found = re.findall(r"keepalive_timeout (\d+)s;", template)
        assert found
        assert all(int(seconds) <= KEEP_ALIVE / 2 for seconds in found)

    def test_of_bodies_are_those_of_the_house(self) -> None:
        assert (
            f"client_max_body_size {LARGEST_BODY // 1024}k;" in (NGINX / "nginx.conf").read_text()
        )
        assert f"gt {LARGEST_BODY} }}" in (HAPROXY / "haproxy.cfg").read_text()
