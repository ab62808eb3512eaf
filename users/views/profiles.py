"""Views of users: parse, one call, return."""

from functools import partial
from typing import Any

from kit.cache import Entry
from kit.endpoint import endpoint
from kit.errors import NotFound, NotYourself
from kit.guards import SAFE_METHODS
from kit.pages import Page, Row, Rows
from kit.parsing import path_values
from kit.passwords import PasswordsBusy
from kit.schemas import page_of
from kit.session import current, sign_out
from kit.web import View
from users.entities import cache_name
from users.errors import (
    EmailTaken,
    TooManyAttempts,
    UsernameTaken,
    UserNotFound,
    WrongPassword,
)
from users.schemas import (
    CardsOut,
    CardsQuery,
    OwnUserOut,
    PasswordChange,
    SignUp,
    UserChange,
    UserOut,
    UsersQuery,
)
from users.service import credentials, profiles
from users.views.changes import Changing


class UsersView(View):
    """All users."""

    @endpoint(query=UsersQuery(), returns=page_of(UserOut()))
    async def get(self, **query: Any) -> Page:
        """List the users, by id."""
        async with self.reading() as session:
            return await profiles.list_users(session, **query)

    @endpoint(
        json=SignUp(),
        returns=OwnUserOut(),
        status=201,
        raises=(UsernameTaken, EmailTaken, PasswordsBusy),
        guest=True,
        location="user",
        operation_id="create_user",
    )
    async def post(self, *, password: str, **profile: Any) -> Row:
        """Register a new user."""
        password_hash = await self.passwords.hash(password)
        async with self.writing() as session:
            return await profiles.create_user(session, password_hash=password_hash, **profile)


class UserView(Changing):
    """One user."""

    def along(self) -> str | None:
        """Name the user's card; whoever is not asked for one wastes nothing."""
        if self.request.method not in SAFE_METHODS:
            return None
        try:
            return cache_name(path_values(self.request.match_info)["id"])
        except NotFound:  # told once it is known who asks
            return None

    @endpoint(returns=UserOut(), raises=(UserNotFound,), operation_id="get_user")
    async def get(self, *, id: int) -> Row:
        """Show what everybody may see of a user."""
        load = partial(self._load, id)
        return profiles.get_user(await self.cache.through(cache_name(id), load, self.brought))

    async def _load(self, user_id: int) -> Entry | None:
        async with self.reading() as session:
            return await profiles.get_entry(session, user_id)

    @endpoint(
        json=UserChange(),
        returns=OwnUserOut(),
        raises=(NotYourself, EmailTaken, UserNotFound),
        operation_id="update_user",
    )
    async def patch(self, *, id: int, **changes: Any) -> Row:
        """Change some of one's own fields; nobody else's, not even as staff."""
        profiles.check_oneself(self.me.user_id, id)
        return await self.update(id, changes)


class ExistenceView(View):
    """Whether there is a user."""

    @endpoint(status=204, raises=(UserNotFound,), service=True)
    async def get(self, *, id: int) -> None:
        """Say whether there is such a user."""
        async with self.reading() as session:
            await profiles.check_exists(session, id)


class CardsView(View):
    """Several users at once."""

    @endpoint(query=CardsQuery(), returns=CardsOut(), service=True)
    async def get(self, *, ids: list[int]) -> Rows:
        """Show what everybody may see of several users, without the missing ones."""
        async with self.reading() as session:
            return Rows(items=await profiles.get_cards(session, ids))


class MeView(Changing):
    """The signed-in user."""

    @endpoint(returns=OwnUserOut(), raises=(UserNotFound,))
    async def get(self) -> Row:
        """Show oneself."""
        async with self.reading() as session:
            return await profiles.own_account(session, self.me.user_id)

    @endpoint(json=UserChange(), returns=OwnUserOut(), raises=(EmailTaken, UserNotFound))
    async def patch(self, **changes: Any) -> Row:
        """Change some of one's own fields."""
        return await self.update(self.me.user_id, changes)

    @endpoint(status=204, raises=(UserNotFound,), cookie=True)
    async def delete(self) -> None:
        """Leave: the user is deleted softly and every session of it ends."""
        await self.remove(self.me.user_id)
        await sign_out(self.request)


class PasswordView(View):
    """The own password."""

    @endpoint(
        json=PasswordChange(),
        status=204,
        raises=(WrongPassword, UserNotFound, TooManyAttempts, PasswordsBusy),
    )
    async def post(self, *, current_password: str, new_password: str) -> None:
        """Change the password; every other session ends."""
        async with self.reading() as session:
            account = await profiles.own_account(session, self.me.user_id)
        tickets = credentials.password_tickets(account["id"])
        async with self.attempts.one(tickets, wrong=WrongPassword, too_many=TooManyAttempts):
            hashed = await credentials.new_password_hash(
                self.passwords, account, current_password, new_password
            )
        here = await current(self.request)
        await self.sessions.end_all(account["id"], keep=here)  # Redis is away: nothing happened
        async with self.writing() as session:
            changed = await credentials.change_password(session, account, hashed)
        await self.sessions.end_all(account["id"], changed["session_epoch"], keep=here)
