"""Where everything lies, and what an application answers."""

from collections.abc import Iterator
from typing import Any

from aiohttp import hdrs, web

API = "/api/v1"


def operations(app: web.Application) -> Iterator[tuple[str, str, Any]]:
    """Yield method, path and handler of everything that an application answers, but HEAD."""
    for route in app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if route.method == hdrs.METH_ANY:
            for method in sorted(hdrs.METH_ALL - {hdrs.METH_ANY, hdrs.METH_HEAD}):
                handler = getattr(route.handler, method.lower(), None)
                if handler is not None:
                    yield method, path, handler
        elif route.method != hdrs.METH_HEAD:
            yield route.method, path, route.handler
