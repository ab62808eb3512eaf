"""bcrypt in a small pool of threads: cost off the event loop, and a bound on who may wait."""

import asyncio
import base64
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import bcrypt
from aiohttp import web

from kit.errors import Unavailable
from kit.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

MOST_WAITING = 32


class PasswordsBusy(Unavailable):
    """Too many passwords are being checked at this moment; try again soon."""


class Passwords:
    """Hash and check passwords; bcrypt releases the GIL, so threads are enough."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="bcrypt")
        self._under_way = 0
        self._nobodys_hash = hash_password(secrets.token_hex(), rounds)

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            PasswordsBusy: more than `MOST_WAITING` calls are waiting already.
        """
        return await self._run(hash_password, password, self._rounds)

    async def matches(self, password: str, hashed: str | None) -> bool:
        """Tell whether the password fits; without a hash it takes the same time and does not.

        Raises:
            PasswordsBusy: more than `MOST_WAITING` calls are waiting already.
        """
        fits = await self._run(check_password, password, hashed or self._nobodys_hash)
        return fits and hashed is not None

    async def _run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._under_way >= self._threads + MOST_WAITING:
            raise PasswordsBusy
        self._under_way += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, lambda: work(*args, **kwargs)
            )
        finally:
            self._under_way -= 1

    def close(self) -> None:
        """End the threads; what waits is dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


PASSWORDS = web.AppKey("PASSWORDS", Passwords)


async def passwords_context(app: web.Application, settings: Settings) -> AsyncIterator[None]:
    """Keep the pool while the application runs."""
    app[PASSWORDS] = Passwords(settings.bcrypt_rounds)
    yield
    app[PASSWORDS].close()


def hash_password(password: str, rounds: int) -> str:
    """Return the bcrypt hash of a password of any length."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(rounds)).decode("ascii")


def check_password(password: str, hashed: str) -> bool:
    """Tell whether the password has this hash."""
    return bcrypt.checkpw(_digest(password), hashed.encode("ascii"))


def _digest(password: str) -> bytes:
    """Shorten to 64 ASCII bytes: bcrypt takes 72 at most and no NUL (OWASP Password Storage)."""
    return base64.b64encode(hashlib.sha384(password.encode()).digest())
