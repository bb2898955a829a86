"""A view kept live in memory, by the code that keeps it live on Postgres."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.shared.events import Fact
from projections.projection import View, slot_of
from projections.rows import Key, Row, Rows, Table
from projections.runtime.batch import Batch, Folded, Goal, Place
from projections.runtime.folding import Folder, Wanted
from projections.runtime.replay import Replay, Tables, tables_of
from tests.projections.histories import SLOTS, History, MemoryLog

EPOCH = datetime(1, 1, 1, tzinfo=UTC)


def blind(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}|{value}".encode()).digest()[:16]


class MemoryStore:
    """A view's tables in memory, which give a fold no more than it was promised."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.tables: Tables = {table: {} for table in view.tables}

    def open(self, subjects: Iterable[UUID]) -> dict[UUID, Rows]:
        opened = {}
        for subject in subjects:
            root = self.view.root
            complete = root is not None and not self._of(root, subject)
            rows = opened[subject] = Rows(subject, complete=complete, blind=blind)
            for table in self.view.tables:
                if table.eager:
                    rows.loaded(table, self._of(table, subject), everything=True)
        return opened

    def load(self, rows: Mapping[UUID, Rows], wanted: Iterable[Wanted]) -> None:
        for subject, table, key in wanted:
            if key is None:
                rows[subject].loaded(table, self._of(table, subject), everything=True)
            else:
                rows[subject].loaded(table, {key: self.tables[table].get((subject, *key))})

    def write(self, everybody: Iterable[Rows]) -> None:
        for rows in everybody:
            for table, key, row, new, old in rows.changes():
                if row is None:
                    self.tables[table].pop((rows.subject, *key), None)
                else:
                    stored = self.tables[table]
                    assert not (new and (rows.subject, *key) in stored), (
                        f"a row of {table} was taken for new, but is stored: is `root` right?"
                    )
                    assert not (table.once and old is None and (rows.subject, *key) in stored), (
                        f"{table} says `once`, but a row was put again: {row}"
                    )
                    assert getattr(row, table.key[0]) == rows.subject, f"whose row is {row}?"
                    stored[rows.subject, *key] = row

    def _of(self, table: Table[Any], subject: UUID) -> dict[Key, Row]:
        return {k[1:]: r for k, r in self.tables[table].items() if k[0] == subject}


class Live:
    """A view kept live in memory, by the code that keeps it live on Postgres."""

    def __init__(self, view: View, log: MemoryLog) -> None:
        self.view = view
        self.log = log
        self.store = MemoryStore(view)
        self._folder = Folder(view, SLOTS, self._past, blind)
        start = Place(position=0, clock=EPOCH, shared=view.shared)
        self.places = dict.fromkeys(range(SLOTS), start)

    def apply(
        self, facts: Sequence[Fact], goal: Goal, slots: Iterable[int] = range(SLOTS)
    ) -> Folded:
        """Fold a batch into some slots, and sweep what is due."""
        goals = dict.fromkeys(slots, goal)
        before = {slot: self.places[slot].shared for slot in goals}
        folded = self._fold(facts, goals)
        moved = {slot for slot in goals if self.places[slot].shared != before[slot]}
        self.sweep(goal.clock, moved)
        return folded

    def sweep(self, clock: datetime, everybody_in: Iterable[int] = ()) -> None:
        """Let time pass for whom something is due, and for everybody in some slots."""
        if self.view.due is None:
            return
        table, column = self.view.due
        walked = set(everybody_in)
        due = {
            key[0]
            for key, row in self.store.tables[table].items()
            if slot_of(key[0], SLOTS) in walked
            or ((at := getattr(row, column)) is not None and at <= clock)
        }
        goals = {s: Goal(position=p.position, clock=clock) for s, p in self.places.items()}
        self._fold((), goals, due)

    def _fold(
        self, facts: Sequence[Fact], goals: Mapping[int, Goal], due: Iterable[UUID] = ()
    ) -> Folded:
        batch = Batch(facts=facts, places=self.places, goals=goals, due=due)
        folded = self._folder.fold(self.store, batch)
        self.store.write(folded.rows.values())
        self.places.update(folded.places)
        return folded

    def _past(self, identities: Collection[UUID], position: int) -> Sequence[Fact]:
        return self.log.of_origins([*identities], upto=position)

    def settled(self, clock: datetime) -> dict[str, dict[Key, Row]]:
        """Return all rows as they are at an instant, whether or not they were swept."""
        subjects = {key[0] for rows in self.store.tables.values() for key in rows}
        everybody = []
        for subject in subjects:
            rows = Rows(subject, complete=True, blind=blind)
            rows.shared = self.places[slot_of(subject, SLOTS)].shared
            for table in self.view.tables:
                rows.loaded(table, self.store._of(table, subject))  # noqa: SLF001  # the same file
            self.view.settle(rows, clock)
            everybody.append(rows)
        return named(tables_of(self.view, everybody))


def named(tables: Tables) -> dict[str, dict[Key, Row]]:
    return {table.name: rows for table, rows in tables.items()}


def live(view: View, history: History, *, batches: Sequence[int] = ()) -> Live:
    """Keep a view live through a history, in batches that end at these positions."""
    log = MemoryLog(history)
    kept = Live(view, log)
    ends = sorted({min(b, history.head) for b in batches} | {history.head})
    after = 0
    for end in ends:
        facts = history.facts[after:end]
        clock = history.clock if end == history.head else history.facts[end - 1].recorded_at
        kept.apply(facts, Goal(position=end, clock=clock))
        after = end
    return kept


def replay(view: View, history: History, clock: datetime) -> dict[str, dict[Key, Row]]:
    """Fold a history anew, by the customers of its end, as of an instant."""
    log = MemoryLog(history)
    folded = Replay(view, blind=blind)
    for chunk in log.scan(range(SLOTS), SLOTS, upto=history.head, depths=view.depths()):
        folded.fold_all(chunk)
    folded.settle(clock)
    return named(tables_of(view, folded.rows.values()))


def same(left: Mapping[str, Mapping[Key, Row]], right: Mapping[str, Mapping[Key, Row]]) -> None:
    """Assert that tables are equal, naming the first rows that are not."""
    for table in left:
        differing = [
            (key, left[table].get(key), right[table].get(key))
            for key in {**left[table], **right[table]}
            if left[table].get(key) != right[table].get(key)
        ]
        assert not differing, "\n".join(
            (f"{len(differing)} rows of {table} differ:", *(_difference(*d) for d in differing[:3]))
        )


def _difference(key: Key, left: Row | None, right: Row | None) -> str:
    if left is None or right is None:
        return f"  {key}: {left} is not {right}"
    names = [f.name for f in msgspec.structs.fields(left)]
    columns = [n for n in names if getattr(left, n) != getattr(right, n)]
    return "\n".join(
        (
            f"  {key}:",
            *(f"    {c}: {getattr(left, c)!r} is not {getattr(right, c)!r}" for c in columns),
        )
    )
