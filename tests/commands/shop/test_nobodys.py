"""Of a message about somebody forgotten is kept what was done, and nothing that tells by whom."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands.shop import nobodys, nobodys_orders
from domain.activity.events import PageViewed, Reported, Tracked
from domain.order.events import (
    Line,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderToldOfAnotherCustomer,
)
from domain.shared.events import Event
from domain.shared.log import Append, Who
from infra.event_store.attempt import Nobodys
from tests.commands.shop.shops import Shop, track
from tests.domain.samples import EXAMPLES
from tests.privacy import marks, planting
from tests.privacy.marks import Person

ORDER_STREAM = UUID(int=1)
ORDER: dict[str, Any] = {
    "order_id": "A-1",
    "total": "19.90",
    "currency": "USD",
    "coupon": "FOR-ADA",
    "products": [{"product_id": "tea", "price": "19.90", "coupon": "FOR-ADA"}],
}


def told_by_them(append: Append) -> Append | None:
    """Return what is kept of what somebody forgotten tells."""
    assert append.message is not None
    return nobodys(append, {append.message.id})


def left_of(shop: Shop, message: dict[str, Any], **about: Any) -> list[Event]:
    """Return what is kept of a message, its activity without its digest."""
    append = told_by_them(shop.hears(message, **about))
    events = [] if append is None else [fact.event for fact in append.facts]
    return [
        msgspec.structs.replace(event, content=b"") if hasattr(event, "content") else event
        for event in events
    ]


def test_of_what_was_done_things_and_sums_are_left(shop: Shop) -> None:
    viewed = track(
        product_id="tea", price=12, cart_id="c-7", coupon="FOR-ADA", url="https://a.example/?u=42"
    )
    viewed["context"] = {"ip": "203.0.113.9", "device": {"model": "X1"}, "userAgent": "Mozilla"}
    left = Tracked(
        name="Product Viewed", properties={"product_id": "tea", "price": 12}, content=b""
    )
    assert left_of(shop, viewed) == [left]


def test_of_a_cart_its_products_are_left(shop: Shop) -> None:
    cart = track("Cart Viewed", cart_id="c-7", products=[{"product_id": "tea", "coupon": "X"}])
    kept = Tracked(
        name="Cart Viewed", properties={"products": [{"product_id": "tea"}]}, content=b""
    )
    assert left_of(shop, cart) == [kept]


@pytest.mark.parametrize("system", [False, True])
def test_what_is_called_by_an_address_is_not_kept(shop: Shop, *, system: bool) -> None:
    seen = track("Seen by ada@example.com", product_id="tea")
    assert left_of(shop, seen, system=system) == []


def test_of_a_page_its_name_is_left(shop: Shop) -> None:
    page = {"type": "page", "userId": "42", "name": "Home", "properties": {"title": "Hi, Ada"}}
    assert left_of(shop, page) == [PageViewed(name="Home", content=b"")]


def test_an_order_is_a_guests(shop: Shop) -> None:
    append = told_by_them(shop.hears(track("Order Completed", **ORDER)))
    assert append is not None
    activity, placed, paid = append.facts
    assert (activity.who, activity.stream) == (None, append.message and append.message.id)
    assert placed.who == paid.who == Who()
    assert placed.stream == paid.stream == shop.ids.order("tea", "A-1")
    assert isinstance(placed.event, OrderPlaced)
    assert (placed.event.coupon, placed.event.lines[0]) == (
        None,
        Line(product="tea", unit_price=placed.event.total),
    )
    assert isinstance(paid.event, OrderPaid)


def test_why_an_order_was_cancelled_is_left_out(shop: Shop) -> None:
    _, cancelled = left_of(shop, track("Order Cancelled", order_id="A-1", reason="Ada is ill"))
    assert cancelled == OrderCancelled()


def test_the_message_itself_is_not_kept_nor_where_it_came_from(shop: Shop) -> None:
    heard = shop.hears(track(), correlation="shop.events/0@7")
    append = told_by_them(heard)
    assert append is not None
    assert append.message is not None
    assert heard.message is not None
    assert (append.message.original, append.correlation) == (b"", "")
    assert (append.message.id, append.message.content) == (heard.message.id, heard.message.content)
    assert told_by_them(append) is None, "it is nobody's already"


@pytest.mark.parametrize("about", [{}, {"system": True}])
@pytest.mark.parametrize(
    "message",
    [
        {"type": "identify", "userId": "42", "traits": {"name": "Ada"}},
        {"type": "identify", "userId": "42"},
        {"type": "identify", "userId": "42", "anonymousId": "v"},
        {"type": "alias", "userId": "42", "previousId": "v"},
        {"type": "group", "userId": "42", "groupId": "g"},
    ],
)
def test_of_who_somebody_is_nothing_is_left(
    shop: Shop, message: dict[str, Any], about: dict[str, Any]
) -> None:
    assert told_by_them(shop.hears(message, **about)) is None


def test_of_a_systems_report_its_name_is_left(shop: Shop) -> None:
    activity, *of_order = left_of(shop, track("Order Completed", **ORDER), system=True)
    assert activity == Reported(name="Order Completed", content=b"")
    assert len(of_order) == 2


def test_of_a_coupon_that_was_redeemed_only_that_one_was_is_left(shop: Shop) -> None:
    redeemed = left_of(shop, track("Coupon Redeemed", coupon_id="FOR-ADA", order_id="A-1"))
    assert redeemed == [Tracked(name="Coupon Redeemed", content=b"")]


def test_where_it_is_refused_nothing_but_an_order_is_left_and_none_is_begun(shop: Shop) -> None:
    refunded = shop.hears(track("Order Refunded", order_id="A-1", amount="5", reason="Ada is ill"))
    assert refunded.message is not None
    told = {refunded.message.id}
    kept = nobodys(refunded, told)
    assert kept is not None
    assert not kept.goes_on
    assert nobodys_orders(refunded, told) == msgspec.structs.replace(kept, goes_on=True)
    for message in (track(), track("Coupon Redeemed", coupon_id="FOR-ADA", order_id="A-1")):
        heard = shop.hears(message)
        assert heard.message is not None
        assert nobodys_orders(heard, {heard.message.id}) is None


@pytest.mark.parametrize("setting", [nobodys, nobodys_orders])
def test_what_somebody_else_tells_of_their_order_is_theirs_but_for_the_order(
    shop: Shop, setting: Nobodys
) -> None:
    heard = shop.hears(track("Order Refunded", order_id="A-1", amount="5", reason="Ada is ill"))
    order = shop.ids.order("tea", "A-1")
    kept = setting(heard, {order})
    assert kept is not None
    *others, refunded, whose = heard.facts
    assert (refunded.stream, whose.stream) == (order, order)
    assert isinstance(refunded.event, OrderRefunded)
    assert isinstance(whose.event, OrderToldOfAnotherCustomer)
    bare = msgspec.structs.replace(refunded.event, reason=None)
    left = msgspec.structs.replace(refunded, event=bare, who=Who())
    assert kept == msgspec.structs.replace(heard, facts=(*others, left))
    assert setting(kept, {order}) == kept


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda e: e.stored.name)
def test_of_no_fact_anything_personal_is_left(shop: Shop, event: Event) -> None:
    heard = shop.hears(track())
    fact = msgspec.structs.replace(heard.facts[0], event=event, stream=ORDER_STREAM)
    append = told_by_them(msgspec.structs.replace(heard, facts=(heard.facts[0], fact)))
    for kept in () if append is None else append.facts:
        stored = kept.event.stored
        assert stored.name.partition(".")[0] in {"activity", "order"}
        assert all(getattr(kept.event, name) is None for name in stored.personal)


def test_no_mark_of_anybody_is_left(shop: Shop) -> None:
    person = Person(3)
    taken = 0
    for message in planting.told_by_shop(person):
        try:
            append = told_by_them(shop.hears(message))
        except Exception:  # noqa: BLE001, S112  # some are refused for another reason
            continue
        if append is not None:
            taken += 1
            told = msgspec.json.encode(append, enc_hook=repr)
            assert marks.found_in(told) == {}, append
    assert taken >= 6
