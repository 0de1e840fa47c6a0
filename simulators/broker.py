"""`python -m simulators broker --port P`: an MQTT 5 broker on loopback until stdin closes.

mosquitto where it is installed, with limits raised for a county; else the iotcore wheel (rumqttd) in a child process.
iotcore keeps nothing over a restart, unicast costs it time per subscriber, and with a log it writes a line per packet:
its class silences that logger, its command line does not. MQTT 5 has to be asked for in its configuration file.

Tells {"event": "ready", "engine": ..., "port": ...} when it accepts connections, {"event": "died"} if it ends alone.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"
CONNECTIONS_MAX = 19_000  # of 20,000 open files
PAYLOAD_BYTES_MAX = 1024 * 1024
SEGMENT_BYTES_MAX = 16 * 1024 * 1024
IN_FLIGHT_MAX = 1000
QUEUED_MAX = 100_000
START_LOOK_S = 0.05
START_LOOKS_MAX = 200  # ten seconds
WATCH_S = 0.5
STOP_LOOK_S = 1.0

Alive = Callable[[], bool]

MOSQUITTO = f"""\
listener {{port}} {HOST}
allow_anonymous true
persistence false
log_type error
max_connections {CONNECTIONS_MAX}
max_inflight_messages {IN_FLIGHT_MAX}
max_queued_messages {QUEUED_MAX}
message_size_limit {PAYLOAD_BYTES_MAX}
set_tcp_nodelay true
"""


IOTCORE = f"""\
id = 0
[router]
id = 0
max_connections = {CONNECTIONS_MAX}
max_outgoing_packet_count = 200
max_segment_size = {SEGMENT_BYTES_MAX}
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "{HOST}:{{port}}"
next_connection_delay_ms = 0
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {PAYLOAD_BYTES_MAX}
max_inflight_count = {IN_FLIGHT_MAX}
"""


def engine() -> str:
    """Which broker this machine has: mosquitto or iotcore."""
    return "mosquitto" if _mosquitto() else "iotcore"


@contextmanager
def broker(port: int) -> Iterator[Alive]:
    """A broker that accepts connections on loopback; gives a function that says whether it still runs.

    Raises OSError when the port is taken, RuntimeError when it does not come up.
    """
    with tempfile.TemporaryDirectory() as folder:
        if program := _mosquitto():
            with _run_mosquitto(program, Path(folder), port) as alive:
                yield alive
            return
        from iotcore import Broker  # only here: a machine with mosquitto needs no wheel

        config = Path(folder) / "iotcore.toml"
        config.write_text(IOTCORE.format(port=port), encoding="utf-8")
        with Broker(config_path=str(config)) as running:
            yield lambda: bool(running.is_running)


def _mosquitto() -> str | None:
    """Debian keeps it in /usr/sbin, which is not on everybody's PATH."""
    return shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


@contextmanager
def _run_mosquitto(program: str, folder: Path, port: int) -> Iterator[Alive]:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
    config = folder / "mosquitto.conf"
    config.write_text(MOSQUITTO.format(port=port), encoding="utf-8")
    child = subprocess.Popen([program, "-c", str(config)], stdin=subprocess.DEVNULL)
    try:
        for _ in range(START_LOOKS_MAX):
            if _accepts(port):
                break
            with suppress(subprocess.TimeoutExpired):
                child.wait(START_LOOK_S)
                raise RuntimeError(f"{program} ended at once; is {HOST}:{port} taken?")
        else:
            raise RuntimeError(f"{program} does not listen on {HOST}:{port}")
        yield lambda: child.poll() is None
    finally:
        while child.poll() is None:  # mosquitto forgets a signal that comes just before its main loop
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(STOP_LOOK_S)


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=0.2):
            return True
    except OSError:
        return False


def main(argv: Sequence[str]) -> int:
    """Run until stdin closes; 1 when the broker cannot start or dies."""
    parser = argparse.ArgumentParser(prog="python -m simulators broker")
    parser.add_argument("--port", type=int, default=1883)
    port: int = parser.parse_args(argv).port
    try:
        with broker(port) as alive:
            print(json.dumps({"event": "ready", "engine": engine(), "port": port}), flush=True)
            while alive():
                readable, _, _ = select.select([sys.stdin], [], [], WATCH_S)
                if readable and not os.read(sys.stdin.fileno(), 4096):
                    return 0
            print(json.dumps({"event": "died"}), flush=True)
            return 1
    except (OSError, RuntimeError) as error:
        print(json.dumps({"event": "died", "reason": str(error)}), flush=True)
        return 1
