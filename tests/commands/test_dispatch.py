"""One command is one append: decided on what is known, for the version that was seen."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from commands.customer import AddNote, AddTag, RegisterCustomer, StateKind
from commands.order import PlaceOrder
from commands.work import HANDLERS, Command
from domain.customer.events import CustomerRegistered, Kind, Person
from domain.order.aggregate import WrongTotal
from domain.order.events import OrderPaid, OrderPlaced
from domain.shared.log import Actor
from domain.shared.refusals import Malformed, NotFound, PreconditionFailed
from tests.commands.desk import ADA, IDS, NOON, ORDER, Ask, Facts, answer, events, pay, place

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
