"""The addresses of cities and picnics."""

from aiohttp import web

from kit.addresses import API
from picnic import views


def create_app() -> web.Application:
    """Build the sub-app; the root application must hold a DIRECTORY, a WEATHER and FORECASTS."""
    app = web.Application()
    app.add_routes(
        [
            web.view("/cities", views.CitiesView),
            web.view("/cities/{id}", views.CityView, name="city"),
            web.view("/picnics", views.PicnicsView),
            web.view("/picnics/{id}", views.PicnicView, name="picnic"),
            web.view("/picnics/{id}/participants", views.ParticipantsView),
            web.view("/picnics/{id}/registrations", views.RegistrationsView),
            web.view("/picnics/{id}/registrations/me", views.OwnRegistrationView),
        ]
    )
    return app


def subapps() -> dict[str, web.Application]:
    """Return the sub-app with the path that it lies under."""
    return {f"{API}/picnic": create_app()}
