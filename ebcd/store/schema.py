"""Brings a database to the newest schema: a new one is made at once, an older one is backed up and migrated."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import SQLAlchemyError

from .copying import copy_database
from .engine import WRITES, database_file, told
from .errors import StoreError
from .tables import SCHEMA_VERSION, metadata

_VERSION_TABLE = "alembic_version"
BACKUPS_MAX = 100


def bring_up(engine: Engine) -> str | None:
    """Make the schema the newest one; returns the backup's file name where a migration was needed.

    Alembic is imported only then: it costs a third of a second. Raises StoreError.
    """
    try:
        with engine.connect() as connection, connection.begin():
            version = current_version(connection)
        if version == SCHEMA_VERSION:
            return None
        with engine.connect().execution_options(**{WRITES: True}) as connection:
            if version is not None:
                return _migrate(engine, connection, version)
            with connection.begin():
                _create(connection)
            return None
    except SQLAlchemyError as error:
        raise told(error, engine.url) from error


def current_version(connection: Connection) -> str | None:
    """The database's schema version; None where it holds no tables yet. Raises StoreError for someone else's tables."""
    names = inspect(connection).get_table_names()
    if _VERSION_TABLE in names:
        version = connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar()
        if version is not None:
            return str(version)
    if names:
        value = f"holds tables {', '.join(sorted(names)[:5])} and no schema version"
        raise StoreError("schema", f"database {connection.engine.url}", value, "name a file of ebcd or a new one")
    return None


def _create(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(
        text(
            f"CREATE TABLE {_VERSION_TABLE} "
            f"(version_num VARCHAR(32) NOT NULL, CONSTRAINT {_VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(text(f"INSERT INTO {_VERSION_TABLE} VALUES (:version)"), {"version": SCHEMA_VERSION})


def _migrate(engine: Engine, connection: Connection, version: str) -> str | None:
    from .migrations.runner import known_versions, upgrade

    if version not in known_versions():
        raise StoreError(
            "schema",
            f"database {engine.url.render_as_string(hide_password=True)}",
            f"has schema {version}, this ebcd knows up to {SCHEMA_VERSION}",
            "install the ebcd that wrote it, or restore the backup made before that one",
        )
    file = database_file(engine.url)
    backup = _back_up(file, version) if file is not None else None
    with connection.begin():
        upgrade(connection)
    return backup.name if backup else None


def _back_up(file: Path, version: str) -> Path:
    """A whole, durable copy beside the file."""
    for number in range(1, BACKUPS_MAX + 1):
        target = file.with_name(f"{file.name}.schema-{version}.{number}")
        if not target.exists():
            break
    else:
        raise StoreError("schema", f"backups beside {file}", f"{BACKUPS_MAX} exist", "move the old ones away")
    partial = target.with_name(target.name + ".part")
    copy_database(file, partial)
    os.replace(partial, target)
    return target
