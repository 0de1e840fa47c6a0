"""The operator API's endpoints for the shift's log and for alarms."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.alarms.office import AlarmOffice
from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.identity import Operators
from ebcd.shift.desk import ROWS_MAX, ShiftDesk

WORDS_CHARACTERS_MAX = 1000

_Words = Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=WORDS_CHARACTERS_MAX)]
_Name = Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=100)]


class NoteBody(Body):
    """An entry, and whom it is about."""

    words: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1), Field(max_length=WORDS_CHARACTERS_MAX)
    ]
    person: _Name = ""
    phone: Annotated[str, Field(max_length=40)] = ""


class HandoverBody(Body):
    """To whom, and what is to be said."""

    to: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), Field(max_length=100)]
    words: _Words = ""


class TakeBody(Body):
    """Why the shift is taken without a handover."""

    why: _Words = ""


class RowsQuery(Body):
    """Query of the lists."""

    rows_max: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 50


class AlarmsQuery(Body):
    """Query of the alarms."""

    past: bool = False
    rows_max: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 200


def routes(desk: ShiftDesk, alarms: AlarmOffice, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`."""
    doors = Doors(operators)

    async def view(request: Request) -> Response:
        doors.reader(request)
        return answer(await desk.view())

    async def log(request: Request) -> Response:
        doors.reader(request)
        return answer(await desk.log(RowsQuery.model_validate(dict(request.query_params)).rows_max))

    async def note(request: Request) -> Response:
        actor, body = doors.actor(request), await doors.body(request, NoteBody)
        return answer(await desk.note(body.words, body.person, body.phone, actor), status=201)

    async def hand_over(request: Request) -> Response:
        actor, body = doors.actor(request), await doors.body(request, HandoverBody)
        return answer(await desk.hand_over(body.to, body.words, actor), status=201)

    async def take(request: Request) -> Response:
        actor, body = doors.actor(request), await doors.body(request, TakeBody)
        return answer(await desk.take(body.why, actor))

    async def listed(request: Request) -> Response:
        doors.reader(request)
        query = AlarmsQuery.model_validate(dict(request.query_params))
        return answer(alarms.rows(query.rows_max, past=query.past))

    async def acknowledge(request: Request) -> Response:
        actor = doors.actor(request)
        return answer(await alarms.acknowledge(request.path_params["number"], actor))

    return (
        Route("/v1/shift", view, methods=["GET"]),
        Route("/v1/shift/log", log, methods=["GET"]),
        Route("/v1/shift/notes", note, methods=["POST"]),
        Route("/v1/shift/handover", hand_over, methods=["POST"]),
        Route("/v1/shift/take", take, methods=["POST"]),
        Route("/v1/alarms", listed, methods=["GET"]),
        Route("/v1/alarms/{number}/acknowledge", acknowledge, methods=["POST"]),
    )
