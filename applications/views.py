"""Views of applications: parse, one call, return."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from applications import service
from applications.errors import ApplicationNotFound
from applications.schemas import ApplicationIn, ApplicationOut, ApplicationsQuery
from kit import metrics
from kit.endpoint import endpoint
from kit.pages import Page, Row
from kit.schemas import page_of
from kit.web import View

APPLICATIONS = metrics.counter("shop_api_applications", "Applications that were sent in.")


class ApplicationsView(View):
    """All applications."""

    @endpoint(
        query=ApplicationsQuery(), returns=page_of(ApplicationOut(), cursor=True), guest=True
    )
    async def get(self, **query: Any) -> Page:
        """List applications, newest first."""
        async with self.reading() as session:
            return await service.list_applications(session, **query)

    @endpoint(
        json=ApplicationIn(),
        returns=ApplicationOut(),
        status=201,
        guest=True,
        location="application",
        limited=True,
        idempotent=True,
        counts=APPLICATIONS,
    )
    async def post(self, session: AsyncSession, *, user_name: str, description: str) -> Row:
        """Send in an application."""
        return await service.add_application(session, user_name, description)


class ApplicationView(View):
    """One application."""

    @endpoint(returns=ApplicationOut(), raises=(ApplicationNotFound,), guest=True)
    async def get(self, *, id: int) -> Row:
        """Show an application."""
        async with self.reading() as session:
            return await service.get_application(session, id)
