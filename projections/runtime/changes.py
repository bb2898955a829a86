"""What a batch changes, told apart by how it is written."""

from collections.abc import Collection, Iterable, Iterator
from operator import is_
from typing import Any, Final

from msgspec.structs import astuple

from projections.rows import Row, Rows, Table

COPIED: Final = 200
"""So many new rows are copied in: less work for each, more for all."""

APART: Final = 16
"""So many rows with the same changed columns are worth a statement of their own."""


class Changes:
    """What a batch changes, by table."""

    def __init__(self, everybody: Iterable[Rows], *, trusting: bool, whole: bool = False) -> None:
        """`trusting`: rows known to be new are written as such; `whole`: all of their columns."""
        self.count = 0
        self.gone: dict[Table[Any], list[tuple[Any, ...]]] = {}
        self.fresh: dict[Table[Any], list[Row]] = {}
        """Known to be new."""
        self.unsure: dict[Table[Any], list[Row]] = {}
        """Perhaps stored already."""
        self._held: dict[Table[Any], list[tuple[Row, Row]]] = {}
        self._trusting = trusting
        self._whole = whole
        for rows in everybody:
            self._take(rows)

    @property
    def are_copied(self) -> bool:
        """Whether some are so many that they are copied, not sent as a parameter."""
        return any(len(rows) >= COPIED for rows in self.fresh.values())

    def _take(self, rows: Rows) -> None:
        for table, key, row, new, old in rows.changes():
            self.count += 1
            if row is None:
                self.gone.setdefault(table, []).append((rows.subject, *key))
            elif not self._trusting:
                self.unsure.setdefault(table, []).append(row)
            elif new or (table.once and old is None):
                self.fresh.setdefault(table, []).append(row)
            elif old is None:
                self.unsure.setdefault(table, []).append(row)
            else:
                self._held.setdefault(table, []).append((old, row))

    def of_columns(
        self, table: Table[Any], keys: Collection[int]
    ) -> Iterator[tuple[tuple[int, ...], list[Row]]]:
        """Yield rows of which the same columns (by place) are to be written, those together."""
        if self._whole and table in self._held:
            every = range(len(table.columns))
            yield tuple(p for p in every if p not in keys), [row for _, row in self._held[table]]
            return
        alike: dict[tuple[bool, ...], list[Row]] = {}
        for old, row in self._held.get(table, ()):
            same = tuple(map(is_, astuple(old), astuple(row)))
            alike.setdefault(same, []).append(row)
        rest: list[Row] = []
        written: set[int] = set()
        for same, some in alike.items():
            places = [p for p, it_is in enumerate(same) if not it_is and p not in keys]
            if len(some) >= APART or len(alike) == 1:
                yield tuple(places), some
            else:
                rest += some
                written.update(places)
        if rest:
            yield tuple(sorted(written)), rest
