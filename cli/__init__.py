"""`shop-api`: everything that is done to the service from a command line."""

import os
from typing import Any

import click

from cli.dev import ADDRESSES, DATABASE_VARIABLES, FOLDER, dev, down
from cli.doctor import doctor
from cli.openapi import openapi
from cli.operate import migrate, routes, serve
from cli.parked import inbox_group, mails_group, outbox_group
from cli.postman import postman
from cli.split import split
from cli.split_check import SplitFailed
from cli.users import user
from cli.worker import WorkerBroken, worker
from embedded import instance
from embedded.errors import EmbeddedError
from kit.errors import Failure
from kit.reach import Unreachable, unreachable
from kit.server import ServerError
from kit.settings import SettingsError, load_dotenv_file
from migrations.run import NotMigrated
from seed.__main__ import main as seed
from seed.plan import SeedError

NAMED = (*DATABASE_VARIABLES, *ADDRESSES)
EXPECTED = (
    *(SettingsError, EmbeddedError, ServerError, SeedError, Unreachable, Failure),
    NotMigrated,
    WorkerBroken,
    SplitFailed,
)


class OneSentence(click.Group):
    """End with one sentence and a non-zero code where the cause is known."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            with unreachable():
                return super().invoke(ctx)
        except EXPECTED as error:
            raise click.ClickException(str(error)) from None


@click.group(
    cls=OneSentence,
    epilog="Example: shop-api dev",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 99},
)
@click.version_option(package_name="shop-api")
@click.pass_context
def main(context: click.Context) -> None:
    """Run and look after shop-api; settings come from the environment or from ./.env.

    While `make up` runs here and neither names a server, commands use its servers.
    """
    load_dotenv_file()
    if context.invoked_subcommand not in ("dev", "split", "down") and not any(
        map(os.environ.get, NAMED)
    ):
        os.environ.update(instance.lent(FOLDER))


for command in (
    *(dev, split, down, serve, worker, migrate, seed, user),
    *(outbox_group, inbox_group, mails_group, routes, openapi, postman, doctor),
):
    main.add_command(command)
