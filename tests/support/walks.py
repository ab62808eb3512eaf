"""A house of processes whose logs lie in one folder, and a way to ask it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession

from tests.kit.events import until
from tests.support.log_lines import lines_of
from tests.support.processes import PATIENCE, ShopApi, free_port


@dataclass
class Walk:
    """A house of processes, all of whose logs are kept in one folder."""

    folder: Path
    environment: dict[str, str]
    port: str = field(default_factory=free_port)
    running: list[ShopApi] = field(default_factory=list)
    cookies: set[str] = field(default_factory=set)

    def start(self, name: str, *command: str, **changes: str) -> ShopApi:
        """Start one more process."""
        environment = self.environment | changes
        self.running.append(ShopApi(self.folder / f"{name}.out", *command, **environment))
        return self.running[-1]

    @property
    def url(self) -> str:
        """Return where the web is."""
        return f"http://127.0.0.1:{self.port}"

    def logs(self) -> str:
        """Return all that any process has said or written."""
        return "".join(path.read_text() for path in self.folder.iterdir() if path.is_file())

    def ours(self) -> list[dict[str, Any]]:
        """Return the lines of the log file."""
        return lines_of("".join(path.read_text() for path in self.folder.glob("x.log*")))


def with_password(url: str, password: str, user: str = "") -> str:
    """Return the address of a server with a password in it."""
    parts = urlsplit(url)
    host = f"{user}:{password}@{parts.hostname}:{parts.port}"
    return parts._replace(netloc=host).geturl()


async def serving(walk: Walk, browser: ClientSession) -> None:
    """Wait until the web answers."""

    async def answers() -> bool:
        try:
            async with browser.get(f"{walk.url}/livez") as response:
                return response.status == 200
        except ClientError:
            return False

    await until(answers, PATIENCE)


async def ask(walk: Walk, browser: ClientSession, method: str, path: str, **sent: Any) -> int:
    """Return the status of an answer; note the cookie."""
    async with browser.request(method, f"{walk.url}{path}", **sent) as response:
        await response.read()
    walk.cookies |= {cookie.value for cookie in browser.cookie_jar if cookie.value}
    return response.status
