"""Packages as a province makes them, whole or wrong in one chosen way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from protocols.codes import AreaCode, EbdId
from protocols.ebd import (
    Detail,
    Ebd,
    Edition,
    Envelope,
    SignatureFile,
    encode,
    encode_signature,
    pack,
    package_name,
    unpack,
)
from protocols.ebd.messages import (
    Auxiliary,
    ConnectionCheck,
    EbdResponse,
    Ebm,
    EbmStateRequest,
    MsgBasicInfo,
    MsgContent,
    OmdRequest,
    ReportParams,
)
from protocols.ebd.result import ResultCode
from protocols.ebd.signature_xml import decode_signature
from protocols.sm2 import PrivateKey, sm3
from simulators.clock import Clock
from simulators.province_config import ProvinceConfig
from simulators.province_orders import Fault, Message

CANCEL = 2
AUDIO_MP3 = 2  # AuxiliaryType, platform.md 5.8
LATE_S = 3_600  # how old a captured, expired or stale package is
BEIJING = timedelta(hours=8)
_AREA = re.compile(rb"<AreaCode>[^<]*</AreaCode>")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A package ready to post. `ebm_id` "" where it is about none."""

    ebd_id: str
    ebm_id: str
    archive: bytes

    @property
    def file_name(self) -> str:
        """Name of the TAR."""
        return package_name(self.ebd_id)


class Composer:
    """Makes the province's packages; holds its counters.

    Counters begin at the time of the start, so that two runs of a province never give one number twice.
    """

    def __init__(self, config: ProvinceConfig, clock: Clock, forger: PrivateKey) -> None:
        self._config = config
        self._clock = clock
        self._forger = forger  # the key of somebody who has none of ours
        now = clock.wall()
        self._sequence = int(now * 1000)
        self._serial = int(now) % 86_400 // 10  # one every ten seconds of a day: 1-8,640

    def message(self, message: Message, sound: bytes | None) -> Parcel:
        """An EBM; `sound` is the MP3 that goes with it. Raises LocalProtocolError for what cannot be written."""
        ebd_id = self._next_id()
        ebm_id = message.ebmid or self._next_ebm_id(message.serial)
        made = int(self._clock.wall())
        if message.fault in (Fault.OLD_SIGTIME, Fault.STALE_EBDTIME):
            made -= LATE_S
        resources = {} if sound is None else {f"EBDR_{ebd_id}.mp3": sound}
        detail = self._ebm(message, ebm_id, made, resources)
        xml = self._written(Ebd(self._envelope(ebd_id, made, fault=message.fault), detail))
        if message.fault is Fault.NO_AREA:
            xml = _AREA.sub(b"", xml)
        elif message.fault is Fault.EMPTY_AREA:
            xml = _AREA.sub(b"<AreaCode></AreaCode>", xml)
        signed = int(self._clock.wall()) if message.fault is Fault.STALE_EBDTIME else made
        key = self._forger if message.fault is Fault.WRONG_SIGNATURE else self._config.key
        signature = self._signature(ebd_id, xml, signed, key)
        if message.fault is Fault.TAMPERED:
            xml = xml.replace(b"</MsgTitle>", "！</MsgTitle>".encode())
        without = message.fault is Fault.UNSIGNED
        return Parcel(ebd_id, ebm_id, pack(xml, None if without else signature, resources))

    def state_request(self, ebm_id: str) -> Parcel:
        """EBMStateRequest."""
        return self.document(EbmStateRequest(ebm_id), ebm_id)

    def omd_request(self, omd_type: str, report: str) -> Parcel:
        """OMDRequest."""
        return self.document(OmdRequest(omd_type, ReportParams(type=report) if report else None))

    def heartbeat(self) -> Parcel:
        """ConnectionCheck, unsigned as its receivers take it (platform.md 6.8)."""
        ebd_id = self._ebd_id(EbdId.HEARTBEAT, 0)
        now = int(self._clock.wall())
        xml = self._written(Ebd(self._envelope(ebd_id, now), ConnectionCheck(now)))
        return Parcel(ebd_id, "", pack(xml))

    def receipt(self, code: ResultCode, desc: str, answered: Envelope | None) -> Parcel:
        """EBDResponse to a package of the county; `answered` None where its envelope could not be read."""
        related = None if answered is None else answered.ebd_id
        told = "".join(c if c.isprintable() else "?" for c in desc)  # may quote bytes of the peer that XML cannot carry
        return self.document(EbdResponse(code, told), related=related)

    def document(self, detail: Detail, ebm_id: str = "", *, related: str | None = None) -> Parcel:
        """Any other signed package; `related` is the package number it answers."""
        ebd_id = self._next_id()
        now = int(self._clock.wall())
        xml = self._written(Ebd(self._envelope(ebd_id, now, related=related), detail))
        return Parcel(ebd_id, ebm_id, pack(xml, self._signature(ebd_id, xml, now, self._config.key)))

    def patched(self, parcel: Parcel) -> Parcel:
        """What a thief can do with captured bytes: write the current time over the signature's, resigning nothing."""
        package = unpack(parcel.archive)
        if package.signature_xml is None:
            return parcel
        file = decode_signature(package.signature_xml)
        block = int(self._clock.wall()).to_bytes(4, "big") + file.block[4:]
        signature = encode_signature(replace(file, block=block))
        return replace(parcel, archive=pack(package.xml, signature, package.resources))

    # ---- parts -------------------------------------------------------------------------------------------------

    def _ebm(self, message: Message, ebm_id: str, made: int, resources: Mapping[str, bytes]) -> Ebm:
        start = int(self._clock.wall() + message.start_in_s)
        if message.fault is Fault.EXPIRED:
            start = int(self._clock.wall() - LATE_S - message.duration_s)
        basic = MsgBasicInfo(message.msg_type, self._config.name, self._config.code, made)
        if message.msg_type == CANCEL:
            return Ebm(ebm_id, basic, related_ebm_id=message.related or None)
        basic = replace(
            basic,
            event_type=message.event_type,
            severity=message.severity,
            start_time=start,
            end_time=int(start + message.duration_s),
        )
        areas = message.areas or (self._config.county.area,)
        if message.fault is Fault.AREAS_OUTSIDE:
            areas = (another_county(self._config.county.area),)
        sounds = tuple(Auxiliary(AUDIO_MP3, name, len(data), sm3(data).hex()) for name, data in resources.items())
        content = MsgContent("zho", message.title, message.text, tuple(areas), auxiliaries=sounds)
        return Ebm(ebm_id, basic, (content,), related_ebm_id=message.related or None)

    def _envelope(self, ebd_id: str, made: int, *, fault: Fault = Fault.NONE, related: str | None = None) -> Envelope:
        county = self._config.county
        destination: str = county.code
        if fault is Fault.DEST:
            at = 1 if self._config.edition is Edition.Y2018 else 4  # where the area stands in a code
            destination = f"{county.code[:at]}{another_county(county.area)}{county.code[at + 12 :]}"
        return Envelope(
            ebd_id=ebd_id,
            ebd_type="",
            source=self._config.code,
            time=made,
            source_url=self._config.url,
            destination=destination,
            related_ebd_id=related,
        )

    def _signature(self, ebd_id: str, xml: bytes, time: int, key: PrivateKey) -> bytes:
        value = key.sign(self._config.sign_profile.signed(xml, time))
        block = time.to_bytes(4, "big") + self._config.certificate + value
        return encode_signature(SignatureFile(block, related_ebd_id=ebd_id, form=self._config.edition))

    def _written(self, ebd: Ebd) -> bytes:
        return encode(ebd, edition=self._config.edition)

    def _next_id(self) -> str:
        self._sequence += 1
        return self._ebd_id(EbdId.MESSAGE, self._sequence)

    def _ebd_id(self, kind: str, sequence: int) -> str:
        """Kind, sender and sixteen digits, in both editions (platform.md 4.2, 4.5)."""
        return f"{kind}{self._config.code}{sequence:016d}"

    def _next_ebm_id(self, serial: int | None) -> str:
        if serial is None:
            self._serial = self._serial % 9_999 + 1
            serial = self._serial
        date = (datetime.fromtimestamp(self._clock.wall(), UTC) + BEIJING).strftime("%Y%m%d")
        return f"{self._config.code}{date}{serial:04d}"  # in both editions (platform.md 4.3, 4.5)


def another_county(area: AreaCode) -> AreaCode:
    """A county of the same city that is not this one."""
    return AreaCode(f"{area[:4]}{int(area[4:6]) % 98 + 1:02d}000000")
