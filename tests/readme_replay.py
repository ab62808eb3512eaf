"""The README's `$ curl` lines: read, sent, and compared with what stands below them."""

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import DummyCookieJar
from aiohttp.test_utils import TestClient, TestServer

from tests.support.clients import Client, client_of

HERE = "http://127.0.0.1:8000"
BLOCK = re.compile(r"^```\n(\$ curl .*?)\n```$", re.MULTILINE | re.DOTALL)
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
TIMES = {"created_at", "updated_at", "observed_at", "last_seen_at"}
CHANCE = {"next_cursor", "request_id"}
CLOCK = {"RateLimit-Reset"}  # headers that count seconds


@dataclass(frozen=True)
class Command:
    """One `curl` and what the README shows below it."""

    line: str
    shown: tuple[str, ...]

    @property
    def parts(self) -> tuple[argparse.Namespace, str | None]:
        """Return curl's arguments, and the pattern of a `grep -E` behind it."""
        words = shlex.split(self.line)
        bar = words.index("|") if "|" in words else len(words)
        rest = words[bar + 1 :]
        assert rest[:-1] in ([], ["grep", "-E"]), self.line
        return CURL.parse_args(words[1:bar]), rest[-1] if rest else None


def _curl() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="curl", exit_on_error=False)
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-i", action="store_true")
    parser.add_argument("-c", dest="jar")
    parser.add_argument("-b", dest="jar")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="body")
    parser.add_argument("url")
    return parser


CURL = _curl()


def commands(text: str) -> list[Command]:
    """Return all commands of a text, in their order."""
    return [command for block in BLOCK.findall(text) for command in _of(block)]


def _of(block: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, *shown = part.rstrip("\n").split("\n")
        yield Command(line, tuple(shown))


class Terminal:
    """Send commands one after another, as somebody does who follows the README."""

    def __init__(self, server: TestServer) -> None:
        self._plain: Client = TestClient(server, cookie_jar=DummyCookieJar())
        self._with_jar = client_of(server)

    async def run(self, command: Command) -> list[str]:
        """Return the lines that curl would print."""
        asked, pattern = command.parts
        client = self._with_jar if asked.jar else self._plain
        assert asked.url.startswith(HERE), command.line
        method = asked.method or ("POST" if asked.body else "GET")
        headers = dict(header.split(": ", 1) for header in asked.headers)
        async with client.request(
            method, asked.url.removeprefix(HERE), data=asked.body, headers=headers
        ) as answer:
            lines = (await answer.text()).splitlines()
        if asked.i:
            told = [f"{name}: {value}" for name, value in answer.headers.items()]
            lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *told, "", *lines]
        return [line for line in lines if pattern is None or re.search(pattern, line)]

    async def close(self) -> None:
        """Close the connections."""
        await self._plain.close()
        await self._with_jar.close()


def plain(line: str) -> str:
    """Return a line without what differs from day to day: times, ages, cursors, request ids."""
    name, colon, _ = line.partition(": ")
    if colon and name in CLOCK:
        return f"{name}: -"
    if not line.startswith("{"):
        return line
    return json.dumps(_plain(json.loads(line)), ensure_ascii=False)


def _plain(told: Any) -> Any:
    if isinstance(told, list):
        return [_plain(item) for item in told]
    if isinstance(told, dict):
        return {name: _masked(name, value) for name, value in told.items()}
    return told


def _masked(name: str, value: Any) -> Any:
    if name in TIMES and isinstance(value, str) and MOMENT.fullmatch(value):
        return "a time"
    if name in CHANCE and isinstance(value, str):
        return "by chance"
    if name == "age" and isinstance(value, int):
        return "years"
    return _plain(value)


def differences(command: Command, printed: list[str]) -> list[str]:
    """Return the lines that the README shows and that were not printed, and the other way."""
    told, found = list(map(plain, command.shown)), list(map(plain, printed))
    if told == found:
        return []
    return [command.line, *(f"- {line}" for line in told), *(f"+ {line}" for line in found)]
