"""The operator API: JSON over a unix socket, and the metrics page.

Who may read is who may open the socket; who may act is an operator of the configuration. Every answer that is not 2xx
carries `{"error": {"code", "thing", "value", "limit", "next"}, "others": [...]}`; sentences are in the language of the
request's Accept-Language.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebcd.api.bodies import AlertQuery, DraftBody, RejectBody, TerminalQuery, problems
from ebcd.catalogue import has, text
from ebcd.errors import ConfigError
from ebcd.http_server import PEER_UID
from ebcd.identity import Operators
from ebcd.operator import Actor, Kind, OperationRefused, Operations, Problem
from protocols.cap.codec import WARNING_BYTES_MAX

BODY_BYTES_MAX = 34 * 1024 * 1024  # the longest audio in base64, and the rest
TOKEN_HEADER = "X-Ebcd-Token"

STATUS: dict[Kind, int] = {
    Kind.INVALID: 422,
    Kind.UNKNOWN_ACTOR: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNAVAILABLE: 503,
}
"""HTTP status of each kind of refusal."""

_ModelT = TypeVar("_ModelT", bound=BaseModel)


def application(
    operations: Operations,
    operators: Operators,
    *,
    more: Iterable[Route] = (),
    body_bytes_max: int = BODY_BYTES_MAX,
) -> Starlette:
    """The API over `operations`, and the routes of other parts. Serve it with `ebcd.http_server.on_unix_socket`."""
    api = _Api(operations, operators, body_bytes_max)
    return Starlette(
        routes=[
            *more,
            Route("/v1/status", api.status, methods=["GET"]),
            Route("/v1/preview", api.preview, methods=["POST"]),
            Route("/v1/warnings/preview", api.preview_warning, methods=["POST"]),
            Route("/v1/warnings", api.submit_warning, methods=["POST"]),
            Route("/v1/alerts", api.alerts, methods=["GET"]),
            Route("/v1/alerts", api.send, methods=["POST"]),
            Route("/v1/alerts/{ebm_id}", api.show, methods=["GET"]),
            Route("/v1/alerts/{ebm_id}/approve", api.approve, methods=["POST"]),
            Route("/v1/alerts/{ebm_id}/reject", api.reject, methods=["POST"]),
            Route("/v1/alerts/{ebm_id}/cancel", api.cancel, methods=["POST"]),
            Route("/v1/terminals", api.terminals, methods=["GET"]),
            Route("/v1/links", api.links, methods=["GET"]),
            Route("/v1/reload", api.reload, methods=["POST"]),
        ],
        exception_handlers={
            OperationRefused: _refused,
            ConfigError: _config_refused,
            ValidationError: _invalid,
            HTTPException: _http_error,
            Exception: _broken,
        },
    )


class Doors:
    """Who asks, and with what body: what the endpoints of every part need."""

    def __init__(self, operators: Operators, body_bytes_max: int = BODY_BYTES_MAX) -> None:
        self._operators = operators
        self._body_bytes_max = body_bytes_max

    def actor(self, request: Request) -> Actor:
        """Who acts. Raises OperationRefused for nobody we know."""
        return self._operators.required(request.headers.get(TOKEN_HEADER), _uid(request))

    def reader(self, request: Request) -> None:
        """Reading needs the socket only, but a wrong token is told at once, not at the first act."""
        self._operators.identify(request.headers.get(TOKEN_HEADER), _uid(request))

    async def body(self, request: Request, model: type[_ModelT]) -> _ModelT:
        """The body as a model. Raises ValidationError, OperationRefused for one that is too long."""
        return model.model_validate_json(await self.bytes(request, self._body_bytes_max))

    async def bytes(self, request: Request, bytes_max: int) -> bytes:
        """The whole body; one that is or grows too long is refused, not read to its end."""
        announced = request.headers.get("content-length", "")
        held = bytearray()
        if not announced.isdecimal() or int(announced) <= bytes_max:
            async for chunk in request.stream():
                held += chunk
                if len(held) > bytes_max:
                    break
            else:
                return bytes(held)
        limit = f"{bytes_max} bytes"
        raise OperationRefused(Problem(Kind.TOO_LARGE, "body_too_large", thing="body", value=announced, limit=limit))


class _Api(Doors):
    """The endpoints; holds what they work on."""

    def __init__(self, operations: Operations, operators: Operators, body_bytes_max: int) -> None:
        super().__init__(operators, body_bytes_max)
        self._operations = operations

    async def status(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._operations.status())

    async def preview(self, request: Request) -> Response:
        actor = self.actor(request)
        return answer(await self._operations.preview((await self.body(request, DraftBody)).draft(), actor))

    async def send(self, request: Request) -> Response:
        actor = self.actor(request)
        row = await self._operations.send((await self.body(request, DraftBody)).draft(), actor)
        return answer(row, status=201)

    async def approve(self, request: Request) -> Response:
        return answer(await self._operations.approve(request.path_params["ebm_id"], self.actor(request)))

    async def reject(self, request: Request) -> Response:
        actor = self.actor(request)
        reason = (await self.body(request, RejectBody)).reason
        return answer(await self._operations.reject(request.path_params["ebm_id"], actor, reason))

    async def cancel(self, request: Request) -> Response:
        return answer(await self._operations.cancel(request.path_params["ebm_id"], self.actor(request)))

    async def preview_warning(self, request: Request) -> Response:
        actor = self.actor(request)
        return answer(await self._operations.preview_warning(await self.bytes(request, WARNING_BYTES_MAX), actor))

    async def submit_warning(self, request: Request) -> Response:
        actor = self.actor(request)
        rows = await self._operations.submit_warning(await self.bytes(request, WARNING_BYTES_MAX), actor)
        return answer(rows, status=201)

    async def alerts(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._operations.alerts(AlertQuery.model_validate(dict(request.query_params)).wanted()))

    async def show(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._operations.show(request.path_params["ebm_id"]))

    async def terminals(self, request: Request) -> Response:
        self.reader(request)
        query = TerminalQuery.model_validate(dict(request.query_params))
        return answer(await self._operations.terminals(query.wanted()))

    async def reload(self, request: Request) -> Response:
        return answer(await self._operations.reload(self._keeper(request)))

    def _keeper(self, request: Request) -> Actor:
        """Who may have the configuration read again: an operator, and whoever could end the daemon as well."""
        uid = _uid(request)
        if request.headers.get(TOKEN_HEADER) is None and uid in (0, os.geteuid()):
            return self._operators.identify(None, uid) or Actor(f"uid {uid}", via="uid")
        return self.actor(request)

    async def links(self, request: Request) -> Response:
        self.reader(request)
        return answer(await self._operations.links())


def _uid(request: Request) -> int | None:
    uid = request.scope.get("state", {}).get(PEER_UID)
    return uid if isinstance(uid, int) else None


# ---- answers -------------------------------------------------------------------------------------------------------


def answer(value: Any, *, status: int = 200) -> Response:
    """A frozen value as JSON."""
    content = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)  # keys may be enums
    return Response(content, status_code=status, media_type="application/json")


def _refusal(request: Request, found: list[Problem]) -> Response:
    told = [_told(problem, _language(request)) for problem in found]
    close = {"Connection": "close"} if found[0].kind is Kind.TOO_LARGE else None  # the rest of its body is unread
    body = orjson.dumps({"error": told[0], "others": told[1:]})
    return Response(body, status_code=STATUS[found[0].kind], media_type="application/json", headers=close)


def _language(request: Request) -> str:
    return "zh" if request.headers.get("accept-language", "zh").lower().startswith("zh") else "en"


def _told(problem: Problem, language: str) -> dict[str, str]:
    told = {key: str(value) for key, value in asdict(problem).items() if key != "kind"}
    if not problem.next and has(key := f"problem.{problem.code}.next"):
        told["next"] = text(key, language, **told)
    return told


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, OperationRefused)
    return _refusal(request, [error.problem])


async def _config_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, ConfigError)
    told = [each.sentence(_language(request)) for each in error.problems]
    return _refusal(request, [Problem(Kind.CONFLICT, "config_refused", thing=sentence) for sentence in told])


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, ValidationError)
    return _refusal(request, problems(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = Problem(Kind.NOT_FOUND, "no_such_page", thing=request.method, value=request.url.path)
    response = _refusal(request, [problem])
    response.status_code = error.status_code
    return response


async def _broken(request: Request, error: Exception) -> Response:
    """A defect: the server logs the traceback, the operator hears that nothing is certain."""
    problem = Problem(Kind.UNAVAILABLE, "defect", thing=request.url.path, value=type(error).__name__)
    response = _refusal(request, [problem])
    response.status_code = 500
    return response
