"""Session records in Redis: each step is one script, so no two requests can disagree.

A record lies under the SHA-256 of its id. `user-sessions:<user>` lists a user's records by their
last day. `user-epoch:<user>` holds the number that a record must carry to count; it only grows, so
a sign-in that raced with a change of the password makes a record that is dead from the start.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from redis import asyncio as aioredis

from kit.redis import run_script
from kit.session_scripts import CREATE, END, END_ALL, LIST, LOAD, REFUSE_OLDER


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is signed in; `epoch` is the user's credential number, which only grows."""

    user_id: int
    is_staff: bool
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Device:
    """Where a session was opened from."""

    ip: str
    user_agent: str


class SessionStore:
    """Keep session records; every one has a time to live."""

    def __init__(self, redis: aioredis.Redis, idle: int, lifetime: int) -> None:
        """idle, lifetime: seconds."""
        self.lifetime = lifetime
        self._redis = redis
        self._idle = idle
        self._load = redis.register_script(LOAD)
        self._create = redis.register_script(CREATE)
        self._list = redis.register_script(LIST)
        self._end = redis.register_script(END)
        self._end_all = redis.register_script(END_ALL)
        self._refuse_older = redis.register_script(REFUSE_OLDER)

    async def load(self, handle: str, *along: str) -> tuple[Identity, Any] | None:
        """Return whose record it is, and keep it alive; a corrupt or expired one is deleted.

        along: the key of a cached entry to bring on the same way, as second part of the answer.
        """
        found = await run_script(
            self._load, keys=[f"session:{handle}", *along], args=[self._idle, self.lifetime]
        )
        return (Identity(int(found[0]), found[1] == b"1"), found[2]) if found else None

    async def create(self, handle: str, identity: Identity, device: Device) -> bool:
        """Store a record, unless the credentials have changed since `identity` was read."""
        args: list[int | str] = [identity.user_id, identity.epoch, int(identity.is_staff)]
        args += [self._idle, self.lifetime, device.ip, device.user_agent]
        return bool(await run_script(self._create, keys=[handle], args=args))

    async def of_user(self, user_id: int) -> list[dict[str, object]]:
        """List the user's live sessions, newest first, each with the fields of its record."""
        return [
            {
                "id": handle.decode(),
                "created_at": datetime.fromtimestamp(int(created), UTC),
                "last_seen_at": datetime.fromtimestamp(int(seen), UTC),
                "ip": ip.decode(errors="replace"),
                "user_agent": agent.decode(errors="replace"),
            }
            for handle, created, seen, ip, agent in await run_script(self._list, args=[user_id])
        ]

    async def end(self, handle: str, user_id: int) -> bool:
        """Delete one record of the user; tell whether there was one."""
        return bool(await run_script(self._end, keys=[handle], args=[user_id]))

    async def end_everything(self) -> None:
        """Delete the records of all users."""
        for pattern in ("session:*", "user-sessions:*", "user-epoch:*"):
            async for key in self._redis.scan_iter(pattern, count=1000):
                await self._redis.unlink(key)

    async def refuse_older(self, user_id: int, epoch: int) -> None:
        """Refuse the user's records that are older than `epoch` from now on."""
        await run_script(self._refuse_older, args=[user_id, epoch, self.lifetime])

    async def end_all(self, user_id: int, epoch: int = 0, keep: str = "") -> None:
        """Delete the user's records but `keep`; refuse those older than `epoch` from now on."""
        await run_script(self._end_all, keys=[keep], args=[user_id, epoch, self.lifetime])
