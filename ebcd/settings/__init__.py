"""ebcd.toml -> `Settings`, or every problem in it at once.

`load` is what the daemon uses; `check` goes further and looks at the files, keys and ports that the settings name.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ebcd.clock import SystemClock
from ebcd.errors import ConfigError, Problem
from ebcd.settings.duty import AlarmsSection, ShiftSection, ToneSection, WhitelistSection
from ebcd.settings.links import LinkSettings, read_links
from ebcd.settings.problems import problems_of
from ebcd.settings.sections import (
    ApiSection,
    ApprovalSection,
    BackupSection,
    ChangesSection,
    CrewSection,
    DeliverySection,
    EmailSection,
    HealthSection,
    InventorySection,
    MediaSection,
    MetricsSection,
    MonitorSection,
    MorningSection,
    OperatorSection,
    OrdersSection,
    PlatformSection,
    PrioritySection,
    QuietHoursSection,
    ReportsSection,
    Sections,
    SmsSection,
    StoreSection,
    TrustSection,
    UpstreamSection,
)

SECRETS_ENV = {
    "EBCD_STORE_URL": ("store", "url"),  # holds a password where the store is PostgreSQL
    "EBCD_SMS_PIN": ("sms", "pin"),
    "EBCD_EMAIL_PASSWORD": ("email", "password"),
}
TABLES = tuple(name for name in Sections.model_fields if name not in ("platform", "operators", "crews"))


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator may set. All paths are absolute."""

    file: Path
    platform: PlatformSection
    store: StoreSection
    trust: TrustSection
    inventory: InventorySection
    api: ApiSection
    metrics: MetricsSection
    media: MediaSection
    backup: BackupSection
    operators: tuple[OperatorSection, ...]
    approval: ApprovalSection
    quiet_hours: QuietHoursSection
    priority: PrioritySection
    delivery: DeliverySection
    health: HealthSection
    orders: OrdersSection
    tone: ToneSection
    alarms: AlarmsSection
    shift: ShiftSection
    whitelist: WhitelistSection
    changes: ChangesSection
    crews: tuple[CrewSection, ...]
    sms: SmsSection
    email: EmailSection
    upstream: UpstreamSection
    reports: ReportsSection
    monitor: MonitorSection
    morning: MorningSection
    links: tuple[LinkSettings, ...]

    def key_passphrase(self, environ: Mapping[str, str] = os.environ) -> bytes | None:
        """The passphrase of the platform's key, from the variable that the file names; None where it is not set."""
        found = environ.get(self.platform.key_passphrase_env, "")
        return found.encode() or None


def load(path: Path | str, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the file. Raises ConfigError with every problem found."""
    settings, problems = read(Path(path), environ=environ)
    if problems or settings is None:
        raise ConfigError(problems)
    return settings


def load_text(content: str, path: Path, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """The same for a text that is not at `path` yet; relative paths are relative to there. Raises ConfigError."""
    settings, problems = _read_text(content, path, environ=environ)
    if problems or settings is None:
        raise ConfigError(problems)
    return settings


def check(path: Path | str, *, environ: Mapping[str, str] = os.environ) -> list[Problem]:
    """Every problem at once, also of the files that are named: inventory, trust, key, ports (`ebcd check-config`)."""
    from ebcd.settings.checks import check as check_all  # loads libcrypto, which reading the text does not need

    return check_all(Path(path), clock=SystemClock(), environ=environ)


def read(path: Path, *, environ: Mapping[str, str] = os.environ) -> tuple[Settings | None, list[Problem]]:
    """The settings, where they could be built, and all problems of the text. Secrets come from `environ` first:
    those of `SECRETS_ENV`, and EBCD_LINK_<NAME>_PASSWORD for a link that has a password."""
    file = str(path)
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        return None, [Problem(file, "", "", "unreadable", {"reason": error.strerror or str(error)})]
    except UnicodeDecodeError as error:
        return None, [Problem(file, "", "", "not_utf8", {"offset": error.start})]
    return _read_text(content, path, environ=environ)


def _read_text(content: str, path: Path, *, environ: Mapping[str, str]) -> tuple[Settings | None, list[Problem]]:
    try:
        document = tomllib.loads(content)
    except (ValueError, RecursionError) as error:  # tomllib has no error of its own for numbers of 5,000 digits
        return None, [Problem(str(path), "", "", "not_toml", {"reason": str(error)})]
    return read_tables(document, path, environ=environ)


def read_tables(
    document: dict[str, Any], path: Path, *, environ: Mapping[str, str]
) -> tuple[Settings | None, list[Problem]]:
    """The same for tables that were parsed already; `document` is used up."""
    file, folder = str(path), path.absolute().parent
    links, problems = read_links(document.pop("links", []), file, environ)
    sections, found = _read_sections(document, folder, file, environ)
    problems = found + problems
    if sections is None:
        return None, problems
    problems += _twice(file, "operators", [operator.name for operator in sections.operators], "name")
    problems += _twice(file, "crews", [crew.name for crew in sections.crews], "name")
    problems += _twice(file, "upstream.peers", [str(peer.code) for peer in sections.upstream.peers], "code")
    tables = {name: getattr(sections, name) for name in Sections.model_fields}
    return Settings(file=path.absolute(), links=links, **tables), problems


def _read_sections(
    document: dict[str, Any], folder: Path, file: str, environ: Mapping[str, str]
) -> tuple[Sections | None, list[Problem]]:
    for name in TABLES:
        document.setdefault(name, {})
    for variable, (table, key) in SECRETS_ENV.items():
        if (secret := environ.get(variable)) and isinstance(document[table], dict):
            document[table][key] = secret
    try:
        # Through JSON, because pydantic's strict mode then takes lists for tuples and texts for enums, and nothing else
        text = json.dumps(document, default=str)
        return Sections.model_validate_json(text, context={"folder": folder}), []
    except ValidationError as error:
        return None, problems_of(error, file, Sections)


def _twice(file: str, table: str, names: list[str], key: str) -> list[Problem]:
    """Entries that share what must tell them apart."""
    return [
        Problem(file, f"{table}[{at}].{key}", repr(name), "twice", {"first": f"{table}[{names.index(name)}]"})
        for at, name in enumerate(names)
        if names.index(name) != at
    ]
