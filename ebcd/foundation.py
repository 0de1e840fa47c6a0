"""What everything else stands on: the configuration as values, keys and trust, inventory, journal, live state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog

from devices.link import Path
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
from ebcd.signing import FileSigner, Policy, SignatureVerifier, TrustStore
from ebcd.state import CountyState
from ebcd.store import SignatureMemory, Store, open_store
from ebcd.world import World
from protocols.codes import EbmId
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
    inventory: Inventory
    store: Store
    state: CountyState
    rules: Rules
    metrics: Metrics

    @property
    def stream(self) -> str:
        """The journal's name for this county."""
        return str(self.settings.platform.area)

    def verify(self, signed: bytes, block: SignatureBlock) -> bool:
        """Whether a device's signature counts (GD/J 081 clause 5.4)."""
        return self.verifier.verify(signed, block, self.world.clock.wall()).ok


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
        log.error(f"inventory.{inventory_csv.left_out(problem)}_left_out", problem=str(problem))
    if problems and not inventory.roster.terminals:
        raise ConfigError(problems)
    return inventory


async def lay(settings: Settings, world: World) -> Foundation:
    """Read keys, trust and inventory, open the journal, fold it. Raises ConfigError, StoreError."""
    certificate = bytes.fromhex(settings.platform.certificate)
    signer = FileSigner.load(settings.platform.key, certificate, world.clock, settings.key_passphrase())
    trust = TrustStore.load(settings.trust.folder, [bytes.fromhex(number) for number in settings.trust.roots])
    for problem in trust.warnings(world.clock.wall()):
        log.warning("trust.problem", problem=str(problem))
    policy = Policy(settings.trust.time_window_s, settings.trust.counter_slack)
    verifier = SignatureVerifier(trust, policy, world.registry)
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
    verifier.restore(remembered(await store.signatures()))
    metrics = Metrics(world.registry)
    return Foundation(settings, world, signer, verifier, inventory, store, state, rules_of(settings), metrics)


def rules_of(settings: Settings) -> Rules:
    """The configuration as the core wants it."""
    d, a, q = settings.delivery, settings.approval, settings.quiet_hours
    return Rules(
        rank=RankRule(tuple(AlertClass(n) for n in settings.priority.classes), settings.priority.first == "admin"),
        quiet=QuietHours(q.from_, q.to),
        approvals=Approvals({1: a.level_1, 2: a.level_2, 3: a.level_3, 4: a.level_4}, a.daily, a.drill),
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
    """The live state, from the newest checkpoint and the facts behind it."""
    loaded = await store.load(stream)
    for reason in loaded.refused:
        log.error("checkpoint.refused", reason=reason)
    state = snapshot.load(loaded.state) if loaded.state else CountyState()
    for event in loaded.events:
        alert = EbmId(event.alert) if event.alert else None
        state.apply(Fact(event.kind, alert, event.at, event.actor, event.payload))
    return state


def remembered(memory: SignatureMemory) -> dict[str, Any]:
    """The replay memory of platform files as the verifier keeps it (I11)."""
    files: dict[str, list[list[Any]]] = {number: [] for number in memory.last}
    for number, time, digest, _at in memory.seen:
        files.setdefault(number, []).append([digest.hex(), time])
    return {number: {"mode": None, "last": 0, "floor": -1, "seen": [], "files": seen} for number, seen in files.items()}


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
