"""When somebody else was first, a command is decided anew."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from commands.application import TRIES
from commands.customer import AddTag, RegisterCustomer
from commands.order import CancelOrder, PlaceOrder, RefundOrder
from commands.work import HANDLERS, Command, Work, handles
from domain.customer.aggregate import Customer
from domain.customer.events import Kind, KindStated, TagAdded
from domain.order.aggregate import Cancelled, PlacedOtherwise
from domain.order.events import OrderCancelled, OrderPaid, OrderRefunded
from domain.shared.log import Append, Draft, Receipt, Who
from domain.shared.refusals import Conflict, Refused
from infra.event_store import EventLog
from tests.commands.desk import ADA, LIN, NOON, ORDER, Ask, Facts, answer, events, pay, place

register = RegisterCustomer(customer=ADA)


def tag(name: str) -> AddTag:
    return AddTag(customer=ADA, tag=name)


class Bother(Command, frozen=True, kw_only=True):
    """State a kind, while somebody else tags the customer so many times."""

    times: int


@pytest.fixture
def bother(event_log: EventLog) -> Iterator[Callable[[Ask, int], Receipt]]:
    """Ask for something of Ada that others change between the decision and the append."""
    tries: list[UUID] = []

    @handles(Bother)
    def state_kind(command: Bother, crm: Work) -> dict[str, Any]:
        customer = crm.get(Customer, ADA)
        customer.state_kind(Kind.PERSON)
        crm.keep(customer)
        tries.append(ADA)
        if len(tries) <= command.times:
            other = Draft(event=TagAdded(tag=str(len(tries))), occurred_at=NOON, who=Who(user=ADA))
            event_log.append(Append(facts=(other,), actor=LIN, shop="shop", source="site"))
        return {"tries": len(tries)}

    yield lambda ask, times: ask(Bother(times=times))
    del HANDLERS[Bother]


def test_who_comes_second_decides_anew(
    ask: Ask, facts: Facts, bother: Callable[[Ask, int], Receipt]
) -> None:
    ask(register)
    receipt = bother(ask, TRIES - 1)
    assert answer(receipt) == {"id": str(ADA), "version": TRIES + 1, "tries": TRIES}
    assert events(facts())[-1] == KindStated(kind=Kind.PERSON)


def test_who_is_always_second_is_told_so(
    ask: Ask, facts: Facts, bother: Callable[[Ask, int], Receipt]
) -> None:
    ask(register)
    with pytest.raises(Conflict) as caught:
        bother(ask, TRIES)
    assert type(caught.value) is Conflict
    assert KindStated(kind=Kind.PERSON) not in events(facts())


def test_two_at_once_both_have_their_way_when_they_may(ask: Ask, facts: Facts) -> None:
    ask(register)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda n: ask(tag(n)), ["left", "right"] * 4))
    assert sorted(e.tag for e in events(facts()) if isinstance(e, TagAdded)) == ["left", "right"]


def test_two_at_once_never_refund_more_than_was_paid(ask: Ask, facts: Facts) -> None:
    ask(place)
    ask(pay)

    def refund(n: int) -> str:
        try:
            ask(RefundOrder(order=ORDER, refund=f"r{n}", amount=Decimal(15)))
        except Refused as refusal:
            return str(refusal)
        return "done"

    with ThreadPoolExecutor(2) as threads:
        told = sorted(threads.map(refund, range(2)))
    assert told == ["Order A-1 gives back 5 USD, not 15: 15 of 20 went back.", "done"]
    assert sum(isinstance(e, OrderRefunded) for e in events(facts())) == 1


def test_an_order_placed_by_many_at_once_is_placed_once(ask: Ask, facts: Facts) -> None:
    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(lambda _: ask(place), range(8)))
    assert sum(r.recorded for r in receipts) == 1
    assert len(facts()) == 1


def test_another_order_under_the_same_number_is_found_out(ask: Ask) -> None:
    ask(place)
    with pytest.raises(PlacedOtherwise, match="A-1"):
        ask(PlaceOrder(number="A-1", currency="EUR", lines=place.lines, total=Decimal(20)))


def test_a_payment_that_meets_a_cancellation_is_decided_anew(ask: Ask, facts: Facts) -> None:
    ask(place)

    def either(command: Command) -> bool:
        try:
            ask(command)
        except Cancelled:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        paid, _ = threads.map(either, [pay, CancelOrder(order=ORDER)])
    told = events(facts())
    assert isinstance(told[-1], OrderCancelled)
    assert any(isinstance(e, OrderPaid) for e in told) is paid
