"""The database itself refuses to change or remove journal rows."""

from __future__ import annotations

from sqlalchemy import Connection

_REFUSAL = "the journal is append-only"


def _sqlite(verb: str) -> str:
    body = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    return f"CREATE TRIGGER journal_no_{verb.lower()} BEFORE {verb} ON journal {body}"


APPEND_ONLY = {
    "sqlite": (_sqlite("UPDATE"), _sqlite("DELETE")),
    "postgresql": (
        "CREATE FUNCTION journal_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
        "CREATE TRIGGER journal_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON journal "
        "FOR EACH STATEMENT EXECUTE FUNCTION journal_append_only()",
    ),
}
"""Statements by dialect, to be run once the table `journal` exists."""


def forbid_changes(_table: object, connection: Connection, **_options: object) -> None:
    """Install the triggers; listens to the creation of the table."""
    for statement in APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)
