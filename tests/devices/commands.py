"""Commands and devices of a small county, for tests of links."""

from __future__ import annotations

import random

from devices.link import AskState, Audio, Event, Path, SetClock, Start, Stop
from devices.ports import Clock, Network, Ports
from devices.roster import Device, DeviceKind
from protocols.codes import EbmId, ResourceCode
from protocols.signature import SignatureBlock

EBM = EbmId("43411230000000101010101202510090001")
OTHER_EBM = EbmId("43411230000000101010101202510090002")
COUNTY_ADAPTER = ResourceCode("43411230000000314010201")
VILLAGE = ResourceCode("63411230010010314010400")
CERTIFICATE = bytes.fromhex("000000000201")
HOUR_S = 3600


def terminal_code(number: int) -> ResourceCode:
    """Terminals of villages, 99 in each."""
    village, serial = divmod(number - 1, 99)
    return ResourceCode(f"6341123001{village + 1:03d}0314010{4}{serial + 1:02d}")


def phys_of(number: int) -> str:
    """Its physical address."""
    return f"2048{number:08d}"


def terminal_device(number: int, path: Path = Path.IP) -> Device:
    """Its row in the inventory."""
    return Device(DeviceKind.TERMINAL, terminal_code(number), phys_of(number), f"t{number}", paths=(path,))


def adapter_code(number: int) -> ResourceCode:
    """Adapters of towns."""
    return ResourceCode(f"5341123{number:03d}0000314010201")


def adapter_device(number: int) -> Device:
    """Its row in the inventory."""
    return Device(DeviceKind.ADAPTER, adapter_code(number), "", f"a{number}", host="10.0.0.1", port=8000 + number)


def start(
    *members: ResourceCode,
    ebm_id: EbmId = EBM,
    class_: int = 4,
    level: int = 1,
    end: float = 2**31,
    targets: tuple[ResourceCode, ...] = (VILLAGE,),
    text: str = "",
) -> Start:
    """A start for `members`."""
    audio = Audio("http://127.0.0.1:8088/a.mp3")
    return Start(ebm_id, class_, level, "11A01", 0, int(end), 80, targets, members, audio, text=text)


def stop(*members: ResourceCode, ebm_id: EbmId = EBM) -> Stop:
    """Its stop."""
    return Stop(ebm_id, 4, 1, "11A01", (VILLAGE,), members)


def ask(*members: ResourceCode) -> AskState:
    """A poll."""
    return AskState(members)


def set_clock(*members: ResourceCode) -> SetClock:
    """Another poll."""
    return SetClock(members)


class CountingSigner:
    """`devices.ports.Sign` that counts; its signatures say only that they are there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.count = 0
        self.last = b""
        """What it was asked to sign last."""

    def __call__(self, command: bytes) -> SignatureBlock:
        self.count += 1
        self.last = command
        return SignatureBlock(int(self._clock.wall()), CERTIFICATE, self.count.to_bytes(64, "big"))


class Events(list[Event]):
    """A sink that keeps what it is told."""

    def sink(self, event: Event) -> None:
        self.append(event)

    def of(self, *kinds: type) -> list[Event]:
        """Only these, in order."""
        return [event for event in self if isinstance(event, kinds)]


def ports(clock: Clock, network: Network, rng: random.Random, sign: CountingSigner) -> Ports:
    """Everything a driver is given."""
    return Ports(clock, rng, network, sign)
