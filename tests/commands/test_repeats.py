"""The same request with the same key gives the same answer, and nothing new."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from commands.customer import AddTag, RegisterCustomer
from commands.order import CancelOrder, RefundOrder
from commands.ticket import OpenTicket
from domain.order.aggregate import RefundedTooMuch
from domain.shared.channel import Channel
from domain.shared.log import Actor, OtherRequest
from domain.shared.refusals import NotFound
from domain.ticket.events import TicketKind
from tests.commands.desk import ADA, ORDER, Ask, Facts, answer, pay, place

register = RegisterCustomer(customer=ADA)


def tag(name: str) -> AddTag:
    return AddTag(customer=ADA, tag=name)


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
