"""A replay: facts folded into complete rows in memory, for rebuilds, as-of questions and proofs."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.shared.events import Fact
from projections.projection import View
from projections.rows import Key, Row, Rows, Table

Blind = Callable[[str, str], bytes]
Tables = dict[Table[Any], dict[Key, Row]]
"""Rows by table and whole key, the subject included."""


class Replay:
    """Rows of every subject whose facts were folded, and what they share, as of the last fact."""

    def __init__(self, view: View, *, shared: Any = None, blind: Blind | None = None) -> None:
        self.view = view
        self.shared = view.shared if shared is None else shared
        self.rows: dict[UUID, Rows] = {}
        self._numbered: dict[int, Rows] = {}  # hashing a UUID takes ten times as long
        self._blind = blind

    def fold(
        self,
        customer: UUID | None,
        fact: Fact,
        mine: Callable[[UUID], bool] = lambda _subject: True,
    ) -> Rows | None:
        """Fold a fact into the rows of the customer that it belongs to in the end; return them.

        `customer` None: nobody's. Those of its rows that are not `mine` are left out.
        """
        view = self.view
        if fact.subject is None:
            self.shared = view.share(self.shared, fact)
            customer = view.subject_of(fact)
            if customer is None or not mine(customer):
                return None
        elif customer is None:
            return None
        rows = self._numbered.get(customer.int)
        if rows is None:
            rows = Rows(customer, complete=True, blind=self._blind)
            self.rows[customer] = self._numbered[customer.int] = rows
        rows.shared = self.shared
        view.fold(rows, fact)
        return rows

    def settle(self, clock: datetime) -> None:
        """Let time pass for everybody, up to and including `clock`."""
        settle, shared = self.view.settle, self.shared
        for rows in self.rows.values():
            rows.shared = shared
            settle(rows, clock)


def fold_past(view: View, subject: UUID, facts: Iterable[Fact], shared: Any, blind: Blind) -> Rows:
    """Return the complete rows of a visitor's past, to be combined into a customer's."""
    rows = Rows(subject, shared=shared, complete=True, blind=blind)
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
