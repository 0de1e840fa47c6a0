"""The link to an ordinary station's RDS encoder: UECP, or lines of text, over a serial line or TCP (rds-uecp.md B, C).

Around alerts it tells car radios what the loudspeakers sound: PTY 31, TA and RadioText while an alert runs, the
station's own signs before and after. It is for transmitters whose subcarrier does not carry the emergency frames of
GD/J 085. What it has in common with other encoders is in `devices.encoder_link`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from devices.encoder_link import Announces, Dialogue, EncoderLink, OpenSerial
from devices.link import EventSink
from devices.ports import Ports
from devices.rds_ascii import AsciiDialogue
from devices.rds_dialogue import UecpDialogue
from devices.rds_station import ANNOUNCED, Look, Station, first_of
from devices.roster import Roster
from devices.serial_line import open_serial
from protocols.codes import ResourceCode
from protocols.errors import LocalProtocolError
from protocols.uecp.control import Mode
from protocols.uecp.profile import PROFILES
from protocols.uecp.session import Session, Timing

ASCII: Final = "ascii"
MODES: Final = {"one_way": Mode.ONE_WAY, "requested": Mode.REQUESTED, "spontaneous": Mode.SPONTANEOUS}


@dataclass(frozen=True, slots=True)
class RdsEncoderConfig:
    """One [[links]] table of type `rds_encoder`."""

    name: str
    serial: str = ""
    """Device of the serial line, such as /dev/ttyS0; empty: TCP."""
    baud: int = 9600
    host: str = ""
    """Address of an encoder on TCP; empty: that of the transmitter in the inventory."""
    port: int = 5570
    transmitter: str = ""
    """Resource code of the station's transmitter. Only alerts that cover its whole area are announced then, because RDS
    reaches everybody who hears the carrier; empty: all alerts are. Never one that an `fm_transmitter` link drives."""
    profile: Literal["weak", "full", "ascii"] = "weak"
    """weak: UECP, never answers, one element a frame, at most three groups ahead of the air (FMUSER and Pira family, in
    which UECP is off until somebody sends UECP=1). full: UECP with answers. ascii: lines of text, for the same family
    as it comes from the factory."""
    mode: Literal["one_way", "requested", "spontaneous"] = "one_way"
    """Who speaks. One way: what was written counts as sent; otherwise only what the encoder acknowledged does."""
    site: int = 0
    encoder: int = 0
    ps: str = ""
    """The station's name; empty: it is never touched."""
    pty: int = 0
    tp: bool = False
    radio_text: str = ""
    """The station's own; empty: none."""
    alert_ps: str = ""
    alert_text: str = "EMERGENCY BROADCAST"
    """RadioText of an alert whose own text has characters that RDS lacks."""
    repeat_period_s: float = 60.0
    """Everything is told again this often, for an encoder that was switched off and on. 0: never."""
    ack_timeout_s: float = 2.0
    attempts: int = 3
    connect_timeout_s: float = 5.0
    reconnect_first_s: float = 0.5
    reconnect_last_s: float = 15.0
    unsent_bytes_max: int = 4096
    alerts_max: int = 64

    def __post_init__(self) -> None:
        """Raises LocalProtocolError for texts RDS cannot carry and a mode the encoder does not have; InvalidCode."""
        station_of(self)
        if self.transmitter:
            ResourceCode(self.transmitter)
        if self.profile != ASCII:
            Session(PROFILES[self.profile], MODES[self.mode])
        elif self.mode != "one_way":
            raise LocalProtocolError("encoders of profile ascii never answer; use mode one_way")

    @property
    def commands(self) -> bool:
        """False: it is no path to any terminal, so the planner does not count on it."""
        return False


def station_of(config: RdsEncoderConfig) -> Station:
    """The station's signs."""
    texts = (config.alert_ps, config.alert_text)
    return Station(config.ps, config.pty, config.tp, config.radio_text, *texts, ascii_only=config.profile == ASCII)


def dialogue_of(config: RdsEncoderConfig) -> Dialogue[Look]:
    """In the language of the encoder."""
    if config.profile == ASCII:
        return AsciiDialogue(config.repeat_period_s)
    session = Session(
        PROFILES[config.profile],
        MODES[config.mode],
        site=config.site,
        encoder=config.encoder,
        timing=Timing(config.ack_timeout_s, config.attempts),
    )
    return UecpDialogue(session, config.repeat_period_s)


class RdsEncoder(EncoderLink[Look]):
    """The driver. See `devices.link.Link`."""

    def __init__(
        self,
        config: RdsEncoderConfig,
        ports: Ports,
        sink: EventSink,
        roster: Roster,
        open_line: OpenSerial = open_serial,
    ) -> None:
        station = station_of(config)
        announces = Announces(
            classes=ANNOUNCED,
            look=lambda alerts: station.look(first_of(alerts)),
            area=ResourceCode(config.transmitter).area if config.transmitter else None,
            otherwise="a message of this class is not announced over ordinary RDS",
        )

        def address() -> tuple[str, int] | None:
            transmitter = roster.by_code(config.transmitter) if config.transmitter else None
            return None if transmitter is None else (transmitter.host, transmitter.port)

        super().__init__(config, ports, sink, dialogue_of(config), announces, open_line, address)
