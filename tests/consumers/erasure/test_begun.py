"""Too late is said: an erasure that has begun is carried out; what came before holds it up."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from consumers.erasure import carrying_out
from domain.customer.aggregate import BeingForgotten
from domain.customer.events import CustomerErased, ErasureBegun
from domain.order.events import OrderDelivered
from domain.shared.refusals import Refused
from tests.consumers.erasure.asked import Privacy
from tests.consumers.following import eventually

pytestmark = pytest.mark.slow


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, at: str, happens: Callable[[], Any], *, after: bool = False
) -> None:
    """Have something happen once, as soon as carrying out comes to a step."""
    step = getattr(carrying_out, at)
    done: list[str] = []

    def stepped(*given: Any, **named: Any) -> Any:
        told = step(*given, **named) if after else None
        if not done:
            done.append(at)
            happens()
        return told if after else step(*given, **named)

    monkeypatch.setattr(carrying_out, at, stepped)


def refusals(*asked: Callable[[], Any]) -> list[type[Refused]]:
    found = []
    for ask in asked:
        try:
            ask()
        except Refused as refusal:
            found.append(type(refusal))
    return found


def told(desk: Privacy, customer: UUID, kind: type[ErasureBegun | CustomerErased]) -> list[Any]:
    return [f.event for f in desk.shop.log.stream(customer) if isinstance(f.event, kind)]


def test_once_keys_are_about_to_go_it_is_too_late_to_keep_the_customer(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.know("ada")
    asked = desk.request(ada)
    said: list[type[Refused]] = []

    def late() -> None:
        assert desk.shop.sealer.has_key(ada)
        said.extend(refusals(lambda: desk.cancel(ada), lambda: desk.hold(ada)))

    meanwhile(monkeypatch, "marks_of", late)
    desk.certified(asked)
    assert said == [BeingForgotten, BeingForgotten]
    assert len(told(desk, ada, ErasureBegun)) == len(told(desk, ada, CustomerErased)) == 1


def test_what_comes_just_before_holds_it_up(desk: Privacy, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = desk.know("ada")
    asked = desk.request(ada)
    meanwhile(monkeypatch, "reasons", lambda: desk.hold(ada), after=True)
    desk.carry_out()
    assert desk.stands(asked).state == "waiting"
    desk.lift(ada)
    meanwhile(monkeypatch, "reasons", lambda: desk.cancel(ada), after=True)
    desk.carry_out()
    assert desk.stands(asked).state == "cancelled"
    assert desk.shop.sealer.has_key(ada)
    assert told(desk, ada, ErasureBegun) == []


def test_an_order_that_comes_just_before_is_waited_for_whatever_views_know(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.know("ada")
    asked = desk.request(ada)
    meanwhile(monkeypatch, "reasons", lambda: desk.shop.pay("ada", "o1", 12), after=True)
    desk.carry_out()
    assert tuple(desk.stands(asked).waits_for) == ("open-order",)
    delivered = desk.shop.ids.order("tea", "o1")
    desk.shop.say(OrderDelivered(), user="ada", stream=delivered)

    def looks_done() -> bool:
        desk.carry_out()
        return desk.stands(asked).state == "waiting" and bool(done)

    done: list[int] = []
    meanwhile(
        monkeypatch,
        "has_open_order",
        lambda: done.append(desk.shop.pay("ada", "o2", 12)),
        after=True,
    )
    eventually(looks_done, "an order placed at the last moment")
    assert told(desk, ada, ErasureBegun) == []
    assert desk.shop.sealer.has_key(ada)


def test_a_visitor_who_is_recognised_just_before_is_not_forgotten(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.know("ada")
    visitor = desk.meet()
    asked = desk.request(visitor)
    meanwhile(monkeypatch, "reasons", lambda: desk.shop.recognise("v1", "ada"), after=True)
    desk.carry_out()
    desk.carry_out()
    assert tuple(desk.stands(asked).waits_for) == ("recognised",)
    assert desk.shop.sealer.has_key(visitor)
    assert desk.shop.sealer.has_key(ada)


def test_a_visitor_who_is_recognised_after_it_began_is_forgotten_alone(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.know("ada")
    visitor = desk.meet()
    asked = desk.request(visitor)
    said: list[type[Refused]] = []

    def recognised() -> None:
        desk.shop.recognise("v1", "ada")
        said.extend(refusals(lambda: desk.cancel(ada), lambda: desk.hold(ada)))
        desk.lift(ada)

    meanwhile(monkeypatch, "marks_of", recognised)
    desk.certified(asked)
    assert said == [BeingForgotten]
    assert not desk.shop.sealer.has_key(visitor)
    assert desk.shop.sealer.has_key(ada)


def test_who_turns_out_to_be_the_customer_meanwhile_is_forgotten_too(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.know("ada")
    visitor = desk.meet()
    asked = desk.request(ada)
    meanwhile(monkeypatch, "marks_of", lambda: desk.shop.recognise("v1", "ada"))
    desk.certified(asked)
    (begun,), (erased,) = told(desk, ada, ErasureBegun), told(desk, ada, CustomerErased)
    assert begun.identities == (ada,)
    assert set(erased.identities) == {ada, visitor}
    assert not desk.shop.sealer.has_key(visitor)


def test_who_turns_out_to_be_the_customer_meanwhile_may_be_kept_by_the_law(
    desk: Privacy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = desk.know("ada")
    visitor = desk.meet()
    desk.hold(visitor)
    asked = desk.request(ada)
    meanwhile(monkeypatch, "marks_of", lambda: desk.shop.recognise("v1", "ada"))

    def held() -> bool:
        desk.carry_out()
        return tuple(desk.stands(asked).waits_for) == ("legal-hold",)

    eventually(held, "the hold")
    assert desk.stands(asked).state == "erasing"
    assert desk.shop.sealer.has_key(visitor)
    opened: list[str] = []
    meanwhile(monkeypatch, "carry_out", lambda: opened.append("a keyring"))
    assert held()
    assert opened == [], "nothing is opened to see that it is held"
    desk.lift(ada)
    desk.carry_out()
    assert (opened, desk.stands(asked).waits_for) == (["a keyring"], [])
    desk.certified(asked)
    assert not desk.shop.sealer.has_key(visitor)
