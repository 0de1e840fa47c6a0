"""Contents of the daily packets, types 21 to 24 (GD/J 085 clauses 5.2.16 to 5.2.19)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from construct import BitsInteger, Bitwise, ExprAdapter, Int8ub

from protocols.codes import EbmId
from protocols.fm.fields import Action, Switch, action, enumerated, frequency, reserved, switch, volume
from protocols.wire import Layout, record

EBM_ID_NIBBLES: Final = 35


@dataclass(frozen=True, slots=True)
class Alive:
    """Type 21: renews the maintenance period. `counter` runs 0-255 in a circle and shows that the head-end lives."""

    counter: int
    reserved: int = 0xFF


@dataclass(frozen=True, slots=True)
class Daily:
    """Type 22: start or stop a daily programme. `frequency_khz` counts when `switch` says so and is 0 otherwise."""

    action: Action
    switch: Switch
    ebm_id: EbmId
    frequency_khz: int
    volume: int  # 0-100 %, 255 unchanged


@dataclass(frozen=True, slots=True)
class DailyVolume:
    """Type 23: the default volume of daily programmes."""

    volume: int
    reserved: int = 0xFF


class AmplifierState(IntEnum):
    """The manual switch of the amplifier (GD/J 085 clause 5.2.19)."""

    OFF = 1
    ON = 2


@dataclass(frozen=True, slots=True)
class Amplifier:
    """Type 24: switches the power amplifier."""

    state: AmplifierState


def _read_unaligned_id(value: int, _: object) -> EbmId:
    return EbmId.from_bcd((0xF << 4 * EBM_ID_NIBBLES | value).to_bytes(18, "big"))


def _write_unaligned_id(ebm_id: EbmId, _: object) -> int:
    return int.from_bytes(ebm_id.to_bcd(), "big") & ((1 << 4 * EBM_ID_NIBBLES) - 1)


_unaligned_id: Layout = ExprAdapter(BitsInteger(4 * EBM_ID_NIBBLES), _read_unaligned_id, _write_unaligned_id)
"""The 35 digits without the usual filler nibble: they begin in the low half of byte 0."""

LAYOUTS: Final[dict[int, tuple[type, Layout]]] = {
    21: (Alive, Bitwise(record(Alive, "counter" / BitsInteger(8), reserved(8)))),
    22: (
        Daily,
        Bitwise(
            record(
                Daily,
                "action" / action,
                "switch" / switch,
                "ebm_id" / _unaligned_id,
                "frequency_khz" / frequency,
                "volume" / volume(BitsInteger(8)),
            )
        ),
    ),
    23: (DailyVolume, Bitwise(record(DailyVolume, "volume" / volume(BitsInteger(8)), reserved(8)))),
    24: (Amplifier, record(Amplifier, "state" / enumerated(Int8ub, AmplifierState))),
}
"""Packet type -> class of its content and its layout."""
