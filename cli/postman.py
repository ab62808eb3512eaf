"""Print the Postman collection, which can only say what the API's document says."""

from pathlib import Path

import click
import orjson

from cli import postman_flow
from cli.openapi import rendered as openapi
from kit.postman import FlowError, collection
from kit.settings import Settings

FILE = "shop-api.postman_collection.json"


@click.command("postman", epilog=f"Example: shop-api postman --output {FILE}")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write it there, not to standard output.",
)
def postman(output: Path | None) -> None:
    """Print the Postman collection (v2.1): every operation in a working order, with tests."""
    try:
        text = rendered(Settings.from_environment())
    except FlowError as error:
        raise click.ClickException(f"cli/postman_flow.py: {error}") from None
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"{output}: {len(text):,} characters.")


def rendered(settings: Settings) -> str:
    """Return the collection as it is kept beside the README.

    Raises:
        FlowError: an operation has no place in the flow, or a place no operation.
    """
    made = collection(
        orjson.loads(openapi(settings)), postman_flow.CHAPTERS, postman_flow.VARIABLES
    )
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode() + "\n"
