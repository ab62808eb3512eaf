"""Views of users and of signing in: parse, one call, return."""

from typing import Any

from kit.endpoint import endpoint
from kit.pages import Row
from kit.session import current, sign_in, sign_out
from kit.visitors import visitor
from kit.web import View
from users import service
from users.errors import (
    EmailTaken,
    InvalidCredentials,
    SessionNotFound,
    TooManyAttempts,
    UsernameTaken,
    UserNotFound,
    WrongPassword,
)
from users.schemas import (
    LoginIn,
    OwnUserOut,
    PasswordChange,
    SessionsOut,
    SignUp,
    UserChange,
    UserOut,
)


class LoginView(View):
    """Sign in."""

    @endpoint(
        json=LoginIn(),
        returns=OwnUserOut(),
        raises=(InvalidCredentials, TooManyAttempts),
        guest=True,
    )
    async def post(self, *, login: str, password: str) -> Row:
        """Sign in with a username or e-mail; whatever session there was ends."""
        tickets = service.sign_in_tickets(login, visitor(self.request))
        try:
            async with self.attempts.one(
                tickets, wrong=InvalidCredentials, too_many=TooManyAttempts
            ):
                async with self.reading() as session:
                    found = await service.find_account(session, login)
                account = await service.check_credentials(self.passwords, found, password)
        except InvalidCredentials:
            await sign_out(self.request)
            raise
        await sign_in(self.request, service.identity_of(account))
        return account


class LogoutView(View):
    """Sign out."""

    @endpoint(status=204, guest=True)
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

    @endpoint(status=204)
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


class UsersView(View):
    """All users."""

    @endpoint(
        json=SignUp(),
        returns=OwnUserOut(),
        status=201,
        raises=(UsernameTaken, EmailTaken),
        guest=True,
        location="user",
    )
    async def post(self, *, password: str, **profile: Any) -> Row:
        """Register a new user."""
        password_hash = await self.passwords.hash(password)
        async with self.writing() as session:
            return await service.sign_up(session, password_hash=password_hash, **profile)


class UserView(View):
    """One user."""

    @endpoint(returns=UserOut(), raises=(UserNotFound,))
    async def get(self, *, id: int) -> Row:
        """Show what everybody may see of a user."""
        async with self.reading() as session:
            return await service.get_user(session, id)


class MeView(View):
    """The signed-in user."""

    @endpoint(returns=OwnUserOut(), raises=(UserNotFound,))
    async def get(self) -> Row:
        """Show oneself."""
        async with self.reading() as session:
            return await service.own_account(session, self.me.user_id)

    @endpoint(json=UserChange(), returns=OwnUserOut(), raises=(EmailTaken, UserNotFound))
    async def patch(self, **changes: Any) -> Row:
        """Change some of one's own fields."""
        async with self.writing() as session:
            return await service.update_user(session, self.me.user_id, changes)

    @endpoint(status=204, raises=(UserNotFound,))
    async def delete(self) -> None:
        """Leave: the user is deleted softly and every session of it ends."""
        await self.sessions.end_all(self.me.user_id)  # when Redis is away, nothing has happened
        async with self.writing() as session:
            epoch = await service.delete_user(session, self.me.user_id)
        await self.sessions.end_all(self.me.user_id, epoch)
        await sign_out(self.request)


class PasswordView(View):
    """The own password."""

    @endpoint(
        json=PasswordChange(), status=204, raises=(WrongPassword, UserNotFound, TooManyAttempts)
    )
    async def post(self, *, current_password: str, new_password: str) -> None:
        """Change the password; every other session ends."""
        async with self.reading() as session:
            account = await service.own_account(session, self.me.user_id)
        tickets = service.password_tickets(account["id"])
        async with self.attempts.one(tickets, wrong=WrongPassword, too_many=TooManyAttempts):
            hashed = await service.new_password_hash(
                self.passwords, account, current_password, new_password
            )
        here = await current(self.request)
        await self.sessions.end_all(account["id"], keep=here)  # Redis is away: nothing happened
        async with self.writing() as session:
            epoch = await service.change_password(session, account, hashed)
        await self.sessions.end_all(account["id"], epoch, keep=here)
