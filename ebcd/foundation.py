"""What everything else stands on: the configuration as values, keys and trust, inventory, journal, live state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog

from devices import mqtt_profiles
from devices.cellular_mqtt import CellularMqttConfig
from devices.link import Path
from devices.mqtt_conversation import Served
from devices.ports import Judged
from ebcd import inventory_csv, snapshot
from ebcd.alert import AlertClass, RankRule
from ebcd.archive.contacts import take_in
from ebcd.archive.table import Table, read_content, replace_file
from ebcd.errors import ConfigError, Problem
from ebcd.facts import Fact
from ebcd.health import RETURNING
from ebcd.identity import Operators
from ebcd.inventory import Inventory
from ebcd.metrics import Metrics
from ebcd.rules import Approvals, Patience, QuietHours, Rules
from ebcd.settings import Settings
from ebcd.settings.trust import load_trust
from ebcd.signing import ExceptionBook, FileSigner, Policy, SignatureVerifier, TimeMode
from ebcd.state import CountyState
from ebcd.store import Loaded, SignatureMemory, Store, open_store
from ebcd.world import World
from protocols.codes import EbmId, ResourceCode
from protocols.signature import SignatureBlock

RETURN_PERIOD_S = 60.0
"""Between two signs of life of a terminal on a link that names no period (MQTT keep-alive, terminal digest 2.7)."""

log = structlog.get_logger("ebcd.foundation")


@dataclass(frozen=True, slots=True)
class Foundation:
    """Read, opened and checked; nothing runs yet."""

    settings: Settings
    world: World
    signer: FileSigner
    verifier: SignatureVerifier
    exceptions: ExceptionBook
    inventory: Inventory
    store: Store
    state: CountyState
    rules: Rules
    metrics: Metrics

    @property
    def stream(self) -> str:
        """The journal's name for this county."""
        return str(self.settings.platform.area)

    def verify(self, signed: bytes, block: SignatureBlock) -> Judged:
        """Whether a device's signature counts (GD/J 081 clause 5.4)."""
        return self.verifier.verify(signed, block, self.world.clock.wall()).of_a_device(block)


async def sound_rows(settings: Settings, store: Store) -> Inventory:
    """The inventory without its wrong rows, each of which is logged: one typing error must not keep a county silent.
    Names and telephone numbers in it are taken in beside the journal first, and replaced in the file where it can be
    written. Raises ConfigError where nothing is left, StoreError.
    """
    file = settings.inventory.file
    content = read_content(file)
    if not file.exists():
        raise ConfigError([Problem(str(file), "", "", "unreadable", {"reason": "no such file"})])
    if b"contact" in content.partition(b"\n")[0].lower():
        table = Table.parse(content, file)
        if await take_in(table, store.person):
            content = table.content()
            try:
                replace_file(file, content)
            except OSError as error:
                log.warning("inventory.names_stay_in_file", file=str(file), reason=error.strerror or str(error))
    inventory, problems = inventory_csv.read_content(content, str(file), area=settings.platform.area)
    for problem in problems:
        is_value = inventory_csv.left_out(problem) == "value"
        log.error("inventory.value_left_out" if is_value else "inventory.row_left_out", problem=str(problem))
    if problems and not inventory.roster.terminals:
        raise ConfigError(problems)
    return inventory


async def lay(settings: Settings, world: World) -> Foundation:
    """Read keys, trust and inventory, open the journal, fold it. Raises ConfigError, StoreError."""
    certificate = bytes.fromhex(settings.platform.certificate)
    signer = FileSigner.load(settings.platform.key, certificate, world.clock, settings.key_passphrase())
    store = open_store(
        settings.store.url,
        clock=world.clock,
        packages=settings.store.packages,
        inline=not world.store_in_thread,
    )
    try:
        inventory = await sound_rows(settings, store)
    except ConfigError:
        await store.close()
        raise
    state = await restore(store, str(settings.platform.area))
    verifier = _verifier(settings, world, await store.signatures())
    administrators = [bytes.fromhex(number) for number in settings.trust.administrators]
    exceptions = ExceptionBook(
        settings.trust.exceptions, verifier.trust, administrators, settings.platform.area, world.registry
    )
    exceptions.refresh(world.clock.wall())
    metrics = Metrics(world.registry)
    return Foundation(
        settings, world, signer, verifier, exceptions, inventory, store, state, rules_of(settings), metrics
    )


def _verifier(settings: Settings, world: World, memory: SignatureMemory) -> SignatureVerifier:
    """Trust as it is on file, with what earlier lives have seen."""
    t = settings.trust
    trust = load_trust(settings, memory.list_serial)
    for problem in (*trust.problems, *trust.warnings(world.clock.wall())):
        log.warning("trust.problem", problem=str(problem))
    modes = {bytes.fromhex(number): TimeMode(mode) for number, mode in t.time_modes.items()}
    policy = Policy(t.time_window_s, t.counter_slack, modes)
    verifier = SignatureVerifier(trust, policy, world.registry)
    verifier.restore(remembered(memory, policy))
    return verifier


def rules_of(settings: Settings) -> Rules:
    """The configuration as the core wants it."""
    d, a, q = settings.delivery, settings.approval, settings.quiet_hours
    return Rules(
        rank=RankRule(tuple(AlertClass(n) for n in settings.priority.classes), settings.priority.first == "admin"),
        quiet=QuietHours(q.from_, q.to),
        approvals=Approvals({1: a.level_1, 2: a.level_2, 3: a.level_3, 4: a.level_4}, a.daily, a.drill, a.tone),
        patience=Patience(
            {
                Path.IP: d.fallback_ip_s,
                Path.ADAPTER: d.fallback_adapter_s,
                Path.CELLULAR: d.fallback_cellular_s,
                Path.MQTT: d.fallback_cellular_s,
            },
            confirm_s=d.confirm_s,
        ),
        success_ratio=settings.upstream.success_ratio,
    )


def operators_of(settings: Settings) -> Operators:
    """Who may command."""
    return Operators(
        {o.token_sha256: o.name for o in settings.operators if o.token_sha256},
        {o.uid: o.name for o in settings.operators if o.uid is not None},
    )


async def restore(store: Store, stream: str) -> CountyState:
    """The live state as the journal tells it."""
    loaded = await store.load(stream)
    for reason in loaded.refused:
        log.error("checkpoint.refused", reason=reason)
    return folded(loaded)


def folded(loaded: Loaded) -> CountyState:
    """The live state, from the newest checkpoint and the facts behind it."""
    state = snapshot.load(loaded.state) if loaded.state else CountyState()
    for event in loaded.events:
        alert = EbmId(event.alert) if event.alert else None
        state.apply(Fact(event.kind, alert, event.at, event.actor, event.payload))
    return state


def remembered(memory: SignatureMemory, policy: Policy) -> dict[str, Any]:
    """The replay memory of platform files as the verifier keeps it (I11)."""
    found: dict[str, dict[str, Any]] = {}
    for number in {*memory.last, *(number for number, *_ in memory.seen)}:
        last = memory.last.get(number)
        mode = None if last is None else str(policy.mode_of(bytes.fromhex(number), last))
        found[number] = {"mode": mode, "last": last or 0, "floor": -1, "seen": [], "files": []}
    for number, time, digest, _at in memory.seen:
        found[number]["files" if time is None else "seen"].append([digest.hex(), time or 0])
    return found


def path_periods(settings: Settings) -> dict[Path, float]:
    """How often devices can be heard on each path, in seconds: the longest period that a link of it is set to. Returns
    through adapters come each return period, however often others beat."""
    set_to: dict[Path, list[float]] = {path: [] for path in RETURNING}
    for config in (table.config for table in settings.links):
        if (path := getattr(config, "path", None)) in set_to and hasattr(config, "heartbeat_s"):
            set_to[Path(path)].append(config.heartbeat_s)
    set_to[Path.ADAPTER].append(RETURN_PERIOD_S)
    return {path: max(periods, default=RETURN_PERIOD_S) for path, periods in set_to.items()}


def adapter_period(settings: Settings) -> float:
    """How often adapters report by themselves, in seconds (0x20; the period that 0x0D sets)."""
    periods = [t.config.heartbeat_s for t in settings.links if t.type.name == "adapter_tcp"]
    return max(periods, default=RETURN_PERIOD_S)


def beatless(settings: Settings) -> Callable[[Inventory], dict[ResourceCode, frozenset[Path]]]:
    """Paths on which a terminal never says by itself that it lives: vendors' MQTT profiles, whose terminals the broker
    tells of."""
    tables = [table.config for table in settings.links if isinstance(table.config, CellularMqttConfig)]
    vendors = [config.name for config in tables if not mqtt_profiles.load(config.profile).signed]

    def of(inventory: Inventory) -> dict[ResourceCode, frozenset[Path]]:
        served = [Served(name, inventory.roster).terminals for name in vendors]
        return {device.code: frozenset({Path.MQTT}) for terminals in served for device in terminals}

    return of
