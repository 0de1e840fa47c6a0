"""What `ebcd check-config` looks at beyond the text of ebcd.toml: the files, keys, certificates and ports it names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath

from devices.link import Path
from devices.ports import Clock
from ebcd.errors import ConfigError, Problem
from ebcd.inventory import Inventory
from ebcd.inventory_csv import read as read_inventory
from ebcd.settings import Settings, read
from ebcd.settings_sections import SOCKET_PATH_BYTES_MAX
from ebcd.signing.signer import FileSigner
from ebcd.signing.trust import TrustStore
from protocols.signature import number_from_text

_EVERY_HOST = frozenset({"0.0.0.0", "::"})


def check(path: FilePath, *, clock: Clock, environ: Mapping[str, str] = os.environ) -> list[Problem]:
    """Every problem of the configuration at once. Files are judged only when the text itself could be read."""
    settings, problems = read(path, environ=environ)
    if settings is None:
        return problems
    inventory, found = read_inventory(settings.inventory.file, area=settings.platform.area)
    problems += found
    trust = TrustStore.load(settings.trust.folder, [number_from_text(each) for each in settings.trust.roots])
    problems += (*trust.problems, *trust.warnings(clock.wall()))
    problems += _key(settings, trust, clock, environ)
    problems += _peers(settings, trust)
    problems += approvers(settings)
    problems += _addresses(settings)
    problems += _paths(settings, inventory)
    return problems


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


def approvers(settings: Settings) -> Iterator[Problem]:
    """Whether there are enough people for the approvals that are asked for."""
    people = len(settings.operators)
    for name, needed in settings.approval:
        if people and needed >= people:
            yield Problem(str(settings.file), f"approval.{name}", str(needed), "few_operators", {"operators": people})


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
    if used[Path.FM] and not inventory.roster.transmitters:
        yield Problem(file, "kind", "", "no_transmitter", {"count": used[Path.FM]})


def carries(path: Path | None, config: object) -> Path | None:
    """On which path a link of this configuration commands terminals; None where it only listens."""
    if not getattr(config, "commands", True):
        return None
    own: Path | None = getattr(config, "path", None)
    return path or own
