"""Pages of a browser: led over the DevTools protocol, with all that goes wrong in them."""

import asyncio
import itertools
import json
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientWebSocketResponse
from yarl import URL

from tests.kit.events import until

PATIENCE = 30.0  # seconds, on a machine that does much else
SHOTS = Path(__file__).parent.parent.parent / ".screenshots"
OURS = ("data", "blob", "about")  # schemes that need no host

Message = dict[str, Any]
Hear = Callable[[str, Message], None]


class Wire:
    """Commands with their answers, and events as they come."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Message]] = {}
        self.hearers: dict[str, Hear] = {}

    async def ask(self, method: str, session: str | None = None, **params: Any) -> Message:
        """Give a command and return its result."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        named = {"sessionId": session} if session else {}
        await self._socket.send_json({"id": number, "method": method, "params": params, **named})
        told = await asyncio.wait_for(answer, PATIENCE)
        assert "error" not in told, (method, told["error"])
        result: Message = told["result"]
        return result

    async def listen(self) -> None:
        """Pass on what the browser says."""
        async for message in self._socket:
            told = message.json()
            answer = self._answers.pop(told.get("id"), None)
            hear = self.hearers.get(told.get("sessionId"))
            if answer and not answer.done():
                answer.set_result(told)
            elif hear and "method" in told:
                hear(told["method"], told["params"])


class Tab:
    """One page with cookies of its own, and all that went wrong in it."""

    def __init__(self, wire: Wire, session: str) -> None:
        self._wire, self._session = wire, session
        self._home = URL()
        self.troubles: list[str] = []
        wire.hearers[session] = self._hear

    async def ask(self, method: str, **params: Any) -> Message:
        """Give a command to this page and return its result."""
        return await self._wire.ask(method, self._session, **params)

    async def goto(self, url: URL, ready: str) -> None:
        """Open an address and wait until the page shows what a selector finds."""
        self._home = url.origin()
        told = await self.ask("Page.navigate", url=str(url))
        assert "errorText" not in told, told
        await self.until(f"document.readyState == 'complete' && {_found(ready)}")

    async def run(self, expression: str) -> Any:
        """Return what a script makes of the page."""
        told = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in told, (expression, told)
        return told["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until a script finds something true."""
        with suppress(TimeoutError):
            await until(lambda: self.run(f"!!({expression})"), PATIENCE)
            return
        raise AssertionError(f"never came true: {expression}; troubles: {self.troubles}")

    async def click(self, selector: str) -> None:
        """Press the first thing that a selector finds, once it is there."""
        await self.until(_found(selector))
        await self.run(f"{_found(selector)}.click()")

    async def write(self, selector: str, text: str) -> None:
        """Replace the text in a field by keyboard, once the field is there."""
        await self.until(_found(selector))
        await self.run(f"{_found(selector)}.focus(); {_found(selector)}.select()")
        await self.ask("Input.insertText", text=text)

    async def text(self, selector: str) -> str:
        """Return the text of the first thing that a selector finds, once it is there."""
        await self.until(_found(selector))
        return str(await self.run(f"{_found(selector)}.innerText"))

    async def shoot(self, name: str) -> None:
        """Keep a picture of what can be seen."""
        told = await self.ask("Page.captureScreenshot")
        SHOTS.mkdir(exist_ok=True)
        (SHOTS / f"{name}.png").write_bytes(b64decode(told["data"]))

    def _hear(self, method: str, told: Message) -> None:
        if trouble := self._trouble(method, told):
            self.troubles.append(f"{method}: {trouble}")

    def _trouble(self, method: str, told: Message) -> str:
        match method:
            case "Runtime.exceptionThrown":
                return json.dumps(told["exceptionDetails"])
            case "Log.entryAdded" if told["entry"]["level"] in ("warning", "error"):
                return f"{told['entry']['text']} {told['entry'].get('url', '')}"
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "assert"):
                return json.dumps(told["args"])
            case "Network.loadingFailed" if not told.get("canceled"):
                return str(told["errorText"])
            case "Network.requestWillBeSent" if self._is_abroad(URL(told["request"]["url"])):
                return str(told["request"]["url"])
        return ""

    def _is_abroad(self, url: URL) -> bool:
        return url.scheme not in OURS and url.origin() != self._home


def _found(selector: str) -> str:
    return f"document.querySelector({json.dumps(selector)})"
