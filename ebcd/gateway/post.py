"""One POST to a peer, and the tolerant reading of what comes back (platform.md 1.2, 1.3, 8)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import httpx

from protocols.ebd import Ebd, Edition, Package, decode, find_archive, unpack
from protocols.ebd.messages import EbdResponse
from protocols.ebd.multipart import RequestBody
from protocols.errors import RemoteProtocolError

PORT_MAX = 65_535
CONNECT_S = 10.0
READ_S = 30.0
RECEIPT_BYTES_MAX = 1_000_000
EXCHANGE_S = 300.0  # one whole exchange: 100 MB upwards on a slow line


class PostFailed(Exception):
    """No receipt: `reason` is a slug for the metrics (connect, timeout, broken, http-404, receipt)."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


ReceiptJudge = Callable[[Ebd, Package], str]
"""What speaks against a receipt; "" where nothing does."""


def no_objection(_ebd: Ebd, _package: Package) -> str:
    """Any receipt will do."""
    return ""


class Poster(Protocol):
    """Sends one body and brings the receipt, if `objection` has nothing against it."""

    async def post(self, url: str, body: RequestBody, objection: ReceiptJudge = no_objection) -> EbdResponse:
        """Raises PostFailed."""


@dataclass(frozen=True, slots=True)
class _Reply:
    status: int
    content_type: str
    body: bytes


class HttpPoster:
    """`Poster` on httpx: one connection a package, headers spelt as hand-written servers compare them."""

    def __init__(self, *, connect_s: float = CONNECT_S, read_s: float = READ_S, exchange_s: float = EXCHANGE_S) -> None:
        self._exchange_s = exchange_s
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(read_s, connect=connect_s),
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=0),
            headers={"User-Agent": "ebcd", "Accept-Encoding": "identity", "Connection": "close"},
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def post(self, url: str, body: RequestBody, objection: ReceiptJudge = no_objection) -> EbdResponse:
        """One exchange. Raises PostFailed."""
        reply = await self._exchange(url, body)
        if reply.status != 200:
            raise PostFailed(f"http-{reply.status}", f"{url} answered HTTP {reply.status}")
        return read_receipt(reply.content_type, reply.body, objection)

    async def _exchange(self, url: str, body: RequestBody) -> _Reply:
        received = bytearray()
        reply: httpx.Response | None = None
        try:
            if not 0 <= (httpx.URL(url).port or 0) <= PORT_MAX:  # the socket would raise what nobody expects
                raise PostFailed("broken", f"{url}: a port is at most {PORT_MAX}")
            async with (
                asyncio.timeout(self._exchange_s),
                self._client.stream(
                    "POST", url, content=body.body, headers={"Content-Type": body.content_type}
                ) as reply,
            ):
                async for chunk in reply.aiter_raw():
                    received += chunk
                    if len(received) > RECEIPT_BYTES_MAX:
                        raise PostFailed("receipt", f"{url} answered more than {RECEIPT_BYTES_MAX} bytes")
        except httpx.RemoteProtocolError as error:
            if reply is None or not received:
                raise PostFailed("broken", f"{url}: {error}") from None
            # Some servers promise two bytes more than they send (platform.md 8.2).
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise PostFailed("connect", f"{url}: {error or type(error).__name__}") from None
        except (httpx.TimeoutException, TimeoutError):
            raise PostFailed("timeout", f"{url} gave no receipt in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise PostFailed("broken", f"{url}: {error or type(error).__name__}") from None
        return _Reply(reply.status_code, reply.headers.get("content-type", ""), bytes(received))


def read_receipt(content_type: str, body: bytes, objection: ReceiptJudge = no_objection) -> EbdResponse:
    """The receipt in a response body, of either edition, signed or not. Raises PostFailed("receipt")."""
    try:
        package = unpack(find_archive(content_type, body))
        ebd = decode(package.xml, edition=Edition.Y2016)
    except RemoteProtocolError as error:
        raise PostFailed("receipt", str(error)) from None
    if not isinstance(ebd.detail, EbdResponse):
        raise PostFailed("receipt", f"the answer is a {ebd.envelope.ebd_type}, an EBDResponse is needed")
    if against := objection(ebd, package):
        raise PostFailed("receipt", against)
    return ebd.detail
