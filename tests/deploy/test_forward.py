"""The way in to PostgreSQL of the compose profile `debug`."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
import pytest
from sqlalchemy import make_url

from kit.settings import Settings
from tests.deploy.composed import ROOT
from tests.kit.doors import dead_port

PROGRAM = ROOT / "deploy" / "debug" / "forward.py"


@contextmanager
def forward(host: str, port: int) -> Iterator[int]:
    """Run the program in front of a server; give its port."""
    listening = dead_port()
    where = {"POSTGRES_HOST": host, "POSTGRES_PORT": str(port)}
    command = [sys.executable, str(PROGRAM), str(listening)]
    with subprocess.Popen(command, env=where, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"Port {listening} leads to {host}:{port}.\n"
        yield listening
        process.kill()


async def test_carries_questions_there_and_answers_back(settings: Settings) -> None:
    url = make_url(settings.database_url)
    host, port = url.host or str(url.query["host"]), url.port or int(str(url.query["port"]))
    with forward(host, port) as ours:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=ours,
            user=url.username,
            password=url.password,
            database=url.database,
        )
        assert await connection.fetchval("SELECT length(repeat('x', 1000000))") == 1_000_000
        assert len(await connection.fetchval("SELECT repeat('x', 1000000)")) == 1_000_000
        await connection.close()


async def test_closes_the_door_when_postgresql_is_away() -> None:
    with forward("127.0.0.1", dead_port()) as ours, pytest.raises(ConnectionError):
        await asyncpg.connect(host="127.0.0.1", port=ours, user="nobody", timeout=10)
