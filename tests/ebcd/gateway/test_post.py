"""Our client against servers written by hand, and reading what they answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ebcd.clock import SystemClock
from ebcd.gateway import GatewayLimits, GatewayServer, HttpPoster, PostFailed, read_receipt
from ebcd.world import SocketNetwork
from protocols.ebd import Edition, ResultCode, build_request_body, package_name
from protocols.ebd.messages import ConnectionCheck, EbdResponse
from protocols.ebd.multipart import RequestBody
from tests.ebcd.gateway.exchange import Exchange
from tests.protocols.ebd import samples

OK = EbdResponse(ResultCode.SUCCESS, "ok")


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path, SystemClock())


def receipt(exchange: Exchange, edition: Edition = Edition.Y2018, *, signed: bool = True) -> bytes:
    return exchange.archive(OK, signed=signed, edition=edition)


def heartbeat(exchange: Exchange) -> RequestBody:
    archive = exchange.archive(ConnectionCheck(samples.START), signed=False)
    return build_request_body(archive, package_name(samples.EBD_ID), "boundary" * 3)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("after", [b"", b"\r\n", b"\r\n\r\n"])
def test_receipts_are_read_signed_or_not_with_bytes_after_them(exchange: Exchange, signed: bool, after: bytes) -> None:
    assert read_receipt("", receipt(exchange, signed=signed) + after) == OK


@pytest.mark.parametrize("body", [b"", b"ok", b"\r\n", b"<html>" * 500])
def test_what_is_no_receipt_is_a_failure(body: bytes) -> None:
    with pytest.raises(PostFailed, match="receipt"):
        read_receipt("application/x-tar", body)


def test_an_answer_of_another_type_is_a_failure(exchange: Exchange) -> None:
    with pytest.raises(PostFailed, match="ConnectionCheck"):
        read_receipt("", exchange.archive(ConnectionCheck(samples.START)))


@contextlib.asynccontextmanager
async def peer(response: bytes, seen: list[bytes]) -> AsyncIterator[str]:
    """A server that reads as platform.md 8.1 describes, answers `response` and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
        seen.append(head + await reader.readexactly(length))
        writer.write(response)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/EmergencyServer/receive/ebd"


def answer(body: bytes, *, length: int | None = None, head: str = "HTTP/1.1 200 OK") -> bytes:
    told = len(body) if length is None else length
    return (
        f"{head}\r\nContent-Disposition: attachment; filename=EBDT_1.tar\r\nContent-Length: {told}\r\n\r\n"
    ).encode() + body


@pytest.mark.real
async def test_a_server_that_parses_by_hand_understands_us(exchange: Exchange) -> None:
    seen: list[bytes] = []
    body = heartbeat(exchange)
    async with peer(answer(receipt(exchange) + b"\r\n"), seen) as url, HttpPoster() as poster:
        assert await poster.post(url, body) == OK
    head, _, content = seen[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /EmergencyServer/receive/ebd HTTP/1.1"
    names = [line.partition(b":")[0] for line in lines[1:]]
    assert {b"Host", b"Content-Type", b"Content-Length"} <= set(names)
    assert not {b"Expect", b"Transfer-Encoding"} & set(names)
    (content_type,) = [line for line in lines if line.startswith(b"Content-Type")]
    assert content_type.split(b"=")[1] == b"boundary" * 3
    assert content == body.body


@pytest.mark.real
@pytest.mark.parametrize("missing", [0, 2])
async def test_a_promise_of_two_more_bytes_is_forgiven(exchange: Exchange, missing: int) -> None:
    body = receipt(exchange)
    async with peer(answer(body, length=len(body) + missing), []) as url, HttpPoster() as poster:
        assert await poster.post(url, heartbeat(exchange)) == OK


@pytest.mark.real
async def test_a_response_without_a_length_ends_with_the_connection(exchange: Exchange) -> None:
    response = b"HTTP/1.0 200 OK\r\n\r\n" + receipt(exchange)
    async with peer(response, []) as url, HttpPoster() as poster:
        assert await poster.post(url, heartbeat(exchange)) == OK


@pytest.mark.real
@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (b"HTTP/1.0 404 Not Found\r\n\r\n", "http-404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "http-302"),
        (answer(b"ok"), "receipt"),
        (answer(b""), "receipt"),
        (answer(b"x" * 1_100_000), "receipt"),
        (b"", "broken"),
        (b"hello\r\n\r\n", "broken"),
        (answer(b"", length=100), "broken"),
    ],
)
async def test_what_a_peer_does_wrong_is_named(exchange: Exchange, response: bytes, reason: str) -> None:
    async with peer(response, []) as url, HttpPoster() as poster:
        with pytest.raises(PostFailed) as failure:
            await poster.post(url, heartbeat(exchange))
    assert failure.value.reason == reason


@pytest.mark.real
async def test_nobody_there_silence_and_a_bad_address_are_named(exchange: Exchange) -> None:
    silent = await asyncio.start_server(_keep_silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/"
    async with silent, HttpPoster(connect_s=2, read_s=0.1) as poster:
        with pytest.raises(PostFailed) as failure:
            await poster.post(url, heartbeat(exchange))
        assert failure.value.reason == "timeout"
    async with HttpPoster(connect_s=2) as poster:
        for wrong, reason in (
            (url, "connect"),
            *((each, "broken") for each in ("http://\x00", "ftp://x/", "http://x:99999/")),
        ):
            with pytest.raises(PostFailed) as failure:
                await poster.post(wrong, heartbeat(exchange))
            assert failure.value.reason == reason


async def _keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


@pytest.mark.requirement("R-IF-01")
@pytest.mark.real
async def test_our_client_and_our_server_understand_each_other(exchange: Exchange) -> None:
    server = GatewayServer(exchange.judge, exchange.county, exchange.clock, GatewayLimits())
    archive = exchange.archive(samples.message(), resources={"EBDR_a.mp3": bytes(3_000_000)})
    body = build_request_body(archive, package_name(samples.EBD_ID), "boundary" * 3)
    async with server.serving(SocketNetwork(), "127.0.0.1", 0) as listener, HttpPoster() as poster:
        url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        for _ in range(2):
            assert (await poster.post(url, body)).code is ResultCode.SUCCESS
    (received,) = exchange.book.received
    assert received.package.resource("EBDR_a.mp3") == bytes(3_000_000)
