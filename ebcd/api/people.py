"""The operator API's endpoints for people who stand beside the journal. Nobody looks without a name of their own."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.identity import Operators
from ebcd.people import PeopleDesk


def routes(desk: PeopleDesk, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`."""
    doors = Doors(operators)

    async def shown(request: Request) -> Response:
        return answer(await desk.look_up(request.path_params["person"], doors.actor(request)))

    async def erased(request: Request) -> Response:
        return answer(await desk.erase(request.path_params["person"], doors.actor(request)))

    return (
        Route("/v1/people/{person}", shown, methods=["GET"]),
        Route("/v1/people/{person}/erase", erased, methods=["POST"]),
    )
