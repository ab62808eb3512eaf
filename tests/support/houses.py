"""`shop-api serve` in several processes, and how to know one worker from another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from kit.settings import Settings
from tests.kit.events import until
from tests.support.processes import PATIENCE, ShopApi, free_port


class House:
    """A gunicorn master with its workers."""

    def __init__(self, settings: Settings, folder: Path, workers: int, **more: str) -> None:
        self.size = workers
        self.port = int(free_port())
        self.command = ShopApi(
            folder / "serve.log",
            *("serve", "--workers", str(workers)),
            APP_PORT=str(self.port),
            DATABASE_URL=settings.database_url,
            REDIS_URL=settings.redis_url,
            **more,
        )

    @property
    def master(self) -> int:
        """Return the process id of the master."""
        return self.command.process.pid

    @property
    def workers(self) -> set[int]:
        """Return the process ids of the workers, which are the children of the master."""
        return children(self.master)

    async def replaced(self, before: set[int]) -> float:
        """Wait until other workers have taken the place of these; return the seconds."""

        async def are_others() -> bool:
            return len(self.workers) == self.size and not self.workers & before

        return await until(are_others, PATIENCE)

    async def answers(self) -> bool:
        """Tell whether all workers are there and one of them answers."""
        assert not self.command.ended, self.command.said
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(b"GET /livez HTTP/1.0\r\n\r\n")
            return b" 200 " in await reader.readline() and len(self.workers) == self.size
        finally:
            writer.close()


def children(pid: int) -> set[int]:
    """Return the process ids of the children of a process."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except FileNotFoundError:
        return set()


@asynccontextmanager
async def house(
    settings: Settings, folder: Path, workers: int, **more: str
) -> AsyncIterator[House]:
    """Serve for as long as the block lasts; all processes must end well."""
    made = House(settings, folder, workers, **more)
    try:
        await until(made.answers, PATIENCE)
        yield made
    finally:
        code = await asyncio.to_thread(made.command.stop)
    assert code == 0, made.command.said
