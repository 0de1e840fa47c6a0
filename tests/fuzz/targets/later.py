"""Doors that came with the MQTT profiles, exceptions from SM2, the older draft and the old village encoders."""

from __future__ import annotations

from devices import mqtt_profiles
from ebcd.cli.recordings import BadRecording, read_recording
from ebcd.signing import exception_record
from protocols.errors import RemoteProtocolError
from protocols.fm import village
from protocols.mqtt import json_text, mirror, vendor
from protocols.terminal import draft
from protocols.terminal.legacy import foreign_frame
from tests.fuzz.properties import comes_back, decodes, streams
from tests.fuzz.targets.ip_frames import SMALL_BYTES_MAX

PENDING_BYTES_MAX = 2_048
FRAMES_MAX = 1_000_000

village_stream = streams(village.Deframer, PENDING_BYTES_MAX)
village_payload = comes_back(village.decode_payload, village.encode_payload)
draft_stream = streams(lambda: draft.Deframer(SMALL_BYTES_MAX), SMALL_BYTES_MAX)
draft_frame = comes_back(draft.decode, draft.encode)
mqtt_mirror = comes_back(mirror.decode, mirror.encode)
_VENDORS = tuple(profile.vendor for name in ("p6", "mw") if (profile := mqtt_profiles.load(name)).vendor is not None)


def mqtt_vendor(data: bytes) -> None:
    """A topic, a zero byte, a payload: what a vendor's terminal tells."""
    topic, _, payload = data.partition(b"\0")
    for each in _VENDORS:
        decodes(lambda body, each=each: vendor.decode(each, topic.decode("latin-1"), body))(payload)  # type: ignore[misc]


mqtt_object = comes_back(json_text.read_object, json_text.write_object, may_refuse=True)  # what is longer when escaped


def mqtt_profile(data: bytes) -> None:
    """A profile's file: the profile, or its flaws."""
    profile, flaws = mqtt_profiles.read_file("own.toml", data)
    assert (profile is None) == bool(flaws)


def exception_file(data: bytes) -> None:
    """An exception from SM2, its signature not judged, or a reason against it; anything may stand below its head."""
    for content in (data, exception_record.FIRST_LINE.encode() + b"\n" + data):
        try:
            record = exception_record.read(content)
        except exception_record.NoException:
            continue
        assert record.signature is not None
        assert content.startswith(record.signed)


def recording(data: bytes) -> None:
    """A RIFF file, whatever its chunks say."""
    try:
        found = read_recording(data)
    except BadRecording:
        return
    for channel in range(min(found.channels, 2)):
        assert sum(len(block) for block in found.blocks(channel)) <= len(data)


def legacy(data: bytes) -> None:
    """Named or not."""
    try:
        foreign_frame(data)
    except RemoteProtocolError:
        return
