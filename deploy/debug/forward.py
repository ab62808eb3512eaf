"""Carry connections to port 5432 on to PostgreSQL, for the compose profile `debug`."""

import asyncio
import os

PORT = 5432


async def main() -> None:
    """Listen until the process is told to stop."""
    server = await asyncio.start_server(carry, "0.0.0.0", PORT)  # noqa: S104 - published on loopback
    async with server:
        await server.serve_forever()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connect one visitor with PostgreSQL."""
    there, back = await asyncio.open_connection(os.environ["POSTGRES_HOST"], PORT)
    await asyncio.gather(pour(reader, back), pour(there, writer))


async def pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy bytes until there are no more, then say so to the other side."""
    try:
        while some := await source.read(65536):
            target.write(some)
            await target.drain()
    except ConnectionError:
        pass  # one side has gone, so the other one goes as well
    finally:
        target.close()


if __name__ == "__main__":
    asyncio.run(main())
