"""What an FM terminal believes and does (fm-rds.md section 10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from protocols.codes import EbmId, ResourceCode
from protocols.fm.bits import frame_to_air
from protocols.fm.configuration import Maintenance, ScanEntry, ScanList, SetCode
from protocols.fm.daily import Alive, Daily
from protocols.fm.emergency import Drill, DrillKind, DrillOperation, Emergency, Reset, Text, TextKind
from protocols.fm.fields import Action, Switch
from protocols.fm.frame import FRAME_BITS, SourceLevel, to_frames
from protocols.fm.packet import Content, Unknown, encode_packet
from protocols.signature import SignatureBlock
from simulators.fm_packets import PacketVerifier
from simulators.fm_receiver import FmReceiver
from simulators.terminal_tasks import Order
from tests.devices.fm_county import CERTIFICATE, COUNTY, TOWN_B, TRUSTED, UTC_S, ebm_id, sign_at

HORN = ResourceCode("63411231010010314010401")  # in town A
PHYS = bytes.fromhex("0123456789AB")


def emergency(serial: int, *, level: int = 1, action: Action = Action.START) -> Emergency:
    return Emergency(action, Switch.STAY, level, "11A01", ebm_id(serial), 0)


def daily(serial: int, action: Action = Action.START) -> Daily:
    return Daily(action, Switch.STAY, ebm_id(serial), 0, 50)


class Terminal:
    """One receiver, and a transmitter that is heard without an error."""

    def __init__(self, *, orders: Orders | None = None) -> None:
        self.now_s = float(UTC_S)
        self.log: list[tuple[str, EbmId]] = []
        self.verifier = PacketVerifier()
        self.receiver = FmReceiver(
            HORN,
            TRUSTED,
            lambda _code, ebm: self.log.append(("begin", ebm)),
            lambda _code, ebm: self.log.append(("end", ebm)),
            wall=lambda: self.now_s,
            verifier=self.verifier,
            orders=orders,
            phys=PHYS,
        )
        self.bit = 0
        self.version = 0

    def hear(
        self,
        content: Content | Unknown,
        target: ResourceCode = COUNTY,
        *,
        signed_at: float | None = None,
        level: SourceLevel = SourceLevel.COUNTY,
    ) -> bytes:
        """Send a new packet once, from now on signed now; returns it."""
        at = self.now_s if signed_at is None else signed_at
        packet = encode_packet([target], content, lambda command: sign_at(at, command))
        self.version = (self.version + 1) % 32
        self.play(packet, level)
        return packet

    def play(self, packet: bytes, level: SourceLevel = SourceLevel.COUNTY) -> None:
        for frame in to_frames(packet, level, self.version):
            self.bit += FRAME_BITS
            bits = int.from_bytes(frame_to_air(frame), "big")
            self.receiver.hear_bits(bits, FRAME_BITS, self.bit, self.bit / 1187.5)

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.receiver.tick()


class Orders:
    """A multi-mode terminal."""

    def __init__(self) -> None:
        self.started: list[Order] = []
        self.stopped: list[EbmId] = []
        self.told: list[Content | Unknown] = []
        self.lapses = 0

    def fm_start(self, order: Order) -> None:
        self.started.append(order)

    def fm_stop(self, ebm_id: EbmId) -> None:
        self.stopped.append(ebm_id)

    def fm_told(self, content: Content | Unknown) -> None:
        self.told.append(content)

    def fm_lapse(self) -> None:
        self.lapses += 1


def test_a_signed_scan_list_for_this_terminal_is_handed_on() -> None:
    orders = Orders()
    horn = Terminal(orders=orders)
    entries = (ScanEntry(1, 1, 98_500), ScanEntry(2, 2, 88_800))
    horn.hear(ScanList(entries), TOWN_B)
    assert orders.told == []
    horn.hear(ScanList(entries), HORN)
    assert orders.told == [ScanList(entries)]


def test_a_signed_start_for_its_area_begins_and_its_stop_ends() -> None:
    horn = Terminal()
    horn.hear(emergency(1))
    assert horn.receiver.sounding == ebm_id(1)
    horn.hear(emergency(1, action=Action.STOP))
    assert horn.log == [("begin", ebm_id(1)), ("end", ebm_id(1))]


def test_another_town_s_message_does_nothing() -> None:
    horn = Terminal()
    horn.hear(emergency(1), TOWN_B)
    assert horn.log == []
    assert horn.receiver.heard_at_bit == {}


def test_i7_repeats_and_new_signatures_start_nothing_a_second_time() -> None:
    horn = Terminal()
    packet = horn.hear(emergency(1))
    horn.play(packet)
    horn.wait(250.0)
    horn.hear(emergency(1))
    assert horn.log == [("begin", ebm_id(1))]


def test_i11_a_start_heard_after_its_stop_starts_nothing() -> None:
    horn = Terminal()
    packet = horn.hear(emergency(1))
    horn.hear(emergency(1, action=Action.STOP))
    horn.version = 9
    horn.play(packet)
    assert horn.log == [("begin", ebm_id(1)), ("end", ebm_id(1))]


def test_i11_a_stop_heard_before_its_start_is_remembered() -> None:
    horn = Terminal()
    horn.hear(emergency(1, action=Action.STOP))
    horn.hear(emergency(1))
    assert horn.log == []


@pytest.mark.parametrize("age_s", [-301.0, 301.0])
def test_i11_a_start_from_outside_the_time_window_starts_nothing(age_s: float) -> None:
    horn = Terminal()
    horn.hear(emergency(1), signed_at=UTC_S + age_s)
    assert horn.log == []
    assert horn.receiver.refused == {"time": 1}


def test_a_packet_with_one_wrong_bit_and_a_right_crc_starts_nothing() -> None:
    horn = Terminal()
    good = encode_packet([COUNTY], emergency(1), lambda command: sign_at(UTC_S, command))
    horn.play(good[:16] + bytes((good[16] ^ 1,)) + good[17:])
    assert horn.log == []
    assert horn.receiver.refused == {"signature": 1}


def test_an_unknown_certificate_starts_nothing() -> None:
    horn = Terminal()

    def sign(command: bytes) -> SignatureBlock:
        return replace(sign_at(UTC_S, command), certificate=bytes.fromhex("000000000999"))

    horn.play(encode_packet([COUNTY], emergency(1), sign))
    assert horn.receiver.refused == {"certificate": 1}


def test_an_expired_certificate_starts_nothing() -> None:
    horn = Terminal()
    horn.now_s = float(CERTIFICATE.valid_until)
    horn.hear(emergency(1))
    assert horn.receiver.refused == {"certificate": 1}


def test_a_signing_box_s_counter_is_taken_for_the_time_and_must_not_go_back() -> None:
    horn = Terminal()
    horn.hear(emergency(1), signed_at=5000)
    horn.hear(emergency(2), signed_at=4990)
    horn.hear(emergency(3), signed_at=4900)
    assert [ebm for _what, ebm in horn.log] == [ebm_id(1)]
    assert set(horn.receiver.heard_at_bit) == {ebm_id(1), ebm_id(2)}
    assert horn.receiver.refused == {"time": 1}


def test_i4_an_emergency_interrupts_a_daily_programme_which_then_resumes() -> None:
    horn = Terminal()
    horn.hear(daily(1))
    horn.hear(emergency(2))
    horn.hear(emergency(2, action=Action.STOP))
    assert horn.log == [
        ("begin", ebm_id(1)),
        ("end", ebm_id(1)),
        ("begin", ebm_id(2)),
        ("end", ebm_id(2)),
        ("begin", ebm_id(1)),
    ]


def test_i4_a_less_severe_emergency_waits_for_the_more_severe_one() -> None:
    horn = Terminal()
    horn.hear(emergency(1, level=1))
    horn.hear(emergency(2, level=4))
    assert horn.receiver.sounding == ebm_id(1)
    horn.hear(emergency(1, action=Action.STOP))
    assert horn.receiver.sounding == ebm_id(2)


def test_an_emergency_of_equal_rank_waits() -> None:
    horn = Terminal()
    horn.hear(emergency(1, level=2))
    horn.hear(emergency(2, level=2))
    assert horn.receiver.sounding == ebm_id(1)


def test_an_emergency_interrupts_a_drill_whose_status_question_plays_nothing() -> None:
    horn = Terminal()
    horn.hear(Drill(DrillKind.REAL, DrillOperation.RETURN_STATUS, ebm_id(8)))
    horn.hear(Drill(DrillKind.REAL, DrillOperation.PLAY_FREQUENCY, ebm_id(1)))
    horn.hear(emergency(2, level=4))
    horn.hear(Drill(DrillKind.REAL, DrillOperation.STOP, ebm_id(1)))
    assert horn.log == [("begin", ebm_id(1)), ("end", ebm_id(1)), ("begin", ebm_id(2))]


def test_the_id_of_zeros_stops_everything() -> None:
    horn = Terminal()
    horn.hear(daily(1))
    horn.hear(emergency(2))
    horn.hear(Emergency(Action.STOP, Switch.STAY, 1, "11A01", EbmId.EVERYTHING, 0))
    assert horn.receiver.sounding is None


def test_with_maintenance_on_a_message_ends_when_the_period_passes_in_silence() -> None:
    horn = Terminal()
    horn.hear(Maintenance(True, 60))
    horn.hear(emergency(1))
    horn.wait(50.0)
    horn.hear(Alive(1))
    horn.wait(50.0)
    assert horn.receiver.sounding == ebm_id(1)
    horn.wait(11.0)
    assert horn.log[-1] == ("end", ebm_id(1))


def test_without_maintenance_a_message_sounds_until_its_stop() -> None:
    horn = Terminal()
    horn.hear(Maintenance(False, 60))
    horn.hear(emergency(1))
    horn.wait(100_000.0)
    assert horn.receiver.sounding == ebm_id(1)


def test_a_reserved_packet_type_is_ignored() -> None:
    horn = Terminal()
    horn.hear(Unknown(31, b"\x00"))
    assert horn.log == []
    assert horn.receiver.refused == {}


def test_a_terminal_without_power_hears_nothing_and_forgets_what_it_played() -> None:
    horn = Terminal()
    packet = horn.hear(emergency(1))
    horn.receiver.powered = False
    assert horn.receiver.sounding is None
    horn.receiver.powered = True
    horn.play(packet)
    assert horn.log == [("begin", ebm_id(1)), ("begin", ebm_id(1))]


def test_a_multi_mode_terminal_gets_the_orders_and_ranks_them_itself() -> None:
    orders = Orders()
    horn = Terminal(orders=orders)
    horn.hear(emergency(1, level=3))
    horn.hear(daily(2, Action.STOP))
    assert [(order.ebm_id, order.class_, order.level, order.path) for order in orders.started] == [
        (ebm_id(1), 4, 3, "fm")
    ]
    assert orders.stopped == [ebm_id(2)]
    assert horn.log == []
    assert ebm_id(1) in horn.receiver.heard_at_bit


def test_a_packet_is_verified_once_for_all_receivers_of_a_process() -> None:
    first = Terminal()
    packet = first.hear(emergency(1))
    second = Terminal()
    second.receiver._verifier = first.verifier
    second.play(packet)
    assert second.receiver.sounding == ebm_id(1)
    assert first.verifier.verified == 1


# ---- settings ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("GD/J 085 clause 5.2.3")
def test_a_code_is_taken_for_the_own_physical_address_whatever_codes_the_packet_names() -> None:
    horn = Terminal()
    new = ResourceCode("63411231020010314010409")
    horn.hear(SetCode(b"\x07\x08", new), HORN)
    assert horn.receiver.code == HORN
    horn.hear(SetCode(PHYS, new), TOWN_B)
    assert horn.receiver.code == new
    horn.hear(emergency(1), HORN)
    assert horn.receiver.sounding is None
    horn.hear(emergency(2), new)
    assert horn.receiver.sounding == ebm_id(2)


@pytest.mark.clause("GD/J 085 clause 5.2.15")
def test_a_text_is_shown_until_its_message_ends_and_not_after() -> None:
    horn = Terminal()
    text = Text.saying(TextKind.EMERGENCY, ebm_id(1), "地震")
    horn.hear(text)
    assert horn.receiver.settings.shown == (ebm_id(1), "地震")
    horn.hear(emergency(1, action=Action.STOP))
    assert horn.receiver.settings.shown is None
    horn.hear(replace(text, kind=TextKind.TEST))
    assert horn.receiver.settings.shown is None


@pytest.mark.clause("GD/J 085 clause 5.2.4")
def test_maintenance_takes_the_text_down_with_the_sound() -> None:
    horn = Terminal()
    horn.hear(Maintenance(True, 30))
    horn.hear(emergency(1))
    horn.hear(Text.saying(TextKind.EMERGENCY, ebm_id(1), "地震"))
    horn.wait(31)
    assert (horn.receiver.sounding, horn.receiver.settings.shown) == (None, None)


@pytest.mark.clause("GD/J 085 clause 5.2.12")
def test_a_restart_ends_what_sounds_and_needs_the_current_for_maintenance() -> None:
    horn = Terminal()
    horn.hear(Maintenance(True, 30))
    horn.hear(emergency(1))
    horn.hear(Reset(Switch.STAY, 0))
    assert horn.log == [("begin", ebm_id(1)), ("end", ebm_id(1))]
    assert (horn.receiver.settings.maintenance_s, horn.receiver.settings.restarts) == (None, 1)


@pytest.mark.clause("GD/J 085 clause 5.2.4")
def test_with_other_ways_in_maintenance_that_runs_out_is_told_once() -> None:
    orders = Orders()
    horn = Terminal(orders=orders)
    horn.hear(Maintenance(True, 30))
    horn.wait(40)
    assert orders.lapses == 0
    horn.hear(emergency(1))
    horn.wait(40)
    horn.wait(40)
    assert orders.lapses == 1
    horn.hear(emergency(2))
    horn.hear(emergency(2, action=Action.STOP))
    horn.wait(40)
    assert orders.lapses == 1
