"""Addresses that adapters offer for their sound: which are streamed to, and why others are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.maintenance import HostPort
from devices.push_address import PushRefused, PushRule

RULE = PushRule.of(1024, 65535, ())


@pytest.mark.clause("GD/J 089 table A.32")
@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("rtp://10.1.1.9:6000", "10.1.1.9"),
        ("RTP://10.1.1.9:6000/", "10.1.1.9"),
        ("rtp://@10.1.1.9:6000", "10.1.1.9"),
        (" rtp://10.1.1.9:6000\0\0", "10.1.1.9"),
        ("rtp://Town-7.example:6000", "Town-7.example"),
    ],
)
def test_an_address_of_the_network_or_the_adapters_own_host_is_used(url: str, host: str) -> None:
    assert RULE.receiver(url, "town-7.example") == HostPort(host, 6000)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "push-address"),
        ("http://10.1.1.9:6000", "push-address"),
        ("udp://10.1.1.9:6000", "push-address"),
        ("rtp://10.1.1.9", "push-address"),
        ("rtp://10.1.1.9:6000/a", "push-address"),
        ("rtp://user@10.1.1.9:6000", "push-address"),
        ("rtp://10.1.1.9:6000 rtp://10.1.1.8:6000", "push-address"),
        ("rtp://10.1.1.9:６000", "push-address"),
        ("rtp://10.1.1.009:6000", "push-address"),
        ("rtp://10.1.1:6000", "push-address"),
        ("rtp://elsewhere.example:6000", "push-address"),
        ("rtp://[fe80::1]:6000", "push-address"),
        ("rtp://10.1.1.9:53", "push-port"),
        ("rtp://10.1.1.9:0", "push-port"),
        ("rtp://10.1.1.9:65536", "push-port"),
        ("rtp://127.0.0.1:6000", "push-forbidden"),
        ("rtp://239.1.1.10:5004", "push-forbidden"),
        ("rtp://255.255.255.255:5004", "push-forbidden"),
        ("rtp://0.0.0.0:5004", "push-forbidden"),
        ("rtp://0.1.2.3:5004", "push-forbidden"),
        ("rtp://240.0.0.1:5004", "push-forbidden"),
    ],
)
def test_anything_else_is_refused_by_name(url: str, reason: str) -> None:
    with pytest.raises(PushRefused) as refused:
        RULE.receiver(url, "town-7.example")
    assert refused.value.reason == reason


def test_networks_that_the_configuration_names_are_streamed_to() -> None:
    rule = PushRule.of(5000, 5010, ("127.0.0.0/8", "239.1.0.0/16"))
    assert rule.receiver("rtp://127.0.0.1:5004", "") == HostPort("127.0.0.1", 5004)
    assert rule.receiver("rtp://239.1.1.10:5010", "") == HostPort("239.1.1.10", 5010)
    for url in ("rtp://239.2.1.10:5004", "rtp://127.0.0.1:5011"):
        with pytest.raises(PushRefused):
            rule.receiver(url, "")


@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_is_an_address_or_refused(url: str, host: str) -> None:
    for offered in (url, f"rtp://{url}:6000"):
        try:
            to = RULE.receiver(offered, host)
        except PushRefused:
            continue
        assert 1024 <= to.port <= 65535
