"""The operator API's endpoints for the equipment archive."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.archive.office import ArchiveOffice
from ebcd.identity import Operators

INVENTORY_BYTES_MAX = 128 * 2**20
"""A province of 140,000 devices with every column filled has about 40 MB."""


class ImportQuery(BaseModel):
    """Query of an import."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    source: Annotated[str, Field(max_length=200)] = ""


def routes(office: ArchiveOffice, operators: Operators) -> list[Route]:
    """For `ebcd.api.application`."""
    api = _Inventory(office, operators)
    return [
        Route("/v1/inventory", api.replace, methods=["PUT"]),
        Route("/v1/inventory/reload", api.reload, methods=["POST"]),
        Route("/v1/inventory/rates", api.rates, methods=["GET"]),
        Route("/v1/inventory/devices/{code}", api.device, methods=["GET"]),
    ]


class _Inventory(Doors):
    def __init__(self, office: ArchiveOffice, operators: Operators) -> None:
        super().__init__(operators, INVENTORY_BYTES_MAX)
        self._office = office

    async def replace(self, request: Request) -> Response:
        actor = self.actor(request)
        query = ImportQuery.model_validate(dict(request.query_params))
        return answer(await self._office.replace(await self.content(request), query.base, query.source, actor))

    async def reload(self, request: Request) -> Response:
        return answer(await self._office.reload(self.actor(request)))

    async def rates(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._office.rates())

    async def device(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._office.device(request.path_params["code"]))
