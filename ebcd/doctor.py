"""`ebcd doctor`: what this machine lacks, each with a verdict, the reason and the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import orjson
import typer

from ebcd.catalogue import has, text
from ebcd.errors import ConfigError
from ebcd.inventory_csv import read as read_inventory
from ebcd.machine import Machine
from ebcd.settings import Settings, load
from ebcd.settings.checks import listeners

OPEN_FILES_SPARE = 512  # database, logs, listeners, HTTP, adapters in flight
FREE_BYTES_MIN = 2 * 2**30  # a year of a county's journal and packages
LIBCRYPTO = "libcrypto"


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"  # something works worse, or one path does not
    FAILED = "failed"  # the daemon cannot do its work


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. The sentences are `doctor.<name>` of the catalogue."""

    name: str
    verdict: Verdict
    values: Mapping[str, object] = field(default_factory=dict)

    def sentence(self, language: str) -> str:
        """What was found."""
        return text(f"doctor.{self.name}", language, **self.values)

    def next_step(self, language: str) -> str:
        """What to do; "" where nothing is needed."""
        key = f"doctor.{self.name}.next"
        return text(key, language, **self.values) if self.verdict is not Verdict.OK and has(key) else ""

    def as_dict(self, language: str) -> dict[str, str]:
        """For `--json`."""
        told = {"name": self.name, "verdict": str(self.verdict), "sentence": self.sentence(language)}
        return {**told, "next": self.next_step(language)}


def run(config: Path | None, *, language: str, as_json: bool, machine: Machine | None = None) -> int:
    """Look, tell, and return the exit status: 1 where something failed."""
    settings, findings = None, []
    if config is not None:
        try:
            settings = load(config)
        except ConfigError as error:
            values = {"file": config, "count": len(error.problems)}
            findings.append(Finding("config_wrong", Verdict.FAILED, values))
    findings += examine(settings, machine or Machine())
    if as_json:
        listed = [finding.as_dict(language) for finding in findings]
        typer.echo(orjson.dumps(listed, option=orjson.OPT_INDENT_2).decode())
    else:
        for finding in findings:
            typer.echo(_line(finding, language))
    return int(any(finding.verdict is Verdict.FAILED for finding in findings))


def _line(finding: Finding, language: str) -> str:
    colour = {Verdict.OK: typer.colors.GREEN, Verdict.WARNING: typer.colors.YELLOW, Verdict.FAILED: typer.colors.RED}
    mark = typer.style(text(f"doctor.verdict.{finding.verdict}", language), fg=colour[finding.verdict])
    step = finding.next_step(language)
    return f"{mark} {finding.sentence(language)}" + (f"\n      {step}" if step else "")


def examine(settings: Settings | None, machine: Machine) -> list[Finding]:
    """Everything that can be seen; with `settings` also what they need."""
    return [
        Finding("python", Verdict.OK, {"version": machine.python()}),
        _sm2(machine),
        *_broker(settings, machine),
        *_ports(settings, machine),
        _clock(machine),
        _open_files(settings, machine),
        *_disk(settings, machine),
        _present(machine, "uvloop", "uvloop"),
        _present(machine, "speech", "espeakng_loader"),
        _present(machine, "sound", "av"),
        *_serial(machine),
    ]


def _sm2(machine: Machine) -> Finding:
    name = machine.sm2()
    if name is None:
        return Finding("sm2_none", Verdict.FAILED)
    if LIBCRYPTO in name.lower():
        return Finding("sm2", Verdict.OK, {"implementation": name})
    return Finding("sm2_slow", Verdict.WARNING, {"implementation": name})


def _broker(settings: Settings | None, machine: Machine) -> Iterator[Finding]:
    """A broker that answers where the configuration says; else one that could be started."""
    wanted = [link.config for link in settings.links if link.type.name == "cellular_mqtt"] if settings else []
    for config in wanted:
        values = {"link": config.name, "host": config.host, "port": config.port}
        answers = machine.answers(config.host, config.port)
        yield (
            Finding("broker_answers", Verdict.OK, values)
            if answers
            else Finding("broker_silent", Verdict.WARNING, values)
        )
    if path := machine.which("mosquitto"):
        yield Finding("broker", Verdict.OK, {"broker": path})
    elif machine.has_module("iotcore"):
        yield Finding("broker", Verdict.OK, {"broker": "iotcore"})
    else:
        yield Finding("broker_none", Verdict.WARNING)


def _ports(settings: Settings | None, machine: Machine) -> Iterator[Finding]:
    """Every address on which the daemon would listen is free, unless it is listening there itself."""
    if settings is None:
        return
    if machine.socket_answers(settings.api.socket):
        yield Finding("running", Verdict.OK, {"socket": settings.api.socket})
        return
    free = 0
    for where, host, port in listeners(settings):
        if reason := machine.listen_error(host, port):
            values = {"where": where, "host": host, "port": port, "reason": reason}
            yield Finding("port_taken", Verdict.FAILED, values)
        else:
            free += 1
    yield Finding("ports_free", Verdict.OK, {"count": free})


def _clock(machine: Machine) -> Finding:
    match machine.clock_synchronised():
        case True:
            return Finding("clock", Verdict.OK)
        case False:
            return Finding("clock_free", Verdict.WARNING)
        case None:
            return Finding("clock_unknown", Verdict.WARNING)


def _open_files(settings: Settings | None, machine: Machine) -> Finding:
    terminals = 0
    if settings is not None:
        inventory, _ = read_inventory(settings.inventory.file)
        terminals = len(inventory.roster.terminals)
    limit, needed = machine.open_files_limit(), terminals + OPEN_FILES_SPARE
    values = {"limit": limit, "needed": needed, "terminals": terminals}
    if 0 <= limit < needed:
        return Finding("open_files_few", Verdict.FAILED, values)
    return Finding("open_files", Verdict.OK, values)


def _disk(settings: Settings | None, machine: Machine) -> Iterator[Finding]:
    if settings is None:
        return
    free = machine.free_bytes(settings.store.packages)
    values = {"free_mb": free // 2**20, "needed_mb": FREE_BYTES_MIN // 2**20, "folder": settings.store.packages}
    yield (
        Finding("disk", Verdict.OK, values) if free >= FREE_BYTES_MIN else Finding("disk_full", Verdict.WARNING, values)
    )


def _present(machine: Machine, name: str, module: str) -> Finding:
    if machine.has_module(module):
        return Finding(name, Verdict.OK)
    return Finding(f"{name}_none", Verdict.WARNING, {"module": module})


def _serial(machine: Machine) -> Iterator[Finding]:
    """Serial lines are for RDS encoders only, so none is no fault."""
    ports = machine.serial_ports()
    if not ports:
        yield Finding("serial_none", Verdict.OK)
    for device, usable in ports:
        yield Finding(
            "serial" if usable else "serial_denied", Verdict.OK if usable else Verdict.WARNING, {"device": device}
        )
