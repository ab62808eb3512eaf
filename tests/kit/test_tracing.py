"""`traceparent` without OpenTelemetry: what comes is passed on, and named in the log."""

import pytest

from kit import tracing
from kit.db import Database
from tests.kit.conftest import Lines
from tests.support.clients import Client
from tests.support.keys import APPLICATIONS, application
from tests.support.shops import value

TRACE = "0af7651916cd43dd8448eb211c80319c"
GIVEN = f"00-{TRACE}-b7ad6b7169203331-01"
WRONG = {
    "nothing": "",
    "no trace": f"00-{'0' * 32}-b7ad6b7169203331-01",
    "no parent": f"00-{TRACE}-{'0' * 16}-01",
    "a version that is none": f"ff-{TRACE}-b7ad6b7169203331-01",
    "capital letters": GIVEN.upper(),
    "something longer": f"{GIVEN}-00",
    "a line more": f"{GIVEN}\n",
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_trace_is_none(kind: str) -> None:
    assert tracing.parent_of(WRONG[kind]) is None


def test_is_taken_as_it_is() -> None:
    assert tracing.parent_of(GIVEN) == GIVEN
    assert len(GIVEN) == tracing.LONGEST_PARENT


@pytest.mark.parametrize(("given", "kept"), [(GIVEN, GIVEN), ("rubbish", None), (None, None)])
async def test_of_a_request_travels_with_its_events(
    guest: Client, house_database: Database, given: str | None, kept: str | None
) -> None:
    headers = {"traceparent": given} if given else {}
    assert (await guest.post(APPLICATIONS, json=application(), headers=headers)).status == 201
    assert await value(house_database, "SELECT traceparent FROM outbox") == kept
    assert tracing.carried() is None


async def test_is_named_in_the_log(log_lines: Lines, guest: Client) -> None:
    await guest.get("/nowhere", headers={"traceparent": GIVEN})
    await guest.get("/nowhere")
    named = [line.get("trace_id") for line in log_lines() if line["event"] == "request"]
    assert named == [TRACE, None]


def test_an_event_goes_on_with_its_trace() -> None:
    with tracing.continued("handle thing.happened", GIVEN):
        assert tracing.carried() == GIVEN
        with tracing.continued("handle thing.happened", None):
            assert tracing.carried() is None
    assert tracing.carried() is None
