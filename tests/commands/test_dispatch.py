"""One command is one append: decided on what is known, anew when that moved, once for each key."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from commands.application import TRIES
from commands.customer import AddNote, AddTag, RegisterCustomer, StateKind
from commands.order import CancelOrder, PlaceOrder, RefundOrder
from commands.ticket import OpenTicket
from commands.work import HANDLERS, Command, Work, handles
from domain.customer.aggregate import Customer
from domain.customer.events import CustomerRegistered, Kind, KindStated, Person, TagAdded
from domain.order.aggregate import Cancelled, PlacedOtherwise, RefundedTooMuch, WrongTotal
from domain.order.events import OrderCancelled, OrderPaid, OrderPlaced, OrderRefunded
from domain.shared.channel import Channel
from domain.shared.log import Actor, Append, Draft, OtherRequest, Receipt, Who
from domain.shared.refusals import Conflict, Malformed, NotFound, PreconditionFailed, Refused
from domain.ticket.events import TicketKind
from infra.event_store import EventLog
from tests.commands.desk import ADA, IDS, LIN, NOON, ORDER, Ask, Facts, answer, events, pay, place

register = RegisterCustomer(customer=ADA)


def tag(name: str) -> AddTag:
    return AddTag(customer=ADA, tag=name)


def test_all_facts_of_a_command_are_in_one_append(ask: Ask, facts: Facts) -> None:
    receipt = ask(RegisterCustomer(customer=ADA, person=Person(name="Ada"), kind=Kind.PERSON))
    told = facts()
    assert [f.type for f in told] == [
        "customer.registered",
        "customer.traits-asserted",
        "customer.kind-stated",
    ]
    assert receipt.position == told[-1].position
    assert receipt.recorded == 3
    assert len({f.recorded_at for f in told}) == 1
    assert answer(receipt) == {"id": str(ADA), "version": 3}


def test_a_fact_says_who_when_where_and_because_of_what(ask: Ask, facts: Facts) -> None:
    cause = uuid4()
    ask(register, correlation="request 7", causation=cause)
    (fact,) = facts()
    assert (fact.actor_kind, fact.actor_id) == ("person", "lin")
    assert (fact.shop, fact.source) == ("shop", "desk")
    assert (fact.correlation, fact.causation) == ("request 7", cause)
    assert fact.occurred_at == NOON
    assert fact.stream == fact.origin == fact.subject == ADA


def test_what_happened_earlier_says_so(ask: Ask, facts: Facts) -> None:
    earlier = NOON - timedelta(days=9)
    ask(RegisterCustomer(customer=ADA, occurred_at=earlier))
    assert facts()[0].occurred_at == earlier


def test_an_instant_without_a_time_zone_is_malformed(ask: Ask) -> None:
    with pytest.raises(Malformed, match="time zone"):
        ask(RegisterCustomer(customer=ADA, occurred_at=datetime(2026, 1, 1)))  # noqa: DTZ001  # the bad example


def test_asking_twice_is_no_fact_and_no_position(ask: Ask, facts: Facts) -> None:
    ask(register)
    again = ask(register)
    assert (again.position, again.recorded) == (None, 0)
    assert answer(again) == {"id": str(ADA), "version": 1}
    assert events(facts()) == [CustomerRegistered()]


def test_a_refusal_records_nothing(ask: Ask, facts: Facts) -> None:
    with pytest.raises(WrongTotal):
        ask(PlaceOrder(number="A-1", currency="USD", lines=place.lines, total=Decimal(21)))
    with pytest.raises(NotFound, match=str(ADA)):
        ask(tag("vip"))
    assert not facts()


def test_an_order_is_its_customers_by_whoever_it_was_placed(ask: Ask, facts: Facts) -> None:
    ask(place)
    ask(pay, actor=Actor("key", "till"))
    assert [(f.stream, f.origin, f.subject) for f in facts()] == [(ORDER, ADA, ADA)] * 2
    assert events(facts()) == [
        OrderPlaced(number="A-1", currency="USD", lines=place.lines, total=Decimal(20)),
        OrderPaid(amount=Decimal(20), currency="USD"),
    ]


def test_an_order_of_nobody_known_belongs_to_itself(ask: Ask, facts: Facts) -> None:
    ask(PlaceOrder(number="A-1", currency="USD", lines=place.lines, total=Decimal(20)))
    (fact,) = facts()
    assert fact.origin == fact.subject == ORDER


def test_the_same_number_in_another_shop_is_another_order(ask: Ask, facts: Facts) -> None:
    ask(place)
    ask(place, shop="outlet")
    assert len({f.stream for f in facts()}) == 2


# ---- the version that the asker saw


def test_the_version_that_was_seen_may_be_changed(ask: Ask) -> None:
    seen = answer(ask(register))["version"]
    changed = answer(ask(tag("vip"), if_match=seen))
    assert changed["version"] == 2


def test_a_version_that_has_moved_on_is_not_changed(ask: Ask, facts: Facts) -> None:
    seen = answer(ask(register))["version"]
    ask(tag("vip"))
    with pytest.raises(PreconditionFailed, match=r"version 2 now, not at 1"):
        ask(tag("late"), if_match=seen)
    assert len(facts()) == 2


def test_version_0_means_that_nothing_is_there_yet(ask: Ask) -> None:
    assert answer(ask(place, if_match=0))["version"] == 1
    with pytest.raises(PreconditionFailed):
        ask(place, if_match=0)


def test_what_was_seen_holds_among_others_who_ask(ask: Ask, facts: Facts) -> None:
    ask(register)

    def add(name: str) -> bool:
        try:
            ask(tag(name), if_match=1)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(add, "abcdefgh"))
    assert sum(done) == 1
    assert len(facts()) == 2


# ---- the same request twice


def test_the_same_key_gives_the_same_answer_and_no_new_fact(ask: Ask, facts: Facts) -> None:
    asked = OpenTicket(kind=TicketKind.INQUIRY, channel=Channel.EMAIL, about="Where is it?")
    first = ask(asked, idempotency="k1")
    again = ask(asked, idempotency="k1")
    assert again.duplicate
    assert not again.recorded
    assert (again.position, again.answer) == (first.position, first.answer)
    assert len(facts()) == 1
    other = ask(asked, idempotency="k2")
    assert answer(other)["number"] != answer(first)["number"]


def test_a_repeated_refund_is_not_refused_for_what_it_did_itself(ask: Ask, facts: Facts) -> None:
    ask(place)
    ask(pay)
    refund = RefundOrder(order=ORDER, refund="r1", amount=Decimal(20))
    first = ask(refund, idempotency="k1")
    ask(CancelOrder(order=ORDER))
    again = ask(refund, idempotency="k1")
    assert (again.position, again.answer) == (first.position, first.answer)
    with pytest.raises(RefundedTooMuch):
        ask(RefundOrder(order=ORDER, refund="r2", amount=Decimal(20)), idempotency="k2")
    assert len(facts()) == 4


def test_a_request_that_would_be_refused_now_is_answered_as_it_was(ask: Ask) -> None:
    ask(place)
    first = ask(pay, idempotency="k1", if_match=1)
    assert ask(pay, idempotency="k1", if_match=1).position == first.position


def test_a_key_stands_for_one_request(ask: Ask) -> None:
    ask(register)
    ask(tag("vip"), idempotency="k1")
    with pytest.raises(OtherRequest):
        ask(tag("late"), idempotency="k1")
    with pytest.raises(OtherRequest):
        ask(pay, idempotency="k1")


def test_a_key_is_its_actors_own(ask: Ask, facts: Facts) -> None:
    ask(register)
    ask(tag("vip"), idempotency="k1")
    ask(tag("late"), idempotency="k1", actor=Actor("person", "bo"))
    assert len(facts()) == 3


def test_what_was_not_news_is_answered_again_too(ask: Ask) -> None:
    ask(register)
    first = ask(register, idempotency="k1")
    again = ask(register, idempotency="k1")
    assert again.duplicate
    assert again.answer == first.answer
    with pytest.raises(OtherRequest):
        ask(tag("vip"), idempotency="k1")


def test_a_refused_request_may_be_asked_again_with_its_key(ask: Ask) -> None:
    with pytest.raises(NotFound):
        ask(pay, idempotency="k1")
    ask(place)
    assert ask(pay, idempotency="k1").recorded == 1


def test_one_request_from_many_at_once_is_one(ask: Ask, facts: Facts) -> None:
    asked = OpenTicket(kind=TicketKind.INQUIRY, channel=Channel.CHAT, about="Hello?")
    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(lambda _: ask(asked, idempotency="k1").answer, range(8)))
    assert len(set(told)) == 1
    assert len(facts()) == 1


# ---- somebody else was first


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


# ---- how commands are called


@pytest.mark.parametrize("command", HANDLERS, ids=lambda c: c.__name__)
def test_a_command_is_told_in_the_imperative(command: type[Command]) -> None:
    first, *rest = (command.__doc__ or "").split()
    assert rest
    assert not command.__name__.endswith("ed")
    assert not first.endswith(("ed", "ing"))


def test_a_note_without_an_id_is_the_same_note_again(ask: Ask, facts: Facts) -> None:
    ask(register)
    note = AddNote(customer=ADA, text="Likes mornings")
    assert answer(ask(note))["note"] == answer(ask(note))["note"]
    assert len(facts()) == 2


def test_a_kind_is_stated_of_a_known_customer(ask: Ask) -> None:
    with pytest.raises(NotFound):
        ask(StateKind(customer=IDS.user("shop", "nobody"), kind=Kind.COMPANY))
