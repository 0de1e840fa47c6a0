"""The operator API's endpoint for settings of single devices."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.archive.setting import Setter, Wanted
from ebcd.identity import Operators

CODES_MAX = 5000
"""That are read; how many may be set at once says `ebcd.archive.setting`."""


class SetBody(Body):
    """What `codes` are to be set to. `dry_run`: only what would happen; `force`: also under an alert."""

    codes: Annotated[tuple[Annotated[str, Field(pattern=r"^\d{23}$")], ...], Field(min_length=1, max_length=CODES_MAX)]
    volume: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    return_to: Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+:\d{1,5})?$")] = ""
    period_s: Annotated[int, Field(strict=True, ge=5, le=86_400)] | None = None
    amplifier: Literal["on", "off"] | None = None
    network: Annotated[str, Field(max_length=60)] = ""
    dry_run: bool = False
    force: bool = False

    def wanted(self) -> Wanted:
        """The frozen value."""
        amplifier = None if self.amplifier is None else self.amplifier == "on"
        return Wanted(self.volume, self.return_to, self.period_s, amplifier, self.network.strip())


def routes(setter: Setter, operators: Operators) -> tuple[Route, ...]:
    """For `ebcd.api.application`."""
    doors = Doors(operators)

    async def set_(request: Request) -> Response:
        actor, body = doors.actor(request), await doors.body(request, SetBody)
        if body.dry_run:
            return answer(setter.preview(body.codes, body.wanted()))
        return answer(await setter.set(body.codes, body.wanted(), actor, force=body.force), status=201)

    return (Route("/v1/devices/set", set_, methods=["POST"]),)
