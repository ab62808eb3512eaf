"""What staff do with users, for the tests of it."""

from typing import Any

from sqlalchemy import RowMapping

from kit.db import Database
from tests.support.clients import API, Client
from tests.users.forms import stored

ADMIN = f"{API}/admin/users"
NOBODY = 2**63 - 1  # an id that no user has


async def listed(client: Client, **query: object) -> Any:
    """Return one page of the staff's list."""
    params = {name: str(value) for name, value in query.items()}
    response = await client.get(ADMIN, params=params)
    assert response.status == 200, await response.text()
    return await response.json()


async def delete(client: Client, user_id: int) -> None:
    """Delete a user as staff."""
    response = await client.delete(f"{ADMIN}/{user_id}")
    assert (response.status, await response.read()) == (204, b"")


async def restore(client: Client, user_id: int) -> Any:
    """Restore a user as staff; return the answer's document."""
    response = await client.post(f"{ADMIN}/{user_id}/restore")
    assert response.status == 200, await response.text()
    return await response.json()


async def row_of(database: Database, user_id: int) -> RowMapping:
    """Return the row of a user."""
    return next(row for row in await stored(database) if row["id"] == user_id)
