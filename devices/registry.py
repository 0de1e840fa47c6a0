"""Link type in the configuration -> the driver and the dataclass of its TOML table.

Modules are named here and imported when a type is asked for, so that a daemon without FM never loads FM.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from devices.link import EventSink, Link, Path
from devices.ports import Ports
from devices.roster import Roster


class UnknownLinkType(LookupError):
    """The configuration names a type that no driver has."""


@dataclass(frozen=True, slots=True)
class LinkType:
    """One kind of link.

    `path`: on which it commands terminals; None where its table says so. `listens`: the pairs of keys (address, port)
    on which it takes connections.
    """

    name: str
    module: str
    driver_name: str
    config_name: str
    path: Path | None = None
    listens: tuple[tuple[str, str], ...] = ()

    def config(self) -> type[Any]:
        """The frozen dataclass whose fields are the keys of a [[links]] table of this type."""
        return cast(type[Any], getattr(importlib.import_module(self.module), self.config_name))

    def build(self, config: object, ports: Ports, sink: EventSink, roster: Roster) -> Link:
        """A link, not yet running."""
        driver = getattr(importlib.import_module(self.module), self.driver_name)
        return cast(Link, driver(config, ports, sink, roster))


LINK_TYPES: Mapping[str, LinkType] = MappingProxyType(
    {
        each.name: each
        for each in (
            LinkType(
                "adapter_tcp",
                "devices.adapter_tcp",
                "AdapterTcp",
                "AdapterTcpConfig",
                path=Path.ADAPTER,
                listens=(("report_host", "report_port"),),
            ),
            LinkType(
                "terminal_tcp", "devices.terminal_tcp", "TerminalTcp", "TerminalTcpConfig", listens=(("host", "port"),)
            ),
            LinkType("cellular_mqtt", "devices.cellular_mqtt", "CellularMqtt", "CellularMqttConfig", path=Path.MQTT),
            LinkType("fm_transmitter", "devices.fm_transmitter", "FmTransmitter", "FmTransmitterConfig", path=Path.FM),
            LinkType("fm_adapter", "devices.fm_adapter", "FmAdapter", "FmAdapterConfig", path=Path.FM),
            # These two reach no terminal.
            LinkType("rds_encoder", "devices.rds_encoder", "RdsEncoder", "RdsEncoderConfig"),
            LinkType("village_encoder", "devices.village_encoder", "VillageEncoder", "VillageEncoderConfig"),
        )
    }
)


def link_type(name: str) -> LinkType:
    """The kind of link called `name`. Raises UnknownLinkType, which lists the choices."""
    try:
        return LINK_TYPES[name]
    except KeyError:
        raise UnknownLinkType(f"link type {name!r} is unknown; use {', '.join(LINK_TYPES)}") from None
