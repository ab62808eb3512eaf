"""Who may do what: one row for each operation, and one answer for each kind of visitor."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.kit.doors import Operation
from tests.support.clients import PASSWORD
from tests.support.keys import application
from tests.users.forms import sign_up_form

# who has no session: what these may do, everybody may do
OUTSIDERS = ("guest", "deleted", "expired", "corrupted", "service")
MEMBERS = ("other", "staff", "owner")  # the owner comes last: he may put an end to what is his
VISITORS = (*OUTSIDERS, *MEMBERS)

Answer = tuple[int, str]  # status, and the code of the problem if it is one
Answers = Mapping[str, Answer]
Ids = Mapping[str, Any]  # of the prepared rows, by their part in the play
Body = Callable[[Ids, str], dict[str, Any]]  # what a visitor sends


@dataclass(frozen=True)
class Row:
    """Say what each visitor gets; `of`: whose id stands in the path."""

    answers: Answers
    of: str = ""
    query: str = ""
    body: Body | None = None


def everybody(status: int) -> Answers:
    """Let everybody in."""
    return dict.fromkeys(VISITORS, (status, ""))


def _members(others: Answer, **more: Answer) -> Answers:
    outside = dict.fromkeys(OUTSIDERS, (401, "not-signed-in"))
    return {**outside, **dict.fromkeys(MEMBERS, others), **more}


def signed_in(status: int) -> Answers:
    """Let everybody with a session in."""
    return _members((status, ""))


def or_service(status: int) -> Answers:
    """Let everybody with a session in, and other services of ours."""
    return _members((status, ""), service=(status, ""))


def only_staff(status: int) -> Answers:
    """Let staff in."""
    return _members((403, "staff-only"), staff=(status, ""))


def only_owner(status: int, refusal: Answer) -> Answers:
    """Let the one in whose it is, and nobody else, not even staff."""
    return _members(refusal, owner=(status, ""))


NOT_YOURSELF = (403, "not-yourself")
NOT_YOURS = (403, "not-your-friendship")
NO_ORDER = (404, "order-not-found")
NO_SESSION = (404, "session-not-found")

NEW_PASSWORD = {"current_password": PASSWORD, "new_password": "a new password"}

AUTH = {
    "POST /login": Row(
        everybody(200), body=lambda _, __: {"login": "owner", "password": PASSWORD}
    ),
    "POST /logout": Row(everybody(204)),
    "GET /sessions": Row(signed_in(200)),
    "DELETE /sessions": Row(signed_in(204)),
    "DELETE /sessions/{handle}": Row(only_owner(204, NO_SESSION), of="session"),
}
USERS = {
    "POST ": Row(
        everybody(201),
        body=lambda _, who: sign_up_form(username=f"new-{who}", email=f"new-{who}@example.org"),
    ),
    "GET ": Row(signed_in(200)),
    "GET /me": Row(signed_in(200)),
    "PATCH /me": Row(signed_in(200), body=lambda _, who: {"first_name": f"New {who}"}),
    "DELETE /me": Row(signed_in(204)),
    "POST /me/password": Row(signed_in(204), body=lambda _, __: NEW_PASSWORD),
    "GET /cards": Row(or_service(200), query="ids={owner},{deleted}"),
    "GET /{id}": Row(signed_in(200), of="owner"),
    "PATCH /{id}": Row(
        only_owner(200, NOT_YOURSELF), of="owner", body=lambda _, who: {"first_name": who}
    ),
    "GET /{id}/exists": Row(or_service(204), of="owner"),
}
ADMIN = {
    "GET ": Row(only_staff(200), query="deleted=true"),
    "DELETE /{id}": Row(only_staff(204), of="friend"),
    "POST /{id}/restore": Row(only_staff(200), of="deleted"),
}
SHOP = {
    "GET /shops": Row(everybody(200)),
    "GET /shops/{id}": Row(everybody(200), of="shop"),
    "GET /shops/{id}/books": Row(everybody(200), of="shop"),
    "GET /books": Row(everybody(200)),
    "GET /books/{id}": Row(everybody(200), of="book"),
    "PATCH /offers/{id}": Row(
        only_staff(200), of="offer", body=lambda _, __: {"price": "1.00", "available": 5}
    ),
    "GET /cart": Row(signed_in(200)),
    "DELETE /cart": Row(signed_in(200)),
    "PUT /cart/items/{offer_id}": Row(
        signed_in(200), of="offer", body=lambda _, __: {"quantity": 2}
    ),
    "DELETE /cart/items/{offer_id}": Row(signed_in(200), of="offer"),
    "GET /orders": Row(signed_in(200)),
    "POST /orders": Row(
        signed_in(201),
        body=lambda ids, _: {"items": [{"offer_id": ids["offer"], "quantity": 1}]},
    ),
    "GET /orders/{id}": Row(only_owner(200, NO_ORDER), of="order"),
    "POST /orders/{id}/cancel": Row(only_owner(200, NO_ORDER), of="order"),
    "POST /orders/{id}/pay": Row(only_staff(200), of="order"),
}
FRIENDS = {
    "GET ": Row(signed_in(200), query="user_id={owner}"),
    "POST ": Row(
        only_owner(201, NOT_YOURSELF),
        body=lambda ids, _: {
            "target_id": ids["other"],
            "tag": "chess",
            "initiator_id": ids["owner"],
        },
    ),
    "GET /mutual": Row(signed_in(200), query="with={friend}"),
    "GET /{id}": Row(signed_in(200), of="friendship"),
    "PATCH /{id}": Row(
        only_owner(200, NOT_YOURS), of="friendship", body=lambda _, who: {"tag": who}
    ),
    "DELETE /{id}": Row(only_owner(204, NOT_YOURS), of="friendship"),
}
PICNIC = {
    "GET /cities": Row(everybody(200)),
    "POST /cities": Row(signed_in(200), body=lambda _, __: {"name": "berlin"}),
    "GET /cities/{id}": Row(everybody(200), of="city"),
    "GET /picnics": Row(everybody(200)),
    "POST /picnics": Row(
        signed_in(201), body=lambda ids, _: {"city_id": ids["city"], "time": "2999-01-01T00:00Z"}
    ),
    "GET /picnics/{id}": Row(everybody(200), of="picnic"),
    "GET /picnics/{id}/participants": Row(everybody(200), of="picnic"),
    "POST /picnics/{id}/registrations": Row(
        only_owner(201, NOT_YOURSELF), of="picnic", body=lambda ids, _: {"user_id": ids["owner"]}
    ),
    "DELETE /picnics/{id}/registrations/me": Row(
        _members((404, "registration-not-found"), other=(204, "")), of="picnic"
    ),
}
APPLICATIONS = {
    "POST ": Row(everybody(201), body=lambda _, who: application(user_name=who)),
    "GET ": Row(everybody(200)),
    "GET /{id}": Row(everybody(200), of="application"),
}
PAGES = ("/", "/docs", "/docs/", "/api/docs", "/redoc", "/redoc/", "/openapi.json", "/status")
PROBES = ("/livez", "/readyz", "/metrics")
BY_ITSELF = {
    f"GET {path}": Row(everybody(200))
    for path in (*PAGES, *PROBES, "/static/{name}", "/problems", "/problems/{code}")
}
DOMAINS: dict[str, dict[str, Row]] = {
    "": BY_ITSELF,
    "/api/v1/auth": AUTH,
    "/api/v1/users": USERS,
    "/api/v1/admin/users": ADMIN,
    "/api/v1/shop": SHOP,
    "/api/v1/friends": FRIENDS,
    "/api/v1/picnic": PICNIC,
    "/api/v1/applications": APPLICATIONS,
    "/applications": APPLICATIONS,
}
TABLE: dict[str, Row] = {
    " ".join((method, prefix + path)): row
    for prefix, rows in DOMAINS.items()
    for operation, row in rows.items()
    for method, path in [operation.split(" ")]
}


def row_of(operation: Operation) -> Row:
    """Return the row of an operation; HEAD answers like GET."""
    return TABLE[str(operation).replace("HEAD ", "GET ")]


def gaps(names: Iterable[str]) -> set[str]:
    """Return the operations without a row, and the rows without an operation."""
    return {name for name in names if not name.startswith("HEAD ")} ^ TABLE.keys()
