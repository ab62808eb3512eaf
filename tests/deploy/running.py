"""Run a program of a test to its end, which must come in time."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

LIMIT = 60.0  # seconds


async def ended(
    *command: str | Path, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Return the exit code, and what was said on both outputs; None is our own environment."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(LIMIT):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode()
