"""systemd is told when the daemon is ready."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from ebcd.systemd import notify


@pytest.mark.real
@pytest.mark.parametrize("abstract", [False, True])
def test_the_state_arrives_at_the_managers_socket(tmp_path: Path, *, abstract: bool) -> None:
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}" if abstract else name)
        assert notify("READY=1", {"NOTIFY_SOCKET": f"@{name}" if abstract else name})
        assert manager.recv(64) == b"READY=1"


def test_without_a_manager_nothing_happens() -> None:
    assert not notify("READY=1", {})


@pytest.mark.real
def test_a_manager_that_is_gone_does_not_stop_the_daemon(tmp_path: Path) -> None:
    assert not notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "gone")})
