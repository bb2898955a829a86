"""What comes late is read together, and told anew from where it happened on."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import pytest

from domain.lifecycle.events import LifecyclePolicyAdopted
from projections.lifecycle.projection import lifecycle
from projections.lifecycle.tables import TELLING, LifecycleMove
from projections.rows import Rows
from projections.runtime.batch import Goal
from projections.runtime.folding import Wanted
from tests.projections.histories import History, MemoryLog
from tests.projections.lifecycle.story import ADA, Life, at
from tests.projections.memory import Live

LOOKS = range(0, 70, 10)


@pytest.fixture
def ada() -> Life:
    """Return one who looked around for two months, on every tenth day."""
    ada = Life()
    for day in LOOKS:
        ada.looks(day)
    return ada


def follow(kept: Live, ada: Life) -> None:
    """Fold in one batch what was told since the one before."""
    seen = kept.places[0].position
    kept.log = MemoryLog(History(tuple(ada.facts), at(100)))
    kept.apply(ada.facts[seen:], Goal(position=len(ada.facts), clock=at(100)))


def test_all_that_a_late_fact_needs_is_asked_for_at_once_and_before_folding(
    ada: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Live(lifecycle, MemoryLog(History((), at(100))))
    follow(kept, ada)
    asked: list[list[Wanted]] = []
    load = kept.store.load

    def watched(rows: Mapping[UUID, Rows], wanted: Iterable[Wanted]) -> None:
        asked.append([*wanted])
        load(rows, asked[-1])

    monkeypatch.setattr(kept.store, "load", watched)
    ada.buys(35)
    follow(kept, ada)
    (once,) = asked
    assert {(ADA, table, None) for table in TELLING} <= {*once}


@pytest.mark.parametrize("day", [15, 35, 55])
def test_a_policy_that_comes_with_something_late_holds_from_its_own_day(
    ada: Life, day: float
) -> None:
    """It changes what was told of the days before the late one too."""
    short = LifecyclePolicyAdopted(new_days=2, silent_after_days=4, lost_after_days=8)
    kept = Live(lifecycle, MemoryLog(History((), at(100))))
    follow(kept, ada)
    ada.tell(22, short)
    ada.buys(day)
    follow(kept, ada)
    rows = kept.settled(at(100))["lifecycle_move"].values()
    moves = [(m.at, m.was, m.became) for m in rows if isinstance(m, LifecycleMove)]
    in_order = Life()
    for when in sorted([*LOOKS, 22, day]):
        if when == 22:
            in_order.tell(when, short)
        elif when == day:
            in_order.buys(when)
        else:
            in_order.looks(when)
    told = in_order.moves(100) + in_order.moves(100, "tier")
    assert sorted(moves, key=str) == sorted(((at(m[0]), *m[1:3]) for m in told), key=str)
