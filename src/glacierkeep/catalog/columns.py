"""The kinds of columns: integers of 64 bits, times, and the tables' own options."""

import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import INTEGER, BigInteger, Column, ForeignKey
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Big = BigInteger().with_variant(INTEGER(), "sqlite")

STRICT: dict[str, Any] = {"sqlite_strict": sqlite3.sqlite_version_info >= (3, 37)}
"""SQLite below 3.37 knows no STRICT tables; a catalog made there simply lacks them."""

CLUSTERED: dict[str, Any] = STRICT | {"sqlite_with_rowid": False}


class Moment(TypeDecorator[datetime]):
    """An aware UTC time, stored as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(INTEGER() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * _MICROSECOND


def to_microseconds(moment: datetime) -> int:
    """Microseconds since 1970. Raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no zone")
    return (moment - EPOCH) // _MICROSECOND


def signed(number: int) -> int:
    """An unsigned 64-bit number (an inode) as the signed one with the same bits."""
    return ((number + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)


def unsigned(number: int) -> int:
    """The inverse of signed."""
    return number & ((1 << 64) - 1)


def key() -> Column[int]:
    """A table's own key."""
    return Column("id", Big, primary_key=True)


def refer(name: str, table: str, *, nullable: bool = False, primary_key: bool = False) -> Column[int]:
    """A column that holds the key of a row of *table*."""
    return Column(name, Big, ForeignKey(f"{table}.id"), nullable=nullable, primary_key=primary_key)
