"""The Grafana dashboards as code: `python config/grafana/build.py` writes them beside this file, `--out DIR` elsewhere.

A panel is a title in both languages, a kind, a unit and its queries; where it stands is worked out. Standard library
only. A test compares the committed JSON with what this writes, another runs every query against a real Prometheus.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCHEMA = 38  # Grafana 10; newer ones migrate it by themselves
COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
ME = 'instance=~"$instance"'
RATE = "$__rate_interval"


@dataclass(frozen=True)
class Panel:
    """One picture: `queries` are pairs of expression and legend."""

    title: str
    kind: str  # stat, timeseries, bargauge, state-timeline
    unit: str
    queries: tuple[tuple[str, str], ...]
    width: int = 8
    height: int = 8
    red_below: float | None = None
    red_above: float | None = None


@dataclass(frozen=True)
class Dashboard:
    """One page."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def one(title: str, unit: str, query: str, **more: Any) -> Panel:
    """A single number."""
    return Panel(title, "stat", unit, ((query, ""),), **{"width": 4, "height": 4, **more})


def lines(title: str, unit: str, *queries: tuple[str, str], **more: Any) -> Panel:
    """Lines over time."""
    return Panel(title, "timeseries", unit, queries, **more)


def zero(query: str) -> str:
    """A counter whose series begin with their first event: nothing yet is 0."""
    return f"{query} or vector(0)"


COUNTY = Dashboard(
    "ebcd-county",
    "ebcd 全县概览 · County overview",
    (
        one("终端在线率 · Terminals online", "percentunit", f"ebcd:terminals_online:ratio{{{ME}}}", red_below=0.9),
        one("正在播出 · On air", "short", zero(f'sum(ebcd_alerts{{{ME},state="on_air"}})')),
        one("等待审批 · Waiting for approval", "short", zero(f'sum(ebcd_alerts{{{ME},state="pending"}})'), red_above=0),
        one("中断的链路 · Links down", "short", f"count(ebcd_link_up{{{ME}}} == 0) or vector(0)", red_above=0),
        one("上级平台在线 · Platforms above", "short", f"sum(ebcd_peer_up{{{ME}}})", red_below=1),
        one("不变量被破坏 · Invariants violated", "short", zero(f"sum(ebcd_invariant_violations_total{{{ME}}})"),
            red_above=0),
        one("值班 · On duty", "short", f"min(ebcd_on_duty{{{ME}}})", red_below=1),
        one("交班等待 · Handover waits", "s", f"max(ebcd_handover_waiting_seconds{{{ME}}})", red_above=900),
        one("无人确认的告警 · Alarms nobody sees to", "short", f'sum(ebcd_alarms{{{ME},acknowledged="no"}})',
            red_above=0),
        one("近日响过 · Proved to sound", "percentunit",
            f'sum(ebcd_terminals_proved{{{ME}}}) / sum(ebcd_terminals{{{ME},state=~"online|offline|fault"}})',
            red_below=0.9),
        one("待登记设备 · Devices nobody entered", "short", f"sum(ebcd_devices_pending{{{ME}}})", red_above=0),
        one("交班超时 · Handovers overdue", "short", f"sum(increase(ebcd_handovers_overdue_total{{{ME}}}[1d]))",
            red_above=0),
        lines("告警 · Alarms", "short", (f"sum by (kind) (ebcd_alarms{{{ME}}})", "{{kind}}"), width=12),
        lines("适配器 · Adapters", "short", (f"ebcd_adapters{{{ME}}}", "{{state}}"), width=12),
        lines("终端 · Terminals", "short", (f"ebcd_terminals{{{ME}}}", "{{state}}"), width=12),
        lines("消息 · Alerts", "short", (f"ebcd_alerts{{{ME}}}", "{{state}}"), width=12),
        lines("一小时送达确认率 · Confirmed in an hour", "percentunit",
              (f"ebcd:deliveries_confirmed:ratio_rate1h{{{ME}}}", "{{path}}")),
        lines("终端应答 · Answers of terminals", "reqps",
              (f"sum by (path) (rate(ebcd_receipts_total{{{ME}}}[{RATE}]))", "{{path}}")),
        lines("被拒绝的输入 · Input refused", "reqps",
              (zero(f"sum by (source) (rate(ebcd_rejected_total{{{ME}}}[{RATE}]))"), "{{source}}")),
        one("上次备份 · Newest backup", "s", zero(f"max(ebcd:backup_age_seconds{{{ME}}})"), red_above=7 * 86400),
        one("证书剩余天数 · Certificate days left", "short", f"min(ebcd:certificate_days_left{{{ME}}})", red_below=30),
        one("磁盘剩余 · Disk free", "percentunit", f"min(ebcd:disk_free:ratio{{{ME}}})", red_below=0.1),
    ),
)  # fmt: skip

ALERT = Dashboard(
    "ebcd-alert",
    "ebcd 一条消息 · One alert",
    (
        one("最近一条：首次应答 · Newest: first answer", "s",
            f'max(ebcd_newest_alert_first_seconds{{{ME},of="answer"}})', width=6, red_above=10),
        one("最近一条：首次出声 · Newest: first sound", "s",
            f'max(ebcd_newest_alert_first_seconds{{{ME},of="sound"}})', width=6, red_above=10),
        one("最近一条：有人听到的地点 · Newest: places that heard", "short",
            f'sum(ebcd_newest_alert_places{{{ME},heard="yes"}})', width=6),
        one("最近一条：没听到的地点 · Newest: places that did not", "short",
            f'sum(ebcd_newest_alert_places{{{ME},heard="no"}})', width=6, red_above=0),
        lines("最近一条的证据 · Evidence of the newest", "short",
              (f"sum by (grade) (ebcd_newest_alert_terminals{{{ME}}})", "{{grade}}"), width=12),
        lines("最近一条的监听判定 · What monitors carried", "short",
              (f"sum by (verdict) (ebcd_newest_alert_monitors{{{ME}}})", "{{verdict}}"), width=12),
        lines("各阶段用时（99 %）· Stages, 99 %", "s",
              (f"histogram_quantile(0.99, sum by (le, stage) (rate(ebcd_stage_seconds_bucket{{{ME}}}[{RATE}])))",
               "{{stage}}"), width=12),
        lines("各阶段用时（中位）· Stages, median", "s",
              (f"histogram_quantile(0.5, sum by (le, stage) (rate(ebcd_stage_seconds_bucket{{{ME}}}[{RATE}])))",
               "{{stage}}"), width=12),
        lines("终端结果 · Outcomes", "short",
              (f"sum by (outcome) (increase(ebcd_deliveries_total{{{ME}}}[$__range]))", "{{outcome}}"), width=12),
        lines("各通道确认 · Confirmed by path", "short",
              (f'sum by (path) (increase(ebcd_deliveries_total{{{ME},outcome="confirmed"}}[$__range]))', "{{path}}"),
              width=12),
        lines("终端上报 · What terminals report", "reqps",
              (f"sum by (kind) (rate(ebcd_receipts_total{{{ME}}}[{RATE}]))", "{{kind}}")),
        lines("取音频 · Sound fetched", "reqps",
              (f"sum by (status) (rate(ebcd_media_requests_total{{{ME}}}[{RATE}]))", "{{status}}")),
        lines("音频流量 · Sound handed out", "Bps", (f"rate(ebcd_media_bytes_total{{{ME}}}[{RATE}])", "bytes/s")),
        lines("发件箱 · Outboxes", "short", (f"ebcd_outbox_depth{{{ME}}}", "{{link}}")),
        lines("日志写入 · Journal rows", "wps", (f"rate(ebcd_journal_rows_total{{{ME}}}[{RATE}])", "rows/s")),
        lines("调频占用 · FM air", "percentunit", (f"ebcd:fm_air_busy:ratio_rate5m{{{ME}}}", "{{link}}")),
    ),
)  # fmt: skip

LINKS = Dashboard(
    "ebcd-links",
    "ebcd 链路 · Links",
    (
        Panel("链路状态 · Links up", "state-timeline", "short",
              ((f"ebcd_link_up{{{ME}}}", "{{link}}"), (f"ebcd_peer_up{{{ME}}}", "{{peer}}")), width=24),
        lines("在线设备 · Devices", "short", (f"ebcd_link_devices{{{ME}}}", "{{link}}"), width=12),
        lines("发件箱占用 · Outboxes filled", "percentunit",
              (f"ebcd_outbox_depth{{{ME}}} / ebcd_outbox_limit{{{ME}}}", "{{link}}"), width=12),
        lines("发件箱放弃 · Pushed out", "short", (f"increase(ebcd_outbox_dropped_total{{{ME}}}[5m])", "{{link}}")),
        lines("推送的声音 · Sound pushed", "short", (f"ebcd_link_streams{{{ME}}}", "{{link}}"),
              (f"increase(ebcd_link_stream_failures_total{{{ME}}}[5m])", "{{link}} failed"),
              (f"rate(ebcd_link_stream_packets_total{{{ME}}}[{RATE}])", "{{link}} packets/s")),
        lines("签名判定 · Signatures judged", "reqps",
              (f"sum by (outcome) (rate(ebcd_signature_verdicts_total{{{ME}}}[{RATE}]))", "{{outcome}}")),
        lines("待应答的反馈 · Letters waiting", "short", (f"ebcd_peer_letters_waiting{{{ME}}}", "{{peer}}")),
        lines("上报 · Reports up", "short",
              (f"sum by (type, receipt) (increase(ebcd_reports_total{{{ME}}}[1h]))", "{{type}} {{receipt}}")),
        lines("上级未确认的记录 · What the platform above lacks", "short",
              (f"ebcd_reports_lacking{{{ME}}}", "{{peer}}"),
              (f"ebcd_reports_requested{{{ME}}}", "{{peer}} · requests")),
        lines("备用线路 · Standby line", "short", (f"ebcd_upstream_standby{{{ME}}}", "{{peer}}"),
              (f"increase(ebcd_upstream_switches_total{{{ME}}}[1d])", "{{peer}} · switches")),
        lines("被拒绝的输入 · Input refused", "reqps",
              (zero(f"sum by (source, reason) (rate(ebcd_rejected_total{{{ME}}}[{RATE}]))"), "{{source}} {{reason}}"),
              width=12),
        lines("媒体连接 · Media connections", "short", (f"ebcd_media_connections{{{ME}}}", "open"),
              (f"increase(ebcd_media_refused_connections_total{{{ME}}}[5m])", "refused"), width=12),
        lines("不能验签的例外 · Exceptions from SM2", "short", (zero(f"ebcd_exceptions{{{ME}}}"), "{{state}}"),
              width=12),
        lines("例外的应答 · Answers about exceptions", "short",
              (zero(f"sum by (outcome) (increase(ebcd_exception_answers_total{{{ME}}}[1h]))"), "{{outcome}}"),
              width=12),
    ),
)  # fmt: skip

TOWNS = Dashboard(
    "ebcd-towns",
    "ebcd 各乡镇终端 · Terminals by town",
    (
        Panel("在线率 · Online", "bargauge", "percentunit",
              ((f"sort(ebcd:town_terminals_online:ratio{{{ME}}})", "{{town}}"),), width=12, height=16, red_below=0.9),
        Panel("离线数 · Offline", "bargauge", "short",
              ((f'sort_desc(ebcd_town_terminals{{{ME},state="offline"}})', "{{town}}"),), width=12, height=16,
              red_above=0),
        lines("在线数 · Online", "short", (f'ebcd_town_terminals{{{ME},state="online"}}', "{{town}}"), width=12),
        lines("故障数 · At fault", "short", (f'ebcd_town_terminals{{{ME},state="fault"}}', "{{town}}"), width=12),
        lines("无法观测 · Cannot be heard (FM only)", "short",
              (f'ebcd_town_terminals{{{ME},state="unknown"}}', "{{town}}"), width=24),
        Panel("开通率 · Opened of entered", "bargauge", "percentunit",
              ((f'sort(ebcd_enrolment{{{ME},stage="opened"}} / ignoring (stage) '
                f'(ebcd_enrolment{{{ME},stage="entered"}} > 0))', "{{town}}"),), width=12, height=12, red_below=0.9),
        lines("登记进度 · How far devices have got", "short",
              (f"sum by (stage) (ebcd_enrolment{{{ME}}})", "{{stage}}"), width=12, height=12),
    ),
)  # fmt: skip

FM = Dashboard(
    "ebcd-fm",
    "ebcd 调频空中时间 · FM air time",
    (
        one("占用 · Busy", "percentunit", f"max(ebcd:fm_air_busy:ratio_rate5m{{{ME}}})", red_above=0.9),
        one("在播的包 · Packets on air", "short", f'sum(ebcd_outbox_depth{{{ME},path="fm"}})'),
        one("可容纳 · Room for", "short", f'sum(ebcd_outbox_limit{{{ME},path="fm"}})'),
        one("发射机 · Transmitter", "short", f'min(ebcd_link_up{{{ME},path="fm"}})', red_below=1),
        lines("每秒帧数（上限 11.4）· Frames a second (11.4 at most)", "short",
              (f"sum by (link, kind) (rate(ebcd_fm_frames_total{{{ME}}}[{RATE}]))", "{{link}} {{kind}}"), width=12),
        lines("占用 · Busy", "percentunit",
              (f'sum by (link) (rate(ebcd_fm_frames_total{{{ME},kind="carrying"}}[{RATE}])) '
               f"/ sum by (link) (rate(ebcd_fm_frames_total{{{ME}}}[{RATE}]))", "{{link}}"), width=12),
        lines("在播的包 · Packets on air", "short", (f'ebcd_outbox_depth{{{ME},path="fm"}}', "{{link}}"), width=12),
        lines("放弃的包 · Packets pushed out", "short",
              (f'increase(ebcd_outbox_dropped_total{{{ME},path="fm"}}[5m])', "{{link}}"), width=12),
    ),
)  # fmt: skip

ORDERS = Dashboard(
    "ebcd-orders",
    "ebcd 工单 · Work orders",
    (
        one("未结工单 · Live", "short", zero(f"sum(ebcd_orders{{{ME}}})"), red_above=0),
        one("超时 · Overdue", "short", f"sum(ebcd_orders_overdue{{{ME}}})", red_above=0),
        one("本月开出 · Opened this month", "short", f"sum(ebcd_orders_month{{{ME}}})"),
        one("本月发现用时 · To notice, this month", "s",
            zero(f'max(ebcd_orders_month_seconds{{{ME},step="notice"}})'), red_above=180),
        one("本月到场用时 · To arrive, this month", "s", zero(f'max(ebcd_orders_month_seconds{{{ME},step="arrive"}})')),
        one("本月修复用时 · To mend, this month", "s", zero(f'max(ebcd_orders_month_seconds{{{ME},step="mend"}})')),
        lines("未结工单按原因 · Live by cause", "short",
              (zero(f"sum by (trouble) (ebcd_orders{{{ME}}})"), "{{trouble}}"), width=12),
        lines("未结工单按状态 · Live by state", "short",
              (zero(f"sum by (state) (ebcd_orders{{{ME}}})"), "{{state}}"), width=12),
        lines("各步用时（本月中位）· Time to each step, median of the month", "s",
              (zero(f"ebcd_orders_month_seconds{{{ME}}}"), "{{step}}"), width=12),
        lines("时断时续的设备 · Devices that come and go", "short", (f"ebcd_devices_flapping{{{ME}}}", "devices"),
              width=12),
        lines("值守所做 · What the watch did", "short",
              (zero(f"sum by (act) (increase(ebcd_watch_total{{{ME}}}[1h]))"), "{{act}}"), width=24),
    ),
)  # fmt: skip

DAEMON = Dashboard(
    "ebcd-daemon",
    "ebcd 服务本身 · The daemon itself",
    (
        one("运行 · Running", "s", f"time() - process_start_time_seconds{{{ME}}}"),
        one("版本 · Version", "short", f"ebcd_build_info{{{ME}}}"),
        one("日志写入 · Journal writer", "short", f"min(ebcd_journal_writer_up{{{ME}}})", red_below=1),
        one("部件重启 · Parts restarted", "short", zero(f"sum(ebcd_part_restarts_total{{{ME}}})"), red_above=0),
        one("达到上限 · Limits that acted", "short", zero(f"sum(ebcd_bound_acted_total{{{ME}}})"), red_above=0),
        one("备份数 · Backups", "short", f"sum(ebcd_backups_kept{{{ME}}})"),
        lines("事件循环延迟（99 %）· Loop late, 99 %", "s",
              (f"histogram_quantile(0.99, rate(ebcd_loop_late_seconds_bucket{{{ME}}}[{RATE}]))", "late")),
        lines("处理器 · Processor", "percentunit", (f"rate(process_cpu_seconds_total{{{ME}}}[{RATE}])", "cores")),
        lines("内存 · Memory", "bytes", (f"process_resident_memory_bytes{{{ME}}}", "resident")),
        lines("打开的文件 · Open files", "short", (f"process_open_fds{{{ME}}}", "open"),
              (f"process_max_fds{{{ME}}}", "limit")),
        lines("提交用时 · One commit", "s",
              (f"rate(ebcd_journal_commit_seconds_total{{{ME}}}[{RATE}]) "
               f"/ (rate(ebcd_journal_commits_total{{{ME}}}[{RATE}]) > 0)", "mean")),
        lines("等待写入 · Rows waiting", "short", (f"ebcd_journal_waiting_rows{{{ME}}}", "rows")),
        lines("日志大小 · Journal size", "bytes", (f"ebcd_journal_bytes{{{ME}}}", "bytes")),
        lines("磁盘剩余 · Disk free", "bytes", (f"ebcd_disk_free_bytes{{{ME}}}", "{{folder}}")),
        lines("证书剩余天数 · Certificate days left", "short",
              (f"ebcd:certificate_days_left{{{ME}}}", "{{role}}")),
        lines("在册证书 · Certificates on file", "short", (f"ebcd_certificates{{{ME}}}", "{{role}}")),
        lines("磁盘拒绝写入 · Commits refused", "short",
              (zero(f"sum by (reason) (increase(ebcd_journal_failures_total{{{ME}}}[1h]))"), "{{reason}}"),
              (f"increase(ebcd_journal_lost_total{{{ME}}}[1h])", "lost")),
        lines("备份大小 · Newest backup", "bytes", (f"ebcd_backup_newest_bytes{{{ME}}}", "bytes")),
        lines("备份结果 · Backups made or not", "short",
              (zero(f"sum by (outcome) (increase(ebcd_backup_runs_total{{{ME}}}[1d]))"), "{{outcome}}")),
        lines("重放记忆清除 · Replay memory evicted", "short",
              (f"increase(ebcd_signature_replay_evictions_total{{{ME}}}[1h])", "signatures")),
    ),
)  # fmt: skip

DASHBOARDS = {
    "county.json": COUNTY,
    "alert.json": ALERT,
    "links.json": LINKS,
    "towns.json": TOWNS,
    "fm.json": FM,
    "orders.json": ORDERS,
    "daemon.json": DAEMON,
}


def dashboard_json(dashboard: Dashboard) -> dict[str, Any]:
    """What Grafana imports."""
    panels, x, y, row = [], 0, 0, 0
    for number, panel in enumerate(dashboard.panels, 1):
        if x + panel.width > COLUMNS:
            x, y, row = 0, y + row, 0
        panels.append(_panel(number, panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, row = x + panel.width, max(row, panel.height)
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["ebcd"],
        "schemaVersion": SCHEMA,
        "timezone": "Asia/Shanghai",
        "refresh": "15s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": _variables()},
        "links": [{"type": "dashboards", "tags": ["ebcd"], "asDropdown": True, "title": "ebcd", "keepTime": True}],
        "panels": panels,
    }


def _variables() -> list[dict[str, Any]]:
    query = "label_values(ebcd_build_info, instance)"
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
        {
            "name": "instance",
            "type": "query",
            "label": "县 · County",
            "datasource": SOURCE,
            "query": {"query": query, "refId": "instance"},
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    instant = panel.kind in ("stat", "bargauge")
    targets = [
        {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": expr, "legendFormat": legend, "instant": instant,
         "range": not instant}
        for at, (expr, legend) in enumerate(panel.queries)
    ]  # fmt: skip
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "datasource": SOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "thresholds": _thresholds(panel)}, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if instant else {},
    }


def _thresholds(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.red_below}]
    if panel.red_above is not None:
        steps.append({"color": "red", "value": panel.red_above + (1 if panel.red_above == 0 else 0)})
    return {"mode": "absolute", "steps": steps}


def main() -> None:
    """Write every file."""
    parser = argparse.ArgumentParser(description="Write the Grafana dashboards.")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    out = parser.parse_args().out
    for name, dashboard in DASHBOARDS.items():
        text = json.dumps(dashboard_json(dashboard), ensure_ascii=False, indent=1)
        (out / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
