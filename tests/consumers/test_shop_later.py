"""What is published to the shops' topic of somebody forgotten, under either setting."""

import pytest

from domain.shared.events import Fact
from tests.consumers.test_shop import VIEWED, Topic, eventually, ingesting, topic

__all__ = ["topic"]

pytestmark = pytest.mark.kafka

EVENTS = (
    {**VIEWED, "messageId": "m1", "properties": {"url": "https://shop.example/?q=ada"}},
    {**VIEWED, "messageId": "m1", "properties": {"url": "https://shop.example/?q=ada"}},
    {"type": "identify", "userId": "42", "traits": {"name": "Ada"}},
    {**VIEWED, "messageId": "m2", "userId": "43"},
)


ORDERED = {
    "type": "track",
    "userId": "42",
    "event": "Order Completed",
    "properties": {"order_id": "A-1", "total": "19.90"},
}
REFUNDED = {**ORDERED, "event": "Order Refunded", "properties": {"order_id": "A-1", "reason": "!"}}


def recorded(topic: Topic, setting: str) -> list[Fact]:
    """Publish events of two, of whom one is forgotten; return the facts of what they did."""
    topic.settings = topic.settings.model_copy(update={"forgotten": setting})
    topic.keys.forget([topic.ids.user("shop", "42")])
    topic.publish(*EVENTS)
    with ingesting(topic):
        eventually(lambda: topic.committed() == len(EVENTS), "the offset")
    assert topic.refused.page(after=None, reason=None, limit=10) == []
    return [fact for fact in topic.facts() if fact.type == "activity.tracked"]


def test_it_is_refused(topic: Topic) -> None:
    (others,) = recorded(topic, "refuse")
    assert others.origin == topic.ids.user("shop", "43")


def test_it_is_kept_as_nobodys_and_not_where_it_came_from(topic: Topic) -> None:
    nobodys, others = recorded(topic, "nobody")
    assert (nobodys.origin, nobodys.subject, nobodys.correlation) == (None, None, "")
    assert getattr(nobodys.event, "private", "") is None
    assert others.correlation != ""


@pytest.mark.parametrize("setting", ["refuse", "nobody"])
def test_an_order_that_was_theirs_goes_on_whoever_tells_it(topic: Topic, setting: str) -> None:
    topic.settings = topic.settings.model_copy(update={"forgotten": setting})
    told = [
        {**ORDERED, "messageId": "o1"},
        {**REFUNDED, "messageId": "o2"},
        {**REFUNDED, "messageId": "o3", "userId": "43"},
    ]
    ada, bob = (topic.ids.user("shop", user) for user in ("42", "43"))
    topic.publish(told[0])
    with ingesting(topic):
        eventually(lambda: topic.committed() == 1, "the order")
    topic.keys.forget([ada])
    topic.publish(*told[1:])
    with ingesting(topic):
        eventually(lambda: topic.committed() == len(told), "the refunds")
    facts = topic.facts()
    refunds = [fact for fact in facts if fact.type == "order.refunded"]
    assert [(fact.origin, getattr(fact.event, "reason", "")) for fact in refunds] == [
        (ada, None),
        (ada, None),
    ]
    tellers = [fact.origin for fact in facts if fact.type == "activity.tracked"]
    assert tellers == [ada, None, bob]
    assert "order.told-of-another-customer" not in {fact.type for fact in facts}
