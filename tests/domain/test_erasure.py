"""Forgetting a customer: asked for, waited with, done and certified, in this order."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID

import pytest

from domain.customer.aggregate import (
    BeingForgotten,
    Customer,
    ErasedCustomer,
    HeldByLaw,
    NotErased,
    NotToBeForgotten,
    Stage,
)
from domain.customer.events import (
    Asker,
    CustomerErased,
    CustomerRegistered,
    ErasureBegun,
    ErasureCancelled,
    ErasureCertified,
    ErasureRequested,
    LegalHoldLifted,
    LegalHoldPlaced,
)
from domain.shared.events import Event
from domain.shared.refusals import NotFound
from tests.scenario import ID, of

ERASURE, AGAIN, VISITORS = UUID(int=7), UUID(int=8), UUID(int=9)
VISITOR = UUID(int=10)
DUE = datetime(2026, 11, 30, tzinfo=UTC)
registered = CustomerRegistered()
requested = ErasureRequested(erasure=ERASURE, by=Asker.OFFICER, due_at=DUE)
cancelled = ErasureCancelled(erasure=ERASURE)
begun = ErasureBegun(erasure=ERASURE, identities=(ID,))
erased = CustomerErased(erasure=ERASURE, identities=(ID,))
certified = ErasureCertified(erasure=ERASURE, digest="5f" * 32)
held = LegalHoldPlaced(reason="A claim")
lifted = LegalHoldLifted(reason="Settled")


def request(customer: Customer, erasure: UUID = ERASURE) -> None:
    customer.request_erasure(erasure, Asker.OFFICER, DUE)


def begin(customer: Customer) -> None:
    customer.begin_erasure(ERASURE, (ID,))


def hold(customer: Customer) -> None:
    customer.place_hold("A claim")


def erase(customer: Customer) -> None:
    customer.erase(ERASURE, (ID,))


def test_an_erasure_is_asked_for() -> None:
    of(Customer).given(registered).when(request).then(requested)


def test_nobody_is_erased_who_is_not_known() -> None:
    of(Customer).when(request).then_refused(NotFound)


def test_asking_again_while_it_is_under_way_is_not_news() -> None:
    of(Customer).given(registered, requested).when(lambda c: request(c, AGAIN)).then_nothing()


def test_it_can_be_taken_back_and_asked_for_anew() -> None:
    of(Customer).given(registered, requested).when(Customer.cancel_erasure).then(cancelled)
    of(Customer).given(registered, requested, cancelled).when(request).then(requested)


def test_to_take_back_what_nobody_asked_for_is_not_news() -> None:
    of(Customer).given(registered).when(Customer.cancel_erasure).then_nothing()


def test_it_is_begun_once() -> None:
    of(Customer).given(registered, requested).when(begin).then(begun)
    of(Customer).given(registered, requested, begun).when(begin).then_nothing()
    of(Customer).given(registered, requested, begun, erased).when(begin).then_nothing()


def test_what_came_first_keeps_it_from_being_begun() -> None:
    of(Customer).given(registered, requested, cancelled).when(begin).then_refused(NotToBeForgotten)
    of(Customer).given(registered).when(begin).then_refused(NotToBeForgotten)
    of(Customer).given(registered, requested, held).when(begin).then_refused(HeldByLaw)
    of(Customer).given(registered, requested, held, lifted).when(begin).then(begun)


@pytest.mark.parametrize("late", [Customer.cancel_erasure, hold])
def test_once_it_is_begun_it_is_too_late(late: Callable[[Customer], None]) -> None:
    of(Customer).given(registered, requested, begun).when(late).then_refused(BeingForgotten)


def test_a_hold_that_came_with_a_visitor_meanwhile_is_lifted_without_a_word() -> None:
    of(Customer).given(registered, requested, begun, held).when(
        lambda c: c.lift_hold("Settled")
    ).then(LegalHoldLifted())


def test_what_is_asked_while_it_goes_on_is_no_news() -> None:
    of(Customer).given(registered, requested, begun).when(
        lambda c: request(c, AGAIN)
    ).then_nothing()


def test_a_visitor_whose_erasure_was_begun_takes_nobody_with_them() -> None:
    theirs = ErasureRequested(erasure=VISITORS, by=Asker.OFFICER, due_at=DUE)
    going = ErasureBegun(erasure=VISITORS, identities=(VISITOR,))
    of(Customer).given(registered, theirs, going).when(hold).then(held)
    of(Customer).given(registered, theirs, going).when(request).then(requested)
    of(Customer).given(registered, theirs, going).when(Customer.cancel_erasure).then_refused(
        BeingForgotten
    )


def test_everything_that_was_asked_for_is_taken_back_at_once() -> None:
    theirs = ErasureRequested(erasure=VISITORS, by=Asker.OFFICER, due_at=DUE)
    of(Customer).given(registered, requested, theirs).when(Customer.cancel_erasure).then(
        cancelled, ErasureCancelled(erasure=VISITORS)
    )


@pytest.mark.parametrize("order", list(permutations([requested, cancelled])))
def test_what_was_taken_back_stays_so_whatever_the_clocks_said(
    order: tuple[ErasureRequested | ErasureCancelled, ...],
) -> None:
    of(Customer).given(registered, *order).when(begin).then_refused(NotToBeForgotten)


@pytest.mark.parametrize("order", list(permutations([requested, begun, erased, certified])))
def test_how_far_it_is_does_not_hang_on_the_order_of_clocks(order: tuple[Event, ...]) -> None:
    customer = Customer.after(ID, order)
    assert customer.erasures == {ERASURE: Stage.CERTIFIED}
    assert customer.erased
    assert customer.erasure == ERASURE


def test_a_log_from_before_in_which_none_began_means_what_it_meant() -> None:
    customer = Customer.after(ID, [registered, requested, erased, certified])
    assert (customer.erased, customer.erasure) == (True, ERASURE)


def test_what_was_done_is_said_once() -> None:
    of(Customer).given(registered, requested).when(erase).then(erased)
    of(Customer).given(registered, requested, erased).when(erase).then_nothing()


def test_what_was_done_is_said_even_if_it_was_taken_back_just_then() -> None:
    of(Customer).given(registered, requested, cancelled).when(erase).then(erased)


def test_a_certificate_is_of_what_was_done_and_there_is_one() -> None:
    def certify(customer: Customer) -> None:
        customer.certify_erasure(ERASURE, "5f" * 32)

    of(Customer).given(registered, requested).when(certify).then_refused(NotErased)
    of(Customer).given(registered, requested, erased).when(certify).then(certified)
    of(Customer).given(registered, requested, erased, certified).when(certify).then_nothing()


@pytest.mark.parametrize(
    "ask",
    [
        Customer.cancel_erasure,
        lambda c: c.add_tag("vip"),
        lambda c: c.place_hold("Too late"),
    ],
)
def test_the_erased_are_left_alone(ask: object) -> None:
    assert callable(ask)
    of(Customer).given(registered, requested, erased).when(ask).then_refused(ErasedCustomer)


def test_a_legal_hold_is_placed_and_lifted() -> None:
    of(Customer).given(registered).when(lambda c: c.place_hold("A claim")).then(held)
    of(Customer).given(registered, held).when(lambda c: c.place_hold("A claim")).then_nothing()
    of(Customer).given(registered, held).when(lambda c: c.lift_hold("Settled")).then(lifted)
    of(Customer).given(registered).when(lambda c: c.lift_hold("Settled")).then_nothing()


def test_why_a_hold_is_there_may_name_who_sues() -> None:
    customer = of(Customer).given(registered)
    customer.when(lambda c: c.place_hold("Case 20261234567, Ada Low, ada@example.com")).then(
        LegalHoldPlaced(reason="Case 20261234567, Ada Low, ada@example.com")
    )
