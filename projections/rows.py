"""Rows: the part of a view's tables that belongs to one subject, held in memory while it folds."""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, cast
from uuid import UUID

import msgspec

Key = tuple[Any, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its fields are the table's columns, in their order. Change by `replace`.

    A field of a Struct, dict or list type is kept as JSON bytes; `Personal[...]` is kept sealed
    with the subject's key, bound to view, table and column.
    """


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """A table of a view: `key` names its primary key, whose first column is the subject.

    `eager` tables are loaded for every subject of a batch; the others when a fold asks.
    `once`: a row is put by one fact and never read, changed or deleted by a later one (its key
    holds a fact's position, say), so that it is written without looking for an older one.
    """

    def __init__(
        self,
        name: str,
        row: type[R],
        key: tuple[str, ...],
        *,
        eager: bool = False,
        once: bool = False,
    ) -> None:
        self.name = name
        self.row = row
        self.key = key
        self.eager = eager
        self.once = once
        self.columns: Final = tuple(f.name for f in msgspec.structs.fields(row))
        self.key_of: Final = _key_of(key[1:])
        """Returns the row's key within its subject."""

    def __repr__(self) -> str:
        return f"Table({self.name})"


def _key_of(names: tuple[str, ...]) -> Callable[[Row], Key]:
    if not names:
        return lambda _row: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda row: (get(row),)


class NotLoaded(Exception):
    """A fold asked for rows that are not in memory; load them and fold the batch again."""

    def __init__(self, subject: UUID, table: Table[Any], key: Key | None) -> None:
        """`key` None: every row of the table that the subject has."""
        self.subject = subject
        self.table = table
        self.key = key
        super().__init__(subject, table, key)


class _Unknown:
    """Stands for a row of which nobody looked whether it is stored."""


_UNKNOWN: Final = _Unknown()
_Held = Row | None | _Unknown


class Rows:
    """The rows of one subject in one view, as far as they are loaded, and what a fold changed.

    `complete` means that nothing is stored elsewhere: what is not here does not exist.
    `shared` is the view's state folded from facts of no customer (policies, say), as it was at the
    fact that is being folded.
    """

    __slots__ = ("_all", "_before", "_blind", "_complete", "_left", "_now", "shared", "subject")

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
        self._now: dict[Table[Any], dict[Key, Row | None]] = {}
        self._before: dict[Table[Any], dict[Key, _Held]] = {}
        self._all: set[Table[Any]] = set()
        self._left: set[Table[Any]] = set()  # written, and not held any more

    def get(self, table: Table[R], *key: Any) -> R | None:
        """Return the row, or None. Raises NotLoaded when that cannot be told yet."""
        now = self._now.get(table)
        if now is not None and key in now:
            return cast("R | None", now[key])
        if self._whole(table):
            return None
        raise NotLoaded(self.subject, table, key)

    def all(self, table: Table[R]) -> Mapping[Key, R]:
        """Return every row of the subject by key. Raises NotLoaded when some may be missing."""
        if not self._whole(table):
            raise NotLoaded(self.subject, table, None)
        now = self._now.get(table, {})
        return {k: cast("R", r) for k, r in now.items() if r is not None}

    def put(self, table: Table[R], row: R) -> None:
        self._change(table, table.key_of(row), row)

    def delete(self, table: Table[R], *key: Any) -> None:
        self._change(table, key, None)

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
        self._now.setdefault(table, {}).update(rows)
        if everything:
            self._all.add(table)

    def is_new(self) -> None:
        """Take it that the subject has no rows but those that were loaded."""
        self._complete = True

    def knows(self, table: Table[Any], key: Key | None) -> bool:
        """Say whether a row, or (None) all of a table, need not be loaded."""
        return self._whole(table) or (key is not None and key in self._now.get(table, {}))

    def changes(self) -> Iterator[tuple[Table[Any], Key, Row | None]]:
        """Yield what differs from the store: a row to write, or None to delete."""
        for table, before in self._before.items():
            now = self._now[table]
            for key, old in before.items():
                row = now[key]
                if row is not old and row != old and not (row is None and self.absent(table, key)):
                    yield table, key, row

    def absent(self, table: Table[Any], key: Key) -> bool:
        """Say whether the store is known to have no such row."""
        old = self._before[table][key]
        return old is None or (old is _UNKNOWN and self._whole(table))

    def forget_changes(self) -> None:
        """Go back to what was loaded, to fold again."""
        for table, before in self._before.items():
            now = self._now[table]
            for key, old in before.items():
                if isinstance(old, _Unknown):
                    del now[key]
                else:
                    now[key] = old
        self._before.clear()

    def keep_changes(self) -> None:
        """Take what was changed as stored, after it was written; rows put `once` are let go."""
        for table in self._before:
            if table.once:
                del self._now[table]
                self._all.discard(table)
                self._left.add(table)
        self._before.clear()

    def take(self, table: Table[R]) -> list[R]:
        """Return the table's rows and let go of them, as written."""
        self._before.pop(table, None)
        self._all.discard(table)
        self._left.add(table)
        held = self._now.pop(table, {})
        return [cast("R", row) for row in held.values() if row is not None]

    def __len__(self) -> int:
        return sum(map(len, self._now.values()))

    def _whole(self, table: Table[Any]) -> bool:
        """Say whether every row of the table that is stored is here."""
        return table in self._all or (self._complete and table not in self._left)

    def _change(self, table: Table[Any], key: Key, row: Row | None) -> None:
        now = self._now.get(table)
        if now is None:
            now = self._now[table] = {}
        before = self._before.get(table)
        if before is None:
            before = self._before[table] = {}
        if key not in before:
            before[key] = now.get(key, _UNKNOWN)
        now[key] = row
