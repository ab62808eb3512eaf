"""What every request must pass and every answer must carry."""

from aiohttp import HttpVersion10, HttpVersion11, hdrs, web
from aiohttp.typedefs import Handler

from kit.errors import Forbidden
from kit.faults import (
    ExpectationFailed,
    MalformedRequest,
    PayloadTooLarge,
    UnsupportedMediaType,
)

LARGEST_BODY = 64 * 1024  # bytes
METHODS_WITH_BODY = {hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_PATCH, hdrs.METH_DELETE}
SAFE_METHODS = {hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS, hdrs.METH_TRACE}

EXTRA = "extra_headers"  # of a request: what its answer, good or bad, shall carry as well

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "; ".join(
        f"{what} 'none'" for what in ("default-src", "frame-ancestors", "base-uri", "form-action")
    ),
    "Referrer-Policy": "no-referrer",
}


class CrossSiteRequest(Forbidden):
    """A change must come from this site's own pages or from a program, not from another site."""

    advice = "Send it from a page of this service, or from a program without `Origin`."


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers of every answer; runs as `on_response_prepare`."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall(hdrs.SERVER, None)
    response.headers.update(request.get(EXTRA, {}))
    if "request_id" in request:
        response.headers["X-Request-ID"] = request["request_id"]


@web.middleware
async def guard_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse changes from foreign sites and bodies that are not small UTF-8 JSON."""
    if request.version not in (HttpVersion10, HttpVersion11):
        raise MalformedRequest
    if request.headers.get(hdrs.EXPECT, "100-continue").lower() != "100-continue":
        raise ExpectationFailed
    if (request.content_length or 0) > LARGEST_BODY:
        raise PayloadTooLarge(f"At most {LARGEST_BODY} bytes are taken.")
    if request.method not in SAFE_METHODS:
        refuse_foreign_site(request)
    if request.method in METHODS_WITH_BODY and request.body_exists:
        refuse_unfit_body(request)
    return await handler(request)


def refuse_foreign_site(request: web.BaseRequest) -> None:
    """Refuse what a browser sends for another site (OWASP CSRF Prevention: verify the origin).

    Raises:
        CrossSiteRequest: the browser says so, or the origin is not our host.
    """
    sites = [site.lower() for site in request.headers.getall("Sec-Fetch-Site", [])]
    origins = {origin.lower() for origin in request.headers.getall(hdrs.ORIGIN, [])}
    host = request.host.lower()
    if "cross-site" in sites or not origins <= {f"http://{host}", f"https://{host}"}:
        raise CrossSiteRequest


def refuse_unfit_body(request: web.BaseRequest) -> None:
    """Refuse a body by its headers, before a byte of it is read.

    Raises:
        UnsupportedMediaType: it is not plain UTF-8 JSON.
    """
    charset = (request.charset or "utf-8").lower()
    fits = request.content_type == "application/json" and charset in ("utf-8", "utf8")
    coding = request.headers.get(hdrs.TRANSFER_ENCODING, "chunked").lower()
    if not fits or hdrs.CONTENT_ENCODING in request.headers or coding != "chunked":
        raise UnsupportedMediaType


class Router(web.UrlDispatcher):
    """Leave `Expect` to the guard: aiohttp would answer it before any middleware runs.

    A route of ours could name its own answer, but the one of unknown addresses cannot.
    """

    async def resolve(self, request: web.Request) -> web.UrlMappingMatchInfo:
        """Find the route, known or not, and take its own answer to `Expect` away."""
        found = await super().resolve(request)
        found.route._expect_handler = _no_answer_yet
        return found


async def _no_answer_yet(_: web.Request) -> None:
    """Let the middlewares run."""
