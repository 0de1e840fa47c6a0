"""Packages of the simulated province: whole, or wrong in exactly the chosen way."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import av
import pytest

from protocols.codes import AreaCode, EbmId
from protocols.ebd import ResultCode, build_request_body, decode, decode_signature, read_envelope, unpack
from protocols.ebd.messages import EbdResponse, Ebm, MsgBasicInfo
from protocols.errors import RemoteProtocolError
from protocols.sm2 import PublicKey, sm3
from simulators.province_config import SignProfile
from simulators.province_inbox import Inbox
from simulators.province_orders import BadCommand, Fault, Message, command_of
from simulators.province_packages import LATE_S, Composer, Parcel, another_county
from simulators.province_sound import siren_mp3
from tests.simulators.province_pair import AREA, COUNTY, NOW, SetClock, composer, pair


@pytest.fixture
def made(rng: random.Random) -> Callable[..., Parcel]:
    province, _county = pair(rng)
    packages = composer(province, SetClock(), rng)

    def make(**fields: object) -> Parcel:
        sound = fields.pop("sound", None)
        assert sound is None or isinstance(sound, bytes)
        return packages.message(Message("t", **fields), sound)  # type: ignore[arg-type]

    return make


def message_of(parcel: Parcel) -> Ebm:
    detail = decode(unpack(parcel.archive).xml).detail
    assert isinstance(detail, Ebm)
    return detail


def basic_of(parcel: Parcel) -> MsgBasicInfo:
    basic = message_of(parcel).basic
    assert basic is not None
    return basic


def test_a_message_says_what_was_ordered(made: Callable[..., Parcel]) -> None:
    parcel = made(
        title="暴雨红色预警",
        text="转移",
        severity=1,
        areas=("349901001000",),
        start_in_s=300.0,
        duration_s=60.0,
        event_type="11B03",
        serial=17,
        sound=b"ID3 sound",
    )
    message, package = message_of(parcel), unpack(parcel.archive)
    content, basic = message.contents[0], basic_of(parcel)
    assert EbmId(message.ebm_id).serial == "0017"
    assert message.ebm_id == parcel.ebm_id
    assert (basic.msg_type, basic.severity, basic.event_type) == (1, 1, "11B03")
    assert (basic.start_time, basic.end_time) == (int(NOW) + 300, int(NOW) + 360)
    assert (content.title, content.desc, content.area_codes) == ("暴雨红色预警", "转移", ("349901001000",))
    assert content.auxiliaries[0].digest == sm3(b"ID3 sound").hex()
    assert package.resource(content.auxiliaries[0].desc) == b"ID3 sound"


def test_a_message_without_areas_is_for_the_whole_county(made: Callable[..., Parcel]) -> None:
    assert message_of(made()).contents[0].area_codes == (AREA,)


def test_a_cancel_names_its_target_and_carries_no_content(made: Callable[..., Parcel]) -> None:
    target = made()
    related = message_of(made(msg_type=2, related=target.ebm_id))
    same = message_of(made(msg_type=2, ebmid=target.ebm_id))
    assert related.related_ebm_id == target.ebm_id != related.ebm_id
    assert (same.ebm_id, same.related_ebm_id, same.contents) == (target.ebm_id, None, ())


def test_numbers_never_repeat_and_the_serial_counts_up(made: Callable[..., Parcel]) -> None:
    first, second = made(), made()
    assert first.ebd_id != second.ebd_id
    assert int(second.ebm_id[-4:]) == int(first.ebm_id[-4:]) + 1
    assert message_of(made(serial=0)).ebm_id.endswith("0000")


@pytest.mark.parametrize("profile", list(SignProfile))
def test_the_signature_covers_what_the_profile_says(rng: random.Random, profile: SignProfile) -> None:
    province, _county = pair(rng, profile=profile)
    package = unpack(composer(province, SetClock(), rng).message(Message("t"), None).archive)
    assert package.signature_xml is not None
    file = decode_signature(package.signature_xml)
    signed = package.xml + (file.block[:4] if profile is SignProfile.XML_TIME else b"")
    assert province.key.public.verify(signed, file.block[10:])
    assert (file.time_or_counter, file.certificate.hex()) == (int(NOW), "000000000101")
    assert file.related_ebd_id == package.ebd_id


def signature_holds(parcel: Parcel, key: PublicKey) -> bool:
    package = unpack(parcel.archive)
    if package.signature_xml is None:
        return False
    return key.verify(package.xml, decode_signature(package.signature_xml).block[10:])


@pytest.mark.parametrize("fault", list(Fault))
def test_each_fault_leaves_the_signature_right_unless_it_is_the_fault(rng: random.Random, fault: Fault) -> None:
    province, _county = pair(rng)
    parcel = composer(province, SetClock(), rng).message(Message("t", fault=fault), None)
    wrong = fault in (Fault.WRONG_SIGNATURE, Fault.TAMPERED, Fault.UNSIGNED)
    assert signature_holds(parcel, province.key.public) is not wrong


@pytest.mark.parametrize("fault", [Fault.NO_AREA, Fault.EMPTY_AREA])
def test_a_message_without_area_is_refused_as_incomplete(made: Callable[..., Parcel], fault: Fault) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        message_of(made(fault=fault))
    assert refused.value.reason == "missing"


def test_an_old_signature_time_comes_with_an_old_document(made: Callable[..., Parcel]) -> None:
    package = unpack(made(fault=Fault.OLD_SIGTIME).archive)
    assert package.signature_xml is not None
    assert decode_signature(package.signature_xml).time_or_counter == int(NOW) - LATE_S
    assert read_envelope(package.xml).time == int(NOW) - LATE_S


def test_a_stale_document_can_carry_a_fresh_signature_time(made: Callable[..., Parcel]) -> None:
    package = unpack(made(fault=Fault.STALE_EBDTIME).archive)
    assert package.signature_xml is not None
    assert decode_signature(package.signature_xml).time_or_counter == int(NOW)
    assert read_envelope(package.xml).time == int(NOW) - LATE_S


def test_an_expired_message_ended_an_hour_ago(made: Callable[..., Parcel]) -> None:
    assert basic_of(made(fault=Fault.EXPIRED, duration_s=60.0)).end_time == int(NOW) - LATE_S


def test_another_destination_and_another_county_are_not_ours(made: Callable[..., Parcel]) -> None:
    destination = read_envelope(unpack(made(fault=Fault.DEST).archive).xml).destination
    outside = message_of(made(fault=Fault.AREAS_OUTSIDE)).contents[0].area_codes
    assert destination not in (None, COUNTY)
    assert outside == (another_county(AREA),)
    assert another_county(AreaCode("349998000000")) == "349901000000"


def test_patching_the_time_changes_nothing_but_the_time(rng: random.Random) -> None:
    province, _county = pair(rng)
    clock = SetClock()
    packages = composer(province, clock, rng)
    parcel = packages.message(Message("t"), b"sound")
    clock.at += 900
    patched = packages.patched(parcel)
    before, after = unpack(parcel.archive), unpack(patched.archive)
    assert before.signature_xml is not None
    assert after.signature_xml is not None
    old, new = decode_signature(before.signature_xml).block, decode_signature(after.signature_xml).block
    assert (after.xml, after.resources, new[4:]) == (before.xml, before.resources, old[4:])
    assert int.from_bytes(new[:4], "big") == int(NOW) + 900


def test_the_siren_is_an_mp3_of_its_length() -> None:
    with av.open(io.BytesIO(siren_mp3(3.0)), "r") as container:
        assert container.streams.audio[0].codec_context.name.startswith("mp3")
        assert container.duration is not None
        assert container.duration / 1e6 == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e9])
def test_a_siren_of_an_impossible_length_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="siren"):
        siren_mp3(seconds)


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ([], "cmd"),
        ({"cmd": "dance"}, "cmd"),
        ({"cmd": "ebm", "colour": "red"}, "colour"),
        ({"cmd": "ebm", "severity": "1"}, "severity"),
        ({"cmd": "ebm", "severity": True}, "severity"),
        ({"cmd": "ebm", "areas": "349901"}, "areas"),
        ({"cmd": "ebm", "fault": "rain"}, "fault"),
        ({"cmd": "ebm", "ebmid": "12"}, "ebmid"),
        ({"cmd": "omd", "type": "EBRXX"}, "type"),
        ({"cmd": "repost"}, "of"),
        ({"cmd": "repost", "of": "a", "sigtime": "new"}, "sigtime"),
        ({"cmd": "answer"}, "code or status"),
    ],
)
def test_a_wrong_command_is_refused_by_the_name_of_its_field(told: object, named: str) -> None:
    with pytest.raises(BadCommand, match=named):
        command_of(told, 1)


def test_a_command_without_a_tag_gets_its_number() -> None:
    assert command_of({"cmd": "ebm"}, 7) == Message("7")


# ---- the inbox -----------------------------------------------------------------------------------------------------


def posted(parcel: Parcel) -> tuple[str, bytes]:
    body = build_request_body(parcel.archive, parcel.file_name, "boundary")
    return body.content_type, body.body


def test_a_package_that_was_taken_is_answered_the_same_again_without_a_second_event(rng: random.Random) -> None:
    province, county = pair(rng)
    inbox = Inbox(province, SetClock())
    parcel = composer(county, SetClock(), rng).state_request("9" * 35)
    first, second = inbox.take(*posted(parcel)), inbox.take(*posted(parcel))
    assert (first.code, second.code) == (1, 1)
    assert [event["event"] for event in (*first.events, *second.events)] == ["package", "duplicate"]


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.WRONG_SIGNATURE, 4), (Fault.TAMPERED, 4), (Fault.UNSIGNED, 4), (Fault.DEST, 5)]
)
def test_the_countys_faults_get_their_codes(rng: random.Random, fault: Fault, code: int) -> None:
    province, county = pair(rng)
    verdict = Inbox(province, SetClock()).take(
        *posted(composer(county, SetClock(), rng).message(Message("t", fault=fault), None))
    )
    assert verdict.code == code
    assert [event["event"] for event in verdict.events] == ["rejected"]


def test_a_stranger_gets_code_5_and_rubbish_code_2(rng: random.Random) -> None:
    province, _county = pair(rng)
    inbox = Inbox(province, SetClock())
    from_itself: Composer = composer(province, SetClock(), rng)
    assert inbox.take(*posted(from_itself.state_request("9" * 35))).code == 5
    assert inbox.take("text/plain", b"rain").code == 2


def test_an_unsigned_heartbeat_is_welcome(rng: random.Random) -> None:
    province, county = pair(rng)
    verdict = Inbox(province, SetClock()).take(*posted(composer(county, SetClock(), rng).heartbeat()))
    assert (verdict.code, verdict.events[0]["event"]) == (1, "heartbeat")


def test_a_receipt_can_quote_bytes_that_xml_cannot_carry(rng: random.Random) -> None:
    province, _county = pair(rng)
    parcel = composer(province, SetClock(), rng).receipt(ResultCode.PARSE_FAILED, "xml: \x00\x1b暴雨", None)
    detail = decode(unpack(parcel.archive).xml).detail
    assert isinstance(detail, EbdResponse)
    assert detail.desc == "xml: ??暴雨"
