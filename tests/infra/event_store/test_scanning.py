"""A scan shows as much of each kind of fact as is asked for, and leaves nobody out."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.customer.events import CustomerRegistered, Person, TagAdded, TraitsAsserted
from domain.shared.depth import Depth
from domain.shared.events import NotRead
from domain.shared.ids import Ids
from domain.shared.log import Actor, Append, Draft, Who
from domain.shared.personal import ERASED
from infra.event_store import EventLog, LogReader
from infra.keyring import Keyring
from infra.postgres import KEEPER, pool
from infra.sealing import PersonKeys

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADA = Ids(b"secret").user("shop", "ada")
EVENTS = (
    CustomerRegistered(id="ada"),
    TraitsAsserted(traits={"tier": "gold"}, person=Person(email="ada@example.com")),
    TagAdded(tag="tea"),
)


@pytest.fixture
def reader(database_url: str, tmp_path: Path) -> Iterator[LogReader]:
    """Open a log in which Ada registered, said who she is, and was tagged."""
    with pool(database_url, KEEPER) as keeper:
        keys = PersonKeys(keeper, Keyring.open(tmp_path / "keyring.json"))
        drafts = tuple(Draft(event=e, occurred_at=NOON, who=Who(user=ADA)) for e in EVENTS)
        with closing(EventLog(database_url, keys)) as log:
            log.append(Append(facts=drafts, actor=Actor("key", "1"), shop="shop", source="site"))
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
