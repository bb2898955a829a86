"""A view for the runtime's own tests: one of everything that a view may do."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.campaign.events import CampaignDrafted
from domain.customer.events import Person, TagAdded, TagRemoved, TraitsAsserted
from domain.lifecycle.events import LifecyclePolicyAdopted
from domain.order.events import OrderPaid
from domain.shared.channel import Channel
from domain.shared.events import Event, Fact
from domain.shared.personal import ERASED, Personal
from projections.projection import View
from projections.rows import Key, Row, Rows, Table


class Tally(Row, frozen=True, kw_only=True):
    subject: UUID
    email: Personal[str | None] = None
    email_at: datetime | None = None
    email_position: int | None = None
    facts: int = 0
    last: datetime
    paid: Decimal = Decimal(0)
    tags: tuple[str, ...] = ()
    traits: dict[str, Any] = msgspec.field(default_factory=dict)
    awake: bool = True
    sleeps: datetime | None = None


class Payment(Row, frozen=True, kw_only=True):
    subject: UUID
    stream: UUID
    payment: str
    amount: Decimal
    at: datetime
    position: int


class Story(Row, frozen=True, kw_only=True):
    subject: UUID
    position: int
    at: datetime
    words: str


class Campaign(Row, frozen=True, kw_only=True):
    subject: UUID
    name: str


TALLY = Table("tally", Tally, ("subject",), eager=True)
PAYMENT = Table("payment", Payment, ("subject", "stream", "payment"))
STORY = Table("story", Story, ("subject", "position"), once=True)
CAMPAIGN = Table("campaign", Campaign, ("subject",), eager=True)

tiny = View(
    "tiny",
    version=1,
    tables=(TALLY, PAYMENT, STORY, CAMPAIGN),
    package="tests.projections.runtime",
    shared=(),
    due=(TALLY, "sleeps"),
)


@tiny.on_any()
def _(rows: Rows, fact: Fact, _event: Event) -> None:
    row = rows.get(TALLY) or Tally(subject=rows.subject, last=fact.occurred_at)
    last = max(row.last, fact.occurred_at)
    rows.put(TALLY, replace(row, facts=row.facts + 1, last=last))
    story = Story(
        subject=rows.subject, position=fact.position, at=fact.occurred_at, words=fact.type
    )
    rows.put(STORY, story)


@tiny.on(TraitsAsserted)
def _(rows: Rows, fact: Fact, event: TraitsAsserted) -> None:
    row = rows.get(TALLY)
    assert row is not None
    said = (fact.occurred_at, fact.position)
    if event.person is None:
        return
    email = ERASED if event.person is ERASED else event.person.email
    if row.email_at is None or (row.email_at, row.email_position or 0) < said:
        at, position = said
        rows.put(TALLY, replace(row, email=email, email_at=at, email_position=position))


@tiny.on(TagAdded, TagRemoved)
def _(rows: Rows, _fact: Fact, event: TagAdded | TagRemoved) -> None:
    row = rows.get(TALLY)
    assert row is not None
    rows.put(TALLY, replace(row, tags=tuple(sorted({*row.tags, event.tag}))))


@tiny.on(OrderPaid)
def _(rows: Rows, fact: Fact, event: OrderPaid) -> None:
    before = rows.get(PAYMENT, fact.stream, event.payment)
    if before and (before.at, before.position) > (fact.occurred_at, fact.position):
        return
    payment = Payment(
        subject=rows.subject,
        stream=fact.stream,
        payment=event.payment,
        amount=event.amount,
        at=fact.occurred_at,
        position=fact.position,
    )
    rows.put(PAYMENT, payment)
    row = rows.get(TALLY)
    assert row is not None
    paid = row.paid - (before.amount if before else 0) + event.amount
    rows.put(TALLY, replace(row, paid=paid))


@tiny.wants(OrderPaid)
def _(fact: Fact, event: OrderPaid) -> list[tuple[Table[Payment], Key]]:
    return [(PAYMENT, (fact.stream, event.payment))]


@tiny.on_nobodys(CampaignDrafted)
def _(rows: Rows, _fact: Fact, event: CampaignDrafted) -> None:
    rows.put(CAMPAIGN, Campaign(subject=rows.subject, name=event.name))


@tiny.shares(LifecyclePolicyAdopted)
def _(shared: tuple[int, ...], _fact: Fact, event: LifecyclePolicyAdopted) -> tuple[int, ...]:
    return (*shared, event.silent_after_days)


@tiny.settles
def _(rows: Rows, clock: datetime) -> None:
    row = rows.get(TALLY)
    if row is None:
        return
    sleeps = row.last + timedelta(days=(rows.shared or (90,))[-1])
    awake = clock < sleeps
    rows.put(TALLY, replace(row, awake=awake, sleeps=sleeps if awake else None))


@tiny.combines
def _(rows: Rows, visitor: Rows) -> None:
    theirs = visitor.get(TALLY)
    if theirs is None:
        return
    ours = rows.get(TALLY) or Tally(subject=rows.subject, last=theirs.last)
    merged = replace(
        ours,
        facts=ours.facts + theirs.facts,
        last=max(ours.last, theirs.last),
        tags=tuple(sorted({*ours.tags, *theirs.tags})),
        paid=ours.paid + theirs.paid,
    )
    if theirs.email_at and (
        ours.email_at is None
        or (ours.email_at, ours.email_position or 0) < (theirs.email_at, theirs.email_position or 0)
    ):
        merged = replace(
            merged,
            email=theirs.email,
            email_at=theirs.email_at,
            email_position=theirs.email_position,
        )
    rows.put(TALLY, merged)
    for payment in visitor.all(PAYMENT).values():
        rows.put(PAYMENT, replace(payment, subject=rows.subject))
    for story in visitor.all(STORY).values():
        rows.put(STORY, replace(story, subject=rows.subject))


traits = st.builds(
    TraitsAsserted,
    person=st.builds(Person, email=st.sampled_from(("a@example.com", "b@example.com"))),
)
tags = st.builds(TagAdded, tag=st.sampled_from(("tea", "gift")))
payments = st.builds(
    OrderPaid,
    payment=st.sampled_from(("1", "2")),
    amount=st.decimals(0, 100, places=2),
    currency=st.just("USD"),
)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
campaigns = st.builds(
    CampaignDrafted, code=st.just("c"), name=names, channel=st.just(Channel.EMAIL)
)
policies = st.builds(LifecyclePolicyAdopted, silent_after_days=st.integers(1, 400))
