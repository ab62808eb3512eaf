"""What people open in a browser: a first page, the documents of the API, and meanings of codes."""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from importlib.resources import files
from string import Template

import orjson
from aiohttp import hdrs, web

from kit import errors, openapi
from kit.errors import Failure
from kit.problems import meaning_of, status_of, title_of

PAGES = {
    "/": "index.html",
    **dict.fromkeys(("/docs", "/docs/", "/api/docs"), "docs.html"),
    **dict.fromkeys(("/redoc", "/redoc/"), "redoc.html"),
}
ASSETS = {  # which package holds which file
    **dict.fromkeys(("site.css", "index.js", "docs.js"), "kit.static"),
    **dict.fromkeys(("redoc.js", "swagger_bundle.js", "swagger_style.css"), "offapi"),
}
TYPES = {"css": "text/css", "js": "text/javascript", "json": "application/json"}
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


@dataclass(frozen=True, slots=True)
class Ready:
    """Hold a file as it is sent: plain, packed, and named by its content."""

    plain: bytes
    packed: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, name: str, body: bytes) -> "Ready":
        """Prepare a file."""
        headers = {
            "Content-Type": f"{TYPES[name.rpartition('.')[2]]}; charset=utf-8",
            "Cache-Control": "no-cache",  # kept, and asked for whether it is still the same
            "Vary": "Accept-Encoding",
            "ETag": f'W/"{hashlib.sha256(body).hexdigest()[:16]}"',
        }
        return cls(body, gzip.compress(body, mtime=0), headers)

    def answer(self, request: web.Request) -> web.Response:
        """Send it as the client takes it, or say that it has not changed."""
        tags = request.if_none_match or ()
        if any(f'W/"{tag.value}"' == self.headers["ETag"] or tag.value == "*" for tag in tags):
            return web.Response(status=304, headers=self.headers)
        if "gzip" not in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
            return web.Response(body=self.plain, headers=self.headers)
        packed = {**self.headers, "Content-Encoding": "gzip"}
        return web.Response(body=self.packed, headers=packed)


@dataclass(frozen=True, slots=True)
class About:
    """Say what is served, for whoever looks at it with a browser."""

    title: str
    version: str
    description: str
    logins: tuple[str, ...] = ()  # that may be shown


ABOUT = web.AppKey("ABOUT", About)
READY = web.AppKey("READY", dict[str, Ready])  # what somebody has wanted


def setup(app: web.Application, about: About) -> None:
    """Add the pages."""
    app[ABOUT], app[READY] = about, {}
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
    return await _ready(request, name, partial(_asset, name))


async def document(request: web.Request) -> web.Response:
    """Send the document of the API, unless the reader has it."""
    return await _ready(request, "openapi.json", partial(_document, request.app))


async def _ready(request: web.Request, name: str, make: Callable[[], bytes]) -> web.Response:
    """Send what was made and packed once, beside the loop."""
    kept = request.config_dict[READY]
    if name not in kept:
        kept[name] = await asyncio.to_thread(lambda: Ready.of(name, make()))
    return kept[name].answer(request)


def _asset(name: str) -> bytes:
    body = files(ASSETS[name]).joinpath(name).read_bytes()
    return ABROAD.sub(b"data:,", body)  # nothing is loaded from elsewhere


def _document(app: web.Application) -> bytes:
    about = app[ABOUT]
    return orjson.dumps(openapi.document(app, about.title, about.version, about.description))


async def problems(request: web.Request) -> web.Response:
    """List the codes of all problems."""
    met = (noun for noun in _nouns().values() if noun in MET or not noun.__subclasses__())
    known = sorted(met, key=lambda noun: (status_of(noun), noun.code))
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


MET = (errors.NotFound, errors.ValidationFailed)  # though there are more special ones


def _nouns() -> dict[str, type[Failure]]:
    return {noun.code: noun for noun in errors.nouns()}


def _wants_html(request: web.Request) -> bool:
    """Tell whether a person asks: programs do not name HTML (RFC 9110, 12.5.1)."""
    wanted = request.headers.get(hdrs.ACCEPT, "").lower().replace(" ", "").split(",")
    return any(kind.split(";")[0] == "text/html" and ";q=0" not in kind for kind in wanted)


def _json(document: object) -> web.Response:
    return web.json_response(body=orjson.dumps(document), headers={hdrs.VARY: hdrs.ACCEPT})


def _article(title: str, body: str) -> web.Response:
    text = files("kit.static").joinpath("article.html").read_text(encoding="utf-8")
    made = _html(text, title=title, body=body)
    made.headers[hdrs.VARY] = hdrs.ACCEPT
    return made


def _html(text: str, *, title: str, body: str = "", description: str = "") -> web.Response:
    filled = Template(text).substitute(
        title=escape(title), body=body, description=escape(description)
    )
    return web.Response(text=filled, content_type="text/html", headers=PAGE)
