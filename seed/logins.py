"""The people who can sign in: the two that always exist, and the list that is printed."""

from array import array
from collections.abc import Callable, Sequence
from secrets import token_hex

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from seed.plan import Login
from seed.users import KNOWN

MOST_LISTED = 50
MOST_BUYERS = 100_000

ADD = text("""
    INSERT INTO users (username, email, password_hash, first_name, second_name, is_staff)
    SELECT :username,
           CASE WHEN EXISTS (SELECT FROM users WHERE lower(email) = :email)
                THEN :other ELSE :email END,
           :password_hash, :first_name, 'Skytrack', :is_staff
    ON CONFLICT DO NOTHING
    RETURNING id
""")
MISSING = text("SELECT NOT EXISTS (SELECT FROM users WHERE lower(username) = :username)")
IDS = text("""
    SELECT id FROM users ORDER BY lower(username) <> 'demo', id LIMIT :most
""")
LIST = text("""
    SELECT username, email, is_staff FROM users
    WHERE deleted_at IS NULL AND (lower(username) IN ('demo', 'admin') OR :everybody)
    ORDER BY id LIMIT :most
""")


async def ensure(connection: AsyncConnection, password_hash: Callable[[], str]) -> int:
    """Add whoever of `demo` and `admin` is missing; return how many were."""
    added = 0
    for known in KNOWN:
        name = known["username"]
        if not (await connection.execute(MISSING, {"username": name})).scalar_one():
            continue
        row = {
            **known,
            "first_name": name.title(),
            "password_hash": password_hash(),
            "other": f"{name}.{token_hex(4)}@example.org",  # somebody registered with the address
        }
        added += len((await connection.execute(ADD, row)).all())
    return added


async def ids(connection: AsyncConnection) -> Sequence[int]:
    """Return ids of users, `demo` first."""
    found = await connection.execute(IDS, {"most": MOST_BUYERS})
    return array("q", found.scalars())


async def listed(connection: AsyncConnection, made: int) -> tuple[list[Login], int]:
    """List everybody when this run made them, else the two; and count who did not fit."""
    values = {"everybody": made > 0, "most": MOST_LISTED}
    found = await connection.execute(LIST, values)
    return [Login(*row) for row in found], max(made - MOST_LISTED, 0)
