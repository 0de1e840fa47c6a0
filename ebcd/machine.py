"""What `ebcd doctor` can see of the machine. Each field is one question, so that tests can answer them."""

from __future__ import annotations

import importlib.util
import os
import platform
import resource
import shutil
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from protocols import sm2
from protocols.errors import LocalProtocolError

COMMAND_TIMEOUT_S = 3.0
CONNECT_TIMEOUT_S = 1.0


def _which(program: str) -> str | None:
    """Also where Debian puts servers, which is not on the path of a person."""
    folders = [os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"]
    return shutil.which(program, path=os.pathsep.join(folders))


def _has_module(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _sm2() -> str | None:
    try:
        return sm2.implementation()
    except LocalProtocolError:
        return None


def _listen_error(host: str, port: int) -> str | None:
    """Why nobody can listen there, None where it is free."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen(1)
    except OSError as error:
        return error.strerror or str(error)
    return None


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S):
            return True
    except OSError:
        return False


def _socket_answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(CONNECT_TIMEOUT_S)
            probe.connect(os.fspath(path))
    except OSError:
        return False
    return True


def _clock_synchronised() -> bool | None:
    """None where no service of the system can say."""
    services = (
        (("timedatectl", "show", "--property=NTPSynchronized", "--value"), "yes"),
        (("chronyc", "tracking"), ": normal"),  # "Leap status     : Normal", else "Not synchronised"
    )
    for command, yes in services:
        if shutil.which(command[0]) is None:
            continue
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return yes in done.stdout.lower()
    return None


def _serial_ports() -> list[tuple[str, bool]]:
    return [(port.device, os.access(port.device, os.R_OK | os.W_OK)) for port in list_ports.comports()]


def _free_bytes(folder: Path) -> int:
    """Room on the disk that holds `folder`, or its nearest parent that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Machine:
    """The questions."""

    python: Callable[[], str] = platform.python_version
    which: Callable[[str], str | None] = _which
    has_module: Callable[[str], bool] = _has_module
    sm2: Callable[[], str | None] = _sm2
    listen_error: Callable[[str, int], str | None] = _listen_error
    answers: Callable[[str, int], bool] = _answers
    socket_answers: Callable[[Path], bool] = _socket_answers
    clock_synchronised: Callable[[], bool | None] = _clock_synchronised
    serial_ports: Callable[[], list[tuple[str, bool]]] = _serial_ports
    open_files_limit: Callable[[], int] = lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    free_bytes: Callable[[Path], int] = _free_bytes
