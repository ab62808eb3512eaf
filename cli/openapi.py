"""Print what the API is, for programs and people who read it elsewhere."""

from pathlib import Path

import click
import orjson

import monolith
from kit.openapi import document
from kit.settings import Settings


@click.command("openapi", epilog="Example: shop-api openapi --output docs/openapi.json")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write it there, not to standard output.",
)
def openapi(output: Path | None) -> None:
    """Print the OpenAPI document, which is also at /openapi.json."""
    text = rendered(Settings.from_environment())
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"{output}: {len(text):,} characters.")


def rendered(settings: Settings) -> str:
    """Return the document as it is kept in docs/openapi.json."""
    about = monolith.about(settings)
    made = document(monolith.create_app(settings), about.title, about.version, about.description)
    return orjson.dumps(made, option=orjson.OPT_INDENT_2).decode() + "\n"
