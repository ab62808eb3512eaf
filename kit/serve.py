"""Serve an application from the command line, the whole house or one domain by itself."""

from dataclasses import replace

import click

from kit import init, log, server, telling
from kit.engine import driver_url
from kit.settings import Settings


def command(
    name: str, create_app: server.CreateApp, help_text: str, example: str
) -> click.Command:
    """Build the command that serves what `create_app` builds."""

    @click.command(
        name,
        help=help_text,
        epilog=f"Example: {example}",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    @click.option("--workers", type=click.IntRange(1, 64), help="How many; else WORKERS.")
    @click.option("--host", help="The address to listen on; else APP_HOST.")
    @click.option("--port", type=click.IntRange(1, 65535), help="The port; else APP_PORT.")
    def serve(workers: int | None, host: str | None, port: int | None) -> None:
        init.act_as_init()
        settings = Settings.from_environment()
        settings = replace(
            settings,
            workers=workers or settings.workers,
            host=host or settings.host,
            port=port or settings.port,
        )
        log.start(settings)
        _serve(settings, create_app)

    return serve


def _serve(settings: Settings, create_app: server.CreateApp) -> None:
    driver_url(settings)
    telling.check(settings)
    app = create_app(settings)  # what does not fit is told here, and not by each worker
    listening = server.listen(settings.host, settings.port)
    if settings.workers > 1:
        listening.close()  # now it is known that it is free
        server.Gunicorn(settings, create_app).run()
        return
    url = f"http://{settings.host}:{settings.port}"
    runner = server.Runner(app, drain=server.DRAIN)
    server.run(runner, listening, lambda: log.logger.info("serving", url=url))
