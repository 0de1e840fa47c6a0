"""The operator API's endpoints for the duty roster."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.identity import Operators
from ebcd.roster.desk import RosterDesk

CSV_CHARACTERS_MAX = 1_000_000
DAYS_MAX = 366


class RosterBody(Body):
    """Turns as a table."""

    csv: Annotated[str, Field(min_length=1, max_length=CSV_CHARACTERS_MAX)]
    dry_run: bool = False


class DaysQuery(Body):
    """Query of the plan."""

    days: Annotated[int, Field(ge=1, le=DAYS_MAX)] = 14


def routes(desk: RosterDesk, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`."""
    doors = Doors(operators)

    async def planned(request: Request) -> Response:
        doors.reader(request)
        return answer(desk.rows(DaysQuery.model_validate(dict(request.query_params)).days))

    async def put(request: Request) -> Response:
        actor, body = doors.actor(request), await doors.body(request, RosterBody)
        return answer(await desk.put(body.csv, actor, dry_run=body.dry_run), status=201)

    return (
        Route("/v1/roster", planned, methods=["GET"]),
        Route("/v1/roster", put, methods=["POST"]),
    )
