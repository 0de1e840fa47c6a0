"""What a terminal with other ways in does with the settings that its FM receiver has verified."""

from __future__ import annotations

from protocols import terminal as fefd
from protocols.adapter import DomainReturn, IpReturn, SmsReturn
from protocols.fm.configuration import ReturnAddress, ReturnMode, ReturnPeriod, ScanList, SetCode
from protocols.fm.daily import DailyVolume
from protocols.fm.emergency import FactoryReset, Reset
from protocols.fm.fields import VOLUME_UNCHANGED
from protocols.fm.packet import Content, Unknown
from simulators.terminal import Terminal


def obey(terminal: Terminal, content: Content | Unknown) -> None:
    """Keep what FEFD can ask for and set as well; the rest is the receiver's own."""
    match content:
        case ScanList(entries=entries) if entries:
            terminal.take_scan_list(entries)
        case SetCode(code=code):
            terminal.take_code(code)
        case ReturnAddress():
            terminal.return_to = _return_of(content)
        case ReturnPeriod(period_s=period_s):
            terminal.period_s = period_s
        case DailyVolume(volume=volume) if volume != VOLUME_UNCHANGED:
            terminal.volume = volume
        case Reset() | FactoryReset():
            terminal.registered = False
        case _:
            pass


def _return_of(address: ReturnAddress) -> fefd.ReturnTo | None:
    """Its modes have other numbers in parameter 03 (fm-rds.md section 10)."""
    text = str(address)
    if address.mode == ReturnMode.SMS:
        return fefd.ReturnTo(SmsReturn(text))
    host, _, port = text.rpartition(":")
    if address.mode == ReturnMode.IP:
        return fefd.ReturnTo(IpReturn(host, int(port)))
    return fefd.ReturnTo(DomainReturn(host, int(port))) if address.mode == ReturnMode.DOMAIN else None
