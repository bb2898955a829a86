"""An order begun before its customer was forgotten is told of further, whoever tells it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from commands.shop import nobodys, nobodys_orders
from domain.activity.events import Tracked
from domain.order.events import (
    OrderCancelled,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRevised,
    OrderShipped,
    OrderToldOfAnotherCustomer,
)
from domain.shared.events import Event, Fact
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Message, Receipt, Who
from domain.shared.personal import KeyForgotten
from infra.event_store import EventLog, LogReader
from infra.postgres import WRITER, connect
from infra.sealing import PersonKeys
from projections.order_fold import told

IDS = Ids(b"secret")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOB = IDS.user("shop", "bob")
SETTINGS = (nobodys, nobodys_orders)
numbers = count()

TEN = Decimal(10)
PLACED = OrderPlaced(number="A-1", currency="USD", total=TEN, coupon="FOR-ADA")
PAID = OrderPaid(amount=TEN, currency="USD")
SHIPPED = OrderShipped(carrier="dhl", tracking="to Ada, 1 St James's Sq")
REFUNDED = OrderRefunded(amount=TEN, currency="USD", reason="Ada is ill")
CANCELLED = OrderCancelled(reason="Ada is ill")
OF_ORDERS = (
    PLACED,
    PAID,
    SHIPPED,
    OrderDelivered(),
    REFUNDED,
    CANCELLED,
    OrderRevised(number="A-1", currency="USD", total=TEN, coupon="FOR-ADA"),
)


class Case:
    """Somebody to be forgotten, a number of an order, and what shops tell of both."""

    def __init__(self) -> None:
        self.name = f"{next(numbers)}"
        self.ada = IDS.user("shop", f"ada-{self.name}")
        self.order = IDS.order("shop", f"A-{self.name}")
        self._told = count()

    def tells(self, user: UUID, event: Event) -> Append:
        """Return the message by which a shop says it of this user, as its door translates it."""
        stream = IDS.message("shop", "site", f"{self.name}-{next(self._told)}")
        who = Who(user=user)
        activity = Tracked(name="Order Told", private={"note": "Hi"}, content=b"digest")
        other = OrderToldOfAnotherCustomer(identity=user)
        facts = (
            Draft(event=activity, occurred_at=NOON, who=who, stream=stream),
            Draft(event=event, occurred_at=NOON, who=who, stream=self.order),
            Draft(event=other, occurred_at=NOON, who=who, stream=self.order, of_another=True),
        )
        return Append(
            facts=facts,
            actor=Actor("key", "site"),
            shop="shop",
            source="site",
            message=Message(id=stream, content=b"digest", original=b"{}"),
        )

    def named(self, whose: UUID | None) -> str | None:
        return {self.ada: "ada", self.order: "the order", BOB: "bob", None: None}[whose]

    def seen(self, fact: Fact) -> tuple[str, str | None, Any]:
        """Return what a fact says, the same in every case."""
        said = fact.event if fact.type.startswith(("order.", "activity.")) else None
        return fact.type, self.named(fact.origin), said


@pytest.fixture(params=SETTINGS, ids=lambda setting: setting.__name__)
def event_log(
    database_url: str, keys: PersonKeys, request: pytest.FixtureRequest
) -> Iterator[EventLog]:
    with closing(EventLog(database_url, keys, nobodys=request.param)) as log:
        yield log


@pytest.fixture
def case() -> Case:
    return Case()


def of_order(reader: LogReader, case: Case) -> list[tuple[str, str | None, Any]]:
    return [case.seen(fact) for fact in reader.stream(case.order)]


def originals(url: str, after: int) -> list[UUID]:
    with closing(connect(url, WRITER)) as connection:
        rows = connection.execute(
            "select origin from log.original where position > %s order by position", (after,)
        ).fetchall()
    return [origin for (origin,) in rows]


def test_money_goes_back_of_an_order_that_was_theirs(
    event_log: EventLog, reader: LogReader, keys: PersonKeys, database_url: str, case: Case
) -> None:
    event_log.append(case.tells(case.ada, PLACED))
    event_log.append(case.tells(case.ada, PAID))
    keys.forget([case.ada])
    before = reader.last()
    refund = case.tells(case.ada, REFUNDED)
    assert event_log.append(refund).recorded == 2
    assert event_log.append(refund).duplicate
    activity, refunded = reader.read(before, 10)
    assert (activity.type, activity.origin, activity.subject) == ("activity.tracked", None, None)
    assert refunded.event == OrderRefunded(amount=TEN, currency="USD")
    assert (refunded.origin, refunded.subject, refunded.version) == (case.ada, case.ada, 3)
    state = told(reader.stream(case.order))
    assert (len(state.payments), [refund.amount for refund in state.refunds]) == (1, [TEN])
    assert originals(database_url, before) == []


@pytest.mark.parametrize("event", OF_ORDERS, ids=lambda event: event.stored.name)
def test_nothing_personal_comes_to_it(
    event_log: EventLog, reader: LogReader, keys: PersonKeys, case: Case, event: Event
) -> None:
    event_log.append(case.tells(case.ada, PAID))
    keys.forget([case.ada])
    event_log.append(case.tells(case.ada, event))
    event_log.append(case.tells(BOB, event))
    for type_, whose, said in of_order(reader, case)[1:]:
        assert (type_, whose) == (event.stored.name, "ada")
        assert not any(getattr(said, name) for name in (*said.stored.personal,))
        assert getattr(said, "coupon", None) is None
    assert len(of_order(reader, case)) == 3


def test_what_somebody_else_tells_of_it_stays_theirs(
    event_log: EventLog, reader: LogReader, keys: PersonKeys, database_url: str, case: Case
) -> None:
    event_log.append(case.tells(case.ada, PAID))
    keys.forget([case.ada])
    before = reader.last()
    assert event_log.append(case.tells(BOB, CANCELLED)).recorded == 2
    activity, cancelled = reader.read(before, 10)
    assert (activity.origin, cancelled.origin) == (BOB, case.ada)
    assert isinstance(activity.event, Tracked)
    assert activity.event.private == {"note": "Hi"}
    assert cancelled.event == OrderCancelled()
    assert originals(database_url, before) == [BOB]


@pytest.mark.parametrize("recognised", [True, False])
def test_a_guests_order_that_was_forgotten_goes_on_and_is_nobody_elses(
    event_log: EventLog, reader: LogReader, keys: PersonKeys, case: Case, *, recognised: bool
) -> None:
    placed = case.tells(BOB, PLACED)
    event_log.append(
        replace(placed, facts=(replace(placed.facts[1], who=Who()),), message=None)  # a guest's
    )
    if recognised:
        event_log.append(case.tells(case.ada, PAID))
    keys.forget([case.ada, case.order])
    before = reader.last()
    event_log.append(case.tells(BOB, SHIPPED))
    activity, shipped = reader.read(before, 10)
    assert (activity.origin, shipped.origin) == (BOB, case.order)
    assert shipped.event == OrderShipped(carrier="dhl")
    assert reader.origins_of(BOB, at=reader.last()) == [BOB]


def test_an_order_of_somebody_else_goes_on_when_they_are_named(
    event_log: EventLog, reader: LogReader, keys: PersonKeys, case: Case
) -> None:
    event_log.append(case.tells(BOB, PAID))
    keys.forget([case.ada])
    event_log.append(case.tells(case.ada, REFUNDED))
    assert of_order(reader, case)[1:] == [
        ("order.refunded", "bob", OrderRefunded(amount=TEN, currency="USD"))
    ]


@pytest.mark.parametrize("event_log", [nobodys_orders], indirect=True)
def test_where_it_is_refused_no_order_is_begun_for_them(
    event_log: EventLog, reader: LogReader, keys: PersonKeys, case: Case
) -> None:
    keys.forget([case.ada])
    asked = [case.tells(case.ada, event) for event in (PLACED, PAID, REFUNDED)]
    answers = event_log.submit_all(asked).result()
    assert [type(answer) for answer in answers] == [KeyForgotten] * 3
    assert reader.read(0, 10) == []


@pytest.mark.parametrize("together", [True, False])
def test_an_order_that_they_would_have_begun_is_whose_it_was_told_to_be(
    event_log: EventLog, reader: LogReader, keys: PersonKeys, case: Case, *, together: bool
) -> None:
    keys.forget([case.ada])
    asked = [case.tells(case.ada, PLACED), case.tells(BOB, SHIPPED)]
    if together:
        event_log.submit_all(asked).result()
    else:
        for append in asked:
            event_log.submit_all([append]).result()
    shipped = reader.stream(case.order)[-1]
    assert reader.customer_of(case.order if shipped.origin == case.order else BOB) == BOB
    assert shipped.event == SHIPPED


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    begun=st.booleans(),
    said=st.lists(st.tuples(st.booleans(), st.sampled_from(OF_ORDERS)), min_size=1, max_size=6),
)
def test_it_does_not_matter_what_is_committed_together(
    event_log: EventLog,
    reader: LogReader,
    keys: PersonKeys,
    *,
    begun: bool,
    said: list[tuple[bool, Event]],
) -> None:
    kept = []
    for together in (True, False):
        case = Case()
        if begun:
            event_log.append(case.tells(case.ada, PLACED))
        keys.forget([case.ada])
        before = reader.last()
        asked = [case.tells(case.ada if theirs else BOB, event) for theirs, event in said]
        batches = [asked] if together else [[append] for append in asked]
        answers = [a for batch in batches for a in event_log.submit_all(batch).result()]
        facts = reader.read(before, 1_000)
        kept.append(([type(answer) for answer in answers], [case.seen(fact) for fact in facts]))
        if begun:
            assert all(isinstance(answer, Receipt) for answer in answers)
            assert [fact.type for fact in reader.stream(case.order)[1:]] == [
                event.stored.name for _, event in said
            ]
    assert kept[0] == kept[1]
