"""Every entry point that takes bytes from outside, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from protocols.uecp.frame import MESSAGE_BYTES_MAX
from tests.fuzz import seeds, seeds_field
from tests.fuzz.properties import Run
from tests.fuzz.targets import files, ip_frames, later, networks, ordinary_rds, platform, subcarrier, trust

Seeds = Callable[[], Iterable[bytes]]
SIZE_MAX = 4_096
"""Bytes of one input where nothing else is said: larger ones are slower, and find the same."""


@dataclass(frozen=True, slots=True)
class Target:
    """One door. `run` must return for any bytes; what leaves it is a finding. `seeds` are good ones to begin with."""

    name: str
    run: Run
    seeds: Seeds
    size_max: int = SIZE_MAX


TARGETS = (
    Target("adapter_stream", ip_frames.adapter_stream, seeds.adapter_streams),
    Target("adapter_frame", ip_frames.adapter_frame, seeds.adapter_frames, 1_024),
    Target("adapter_body", ip_frames.adapter_body, seeds.adapter_bodies, 1_024),
    Target("terminal_stream", ip_frames.terminal_stream, seeds.terminal_streams),
    Target("terminal_frame", ip_frames.terminal_frame, seeds.terminal_frames, 1_024),
    Target("terminal_data", ip_frames.terminal_data, seeds.terminal_data, 1_024),
    Target("fm_packet", subcarrier.fm_packet, seeds.fm_packets, 1_300),
    Target("fm_content", subcarrier.fm_content, seeds.fm_contents, 1_300),
    Target("fm_frame", subcarrier.fm_frame, seeds.fm_frames, 16),
    Target("fm_reassembly", subcarrier.fm_reassembly, seeds.fm_heard),
    Target("fm_bits", subcarrier.fm_bits, seeds.fm_bits, 1_024),
    Target("fm_samples", subcarrier.fm_samples, seeds.fm_samples, 8_192),
    Target("fm_recording", subcarrier.fm_recording, seeds.fm_recordings, 8_192),
    Target("rds_group", ordinary_rds.rds_group, seeds.rds_groups, 64),
    Target("rds_on_air", ordinary_rds.rds_on_air, seeds.rds_on_air, 32),
    Target("uecp_stream", ordinary_rds.uecp_stream, seeds.uecp_streams, 2_048),
    Target("uecp_frame", ordinary_rds.uecp_frame, seeds.uecp_frames, 600),
    Target("uecp_message", ordinary_rds.uecp_message, seeds.uecp_messages, MESSAGE_BYTES_MAX),
    Target("uecp_session", ordinary_rds.uecp_session, seeds.uecp_streams, 1_024),
    Target("signature_block", trust.signature_block, seeds.signature_blocks, 128),
    Target("certificate", trust.certificate, seeds.certificates, 256),
    Target("authorisation_list", trust.authorisation_list, seeds.lists, 1_700),
    Target("public_key", trust.public_key, seeds.public_keys, 256),
    Target("private_key", trust.private_key, seeds.private_keys, 1_024),
    Target("ebd_tar", platform.ebd_tar, seeds.archives, 16_384),
    Target("ebd_package", platform.ebd_package, seeds.archives, 16_384),
    Target("ebd_multipart", platform.ebd_multipart, seeds.bodies, 16_384),
    Target("ebd_envelope", platform.ebd_envelope, seeds.documents),
    Target("ebd_2018", platform.ebd_2018, seeds.documents),
    Target("ebd_2016", platform.ebd_2016, seeds.documents),
    Target("ebd_information", platform.ebd_information, seeds.information_bodies),
    Target("ebd_signature", platform.ebd_signature, seeds.signature_files),
    Target("ebd_receipt", platform.ebd_receipt, seeds.documents),
    Target("cap_warning", platform.cap_warning, seeds.warnings),
    Target("http_head", networks.http_head, seeds.http_heads, 2_048),
    Target("media_head", networks.media_head, seeds.http_heads, 2_048),
    Target("mqtt_topic", networks.mqtt_topic, seeds.topics, 128),
    Target("mqtt_payload", networks.mqtt_payload, seeds.mqtt_payloads, 256),
    Target("mqtt_packets", networks.mqtt_packets, seeds.mqtt_packets, 1_024),
    Target("rtp_datagram", networks.rtp_datagram, seeds.rtp_datagrams, 256),
    Target("mpeg_audio", networks.mpeg_audio, seeds_field.mpeg_frames, 2_048),
    Target("text_message", networks.text_message, seeds_field.text_messages, 400),
    Target("mqtt_mirror", later.mqtt_mirror, seeds.mirrors, 2_048),
    Target("mqtt_vendor", later.mqtt_vendor, seeds.vendor_messages, 1_024),
    Target("mqtt_object", later.mqtt_object, seeds.mirrors, 2_048),
    Target("mqtt_profile", later.mqtt_profile, seeds.mqtt_profiles, 16_384),
    Target("exception_file", later.exception_file, seeds.exception_files, 2_048),
    Target("draft_frame", later.draft_frame, seeds.draft_frames, 1_024),
    Target("draft_stream", later.draft_stream, seeds.draft_frames),
    Target("village_stream", later.village_stream, seeds.village_writes, 1_024),
    Target("village_payload", later.village_payload, seeds.village_writes, 32),
    Target("recording", later.recording, seeds.fm_recordings),
    Target("legacy", later.legacy, seeds.village_writes, 64),
    Target("config_toml", files.config_toml, seeds.configurations),
    Target("inventory", files.inventory, seeds.inventories, 16_384),
    Target("roster", files.roster, seeds_field.rosters, 16_384),
    Target("api_body", files.api_body, seeds.api_bodies),
    Target("capture", files.capture, seeds_field.captures),
    Target("decode_any", files.decode_any, seeds.everything, 2_048),
    Target("decode_as", files.decode_as, seeds.everything, 1_024),
    Target("decode_text", files.decode_text, seeds.arguments, 2_048),
)


def _broken(data: bytes) -> None:
    """A door with a fault behind a mark and a number, as parsers have them."""
    if data[:2] == b"\xfe\xfd" and len(data) > 3:
        assert len(data) // (data[3] - 7) < SIZE_MAX


ITSELF = Target("itself", _broken, lambda: (b"\xfe\xfd\x00\x00",), 16)
"""Not a door of ours: what the fuzzer must find, or it is broken."""
