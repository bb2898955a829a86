"""Who asks to be forgotten is, once nothing stands against it, and a certificate says so."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from commands.customer import AddTag
from domain.customer.events import Person
from domain.order.events import OrderDelivered
from infra.erasure_certificate import certificate_of
from projections import catalogue
from projections.runtime import schema
from projections.runtime.verify import Verifier
from tests.consumers.erasure.asked import Privacy
from tests.consumers.following import eventually
from tests.projections.histories import SLOTS
from tests.projections.runtime.shop import Shop

BOB = Person(email="bob@example.com")

pytestmark = pytest.mark.slow


def sealed(shop: Shop, customer: UUID) -> list[Any]:
    served = schema.active(shop.connection, "profile")
    if served is None:
        return []
    return shop.connection.execute(
        "select person, email_mask, email_index from "  # noqa: S608  # a generation's own name
        f"{served.schema}.profile where customer = %s",
        (customer,),
    ).fetchall()


def test_who_asks_is_forgotten_everywhere_and_nobody_else_is(desk: Privacy) -> None:
    ada, bob = desk.know("ada"), desk.know("bob", BOB)
    desk.shop.recognise("v1", "ada")
    desk.ask(AddTag(customer=ada, tag="vip"), idempotency="once")
    theirs = desk.refuse(b'{"batch":[{"userId":"ada","anonymousId":"v1"}]}')
    by_address = desk.refuse(b'{"batch":[{"email":"ADA@example.com"}]}')
    bobs = desk.refuse(b'{"batch":[{"userId":"bob"}]}')
    eventually(lambda: bool(sealed(desk.shop, ada)), "a profile")
    done = desk.certified(desk.request(ada))

    assert done.certificate is not None
    paper = certificate_of(done.certificate)
    assert paper.is_signed
    assert {key.identity for key in paper.certified.keys} == {ada, desk.shop.visitor("v1")}
    assert desk.kept_refused() == {bobs}
    assert {theirs, by_address}.isdisjoint(desk.kept_refused())
    assert (paper.certified.refused, paper.certified.answers) == (2, 1)
    assert sealed(desk.shop, ada) == [(b"", None, None)]
    assert sealed(desk.shop, bob)[0][1] == "b•••@e•••.com"
    assert not desk.shop.sealer.has_key(ada)
    assert desk.shop.sealer.has_key(bob)
    told = desk.shop.log.stream(ada)[-1].event
    assert getattr(told, "digest", None) == paper.digest
    for view in catalogue.VIEWS.values():
        report = Verifier(desk.shop.connection, view, desk.shop.sealer, desk.shop.reader, SLOTS)
        assert report.verify().different == 0


def test_a_certificate_in_which_a_word_was_changed_is_not_signed(desk: Privacy) -> None:
    ada = desk.know("ada")
    kept = desk.certified(desk.request(ada)).certificate
    assert kept is not None
    changed = json.loads(kept)
    changed["certified"]["refused"] += 1
    assert not certificate_of(json.dumps(changed).encode()).is_signed


def test_nothing_is_done_before_its_time_nor_once_it_was_taken_back(desk: Privacy) -> None:
    ada = desk.know("ada")
    later = desk.request(ada, timedelta(days=7))
    desk.carry_out()
    assert desk.stands(later).state == "waiting"
    desk.cancel(ada)
    desk.carry_out()
    assert desk.stands(later).state == "cancelled"
    assert desk.shop.sealer.has_key(ada)


def test_a_hold_is_told_of_before_an_erasure_is_due_and_until_it_is_lifted(desk: Privacy) -> None:
    ada, bob = desk.know("ada"), desk.know("bob")
    visitor = desk.meet()
    later, others = (desk.request(whose, timedelta(days=7)) for whose in (ada, bob))

    def waits_for() -> tuple[list[str], list[str]]:
        desk.carry_out()
        one, other = (list(desk.stands(it).waits_for) for it in (later, others))
        return one, other

    desk.hold(ada)
    assert waits_for() == (["legal-hold"], [])
    desk.lift(ada)
    assert waits_for() == ([], [])
    desk.hold(visitor)
    desk.shop.recognise("v1", "ada")
    eventually(lambda: waits_for() == (["legal-hold"], []), "the visitor's hold")
    desk.lift(ada)
    assert waits_for() == ([], [])
    assert desk.shop.sealer.has_key(ada)


def test_it_waits_for_the_law_and_for_an_order_that_is_not_done(desk: Privacy) -> None:
    ada = desk.know("ada")
    desk.shop.pay("ada", "o1", 12)
    desk.hold(ada)
    asked = desk.request(ada)

    def waits_for(*reasons: str) -> bool:
        desk.carry_out()
        return tuple(desk.stands(asked).waits_for) == reasons

    eventually(lambda: waits_for("legal-hold", "open-order"), "both reasons")
    assert desk.shop.sealer.has_key(ada)
    desk.lift(ada)
    eventually(lambda: waits_for("open-order"), "the order alone")
    desk.shop.say(OrderDelivered(), user="ada", stream=desk.shop.ids.order("tea", "o1"))
    assert desk.certified(asked).waits_for == []
