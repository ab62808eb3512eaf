"""Strict input: one JSON document, one value per parameter, every complaint with its place."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from aiohttp import HttpVersion11, hdrs, web
from marshmallow import RAISE, Schema, ValidationError
from webargs.aiohttpparser import AIOHTTPParser

from kit.db import LARGEST_ID
from kit.errors import NotFound, ValidationFailed
from kit.faults import ClientGone, MalformedJson, RequestTimeout

DEEPEST = 32
MOST_COMPLAINTS = 20  # with the longest place below, an answer stays under 16 KiB
LONGEST_PLACE = 100  # characters
BODY_LIMIT = 10.0  # seconds for the whole body


class Parser(AIOHTTPParser):
    """Read requests as webargs does, but refuse what it would quietly let pass."""

    async def load_json(self, req: web.Request, schema: Schema) -> Any:
        """Return the document in the body, which `read_body` has brought in."""
        return parse_json(await req.read())

    def load_querystring(self, req: web.Request, schema: Schema) -> Any:
        """Return the query; a repeated parameter is refused."""
        complaints = [
            {"parameter": _place(name), "message": message}
            for name in sorted(set(req.query))
            for message in _about(name, req.query.getall(name))
        ]
        if complaints:
            raise ValidationFailed(errors=complaints[:MOST_COMPLAINTS])
        return dict(req.query)

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Turn marshmallow's messages into pointers and parameters."""
        complaints = sorted(_complaints(error.messages_dict), key=lambda entry: [*entry.values()])
        raise ValidationFailed(errors=complaints[:MOST_COMPLAINTS]) from error


parser = Parser(unknown=RAISE)


async def read_body(request: web.Request) -> bytes:
    """Return the whole body; a client that waits for `100 Continue` gets it now.

    Raises:
        RequestTimeout: it does not arrive in time.
        ClientGone: it will never arrive.
    """
    expected = hdrs.EXPECT in request.headers and request.version >= HttpVersion11
    if expected and request.body_exists:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the interim answer is no part of the final one
    try:
        async with asyncio.timeout(BODY_LIMIT):
            return await request.read()
    except TimeoutError:
        raise RequestTimeout from None
    except ConnectionError:
        raise ClientGone from None


def parse_json(body: bytes) -> Any:
    """Return the document in `body`.

    Raises:
        MalformedJson: it is not JSON, repeats a key, or nests deeper than 32.
    """
    try:
        document = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        raise MalformedJson from None
    level = [document]
    for _ in range(DEEPEST + 1):
        level = [value for value in level if isinstance(value, dict | list)]
        if not level:
            return document
        level = [child for value in level for child in _children(value)]
    raise MalformedJson(f"Nested deeper than {DEEPEST}.")


def path_values(match_info: Mapping[str, str]) -> dict[str, Any]:
    """Return the path's parameters; `id` and `..._id` become integers.

    Raises:
        NotFound: an id is not a number that the database could have made.
    """
    return {
        name: _path_id(text) if name.endswith("id") else text for name, text in match_info.items()
    }


def _path_id(text: str) -> int:
    if not (
        text.isascii()
        and text.isdigit()
        and len(text) < 20
        and text[0] != "0"
        and int(text) <= LARGEST_ID
    ):
        raise NotFound
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key is repeated")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _children(value: dict[str, Any] | list[Any]) -> Any:
    return value.values() if isinstance(value, dict) else value


def _complaints(messages: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Yield one entry per message; webargs groups them by location first."""
    for location, fields in messages.items():
        for path, message in _flatten(fields, ()):
            if location == "query":
                yield {"parameter": _place(path[0] if path else ""), "message": message}
            else:
                pointer = "".join(
                    f"/{part.replace('~', '~0').replace('/', '~1')}" for part in path
                )
                yield {"pointer": _place(pointer), "message": message}


def _about(name: str, values: list[str]) -> Iterator[str]:
    """Say what is wrong with a parameter before anybody looks at its meaning."""
    if len(values) > 1:
        yield "Given more than once."
    if any("\ufffd" in text for text in (name, *values)):  # what yarl makes of broken bytes
        yield "Not valid UTF-8."


def _place(text: str) -> str:
    """Shorten what the client made up, and replace what cannot be written."""
    return text[:LONGEST_PLACE].encode("utf-8", "replace").decode()


def _flatten(messages: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(messages, dict):
        for key, inner in messages.items():
            yield from _flatten(inner, path if key == "_schema" else (*path, str(key)))
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield path, str(message)
