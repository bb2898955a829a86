"""Rows: the part of a view's tables that belongs to one subject, held in memory while it folds."""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast
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


Lack = tuple[Table[Any], Key | None]
"""A row that a fold asks for; with None, every row of the table that the subject has."""


class NotLoaded(Exception):
    """A fold asked for rows that are not in memory; load them and fold the batch again."""

    def __init__(self, subject: UUID, *lacking: Lack) -> None:
        self.subject = subject
        self.lacking = lacking
        super().__init__(subject, *lacking)


class _Unknown:
    """Stands for a row of which nobody looked whether it is stored."""


_UNKNOWN: Final = _Unknown()
_Held = Row | None | _Unknown


class _Part:
    """What is held of one table: rows by key (None: there is none), and what they were before.

    `whole`: nothing else of it is stored. `left`: rows were written and are not held any more.
    """

    __slots__ = ("before", "left", "now", "whole")

    def __init__(self) -> None:
        self.now: dict[Key, Row | None] = {}
        self.before: dict[Key, _Held] = {}
        self.whole = False
        self.left = False


class Change(NamedTuple):
    """A row to write (None: to delete); `new`: the store is known to have none such.

    `old`: how it is stored, None where that is not known.
    """

    table: Table[Any]
    key: Key
    row: Row | None
    new: bool
    old: Row | None


class Rows:
    """The rows of one subject in one view, as far as they are loaded, and what a fold changed.

    `complete` means that nothing is stored elsewhere: what is not here does not exist.
    `shared` is the view's state folded from facts of no customer (policies, say), as it was at the
    fact that is being folded.
    """

    __slots__ = ("_blind", "_complete", "_parts", "shared", "subject")

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
        self._parts: dict[Table[Any], _Part] = {}

    def get(self, table: Table[R], *key: Any) -> R | None:
        """Return the row, or None. Raises NotLoaded when that cannot be told yet."""
        part = self._parts.get(table)
        if part is not None:
            row = part.now.get(key, _UNKNOWN)
            if row is not _UNKNOWN:
                return cast("R | None", row)
        if self._whole(part):
            return None
        raise NotLoaded(self.subject, (table, key))

    def all(self, table: Table[R]) -> Mapping[Key, R]:
        """Return every row of the subject by key. Raises NotLoaded when some may be missing."""
        part = self._parts.get(table)
        if not self._whole(part):
            raise NotLoaded(self.subject, (table, None))
        held = part.now.items() if part is not None else ()
        return {k: cast("R", r) for k, r in held if r is not None}

    def need(self, *tables: Table[Any]) -> None:
        """Have every row of these tables at hand. Raises NotLoaded for all that lack some, at once.

        For a fold that is going to read them all: it is then done again once, not once a table.
        """
        lacking = [table for table in tables if not self._whole(self._parts.get(table))]
        if lacking:
            raise NotLoaded(self.subject, *((table, None) for table in lacking))

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
        part = self._part(table)
        part.now.update(rows)
        if everything:
            part.whole = True

    def is_new(self) -> None:
        """Take it that the subject has no rows but those that were loaded."""
        self._complete = True

    def knows(self, table: Table[Any], key: Key | None) -> bool:
        """Say whether a row, or (None) all of a table, need not be loaded."""
        part = self._parts.get(table)
        return self._whole(part) or (part is not None and key is not None and key in part.now)

    def changes(self) -> Iterator[Change]:
        """Yield what differs from the store."""
        for table, part in self._parts.items():
            now = part.now
            for key, old in part.before.items():
                row = now[key]
                if row is not old and row != old:
                    new = old is None or (old is _UNKNOWN and self._whole(part))
                    if row is not None or not new:
                        held = None if isinstance(old, _Unknown) else old
                        yield Change(table, key, row, new, held)

    def forget_changes(self) -> None:
        """Go back to what was loaded, to fold again."""
        for part in self._parts.values():
            for key, old in part.before.items():
                if isinstance(old, _Unknown):
                    del part.now[key]
                else:
                    part.now[key] = old
            part.before.clear()

    def keep_changes(self) -> int:
        """Take what was changed as stored, after it was written; return how many rows are held.

        Rows put `once` are let go.
        """
        held = 0
        for table, part in self._parts.items():
            if part.before:
                if table.once:
                    self._let_go(part)
                part.before.clear()
            held += len(part.now)
        return held

    def take(self, table: Table[R]) -> list[R]:
        """Return the table's rows and let go of them, as written."""
        part = self._part(table)
        held = [cast("R", row) for row in part.now.values() if row is not None]
        self._let_go(part)
        return held

    @staticmethod
    def _let_go(part: _Part) -> None:
        part.now = {}
        part.before = {}
        part.whole = False
        part.left = True

    def _whole(self, part: _Part | None) -> bool:
        """Say whether every row of the table that is stored is here."""
        if part is None:
            return self._complete
        return part.whole or (self._complete and not part.left)

    def _part(self, table: Table[Any]) -> _Part:
        part = self._parts.get(table)
        if part is None:
            part = self._parts[table] = _Part()
        return part

    def _change(self, table: Table[Any], key: Key, row: Row | None) -> None:
        part = self._parts.get(table)
        if part is None:
            part = self._parts[table] = _Part()
        if key not in part.before:
            part.before[key] = part.now.get(key, _UNKNOWN)
        part.now[key] = row
