"""What can be done with users: sign up, prove who one is, change oneself, leave."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from kit.db import violations
from kit.limits import Ticket
from kit.pages import Row
from kit.passwords import Passwords
from kit.session_store import Identity
from users import repository
from users.errors import (
    EmailTaken,
    InvalidCredentials,
    UsernameTaken,
    UserNotFound,
    WrongPassword,
)

GUESSES_AT_LOGIN = 10
GUESSES_FROM_ADDRESS = 500  # many people may share it
GUESSING_PERIOD = 900.0  # seconds

TAKEN = {"uq_users_username": UsernameTaken, "uq_users_email": EmailTaken}


async def sign_up(session: AsyncSession, *, password_hash: str, **profile: Any) -> Row:
    """Add a user.

    Raises:
        UsernameTaken, EmailTaken: in any case of the letters, also by a deleted user.
    """
    with violations(TAKEN):
        return await repository.add_user(session, {"password_hash": password_hash, **profile})


def sign_in_tickets(login: str, visitor: str) -> list[Ticket]:
    """Return what an attempt to sign in takes: of the login in any case, and of the address.

    A user has two logins, so twice as many guesses are tried at one account.
    """
    return [
        Ticket("login", login.lower(), GUESSES_AT_LOGIN, GUESSING_PERIOD),
        Ticket("address", visitor, GUESSES_FROM_ADDRESS, GUESSING_PERIOD),
    ]


def password_tickets(user_id: int) -> list[Ticket]:
    """Return what an attempt to prove one's password takes while signed in."""
    return [Ticket("password", str(user_id), GUESSES_AT_LOGIN, GUESSING_PERIOD)]


async def find_account(session: AsyncSession, login: str) -> Row | None:
    """Return the user whom a login names, by username or e-mail.

    Both are ASCII; letters of other alphabets whose lower case is ASCII must not name anybody.
    """
    return await repository.find_account(session, login if login.isascii() else "")


async def check_credentials(passwords: Passwords, account: Row | None, password: str) -> Row:
    """Return the account, once the password is proven; an unknown login costs the same time.

    Raises:
        InvalidCredentials: no such login, or another password.
    """
    hashed = account["password_hash"] if account else None
    if not await passwords.matches(password, hashed) or account is None:
        raise InvalidCredentials
    return account


def identity_of(account: Row) -> Identity:
    """Return who signs in; its epoch was read with the hash, so a later change makes it void."""
    return Identity(account["id"], account["is_staff"], account["session_epoch"])


async def own_account(session: AsyncSession, user_id: int) -> Row:
    """Return a user with everything that the person may see, and the hash.

    Raises:
        UserNotFound: deleted or never there.
    """
    return _found(await repository.get_account(session, user_id))


async def get_user(session: AsyncSession, user_id: int) -> Row:
    """Return what everybody may see of a user.

    Raises:
        UserNotFound: deleted or never there.
    """
    return _found(await repository.get_public(session, user_id))


async def update_user(session: AsyncSession, user_id: int, changes: Row) -> Row:
    """Change a user's own fields.

    Raises:
        EmailTaken: in any case of the letters.
        UserNotFound: deleted meanwhile.
    """
    if not changes:
        return await own_account(session, user_id)
    with violations(TAKEN):
        return _found(await repository.change_user(session, user_id, changes))


async def new_password_hash(
    passwords: Passwords, account: Row, current_password: str, new_password: str
) -> str:
    """Return the hash of the new password, once the current one is proven.

    Raises:
        WrongPassword: the current one does not fit.
    """
    if not await passwords.matches(current_password, account["password_hash"]):
        raise WrongPassword
    return await passwords.hash(new_password)


async def change_password(session: AsyncSession, account: Row, password_hash: str) -> int:
    """Store a new hash; return the epoch that sessions need from now on.

    Raises:
        WrongPassword: the password was changed since `account` was read.
    """
    changes = {"password_hash": password_hash}
    epoch = await repository.renew_credentials(
        session, account["id"], account["session_epoch"], changes
    )
    if epoch is None:
        raise WrongPassword
    return epoch


async def make_staff(session: AsyncSession, account: Row) -> int:
    """Give a user the rights of staff; return the epoch that sessions need from now on.

    Raises:
        UserNotFound: deleted or changed since `account` was read.
    """
    epoch = await repository.renew_credentials(
        session, account["id"], account["session_epoch"], {"is_staff": True}
    )
    if epoch is None:
        raise UserNotFound
    return epoch


async def delete_user(session: AsyncSession, user_id: int) -> int:
    """Delete a user softly; return the epoch that no session has.

    Raises:
        UserNotFound: deleted meanwhile.
    """
    epoch = await repository.delete_user(session, user_id)
    if epoch is None:
        raise UserNotFound
    return epoch


def _found(row: Row | None) -> Row:
    if row is None:
        raise UserNotFound
    return row
