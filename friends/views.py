"""Views of friendships: parse, one call, return."""

from typing import Any

from friends import service
from friends.directory import DIRECTORY, CardOut, Directory
from friends.errors import (
    AlreadyFriends,
    FriendshipNotFound,
    NotYourFriendship,
    SelfFriendship,
    UserNotFound,
    UsersUnavailable,
)
from friends.schemas import (
    FriendOut,
    FriendshipChange,
    FriendshipIn,
    FriendshipOut,
    FriendshipsQuery,
    MutualQuery,
)
from kit.endpoint import endpoint
from kit.errors import NotYourself
from kit.pages import Page, Row
from kit.schemas import page_of
from kit.web import View


class FriendsView(View):
    """A view that may ask who somebody is."""

    @property
    def directory(self) -> Directory:
        """Return who knows the users."""
        return self.request.config_dict[DIRECTORY]


class FriendshipsView(FriendsView):
    """All friendships of a user."""

    @endpoint(query=FriendshipsQuery(), returns=page_of(FriendOut()), raises=(UserNotFound,))
    async def get(self, *, page: int, size: int, user_id: int | None = None) -> Page:
        """List a user's friendships, newest first, whoever asked whom."""
        whose = user_id or self.me.user_id
        async with self.reading() as session:
            rows, total = await service.list_friendships(session, whose, page=page, size=size)
        known = whose == self.me.user_id
        items = await service.introduce(self.directory, rows, whose, known=known)
        return Page(items=items, page=page, size=size, total=total)

    @endpoint(
        json=FriendshipIn(),
        returns=FriendshipOut(),
        status=201,
        raises=(NotYourself, SelfFriendship, UserNotFound, AlreadyFriends, UsersUnavailable),
        location="friendship",
    )
    async def post(self, *, target_id: int, tag: str, initiator_id: int | None = None) -> Row:
        """Make somebody one's friend."""
        me = self.me.user_id
        await service.check_target(self.directory, me, initiator_id, target_id)
        async with self.writing() as session:
            return await service.befriend(session, me, target_id, tag)


class FriendshipView(View):
    """One friendship."""

    @endpoint(returns=FriendshipOut(), raises=(FriendshipNotFound,))
    async def get(self, *, id: int) -> Row:
        """Show a friendship."""
        async with self.reading() as session:
            return await service.get_friendship(session, id)

    @endpoint(
        json=FriendshipChange(),
        returns=FriendshipOut(),
        raises=(FriendshipNotFound, NotYourFriendship),
    )
    async def patch(self, *, id: int, **changes: Any) -> Row:
        """Change what one's own friendship is called."""
        async with self.writing() as session:
            return await service.change_friendship(session, self.me.user_id, id, changes)

    @endpoint(status=204, raises=(FriendshipNotFound, NotYourFriendship))
    async def delete(self, *, id: int) -> None:
        """End one's own friendship."""
        async with self.writing() as session:
            await service.part(session, self.me.user_id, id)


class MutualView(FriendsView):
    """Those who are friends of two."""

    @endpoint(
        query=MutualQuery(), returns=page_of(CardOut()), raises=(UserNotFound, UsersUnavailable)
    )
    async def get(self, *, other_id: int, page: int, size: int) -> Page:
        """List who is a friend of both oneself and another user, by id.

        `total` counts those who have left as well; among the items they are left out.
        """
        async with self.reading() as session:
            ids, total = await service.mutual_friends(
                session, self.me.user_id, other_id, page=page, size=size
            )
        items = await service.cards_with(self.directory, ids, other_id)
        return Page(items=items, page=page, size=size, total=total)
