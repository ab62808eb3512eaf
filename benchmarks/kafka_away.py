"""How fast applications are taken while Kafka is there, and while it is not."""

import asyncio
import itertools

import aiohttp

from benchmarks.house import process, quantile, servers, timed, web
from embedded.kafka import Broker

ROUNDS = 10
REQUESTS = 300  # of a round
AT_ONCE = 4

_numbers = itertools.count()


async def post(client: aiohttp.ClientSession) -> list[float]:
    """Send in applications, a few at once; return the milliseconds of each."""
    times: list[float] = []

    async def one_after_another() -> None:
        for _ in range(REQUESTS // AT_ONCE):
            form = {"user_name": f"name {next(_numbers)}", "description": "Let me in."}
            times.append(await timed(client, "POST", "/api/v1/applications", json=form))

    await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
    return times


async def measure(url: str, broker: Broker) -> None:
    """Switch the broker off and on between the rounds."""
    times: dict[str, list[float]] = {"there": [], "away": []}
    async with aiohttp.ClientSession(url) as client:
        await post(client)
        for _ in range(ROUNDS):
            times["there"] += await post(client)
            broker.take_down()
            times["away"] += await post(client)
            broker.bring_up()
            await asyncio.sleep(3)
    print(
        f"{ROUNDS * REQUESTS} applications each way, {AT_ONCE} at once, a worker beside the web:"
    )
    for share in (0.5, 0.99):
        there, away = (quantile(times[which], share) for which in ("there", "away"))
        print(
            f"  p{share * 100:.0f}  Kafka there {there:6.2f} ms, away {away:6.2f} ms, "
            f"ratio {away / there:.2f}"
        )


def main() -> None:
    """Run the benchmark."""
    with servers() as broker, process("worker"), web() as url:
        asyncio.run(measure(url, broker))


if __name__ == "__main__":
    main()
