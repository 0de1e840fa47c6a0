"""The operator API's endpoints for work orders."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.identity import Operators
from ebcd.workorders.office import WorkOffice

WORDS_CHARACTERS_MAX = 500
ROWS_MAX = 5000

_Words = Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=WORDS_CHARACTERS_MAX)]


class ReportBody(Body):
    """A person's report."""

    subject: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), Field(max_length=60)]
    words: _Words = ""


class StepBody(Body):
    """A step, and what is to be said about it."""

    note: _Words = ""


class NoteBody(Body):
    """A note."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), Field(max_length=WORDS_CHARACTERS_MAX)]


class OrdersQuery(Body):
    """Query of the list."""

    state: Annotated[str, Field(max_length=20)] = ""
    rows_max: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 200


class MonthQuery(Body):
    """Query of the statistics."""

    month: Annotated[str, Field(pattern=r"^(\d{4}-\d{2})?$")] = ""


def routes(office: WorkOffice, operators: Operators) -> list[Route]:
    """For `ebcd.api.application`."""
    api = _Orders(office, operators)
    return [
        Route("/v1/orders", api.orders, methods=["GET"]),
        Route("/v1/orders", api.report, methods=["POST"]),
        Route("/v1/orders/statistics", api.statistics, methods=["GET"]),
        Route("/v1/orders/{number}", api.order, methods=["GET"]),
        Route("/v1/orders/{number}/note", api.note, methods=["POST"]),
        Route("/v1/orders/{number}/{step}", api.step, methods=["POST"]),
    ]


class _Orders(Doors):
    def __init__(self, office: WorkOffice, operators: Operators) -> None:
        super().__init__(operators)
        self._office = office

    async def orders(self, request: Request) -> Response:
        self.reader(request)
        query = OrdersQuery.model_validate(dict(request.query_params))
        return answer(await self._office.orders(query.state, query.rows_max))

    async def order(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._office.order(request.path_params["number"]))

    async def report(self, request: Request) -> Response:
        actor = self.actor(request)
        body = await self.body(request, ReportBody)
        return answer(await self._office.report(body.subject, body.words, actor), status=201)

    async def step(self, request: Request) -> Response:
        actor = self.actor(request)
        body = await self.body(request, StepBody)
        number, step = request.path_params["number"], request.path_params["step"]
        return answer(await self._office.step(number, step, body.note, actor))

    async def note(self, request: Request) -> Response:
        actor = self.actor(request)
        body = await self.body(request, NoteBody)
        return answer(await self._office.note(request.path_params["number"], body.note, actor))

    async def statistics(self, request: Request) -> Response:
        self.reader(request)
        query = MonthQuery.model_validate(dict(request.query_params))
        return answer(await self._office.statistics(query.month))
