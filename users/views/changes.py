"""What the views that change users share: no session and no cached card outlives a change."""

from kit.pages import Row
from kit.web import View
from users.entities import cache_name
from users.service import profiles


class Changing(View):
    """Change users in one transaction, with the cache in doubt meanwhile."""

    async def update(self, user_id: int, changes: Row) -> Row:
        """Change a user's own fields; return the own columns."""
        async with self.cache.changing(cache_name(user_id)) as change:
            async with self.writing() as session:
                row = await profiles.update_user(session, user_id, changes)
            change.leads_to(row["version"], profiles.card(row))
        return row

    async def remove(self, user_id: int) -> None:
        """Delete a user softly; every session of it ends."""
        await self.sessions.end_all(user_id)  # when Redis is away, nothing has happened
        async with self.cache.changing(cache_name(user_id)) as change:
            async with self.writing() as session:
                row = await profiles.delete_user(session, user_id)
            change.leads_to(row["version"], None)
        await self.sessions.end_all(user_id, row["session_epoch"])

    async def restore(self, user_id: int) -> Row:
        """Take a deletion back; return the own columns."""
        async with self.cache.changing(cache_name(user_id)) as change:
            async with self.writing() as session:
                row = await profiles.restore_user(session, user_id)
            change.leads_to(row["version"], profiles.card(row))
        return row
