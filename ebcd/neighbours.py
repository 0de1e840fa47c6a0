"""Links that share a path: each device is commanded over one of them.

A county has adapters or terminals of several makers, whose links differ in what the standard leaves open (time base,
numbering of types, signed bytes). An adapter belongs to the link that names it, or to the one that names none; a
terminal to the listener on which it is connected. (MQTT has the column of the inventory, FM its transmitters.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from devices.adapter_tcp import AdapterTcp, AdapterTcpConfig
from devices.link import Link
from devices.roster import Roster
from devices.terminal_tcp import TerminalTcp
from ebcd.errors import Problem


def acquaint(links: Sequence[Link]) -> None:
    """Tell the links of one path what is the others' business. They must be those that carry commands."""
    named = frozenset(code for link in links if isinstance(link, AdapterTcp) for code in link.named)
    listeners = [link for link in links if isinstance(link, TerminalTcp)]
    for link in links:
        if isinstance(link, AdapterTcp):
            link.elsewhere = named.__contains__
        elif isinstance(link, TerminalTcp):
            others = [other for other in listeners if other is not link]
            link.elsewhere = lambda code, others=others: any(other.holds(code) for other in others)  # type: ignore[misc]


def adapter_problems(configs: Sequence[tuple[int, AdapterTcpConfig]], roster: Roster, file: str) -> Iterator[Problem]:
    """Adapters that two links would command or none, of the links with their numbers in the file. One that is told a
    start twice, in two dialects, may take the second for a change of its time."""
    open_to_all = [(number, config.name) for number, config in configs if not config.adapters]
    for number, _ in open_to_all[1:]:
        yield Problem(file, f"links[{number}].adapters", "", "adapters_unsaid", {"other": open_to_all[0][1]})
    times = Counter(code for _, config in configs for code in config.adapters)
    known = {str(device.code) for device in roster.adapters}
    for number, config in configs:
        for code in dict.fromkeys(config.adapters):
            if times[code] > 1:
                yield Problem(file, f"links[{number}].adapters", repr(code), "adapter_twice")
            if code not in known:
                yield Problem(file, f"links[{number}].adapters", repr(code), "adapter_unknown")
    unserved = [str(device.code) for device in roster.adapters if str(device.code) not in times]
    if configs and not open_to_all and unserved:
        yield Problem(file, "links", "", "adapter_no_link", {"count": len(unserved), "first": unserved[0]})
