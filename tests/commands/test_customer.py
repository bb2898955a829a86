"""A customer is asked over all identities that are theirs."""

from datetime import timedelta

import pytest

from commands.customer import (
    AddNote,
    AddTag,
    AssertTraits,
    GrantConsent,
    RegisterCustomer,
    RemoveTag,
    StateKind,
    WithdrawConsent,
)
from commands.work import Command
from domain.customer.events import (
    ConsentGranted,
    ConsentWithdrawn,
    Kind,
    KindStated,
    NoteAdded,
    Person,
    TagAdded,
    TagRemoved,
    TraitsAsserted,
)
from domain.shared.channel import Channel
from domain.shared.events import Event
from domain.shared.log import Append, Draft, Recognition, Who
from domain.shared.refusals import NotFound
from infra.event_store import EventLog
from tests.commands.desk import ADA, IDS, LIN, NOON, Ask, Facts, answer, events

VISITOR = IDS.anonymous("shop", "v-1")
register = RegisterCustomer(customer=ADA)
grant = GrantConsent(
    customer=ADA, channel=Channel.EMAIL, purpose="news", source="desk", wording="v1"
)
withdraw = WithdrawConsent(
    customer=ADA, channel=Channel.EMAIL, purpose="news", source="desk", wording="v1"
)
granted = ConsentGranted(channel=Channel.EMAIL, purpose="news", source="desk", wording="v1")
withdrawn = ConsentWithdrawn(channel=Channel.EMAIL, purpose="news", source="desk", wording="v1")


@pytest.mark.parametrize(
    ("command", "fact"),
    [
        (
            AssertTraits(customer=ADA, person=Person(email="a@b.example"), traits={"plan": "gold"}),
            TraitsAsserted(person=Person(email="a@b.example"), traits={"plan": "gold"}),
        ),
        (
            AssertTraits(customer=ADA, private={"shoe": 38}),
            TraitsAsserted(private={"shoe": 38}),
        ),
        (StateKind(customer=ADA, kind=Kind.COMPANY), KindStated(kind=Kind.COMPANY)),
        (grant, granted),
        (withdraw, withdrawn),
        (AddTag(customer=ADA, tag="vip"), TagAdded(tag="vip")),
        (
            AddNote(customer=ADA, note=VISITOR, text="Hi"),
            NoteAdded(note=VISITOR, text="Hi"),
        ),
    ],
    ids=lambda p: type(p).__name__,
)
def test_each_command_is_its_fact_once(
    ask: Ask, facts: Facts, command: Command, fact: Event
) -> None:
    with pytest.raises(NotFound):
        ask(command)
    ask(register)
    assert ask(command).recorded == 1
    assert ask(command).recorded == 0
    assert events(facts())[1:] == [fact]


def test_a_tag_goes_as_it_came(ask: Ask, facts: Facts) -> None:
    ask(register)
    remove = RemoveTag(customer=ADA, tag="vip")
    assert ask(remove).recorded == 0
    ask(AddTag(customer=ADA, tag="vip"))
    assert ask(remove).recorded == 1
    assert events(facts())[-1] == TagRemoved(tag="vip")


@pytest.fixture
def recognised(ask: Ask, event_log: EventLog) -> None:
    """Ada was a visitor who agreed to news, and then logged in."""
    who = Who(anonymous=VISITOR)
    event_log.append(
        Append(
            facts=(Draft(event=granted, occurred_at=NOON, who=who),),
            actor=LIN,
            shop="shop",
            source="site",
        )
    )
    ask(register)
    event_log.append(
        Append(
            facts=(),
            actor=LIN,
            shop="shop",
            source="site",
            recognition=Recognition(visitor=VISITOR, user=ADA, occurred_at=NOON),
        )
    )


@pytest.mark.usefixtures("recognised")
def test_what_the_visitor_said_counts_for_the_customer(ask: Ask, facts: Facts) -> None:
    before = len(facts())
    assert ask(grant).recorded == 0
    assert ask(withdraw).recorded == 1
    assert len(facts()) == before + 1
    last = facts()[-1]
    assert (last.event, last.stream, last.subject) == (withdrawn, ADA, ADA)


@pytest.mark.usefixtures("recognised")
def test_what_is_said_to_the_visitor_is_the_customers(ask: Ask, facts: Facts) -> None:
    ask(AddTag(customer=VISITOR, tag="vip"))
    last = facts()[-1]
    assert (last.origin, last.subject) == (VISITOR, ADA)
    assert ask(AddTag(customer=ADA, tag="vip")).recorded == 0


@pytest.mark.usefixtures("recognised")
def test_the_version_is_of_the_identity_that_is_addressed(ask: Ask) -> None:
    version = answer(ask(register))["version"]
    assert answer(ask(AddTag(customer=ADA, tag="vip"), if_match=version))["version"] == version + 1


def test_the_last_word_is_the_last_that_was_said_not_the_last_that_came(
    ask: Ask, facts: Facts
) -> None:
    ask(register)
    ask(withdraw)
    earlier = GrantConsent(
        customer=ADA,
        channel=Channel.EMAIL,
        purpose="news",
        source="desk",
        wording="v1",
        occurred_at=NOON - timedelta(days=1),
    )
    assert ask(earlier).recorded == 1
    assert ask(withdraw).recorded == 0
    assert ask(grant).recorded == 1
    assert len(facts()) == 4
