"""What waits for its commit is bounded by number and by bytes; several may be answered together."""

import queue
from collections.abc import Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.activity.events import Tracked
from domain.customer.events import TagAdded
from domain.shared.ids import Ids
from domain.shared.log import (
    Actor,
    Append,
    Draft,
    LogUnavailable,
    Message,
    OtherContent,
    Receipt,
    Who,
)
from infra.event_store import EventLog
from infra.event_store.line import Line, size_of
from infra.sealing import PersonKeys

IDS = Ids(b"secret")
SITE = Actor("key", "site")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADA = Who(user=IDS.user("shop", "ada"))


@pytest.fixture
def log(database_url: str, keys: PersonKeys) -> Iterator[EventLog]:
    opened = EventLog(database_url, keys)
    yield opened
    opened.close()


def viewed(id: str, *, saying: bytes = b"{}", content: bytes = b"c") -> Append:
    stream: UUID = IDS.message("shop", "site", id)
    event = Tracked(name="Product Viewed", content=content)
    return Append(
        facts=(Draft(event=event, occurred_at=NOON, who=ADA, stream=stream),),
        actor=SITE,
        shop="shop",
        source="site",
        message=Message(id=stream, content=content, original=saying),
    )


def tagged() -> Append:
    event = TagAdded(tag="vip")
    return Append(
        facts=(Draft(event=event, occurred_at=NOON, who=ADA),),
        actor=SITE,
        shop="shop",
        source="site",
    )


def asked(*appends: Append) -> list[tuple[Append, "Future[Receipt]"]]:
    return [(append, Future()) for append in appends]


def test_more_than_the_line_may_hold_waits_all_or_none() -> None:
    line = Line(3, 1_000_000)
    assert line.put(asked(viewed("1"), viewed("2")))
    assert not line.put(asked(viewed("3"), viewed("4")))
    assert line.put(asked(viewed("5")))
    assert len(line) == 3


def test_a_line_is_bounded_by_bytes_too() -> None:
    long = viewed("1", saying=b"x" * 30_000)
    line = Line(1_000, 100_000)
    taken = [line.put(asked(long)) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert line.bytes == 3 * size_of(long)


def test_what_is_larger_than_the_line_waits_where_nothing_else_does() -> None:
    line = Line(1_000, 1_000)
    assert line.put(asked(viewed("1", saying=b"x" * 30_000)))
    assert not line.put(asked(viewed("2")))


def test_who_is_taken_from_the_line_leaves_its_room() -> None:
    line = Line(10, 1_000)
    waiting = asked(viewed("1"), viewed("2"))
    assert line.put(waiting[:1])
    assert line.take(wait=False) == waiting[0]
    assert line.bytes == 0
    with pytest.raises(queue.Empty):
        line.take(wait=False)
    line.end()
    assert line.take(wait=False) is None


def test_several_are_answered_together_each_for_itself(log: EventLog) -> None:
    log.append(viewed("1"))
    again, other, tag, new = log.submit_all(
        [viewed("1"), viewed("1", content=b"other"), tagged(), viewed("2")]
    ).result()
    assert again == Receipt(position=None, recorded=0, duplicate=True)
    assert isinstance(other, OtherContent)
    assert [tag, new] == [Receipt(position=2, recorded=1), Receipt(position=3, recorded=1)]


def test_asking_for_nothing_is_answered_at_once(log: EventLog) -> None:
    assert log.submit_all([]).result(timeout=0) == []


def test_several_are_refused_together_where_there_is_no_room(
    database_url: str, keys: PersonKeys
) -> None:
    narrow = EventLog(database_url, keys, most_waiting=2)
    answers = narrow.submit_all([viewed(str(n)) for n in range(3)]).result()
    narrow.close()
    assert [type(answer) for answer in answers] == [LogUnavailable] * 3


def test_a_closed_log_refuses_all_of_them(log: EventLog) -> None:
    log.close()
    answers = log.submit_all([tagged(), tagged()]).result()
    assert [type(answer) for answer in answers] == [LogUnavailable] * 2
