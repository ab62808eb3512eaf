"""The domain's face for neighbours in the same process."""

from collections.abc import Callable, Sequence
from typing import Any

from kit.db import Database
from users.service import profiles


class Directory:
    """Know who lives; what is deleted was never there."""

    def __init__(self, database: Callable[[], Database]) -> None:
        """database: how to find it, for it is opened only when the application starts."""
        self._database = database

    async def exists(self, user_id: int) -> bool:
        """Tell whether there is such a user."""
        async with self._database().reading() as session:
            return await profiles.user_exists(session, user_id)

    async def cards(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return what everybody may see of those who exist, by id."""
        async with self._database().reading() as session:
            return {card["id"]: card for card in await profiles.get_cards(session, ids)}
