"""The process that loads espeak-ng: one JSON order on stdin, one WAV file on stdout. `speech.py` starts it."""

from __future__ import annotations

import ctypes
import json
import sys
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_short, c_uint, c_void_p
from pathlib import Path
from typing import Any

import espeakng_loader

from devices.audio.pcm import SAMPLE_BYTES, Pcm

# speak_lib.h of espeak-ng 1.52
_OUTPUT_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_POSITION_CHARACTER = 1
_CHARACTERS_UTF8 = 1
_RATE, _VOLUME, _PITCH = 1, 2, 3
_BUFFER_MS = 500
_GO_ON, _STOP = 0, 1

_Callback = CFUNCTYPE(c_int, POINTER(c_short), c_int, c_void_p)


class EngineFailed(Exception):
    """A call of espeak-ng was refused."""


def speak(order: dict[str, Any]) -> Pcm:
    """Speak one order with this process's engine."""
    engine = ctypes.CDLL(espeakng_loader.get_library_path())
    engine.espeak_Initialize.argtypes = [c_int, c_int, c_char_p, c_int]
    engine.espeak_SetVoiceByName.argtypes = [c_char_p]
    engine.espeak_Synth.argtypes = [c_char_p, ctypes.c_size_t, c_uint, c_int, c_uint, c_uint, c_void_p, c_void_p]
    data_folder = str(Path(espeakng_loader.get_data_path()).parent).encode()
    rate_hz = engine.espeak_Initialize(_OUTPUT_SYNCHRONOUS, _BUFFER_MS, data_folder, _DONT_EXIT)
    if rate_hz <= 0:
        raise EngineFailed("espeak-ng does not start: is its data folder whole?")
    samples = bytearray()
    bytes_max = order["seconds_max"] * rate_hz * SAMPLE_BYTES

    def take(wave: Any, count: int, _events: Any) -> int:
        if wave and count > 0:
            samples.extend(ctypes.string_at(wave, count * SAMPLE_BYTES))
        return _STOP if len(samples) > bytes_max else _GO_ON

    callback = _Callback(take)  # held here: the engine keeps no reference of ours alive
    engine.espeak_SetSynthCallback(callback)
    if engine.espeak_SetVoiceByName(order["language"].encode()):
        raise EngineFailed(f"espeak-ng has no voice {order['language']}")
    for parameter, value in ((_RATE, order["speed_wpm"]), (_PITCH, order["pitch"]), (_VOLUME, order["volume"])):
        engine.espeak_SetParameter(parameter, value, 0)
    text = order["text"].encode() + b"\0"
    if engine.espeak_Synth(text, len(text), 0, _POSITION_CHARACTER, 0, _CHARACTERS_UTF8, None, None):
        raise EngineFailed("espeak-ng refused the text")
    engine.espeak_Synchronize()
    if len(samples) > bytes_max:
        raise EngineFailed(f"the speech is longer than {order['seconds_max']} s")
    return Pcm(bytes(samples), rate_hz)


def main() -> int:
    """Exit status 0 with the sound on stdout, 1 with the reason on stderr."""
    try:
        sound = speak(json.load(sys.stdin))
    except (EngineFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(sound.to_wav())
    return 0


if __name__ == "__main__":
    sys.exit(main())
