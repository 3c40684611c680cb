"""The rows of a whole database as lines of JSON, and back: the same for SQLite and PostgreSQL, so that a backup of one
can be restored into the other.

Why not the database's own tools: a copy of the SQLite file and a `pg_dump` can each be restored into their own kind
(and version) only; the rows can go into any, and need no other program.  Tables are read from the database itself, not
from this program's models, so that a backup of any version can be read.

First line: `{"revision": …, "secrets": […]}` (keys of `accounts/sealing.py`); for each table
`{"table": …, "columns": […]}`, its rows as arrays, `{"rows": n}`; at the end `{"end": n}`.  JSON columns are strings of
JSON; bytes, dates and decimals are objects with one key.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    Connection,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.schema import SchemaItem

VERSION_TABLE = "alembic_version"
_STEP = 500


def tables_of(connection: Connection) -> list[Table]:
    """The tables of a database, each after those it refers to; without the one that tells the revision."""
    metadata = MetaData()
    names = [name for name in inspect(connection).get_table_names() if name != VERSION_TABLE]
    metadata.reflect(connection, only=names)
    return list(metadata.sorted_tables)


async def dump(connection: AsyncConnection, secrets: Sequence[str] = ()) -> AsyncIterator[str]:
    """The lines, without line ends.  The caller's transaction makes them one moment of the database."""
    revision = (await connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))).scalar_one()
    yield _json({"revision": revision, "secrets": list(secrets)})
    total = 0
    for table in await connection.run_sync(tables_of):
        yield _json({"table": table.name, "columns": [column.name for column in table.columns]})
        wanted = [cast(column, Text) if _is_json(column) else column for column in table.columns]
        rows = await connection.stream(select(*wanted).order_by(*table.primary_key.columns))
        count = 0
        async for part in rows.partitions(_STEP):
            for row in part:
                yield _json([_plain(value) for value in row])
            count += len(part)
        yield _json({"rows": count})
        total += count
    yield _json({"end": total})


class Torn(Exception):
    """The lines do not end as they should."""


def read(lines: Iterator[str]) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
    """(table, columns, rows) in pieces.  Raises Torn when lines are missing or are not what `dump` writes."""
    try:
        yield from _read(lines)
    except (ValueError, KeyError, TypeError) as error:
        raise Torn from error


def _read(lines: Iterator[str]) -> Iterator[tuple[str, list[str], list[list[Any]]]]:
    json.loads(next(lines, "null"))["revision"]
    total = 0
    while "end" not in (top := json.loads(next(lines, "null"))):
        count, part = 0, []
        while isinstance(row := json.loads(next(lines, "null")), list):
            part.append([_value(value) for value in row])
            count += 1
            if len(part) == _STEP:
                yield top["table"], top["columns"], part
                part = []
        if row["rows"] != count:
            raise Torn
        total += count
        yield top["table"], top["columns"], part
    if top["end"] != total or next(lines, None) is not None:
        raise Torn


def load(connection: Connection, lines: Iterator[str]) -> dict[str, int]:
    """Insert the rows into tables that are there and empty; returns how many each got.

    Triggers and foreign keys are off meanwhile: a journal is restored as it was, also one that somebody damaged.
    """
    tables = {table.name: table for table in tables_of(connection)}
    on = _without_triggers(connection, list(tables.values()))
    counts = dict.fromkeys(tables, 0)
    for name, columns, rows in read(lines):
        if name not in tables:
            raise Torn
        if rows:
            connection.execute(
                _insertion(tables[name], columns), [dict(zip(columns, row, strict=True)) for row in rows]
            )
        counts[name] += len(rows)
    if connection.dialect.name == "postgresql":
        _advance_sequences(connection, list(tables.values()))
    for statement in on:
        connection.execute(text(statement))
    return counts


def _insertion(table: Table, columns: list[str]) -> Any:
    values: dict[str, Any] = {}
    for name in columns:
        column = table.columns[name]
        if _is_json(column):
            as_text = bindparam(name, type_=Text())
            values[name] = cast(as_text, column.type) if table.metadata.info.get("cast") else as_text
        else:
            values[name] = bindparam(name, type_=column.type)
    return insert(_untyped(table)).values(values)


def _untyped(table: Table) -> Table:
    """The same table with JSON columns as text: their rows are JSON already."""
    items: list[SchemaItem] = [
        Column(column.name, Text() if _is_json(column) else column.type) for column in table.columns
    ]
    return Table(table.name, MetaData(), *items)


def _without_triggers(connection: Connection, tables: list[Table]) -> list[str]:
    """Switch the triggers off; returns what switches them on again."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            table.metadata.info["cast"] = True
            connection.execute(text(f'ALTER TABLE "{table.name}" DISABLE TRIGGER USER'))
        return [f'ALTER TABLE "{table.name}" ENABLE TRIGGER USER' for table in tables]
    triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    for name, _ in triggers:
        connection.execute(text(f'DROP TRIGGER "{name}"'))
    return [sql.replace(":", "\\:") for _, sql in triggers]


def _advance_sequences(connection: Connection, tables: list[Table]) -> None:
    """Numbers that PostgreSQL hands out go on behind the restored ones."""
    for table in tables:
        for column in table.primary_key.columns:
            sequence = connection.execute(select(func.pg_get_serial_sequence(table.name, column.name))).scalar()
            highest = connection.execute(select(func.max(column))).scalar() if sequence else None
            if highest is not None:
                connection.execute(select(func.setval(sequence, highest)))


def _is_json(column: Column[Any]) -> bool:
    return isinstance(column.type, JSON)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return value


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, raw),) = value.items()
    if kind == "bytes":
        return base64.b64decode(raw)
    if kind == "datetime":
        return datetime.fromisoformat(raw)
    if kind == "date":
        return date.fromisoformat(raw)
    return Decimal(raw)


def revision_of(first: str) -> str:
    """Of the first line."""
    return str(json.loads(first)["revision"])


def secrets_of(first: str) -> list[str]:
    """Of the first line; a backup of before there were any has none."""
    return [str(key) for key in json.loads(first).get("secrets", [])]
