"""Make users from the command line."""

import asyncio
from typing import Any

import click

from kit.db import database
from kit.engine import create_engine
from kit.passwords import hash_password
from kit.redis import create_redis
from kit.session import create_store
from kit.settings import Settings
from users.schemas import SignUp
from users.service import credentials, profiles


@click.group(epilog="Example: shop-api user create ann --email ann@example.org --staff")
def user() -> None:
    """Look after users."""


@user.command(epilog="Example: shop-api user create ann --email ann@example.org --staff")
@click.argument("username")
@click.option("--email", required=True, help="The e-mail address, unique in any case.")
@click.option("--first-name", default="Staff", show_default=True, help="The first name.")
@click.option("--second-name", default="Member", show_default=True, help="The second one.")
@click.option("--staff", is_flag=True, help="Give the rights of staff.")
@click.password_option(envvar="SHOP_API_PASSWORD", help="Asked for, or from SHOP_API_PASSWORD.")
def create(*, staff: bool, **profile: Any) -> None:
    """Create a user, or give an existing one the rights of staff; a second run changes nothing."""
    complaints = SignUp().validate(profile)
    if complaints:
        found = "; ".join(f"{name}: {' '.join(texts)}" for name, texts in complaints.items())
        raise click.UsageError(found)
    click.echo(asyncio.run(_create(Settings.from_environment(), profile, staff=staff)))


async def _create(settings: Settings, profile: dict[str, Any], *, staff: bool) -> str:
    engine, redis = create_engine(settings), create_redis(settings)
    password_hash = hash_password(profile.pop("password"), settings.bcrypt_rounds)
    name = profile["username"]
    try:
        async with database(engine).writing() as session:
            known = await credentials.find_account(session, name)
            if known is None:
                row = {**profile, "password_hash": password_hash, "is_staff": staff}
                made = await profiles.create_user(session, **row)
                return f"Created {name} with id {made['id']}."
        if not staff or known["is_staff"]:
            return f"Nothing to do: {name} exists with id {known['id']}."
        store = create_store(settings, redis)
        await store.end_all(known["id"])  # when Redis is away, nothing has happened
        async with database(engine).writing() as session:
            changed = await credentials.make_staff(session, known)
        await store.end_all(known["id"], changed["session_epoch"])
        return f"{name} is staff from now on; the password stays as it was."
    finally:
        await redis.aclose()
        await engine.dispose()
