"""What people open in a browser: a first page, the documents of the API, and meanings of codes."""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from string import Template

import orjson
from aiohttp import hdrs, web

from kit import errors, openapi
from kit.errors import Failure
from kit.problems import meaning_of, status_of, title_of

PAGES = {"/": "index.html", "/docs": "docs.html", "/redoc": "redoc.html"}
ASSETS = {
    "site.css": ("kit.static", "text/css"),
    "index.js": ("kit.static", "text/javascript"),
    "docs.js": ("kit.static", "text/javascript"),
    "redoc.js": ("offapi", "text/javascript"),
    "swagger_bundle.js": ("offapi", "text/javascript"),
    "swagger_preset.js": ("offapi", "text/javascript"),
    "swagger_style.css": ("offapi", "text/css"),
}
POLICY = "; ".join(
    [
        *(f"{what} 'none'" for what in ("default-src", "frame-ancestors", "base-uri")),
        *(f"{what} 'self'" for what in ("script-src", "connect-src", "form-action")),
        "style-src 'self' 'unsafe-inline'",  # both documents write styles of their own
        "img-src 'self' data:",
        "font-src data:",
    ]
)
ABROAD = re.compile(rb"https://cdn\.redoc\.ly/redoc/[a-z-]+\.svg")  # the logo of Redoc's makers
PAGE = {"Content-Security-Policy": POLICY, hdrs.CACHE_CONTROL: "no-cache"}
DAY = 24 * 3600  # seconds


@dataclass(frozen=True, slots=True)
class About:
    """Say what is served, for whoever looks at it with a browser."""

    title: str
    version: str
    description: str
    logins: tuple[str, ...] = ()  # that may be shown


ABOUT = web.AppKey("ABOUT", About)
DOCUMENT = web.AppKey("DOCUMENT", dict[str, bytes])  # one entry, once somebody wanted it


def setup(app: web.Application, about: About) -> None:
    """Add the pages."""
    app[ABOUT], app[DOCUMENT] = about, {}
    for path in PAGES:
        app.router.add_get(path, page)
    app.router.add_get("/static/{name}", asset)
    app.router.add_get("/openapi.json", document)
    app.router.add_get("/problems", problems)
    app.router.add_get("/problems/{code}", problem)


async def page(request: web.Request) -> web.Response:
    """Show a page."""
    about = request.config_dict[ABOUT]
    text = files("kit.static").joinpath(PAGES[request.path]).read_text(encoding="utf-8")
    return _html(text, title=about.title, description=about.description)


async def asset(request: web.Request) -> web.Response:
    """Send a script or a style, unless the browser has it."""
    name = request.match_info["name"]
    if name not in ASSETS:
        raise errors.NotFound
    package, content_type = ASSETS[name]
    body = await asyncio.to_thread(files(package).joinpath(name).read_bytes)
    body = ABROAD.sub(b"data:,", body)  # nothing is loaded from elsewhere
    tag = hashlib.sha256(body).hexdigest()[:16]
    response = web.Response(
        body=body,
        content_type=content_type,
        charset="utf-8",
        headers={hdrs.CACHE_CONTROL: f"public, max-age={DAY}"},
    )
    response.etag = tag
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers={hdrs.ETAG: response.headers[hdrs.ETAG]})
    response.enable_compression()
    return response


async def document(request: web.Request) -> web.Response:
    """Send the document of the API."""
    made, about = request.config_dict[DOCUMENT], request.config_dict[ABOUT]
    if not made:
        described = await asyncio.to_thread(
            openapi.document, request.app, about.title, about.version, about.description
        )
        made["body"] = orjson.dumps(described)
    return web.Response(
        body=made["body"],
        content_type="application/json",
        headers={hdrs.CACHE_CONTROL: "no-cache"},
    )


async def problems(request: web.Request) -> web.Response:
    """List the codes of all problems."""
    known = sorted(_nouns().values(), key=lambda noun: (status_of(noun), noun.code))
    if not _wants_html(request):
        return _json({"items": [meaning_of(noun) for noun in known]})
    rows = "".join(
        f'<tr><td>{status_of(noun)}</td><td><a href="/problems/{noun.code}">{noun.code}</a></td>'
        f"<td>{escape(noun.explanation())}</td></tr>"
        for noun in known
    )
    return _article("Problems", f"<table>{rows}</table>")


async def problem(request: web.Request) -> web.Response:
    """Explain the code of a problem to whoever follows its `type`."""
    noun = _nouns().get(request.match_info["code"])
    if noun is None:
        raise errors.NotFound
    if not _wants_html(request):
        return _json(meaning_of(noun))
    told = (
        f"<p><code>{noun.code}</code>, status {status_of(noun)}</p>"
        f"<p>{escape(noun.explanation())}</p><h2>What to do</h2><p>{escape(noun.advice)}</p>"
        '<p><a href="/problems">All problems</a></p>'
    )
    return _article(title_of(noun), told)


def _nouns() -> dict[str, type[Failure]]:
    return {noun.code: noun for noun in errors.nouns()}


def _wants_html(request: web.Request) -> bool:
    """Tell whether a person asks: programs do not name HTML (RFC 9110, 12.5.1)."""
    return "text/html" in request.headers.get(hdrs.ACCEPT, "")


def _json(document: object) -> web.Response:
    return web.json_response(body=orjson.dumps(document), headers={hdrs.VARY: hdrs.ACCEPT})


def _article(title: str, body: str) -> web.Response:
    text = files("kit.static").joinpath("article.html").read_text(encoding="utf-8")
    return _html(text, title=title, body=body)


def _html(text: str, *, title: str, body: str = "", description: str = "") -> web.Response:
    filled = Template(text).substitute(
        title=escape(title), body=body, description=escape(description)
    )
    return web.Response(
        text=filled, content_type="text/html", headers={**PAGE, hdrs.VARY: hdrs.ACCEPT}
    )
