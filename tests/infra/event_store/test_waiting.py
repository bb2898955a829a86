"""Whoever waits for an append is told, whatever becomes of the others."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from domain.shared.log import LogUnavailable, Receipt
from infra.event_store.waiting import Waiter, tell


def receipt(position: int) -> Receipt:
    return Receipt(position=position, recorded=1)


def told(waiters: Sequence[Waiter]) -> list[int | None]:
    """Return the positions that threads were told, each by its own waiter."""
    with ThreadPoolExecutor(len(waiters)) as threads:
        waits = [threads.submit(waiter.result) for waiter in waiters]
        tell([(waiter, receipt(n)) for n, waiter in enumerate(waiters)])
        return [wait.result(30).position for wait in waits]


def test_everybody_is_told_their_own() -> None:
    assert told([Waiter() for _ in range(50)]) == list(range(50))


def test_one_who_does_not_wait_any_more_holds_up_nobody() -> None:
    gone, *waiters = [Waiter() for _ in range(5)]
    with ThreadPoolExecutor(4) as threads:
        waits = [threads.submit(waiter.result) for waiter in waiters]
        tell([(waiter, receipt(n)) for n, waiter in enumerate([gone, *waiters])])
        assert [wait.result(30).position for wait in waits] == [1, 2, 3, 4]


def test_one_is_told_who_waits_only_afterwards() -> None:
    waiter = Waiter()
    tell([(waiter, receipt(7))])
    assert waiter.done()
    assert waiter.result() == receipt(7)


def test_a_refusal_is_raised_where_it_is_waited_for_and_nowhere_else() -> None:
    future: Future[Receipt] = Future()
    refused, waiter = Waiter(), Waiter()
    tell([(refused, LogUnavailable()), (future, receipt(2)), (waiter, receipt(3))])
    with pytest.raises(LogUnavailable):
        refused.result()
    assert future.result(0).position == 2
    assert waiter.result().position == 3
