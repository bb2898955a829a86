"""Of a message about somebody forgotten is kept what was done, and nothing that tells by whom."""

from typing import Any
from uuid import UUID

import msgspec
import pytest

from commands.shop import nobodys
from domain.activity.events import PageViewed, Reported, Tracked
from domain.order.events import Line, OrderCancelled, OrderPaid, OrderPlaced
from domain.shared.events import Event
from domain.shared.log import Who
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


def left_of(shop: Shop, message: dict[str, Any], **about: Any) -> list[Event]:
    """Return what is kept of a message, its activity without its digest."""
    append = nobodys(shop.hears(message, **about))
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


def test_what_is_called_by_an_address_is_not_kept(shop: Shop) -> None:
    assert left_of(shop, track("Seen by ada@example.com", product_id="tea")) == []


def test_of_a_page_its_name_is_left(shop: Shop) -> None:
    page = {"type": "page", "userId": "42", "name": "Home", "properties": {"title": "Hi, Ada"}}
    assert left_of(shop, page) == [PageViewed(name="Home", content=b"")]


def test_an_order_is_a_guests(shop: Shop) -> None:
    append = nobodys(shop.hears(track("Order Completed", **ORDER)))
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
    append = nobodys(heard)
    assert append is not None
    assert append.message is not None
    assert heard.message is not None
    assert (append.message.original, append.correlation) == (b"", "")
    assert (append.message.id, append.message.content) == (heard.message.id, heard.message.content)
    assert nobodys(append) is None, "it is nobody's already"


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
    assert nobodys(shop.hears(message, **about)) is None


def test_of_a_systems_report_its_name_is_left(shop: Shop) -> None:
    activity, *of_order = left_of(shop, track("Order Completed", **ORDER), system=True)
    assert activity == Reported(name="Order Completed", content=b"")
    assert len(of_order) == 2


def test_of_a_coupon_that_was_redeemed_only_that_one_was_is_left(shop: Shop) -> None:
    redeemed = left_of(shop, track("Coupon Redeemed", coupon_id="FOR-ADA", order_id="A-1"))
    assert redeemed == [Tracked(name="Coupon Redeemed", content=b"")]


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda e: e.stored.name)
def test_of_no_fact_anything_personal_is_left(shop: Shop, event: Event) -> None:
    heard = shop.hears(track())
    fact = msgspec.structs.replace(heard.facts[0], event=event, stream=ORDER_STREAM)
    append = nobodys(msgspec.structs.replace(heard, facts=(heard.facts[0], fact)))
    for kept in () if append is None else append.facts:
        stored = kept.event.stored
        assert stored.name.partition(".")[0] in {"activity", "order"}
        assert all(getattr(kept.event, name) is None for name in stored.personal)


def test_no_mark_of_anybody_is_left(shop: Shop) -> None:
    person = Person(3)
    taken = 0
    for message in planting.told_by_shop(person):
        try:
            append = nobodys(shop.hears(message))
        except Exception:  # noqa: BLE001, S112  # some are refused for another reason
            continue
        if append is not None:
            taken += 1
            told = msgspec.json.encode(append, enc_hook=repr)
            assert marks.found_in(told) == {}, append
    assert taken >= 6
