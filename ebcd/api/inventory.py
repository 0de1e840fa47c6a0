"""The operator API's endpoints for the equipment archive."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api import Doors, answer
from ebcd.api.bodies import Body
from ebcd.archive.commission import Wish
from ebcd.archive.office import ArchiveOffice
from ebcd.archive.rollout import Order
from ebcd.identity import Operators

CODES_MAX = 5000
INVENTORY_BYTES_MAX = 128 * 2**20
"""A province of 140,000 devices with every column filled has about 40 MB."""


class ImportQuery(Body):
    """Query of an import."""

    base: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    source: Annotated[str, Field(max_length=200)] = ""


_Text = Annotated[str, StringConstraints(strip_whitespace=True), Field(max_length=120)]
_Code = Annotated[str, Field(pattern=r"^\d{23}$")]
_Phys = Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2}){1,16}$")]


class CommissionBody(Body):
    """What a device is to be; `tone`: what its first sound says."""

    phys: _Phys
    code: _Code
    volume: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    return_to: _Text = ""
    name: _Text = ""
    place: _Text = ""
    pole: _Text = ""
    contact: _Text = ""
    paths: _Text = ""
    tone: _Text = ""


class SwapBody(Body):
    """Which unit takes whose place. An adapter needs `address`, and takes `return_to`."""

    code: _Code
    phys: _Phys | Literal[""] = ""
    address: _Text = ""
    return_to: _Text = ""
    note: _Text = ""
    tone: _Text = ""


class TownQuery(Body):
    """Query of drift."""

    town: _Text = ""


class MendBody(Body):
    """Which devices are set as they should be."""

    codes: Annotated[tuple[_Code, ...], Field(min_length=1, max_length=CODES_MAX)]


_Certificate = Annotated[str, Field(pattern=r"^[0-9A-F]{12}$")]
CERTIFICATES_MAX = 20


class TrustBody(Body):
    """Of whom certificates and lists are asked for: of `codes`, or of a town's adapters and terminals."""

    town: _Text = ""
    codes: Annotated[tuple[_Code, ...], Field(max_length=CODES_MAX)] = ()
    certificates: Annotated[tuple[_Certificate, ...], Field(max_length=CERTIFICATES_MAX)] = ()


class ChangeBody(Body):
    """A change in stages: of `codes`, or of a town's terminals. `trust`: the digest that `/v1/trust` has shown."""

    town: _Text = ""
    codes: Annotated[tuple[_Code, ...], Field(max_length=CODES_MAX)] = ()
    volume: Annotated[int, Field(strict=True, ge=0, le=100)] | None = None
    return_to: Annotated[str, Field(pattern=r"^([A-Za-z0-9.-]+:\d{1,5})?$")] = ""
    period_s: Annotated[int, Field(strict=True, ge=5, le=86_400)] | None = None
    url: Annotated[str, Field(pattern=r"^(https?://\S{1,240})?$")] = ""
    version: Annotated[str, Field(pattern=r"^([0-9A-F]{8})?$")] = ""
    md5: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""
    back_url: Annotated[str, Field(pattern=r"^(https?://\S{1,240})?$")] = ""
    back_version: Annotated[str, Field(pattern=r"^([0-9A-F]{8})?$")] = ""
    trust: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    certificates: Annotated[tuple[_Certificate, ...], Field(max_length=CERTIFICATES_MAX)] = ()


def routes(office: ArchiveOffice, operators: Operators) -> list[Route]:
    """For `ebcd.api.application`."""
    api = _Inventory(office, operators)
    return [
        Route("/v1/inventory", api.replace, methods=["PUT"]),
        Route("/v1/inventory/reload", api.reload, methods=["POST"]),
        Route("/v1/inventory/rates", api.rates, methods=["GET"]),
        Route("/v1/inventory/devices/{code}", api.device, methods=["GET"]),
        Route("/v1/pending", api.pending, methods=["GET"]),
        Route("/v1/commission", api.commission, methods=["POST"]),
        Route("/v1/swap", api.swap, methods=["POST"]),
        Route("/v1/drift", api.drift, methods=["GET"]),
        Route("/v1/drift/mend", api.mend, methods=["POST"]),
        Route("/v1/trust", api.trust, methods=["POST"]),
        Route("/v1/changes", api.changes, methods=["GET"]),
        Route("/v1/changes", api.change, methods=["POST"]),
        Route("/v1/changes/{number}/halt", api.halt, methods=["POST"]),
    ]


class _Inventory(Doors):
    def __init__(self, office: ArchiveOffice, operators: Operators) -> None:
        super().__init__(operators, INVENTORY_BYTES_MAX)
        self._office = office

    async def replace(self, request: Request) -> Response:
        actor = self.actor(request)
        query = ImportQuery.model_validate(dict(request.query_params))
        return answer(
            await self._office.replace(await self.bytes(request, INVENTORY_BYTES_MAX), query.base, query.source, actor)
        )

    async def reload(self, request: Request) -> Response:
        return answer(await self._office.reload(self.actor(request)))

    async def rates(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._office.rates())

    async def device(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._office.device(request.path_params["code"]))

    async def pending(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._office.pending())

    async def commission(self, request: Request) -> Response:
        actor = self.actor(request)
        body = await self.body(request, CommissionBody)
        wish = Wish(**body.model_dump(exclude={"phys", "tone"}))
        return answer(await self._office.commission(body.phys, wish, body.tone, actor), status=201)

    async def swap(self, request: Request) -> Response:
        actor = self.actor(request)
        body = await self.body(request, SwapBody)
        if body.address:
            to = (body.code, body.phys, body.address, body.return_to, body.note)
            return answer({"code": await self._office.swap_adapter(*to, actor)}, status=201)
        return answer(await self._office.swap(body.code, body.phys, body.note, body.tone, actor), status=201)

    async def drift(self, request: Request) -> Response:
        self.reader(request)
        query = TownQuery.model_validate(dict(request.query_params))
        return answer(await self._office.drift(query.town))

    async def mend(self, request: Request) -> Response:
        actor = self.actor(request)
        body = await self.body(request, MendBody)
        return answer(await self._office.mend(body.codes, actor))

    async def trust(self, request: Request) -> Response:
        self.reader(request)
        body = await self.body(request, TrustBody)
        plan = await self._office.trust(body.town, body.codes, body.certificates)
        return answer({"digest": plan.digest, "rows": plan.rows})

    async def changes(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._office.changes())

    async def change(self, request: Request) -> Response:
        actor = self.actor(request)
        body = await self.body(request, ChangeBody)
        order = Order(**body.model_dump(exclude={"town", "codes"}))
        return answer(await self._office.change(order, body.town, body.codes, actor), status=201)

    async def halt(self, request: Request) -> Response:
        actor = self.actor(request)
        return answer(await self._office.halt(request.path_params["number"], actor))
