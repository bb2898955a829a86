"""A scan shows as much of each kind of fact as is asked for, and leaves nobody out."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.campaign.events import CampaignDrafted
from domain.customer.events import CustomerRegistered, Person, TagAdded, TraitsAsserted
from domain.shared.channel import Channel
from domain.shared.depth import Depth
from domain.shared.events import NotRead
from domain.shared.hands import hand_of
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Who
from domain.shared.personal import ERASED
from infra.event_store import EventLog, LogReader
from infra.sealing import PersonKeys

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADA = Ids(b"secret").user("shop", "ada")
SEVERAL = tuple(Ids(b"secret").user("shop", f"c{n}") for n in range(40))
EVENTS = (
    CustomerRegistered(id="ada"),
    TraitsAsserted(traits={"tier": "gold"}, person=Person(email="ada@example.com")),
    TagAdded(tag="tea"),
)


@pytest.fixture
def reader(database_url: str, keys: PersonKeys) -> Iterator[LogReader]:
    """Open a log in which Ada registered, said who she is, and was tagged."""
    drafts = tuple(Draft(event=e, occurred_at=NOON, who=Who(user=ADA)) for e in EVENTS)
    with closing(EventLog(database_url, keys)) as log:
        log.append(Append(facts=drafts, actor=Actor("key", "1"), shop="shop", source="site"))
    with closing(LogReader(database_url, keys)) as opened:
        yield opened


@pytest.fixture
def log_of_many(database_url: str, keys: PersonKeys) -> Iterator[LogReader]:
    """Open a log of several customers, and a campaign among their facts."""
    drafts = [
        Draft(event=event, occurred_at=NOON, who=Who(user=customer))
        for event in EVENTS
        for customer in SEVERAL
    ]
    campaign = CampaignDrafted(code="spring", name="Spring", channel=Channel.EMAIL)
    drafts.insert(7, Draft(event=campaign, occurred_at=NOON, stream=uuid4()))
    with closing(EventLog(database_url, keys)) as log:
        log.append(Append(facts=tuple(drafts), actor=Actor("key", "1"), shop="shop", source="site"))
    with closing(LogReader(database_url, keys)) as opened:
        yield opened


def test_what_is_not_asked_for_is_left_out_unread_or_closed(reader: LogReader) -> None:
    depths = {
        "customer.registered": Depth.NOTHING,
        "customer.traits-asserted": Depth.CLEAR,
        "customer.tag-added": Depth.KIND,
    }
    ((asserted, tagged),) = reader.scan([0], 1, upto=3, depths=depths)
    assert asserted[0] == tagged[0] == ADA
    traits, tag = asserted[1].event, tagged[1].event
    assert isinstance(traits, TraitsAsserted)
    assert traits.traits == {"tier": "gold"}
    assert traits.person is ERASED
    assert isinstance(tag, TagAdded)
    assert tagged[1].position == 3
    with pytest.raises(NotRead):
        assert tag.tag == "tea"


def test_what_nobody_speaks_of_is_shown_whole(reader: LogReader) -> None:
    (chunk,) = reader.scan([0], 1, upto=3)
    assert tuple(fact.event for _, fact in chunk) == EVENTS


@pytest.mark.parametrize("of", [3, 8, 64, 1_000])
def test_every_customer_is_in_one_slot_of_any_number(reader: LogReader, of: int) -> None:
    found = [slot for slot in range(of) if list(reader.scan([slot], of, upto=3))]
    assert found == [(ADA.int >> 96) % of]


@pytest.mark.parametrize("hands", [1, 2, 7])
def test_every_customer_is_dealt_into_one_hand_in_order(log_of_many: LogReader, hands: int) -> None:
    """Whether it was read at once or waited on disk, all of it is there as it was scanned."""
    end = log_of_many.last()
    scanned = [told for chunk in log_of_many.scan([0], 1, upto=end) for told in chunk]
    dealt = [
        [told for chunk in hand for told in chunk]
        for hand in log_of_many.deal([0], 1, hands=hands, upto=end)
    ]
    assert dealt == [
        [(c, f) for c, f in scanned if c is None or hand_of(c, hands) == hand]
        for hand in range(hands)
    ]
    assert {c for c, _ in scanned if c is not None} == set(SEVERAL)


def test_a_hand_that_was_not_gone_through_leaves_the_others_whole(log_of_many: LogReader) -> None:
    end = log_of_many.last()
    hands = log_of_many.deal([0], 1, hands=2, upto=end)
    next(hands)
    scanned = [told for chunk in log_of_many.scan([0], 1, upto=end) for told in chunk]
    assert [told for chunk in next(hands) for told in chunk] == [
        (c, f) for c, f in scanned if c is None or hand_of(c, 2) == 1
    ]
