"""Carry connections on to PostgreSQL, for the compose profile `debug`: forward.py [PORT]."""

import asyncio
import os
import sys
from contextlib import suppress

THERE = os.environ["POSTGRES_HOST"], int(os.environ["POSTGRES_PORT"])


async def main(port: int) -> None:
    """Listen until the process is told to stop."""
    server = await asyncio.start_server(carry, "0.0.0.0", port)  # noqa: S104 - of a container
    async with server:
        sys.stdout.write(f"Port {port} leads to {THERE[0]}:{THERE[1]}.\n")
        sys.stdout.flush()
        await server.serve_forever()


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Connect one visitor with PostgreSQL."""
    try:
        there, back = await asyncio.open_connection(*THERE)
    except OSError as error:
        sys.stderr.write(f"PostgreSQL is away: {error}\n")
        writer.close()
        return
    await asyncio.gather(pour(reader, back), pour(there, writer))


async def pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy bytes until there are no more or one side has gone; then the other one goes, too."""
    with suppress(ConnectionError):
        while some := await source.read(65536):
            target.write(some)
            await target.drain()
    target.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5432))
