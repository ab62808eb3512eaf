"""How PostgreSQL would answer a question: by which scans and indexes."""

import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.ext.asyncio import AsyncSession

Ask = Callable[[AsyncSession], Awaitable[object]]


async def plans(session: AsyncSession, ask: Ask) -> list[dict[str, Any]]:
    """Return the plan of each statement that a question sends."""
    sent: list[tuple[str, Any]] = []

    def see(_: object, __: object, statement: str, parameters: Any, *___: object) -> None:
        if statement.startswith(("SELECT", "WITH")):
            sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", see)
    await ask(session)
    event.remove(Engine, "before_cursor_execute", see)
    connection = await session.connection()
    found = []
    for statement, parameters in sent:
        explained = f"EXPLAIN (FORMAT JSON) {statement}"
        told = (await connection.exec_driver_sql(explained, parameters)).scalar_one()
        document = json.loads(told) if isinstance(told, str) else told
        found.append(document[0]["Plan"])
    return found


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each step of a plan."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


def scans(plan: dict[str, Any], table: str) -> set[str]:
    """Return how a plan reads a table."""
    found = (step for step in nodes(plan) if step.get("Relation Name") == table)
    return {step["Node Type"] for step in found}


def indexes(plan: dict[str, Any]) -> set[str]:
    """Return the indexes that a plan takes."""
    return {step["Index Name"] for step in nodes(plan) if "Index Name" in step}
