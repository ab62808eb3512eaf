"""The order of the Postman collection: what each request needs, and what the next ones need of it.

It can be run again and again: what a run makes it also ends, and stock goes back to where it was.
"""

from kit.postman import Chapter
from kit.postman_requests import Step, number
from seed.plan import PASSWORD

VARIABLES = {
    "baseUrl": "http://127.0.0.1:8000",
    "demoLogin": "demo",
    "demoPassword": PASSWORD,
    "adminLogin": "admin",
    "adminPassword": PASSWORD,
    "newcomerPassword": "correct horse battery",
}
OTHER_PASSWORD = "battery staple correct"  # noqa: S105 - of a user who lives for one run
SIGN_IN = "post_auth_login"


def _credentials(who: str) -> dict[str, str]:
    return {"login": f"{{{{{who}Login}}}}", "password": f"{{{{{who}Password}}}}"}


AS_DEMO, AS_ADMIN, AS_NEWCOMER = (
    Step(SIGN_IN, body=_credentials(who), helper=f"Sign in as {who}")
    for who in ("demo", "admin", "newcomer")
)
NEWCOMER = {
    "username": "newcomer-{{$timestamp}}-{{$randomInt}}",
    "email": "newcomer-{{$timestamp}}-{{$randomInt}}@example.org",
    "password": "{{newcomerPassword}}",
    "first_name": "Emma",
    "second_name": "Mann",
    "birthday": "2002-10-21",
}
CHANGED = {"first_name": "Emilia", "birthday": "2001-10-21"}
ANEW = {"current_password": "{{newcomerPassword}}", "new_password": OTHER_PASSWORD}
AS_BEFORE = {"current_password": OTHER_PASSWORD, "new_password": "{{newcomerPassword}}"}
ORDER = {"items": [{"offer_id": number("offerId"), "quantity": 1}]}
OFFER = {"price": "{{offerPrice}}", "available": number("offerAvailable")}
PICNIC = {"city_id": number("cityId"), "time": "2099-05-01T12:00:00+03:00"}  # always to come
FRIENDSHIP = {"target_id": number("newcomerId"), "tag": "colleague"}

CHAPTERS = (
    Chapter(
        "auth",
        "Sign in as demo, look at the sessions, and end one of them.",
        (
            Step(SIGN_IN, body=_credentials("demo"), remember={"demoId": "id"}),
            Step("get_auth_sessions", remember={"sessionId": "items.*current.id"}),
            Step("delete_auth_session", "{{sessionId}}"),
        ),
    ),
    Chapter(
        "users",
        "Register a newcomer, who changes the profile and the password, and looks at others.",
        (
            Step(
                "create_user",
                body=NEWCOMER,
                remember={"newcomerId": "id", "newcomerLogin": "username"},
            ),
            AS_NEWCOMER,
            Step("get_users_me"),
            Step("patch_users_me", body=CHANGED),
            Step("update_user", "{{newcomerId}}", body=CHANGED),
            Step("post_users_password", body=ANEW),
            Step("post_users_password", body=AS_BEFORE, helper="Take the old password again"),
            Step("get_users", query={"page": "1", "size": "20"}),
            Step("get_users_cards", query={"ids": "{{demoId}},{{newcomerId}}"}),
            Step("get_user", "{{demoId}}"),
            Step("get_users_existence", "{{demoId}}"),
        ),
    ),
    Chapter(
        "admin",
        "As staff: look at all users, delete the newcomer, and take that back.",
        (
            AS_ADMIN,
            Step("get_admin_users", query={"page": "1", "size": "20"}),
            Step("delete_admin_user", "{{newcomerId}}"),
            Step("post_admin_restore", "{{newcomerId}}"),
        ),
    ),
    Chapter(
        "shop",
        "Choose a book, fill the cart and empty it, order, cancel; as staff: pay, and restock.",
        (
            AS_DEMO,
            Step("get_shop_shops", remember={"shopId": "items.0.id"}),
            Step("get_shop", "{{shopId}}"),
            Step(
                "get_shop_assortment",
                "{{shopId}}",
                query={"size": "100", "sort": "title"},
                remember={
                    "offerId": "items.*available.offer_id",
                    "offerPrice": "items.*available.price",
                    "offerAvailable": "items.*available.available",
                    "bookId": "items.*available.book_id",
                },
            ),
            Step("get_shop_books", query={"page": "1", "size": "20"}),
            Step("get_shop_book", "{{bookId}}"),
            Step("put_shop_cart_item", "{{offerId}}", body={"quantity": 2}),
            Step("get_shop_cart"),
            Step("delete_shop_cart_item", "{{offerId}}"),
            Step("delete_shop_cart"),
            Step("post_shop_orders", body=ORDER, remember={"orderId": "id"}),
            Step("get_shop_orders", query={"size": "20"}),
            Step("get_shop_order", "{{orderId}}"),
            Step("post_shop_cancel", "{{orderId}}"),
            Step(
                "post_shop_orders",
                body=ORDER,
                remember={"paidOrderId": "id"},
                helper="Order once more",
            ),
            AS_ADMIN,
            Step("post_shop_pay", "{{paidOrderId}}"),
            Step("patch_shop_offer", "{{offerId}}", body=OFFER),
        ),
    ),
    Chapter(
        "picnic",
        "Find a city and its weather, plan a picnic there, join it and leave it.",
        (
            AS_DEMO,
            Step(
                "get_picnic_cities", remember={"cityId": "items.0.id", "cityName": "items.0.name"}
            ),
            Step("post_picnic_cities", body={"name": "{{cityName}}"}),
            Step("get_picnic_city", "{{cityId}}"),
            Step("post_picnic_picnics", body=PICNIC, remember={"picnicId": "id"}),
            Step("get_picnic_picnics", query={"past": "false", "city_id": "{{cityId}}"}),
            Step(
                "post_picnic_registrations",
                "{{picnicId}}",
                body={"user_id": number("demoId")},
            ),
            Step("get_picnic", "{{picnicId}}"),
            Step("get_picnic_participants", "{{picnicId}}"),
            Step("delete_picnic_own_registration", "{{picnicId}}"),
        ),
    ),
    Chapter(
        "applications",
        "Send in an application at each of the two addresses, and find it again.",
        (
            Step("post_applications", remember={"applicationId": "id"}),
            Step("get_applications", query={"size": "20"}),
            Step("get_applications_application", "{{applicationId}}"),
            Step("post_applications_short"),
            Step("get_applications_short", query={"size": "20"}),
            Step("get_applications_application_short", "{{applicationId}}"),
        ),
    ),
    Chapter(
        "friends",
        "Befriend the newcomer, look at the friendship, and end it.",
        (
            Step("post_friends_friendships", body=FRIENDSHIP, remember={"friendshipId": "id"}),
            Step("get_friends_friendships", query={"page": "1", "size": "20"}),
            Step("get_friends_friendship", "{{friendshipId}}"),
            Step("patch_friends_friendship", "{{friendshipId}}", body={"tag": "neighbour"}),
            Step("get_friends_mutual", query={"with": "{{newcomerId}}"}),
            Step("delete_friends_friendship", "{{friendshipId}}"),
        ),
    ),
    Chapter(
        "sign out",
        "End all sessions of the newcomer, who then leaves; sign out at last.",
        (
            AS_NEWCOMER,
            Step("delete_auth_sessions"),
            AS_NEWCOMER,
            Step("delete_users_me"),
            AS_DEMO,
            Step("post_auth_logout"),
        ),
    ),
)
