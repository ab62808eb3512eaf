"""What page 1 and page 10 000 of a million applications cost, by cursor."""

import asyncio
from statistics import median

import aiohttp

from benchmarks.house import run, servers, timed, web

ROWS = 1_000_000
SIZE = 20
ROUNDS = 400
DEEP = 10_000


async def cursor_of(client: aiohttp.ClientSession, page: int) -> str:
    """Walk to a page by its number; return the cursor that leads to it."""
    query = {"page": str(page - 1), "size": str(SIZE)}
    async with client.get("/api/v1/applications", params=query) as response:
        cursor: str = (await response.json())["next_cursor"]
        return cursor


async def measure(url: str) -> None:
    """Take both pages in turns, so that whatever else the machine does strikes both."""
    async with aiohttp.ClientSession(url) as client:
        near, deep = await cursor_of(client, 2), await cursor_of(client, DEEP)
        times: dict[str, list[float]] = {near: [], deep: []}
        for _ in range(ROUNDS):
            for cursor, found in times.items():
                query = {"cursor": cursor, "size": str(SIZE)}
                found.append(await timed(client, "GET", "/api/v1/applications", params=query))
        first = [
            await timed(client, "GET", "/api/v1/applications", params={"size": str(SIZE)})
            for _ in range(20)
        ]
    here, there = median(times[near]), median(times[deep])
    print(f"{ROWS} applications, {SIZE} a page, medians of {ROUNDS}:")
    print(f"  page 2 by cursor       {here:7.2f} ms")
    print(f"  page {DEEP} by cursor   {there:7.2f} ms   ratio {there / here:.2f}")
    print(f"  page 1 with its total  {median(first):7.2f} ms")


def main() -> None:
    """Run the benchmark."""
    with servers():
        run("seed", "--applications", str(ROWS), "--orders", "0")
        with web() as url:
            asyncio.run(measure(url))


if __name__ == "__main__":
    main()
