"""Packages over real sockets, shaped by hand as deployed clients shape them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ebcd.clock import SystemClock
from ebcd.gateway import GatewayLimits, GatewayServer
from ebcd.world import SocketNetwork
from protocols.ebd import Edition, ResultCode, decode, decode_signature, pack, unpack
from protocols.ebd.messages import ConnectionCheck, EbdResponse
from tests.ebcd.gateway.exchange import Exchange
from tests.ebcd.gateway.wire import FILE, NAME, body_of, read, request
from tests.ebcd.signing.authority import OTHER
from tests.protocols.ebd import samples

pytestmark = pytest.mark.real


@contextlib.asynccontextmanager
async def serving(exchange: Exchange, limits: GatewayLimits | None = None) -> AsyncIterator[int]:
    server = GatewayServer(exchange.judge, exchange.county, exchange.clock, limits)
    async with server.serving(SocketNetwork(), "127.0.0.1", 0) as listener:
        yield listener.sockets[0].getsockname()[1]


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path, SystemClock())


async def raw(port: int, request: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes, read until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        await writer.drain()
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.mark.clause("GD/J 083 HTTP, EBDResponse")
async def test_a_message_gets_a_signed_receipt_in_the_same_response(exchange: Exchange) -> None:
    archive = exchange.archive(samples.message())
    before_s = exchange.clock.monotonic()
    async with serving(exchange) as port:
        reply = read(await raw(port, request(body_of(archive))))
    assert reply.status == b"HTTP/1.1 200 OK"
    assert reply.code is ResultCode.SUCCESS
    (received,) = exchange.book.received
    assert before_s <= received.arrived_s <= exchange.clock.monotonic()
    assert received.remote == "127.0.0.1"
    envelope = reply.ebd.envelope
    assert (envelope.source, envelope.destination) == (samples.COUNTY, samples.PROVINCE)
    assert envelope.related_ebd_id == unpack(archive).ebd_id
    assert reply.package.signature_xml is not None
    assert decode_signature(reply.package.signature_xml).certificate == OTHER


async def test_the_response_has_the_headers_of_the_standard_spelt_as_peers_compare_them(exchange: Exchange) -> None:
    async with serving(exchange) as port:
        response = await raw(port, request(body_of(exchange.archive(samples.message()))))
    reply = read(response)
    assert b"\r\nContent-Type: application/x-tar\r\n" in reply.head + b"\r\n"
    assert f'Content-Disposition: attachment; filename="EBDT_{reply.package.ebd_id}.tar"'.encode() in reply.head
    assert b"\r\nContent-Length: %d\r\n" % len(response.partition(b"\r\n\r\n")[2]) in reply.head + b"\r\n"


async def test_a_heartbeat_is_answered_without_a_signature(exchange: Exchange) -> None:
    beat = ConnectionCheck(samples.START)
    archive = exchange.archive(beat, signed=False, ebd_id=exchange.province.heartbeat_id())
    async with serving(exchange) as port:
        reply = read(await raw(port, request(body_of(archive), path="/")))
    assert (reply.code, reply.package.signature_xml) == (ResultCode.SUCCESS, None)
    assert reply.ebd.envelope.ebd_id.startswith("10")


SHAPES = {
    "other case of headers": lambda tar: request(body_of(tar)).replace(b"Content-Length", b"CONTENT-length"),
    "no host": lambda tar: request(body_of(tar), host=""),
    "quoted boundary": lambda tar: request(body_of(tar)).replace(b"boundary=xyz", b'boundary="xyz"'),
    "no quotes": lambda tar: request(body_of(tar, head=f"Content-Disposition: form-data; filename={NAME}")),
    "backslash": lambda tar: request(body_of(tar, head=FILE.replace("EBDT", "\\EBDT"))),
    "an extra text part": lambda tar: request(
        body_of(tar, before=b'--xyz\r\nContent-Disposition: form-data; name="comment"\r\n\r\nhello\r\n')
    ),
    "trailing bytes": lambda tar: request(body_of(tar, after=b"\r\n\r\n")),
    "bytes after the archive": lambda tar: request(body_of(tar + b"\r\n")),
    "no end blocks": lambda tar: request(body_of(tar[:-1024])),
    "HTTP/1.0": lambda tar: request(body_of(tar)).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "keep-alive": lambda tar: request(body_of(tar), more="Connection: Keep-Alive\r\n"),
    "a long path": lambda tar: request(body_of(tar), path="/ebdsp/dockingService/receive/ebd.htm?x=1"),
    "chunked": lambda tar: (
        request(body_of(tar)).partition(b"Content-Length")[0]
        + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body_of(tar))
        + body_of(tar)
        + b"\r\n0\r\n\r\n"
    ),
    "the standard's own example": lambda tar: request(
        body_of(tar, head=FILE.replace('"file"', '"field1"') + "\r\nContent-Type: application/x-tar"),
        more="Accept: text/plain, */*\r\nAccept-Language: zh-cn\r\nUser-Agent: WinHttpClient\r\n",
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("half_close", [False, True])
async def test_requests_are_understood_as_peers_shape_them(exchange: Exchange, shape: str, half_close: bool) -> None:
    archive = exchange.archive(samples.message())
    async with serving(exchange) as port:
        reply = read(await raw(port, SHAPES[shape](archive), half_close=half_close))
    assert reply.code is ResultCode.SUCCESS
    assert len(exchange.book.received) == 1


async def test_a_client_that_waits_for_100_continue_gets_it(exchange: Exchange) -> None:
    body = body_of(exchange.archive(samples.message()))
    head, _, _ = request(body, more="Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    async with serving(exchange) as port, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + b"\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")
        writer.write(body)
        assert read(await reader.read()).code is ResultCode.SUCCESS
        writer.close()
        await writer.wait_closed()


async def test_a_request_cut_into_single_bytes_is_understood(exchange: Exchange) -> None:
    body = body_of(exchange.archive(ConnectionCheck(samples.START), signed=False))
    data = request(body)
    async with serving(exchange) as port, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for at in range(300):
            writer.write(data[at : at + 1])
            await writer.drain()
        writer.write(data[300:])
        assert read(await reader.read()).code is ResultCode.SUCCESS
        writer.close()
        await writer.wait_closed()


async def test_what_is_no_package_is_answered_with_status_200_and_code_2(exchange: Exchange) -> None:
    async with serving(exchange) as port:
        reply = read(await raw(port, request(b"hello")))
        assert (reply.status, reply.code) == (b"HTTP/1.1 200 OK", ResultCode.PARSE_FAILED)
        assert (await raw(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 405")
        assert (await raw(port, b"hello\r\n\r\n")).startswith(b"HTTP/1.1 400")


async def test_a_body_over_the_limit_is_refused_unread_and_the_receipt_arrives(exchange: Exchange) -> None:
    limits = GatewayLimits(package_bytes_max=100_000, linger_s=0.3)
    async with serving(exchange, limits) as port:
        for expect in ("", "Expect: 100-continue\r\n"):
            huge = request(b"", more=expect).replace(b"Content-Length: 0", b"Content-Length: 99000000000")
            reply = read(await raw(port, huge))
            assert reply.code is ResultCode.OTHER
        whole = request(b"x" * 3_000_000)
        assert read(await raw(port, whole)).code is ResultCode.OTHER
        chunked = request(b"").replace(b"Content-Length: 0\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1e8480\r\n")
        assert read(await raw(port, chunked + b"x" * 2_000_000 + b"\r\n0\r\n\r\n")).code is ResultCode.OTHER
    assert {rejection.reason for rejection in exchange.book.rejected} == {"body-limit"}


async def test_a_head_without_bounds_is_refused(exchange: Exchange) -> None:
    async with serving(exchange) as port:
        response = await raw(port, b"POST / HTTP/1.1\r\nX: " + b"y" * 100_000)
    assert response.startswith(b"HTTP/1.1 4")


async def test_a_client_that_leaves_in_the_middle_costs_nothing(exchange: Exchange) -> None:
    async with serving(exchange) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(b"x" * 100)[:-50])
        await writer.drain()
        writer.transport.abort()
        archive = exchange.archive(samples.message())
        assert read(await raw(port, request(body_of(archive)))).code is ResultCode.SUCCESS
    assert not exchange.book.rejected


async def test_a_stranger_of_the_2016_edition_gets_a_receipt_that_names_its_package(exchange: Exchange) -> None:
    archive = exchange.archive(ConnectionCheck(samples.START), signed=False)
    old = unpack(archive).xml.replace(unpack(archive).ebd_id.encode(), b"01" + b"0" * 34)
    old = old.replace(samples.PROVINCE.encode(), b"010333112400000001")
    async with serving(exchange) as port:
        response = await raw(port, request(body_of(pack(old))))
    answer = decode(unpack(response.partition(b"\r\n\r\n")[2]).xml, edition=Edition.Y2016)
    assert answer.envelope.destination == "010333112400000001"
    assert answer.envelope.related_ebd_id == "01" + "0" * 34
    assert isinstance(answer.detail, EbdResponse)
    assert answer.detail.code is ResultCode.OTHER
