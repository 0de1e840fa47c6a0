"""The operator API's endpoints for orders over FM: what one would say and cost, and saying it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.airing.desk import AirDesk
from ebcd.airing.wish import What, Wish
from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.identity import Operators
from protocols.fm.configuration import BYTE_MAX

ADDRESSES_MAX = 200
PARAMETER_MAX = 0x12
"""Numbers of GD/J 089 table E.5, to which GD/J 085 clause 5.2.10 points."""
PERIOD_S_MAX = 86_400
DEFAULT_KHZ = {"ge": 87_000, "le": 108_000, "multiple_of": 10}
"""Of the band (GD/J 085 clause 6.2), in the two decimals of a packet."""

_Text = Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=120)]


class WishBody(Body):
    """`ebcd.airing.Wish` as JSON."""

    what: What
    to: Annotated[tuple[_Text, ...], Field(max_length=ADDRESSES_MAX)] = ()
    again: Annotated[tuple[_Text, ...], Field(max_length=ADDRESSES_MAX)] = ()
    phys: _Text = ""
    code: _Text = ""
    address: Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=240)] = ""
    seconds: Annotated[int, Field(strict=True, ge=5, le=PERIOD_S_MAX)] | None = None
    parameters: Annotated[tuple[Annotated[int, Field(ge=1, le=PARAMETER_MAX)], ...], Field(max_length=BYTE_MAX)] = ()
    percent: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    on: Annotated[bool, Field(strict=True)] | None = None
    default_khz: Annotated[int, Field(strict=True, **DEFAULT_KHZ)] | None = None

    def wish(self) -> Wish:
        """The frozen value."""
        return Wish(**self.model_dump(exclude={"default_khz", "digest"}), default_khz=self.default_khz or 0)


class OrderBody(WishBody):
    """`digest`: what the preview has shown."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def routes(desk: AirDesk, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`."""
    doors = Doors(operators)

    async def preview(request: Request) -> Response:
        doors.reader(request)
        return answer(desk.preview((await doors.body(request, WishBody)).wish()))

    async def say(request: Request) -> Response:
        actor = doors.actor(request)
        body = await doors.body(request, OrderBody)
        return answer(await desk.say(body.wish(), body.digest, actor), status=201)

    return (
        Route("/v1/fm/preview", preview, methods=["POST"]),
        Route("/v1/fm", say, methods=["POST"]),
    )
