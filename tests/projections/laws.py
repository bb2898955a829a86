"""Laws that every view obeys, as property tests over generated histories.

A view's test module says what may happen, and inherits the laws:

    from tests.projections.laws import Laws, histories

    class TestLaws(Laws):
        view = profile
        histories = histories(st.one_of(orders, traits, consents), nobodys=policies)

Nothing here needs a database; the runtime's own tests run the same on Postgres.
"""

from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from projections.projection import View
from projections.runtime.as_of import AsOf
from projections.runtime.batch import Goal
from projections.runtime.replay import Replay, fold_past, tables_of
from tests.projections.histories import (
    SLOTS,
    USERS,
    VISITORS,
    History,
    MemoryLog,
    erased,
    histories,
)
from tests.projections.memory import Live, blind, live, named, replay, same

__all__ = ["History", "Laws", "histories"]


class Laws:
    """Inherit, name the `view` and its `histories`. Needs no database."""

    view: ClassVar[View]
    histories: ClassVar["st.SearchStrategy[History]"]

    def test_live_equals_replay(self) -> None:
        @given(self.histories)
        def law(history: History) -> None:
            kept = live(self.view, history, batches=range(1, history.head + 1))
            same(kept.settled(history.clock), replay(self.view, history, history.clock))

        law()

    def test_any_batch_size_gives_the_same_rows(self) -> None:
        @given(self.histories, st.lists(st.integers(1, 40), max_size=4))
        def law(history: History, ends: list[int]) -> None:
            one_by_one = live(self.view, history, batches=range(1, history.head + 1))
            batched = live(self.view, history, batches=ends)
            same(batched.settled(history.clock), one_by_one.settled(history.clock))

        law()

    def test_any_split_over_workers_gives_the_same_rows(self) -> None:
        @given(self.histories, st.lists(st.tuples(st.integers(0, SLOTS - 1), st.integers(1, 40))))
        def law(history: History, steps: list[tuple[int, int]]) -> None:
            log = MemoryLog(history)
            kept = Live(self.view, log)
            for slot, ahead in steps:
                place = kept.places[slot].position
                end = min(place + ahead, history.head)
                if end > place:
                    clock = history.facts[end - 1].recorded_at
                    goal = Goal(position=end, clock=clock)
                    kept.apply(history.facts[place:end], goal, [slot])
            for slot in kept.places:
                kept.apply(history.facts, end_of(history), [slot])
            same(kept.settled(history.clock), replay(self.view, history, history.clock))

        law()

    def test_repeated_delivery_changes_nothing(self) -> None:
        @given(self.histories, st.lists(st.integers(0, 40), max_size=6))
        def law(history: History, again_from: list[int]) -> None:
            kept = live(self.view, history)
            before = named(kept.store.tables)
            copied = {name: dict(rows) for name, rows in before.items()}
            for start in again_from:
                kept.apply(history.facts[start:], end_of(history))
            same(named(kept.store.tables), copied)

        law()

    def test_combine_equals_refold(self) -> None:
        """Two pasts folded apart and combined are the same as folded together, in order."""

        @given(self.histories)
        def law(history: History) -> None:
            ours, theirs = USERS[0], VISITORS[0]
            shared = Replay(self.view)
            for fact in history.facts:
                if fact.subject is None:
                    shared.fold(None, fact)
            facts = [f for f in history.facts if f.subject is not None]
            apart = fold_past(
                self.view, ours, [f for f in facts if f.origin != theirs], shared.shared, blind
            )
            visitor = fold_past(
                self.view, theirs, [f for f in facts if f.origin == theirs], shared.shared, blind
            )
            self.view.combine(apart, visitor)
            together = fold_past(self.view, ours, facts, shared.shared, blind)
            for rows in (apart, together):
                self.view.settle(rows, history.clock)
            same(named(tables_of(self.view, [apart])), named(tables_of(self.view, [together])))

        law()

    def test_the_erased_are_as_a_replay_without_their_keys_makes_them(self) -> None:
        """Whatever was read of somebody before, and whatever is told of them after."""

        @given(self.histories, st.integers(1, 40), st.sampled_from(USERS))
        def law(history: History, at: int, whom: UUID) -> None:
            at = min(at, history.head)
            assume(any(fact.subject == whom for fact in history.facts[:at]))
            later = erased(history, at, whom)
            assume(later is not None)
            assert later is not None
            kept = Live(self.view, MemoryLog(history))
            clock = history.facts[at - 1].recorded_at
            kept.apply(history.facts[:at], Goal(position=at, clock=clock))
            kept.log = MemoryLog(later)
            kept.apply(later.facts[at:], end_of(later))
            same(kept.settled(later.clock), replay(self.view, later, later.clock))

        law()

    def test_the_sweepers_moves_are_what_a_replay_says(self) -> None:
        @given(self.histories, st.lists(st.integers(0, 60 * 24 * 400), max_size=4))
        def law(history: History, minutes: list[int]) -> None:
            kept = live(self.view, history, batches=range(0, history.head, 3))
            for each in sorted(minutes):
                clock = history.clock + timedelta(minutes=each)
                kept.sweep(clock)
                swept = {n: dict(rows) for n, rows in named(kept.store.tables).items()}
                same(swept, kept.settled(clock))  # what was not due has not changed
                same(swept, replay(self.view, history, clock))

        law()

    def test_as_of_now_equals_live(self) -> None:
        @given(self.histories)
        def law(history: History) -> None:
            kept = live(self.view, history)
            log = MemoryLog(history)
            for subject in USERS:
                asked = AsOf(self.view, log, blind)
                mine_alone = asked.one(subject, at=history.clock, known_at=history.head)
                stored = kept.settled(history.clock)
                mine = {
                    name: {k: r for k, r in rows.items() if k[0] == subject}
                    for name, rows in stored.items()
                }
                same(named(tables_of(self.view, [mine_alone])), mine)

        law()


def end_of(history: History) -> Goal:
    return Goal(position=history.head, clock=history.clock)
