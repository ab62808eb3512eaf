"""Start one domain by itself, and end with one sentence where the cause is known."""

import click

from kit.errors import Failure
from kit.reach import Unreachable, unreachable
from kit.server import ServerError
from kit.settings import SettingsError, load_dotenv_file

EXPECTED = (SettingsError, ServerError, Unreachable, Failure)


def main(serve: click.Command) -> None:
    """Run the command of a domain that is started as `python -m <domain>`."""
    try:
        load_dotenv_file()
        with unreachable():
            serve.main(prog_name=f"python -m {serve.name}")
    except EXPECTED as error:
        click.ClickException(str(error)).show()
        raise SystemExit(1) from None
