"""Alembic's way in: on the connection of `migrations.run`, or from alembic's own command."""

import asyncio

from alembic import context
from sqlalchemy import Connection

from applications import entities as applications
from friends import entities as friends
from kit import idempotency_keys, inbox, mails, outbox
from kit.db import Base
from kit.settings import Settings
from migrations.run import migrate
from picnic import entities as picnic
from shop import entities as shop
from users import entities as users

KIT = (outbox, inbox, idempotency_keys, mails)
DOMAINS = (users, shop, applications, friends, picnic)
DESCRIBED = KIT + DOMAINS  # importing them is what fills Base.metadata


def run(connection: Connection) -> None:
    """Run the wanted revisions on a connection that is in a transaction."""
    context.configure(connection=connection, target_metadata=Base.metadata)
    context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(
        migrate(Settings.from_environment(), lambda config: run(config.attributes["connection"]))
    )
