"""Which callers are services of our own: they show a token that only we know."""

import hmac

from aiohttp import hdrs, web

from kit.settings import Settings

TOKEN = web.AppKey("TOKEN", str)
SCHEME = "Bearer"


def setup(app: web.Application, settings: Settings) -> None:
    """Let the application know the token; without one nobody is taken for a service."""
    app[TOKEN] = settings.service_token


def calls(request: web.Request) -> bool:
    """Tell whether a service of ours calls; wrong tokens all take the same time."""
    scheme, _, offered = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    token = request.config_dict[TOKEN]
    same = hmac.compare_digest(offered.encode("utf-8", "surrogateescape"), token.encode())
    return bool(token) and scheme.lower() == SCHEME.lower() and same
