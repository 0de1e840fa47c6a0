"""The configuration read again while the daemon works (`ebcd reload`, SIGHUP): all of what changed, or nothing of it.

What may change is what only decides: who may approve and how many must, quiet hours, ranks, the share that counts as a
success, backups, the certificates on file, and the inventory's file, which `ebcd.archive.keeper` takes over. Whatever
holds a socket, a file or a device is set up once, so a change there is refused by its name: a restart is safe in the
middle of an alert, half a reload is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel

from devices.ports import Clock
from ebcd import facts
from ebcd.errors import ConfigError, Problem
from ebcd.ledger import Ledger
from ebcd.operator import OperationRefused, Reloaded
from ebcd.settings import Settings, load
from ebcd.settings.checks import approvers
from ebcd.settings.trust import load_trust
from ebcd.signing import TrustStore
from protocols.sm2 import sm3

RELOADABLE = ("operators", "approval", "quiet_hours", "priority", "backup", "upstream.success_ratio")
"""Sections, and single keys, that take effect at once."""

log = structlog.get_logger("ebcd.reload")


@dataclass(frozen=True, slots=True)
class Users:
    """Who is handed what is new."""

    rules: Callable[[Settings], None]
    operators: Callable[[Settings], None]
    backups: Callable[[Settings], None]
    trust: Callable[[TrustStore], None]
    inventory: Callable[[str], Awaitable[int]]
    """Reads the inventory's file again for the one who asked; how many devices differ. Raises OperationRefused."""
    proven_serial: Callable[[], int | None]
    """The list for us in force where it has verified a command: the one before it counts no more."""


class Reloader:
    """Keeps the settings in force and changes them."""

    def __init__(self, settings: Settings, users: Users, ledger: Ledger, clock: Clock) -> None:
        self.settings = settings
        self._users = users
        self._ledger = ledger
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()

    async def reload(self, actor: str) -> Reloaded:
        """Read, judge, take over, journal. Raises ConfigError with everything that speaks against it, OperationRefused
        where the inventory cannot be used; then nothing was changed. The inventory is first: it alone can be refused
        while it is taken over."""
        async with self._one_at_a_time:
            try:
                new, trust = await asyncio.to_thread(self._read)
            except ConfigError as error:
                log.error("config.refused", actor=actor, problems=[str(problem) for problem in error.problems])
                raise
            try:
                devices = await self._users.inventory(actor)
            except OperationRefused as error:
                log.error("config.refused", actor=actor, problems=[str(error)])
                raise
            changed = tuple(_changes(self.settings, new))
            digest = await asyncio.to_thread(_digest, new.file)
            self._ledger.enter(facts.settings_changed(changed, digest, self._clock.wall(), actor))
            self.settings = new
            for use in (self._users.rules, self._users.operators, self._users.backups):
                use(new)
            self._users.trust(trust)
            for problem in (*trust.problems, *trust.warnings(self._clock.wall())):
                log.warning("trust.problem", problem=str(problem))
            log.info("config.reloaded", actor=actor, changed=changed, certificates=len(trust), devices=devices)
        return Reloaded(changed, len(trust), devices)

    def _read(self) -> tuple[Settings, TrustStore]:
        """In a thread: a county's certificates take a while."""
        new = load(self.settings.file)
        fixed = [where for where in _changes(self.settings, new) if not is_reloadable(where)]
        problems = [Problem(str(new.file), where, "", "needs_restart") for where in fixed]
        problems += approvers(new)
        if problems:
            raise ConfigError(problems)
        return new, load_trust(new, self._users.proven_serial())


def is_reloadable(where: str) -> bool:
    """Whether a changed key takes effect without a restart."""
    return any(where == each or where.startswith((f"{each}.", f"{each}[")) for each in RELOADABLE)


def _digest(file: Path) -> str:
    try:
        return sm3(file.read_bytes()).hex()
    except OSError:
        return ""


def _changes(old: Settings, new: Settings) -> Iterator[str]:
    """Every key whose value differs, as it is written in the file."""
    names = (*type(old).__dataclass_fields__,)
    for name in names:
        if name != "file":
            yield from _differing(name, getattr(old, name), getattr(new, name))


def _differing(where: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, BaseModel) and isinstance(new, BaseModel) and type(old) is type(new):
        for name, field in type(old).model_fields.items():
            yield from _differing(f"{where}.{field.alias or name}", getattr(old, name), getattr(new, name))
    elif _is_list(old) and _is_list(new) and len(old) == len(new):
        for number, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differing(f"{where}[{number}]", before, after)
    elif where.startswith("links[") and hasattr(old, "config") and old.type.name == new.type.name:
        before, after = asdict(old.config), asdict(new.config)
        yield from (f"{where}.{name}" for name in before if before[name] != after[name])
    else:
        yield where


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
