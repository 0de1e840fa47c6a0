"""Which head-ends and transmitters had a part in an alert, and how each of them fared (GD/J 083 ResBrdInfo). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from devices.link import Path
from ebcd.lifecycle import CONFIRMED_STATES, PENDING_STATES
from ebcd.reporting import BrdState
from ebcd.state import AlertRecord, Remains
from protocols.codes import ResourceCode
from protocols.ebd.messages import DeviceBroadcast, ResourceBroadcast
from protocols.ebd.values import BroadcastParameter, format_broadcast_parameters

RESOURCES_MAX = 100
"""Head-ends and transmitters named in one document; those that did badly come first."""
FREQUENCY_KHZ = "3"
BADLY = (BrdState.FAILED, BrdState.CANCELLED, BrdState.WAITING, BrdState.ON_AIR, BrdState.DONE)


@dataclass(frozen=True, slots=True)
class Transmitter:
    """One that our FM orders go to. `up`: whether its link works now, which is all that is known of it; `tried`:
    whether even that is known, which it is not in the first moments after a start."""

    code: ResourceCode
    frequency_khz: int
    up: bool
    tried: bool = True


@dataclass(frozen=True, slots=True)
class Share:
    """One head-end's or transmitter's part."""

    code: str
    state: BrdState
    confirmed: int
    targeted: int
    transmits: bool = False  # a transmitter, not an adapter
    frequency_khz: int = 0


@dataclass(frozen=True, slots=True)
class Sharing:
    """All parts, those that did badly first. `station_of`: the head-end a device belongs to."""

    shares: tuple[Share, ...]
    begun: int = 0  # UTC seconds
    over: int | None = None
    station_of: Callable[[ResourceCode], str | None] = lambda code: None

    @property
    def adapters(self) -> int:
        """How many head-ends took part."""
        return sum(not share.transmits for share in self.shares)

    @property
    def transmitters(self) -> int:
        """How many transmitters took part."""
        return len(self.shares) - self.adapters

    def items(self, at_s: float, resources_max: int = RESOURCES_MAX) -> tuple[ResourceBroadcast, ...]:
        """As ResBrdItem, so many at most."""
        return tuple(self._item(share, int(at_s)) for share in self.shares[:resources_max])

    def _item(self, share: Share, at: int) -> ResourceBroadcast:
        info = ""
        if share.transmits:
            info = format_broadcast_parameters(
                (BroadcastParameter(share.code, FREQUENCY_KHZ, str(share.frequency_khz or "")),)
            )
        device = DeviceBroadcast(
            rpt_time=at,
            info=info,
            start_time=self.begun,
            end_time=self.over,
            state_code=share.state,
            state_desc="" if share.transmits else f"{share.confirmed}/{share.targeted}",
        )
        adapter = None if share.transmits else share.code
        return ResourceBroadcast(station=self.station_of(ResourceCode(share.code)), adapter=adapter, devices=(device,))


NOBODY = Sharing(())


class Sharers:
    """Finds the parts; remembers which adapter drives which terminal, since an alert asks it of all of them."""

    def __init__(
        self,
        adapter_of: Callable[[ResourceCode], ResourceCode | None],
        transmitters: Callable[[], Sequence[Transmitter]] = lambda: (),
        station_of: Callable[[ResourceCode], str | None] = lambda code: None,
        success_ratio: float = 0.7,
    ) -> None:
        self._adapter_of = adapter_of
        self._transmitters = transmitters
        self._station_of = station_of
        self._success_ratio = success_ratio
        self._known: dict[ResourceCode, ResourceCode | None] = {}

    def forget(self) -> None:
        """The inventory has changed."""
        self._known.clear()

    def of(self, record: AlertRecord, code: int) -> Sharing:
        """The parts in one alert whose BrdStateCode is `code`."""
        found = self.remains_of(record)
        shares = [
            Share(adapter, self._state(code, confirmed, pending, targeted), confirmed, targeted)
            for adapter, confirmed, pending, targeted in found.by_adapter
        ]
        if found.over_fm:
            shares += [self._transmitter(each, code, found.over_fm) for each in self._transmitters()]
        return Sharing(
            tuple(_worst_first(shares)),
            int(record.started_at) or record.alert.window.start,
            None if record.live else int(record.moved_at),
            self._station_of,
        )

    def remains_of(self, record: AlertRecord) -> Remains:
        """What was done through each head-end and over FM; O(deliveries) until they are let go."""
        if record.remains is not None:
            return record.remains
        parts: dict[ResourceCode, list[int]] = {}  # confirmed through it, pending, all
        over_fm = 0
        for delivery in record.deliveries.values():
            over_fm += Path.FM in delivery.tried
            if Path.ADAPTER not in delivery.tried:
                continue
            adapter = self.adapter_of(delivery.code)
            if adapter is None:
                continue
            part = parts.setdefault(adapter, [0, 0, 0])
            part[0] += delivery.state in CONFIRMED_STATES and delivery.path is Path.ADAPTER
            part[1] += delivery.state in PENDING_STATES and delivery.path is Path.ADAPTER
            part[2] += 1
        return Remains(
            tuple((adapter, there, pending, tried) for adapter, (there, pending, tried) in parts.items()), over_fm
        )

    def adapter_of(self, code: ResourceCode) -> ResourceCode | None:
        """The adapter that drives a terminal."""
        try:
            return self._known[code]
        except KeyError:
            adapter = self._known[code] = self._adapter_of(code)
            return adapter

    def _state(self, code: int, confirmed: int, pending: int, targeted: int) -> BrdState:
        if code == BrdState.CANCELLED:
            return BrdState.CANCELLED
        if code in (BrdState.DONE, BrdState.FAILED):
            return BrdState.DONE if confirmed >= self._success_ratio * targeted else BrdState.FAILED
        if confirmed:
            return BrdState.ON_AIR
        return BrdState.WAITING if pending else BrdState.FAILED

    def _transmitter(self, each: Transmitter, code: int, heard_by: int) -> Share:
        if code == BrdState.CANCELLED:
            state = BrdState.CANCELLED
        elif not each.up:
            state = BrdState.FAILED
        else:
            state = BrdState.DONE if code in (BrdState.DONE, BrdState.FAILED) else BrdState.ON_AIR
        return Share(each.code, state, 0, heard_by, transmits=True, frequency_khz=each.frequency_khz)


def _worst_first(shares: Iterable[Share]) -> list[Share]:
    return sorted(shares, key=lambda share: (BADLY.index(share.state), share.code))
