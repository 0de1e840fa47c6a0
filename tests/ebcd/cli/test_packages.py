"""`ebcd ebd`: packed, taken apart, judged and sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from protocols.ebd import Ebd, Envelope, ResultCode, build_request_body, encode, find_archive, pack, unpack
from protocols.ebd.messages import Auxiliary, EbdResponse, Ebm, MsgBasicInfo, MsgContent
from protocols.sm2 import PrivateKey, sm3
from tests.ebcd.cli.keyboard import typed
from tests.ebcd.decode.examples import EBD

EBD_ID = "10234000000000001010101010000000000000007"
VECTORS = Path(__file__).parents[2] / "vectors" / "platform" / "2018"
SIREN = b"\xff\xfb\x90\x64 a sound"


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A document, a resource, a key with its certificate."""
    (tmp_path / "document.xml").write_bytes(EBD)
    (tmp_path / "EBDR_siren.mp3").write_bytes(SIREN)
    made = (
        "--number",
        "000000000201",
        "--valid",
        "2040-12",
        "--key",
        f"{tmp_path}/k.pem",
        "--out",
        f"{tmp_path}/k.cer",
    )
    assert typed("cert", "make", *made).exit_code == 0
    return tmp_path


def _pack(desk: Path, *options: str) -> Path:
    out = desk / "package.tar"
    result = typed("ebd", "pack", str(desk / "document.xml"), "--out", str(out), *options)
    assert result.exit_code == 0, result.stderr
    return out


@pytest.mark.requirement("R-TST-02", "R-PLT-07")
@pytest.mark.parametrize("profile", ["xml", "xml+time"])
def test_a_signed_package_verifies_with_the_signers_certificate(desk: Path, profile: str) -> None:
    package = _pack(desk, "--key", f"{desk}/k.pem", "--number", "000000000201", "--profile", profile)
    good = typed("ebd", "verify", str(package), "--cert", f"{desk}/k.cer", "--json")
    told = json.loads(good.stdout)
    assert (good.exit_code, told["signature"], told["good"]) == (0, "ok", True)
    unchecked = typed("ebd", "verify", str(package))
    assert unchecked.exit_code == 1
    assert "unchecked" in unchecked.stdout


@pytest.mark.clause("GD/J 081 clause 5.2")
def test_an_information_body_is_signed_with_the_document(desk: Path) -> None:
    body = desk / "EBDI_2340000000000010101010110203202611220001.xml"
    body.write_bytes((VECTORS / "EBI.xml").read_bytes())
    key = ("--key", f"{desk}/k.pem", "--number", "000000000201")
    package = _pack(desk, "--information", str(body), *key)
    good = typed("ebd", "verify", str(package), "--cert", f"{desk}/k.cer", "--json")
    told = json.loads(good.stdout)
    assert (good.exit_code, told["signature"], told["good"]) == (0, "ok", True)
    assert told["fields"]["ebdi"]["ebds"]["related_eb_info"] == {"eb_info_id": [body.stem.removeprefix("EBDI_")]}
    held = unpack(package.read_bytes())
    assert held.information is not None
    other = replace(held.information, xml=body.read_bytes().replace(b"<InfoStatus>02", b"<InfoStatus>03"))
    package.write_bytes(pack(held.xml, held.signature_xml, information=other))
    bad = typed("ebd", "verify", str(package), "--cert", f"{desk}/k.cer", "--json")
    assert (bad.exit_code, json.loads(bad.stdout)["signature"]) == (1, "bad")
    body.write_bytes(b"<EBI/>")
    refused = typed("ebd", "pack", f"{desk}/document.xml", "--information", str(body), *key, "--out", f"{desk}/x.tar")
    assert refused.exit_code == 1
    assert not (desk / "x.tar").exists()


def test_a_package_is_taken_apart_and_nothing_is_overwritten(desk: Path) -> None:
    package = _pack(desk, "--resource", f"{desk}/EBDR_siren.mp3")
    out = desk / "apart"
    assert typed("ebd", "unpack", str(package), "--out", str(out)).exit_code == 0
    assert (out / f"EBDB_{EBD_ID}.xml").read_bytes() == EBD
    assert (out / "EBDR_siren.mp3").read_bytes() == SIREN
    again = typed("ebd", "unpack", str(package), "--out", str(out))
    assert again.exit_code == 1
    assert "exists already" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resource", "siren.mp3"), "EBDR_"),
        (("--key", "k.pem"), "--number"),
        (("--number", "000000000201"), "would not be signed"),
        (("--key", "k.pem", "--number", "000000000201", "--profile", "all"), "xml+time"),
        (("--key", "missing.pem", "--number", "000000000201"), "missing.pem"),
    ],
)
def test_what_cannot_be_packed_is_named(
    desk: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(desk)
    (desk / "siren.mp3").write_bytes(SIREN)
    result = typed("ebd", "pack", "document.xml", *arguments, "--out", "x.tar")
    assert result.exit_code in (1, 2)
    assert said in result.stderr
    assert not (desk / "x.tar").exists()


def _order(digest: str, size: int) -> bytes:
    area = "341123000000"
    basic = MsgBasicInfo(1, "某县", "3411", 1_760_000_000, "11A01", 2, 1_760_000_000, 1_760_000_600)
    sound = Auxiliary(2, "EBDR_siren.mp3", size, digest)
    content = MsgContent("zho", "暴雨", "请注意", (area,), None, (sound,))
    ebm = Ebm("23400000000000101010101202510090001", basic, (content,))
    return encode(Ebd(Envelope(EBD_ID, "", "23400000000000101010101", 1_760_000_000), ebm))


@pytest.mark.parametrize(
    ("digest", "size", "resources", "said"),
    [
        (sm3(SIREN).hex().upper(), len(SIREN), {"EBDR_siren.mp3": SIREN}, "all as the message says"),
        ("00" * 32, len(SIREN), {"EBDR_siren.mp3": SIREN}, "digest of EBDR_siren.mp3 does not fit"),
        ("", 3, {"EBDR_siren.mp3": SIREN}, "the message says 3"),
        ("", 3, {}, "EBDR_siren.mp3 is not in the package"),
    ],
)
def test_resources_are_held_against_the_message(
    tmp_path: Path, digest: str, size: int, resources: dict[str, bytes], said: str
) -> None:
    package = tmp_path / "p.tar"
    package.write_bytes(pack(_order(digest, size), resources=resources))
    assert said in typed("ebd", "verify", str(package)).stdout


def test_a_captured_request_is_verified_and_taken_apart_like_its_package(desk: Path) -> None:
    package = _pack(desk, "--key", f"{desk}/k.pem", "--number", "000000000201")
    captured = desk / "captured.http"
    head = b"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=captured1\r\n\r\n"
    captured.write_bytes(head + build_request_body(package.read_bytes(), package.name, "captured1").body)
    verified = typed("ebd", "verify", str(captured), "--cert", f"{desk}/k.cer")
    assert (verified.exit_code, verified.exception) == (0, None)
    assert typed("ebd", "unpack", str(captured), "--out", f"{desk}/apart").exit_code == 0
    assert (desk / "apart" / f"EBDB_{EBD_ID}.xml").read_bytes() == EBD


def test_what_is_no_package_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(b"nothing of the kind")
    assert typed("ebd", "verify", str(tmp_path / "x.tar")).exit_code == 1
    unpacked = typed("ebd", "unpack", str(tmp_path / "x.tar"), "--out", str(tmp_path / "y"))
    assert unpacked.exit_code == 1
    assert "no usable package" in unpacked.stderr


# ---- post ----------------------------------------------------------------------------------------------------------


class _Province(HTTPServer):
    """Takes packages and answers each with one code."""

    code = ResultCode.SUCCESS
    taken: tuple[str, ...] = ()


class _Handler(BaseHTTPRequestHandler):
    server: _Province

    def do_POST(self) -> None:
        """One package."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken += (unpack(find_archive(self.headers["Content-Type"], body)).ebd_id,)
        envelope = Envelope(EBD_ID, "", "23400000000000101010101", 1_760_000_000)
        receipt = pack(encode(Ebd(envelope, EbdResponse(self.server.code, "so be it"))))
        answer = build_request_body(receipt, "EBDT.tar", "boundary")
        self.send_response(200)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent."""


@pytest.fixture
def province() -> Iterator[_Province]:
    """A platform on loopback."""
    server = _Province(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.mark.real
@pytest.mark.parametrize(("code", "status"), [(ResultCode.SUCCESS, 0), (ResultCode.SIGNATURE_FAILED, 1)])
def test_a_package_is_sent_and_its_receipt_decides(
    desk: Path, province: _Province, code: ResultCode, status: int
) -> None:
    province.code = code
    package = _pack(desk)
    result = typed("ebd", "post", f"http://127.0.0.1:{province.server_port}/receive", str(package))
    assert result.exit_code == status
    assert province.taken == (EBD_ID,)
    assert f"Receipt {int(code)}" in result.stdout


@pytest.mark.real
def test_a_platform_that_is_not_there_is_no_receipt(desk: Path) -> None:
    result = typed("ebd", "post", "http://127.0.0.1:1/receive", str(_pack(desk)))
    assert result.exit_code == 1
    assert "No receipt: connect" in result.stderr


def test_keys_of_other_people_do_not_open(desk: Path) -> None:
    (desk / "locked.pem").write_bytes(PrivateKey.from_scalar(5).to_pkcs8(b"secret"))
    options = ("--key", f"{desk}/locked.pem", "--number", "000000000201", "--out", f"{desk}/x.tar")
    result = typed("ebd", "pack", f"{desk}/document.xml", *options)
    assert result.exit_code == 2
    assert "locked.pem" in result.stderr
