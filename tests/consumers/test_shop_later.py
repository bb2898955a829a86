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
