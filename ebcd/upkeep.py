"""What keeps the daemon itself in order: backups, people and rules that change while it works, the disks."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ebcd.backup.clerk import Clerk
from ebcd.core import Core
from ebcd.disks import Disks
from ebcd.foundation import Foundation, operators_of, rules_of
from ebcd.identity import Operators
from ebcd.invariants import Checker
from ebcd.lifecycle import AlertState
from ebcd.settings import Settings
from ebcd.settings.reload import Reloader, Users
from ebcd.state import CountyState
from ebcd.views import Views


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Its parts; `operators` are who may act now."""

    clerk: Clerk
    operators: Operators
    reloader: Reloader
    disks: Disks


def build_upkeep(
    base: Foundation, core: Core, checker: Checker, views: Views, read_inventory: Callable[[str], Awaitable[int]]
) -> Upkeep:
    """The parts, connected to whom a reload concerns. `read_inventory`: see `ebcd.settings.reload.Users`."""
    clerk = Clerk(base.settings, base.world, base.metrics, lambda: _on_air(base.state))
    operators = operators_of(base.settings)

    def decide_by(new: Settings) -> None:
        rules = dataclasses.replace(rules_of(new), patience=core.rules.patience)
        views.approvals = rules.approvals
        checker.use(rules)
        core.rules = rules

    def act_by(new: Settings) -> None:
        operators.become(operators_of(new))

    def proven_serial() -> int | None:
        return base.verifier.trust.proven_serial

    users = Users(decide_by, act_by, clerk.use, base.verifier.use, read_inventory, proven_serial)
    reloader = Reloader(base.settings, users, core.ledger, base.world.clock)
    return Upkeep(clerk, operators, reloader, Disks(base.settings))


def _on_air(state: CountyState) -> bool:
    return any(record.state in (AlertState.ON_AIR, AlertState.CANCELLING) for record in state.live_alerts())
