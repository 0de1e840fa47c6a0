"""Where MQTT profiles come from: those of the program by name, others by the path of their file."""

from __future__ import annotations

import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from protocols.errors import LocalProtocolError
from protocols.mqtt import Flaw, Profile, read_profile

SHIPPED = ("ebcd", "ebcd-json", "p6", "mw")
SUFFIX = ".toml"
FILE_BYTES_MAX = 262_144


def is_file(name: str) -> bool:
    """Whether a configured profile means a file of its own."""
    return name.endswith(SUFFIX)


def read(name: str) -> tuple[Profile | None, tuple[Flaw, ...]]:
    """The profile, or what is wrong with it: a flaw of the file as a whole has no place in it."""
    if name not in SHIPPED and not is_file(name):
        return None, (Flaw("", name, "profile_name", {"choices": ", ".join(SHIPPED)}),)
    own = resources.files("protocols.mqtt.profiles")
    file: Traversable = Path(name) if is_file(name) else own.joinpath(name + SUFFIX)
    try:
        with file.open("rb") as stream:
            data = stream.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        return None, (Flaw("", None, "unreadable", {"reason": error.strerror or str(error)}),)
    return read_file(name, data)


def read_file(name: str, data: bytes) -> tuple[Profile | None, tuple[Flaw, ...]]:
    """The same for a file that was read already, whatever is in it."""
    if len(data) > FILE_BYTES_MAX:
        return None, (Flaw("", len(data), "at_most", {"limit": FILE_BYTES_MAX}),)
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        return None, (Flaw("", None, "not_utf8", {"offset": error.start}),)
    except (ValueError, RecursionError) as error:  # tomllib has none of its own for numbers of 5,000 digits
        return None, (Flaw("", None, "not_toml", {"reason": str(error)}),)
    return read_profile(name, table)


def load(name: str) -> Profile:
    """The profile. Raises LocalProtocolError with its first flaw: the configuration has told all of them before."""
    profile, flaws = read(name)
    if profile is None:
        flaw = flaws[0]
        raise LocalProtocolError(f"MQTT profile {name}: {flaw.where} {flaw.value!r}: {flaw.what} {dict(flaw.values)}")
    return profile
