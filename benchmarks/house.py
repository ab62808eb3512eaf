"""The house as processes of its own on servers of its own, and a client that takes the time."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp

from embedded import kafka, postgres, valkey

SHOP_API = [sys.executable, "-c", "import cli; cli.main()"]
PROJECT = Path(__file__).parent.parent
PATIENCE = 30.0  # seconds


@contextmanager
def servers() -> Iterator[kafka.Broker]:
    """Start PostgreSQL, Valkey and a broker and name them in the environment."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        database = stack.enter_context(postgres.server(folder / "postgres", durable=False))
        redis = stack.enter_context(valkey.server(folder / "valkey", durable=False))
        broker = stack.enter_context(kafka.server())
        os.environ |= {
            "DATABASE_URL": database,
            "REDIS_URL": redis,
            "KAFKA_BOOTSTRAP_SERVERS": broker.address,
            "RATE_LIMITER_CALLS": "1000000",
            "LOG_LEVEL": "WARNING",
        }
        run("migrate")
        yield broker


def run(*arguments: str) -> None:
    """Run a command of `shop-api` to its end."""
    subprocess.run([*SHOP_API, *arguments], cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def process(*arguments: str) -> Iterator[None]:
    """Run a command of `shop-api` for as long as the block lasts."""
    child = subprocess.Popen([*SHOP_API, *arguments], cwd=PROJECT)
    try:
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(PATIENCE)


@contextmanager
def web() -> Iterator[str]:
    """Serve in one process; yield the address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with process("serve", "--port", str(port)):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"


async def timed(client: aiohttp.ClientSession, method: str, path: str, **options: object) -> float:
    """Return the milliseconds until the whole answer is there."""
    started = time.perf_counter()
    async with client.request(method, path, **options) as response:  # type: ignore[arg-type]
        response.raise_for_status()
        await response.read()
    return (time.perf_counter() - started) * 1000


def quantile(times: Sequence[float], share: float) -> float:
    """Return the time that a share of the requests stayed below."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]
