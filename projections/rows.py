"""Rows: the part of a view's tables that belongs to one subject, held in memory while it folds."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec

Key = tuple[Any, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its fields are the table's columns, in their order. Change by `replace`.

    A field of a Struct, dict or list type is kept as JSON bytes; `Personal[...]` is kept sealed with
    the subject's key, bound to view, table and column.
    """


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """A table of a view: `key` names its primary key, whose first column is the subject.

    `eager` tables are loaded for every subject of a batch; the others when a fold asks.
    """

    def __init__(
        self, name: str, row: type[R], key: tuple[str, ...], *, eager: bool = False
    ) -> None:
        self.name = name
        self.row = row
        self.key = key
        self.eager = eager
        self.columns: Final = tuple(f.name for f in msgspec.structs.fields(row))

    def key_of(self, row: R) -> Key:
        """Return the row's key within its subject."""
        return tuple(getattr(row, k) for k in self.key[1:])

    def __repr__(self) -> str:
        return f"Table({self.name})"


class NotLoaded(Exception):
    """A fold asked for rows that are not in memory; load them and fold the batch again."""

    def __init__(self, subject: UUID, table: Table[Any], key: Key | None) -> None:
        """`key` None: every row of the table that the subject has."""
        self.subject = subject
        self.table = table
        self.key = key
        super().__init__(subject, table, key)


class Rows:
    """The rows of one subject in one view, as far as they are loaded, and what a fold changed.

    `complete` means that nothing is stored elsewhere: what is not here does not exist.
    `shared` is the view's state folded from facts of no customer (policies, say).
    """

    __slots__ = ("_all", "_blind", "_changed", "_complete", "_stored", "shared", "subject")

    def __init__(
        self,
        subject: UUID,
        *,
        shared: Any = None,
        complete: bool = False,
        blind: Callable[[str, str], bytes] | None = None,
    ) -> None:
        self.subject = subject
        self.shared = shared
        self._complete = complete
        self._blind = blind
        self._stored: dict[Table[Any], dict[Key, Row | None]] = {}
        self._changed: dict[Table[Any], dict[Key, Row | None]] = {}
        self._all: set[Table[Any]] = set()

    def get(self, table: Table[R], *key: Any) -> R | None:
        """Return the row, or None. Raises NotLoaded when that cannot be told yet."""
        changed = self._changed.get(table)
        if changed is not None and key in changed:
            return changed[key]  # type: ignore[return-value]  # a table holds rows of its own kind
        stored = self._stored.get(table)
        if stored is not None and key in stored:
            return stored[key]  # type: ignore[return-value]  # as above
        if self._complete or table in self._all:
            return None
        raise NotLoaded(self.subject, table, key)

    def all(self, table: Table[R]) -> Mapping[Key, R]:
        """Return every row of the subject by key. Raises NotLoaded when some may be missing."""
        if not (self._complete or table in self._all):
            raise NotLoaded(self.subject, table, None)
        merged = {**self._stored.get(table, {}), **self._changed.get(table, {})}
        return {k: r for k, r in merged.items() if r is not None}  # type: ignore[misc]  # as above

    def put(self, table: Table[R], row: R) -> None:
        self._changed.setdefault(table, {})[table.key_of(row)] = row

    def delete(self, table: Table[R], *key: Any) -> None:
        self._changed.setdefault(table, {})[key] = None

    def clear(self, tables: tuple[Table[Any], ...]) -> None:
        """Delete every row of the subject. Raises NotLoaded when some may be missing."""
        for table in tables:
            for key in self.all(table):
                self.delete(table, *key)

    def blind(self, kind: str, value: str) -> bytes | None:
        """Return the keyed index of a normalised value, for exact look-up without the value."""
        return self._blind(kind, value) if self._blind else None

    def loaded(
        self, table: Table[R], rows: Mapping[Key, R | None], *, everything: bool = False
    ) -> None:
        """Take what was read from the store; a key with None is known to be absent."""
        self._stored.setdefault(table, {}).update(rows)
        if everything:
            self._all.add(table)

    def changes(self) -> Iterator[tuple[Table[Any], Key, Row | None]]:
        """Yield what differs from the store: a row to write, or None to delete."""
        for table, rows in self._changed.items():
            stored = self._stored.get(table, {})
            for key, row in rows.items():
                if stored.get(key) != row or (key not in stored and row is not None):
                    yield table, key, row

    def forget_changes(self) -> None:
        """Go back to what was loaded, to fold again."""
        self._changed.clear()

    def keep_changes(self) -> None:
        """Take what was changed as stored, after it was written."""
        for table, rows in self._changed.items():
            self._stored.setdefault(table, {}).update(rows)
        self._changed.clear()
