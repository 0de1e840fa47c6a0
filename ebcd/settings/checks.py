"""What `ebcd check-config` looks at beyond the text of ebcd.toml: the files, keys, certificates and ports it names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path as FilePath

from devices.adapter_tcp import AdapterTcpConfig
from devices.cellular_mqtt import CellularMqttConfig
from devices.link import Path
from devices.ports import Clock
from ebcd.errors import ConfigError, Problem
from ebcd.inventory import Inventory
from ebcd.inventory_csv import read as read_inventory
from ebcd.neighbours import adapter_problems
from ebcd.rules import QuietHours
from ebcd.settings import Settings, read
from ebcd.settings.mqtt import problems as mqtt_problems
from ebcd.settings.sections import SOCKET_PATH_BYTES_MAX
from ebcd.settings.trust import load_trust
from ebcd.settings.values import SQLITE
from ebcd.signing.exceptions import files_in, judge
from ebcd.signing.signer import FileSigner
from ebcd.signing.trust import TrustStore
from ebcd.tone.timetable import Timetable
from protocols.code_faults import faults_of
from protocols.codes import AreaCode, InvalidCode, ResourceCode
from protocols.signature import number_from_text

CODE_PROBLEMS_MAX = 1000  # beyond these the inventory itself is the problem
_EVERY_HOST = frozenset({"0.0.0.0", "::"})


def can_be_written(folder: FilePath) -> bool:
    """Whether this user may make files in it, or make it where it does not exist yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK | os.X_OK)


def check(
    path: FilePath,
    *,
    clock: Clock,
    environ: Mapping[str, str] = os.environ,
    writable: Callable[[FilePath], bool] = can_be_written,
) -> list[Problem]:
    """Every problem of the configuration at once. Files are judged only when the text itself could be read."""
    settings, problems = read(path, environ=environ)
    if settings is None:
        return problems
    inventory, found = read_inventory(settings.inventory.file, area=settings.platform.area)
    problems += found
    problems += _codes(settings, inventory)
    trust = load_trust(settings)
    problems += (*trust.problems, *trust.warnings(clock.wall()))
    problems += _key(settings, trust, clock, environ)
    problems += _peers(settings, trust)
    problems += _administrators(settings, trust, clock.wall())
    problems += approvers(settings)
    problems += _crews(settings)
    problems += _tone(settings)
    problems += _addresses(settings)
    problems += _paths(settings, inventory)
    problems += [
        Problem(str(settings.file), key, repr(str(folder)), "unwritable", {"uid": os.geteuid()})
        for key, folder in written_folders(settings)
        if not writable(folder)
    ]
    return problems


def written_folders(settings: Settings) -> Iterator[tuple[str, FilePath]]:
    """Key and folder of everything that a running daemon writes by itself, but for its socket: that one's folder may
    be made at the start."""
    if settings.store.url.startswith(SQLITE):
        yield "store.url", FilePath(settings.store.url.removeprefix(SQLITE)).parent
    yield "store.packages", settings.store.packages
    yield "media.folder", settings.media.folder
    if settings.backup.every_h:
        yield "backup.folder", settings.backup.folder
    yield "morning.folder", settings.morning.folder


def _codes(settings: Settings, inventory: Inventory) -> Iterator[Problem]:
    """Digits that no code can have, where people wrote one. Everything else takes such codes as they stand: they are
    assigned by others, and a terminal keeps the one it was given."""
    file = str(settings.file)
    yield from code_problems(file, "platform.code", settings.platform.code)
    yield from code_problems(file, "platform.area", settings.platform.area)
    for number, peer in enumerate(settings.upstream.peers):
        if len(peer.code) == ResourceCode.length:  # one of 2016 has another structure, judged as it is read
            yield from code_problems(file, f"upstream.peers[{number}].code", ResourceCode(peer.code))
    for number, link in enumerate(settings.links):
        for key in ("source", "transmitter"):
            if written := getattr(link.config, key, ""):
                yield from _written_code(file, f"links[{number}].{key}", written)
        for written in getattr(link.config, "adapters", ()):
            yield from _written_code(file, f"links[{number}].adapters", written)
    roster = inventory.roster
    found = (
        problem
        for device in (*roster.adapters, *roster.terminals, *roster.transmitters)
        for problem in code_problems(str(settings.inventory.file), "code", device.code)
    )
    yield from islice(found, CODE_PROBLEMS_MAX)


def code_problems(file: str, where: str, code: AreaCode | ResourceCode) -> Iterator[Problem]:
    """One problem a fault, each naming the digits, what stands there and what could."""
    for fault in faults_of(code):
        values = {"place": fault.place, "value": fault.value, "allowed": fault.allowed}
        yield Problem(file, where, repr(str(code)), f"code_{fault.what}", values)


def _written_code(file: str, where: str, written: str) -> Iterator[Problem]:
    try:
        code = ResourceCode(written)
    except InvalidCode as error:
        yield Problem(file, where, repr(written), "code", {"detail": str(error)})
    else:
        yield from code_problems(file, where, code)


def _key(settings: Settings, trust: TrustStore, clock: Clock, environ: Mapping[str, str]) -> Iterator[Problem]:
    """The key can be read and is the one of our certificate."""
    platform = settings.platform
    number = number_from_text(platform.certificate)
    trusted = trust.get(number)
    if trusted is None:
        values = {"folder": settings.trust.folder}
        value = repr(platform.certificate)
        yield Problem(str(settings.file), "platform.certificate", value, "certificate_unknown", values)
    try:
        signer = FileSigner.load(platform.key, number, clock, settings.key_passphrase(environ))
    except ConfigError as error:
        yield from error.problems
        return
    if trusted is not None and not signer.fits(trusted.certificate):
        yield Problem(str(platform.key), "", "", "key_not_certified", {"number": platform.certificate})


def _peers(settings: Settings, trust: TrustStore) -> Iterator[Problem]:
    """A peer that must sign needs certificates, and we must have them."""
    file = str(settings.file)
    for number, peer in enumerate(settings.upstream.peers):
        where = f"upstream.peers[{number}].certificates"
        if peer.require_signature and not peer.certificates:
            yield Problem(file, where, "", "peer_unverifiable", {"code": peer.code})
        for at, certificate in enumerate(peer.certificates):
            if trust.get(number_from_text(certificate)) is None:
                values = {"folder": settings.trust.folder}
                yield Problem(file, f"{where}[{at}]", repr(certificate), "certificate_unknown", values)
            elif not trust.permits(number_from_text(certificate)):
                yield Problem(file, f"{where}[{at}]", repr(certificate), "certificate_not_listed")


def _administrators(settings: Settings, trust: TrustStore, utc_s: float) -> Iterator[Problem]:
    """Who may except terminals is known and is not the daemon itself; what they signed can be used."""
    numbers = settings.trust.administrators
    for at, number in enumerate(numbers):
        where = f"trust.administrators[{at}]"
        if number == settings.platform.certificate.upper():
            yield Problem(str(settings.file), where, repr(number), "administrator_is_platform")
        elif trust.get(number_from_text(number)) is None:
            values = {"folder": settings.trust.folder}
            yield Problem(str(settings.file), where, repr(number), "certificate_unknown", values)
    for at, number in enumerate(settings.trust.firmware_signers):
        if trust.get(number_from_text(number)) is None:
            values, where = {"folder": settings.trust.folder}, f"trust.firmware_signers[{at}]"
            yield Problem(str(settings.file), where, repr(number), "certificate_unknown", values)
    files, _ = files_in(settings.trust.exceptions)
    known = [number_from_text(each) for each in numbers]
    for file in files:
        if (problem := judge(file, trust, known, settings.platform.area, utc_s).problem) is not None:
            yield problem


def approvers(settings: Settings) -> Iterator[Problem]:
    """Whether there are enough people for the approvals that are asked for."""
    people = len(settings.operators)
    for name, needed in settings.approval:
        others = people if name == "tone" else people - 1  # the daemon writes tones
        if people and needed > others:
            yield Problem(str(settings.file), f"approval.{name}", str(needed), "few_operators", {"operators": people})


def _crews(settings: Settings) -> Iterator[Problem]:
    """Whoever is to be told is one of the crews."""
    crews = [crew.name for crew in settings.crews]
    named = [("orders.supervisor", settings.orders.supervisor)] if settings.orders.supervisor else []
    for key in ("tell", "escalate"):
        named += [(f"alarms.{key}[{at}]", name) for at, name in enumerate(getattr(settings.alarms, key))]
    for where, name in named:
        if name not in crews:
            yield Problem(str(settings.file), where, repr(name), "no_such_crew", {"crews": ", ".join(crews) or "-"})


def _tone(settings: Settings) -> Iterator[Problem]:
    """The weekly tone lies outside quiet hours."""
    quiet = settings.quiet_hours
    table = Timetable(settings.tone.days, settings.tone.at, settings.tone.for_s)
    turn = table.next_turn(0.0)
    if turn is not None and table.in_quiet_hours(QuietHours(quiet.from_, quiet.to), turn):
        values = {"from": f"{quiet.from_:%H:%M}", "to": f"{quiet.to:%H:%M}"}
        yield Problem(str(settings.file), "tone.at", f"{settings.tone.at:%H:%M}", "tone_in_quiet_hours", values)


def _addresses(settings: Settings) -> Iterator[Problem]:
    """No port is taken twice, and the unix socket's path fits into its address."""
    file = str(settings.file)
    taken: dict[int, list[tuple[str, str]]] = {}
    for where, host, port in listeners(settings):
        for other, other_host in taken.setdefault(port, []):
            if host == other_host or _EVERY_HOST & {host, other_host}:
                yield Problem(file, where, str(port), "twice", {"first": other})
                break
        taken[port].append((where, host))
    length = len(os.fsencode(settings.api.socket))
    if length > SOCKET_PATH_BYTES_MAX:
        values = {"length": length, "limit": SOCKET_PATH_BYTES_MAX}
        yield Problem(file, "api.socket", repr(str(settings.api.socket)), "socket_path", values)


def listeners(settings: Settings) -> Iterator[tuple[str, str, int]]:
    """Key, address and port of everything that takes TCP connections."""
    for name in ("metrics", "media", "upstream"):
        section = getattr(settings, name)
        yield f"{name}.port", section.host, section.port
    for number, link in enumerate(settings.links):
        for host_key, port_key in link.type.listens:
            yield f"links[{number}].{port_key}", getattr(link.config, host_key), getattr(link.config, port_key)


def _paths(settings: Settings, inventory: Inventory) -> Iterator[Problem]:
    """Each path in the inventory has a link that carries commands, and FM has a transmitter."""
    carried = {path for link in settings.links if (path := carries(link.type.path, link.config)) is not None}
    used = Counter(path for terminal in inventory.roster.terminals for path in terminal.paths)
    file = str(settings.inventory.file)
    for path in Path:
        if used[path] and path not in carried:
            yield Problem(file, "paths", repr(str(path)), "no_link", {"count": used[path], "path": path})
    mqtt = [link.config for link in settings.links if isinstance(link.config, CellularMqttConfig)]
    yield from mqtt_problems(mqtt, inventory.roster, file)
    speakers = [(n, link.config) for n, link in enumerate(settings.links) if isinstance(link.config, AdapterTcpConfig)]
    yield from adapter_problems(speakers, inventory.roster, str(settings.file))
    if used[Path.FM] and not inventory.roster.transmitters:
        yield Problem(file, "kind", "", "no_transmitter", {"count": used[Path.FM]})


def carries(path: Path | None, config: object) -> Path | None:
    """On which path a link of this configuration commands terminals; None where it only listens."""
    if not getattr(config, "commands", True):
        return None
    own: Path | None = getattr(config, "path", None)
    return path or own
