"""What is said to the log in tests, in few words."""

from datetime import UTC, datetime
from uuid import UUID

from domain.activity.events import Tracked
from domain.shared.events import Event
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Message, Who

IDS = Ids(b"secret")
SITE = Actor("key", "site")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADA = IDS.user("shop", "ada")


def said(*facts: Draft, message: str | None = None, **more: object) -> Append:
    sent = (
        Message(
            id=IDS.message("shop", "site", message),
            content=IDS.content(str(more.pop("content", "same")).encode()),
            original=b"{}",
        )
        if message
        else None
    )
    return Append(facts=facts, actor=SITE, shop="shop", source="site", message=sent, **more)  # type: ignore[arg-type]  # a test's shorthand


def viewed(message: str, *, user: str | None = None, visitor: str | None = None) -> Append:
    who = Who(
        user=IDS.user("shop", user) if user else None,
        anonymous=IDS.anonymous("shop", visitor) if visitor else None,
    )
    event = Tracked(name="Product Viewed", content=b"digest")
    draft = Draft(
        event=event, occurred_at=NOON, who=who, stream=IDS.message("shop", "site", message)
    )
    return said(draft, message=message)


def of(customer: UUID, event: Event, *, first: bool = False) -> Draft:
    return Draft(event=event, occurred_at=NOON, who=Who(user=customer), first=first)
