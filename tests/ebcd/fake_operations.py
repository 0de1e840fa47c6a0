"""A control room without a county: answers the API from memory, refuses as the daemon would."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ebcd.errors import ConfigError
from ebcd.errors import Problem as ConfigProblem
from ebcd.operator import (
    Actor,
    AlertDetail,
    AlertFilter,
    AlertRow,
    AreaName,
    Category,
    Counts,
    Decision,
    Draft,
    DroppedArea,
    FailedTerminal,
    Kind,
    LinkRow,
    OperationRefused,
    PathCounts,
    PathTarget,
    Preview,
    Problem,
    Reloaded,
    Status,
    TerminalFilter,
    TerminalPage,
    TerminalRow,
    TownProgress,
)
from ebcd.proofs import AlertProofs, HeardRow, MonitorRow
from ebcd.warning_preview import WarningPart, WarningPreview

NOW = 1_790_000_000
TOWN = AreaName("341123101000", "双河镇", 60)
FAILED = FailedTerminal("63411231012030314010407", "石桥村 7 号喇叭", "双河镇", "ip", "timed_out", "no answer")


@dataclass
class FakeOperations:
    """Remembers what it was asked for in `drafts` and `acts`."""

    rows: dict[str, AlertRow] = field(default_factory=dict)
    drafts: list[tuple[Draft, str]] = field(default_factory=list)
    acts: list[tuple[str, ...]] = field(default_factory=list)
    defect: bool = False

    async def preview(self, draft: Draft, actor: Actor) -> Preview:
        self.acts.append(("preview", actor.name))
        start = draft.start or NOW
        known = tuple(TOWN for area in draft.areas if area in (TOWN.code, TOWN.name))
        dropped = tuple(DroppedArea(area, "unknown") for area in draft.areas if area not in (TOWN.code, TOWN.name))
        paths = (PathTarget("ip", 40), PathTarget("fm", 18))
        return Preview(known, dropped, 58, paths, 2, 255, start, start + draft.duration_s, 12.5, 1, ("9" * 35,))

    async def preview_warning(self, xml: bytes, actor: Actor) -> WarningPreview:
        self.acts.append(("preview_warning", actor.name))
        paths = (PathTarget("ip", 40),)
        seen = Preview((TOWN,), (DroppedArea("440000000000", "unknown"),), 58, paths, 2, 100, NOW, NOW + 600, 0.0, 1)
        part = WarningPart("暴雨红色预警", "转移。", "县气象台", Category.EMERGENCY, 1, "11B03", seen)
        return WarningPreview("W-2", "Update", False, (part,), (DroppedArea("邻县", "no_area_of_ours"),), ("9" * 35,))

    async def submit_warning(self, xml: bytes, actor: Actor) -> tuple[AlertRow, ...]:
        if b"Draft" in xml:
            raise OperationRefused(Problem(Kind.INVALID, "warning_refused", thing="draft", value="W-2 is a draft"))
        self.acts.append(("submit_warning", actor.name))
        return (row(7),)

    async def send(self, draft: Draft, actor: Actor) -> AlertRow:
        if self.defect:
            raise ZeroDivisionError
        if not any(area in (TOWN.code, TOWN.name) for area in draft.areas):
            raise OperationRefused(Problem(Kind.INVALID, "no_area", thing="areas", value=",".join(draft.areas)))
        self.drafts.append((draft, actor.name))
        ebm_id = f"4341123000000010101010120261122{len(self.drafts):04d}"
        start = draft.start or NOW
        row = AlertRow(
            ebm_id, "pending", draft.category, draft.level, draft.title, actor.name, start, start + draft.duration_s,
            Counts(targeted=60, pending=60), approvals=0, approvals_needed=1, note="",
        )  # fmt: skip
        self.rows[ebm_id] = row
        return row

    async def approve(self, ebm_id: str, actor: Actor) -> AlertRow:
        row = self._row(ebm_id)
        if row.origin == actor.name:
            raise OperationRefused(Problem(Kind.FORBIDDEN, "own_approval", thing="actor", value=actor.name))
        if row.state != "pending":
            raise OperationRefused(
                Problem(
                    Kind.CONFLICT, "not_in_state", thing=ebm_id, value=row.state, limit="pending", next="Look first."
                )
            )
        self.acts.append(("approve", actor.name))
        self.rows[ebm_id] = replace(row, state="waiting", approvals=1)
        return self.rows[ebm_id]

    async def reject(self, ebm_id: str, actor: Actor, reason: str) -> AlertRow:
        self.acts.append(("reject", actor.name, reason))
        self.rows[ebm_id] = replace(self._row(ebm_id), state="rejected", note=reason)
        return self.rows[ebm_id]

    async def cancel(self, ebm_id: str, actor: Actor) -> tuple[AlertRow, ...]:
        self.acts.append(("cancel", actor.name, ebm_id))
        chosen = list(self.rows) if ebm_id == "all" else [self._row(ebm_id).ebm_id]
        for one in chosen:
            self.rows[one] = replace(self.rows[one], state="cancelled")
        return tuple(self.rows[one] for one in chosen)

    async def alerts(self, wanted: AlertFilter) -> tuple[AlertRow, ...]:
        found = [row for row in self.rows.values() if wanted.state in ("", row.state)]
        return tuple(reversed(found))[: wanted.rows_max]

    async def show(self, ebm_id: str) -> AlertDetail:
        counts = Counts(targeted=60, confirmed=55, played=50, timed_out=3, unconfirmed=1, pending=1)
        row = replace(self._row(ebm_id), state="on_air", counts=counts)
        by_path = (PathCounts("ip", Counts(targeted=42, confirmed=40, timed_out=2)),)
        return AlertDetail(
            row,
            text="今夜有暴雨，请转移到高处。",
            event_type="11B03",
            volume=100,
            areas=(TOWN,),
            dropped=(DroppedArea("350000000000", "outside"),),
            decisions=(Decision("wang", "approved", NOW),),
            by_path=by_path,
            by_town=(TownProgress(TOWN.code, TOWN.name, counts, by_path),),
            failures=(FAILED,),
            failures_total=4,
            reported=(2,),
            proofs=AlertProofs(
                (MonitorRow("6350001020101040201", "石桥村", "other"),),
                (HeardRow("350102101201", "石桥村", False, NOW, "只有音乐"),),
            ),
            times={"latency_by_path_s": {"ip": {"first": 0.0212, "median": 0.2, "p99": 0.4, "last": 0.5}}},
        )

    async def terminals(self, wanted: TerminalFilter) -> TerminalPage:
        row = TerminalRow(FAILED.code, FAILED.name, FAILED.town, "offline", ("ip", "fm"), ("fm",), NOW - 600)
        found = [row] if wanted.state in ("", row.state) and wanted.town in ("", row.town) else []
        return TerminalPage(tuple(found[: wanted.rows_max]), len(found))

    async def links(self) -> tuple[LinkRow, ...]:
        return (
            LinkRow("ip", "terminal_tcp", "ip", True, "", 900, 0, 512, 0),
            LinkRow("fm", "fm_transmitter", "fm", False, "connection refused", 0, 3, 512, 1),
        )

    async def reload(self, actor: Actor) -> Reloaded:
        self.acts.append(("reload", actor.name))
        if self.defect:
            file = "ebcd.toml"
            raise ConfigError(
                [ConfigProblem(file, "links[0].port", "", "needs_restart"), ConfigProblem(file, "x", "1", "missing")]
            )
        return Reloaded(("approval.level_1",), 4, 3)

    async def status(self) -> Status:
        return Status("0.1.0", "43411230000000101010101", "某县应急广播平台", NOW, NOW - 60, {}, {"online": 60}, 0)

    def _row(self, ebm_id: str) -> AlertRow:
        if ebm_id not in self.rows:
            raise OperationRefused(Problem(Kind.NOT_FOUND, "no_such_alert", thing="alert", value=ebm_id))
        return self.rows[ebm_id]


def row(serial: int, *, author: str = "chen", category: Category = Category.EMERGENCY) -> AlertRow:
    """An alert that waits for approval."""
    ebm_id = f"4341123000000010101010120261122{serial:04d}"
    return AlertRow(
        ebm_id, "pending", category, 2, "暴雨橙色预警", author, NOW, NOW + 600, Counts(targeted=60, pending=60), 0, 1
    )
