"""Prove who one is, and change what proves it."""

from sqlalchemy.ext.asyncio import AsyncSession

from kit.errors import Failure
from kit.limits import Ticket
from kit.pages import Row
from kit.passwords import Passwords
from kit.session_store import Identity
from users import events, repository
from users.errors import InvalidCredentials, UserNotFound, WrongPassword

GUESSES_AT_LOGIN = 10
GUESSES_FROM_ADDRESS = 500  # many people may share it
GUESSING_PERIOD = 900.0  # seconds


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


async def change_password(session: AsyncSession, account: Row, password_hash: str) -> Row:
    """Store a new hash; return the row, with the epoch that sessions need from now on.

    Raises:
        WrongPassword: the password was changed since `account` was read.
    """
    changes = {"password_hash": password_hash}
    return await _renew(session, account, changes, WrongPassword)


async def make_staff(session: AsyncSession, account: Row) -> Row:
    """Give a user the rights of staff; return the row, with the epoch that sessions need.

    Raises:
        UserNotFound: deleted or changed since `account` was read.
    """
    return await _renew(session, account, {"is_staff": True}, UserNotFound)


async def _renew(session: AsyncSession, account: Row, changes: Row, late: type[Failure]) -> Row:
    """Change what signing in depends on; raise `late` when somebody was faster."""
    user_id, epoch = account["id"], account["session_epoch"]
    changed = await repository.renew_credentials(session, user_id, epoch, changes)
    if changed is None:
        raise late
    await events.record(session, events.USER_CHANGED, changed)
    return changed
