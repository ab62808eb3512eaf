"""Views of signing in and out: parse, one call, return."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kit import metrics
from kit.endpoint import endpoint
from kit.errors import Failure, NotSignedIn, Unavailable
from kit.faults import SessionsUnavailable, failure_of
from kit.pages import Row
from kit.passwords import PasswordsBusy
from kit.session import current, sign_in, sign_out
from kit.visitors import visitor
from kit.web import View
from users.errors import InvalidCredentials, SessionNotFound, TooManyAttempts
from users.schemas import LoginIn, OwnUserOut, SessionsOut
from users.service import credentials

REASONS: dict[type[Failure], str] = {
    InvalidCredentials: "credentials",
    TooManyAttempts: "throttled",
    Unavailable: "unavailable",
}
FAILURES = metrics.counter(
    "shop_api_sign_in_failures", "Why people could not sign in.", reason=[*REASONS.values()]
)


@contextmanager
def counting_failures() -> Iterator[None]:
    """Count why a sign-in in the block fails."""
    try:
        yield
    except Exception as error:
        failure = failure_of(error)
        for kind, reason in REASONS.items():
            if isinstance(failure, kind):
                FAILURES.of(reason).inc()
        raise


class LoginView(View):
    """Sign in."""

    @endpoint(
        json=LoginIn(),
        returns=OwnUserOut(),
        raises=(
            *(InvalidCredentials, TooManyAttempts, NotSignedIn),
            *(PasswordsBusy, SessionsUnavailable),
        ),
        guest=True,
        cookie=True,
    )
    async def post(self, *, login: str, password: str) -> Row:
        """Sign in with a username or e-mail; whatever session there was ends."""
        with counting_failures():
            return await self._sign_in(login, password)

    async def _sign_in(self, login: str, password: str) -> Row:
        tickets = credentials.sign_in_tickets(login, visitor(self.request))
        try:
            async with self.attempts.one(
                tickets, wrong=InvalidCredentials, too_many=TooManyAttempts
            ):
                async with self.reading() as session:
                    found = await credentials.find_account(session, login)
                account = await credentials.check_credentials(self.passwords, found, password)
        except InvalidCredentials:
            await sign_out(self.request)
            raise
        await sign_in(self.request, credentials.identity_of(account))
        return account


class LogoutView(View):
    """Sign out."""

    @endpoint(status=204, raises=(SessionsUnavailable,), guest=True, cookie=True)
    async def post(self) -> None:
        """End the session, if there is one."""
        await sign_out(self.request)


class SessionsView(View):
    """The own sessions."""

    @endpoint(returns=SessionsOut())
    async def get(self) -> dict[str, Any]:
        """List the own sessions."""
        here = await current(self.request)
        found = await self.sessions.of_user(self.me.user_id)
        return {"items": [{**row, "current": row["id"] == here} for row in found]}

    @endpoint(status=204, cookie=True)
    async def delete(self) -> None:
        """End all own sessions, this one too."""
        await self.sessions.end_all(self.me.user_id)
        await sign_out(self.request)


class SessionView(View):
    """One of the own sessions."""

    @endpoint(status=204, raises=(SessionNotFound,))
    async def delete(self, *, handle: str) -> None:
        """End that session."""
        if not await self.sessions.end(handle, self.me.user_id):
            raise SessionNotFound
