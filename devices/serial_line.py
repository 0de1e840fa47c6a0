"""A serial port in the event loop, as asyncio's transports are used: pyserial opens and sets it, the loop waits on it.

No thread and no time-out of pyserial's own: its descriptor is read and written only when the loop says it is ready.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any, Final

import serial

from devices.ports import ProtocolT

READ_BYTES_MAX: Final = 4096


class SerialLine(asyncio.Transport):
    """One open port: eight data bits, no parity, one stop bit, no flow control."""

    def __init__(self, port: Any, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": (port.name, 0)})
        self._port = port
        self._descriptor: int = port.fileno()
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._closing = False
        self._loop.add_reader(self._descriptor, self._read)
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send what the port takes now and the rest when it is ready."""
        if self._closing or not data:
            return
        if not self._unsent:
            self._loop.add_writer(self._descriptor, self._flush)
        self._unsent += data
        self._flush()

    def get_write_buffer_size(self) -> int:
        """Bytes that the port has not taken."""
        return len(self._unsent)

    def is_closing(self) -> bool:
        """Whether the end has begun."""
        return self._closing

    def close(self) -> None:
        """Close at once; what is unsent is lost."""
        self._end(None)

    def abort(self) -> None:
        """The same."""
        self._end(None)

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, READ_BYTES_MAX)
        except BlockingIOError:
            return
        except OSError as error:  # an adapter was pulled out, or the other end of a pty is gone
            self._end(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._end(None)

    def _flush(self) -> None:
        try:
            sent = os.write(self._descriptor, self._unsent) if self._unsent else 0
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._descriptor)

    def _end(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._unsent.clear()
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)
        self._port.close()
        self._loop.call_soon(self._protocol.connection_lost, error)


async def open_serial(factory: Callable[[], ProtocolT], device: str, baud: int) -> tuple[asyncio.Transport, ProtocolT]:
    """Open a port for ourselves alone. Raises OSError: not there, taken, or a speed it does not have."""
    try:
        port = serial.Serial(device, baud, timeout=0, write_timeout=0, exclusive=True)
    except ValueError as error:
        raise OSError(f"{device}: {error}") from error
    protocol = factory()
    return SerialLine(port, protocol), protocol  # type: ignore[arg-type]
