"""Views of what staff do with users: look, delete, restore; never edit."""

from typing import Any

from kit.endpoint import endpoint
from kit.pages import Page, Row
from kit.schemas import page_of
from kit.web import View
from users.errors import UserNotFound
from users.schemas import OwnUserOut, StaffQuery
from users.service import profiles
from users.views.changes import Changing


class UsersView(View):
    """All users, as staff see them."""

    @endpoint(query=StaffQuery(), returns=page_of(OwnUserOut()), staff=True)
    async def get(self, **query: Any) -> Page:
        """List the living users, or the deleted ones, by id."""
        async with self.reading() as session:
            return await profiles.list_for_staff(session, **query)


class UserView(Changing):
    """One user, as staff see it."""

    @endpoint(status=204, raises=(UserNotFound,), staff=True)
    async def delete(self, *, id: int) -> None:
        """Delete a user softly; every session of it ends."""
        await self.remove(id)


class RestoreView(Changing):
    """The return of a deleted user."""

    @endpoint(returns=OwnUserOut(), raises=(UserNotFound,), staff=True)
    async def post(self, *, id: int) -> Row:
        """Take a deletion back; for a living user nothing changes."""
        return await self.restore(id)
