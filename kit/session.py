"""Cookie sessions: sign in, sign out, who is there."""

import hashlib
import re
import secrets
import time
from functools import partial

import aiohttp_session
from aiohttp import web
from aiohttp_session import Session, SessionData
from aiohttp_session.redis_storage import RedisStorage
from redis import asyncio as aioredis

from kit import visitors
from kit.errors import NotSignedIn
from kit.session_store import Device, Identity, SessionStore
from kit.settings import Settings

COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")
ID_BYTES = 32  # OWASP ASVS 5.0, 7.2.3 asks for 128 bits at least
LONGEST_AGENT = 300

ALONG = "along"  # of a request: the key of a cached entry to load on the way to the session
BROUGHT = "brought"  # of a request: what that brought

SESSIONS = web.AppKey("SESSIONS", SessionStore)


def handle_of(cookie: str) -> str:
    """Return the name of the session in Redis, which does not give the cookie away."""
    return hashlib.sha256(cookie.encode()).hexdigest()


class Storage(RedisStorage):
    """Connect aiohttp-session to the store.

    The library would keep an id through sign-in, leave old records behind and write a whole
    record back after a request. Here an id is made at sign-in and dies at sign-out, and no request
    in between writes a record.
    """

    def __init__(self, redis: aioredis.Redis, store: SessionStore, *, secure: bool) -> None:
        super().__init__(
            redis,
            cookie_name="__Host-session" if secure else "session",
            max_age=store.lifetime,
            secure=secure or None,
            httponly=True,
            samesite="Lax",
            key_factory=partial(secrets.token_urlsafe, ID_BYTES),
        )
        self._store = store

    async def load_session(self, request: web.Request) -> Session:
        """Return the session of the request's cookie, or a new empty one."""
        cookie = self.load_cookie(request)
        if cookie is None or not COOKIE_VALUE.fullmatch(cookie):
            return await self.new_session()
        along = [request[ALONG]] if ALONG in request else []
        found = await self._store.load(handle_of(cookie), *along)
        if found is None:
            return await self.new_session()
        identity, request[BROUGHT] = found
        data: SessionData = {"created": int(time.time()), "session": {"identity": identity}}
        return Session(cookie, data=data, new=False, max_age=self.max_age)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Store what `sign_in` made and send its cookie; take it back after `sign_out`."""
        if session.empty:
            secure = self.cookie_params["secure"]  # a `__Host-` cookie ends only with it
            response.del_cookie(self.cookie_name, secure=secure, httponly=True, samesite="Lax")
            return
        cookie = self._key_factory()
        agent = request.headers.get("User-Agent", "")[:LONGEST_AGENT]
        address = visitors.client_address(request, request.config_dict[visitors.TRUSTED])
        device = Device(str(address or ""), agent.encode("utf-8", "replace").decode())
        if not await self._store.create(handle_of(cookie), session["identity"], device):
            raise NotSignedIn("Your password was changed while you signed in.")
        self.save_cookie(response, cookie, max_age=session.max_age)


def create_store(settings: Settings, redis: aioredis.Redis) -> SessionStore:
    """Make the store with the limits of the settings."""
    idle, lifetime = settings.session_idle, settings.session_lifetime
    return SessionStore(redis, int(idle.total_seconds()), int(lifetime.total_seconds()))


def setup(app: web.Application, settings: Settings, redis: aioredis.Redis) -> None:
    """Give the application sessions; a request that never asks who is there costs nothing."""
    app[SESSIONS] = create_store(settings, redis)
    aiohttp_session.setup(app, Storage(redis, app[SESSIONS], secure=settings.cookie_secure))


async def who(request: web.Request) -> Identity | None:
    """Return the signed-in user of this request, or None for a guest."""
    identity: Identity | None = (await aiohttp_session.get_session(request)).get("identity")
    if identity is not None:
        request["user_id"] = identity.user_id
    return identity


async def sign_out(request: web.Request) -> None:
    """End the request's session, if there is one, and take its cookie back."""
    identity = await who(request)
    if identity is not None:
        await request.config_dict[SESSIONS].end(await current(request), identity.user_id)
    if request[aiohttp_session.STORAGE_KEY].load_cookie(request):  # who has none gets none
        (await aiohttp_session.get_session(request)).invalidate()


async def sign_in(request: web.Request, identity: Identity) -> None:
    """End the session that there was and open one under a new id, whose cookie leaves now."""
    await sign_out(request)
    session = await aiohttp_session.new_session(request)
    session["identity"] = identity
    request["user_id"] = identity.user_id


async def current(request: web.Request) -> str:
    """Return the handle of the request's own session, "" for a guest."""
    cookie = (await aiohttp_session.get_session(request)).identity
    return handle_of(cookie) if cookie else ""
