"""Views of cities and picnics: parse, one call, return."""

from datetime import datetime
from typing import Any

from kit.endpoint import Present, endpoint
from kit.errors import NotYourself
from kit.pages import Page, Row
from kit.queries import PageQuery
from kit.schemas import page_of
from kit.web import View
from picnic.directory import DIRECTORY, CardOut, Directory
from picnic.errors import (
    AlreadyRegistered,
    CityNotFound,
    PicnicNotFound,
    PicnicOver,
    RegistrationNotFound,
    UnknownCity,
    WeatherUnavailable,
)
from picnic.schemas import (
    CitiesQuery,
    CityIn,
    CityOut,
    PicnicIn,
    PicnicOut,
    PicnicsQuery,
    RegistrationIn,
    RegistrationOut,
)
from picnic.service import cities, picnics
from picnic.weather.forecasts import FORECASTS, Forecasts
from picnic.weather.protocol import WEATHER


class CityShow(View):
    """A view that shows cities."""

    @property
    def forecasts(self) -> Forecasts:
        """Return who knows how warm it is."""
        return self.request.config_dict[FORECASTS]

    async def show(self, row: Row) -> Row:
        """Show a city with its weather."""
        return (await cities.with_weather(self.forecasts, [row]))[0]


class CitiesView(CityShow):
    """All cities."""

    @endpoint(query=CitiesQuery(), returns=page_of(CityOut()), guest=True)
    async def get(self, *, q: str, page: int, size: int) -> Page:
        """List cities by name, each with its weather as far as it is known."""
        async with self.reading() as session:
            rows, total = await cities.list_cities(session, q=q, page=page, size=size)
        items = await cities.with_weather(self.forecasts, rows)
        return Page(items=items, page=page, size=size, total=total)

    @endpoint(
        json=CityIn(),
        returns=CityOut(),
        status=201,
        present_status=200,
        raises=(UnknownCity, WeatherUnavailable),
        location="city",
    )
    async def post(self, *, name: str) -> Row | Present:
        """Add a city that the weather service knows."""
        async with self.reading() as session:
            if present := await cities.known(session, name):
                return Present(await self.show(present))
        found = await cities.look_for(self.request.config_dict[WEATHER], name)
        async with self.writing() as session:
            row, is_new = await cities.add_city(session, found)
        if found.observation is not None:
            await self.forecasts.remember(found.coordinates, found.observation)
        shown = await self.show(row)
        return shown if is_new else Present(shown)


class CityView(CityShow):
    """One city."""

    @endpoint(returns=CityOut(), raises=(CityNotFound,), guest=True)
    async def get(self, *, id: int) -> Row:
        """Show a city with its weather."""
        async with self.reading() as session:
            row = await cities.get_city(session, id)
        return await self.show(row)


class PicnicShow(View):
    """A view that shows who comes."""

    @property
    def directory(self) -> Directory:
        """Return who knows the users."""
        return self.request.config_dict[DIRECTORY]


class PicnicsView(PicnicShow):
    """All picnics."""

    @endpoint(query=PicnicsQuery(), returns=page_of(PicnicOut()), guest=True, personal=True)
    async def get(self, *, page: int, size: int, **query: Any) -> Page:
        """List picnics in the order of their times."""
        async with self.reading() as session:
            rows, total = await picnics.list_picnics(session, page=page, size=size, **query)
        items = await picnics.introduce(self.directory, rows)
        return Page(items=items, page=page, size=size, total=total)

    @endpoint(
        json=PicnicIn(),
        returns=PicnicOut(),
        status=201,
        raises=(CityNotFound,),
        location="picnic",
    )
    async def post(self, *, city_id: int, time: datetime) -> Row:
        """Plan a picnic."""
        async with self.writing() as session:
            row = await picnics.plan_picnic(session, self.me.user_id, city_id, time)
        return (await picnics.introduce(self.directory, [row]))[0]


class PicnicView(PicnicShow):
    """One picnic."""

    @endpoint(returns=PicnicOut(), raises=(PicnicNotFound,), guest=True, personal=True)
    async def get(self, *, id: int) -> Row:
        """Show a picnic with the first who come."""
        async with self.reading() as session:
            row = await picnics.get_picnic(session, id)
        return (await picnics.introduce(self.directory, [row]))[0]


class ParticipantsView(PicnicShow):
    """Those who come to a picnic."""

    @endpoint(
        query=PageQuery(),
        returns=page_of(CardOut()),
        raises=(PicnicNotFound,),
        guest=True,
        personal=True,
    )
    async def get(self, *, id: int, page: int, size: int) -> Page:
        """List who comes, in the order of registration; `total` counts who has left, too."""
        async with self.reading() as session:
            ids, total = await picnics.participants(session, id, page=page, size=size)
        items = await picnics.cards_of(self.directory, ids)
        return Page(items=items, page=page, size=size, total=total)


class RegistrationsView(View):
    """Joining a picnic."""

    @endpoint(
        json=RegistrationIn(),
        body_optional=True,
        returns=RegistrationOut(),
        status=201,
        raises=(NotYourself, PicnicNotFound, PicnicOver, AlreadyRegistered),
    )
    async def post(self, *, id: int, user_id: int | None = None) -> Row:
        """Register oneself for a picnic that has not begun."""
        async with self.writing() as session:
            return await picnics.register(session, self.me.user_id, id, user_id)


class OwnRegistrationView(View):
    """Leaving a picnic."""

    @endpoint(status=204, raises=(PicnicNotFound, PicnicOver, RegistrationNotFound))
    async def delete(self, *, id: int) -> None:
        """Take one's registration back while the picnic has not begun."""
        async with self.writing() as session:
            await picnics.unregister(session, self.me.user_id, id)
