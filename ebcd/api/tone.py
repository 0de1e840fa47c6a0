"""The operator API's endpoint for the weekly tone: the next one, and whom it reaches."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.identity import Operators
from ebcd.tone.desk import ROWS_MAX, ToneDesk


class _ToneQuery(Body):
    rows_max: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 200


def routes(desk: ToneDesk, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`."""
    doors = Doors(operators)

    async def view(request: Request) -> Response:
        doors.reader(request)
        return answer(desk.view(_ToneQuery.model_validate(dict(request.query_params)).rows_max))

    return (Route("/v1/tone", view, methods=["GET"]),)
