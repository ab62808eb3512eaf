"""Everything that a users service may do but answer: name -> how it is played."""

import orjson

from tests.friends.people import MUTUAL
from tests.friends.stage import (
    BOMB,
    Play,
    always,
    answer,
    card,
    cut_short,
    drip_all,
    drip_body,
    endless_body,
    endless_head,
    late,
    padded,
    saying,
    silent,
)

WITH = 1_000_001  # beyond the ids of those who sign in
MUTUAL_WITH = f"{MUTUAL}?with={WITH}"

HTML = b"<!DOCTYPE html><title>Welcome to nginx!</title>"
GZIP = "Content-Encoding: gzip"


def told(status: str, code: str) -> Play:
    """Play a problem."""
    document = {"type": f"/problems/{code}", "status": int(status[:3]), "code": code}
    return always(saying(status, document))


def cards(*items: object) -> Play:
    """Play cards that somebody got wrong, among them that of the one who is asked for."""
    return always(saying("200 OK", {"items": items}))


SLOW: dict[str, Play] = {
    "silent": silent,
    "late": late,
    "dripping": drip_all,
    "dripping body": drip_body,
}
WIRE: dict[str, Play] = {
    "cut short": cut_short,
    "closed without a word": always(b""),
    "not HTTP": always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
    "endless head": endless_head,
    "endless body": endless_body,
    "more than anybody should read": padded,
    "bomb": always(answer("200 OK", BOMB, GZIP)),
    "another encoding": always(answer("200 OK", b"\x1f\x8b\x08\x00", GZIP)),
}
STATUSES: dict[str, Play] = {
    "500": told("500 Internal Server Error", "internal-error"),
    "503": told("503 Service Unavailable", "database-unavailable"),
    "429": told("429 Too Many Requests", "too-many-requests"),
    "401": told("401 Unauthorized", "not-signed-in"),
    "403": told("403 Forbidden", "user-not-found"),
    "404 of somebody else": told("404 Not Found", "not-found"),
    "404 in HTML": always(answer("404 Not Found", HTML, "Content-Type: text/html")),
    "404 without a code": always(saying("404 Not Found", {"detail": "Not Found"})),
    "404 of a list": always(saying("404 Not Found", ["user-not-found"])),
    "404 of nothing": always(answer("404 Not Found")),
}
DOCUMENTS: dict[str, Play] = {
    "HTML": always(answer("200 OK", HTML, "Content-Type: text/html")),
    "201": always(saying("201 Created", {"items": []})),
    "broken JSON": always(answer("200 OK", b'{"items": [{"id": 1')),
    "deep JSON": always(answer("200 OK", b'{"items":' + b"[" * 100_000)),
    "broken UTF-8": always(answer("200 OK", b'{"items": ["\xff\xfe"]}')),
    "NaN": always(answer("200 OK", b'{"items": [NaN]}')),
    "null": always(saying("200 OK", None)),
    "a list": always(saying("200 OK", [])),
    "no items": always(saying("200 OK", {})),
    "items of another kind": always(saying("200 OK", {"items": {str(WITH): card(WITH)}})),
    "an item of another kind": cards(None),
    "a field too few": cards({"id": WITH}),
    "an id as text": cards(card(WITH, id="1")),
    "a moment without a zone": cards(card(WITH, created_at="2026-01-02T03:04:05")),
    "a date that is none": cards(card(WITH, birthday="2026-02-30")),
    "a huge number": always(
        answer("200 OK", orjson.dumps({"items": [card(WITH, age=7)]}).replace(b"7", b"7" * 5000))
    ),
}
QUICK = [WIRE, STATUSES, DOCUMENTS]
FAULTS = SLOW | WIRE | STATUSES | DOCUMENTS
