"""Routes about what goes up and how well alerts were heard: exchanges, effect, morning, people's words."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.evaluation.desk import EvaluationDesk, HeardBody
from ebcd.exchanges import ExchangeLog
from ebcd.identity import Operators

EXCHANGES_ANSWERED_MAX = 1000
"""Exchanges in one answer; ask again behind the last one for more."""


class _ExchangeQuery(Body):
    after: Annotated[int, Field(ge=0)] = 0
    peer: Annotated[str, Field(max_length=23)] = ""


class _Heard(Body):
    place: Annotated[str, Field(min_length=1, max_length=100)]
    name: Annotated[str, Field(min_length=1, max_length=100)]
    phone: Annotated[str, Field(max_length=40)] = ""
    heard: bool = True
    note: Annotated[str, Field(max_length=500)] = ""


def routes(exchanges: ExchangeLog, desk: EvaluationDesk, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`."""
    doors = Doors(operators)

    async def listed(request: Request) -> Response:
        doors.reader(request)
        query = _ExchangeQuery.model_validate(dict(request.query_params))
        return answer(exchanges.since(query.after, query.peer, EXCHANGES_ANSWERED_MAX))

    async def effect(request: Request) -> Response:
        doors.reader(request)
        return answer(await desk.effect(request.path_params["ebm_id"]))

    async def month(request: Request) -> Response:
        doors.reader(request)
        return answer(await desk.month(request.path_params["month"]))

    async def morning(request: Request) -> Response:
        doors.reader(request)
        return answer(await desk.morning())

    async def heard(request: Request) -> Response:
        actor = doors.actor(request)
        told = HeardBody(**(await doors.body(request, _Heard)).model_dump())
        return answer(await desk.heard(request.path_params["ebm_id"], told, actor))

    return (
        Route("/v1/exchanges", listed, methods=["GET"]),
        Route("/v1/evaluation/alerts/{ebm_id}", effect, methods=["GET"]),
        Route("/v1/evaluation/months/{month}", month, methods=["GET"]),
        Route("/v1/reports/morning", morning, methods=["GET"]),
        Route("/v1/alerts/{ebm_id}/heard", heard, methods=["POST"]),
    )
