"""A replay: facts folded into complete rows in memory, for rebuilds, as-of questions and proofs."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from domain.shared.events import Fact
from projections.projection import View
from projections.rows import Key, Row, Rows, Table

R = TypeVar("R", bound=Row)

Blind = Callable[[str, str], bytes]
Tables = dict[Table[Any], dict[Key, Row]]
"""Rows by table and whole key, the subject included."""
Aside = Mapping[Table[Any], list[Any]]
NONE: Final[Aside] = {}


class Whole(Rows):
    """All rows of one subject, held here alone: none is stored elsewhere, none has to be told."""

    __slots__ = ("_aside", "_held")

    def __init__(
        self, subject: UUID, *, shared: Any = None, blind: Blind | None = None, aside: Aside = NONE
    ) -> None:
        """`aside`: where rows of these tables, which are put once, go instead."""
        super().__init__(subject, shared=shared, complete=True, blind=blind)
        self._held: dict[Table[Any], dict[Key, Any]] = {}
        self._aside = aside

    def get(self, table: Table[R], *key: Any) -> R | None:
        held = self._held.get(table)
        return None if held is None else held.get(key)

    def all(self, table: Table[R]) -> Mapping[Key, R]:
        return dict(self._held.get(table, {}))

    def put(self, table: Table[R], row: R) -> None:
        if table in self._aside:
            self._aside[table].append(row)
            return
        held = self._held.get(table)
        if held is None:
            held = self._held[table] = {}
        held[table.key_of(row)] = row

    def delete(self, table: Table[R], *key: Any) -> None:
        self._held.get(table, {}).pop(key, None)

    def take(self, table: Table[R]) -> list[R]:
        return list(self._held.pop(table, {}).values())


class Replay:
    """Rows of every subject whose facts were folded, and what they share, as of the last fact."""

    def __init__(
        self,
        view: View,
        *,
        shared: Any = None,
        blind: Blind | None = None,
        aside: Aside = NONE,
    ) -> None:
        """`aside`: where rows of these tables, which are put once, go instead of being held."""
        self.view = view
        self.shared = view.shared if shared is None else shared
        self.rows: dict[UUID, Rows] = {}
        self._numbered: dict[int, Rows] = {}  # hashing a UUID takes ten times as long
        self._blind = blind
        self._aside = aside

    def fold(self, customer: UUID | None, fact: Fact) -> None:
        """Fold one fact into the rows of the customer that it belongs to in the end."""
        self.fold_all(((customer, fact),))

    def fold_all(
        self,
        facts: Iterable[tuple[UUID | None, Fact]],
        mine: Callable[[UUID], bool] = lambda _subject: True,
    ) -> None:
        """Fold facts, each into the rows of the customer that it belongs to in the end.

        Customer None: nobody's. Those of its rows that are not `mine` are left out.
        """
        view, fold, numbered = self.view, self.view.fold, self._numbered
        for owner, fact in facts:
            customer = owner
            if fact.subject is None:
                self.shared = view.share(self.shared, fact)
                customer = view.subject_of(fact)
                if customer is None or not mine(customer):
                    continue
            elif customer is None:
                continue
            rows = numbered.get(customer.int)
            if rows is None:
                rows = Whole(customer, blind=self._blind, aside=self._aside)
                self.rows[customer] = numbered[customer.int] = rows
            rows.shared = self.shared
            fold(rows, fact)

    def settle(self, clock: datetime) -> None:
        """Let time pass for everybody, up to and including `clock`."""
        settle, shared = self.view.settle, self.shared
        for rows in self.rows.values():
            rows.shared = shared
            settle(rows, clock)


def fold_past(view: View, subject: UUID, facts: Iterable[Fact], shared: Any, blind: Blind) -> Rows:
    """Return the complete rows of a visitor's past, to be combined into a customer's."""
    rows = Whole(subject, shared=shared, blind=blind)
    for fact in facts:
        view.fold(rows, fact)
    return rows


def tables_of(view: View, everybody: Iterable[Rows]) -> Tables:
    """Return complete rows by table and whole key."""
    return {
        table: {
            (rows.subject, *key): row for rows in subjects for key, row in rows.all(table).items()
        }
        for subjects in [list(everybody)]
        for table in view.tables
    }
