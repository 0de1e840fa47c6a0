"""Certificates and lists at simulated adapters (0x41, 0x40) and FM receivers (types 7 and 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocols import adapter as annex_a
from protocols import terminal as fefd
from protocols.adapter import ResultCode
from protocols.codes import ResourceCode, matches
from protocols.fm.configuration import Authorisation, Certificates
from protocols.fm.packet import encode_packet
from protocols.signature import AuthorisationList, SignatureBlock, signed_bytes
from simulators.adapter import Adapter
from simulators.fm_receiver import FmReceiver
from simulators.trust import FrameReader, Trust
from tests.devices import fm_county
from tests.devices.fm_county import COUNTY, KEY, TRUSTED, ebm_id
from tests.simulators.signing import (
    ADAPTER_CERTIFICATE,
    NOW,
    PLATFORM_CERTIFICATE,
    ROOT,
    certificate,
    key,
    signer,
    trust,
)
from tests.simulators.test_adapter import CODE, STOP, adapter, tell
from tests.simulators.test_fm_receiver import HORN, Terminal, emergency

NEW = bytes.fromhex("000000000555")
HORN_BEHIND = ResourceCode("63499011002010314010401")
HORN_ELSEWHERE = ResourceCode("63499011002020314010401")

__all__ = ["adapter"]


def listed(receiver: bytes, serial: int, *numbers: bytes) -> AuthorisationList:
    return AuthorisationList(receiver, serial, numbers, ROOT).signed_by(key(ROOT).sign)


def own(serial: int, *numbers: bytes) -> annex_a.UpdateAdapterCertificates:
    return annex_a.UpdateAdapterCertificates((listed(ADAPTER_CERTIFICATE, serial, *numbers).encode(),), ())


def code_of(message: annex_a.Message) -> int:
    assert isinstance(message, annex_a.GeneralAnswer)
    return message.code


def test_an_adapter_takes_a_newer_list_and_refuses_an_older_one(adapter: Adapter) -> None:
    fifth = own(5, PLATFORM_CERTIFICATE)
    assert code_of(tell(adapter, fifth).answer) == ResultCode.OK
    older = tell(adapter, own(4, PLATFORM_CERTIFICATE, NEW)).answer
    assert older == annex_a.GeneralAnswer(ResultCode.CONFLICT, "list 4 is refused: old")
    assert code_of(tell(adapter, fifth).answer) == ResultCode.OK  # the same bytes again


def test_an_adapter_obeys_nobody_whom_its_newest_list_leaves_out(adapter: Adapter) -> None:
    message = annex_a.UpdateAdapterCertificates(
        (listed(ADAPTER_CERTIFICATE, 5, NEW).encode(),), (certificate(NEW).encode(),)
    )
    tell(adapter, own(4, PLATFORM_CERTIFICATE))
    assert code_of(tell(adapter, message).answer) == ResultCode.OK
    by_new = annex_a.decode(annex_a.encode(STOP, sign=signer(NOW, NEW)))
    assert adapter.receive(by_new, NOW).answer == annex_a.StartAnswer(CODE, STOP.ebm_id)
    assert tell(adapter, STOP).answer == annex_a.StartAnswer(CODE, STOP.ebm_id, 1, "signature")


def test_an_adapter_passes_0x40_on_to_its_own_terminals_and_lets_them_answer(adapter: Adapter) -> None:
    update = annex_a.UpdateTerminalCertificates((listed(NEW, 1).encode(),), (certificate(NEW).encode(),))
    outcome = tell(adapter, update)
    assert code_of(outcome.answer) == ResultCode.OK
    (relay,) = outcome.relays
    heard = FrameReader(trust()).read(relay.data)
    assert relay.returned
    assert heard.frame.message == fefd.CertificateUpdate(update.lists, update.certificates)
    assert any(matches(target, HORN_BEHIND) for target in heard.frame.targets)
    assert not any(matches(target, HORN_ELSEWHERE) for target in heard.frame.targets)


# ---- FM ------------------------------------------------------------------------------------------------------------

MODULE = bytes.fromhex("204800000077")


class Village(Terminal):
    """An FM terminal that takes lists."""

    def __init__(self) -> None:
        super().__init__()
        issuer = certificate(ROOT)
        known = Trust({ROOT: issuer, **TRUSTED}, lambda: self.now_s, ROOT)
        self.receiver = FmReceiver(
            HORN,
            known.certificates,
            lambda _code, ebm: self.log.append(("begin", ebm)),
            lambda _code, ebm: self.log.append(("end", ebm)),
            wall=lambda: self.now_s,
            trust=known,
            module=MODULE,
        )


def test_an_fm_terminal_keeps_certificates_and_obeys_whom_its_newest_list_names() -> None:
    at = Village()
    ours = fm_county.CERTIFICATE.number
    at.hear(Certificates((certificate(NEW).encode(),)))
    assert NEW in at.receiver.trusted
    at.hear(Authorisation(listed(MODULE, 1, ours).encode()))
    at.hear(emergency(1))
    assert at.log == [("begin", ebm_id(1))]
    stranger = replace(at.receiver.trusted[ours], number=NEW)
    at.receiver.trusted[NEW] = stranger  # type: ignore[index]
    packet = encode_packet([COUNTY], emergency(2), lambda command: replace_number(at.now_s, command))
    at.version += 1
    at.play(packet)
    assert (at.log, at.receiver.refused) == ([("begin", ebm_id(1))], {"certificate": 1})


def replace_number(utc_s: float, command: bytes) -> SignatureBlock:
    """A good signature by the certificate NEW."""
    block = SignatureBlock(int(utc_s), NEW, bytes(64))
    return replace(block, value=KEY.sign(signed_bytes(command, block)))


@pytest.mark.parametrize("serial", [4, 133])
def test_an_fm_terminal_refuses_an_older_list(serial: int) -> None:
    at = Village()
    ours = fm_county.CERTIFICATE.number
    at.hear(Authorisation(listed(MODULE, 5, ours).encode()))
    at.hear(Authorisation(listed(MODULE, serial, ours, NEW).encode()))
    assert at.receiver.refused == {"list": 1}


def test_74_bytes_carry_no_list_and_change_nothing() -> None:
    at = Village()
    at.hear(Authorisation(bytes(74)))
    at.hear(Authorisation(replace(listed(MODULE, 1), receiver=NEW).encode()))
    at.hear(emergency(1))
    assert at.log == [("begin", ebm_id(1))]
    assert at.receiver.refused == {}
