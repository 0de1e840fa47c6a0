"""The operator API's endpoints for white lists. Nobody looks without a name of their own: there are names in it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.identity import Operators
from ebcd.whitelist.desk import WhitelistDesk
from ebcd.whitelist.push import Pusher

CSV_CHARACTERS_MAX = 2_000_000
PLACES_MAX = 500

_Place = Annotated[str, StringConstraints(strip_whitespace=True), Field(min_length=1, max_length=60)]


class ListBody(Body):
    """Rows as a table; `replace`: they are the whole list."""

    csv: Annotated[str, Field(min_length=1, max_length=CSV_CHARACTERS_MAX)]
    replace: bool = False
    dry_run: bool = False


class RemoveBody(Body):
    """A number, at one place or everywhere."""

    number: Annotated[str, StringConstraints(strip_whitespace=True), Field(min_length=1, max_length=60)]
    at: Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=60)] = ""


class PlanBody(Body):
    """Which adapters: by code or area; none: all. `empty`: their lists are known to be empty."""

    at: Annotated[tuple[_Place, ...], Field(max_length=PLACES_MAX)] = ()
    empty: bool = False


class PushBody(PlanBody):
    """`digest`: of the plan that was shown."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def routes(desk: WhitelistDesk, pusher: Pusher, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`."""
    doors = Doors(operators)

    async def listed(request: Request) -> Response:
        return answer(await desk.rows(doors.actor(request), await pusher.differing()))

    async def put(request: Request) -> Response:
        actor, body = doors.actor(request), await doors.body(request, ListBody)
        return answer(await desk.put(body.csv, actor, replace=body.replace, dry_run=body.dry_run), status=201)

    async def remove(request: Request) -> Response:
        actor, body = doors.actor(request), await doors.body(request, RemoveBody)
        return answer(await desk.remove(body.number, body.at, actor), status=201)

    async def plan(request: Request) -> Response:
        doors.actor(request)
        body = await doors.body(request, PlanBody)
        found = await pusher.plan(body.at, empty=body.empty)
        return answer({"digest": found.digest, "rows": found.rows})

    async def push(request: Request) -> Response:
        actor, body = doors.actor(request), await doors.body(request, PushBody)
        return answer(await pusher.push(body.at, body.digest, actor, empty=body.empty), status=201)

    return (
        Route("/v1/whitelist", listed, methods=["GET"]),
        Route("/v1/whitelist", put, methods=["POST"]),
        Route("/v1/whitelist/remove", remove, methods=["POST"]),
        Route("/v1/whitelist/plan", plan, methods=["POST"]),
        Route("/v1/whitelist/push", push, methods=["POST"]),
    )
