"""Rows about operation data: what each platform above has been told about each resource."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, delete, select

from .counters import upsert_insert
from .records import ReportRow
from .tables import report
from .transaction import Transaction


def write(work: Transaction, rows: Sequence[ReportRow], gone: Sequence[tuple[str, str, str]]) -> None:
    """Write rows, and remove those of resources that are no more (`gone`: peer, kind, code)."""
    if rows:
        new = upsert_insert(work.connection)(report)
        columns = ("value", "told", "changed_at")
        statement = new.on_conflict_do_update(
            index_elements=[report.c.peer, report.c.kind, report.c.code],
            set_={name: new.excluded[name] for name in columns},
        )
        work.connection.execute(statement, [_values(row) for row in rows])
    if gone:
        keys = (report.c.peer, report.c.kind, report.c.code)
        where = and_(*[column == bindparam(f"_{column.name}") for column in keys])
        parameters = [{"_peer": peer, "_kind": kind, "_code": code} for peer, kind, code in gone]
        work.connection.execute(delete(report).where(where), parameters)


def _values(row: ReportRow) -> dict[str, object]:
    return {
        "peer": row.peer,
        "kind": row.kind,
        "code": row.code,
        "value": row.value,
        "told": row.told,
        "changed_at": row.changed_at,
    }


def every(connection: Connection) -> list[ReportRow]:
    """All rows."""
    columns = (report.c.peer, report.c.kind, report.c.code, report.c.value, report.c.told, report.c.changed_at)
    return [ReportRow(*row) for row in connection.execute(select(*columns))]
